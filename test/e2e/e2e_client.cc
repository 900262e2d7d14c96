// SPDX-License-Identifier: Apache-2.0
// A small application for the end-to-end tests, driven by run.py:
//
//   e2e_client send    namesrv=H:P topic=T first=0 count=1000 [window=32] [ca=FILE]
//   e2e_client receive namesrv=H:P topic=T group=G [ca=FILE] [journal=yes]
//   e2e_client journal namesrv=H:P topic=T first=0 file=F [window=32] [rate=0] [avoid=yes]
//   e2e_client queues  namesrv=H:P topic=T [ca=FILE]
//
// `send` prints "acked N" or "failed N why" for every message; `receive` prints "got N" until its standard
// input ends, for messages of `send`, or with journal=yes of `journal` (journal_sender.h), whose avoid=yes
// keeps away from brokers that were slow or failed; `queues` prints how many queues the topic's route has, or
// "none why". Each ends with "end".
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "orbitmq/producer.h"
#include "orbitmq/push_consumer.h"
#include "test/e2e/journal_sender.h"

namespace {

using Words = std::map<std::string, std::string, std::less<>>;

std::string Text(const Words& words, std::string_view name) {
  const auto found = words.find(name);
  return found == words.end() ? "" : found->second;
}

int Number(const Words& words, std::string_view name, int fallback) {
  const std::string text = Text(words, name);
  int value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void Print(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

orbitmq::ClientOptions CommonOptions(const Words& words) {
  orbitmq::ClientOptions options;
  options.namesrv_addr = Text(words, "namesrv");
  options.route_poll_interval = orbitmq::Millis(1000);
  options.tls.enabled = !Text(words, "ca").empty();
  options.tls.trusted_ca_path = Text(words, "ca");
  return options;
}

// Messages are their numbers, padded so that a cut body shows.
std::string BodyOf(int64_t number) {
  char body[40];
  std::snprintf(body, sizeof(body), "message %08lld.", static_cast<long long>(number));
  return body;
}

orbitmq::Result<orbitmq::Producer> StartProducer(const Words& words) {
  orbitmq::ProducerOptions options;
  options.client = CommonOptions(words);
  options.group = "e2e_senders";
  return orbitmq::Producer::Start(std::move(options));
}

int Send(const Words& words) {
  auto producer = StartProducer(words);
  if (!producer.ok()) return Print("error " + producer.status().ToString()), 1;
  std::mutex mutex;
  std::condition_variable changed;
  int under_way = 0;
  const int first = Number(words, "first", 0);
  const int end = first + Number(words, "count", 1);
  const int window = Number(words, "window", 32);
  for (int number = first; number < end; ++number) {
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return under_way < window; });
      ++under_way;
    }
    orbitmq::Message message;
    message.topic = Text(words, "topic");
    message.body = BodyOf(number);
    producer->SendAsync(std::move(message), {},
                        [&, number](const orbitmq::Result<orbitmq::SendResult>& result) {
                          const bool stored = result.ok() && result->status == orbitmq::SendStatus::kOk;
                          Print((stored ? "acked " : "failed ") + std::to_string(number) +
                                (result.ok() ? "" : " " + result.status().ToString()));
                          const std::lock_guard<std::mutex> lock(mutex);
                          --under_way;
                          changed.notify_all();
                        });
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return under_way == 0; });
  lock.unlock();
  (void)producer->Shutdown(orbitmq::Millis(3000));
  return 0;
}

int Receive(const Words& words) {
  orbitmq::PushConsumerOptions options;
  options.client = CommonOptions(words);
  options.group = Text(words, "group");
  options.subscriptions = {{Text(words, "topic"), "*"}};
  options.consume_from = orbitmq::ConsumeFrom::kFirstOffset;
  options.consume_threads = 2;
  options.rebalance_interval = orbitmq::Millis(1000);
  const bool journal = !Text(words, "journal").empty();
  auto consumer = orbitmq::PushConsumer::Start(
      std::move(options),
      [journal](std::span<const orbitmq::ReceivedMessage> messages, orbitmq::ConsumeContext&) {
        for (const orbitmq::ReceivedMessage& message : messages) {
          int64_t number = -1;
          const std::string_view body = message.body();
          if (body.size() > 8) std::from_chars(body.data() + 8, body.data() + body.size(), number);
          const bool journalled = journal && number >= 0;
          const std::string due = journalled ? orbitmq::e2e::JournalBody(number) : BodyOf(number);
          Print(body == due ? "got " + std::to_string(number) : "damaged " + std::string(body));
        }
        return orbitmq::ConsumeResult::kSuccess;
      });
  if (!consumer.ok()) return Print("error " + consumer.status().ToString()), 1;
  Print("started");
  while (std::getchar() != EOF) {
  }
  (void)consumer->Shutdown(orbitmq::Millis(3000));
  return 0;
}

int KeepJournal(const Words& words) {
  orbitmq::ProducerOptions options;
  options.client = CommonOptions(words);
  options.group = "e2e_journals";
  options.retries = 0;
  options.latency_fault_avoidance = !Text(words, "avoid").empty();
  auto producer = orbitmq::Producer::Start(std::move(options));
  if (!producer.ok()) return Print("error " + producer.status().ToString()), 1;
  const int code = orbitmq::e2e::RunJournalSender({.topic = Text(words, "topic"),
                                                   .first = Number(words, "first", 0),
                                                   .window = Number(words, "window", 32),
                                                   .rate = Number(words, "rate", 0),
                                                   .path = Text(words, "file")},
                                                  *producer);
  (void)producer->Shutdown(orbitmq::Millis(3000));
  return code;
}

int Queues(const Words& words) {
  auto producer = StartProducer(words);
  if (!producer.ok()) return Print("error " + producer.status().ToString()), 1;
  const auto queues = producer->PublishQueues(Text(words, "topic"));
  Print(queues.ok() ? "queues " + std::to_string(queues->size()) : "none " + queues.status().ToString());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Words words;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const size_t at = word.find('=');
    if (at != std::string_view::npos) words[std::string(word.substr(0, at))] = word.substr(at + 1);
  }
  const std::string_view command = argc > 1 ? argv[1] : "";
  int code = 2;
  if (command == "send") code = Send(words);
  if (command == "receive") code = Receive(words);
  if (command == "journal") code = KeepJournal(words);
  if (command == "queues") code = Queues(words);
  if (code == 2)
    std::fprintf(stderr, "usage: e2e_client send|receive|journal|queues namesrv=H:P topic=T ...\n");
  Print("end");
  return code;
}

// SPDX-License-Identifier: Apache-2.0
// Gives a message back twice before it takes it: the broker delivers it again after 10 s, then after 30 s.
// After reconsume_times_max tries it would go to the dead letter queue "%DLQ%<group>".
//   retry_consumer 127.0.0.1:9876 TopicTest my-group
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "orbitmq/producer.h"
#include "orbitmq/push_consumer.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s NAMESERVER TOPIC GROUP\n", argv[0]);
    return 2;
  }
  // The message first, so that the topic exists.
  orbitmq::ProducerOptions producer_options;
  producer_options.client.namesrv_addr = argv[1];
  producer_options.group = "example-retry-producer";
  auto producer = orbitmq::Producer::Start(producer_options);
  if (!producer.ok()) {
    std::fprintf(stderr, "%s\n", producer.status().ToString().c_str());
    return 1;
  }
  orbitmq::Message message;
  message.topic = argv[2];
  message.body = "hard to digest";
  const auto sent = producer->Send(message);
  if (!sent.ok()) {
    std::fprintf(stderr, "%s\n", sent.status().ToString().c_str());
    return 1;
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool taken = false;
  orbitmq::PushConsumerOptions options;
  options.client.namesrv_addr = argv[1];
  options.group = argv[3];
  options.subscriptions = {{argv[2]}};
  options.consume_from = orbitmq::ConsumeFrom::kFirstOffset;
  options.reconsume_times_max = 16;
  auto consumer = orbitmq::PushConsumer::Start(
      options, [&](std::span<const orbitmq::ReceivedMessage> messages, orbitmq::ConsumeContext&) {
        // The id is the same at every try, so it can tell whether a message was handled before.
        const orbitmq::ReceivedMessage& received = messages.front();
        if (received.message_id() != sent->message_id) return orbitmq::ConsumeResult::kSuccess;
        std::printf("try %d of %s\n", received.reconsume_times() + 1, sent->message_id.c_str());
        if (received.reconsume_times() < 2) return orbitmq::ConsumeResult::kReconsumeLater;
        const std::lock_guard<std::mutex> lock(mutex);
        taken = true;
        changed.notify_all();
        return orbitmq::ConsumeResult::kSuccess;
      });
  if (!consumer.ok()) {
    std::fprintf(stderr, "%s\n", consumer.status().ToString().c_str());
    return 1;
  }
  std::unique_lock<std::mutex> lock(mutex);
  const bool in_time = changed.wait_for(lock, std::chrono::minutes(2), [&] { return taken; });
  std::printf(in_time ? "taken\n" : "not taken within two minutes\n");
  return in_time ? 0 : 1;
}

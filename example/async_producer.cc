// SPDX-License-Identifier: Apache-2.0
// Sends without waiting for each answer. Every SendAsync ends in exactly one callback; the program bounds how
// many are under way and waits for the last one.
//   async_producer 127.0.0.1:9876 TopicTest 100000
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "orbitmq/producer.h"

namespace {

class UnderWay {
 public:
  void Begin(int most) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count_ < most; });
    ++count_;
  }
  void End(const orbitmq::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --count_;
    if (!status.ok() && ++failures_ == 1) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    changed_.notify_all();
  }
  int WaitForAll() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count_ == 0; });
    return failures_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  int failures_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s NAMESERVER TOPIC COUNT\n", argv[0]);
    return 2;
  }
  int count = 0;
  const std::string_view text = argv[3];
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || count < 1) {
    std::fprintf(stderr, "COUNT '%s' is no number from 1 to 2147483647\n", argv[3]);
    return 2;
  }
  orbitmq::ProducerOptions options;
  options.client.namesrv_addr = argv[1];
  options.group = "example-async-producer";
  auto producer = orbitmq::Producer::Start(options);
  if (!producer.ok()) {
    std::fprintf(stderr, "%s\n", producer.status().ToString().c_str());
    return 1;
  }

  UnderWay under_way;
  for (int i = 0; i < count; ++i) {
    under_way.Begin(1000);
    orbitmq::Message message;
    message.topic = argv[2];
    message.body = "message " + std::to_string(i);
    producer->SendAsync(message, {}, [&under_way](const orbitmq::Result<orbitmq::SendResult>& result) {
      under_way.End(result.status());
    });
  }
  const int failures = under_way.WaitForAll();
  std::printf("%d sent, %d failed\n", count - failures, failures);
  return failures == 0 ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
// Prints the messages of a topic until Enter is pressed. Start it twice with the same group, and the two
// share the queues.
//   simple_consumer 127.0.0.1:9876 TopicTest my-group "even || odd"
#include <cstdio>
#include <mutex>

#include "orbitmq/push_consumer.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s NAMESERVER TOPIC GROUP [TAGS]\n", argv[0]);
    return 2;
  }
  orbitmq::PushConsumerOptions options;
  options.client.namesrv_addr = argv[1];
  options.group = argv[3];
  options.subscriptions = {{argv[2], argc > 4 ? argv[4] : "*"}};
  options.consume_from = orbitmq::ConsumeFrom::kFirstOffset;

  std::mutex output;  // The listener runs on several threads at once.
  auto consumer = orbitmq::PushConsumer::Start(
      options,
      [&output](std::span<const orbitmq::ReceivedMessage> messages, orbitmq::ConsumeContext& context) {
        const std::lock_guard<std::mutex> lock(output);
        for (const orbitmq::ReceivedMessage& message : messages) {
          std::printf("%s/%d@%lld  [%.*s]  %.*s\n", context.queue.broker_name.c_str(), context.queue.queue_id,
                      static_cast<long long>(message.queue_offset()), static_cast<int>(message.tag().size()),
                      message.tag().data(), static_cast<int>(message.body().size()), message.body().data());
        }
        return orbitmq::ConsumeResult::kSuccess;
      });
  if (!consumer.ok()) {
    std::fprintf(stderr, "%s\n", consumer.status().ToString().c_str());
    return 1;
  }
  std::printf("consuming as %s; press Enter to stop\n", consumer->client_id().c_str());
  std::getchar();
  return 0;  // The destructor commits what was consumed and leaves the group.
}

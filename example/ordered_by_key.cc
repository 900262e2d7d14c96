// SPDX-License-Identifier: Apache-2.0
// Keeps the messages of one order in one queue, in the order in which they were sent: equal sharding keys go
// to the same queue (also the one that Java's SelectMessageQueueByHash picks) as long as the number of queues
// stays.
//
// What this does not promise: that a PushConsumer handles them in that order. Its listener runs in parallel,
// for messages of the same queue too. With consume_threads = 1 calls come one after the other, but a message
// that is given back is delivered again later, behind the others.
//   ordered_by_key 127.0.0.1:9876 TopicTest
#include <cstdio>
#include <string>

#include "orbitmq/producer.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s NAMESERVER TOPIC\n", argv[0]);
    return 2;
  }
  orbitmq::ProducerOptions options;
  options.client.namesrv_addr = argv[1];
  options.group = "example-ordered-producer";
  auto producer = orbitmq::Producer::Start(options);
  if (!producer.ok()) {
    std::fprintf(stderr, "%s\n", producer.status().ToString().c_str());
    return 1;
  }

  const char* const steps[] = {"created", "paid", "shipped"};
  for (const char* step : steps) {
    for (int order = 0; order < 4; ++order) {
      orbitmq::Message message;
      message.topic = argv[2];
      message.tag = step;
      message.body = "order " + std::to_string(order) + " " + step;
      orbitmq::SendOptions to;
      to.sharding_key = "order-" + std::to_string(order);
      // Wait for each answer: the next step must not overtake it.
      const auto sent = producer->Send(message, to);
      if (!sent.ok()) {
        std::fprintf(stderr, "%s\n", sent.status().ToString().c_str());
        return 1;
      }
      std::printf("%-16s queue %d offset %lld\n", message.body.c_str(), sent->queue.queue_id,
                  static_cast<long long>(sent->queue_offset));
    }
  }

  // The same with a rule of one's own: all urgent orders into the first queue.
  orbitmq::Message urgent;
  urgent.topic = argv[2];
  urgent.body = "urgent order";
  orbitmq::SendOptions first;
  first.selector = [](const std::vector<orbitmq::MessageQueue>&, const orbitmq::Message&) {
    return size_t{0};
  };
  const auto sent = producer->Send(urgent, first);
  if (sent.ok()) std::printf("%-16s queue %d\n", urgent.body.c_str(), sent->queue.queue_id);
  return sent.ok() ? 0 : 1;
}

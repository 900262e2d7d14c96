// SPDX-License-Identifier: Apache-2.0
// Sends ten messages, one after the other, and prints where each one lies.
//   simple_producer 127.0.0.1:9876 TopicTest
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
  options.group = "example-producer";
  auto producer = orbitmq::Producer::Start(options);
  if (!producer.ok()) {
    std::fprintf(stderr, "%s\n", producer.status().ToString().c_str());
    return 1;
  }

  for (int i = 0; i < 10; ++i) {
    orbitmq::Message message;
    message.topic = argv[2];
    message.tag = i % 2 == 0 ? "even" : "odd";
    message.keys = {"order-" + std::to_string(i)};
    message.body = "hello " + std::to_string(i);
    const auto sent = producer->Send(message);
    if (!sent.ok()) {
      // persisted() tells whether the broker may have it all the same, retriable() whether to try again.
      std::fprintf(stderr, "message %d: %s\n", i, sent.status().ToString().c_str());
      return 1;
    }
    std::printf("%s  %s queue %d offset %lld\n", sent->message_id.c_str(), sent->queue.broker_name.c_str(),
                sent->queue.queue_id, static_cast<long long>(sent->queue_offset));
  }
  return 0;  // The destructor says goodbye to the brokers.
}

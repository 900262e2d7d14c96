// SPDX-License-Identifier: Apache-2.0
// Sends many small messages in few requests: each batch goes to one queue and gets consecutive offsets. A
// batch has a largest size, so a long list is sent in parts.
//   batch_producer 127.0.0.1:9876 TopicTest
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "orbitmq/producer.h"

namespace {

constexpr size_t kBatchBytes = 256 * 1024;
constexpr size_t kOverheadBytes = 128;  // Of one message in a batch: lengths and properties, generously.

// Takes messages from the front of `all` until the batch is full.
std::vector<orbitmq::Message> NextBatch(std::vector<orbitmq::Message>& all, size_t& at) {
  std::vector<orbitmq::Message> batch;
  size_t bytes = 0;
  while (at < all.size() && (batch.empty() || bytes + all[at].body.size() + kOverheadBytes <= kBatchBytes)) {
    bytes += all[at].body.size() + kOverheadBytes;
    batch.push_back(std::move(all[at++]));
  }
  return batch;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s NAMESERVER TOPIC\n", argv[0]);
    return 2;
  }
  orbitmq::ProducerOptions options;
  options.client.namesrv_addr = argv[1];
  options.group = "example-batch-producer";
  auto producer = orbitmq::Producer::Start(options);
  if (!producer.ok()) {
    std::fprintf(stderr, "%s\n", producer.status().ToString().c_str());
    return 1;
  }

  std::vector<orbitmq::Message> all(5000);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].topic = argv[2];
    all[i].body = "reading " + std::to_string(i);
  }
  for (size_t at = 0; at < all.size();) {
    auto batch = NextBatch(all, at);
    const size_t count = batch.size();
    const auto sent = producer->SendBatch(std::move(batch));
    if (!sent.ok()) {
      std::fprintf(stderr, "%s\n", sent.status().ToString().c_str());
      return 1;
    }
    std::printf("%zu messages to queue %d, from offset %lld\n", count, sent->queue.queue_id,
                static_cast<long long>(sent->queue_offset));
  }
  return 0;
}

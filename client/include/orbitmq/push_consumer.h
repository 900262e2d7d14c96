// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orbitmq/client_options.h"
#include "orbitmq/export.h"
#include "orbitmq/message_listener.h"
#include "orbitmq/message_queue.h"
#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq {

namespace client {
class PushConsumerCore;
}

enum class MessageModel : uint8_t {
  kClustering,    // The members of the group share the queues; the broker keeps the offsets.
  kBroadcasting,  // Every member gets everything; nothing is given back to the broker, and offsets live in
                  // memory only, so that a restarted member begins at `consume_from` again.
};

// Where a group begins in a queue in which it has no offset yet. The broker lets a new group begin at the
// oldest message while the queue's first message is still in its memory, whatever is asked for here.
enum class ConsumeFrom : uint8_t { kLastOffset, kFirstOffset, kTimestamp };

// How the members of a group divide the queues; every member must use the same one.
enum class AllocationStrategy : uint8_t { kAveragely, kAveragelyByCircle, kConsistentHash };

struct Subscription {
  std::string topic;
  // "*" = everything, or tags: "paid || shipped".
  std::string expression = "*";
};

// Defaults are those of the Java client. Start() checks every range.
struct PushConsumerOptions {
  ClientOptions client;
  // 1..120 characters of [A-Za-z0-9_%|-]; not "DEFAULT_CONSUMER".
  std::string group;
  std::vector<Subscription> subscriptions;
  MessageModel model = MessageModel::kClustering;
  ConsumeFrom consume_from = ConsumeFrom::kLastOffset;
  // With kTimestamp; unset = half an hour before Start.
  std::optional<WallTime> consume_timestamp;
  AllocationStrategy allocation = AllocationStrategy::kAveragely;
  // Threads of this consumer that run the listener: 1..1000.
  int consume_threads = 20;
  // Messages per call of the listener at most: 1..1024.
  int consume_batch_size = 1;
  // Messages per pull at most: 1..1024.
  int pull_batch_size = 32;
  // A queue pauses while more than this waits or runs: messages 1..65535, MiB 1..1024, and the distance
  // between its first and last unfinished offset 1..65535.
  int32_t queue_messages_max = 1000;
  int32_t queue_mebibytes_max = 100;
  int32_t queue_span_max = 2000;
  // Tries before a message goes to the dead letter queue; -1 = 16.
  int32_t reconsume_times_max = -1;
  // A message whose listener did not return within this time is given back, so that one hung call does not
  // hold the queue's offset for ever. 1 ms and up.
  Millis consume_timeout{15 * 60 * 1000};
  // Between two tries to balance: 1 s and up.
  Millis rebalance_interval{20000};
  // How long the destructor waits for running listeners.
  Millis shutdown_drain{3000};
};

// Receives messages of a consumer group. A movable handle on shared internals.
//
// Delivery is at least once: an offset is committed only when every message below it has been finished.
//
// Threads: every method from any thread, also from listeners, except where stated.
class ORBITMQ_EXPORT PushConsumer final {
 public:
  // Checks the options, registers and begins; routes, offsets and connections are fetched behind the scenes
  // and tried again until they are there (the log callback tells). kInvalidArgument names the option;
  // kAlreadyExists: this process has a consumer of this group under the same client id.
  static Result<PushConsumer> Start(PushConsumerOptions options, MessageListener listener);

  PushConsumer(PushConsumer&&) noexcept;
  PushConsumer& operator=(PushConsumer&&) noexcept;
  PushConsumer(const PushConsumer&) = delete;
  PushConsumer& operator=(const PushConsumer&) = delete;
  // Shutdown(PushConsumerOptions::shutdown_drain) if it was not called.
  ~PushConsumer();

  // Adds or replaces a subscription; takes effect with the rebalance that follows at once.
  Status Subscribe(Subscription subscription);
  Status Unsubscribe(const std::string& topic);

  // Stops and restarts pulling; what was pulled already is still delivered.
  void Suspend();
  void Resume();

  // The queues that this member has at the moment, sorted. Not from inside a send callback.
  std::vector<MessageQueue> Assignment() const;

  // Stops delivering, waits up to `drain` for running listeners, commits what is finished and unregisters, so
  // that the other members take over at once. Idempotent. Called inside a listener or callback it does not
  // wait. kTimeout when a listener was still running: its messages will be delivered again.
  Status Shutdown(Millis drain);

  const std::string& client_id() const;

 private:
  explicit PushConsumer(std::shared_ptr<client::PushConsumerCore> core);
  std::shared_ptr<client::PushConsumerCore> core_;
};

}  // namespace orbitmq

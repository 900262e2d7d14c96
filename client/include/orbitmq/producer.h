// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/client_options.h"
#include "orbitmq/export.h"
#include "orbitmq/message.h"
#include "orbitmq/message_queue.h"
#include "orbitmq/result.h"
#include "orbitmq/send_result.h"
#include "orbitmq/time.h"

namespace orbitmq {

namespace client {
class ProducerCore;
}

enum class BodyCompression : uint8_t { kNone, kZlib, kLz4, kZstd };

// Defaults are those of the Java client. Start() checks every range.
struct ProducerOptions {
  ClientOptions client;
  // 1..120 characters of [A-Za-z0-9_%|-]; not "DEFAULT_PRODUCER".
  std::string group;
  // The budget of a whole send call, retries included, and the wait for a master while every broker that the
  // message may go to is without one (a change of the master takes about a second). 1 ms and up.
  Millis send_timeout{3000};
  // At most this much of the budget for one try, so that one hung broker does not use it all; 0 = an equal
  // share for each broker of the topic that may still be tried, all of it for the last one. A broker that
  // stores a message but answers later than that leaves a copy behind.
  Millis attempt_timeout_max{0};
  // Further tries after a failed one; 0..15. Sends to a given queue, by key or by selector are not repeated
  // (another queue would break what they are for).
  int retries = 2;
  // Try another broker too, if one has a master, when the answer is not SendStatus::kOk. Stores the message
  // twice.
  bool retry_when_not_stored_ok = false;
  // 1..15 MiB; before compression.
  size_t message_bytes_max = size_t{4} << 20;
  // Bodies of at least this size are compressed.
  size_t compress_bytes_min = 4096;
  BodyCompression compression = BodyCompression::kZlib;
  // 1 (fast) .. 9 (small).
  int compression_level = 5;
  // For topics that do not exist and that the broker makes on the first send. 1..128.
  int32_t default_topic_queue_count = 4;
  // Keep away for a while from brokers that fail or answer slowly, as Java's switch of that name does. A
  // broker that did not answer at all is kept away from for 10 s without it. Not for ordered topics.
  bool latency_fault_avoidance = false;
  // Bounds of the messages that SendAsync has accepted and that have not ended; above: kBusy.
  size_t async_count_max = 65536;
  size_t async_bytes_max = size_t{256} << 20;
  // How long the destructor waits for pending sends.
  Millis shutdown_drain{3000};
};

// Picks one of `queues` (never empty, sorted by broker and number): returns an index, taken modulo the size.
// Called on the SDK's callback thread; must not block. If it throws, the send fails with kInvalidArgument.
using QueueSelector = std::function<size_t(const std::vector<MessageQueue>& queues, const Message& message)>;

// What one send wants different; at most one of queue, key and selector.
struct SendOptions {
  // 0 = ProducerOptions::send_timeout.
  Millis timeout{0};
  // Exactly this queue.
  std::optional<MessageQueue> queue;
  // Equal keys go to the same queue while the number of queues stays (Java's String.hashCode, so that Java's
  // SelectMessageQueueByHash agrees). Empty = not used.
  std::string sharding_key;
  QueueSelector selector;
};

using SendCallback = std::function<void(Result<SendResult>)>;

// Sends messages. A movable handle on shared internals.
//
// Threads: every method from any thread, also from callbacks and listeners, except where stated.
// Errors of a send: kInvalidArgument (message or options), kNotFound (no route), kBusy (flow control or too
// much under way), kTimeout (nothing left this process), kUnknown (the broker may have stored it),
// kUnavailable (no connection, or no master), kPermissionDenied, kNotSupported, kResourceExhausted, kInternal
// (the broker said so), kFailedPrecondition (shut down, or called where it would wait for itself), kCancelled
// (by Shutdown). Status::persisted() tells whether the message can be in the broker's log although the send
// failed, retriable() whether a later try makes sense, wire_code() what the broker answered.
class ORBITMQ_EXPORT Producer final {
 public:
  // Checks the options and registers; connects on the first send. kInvalidArgument names the option;
  // kAlreadyExists: this process has a producer of this group under the same client id.
  static Result<Producer> Start(ProducerOptions options);

  Producer(Producer&&) noexcept;
  Producer& operator=(Producer&&) noexcept;
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  // Shutdown(ProducerOptions::shutdown_drain) if it was not called.
  ~Producer();

  // Waits for the broker's answer, at most the timeout. Refused with kFailedPrecondition inside send
  // callbacks and queue selectors (their thread is the one that would have to end the wait); fine inside
  // listeners.
  Result<SendResult> Send(Message message, SendOptions options = {});

  // Returns at once. `callback` is called exactly once, on the SDK's callback thread, whatever happens: also
  // for bad arguments, for kBusy and at Shutdown. It should be quick: all callbacks of the process share that
  // thread. An exception that leaves it is caught and logged.
  void SendAsync(Message message, SendOptions options, SendCallback callback);

  // Writes without waiting for an answer: nothing tells whether it arrived. The Status tells local refusals.
  Status SendOneway(Message message, SendOptions options = {});

  // All messages in one request: the same topic and wait_store_ok, no delay level, no retry topic, together
  // at most message_bytes_max. They get consecutive offsets in one queue. Not compressed.
  Result<SendResult> SendBatch(std::vector<Message> messages, SendOptions options = {});
  void SendBatchAsync(std::vector<Message> messages, SendOptions options, SendCallback callback);

  // The queues a send to `topic` can choose from, sorted. Asks the NameServer when the route is not known;
  // waits like Send. kNotFound: no such topic (and the brokers do not make topics).
  Result<std::vector<MessageQueue>> PublishQueues(const std::string& topic);

  // Refuses new sends, waits up to `drain` for those under way, ends the rest with kCancelled (persisted()
  // tells whether it had left) and unregisters. Idempotent. Called inside a callback it does not wait: what
  // is under way ends behind it. kTimeout when something had to be cancelled.
  Status Shutdown(Millis drain);

  // "10.0.0.1@4711#1f3c...": how brokers know this client.
  const std::string& client_id() const;

 private:
  explicit Producer(std::shared_ptr<client::ProducerCore> core);
  std::shared_ptr<client::ProducerCore> core_;
};

}  // namespace orbitmq

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client_instance.h"
#include "client/client_runtime.h"
#include "client/outgoing_message.h"
#include "client/sender.h"
#include "orbitmq/producer.h"

namespace orbitmq::client {

// What stands behind a Producer. The asynchronous methods never wait, so that the simulator can use them.
//
// Threads: public methods from any thread; the rest is owned by the loop.
// Invariants: (1) SendAsync ends in exactly one callback on the runtime's callback executor; (2) after
// Shutdown has ended nothing is pending.
class ProducerCore final : public InstanceMember, public std::enable_shared_from_this<ProducerCore> {
 public:
  static Result<std::shared_ptr<ProducerCore>> Start(const std::shared_ptr<ClientRuntime>& runtime,
                                                     ProducerOptions options);
  ~ProducerCore() override;

  // `done` is called on the loop.
  void Send(Message message, SendOptions options, Completion<SendResult> done);
  void SendBatch(std::vector<Message> messages, SendOptions options, Completion<SendResult> done);
  // Likewise, on the callback executor.
  void SendAsync(Message message, SendOptions options, SendCallback callback);
  void SendBatchAsync(std::vector<Message> messages, SendOptions options, SendCallback callback);
  Status SendOneway(Message message, SendOptions options);
  void PublishQueues(const std::string& topic, Completion<std::vector<MessageQueue>> done);
  // Ends on the loop; a second call ends with the first.
  void Shutdown(Duration drain, Completion<Done> done);

  const std::string& client_id() const { return instance_->client_id(); }
  const ProducerOptions& options() const { return options_; }
  ClientRuntime& runtime() const { return *runtime_; }

  // InstanceMember, on the loop.
  const MemberKey& key() const override { return key_; }
  void AddTopics(std::set<std::string>& topics) const override;
  void FillHeartbeat(proto::HeartbeatData& heartbeat) const override;
  void OnRouteChanged(const std::string& topic) override;
  void OnBrokerJoined() override {}
  void OnConnectionClosed(const Endpoint&) override {}
  void PersistOffsets() override {}
  void OnBrokerRequest(BrokerRequest) override {}

 private:
  ProducerCore(std::shared_ptr<ClientRuntime> runtime, std::shared_ptr<ClientInstance> instance,
               ProducerOptions options);
  struct Admission;  // A share of the async bounds.

  Status CheckOpen() const;
  Result<SendTarget> TargetOf(SendOptions& options, const Message* message) const;
  Duration TimeoutOf(const SendOptions& options) const;
  std::optional<Admission> Admit(size_t bytes);
  void Enqueue(OutgoingMessage message, SendTarget target, Duration timeout, Completion<SendResult> done);
  Completion<SendResult> OnCallbackThread(SendCallback callback);
  void BeginDrain(Duration drain);
  void EndShutdown();
  Result<Done> ShutdownResult() const;

  const std::shared_ptr<ClientRuntime> runtime_;
  const std::shared_ptr<ClientInstance> instance_;
  const ProducerOptions options_;
  const EncodingRules rules_;
  const MemberKey key_;
  std::atomic<bool> open_{true};
  struct Pending {
    std::atomic<size_t> count{0};
    std::atomic<size_t> bytes{0};
  };
  const std::shared_ptr<Pending> pending_ = std::make_shared<Pending>();

  // Owned by the loop.
  std::unique_ptr<Sender> sender_;
  enum class Phase : uint8_t { kRunning, kDraining, kClosed };
  Phase phase_ = Phase::kRunning;
  Timer drain_timer_;
  std::vector<Completion<Done>> shutdown_waiters_;
  Status shutdown_status_;
};

}  // namespace orbitmq::client

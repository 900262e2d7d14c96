// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "common/names.h"
#include "orbitmq/push_consumer.h"
#include "test/client/sim_client_fixture.h"

namespace orbitmq::client {

// A consumer of group g on broker a, and what it has seen.
class ConsumerTest : public SimClientTest {
 protected:
  MessageQueue Queue(int32_t id) const { return {kTopic, "a", id}; }
  void RouteToA(int32_t queues) { ns_->fake.SetRoute(kTopic, {&a_->fake}, queues); }
  void RouteRetry() { ns_->fake.SetRoute(RetryTopic(kGroup), {&a_->fake}, 1); }
  void StoreMany(int32_t queue, int count, const std::string& properties = {}) {
    for (int i = 0; i < count; ++i) {
      a_->fake.Store(Queue(queue), "q" + std::to_string(queue) + "-" + std::to_string(i), properties);
    }
  }
  // Counts deliveries by body; `answer` decides.
  using Answerer = std::function<ConsumeResult(const ReceivedMessage&, ConsumeContext&)>;
  MessageListener Collect(Answerer answer = {}) {
    return [this, answer](std::span<const ReceivedMessage> messages, ConsumeContext& context) {
      for (const ReceivedMessage& message : messages) {
        ++seen_[std::string(message.body())];
        topics_.insert(std::string(message.topic()));
      }
      return answer ? answer(messages.front(), context) : ConsumeResult::kSuccess;
    };
  }
  bool RunUntilSeen(size_t count, Duration most = seconds(30)) {
    return RunUntil(most, [&] { return seen_.size() >= count; });
  }

  std::map<std::string, int> seen_;
  std::set<std::string> topics_;
};

}  // namespace orbitmq::client

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/requests/put_hooks.h"
#include "broker/state/broker_stats.h"
#include "broker/state/group_table.h"
#include "broker/state/topic_table.h"
#include "common/message_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// CONSUMER_SEND_MSG_BACK (36): a message that was not consumed goes to the group's retry topic by way of a
// delay level, or to its dead letter queue once it was tried often enough (store.md 7). Threads: Handle on a
// read executor (it reads the message from the log); the reply comes from the store.
class RetryRouter final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    const BrokerIdentity& identity;
    TopicTable& topics;
    GroupTable& groups;
    store::MessageStore& store;
    BrokerStats& stats;
    int32_t delay_level_max = 18;
  };
  explicit RetryRouter(Parts parts);

  void Handle(net::ServerRequest request);

 private:
  using Header = proto::ConsumerSendMsgBackRequestHeader;
  // Where the message goes.
  struct Destination {
    TopicRef topic;
    QueueId queue_id = 0;
    int32_t delay_level = 0;
  };
  Result<Destination> Route(const Header& header, int32_t version, const MessageView& message,
                            const proto::SubscriptionGroupConfig& group);
  void Resend(net::ServerRequest request, const Header& header, const MessageView& message,
              Destination destination);

  Parts parts_;
  std::atomic<uint64_t> queue_seed_;
};

}  // namespace orbitmq::broker

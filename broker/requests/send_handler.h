// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "broker/requests/put_hooks.h"
#include "broker/state/broker_stats.h"
#include "broker/state/group_table.h"
#include "broker/state/queue_locks.h"
#include "broker/state/topic_table.h"
#include "common/message_id.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// SEND_MESSAGE (10), SEND_MESSAGE_V2 (310) and SEND_BATCH_MESSAGE (320).
//
// Threads: Handle on any executor, normally the connection's io executor; it never blocks. The reply is made
// on an executor of the store once the message is as durable as it was asked for. Checks, their order, codes
// and texts follow Apache's SendMessageProcessor (remoting.md 4.2), because clients decide by the code
// whether to try again; test/broker/send_handler_test.cc pins them.
class SendHandler final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    const BrokerIdentity& identity;
    TopicTable& topics;
    GroupTable& groups;
    const QueueLocks& locks;
    store::LogAppender& log;
    BrokerStats& stats;
    int32_t delay_level_max = 18;
  };
  explicit SendHandler(Parts parts);

  void Handle(net::ServerRequest request);

 private:
  using Header = proto::SendMessageRequestHeaderView;
  struct Glance;   // What one walk over the given properties tells.
  struct Outcome;  // What the reply needs when the store answers.

  std::optional<PutRefusal> CheckSend(const Header& header, const net::ServerRequest& request,
                                      const BrokerOptions& options) const;
  TopicRef FindOrCreateTopic(const Header& header) const;
  void Place(net::ServerRequest request, const Header& header, TopicRef topic,
             std::shared_ptr<const BrokerOptions> options);
  std::optional<PutRefusal> RedirectRetry(const Header& header, int32_t version, PutMessage& message,
                                          TopicRef& topic) const;
  static Glance GlanceAt(std::string_view properties);
  std::string StoredProperties(std::string_view given, const BrokerOptions& options, Glance& glance);
  std::optional<PutRefusal> EncodeSingle(const Header& header, const net::ServerRequest& request,
                                         const PutMessage& message, RecordDraft& draft) const;
  std::optional<PutRefusal> EncodeBatch(const Header& header, const net::ServerRequest& request,
                                        const PutMessage& message, RecordDraft& draft) const;
  void Append(net::ServerRequest request, PutMessage message, RecordDraft draft, Outcome outcome,
              store::Durability durability);
  void ReplyStored(net::ServerRequest& request, const store::AppendReceipt& receipt, Outcome& outcome,
                   int32_t code);
  void Refuse(net::ServerRequest& request, PutRefusal refusal) const;
  QueueId AnyQueue(int32_t queues);

  Parts parts_;
  UniqueIdGenerator unique_ids_;
  std::atomic<uint64_t> queue_seed_;
};

// The code and remark of a failed append, as Apache words them; code 0 for OK.
PutRefusal RefusalOf(const Status& status, int32_t message_bytes_max);

}  // namespace orbitmq::broker

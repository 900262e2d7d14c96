// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/completion.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/headers_client.h"
#include "remoting/protocol/headers_message.h"
#include "remoting/protocol/headers_offset.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/rpc_client.h"

namespace orbitmq::net {

// How a pull ended that was answered at all (client.md 1.3).
enum class PullStatus : uint8_t { kFound, kNoNewMessage, kNoMatchedMessage, kOffsetIllegal };

struct PullReply {
  PullStatus status = PullStatus::kNoNewMessage;
  proto::PullMessageResponseHeader header;
  Bytes body;  // Records back to back (common/message_codec.h) with kFound.
};

// One of several messages in one request or a single one.
enum class SendKind : uint8_t { kSingle, kBatch };

struct SendReply {
  int32_t code = 0;  // SUCCESS, FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT or SLAVE_NOT_AVAILABLE: it is stored.
  proto::SendMessageResponseHeader header;
};

// What clients ask of a broker. Every call ends as RpcClient::Call does; an error code of the broker arrives
// as a Status with that wire_code. A send that ends in kUnknown has Persisted::kMaybe. Threads: any;
// completions on the RpcClient's loop. The client must outlive the stub.
class BrokerStub final {
 public:
  explicit BrokerStub(RpcClient& rpc) : rpc_(rpc) {}

  // With the V2 header (310, or 320 for batches).
  void Send(const Endpoint& to, const proto::SendMessageRequestHeader& header, SendKind kind, BytesChain body,
            Duration timeout, Completion<SendReply> done);
  Status SendOneway(const Endpoint& to, const proto::SendMessageRequestHeader& header, SendKind kind,
                    BytesChain body);
  void Pull(const Endpoint& to, const proto::PullMessageRequestHeader& header, Duration timeout,
            Completion<PullReply> done);
  void SendBack(const Endpoint& to, const proto::ConsumerSendMsgBackRequestHeader& header, Duration timeout,
                Completion<Done> done);

  void Heartbeat(const Endpoint& to, Bytes encoded_body, Duration timeout, Completion<Done> done);
  void UnregisterClient(const Endpoint& to, const proto::UnregisterClientRequestHeader& header,
                        Duration timeout, Completion<Done> done);
  // The client ids of a group; SYSTEM_ERROR when it has none.
  void GetConsumerList(const Endpoint& to, const std::string& group, Duration timeout,
                       Completion<std::vector<std::string>> done);

  // Nothing: the broker has no offset of that group and queue. Every failure is a Status, never "nothing":
  // the two must not be mixed up, or a network fault would make a consumer skip messages.
  void QueryConsumerOffset(const Endpoint& to, const proto::QueryConsumerOffsetRequestHeader& header,
                           Duration timeout, Completion<std::optional<int64_t>> done);
  void UpdateConsumerOffset(const Endpoint& to, const proto::UpdateConsumerOffsetRequestHeader& header,
                            Duration timeout, Completion<Done> done);
  void GetMaxOffset(const Endpoint& to, const std::string& topic, int32_t queue_id, Duration timeout,
                    Completion<int64_t> done);
  void GetMinOffset(const Endpoint& to, const std::string& topic, int32_t queue_id, Duration timeout,
                    Completion<int64_t> done);
  // The first offset stored at or after the time.
  void SearchOffset(const Endpoint& to, const proto::SearchOffsetRequestHeader& header, Duration timeout,
                    Completion<int64_t> done);

  void LockBatch(const Endpoint& to, const proto::LockBatchRequestBody& body, Duration timeout,
                 Completion<proto::LockBatchResponseBody> done);
  void UnlockBatch(const Endpoint& to, const proto::UnlockBatchRequestBody& body, Duration timeout,
                   Completion<Done> done);

 private:
  RpcClient& rpc_;
};

}  // namespace orbitmq::net

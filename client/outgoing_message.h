// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/message_id.h"
#include "orbitmq/message.h"
#include "orbitmq/producer.h"
#include "orbitmq/result.h"
#include "remoting/stubs/broker_stub.h"

namespace orbitmq::client {

// A message or batch as it goes over the wire: checked, compressed, with its id. The same for every try.
struct OutgoingMessage {
  net::SendKind kind = net::SendKind::kSingle;
  std::string topic;
  Bytes body;
  std::string properties;
  int32_t sys_flag = 0;
  int32_t flag = 0;
  int32_t reconsume_times = 0;
  std::optional<int32_t> max_reconsume_times;  // For sends to a retry topic.
  std::string message_id;                      // Of a batch: the members' ids, joined by commas.
};

// What encoding needs to know. Threads: any.
struct EncodingRules {
  size_t message_bytes_max = size_t{4} << 20;
  size_t compress_bytes_min = 4096;
  BodyCompression compression = BodyCompression::kZlib;
  int compression_level = 5;
};

// kInvalidArgument names the field and the allowed range.
Status CheckMessage(const Message& message, const EncodingRules& rules);

Result<OutgoingMessage> EncodeMessage(Message message, const EncodingRules& rules, UniqueIdGenerator& ids);
// Java's rules of batches (client.md 2.9).
Result<OutgoingMessage> EncodeMessages(const std::vector<Message>& messages, const EncodingRules& rules,
                                       UniqueIdGenerator& ids);

}  // namespace orbitmq::client

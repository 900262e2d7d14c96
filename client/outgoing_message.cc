// SPDX-License-Identifier: Apache-2.0
#include "client/outgoing_message.h"

#include <utility>

#include "common/compression.h"
#include "common/limits.h"
#include "common/message_codec.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

constexpr int32_t kDelayLevelMax = 18;

Status Invalid(std::string_view field, std::string_view what) {
  return {StatusCode::kInvalidArgument, StrCat("Message::", field, " ", what)};
}

Status CheckTopic(const std::string& topic) {
  const Status valid = CheckTopicName(topic);
  if (!valid.ok()) return valid.Annotate("Message::topic");
  if (IsSendForbiddenTopic(topic)) {
    return Invalid("topic", StrCat("'", topic, "' is kept by the broker for itself; choose another name"));
  }
  return {};
}

Status CheckTagAndKeys(const Message& message) {
  if (!message.tag.empty()) {
    const Status tag = CheckProperty(property::kTags, message.tag);
    if (!tag.ok()) return tag.Annotate("Message::tag");
  }
  for (const std::string& key : message.keys) {
    const Status valid = CheckProperty(property::kKeys, key);
    if (!valid.ok()) return valid.Annotate("Message::keys");
    if (key.find(property::kKeySeparator) != std::string::npos) {
      return Invalid("keys", StrCat("has the key '", Printable(key), "' with a space in it"));
    }
  }
  return {};
}

std::string BuildProperties(const Message& message, std::string_view unique_id) {
  std::string out;
  for (const auto& [name, value] : message.properties) AppendProperty(out, name, value);
  if (!message.keys.empty()) AppendProperty(out, property::kKeys, Join(message.keys, " "));
  if (!message.tag.empty()) AppendProperty(out, property::kTags, message.tag);
  if (message.delay_level > 0) AppendProperty(out, property::kDelayTimeLevel, StrCat(message.delay_level));
  AppendProperty(out, property::kUniqueKey, unique_id);
  AppendProperty(out, property::kWaitStoreMsgOk, message.wait_store_ok ? "true" : "false");
  return out;
}

Status CheckPropertiesSize(const std::string& properties) {
  if (properties.size() <= kPropertiesBytesMax) return {};
  return Invalid("properties", StrCat("take ", properties.size(), " bytes with keys and tag; at most ",
                                      kPropertiesBytesMax, " are allowed"));
}

// Leaves the body as it is when it does not get smaller or cannot be compressed.
void CompressBody(const EncodingRules& rules, OutgoingMessage& out, std::string& body) {
  if (rules.compression == BodyCompression::kNone || body.size() < rules.compress_bytes_min) return;
  const Compression kind = rules.compression == BodyCompression::kLz4    ? Compression::kLz4
                           : rules.compression == BodyCompression::kZstd ? Compression::kZstd
                                                                         : Compression::kZlib;
  auto packed = Compress(body, kind, rules.compression_level);
  if (!packed.ok() || packed->size() >= body.size()) return;
  body = *std::move(packed);
  out.sys_flag = WithCompression(out.sys_flag, kind);
}

Status CheckBatchMember(const Message& first, const Message& message) {
  if (message.topic != first.topic) {
    return Invalid("topic", StrCat("differs inside a batch: '", first.topic, "' and '", message.topic, "'"));
  }
  if (message.wait_store_ok != first.wait_store_ok) return Invalid("wait_store_ok", "differs inside a batch");
  if (message.delay_level > 0) return Invalid("delay_level", "is not possible inside a batch");
  if (IsRetryTopic(message.topic)) return Invalid("topic", "must not be a retry topic inside a batch");
  return {};
}

}  // namespace

Status CheckMessage(const Message& message, const EncodingRules& rules) {
  const Status topic = CheckTopic(message.topic);
  if (!topic.ok()) return topic;
  if (message.body.empty()) return Invalid("body", "is empty; it must have at least one byte");
  if (message.body.size() > rules.message_bytes_max) {
    return Invalid("body", StrCat("has ", message.body.size(), " bytes; at most ", rules.message_bytes_max,
                                  " are allowed (ProducerOptions::message_bytes_max)"));
  }
  const Status words = CheckTagAndKeys(message);
  if (!words.ok()) return words;
  for (const auto& [name, value] : message.properties) {
    const Status valid = CheckUserProperty(name, value);
    if (!valid.ok()) return valid.Annotate("Message::properties");
  }
  if (message.delay_level < 0 || message.delay_level > kDelayLevelMax) {
    return Invalid("delay_level", StrCat("is ", message.delay_level, "; it must be 0..", kDelayLevelMax));
  }
  return {};
}

Result<OutgoingMessage> EncodeMessage(Message message, const EncodingRules& rules, UniqueIdGenerator& ids) {
  const Status valid = CheckMessage(message, rules);
  if (!valid.ok()) return valid;
  OutgoingMessage out;
  out.message_id = ids.Next();
  out.properties = BuildProperties(message, out.message_id);
  const Status size = CheckPropertiesSize(out.properties);
  if (!size.ok()) return size;
  out.topic = std::move(message.topic);
  out.flag = message.flag;
  CompressBody(rules, out, message.body);
  out.body = Bytes(std::move(message.body));
  return out;
}

Result<OutgoingMessage> EncodeMessages(const std::vector<Message>& messages, const EncodingRules& rules,
                                       UniqueIdGenerator& ids) {
  if (messages.empty()) return Status(StatusCode::kInvalidArgument, "the batch is empty");
  if (messages.size() > limits::kBatchEntriesMax) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("the batch has ", messages.size(), " messages; at most ", limits::kBatchEntriesMax,
                         " are allowed"));
  }
  OutgoingMessage out;
  out.kind = net::SendKind::kBatch;
  out.topic = messages.front().topic;
  std::string body;
  for (size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    Status valid = CheckMessage(message, rules);
    if (valid.ok()) valid = CheckBatchMember(messages.front(), message);
    const std::string id = ids.Next();
    const std::string properties = BuildProperties(message, id);
    if (valid.ok()) valid = CheckPropertiesSize(properties);
    if (!valid.ok()) return valid.Annotate(StrCat("message ", i, " of the batch"));
    if (i > 0) out.message_id += ',';
    out.message_id += id;
    AppendBatchEntry({message.flag, message.body, properties}, body);
    if (body.size() > rules.message_bytes_max) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("the batch's first ", i + 1, " messages take ", body.size(), " bytes; at most ",
                           rules.message_bytes_max, " are allowed: send it in parts"));
    }
  }
  AppendProperty(out.properties, property::kUniqueKey, ids.Next());
  AppendProperty(out.properties, property::kWaitStoreMsgOk,
                 messages.front().wait_store_ok ? "true" : "false");
  out.body = Bytes(std::move(body));
  return out;
}

}  // namespace orbitmq::client

// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/message_view.h"

#include "common/base64.h"
#include "common/compression.h"
#include "common/message_id.h"
#include "common/strings.h"
#include "common/subscription.h"
#include "common/sys_flag.h"
#include "common/utf8.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/message_track.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kPlainBodyBytesMax = size_t{64} << 20;

std::string PlainBody(const MessageView& view) {
  if ((view.sys_flag & sys_flag::kCompressed) == 0) return std::string(view.body);
  const auto compression = CompressionOf(view.sys_flag);
  if (!compression.ok()) return std::string(view.body);
  auto plain = Decompress(view.body, *compression, kPlainBodyBytesMax);
  return plain.ok() ? *std::move(plain) : std::string(view.body);
}

std::string PropertiesText(const PropertyMap& properties) {
  return JavaMapText(std::map<std::string, std::string>(properties.begin(), properties.end()));
}

// Java's Arrays.toString of a byte array.
std::string BytesText(std::string_view bytes) {
  std::string out = "[";
  for (const char byte : bytes) {
    StrAppend(out, out.size() == 1 ? "" : ", ", static_cast<int>(static_cast<signed char>(byte)));
  }
  return out + "]";
}

// Where bodies are written: Java's folder, so that scripts find them.
constexpr char kBodyBase[] = "/tmp";
std::string BodyPath(const ShownMessage& message, int copy) {
  std::string name = message.Id();
  for (char& c : name) c = c == '/' ? '_' : c;  // Ids are what a client chose.
  return StrCat("rocketmq/msgbodys/", name, copy > 0 ? StrCat("_", copy) : "");
}

}  // namespace

std::string ShownMessage::OffsetId() const {
  return EncodeOffsetMessageId({view.store_host, view.log_offset});
}
std::string ShownMessage::UniqueKey() const { return Property(property::kUniqueKey, ""); }
std::string ShownMessage::Id() const {
  const std::string key = UniqueKey();
  return key.empty() ? OffsetId() : key;
}
std::string ShownMessage::Property(std::string_view name, std::string_view otherwise) const {
  const auto at = properties.find(name);
  return at == properties.end() ? std::string(otherwise) : at->second;
}

Result<std::vector<ShownMessage>> DecodeMessages(std::string_view records, std::string_view broker_name) {
  std::vector<ShownMessage> messages;
  while (!records.empty()) {
    const auto peek = PeekRecord(records);
    if (!peek.ok()) return peek.status();
    if (peek->total_bytes <= 0 || static_cast<size_t>(peek->total_bytes) > records.size()) {
      return Status(StatusCode::kCorrupt,
                    StrCat("a message of ", peek->total_bytes, " bytes where ", records.size(), " are left"));
    }
    const auto bytes = static_cast<size_t>(peek->total_bytes);
    ShownMessage message;
    message.record = std::make_shared<const std::string>(records.substr(0, bytes));
    const auto view = DecodeMessage(*message.record, BodyCheck::kTrust);
    if (!view.ok()) return view.status();
    message.view = *view;
    message.properties = PropertiesToMap(view->properties);
    message.body = PlainBody(*view);
    message.broker_name = broker_name;
    messages.push_back(std::move(message));
    records.remove_prefix(bytes);
  }
  return messages;
}

Result<std::vector<ShownMessage>> DecodePulled(const net::PullReply& reply, std::string_view broker_name) {
  auto messages = DecodeMessages(reply.body.view(), broker_name);
  if (!messages.ok()) return messages.status();
  for (ShownMessage& message : *messages) {
    message.properties[std::string(property::kMinOffset)] = StrCat(reply.header.min_offset);
    message.properties[std::string(property::kMaxOffset)] = StrCat(reply.header.max_offset);
  }
  return messages;
}

std::string MessageText(const ShownMessage& message, TextForm form) {
  const MessageView& view = message.view;
  const bool prepared =
      form == TextForm::kPulled && message.Property(property::kTransactionPrepared, "") == "true";
  return StrCat(
      "MessageExt [brokerName=", message.broker_name.empty() ? "null" : message.broker_name,
      ", queueId=", view.queue_id, ", storeSize=", view.total_bytes,
      ", queueOffset=", view.queue_offset.value, ", sysFlag=", view.sys_flag,
      ", bornTimestamp=", ToEpochMillis(view.born_time), ", bornHost=/", view.born_host.ToString(),
      ", storeTimestamp=", ToEpochMillis(view.store_time), ", storeHost=/", view.store_host.ToString(),
      ", msgId=", message.OffsetId(), ", commitLogOffset=", view.log_offset.value,
      ", bodyCRC=", static_cast<int32_t>(view.body_crc), ", reconsumeTimes=", view.reconsume_times,
      ", preparedTransactionOffset=", view.prepared_transaction_offset, ", toString()=Message{topic='",
      view.topic, "', flag=", view.flag, ", properties=", PropertiesText(message.properties),
      ", body=", form == TextForm::kPulled ? BytesText(message.body) : "null", ", transactionId='",
      prepared ? message.UniqueKey() : "null", "'}]");
}

std::string MessageJson(const ShownMessage& message) {
  const MessageView& view = message.view;
  proto::JsonWriter json;
  json.BeginObject();
  const auto text = [&json](std::string_view name, std::string_view value) {
    json.Key(name);
    json.Raw(JsonText(value));
  };
  const auto number = [&json](std::string_view name, int64_t value) {
    json.Key(name);
    json.Int(value);
  };
  text("msgId", message.Id());
  text("offsetMsgId", message.OffsetId());
  text("topic", view.topic);
  text("brokerName", message.broker_name);
  number("queueId", view.queue_id);
  number("queueOffset", view.queue_offset.value);
  number("commitLogOffset", view.log_offset.value);
  number("reconsumeTimes", view.reconsume_times);
  number("bornTimestamp", ToEpochMillis(view.born_time));
  number("storeTimestamp", ToEpochMillis(view.store_time));
  text("bornHost", view.born_host.ToString());
  text("storeHost", view.store_host.ToString());
  number("sysFlag", view.sys_flag);
  json.Key("properties");
  json.BeginObject();
  for (const auto& [name, value] : message.properties) text(name, value);
  json.EndObject();
  // A body that is no text would not survive as one.
  if (IsUtf8(message.body)) {
    text("body", message.body);
  } else {
    text("bodyBase64", Base64(message.body));
  }
  json.EndObject();
  return json.Take();
}

Status ShowMessage(Session& session, const ShownMessage& message, const ShowOptions& options) {
  const MessageView& view = message.view;
  const std::string path = BodyPath(message, options.copy);
  const Status written = session.WritePrivateFile(kBodyBase, path, message.body);
  if (!written.ok()) session.Warn(written.Annotate("the body is not kept"));
  const auto line = [&session](std::string_view label, std::string_view value) {
    const std::string arguments[] = {std::string(label), std::string(value)};
    session.out().Text(JavaFormat("%-20s %s%n", arguments));
  };
  if (options.offset_id) line("OffsetID:", message.OffsetId());
  line("Topic:", view.topic);
  line("Tags:", StrCat("[", message.Property(property::kTags, "null"), "]"));
  line("Keys:", StrCat("[", message.Property(property::kKeys, "null"), "]"));
  line("Queue ID:", StrCat(view.queue_id));
  line("Queue Offset:", StrCat(view.queue_offset.value));
  line("CommitLog Offset:", StrCat(view.log_offset.value));
  line("Reconsume Times:", StrCat(view.reconsume_times));
  line("Born Timestamp:", HumanMillis(ToEpochMillis(view.born_time)));
  line("Store Timestamp:", HumanMillis(ToEpochMillis(view.store_time)));
  line("Born Host:", view.born_host.ToString());
  line("Store Host:", view.store_host.ToString());
  line("System Flag:", StrCat(view.sys_flag));
  line("Properties:", PropertiesText(message.properties));
  line("Message Body Path:", StrCat(kBodyBase, "/", path));
  if (options.body_text) line("Message Body:", JavaString(message.body));
  return ShowTracks(session, message);
}

proto::PullMessageRequestHeader PullHeader(const ToolPull& pull) {
  proto::PullMessageRequestHeader header;
  header.consumer_group = pull.group;
  header.topic = pull.queue.topic;
  header.queue_id = pull.queue.queue_id;
  header.queue_offset = pull.offset;
  header.max_msg_nums = pull.count;
  header.sys_flag = pull_flag::kSubscription;
  header.subscription = pull.expression;
  header.expression_type = kExpressionTypeTag;
  return header;
}

Result<net::PullReply> PullOnce(Session& session, const Endpoint& broker, const ToolPull& pull) {
  return session.admin().Call(&net::BrokerStub::Pull, broker, PullHeader(pull));
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#include "orbitmq/received_message.h"

#include <utility>

#include "client/received_rep.h"
#include "common/compression.h"
#include "common/limits.h"
#include "common/message_id.h"
#include "common/message_properties.h"
#include "common/sys_flag.h"

namespace orbitmq {
namespace client {
namespace {

void FillDerived(ReceivedRep& rep) {
  const std::string_view properties = rep.view.properties;
  rep.topic = FindProperty(properties, property::kRetryTopic).value_or(rep.view.topic);
  rep.unique_id = FindProperty(properties, property::kUniqueKey).value_or("");
  rep.body = rep.view.body;
}

bool HoldsBatch(const MessageView& view) {
  constexpr int32_t kBoth = sys_flag::kNeedUnwrap | sys_flag::kInnerBatch;
  return (view.sys_flag & kBoth) == kBoth;
}

// One record of a topic with batch queues: many messages with consecutive offsets.
Status ExpandBatch(const ReceivedRep& outer, std::vector<ReceivedMessage>& out) {
  Bytes body = outer.bytes;
  std::string_view entries_text = outer.view.body;
  if ((outer.view.sys_flag & sys_flag::kCompressed) != 0) {
    const auto kind = CompressionOf(outer.view.sys_flag);
    if (!kind.ok()) return kind.status();
    auto plain = Decompress(entries_text, *kind, limits::kMessageBodyBytesMax);
    if (!plain.ok()) return plain.status();
    body = Bytes(*std::move(plain));
    entries_text = body.view();
  }
  const auto entries = DecodeBatch(entries_text, limits::kBatchEntriesMax);
  if (!entries.ok()) return entries.status();
  int64_t offset = outer.queue_offset;
  for (const BatchEntry& entry : *entries) {
    ReceivedRep inner = outer;
    // Topic and hosts point into the record, the entry perhaps into the decompressed copy: keep both.
    inner.bytes = body;
    inner.plain_body = outer.bytes;
    inner.view.body = entry.body;
    inner.view.properties = entry.properties;
    inner.view.flag = entry.flag;
    inner.view.sys_flag &= ~(sys_flag::kNeedUnwrap | sys_flag::kInnerBatch | sys_flag::kCompressed);
    inner.queue_offset = offset++;
    FillDerived(inner);
    out.push_back(ReceivedRep::Make(std::move(inner)));
  }
  return {};
}

}  // namespace

ReceivedMessage ReceivedRep::Make(ReceivedRep rep) {
  return ReceivedMessage(std::make_shared<const ReceivedRep>(std::move(rep)));
}

PulledRecords DecodePulled(const Bytes& body, const MessageQueue& queue, int64_t offset_delta) {
  PulledRecords out;
  std::string_view rest = body.view();
  while (!rest.empty()) {
    out.bad_at = body.size() - rest.size();
    auto view = DecodeMessage(rest, BodyCheck::kVerifyCrc);
    if (!view.ok()) {
      out.status = view.status();
      return out;
    }
    rest.remove_prefix(static_cast<size_t>(view->total_bytes));
    ReceivedRep rep;
    rep.bytes = body;
    rep.view = *view;
    rep.queue = queue;
    rep.queue_offset = view->queue_offset.value + offset_delta;
    rep.reconsume_times = view->reconsume_times;
    rep.offset_message_id = EncodeOffsetMessageId({view->store_host, view->log_offset});
    FillDerived(rep);
    if (HoldsBatch(*view)) {
      out.status = ExpandBatch(rep, out.messages);
      if (!out.status.ok()) return out;
    } else {
      out.messages.push_back(ReceivedRep::Make(std::move(rep)));
    }
  }
  return out;
}

Result<ReceivedMessage> Unpack(const ReceivedMessage& message) {
  const ReceivedRep& packed = ReceivedRep::Of(message);
  if ((packed.view.sys_flag & sys_flag::kCompressed) == 0 || !packed.plain_body.empty()) return message;
  const auto kind = CompressionOf(packed.view.sys_flag);
  if (!kind.ok()) return kind.status();
  auto plain = Decompress(packed.view.body, *kind, limits::kMessageBodyBytesMax);
  if (!plain.ok()) return plain.status();
  ReceivedRep rep = packed;
  rep.plain_body = Bytes(*std::move(plain));
  rep.body = rep.plain_body.view();
  return ReceivedRep::Make(std::move(rep));
}

ReceivedMessage WithReconsumeTimes(const ReceivedMessage& message, int32_t reconsume_times) {
  ReceivedRep rep = ReceivedRep::Of(message);
  rep.reconsume_times = reconsume_times;
  return ReceivedRep::Make(std::move(rep));
}

}  // namespace client

namespace {
const std::shared_ptr<const client::ReceivedRep>& EmptyRep() {
  static const auto rep = std::make_shared<const client::ReceivedRep>();
  return rep;
}
}  // namespace

ReceivedMessage::ReceivedMessage() : rep_(EmptyRep()) {}
ReceivedMessage::ReceivedMessage(std::shared_ptr<const client::ReceivedRep> rep) : rep_(std::move(rep)) {}

std::string_view ReceivedMessage::topic() const { return rep_->topic; }
std::string_view ReceivedMessage::body() const { return rep_->body; }
std::string_view ReceivedMessage::tag() const { return Property(property::kTags).value_or(""); }
std::string_view ReceivedMessage::keys() const { return Property(property::kKeys).value_or(""); }
std::optional<std::string_view> ReceivedMessage::Property(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  return FindProperty(rep_->view.properties, name);
}
Properties ReceivedMessage::properties() const { return PropertiesToMap(rep_->view.properties); }
int32_t ReceivedMessage::flag() const { return rep_->view.flag; }
std::string_view ReceivedMessage::message_id() const {
  return rep_->unique_id.empty() ? std::string_view(rep_->offset_message_id) : rep_->unique_id;
}
const std::string& ReceivedMessage::offset_message_id() const { return rep_->offset_message_id; }
const MessageQueue& ReceivedMessage::queue() const { return rep_->queue; }
int64_t ReceivedMessage::queue_offset() const { return rep_->queue_offset; }
int64_t ReceivedMessage::log_offset() const { return rep_->view.log_offset.value; }
int32_t ReceivedMessage::reconsume_times() const { return rep_->reconsume_times; }
WallTime ReceivedMessage::born_time() const { return rep_->view.born_time; }
WallTime ReceivedMessage::store_time() const { return rep_->view.store_time; }
std::string ReceivedMessage::born_host() const { return rep_->view.born_host.ToString(); }
std::string ReceivedMessage::store_host() const { return rep_->view.store_host.ToString(); }
int32_t ReceivedMessage::sys_flag() const { return rep_->view.sys_flag; }

}  // namespace orbitmq

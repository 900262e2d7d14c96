// SPDX-License-Identifier: Apache-2.0
#include "common/message_properties.h"

#include <algorithm>
#include <array>

#include "common/strings.h"

namespace orbitmq {
namespace {

// What Apache refuses as a name of a user property (MessageConst.STRING_HASH_SET).
constexpr auto kReserved = std::to_array<std::string_view>({
    property::kFirstPopTime,
    property::kArriveTime,
    property::kBornTimestamp,
    property::kBuyerId,
    property::kCluster,
    property::kConsumeStartTime,
    property::kCorrectionFlag,
    property::kCorrelationId,
    property::kDelayTimeLevel,
    property::kDlqOriginMessageId,
    property::kDlqOriginTopic,
    property::kDupInfo,
    property::kExtendUniqueInfo,
    property::kInnerMultiQueueOffset,
    property::kInstanceId,
    property::kKeys,
    property::kMaxOffset,
    property::kMaxReconsumeTimes,
    property::kMinOffset,
    property::kMq2Flag,
    property::kMsgRegion,
    property::kMessageType,
    property::kOriginMessageId,
    property::kProducerGroup,
    property::kPopCk,
    property::kPopCkOffset,
    property::kPushReplyTime,
    property::kRealQueueId,
    property::kRealTopic,
    property::kReconsumeTime,
    property::kReplyToClient,
    property::kRetryTopic,
    property::kTags,
    property::kTimerDelayLevel,
    property::kTimerDelayMs,
    property::kTimerDelaySec,
    property::kTimerDeliverMs,
    property::kTimerDelUniqueKey,
    property::kTimerDequeueMs,
    property::kTimerEnqueueMs,
    property::kTimerOutMs,
    property::kTimerRollTimes,
    property::kTraceSwitch,
    property::kTransactionPrepared,
    property::kTransactionPreparedQueueOffset,
    property::kTransferFlag,
    property::kTtl,
    property::kUniqueKey,
    property::kWaitStoreMsgOk,
    property::kBornHost,
    property::kCrc32,
});

// The piece up to the next 0x02 (or the end), and takes it with its separator off the front.
std::string_view TakePiece(std::string_view& rest) {
  const size_t end = rest.find(kPropertyEnd);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

bool PieceHasName(std::string_view piece, std::string_view name) {
  return piece.size() > name.size() && piece[name.size()] == kPropertyNameEnd && piece.starts_with(name);
}

}  // namespace

std::optional<PropertyEntry> PropertyCursor::Next() {
  while (!rest_.empty()) {
    const std::string_view piece = TakePiece(rest_);
    const size_t at = piece.find(kPropertyNameEnd);
    if (at == std::string_view::npos || at == 0 || at + 1 == piece.size()) continue;
    return PropertyEntry{piece.substr(0, at), piece.substr(at + 1)};
  }
  return std::nullopt;
}

std::optional<std::string_view> FindProperty(std::string_view properties, std::string_view name) {
  std::optional<std::string_view> found;
  if (name.empty() || name.find(kPropertyEnd) != std::string_view::npos) return found;
  // Looks for the name, not for the pieces: most messages lack most of what is asked for.
  for (size_t at = properties.find(name); at != std::string_view::npos; at = properties.find(name, at + 1)) {
    if (at > 0 && properties[at - 1] != kPropertyEnd) continue;
    const size_t separator = at + name.size();
    if (separator >= properties.size() || properties[separator] != kPropertyNameEnd) continue;
    const std::string_view rest = properties.substr(separator + 1);
    if (const auto value = rest.substr(0, rest.find(kPropertyEnd)); !value.empty()) found = value;
  }
  return found;
}

PropertyMap PropertiesToMap(std::string_view properties) {
  PropertyMap map;
  PropertyCursor cursor(properties);
  while (const auto entry = cursor.Next()) {
    map.insert_or_assign(std::string(entry->name), std::string(entry->value));
  }
  return map;
}

std::string PropertiesFromMap(const PropertyMap& map) {
  std::string out;
  size_t bytes = 0;
  for (const auto& [name, value] : map) bytes += name.size() + value.size() + 2;
  out.reserve(bytes);
  for (const auto& [name, value] : map) {
    if (!name.empty() && !value.empty()) AppendProperty(out, name, value);
  }
  return out;
}

void AppendProperty(std::string& properties, std::string_view name, std::string_view value) {
  if (!properties.empty() && properties.back() != kPropertyEnd) properties += kPropertyEnd;
  properties.append(name) += kPropertyNameEnd;
  properties.append(value) += kPropertyEnd;
}

void SetProperty(std::string& properties, std::string_view name, std::string_view value) {
  RemoveProperty(properties, name);
  AppendProperty(properties, name, value);
}

void RemoveProperty(std::string& properties, std::string_view name) {
  RemoveProperties(properties, std::span(&name, 1));
}

void RemoveProperties(std::string& properties, std::span<const std::string_view> names) {
  std::string_view rest = properties;
  size_t kept = 0;  // Bytes at the front that stay; pieces move down in place.
  while (!rest.empty()) {
    const size_t begin = properties.size() - rest.size();
    const std::string_view piece = TakePiece(rest);
    const bool drop = std::any_of(names.begin(), names.end(),
                                  [&](std::string_view name) { return PieceHasName(piece, name); });
    if (drop) continue;
    const size_t bytes = properties.size() - rest.size() - begin;
    if (kept != begin) std::copy_n(properties.begin() + begin, bytes, properties.begin() + kept);
    kept += bytes;
  }
  properties.resize(kept);
}

Status CheckProperty(std::string_view name, std::string_view value) {
  const auto bad = [&](std::string_view why) {
    return Status(StatusCode::kInvalidArgument, StrCat("property \"", Printable(name), "\": ", why));
  };
  if (name.empty()) return bad("the name is empty");
  if (value.empty()) return bad("the value is empty, which no reader could see");
  for (const std::string_view text : {name, value}) {
    if (text.find(kPropertyNameEnd) != std::string_view::npos ||
        text.find(kPropertyEnd) != std::string_view::npos)
      return bad("bytes 0x01 and 0x02 separate properties and may not occur in a name or value");
  }
  return Status::Ok();
}

bool IsReservedProperty(std::string_view name) {
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

Status CheckUserProperty(std::string_view name, std::string_view value) {
  if (IsReservedProperty(name)) {
    return {
        StatusCode::kInvalidArgument,
        StrCat("property \"", Printable(name), "\": the name is reserved for the system; take another one")};
  }
  return CheckProperty(name, value);
}

}  // namespace orbitmq

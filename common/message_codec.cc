// SPDX-License-Identifier: Apache-2.0
#include "common/message_codec.h"

#include <arpa/inet.h>

#include <cstring>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/limits.h"
#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq {
namespace {

// Positions from the start of a record that no host length moves.
constexpr size_t kMagicAt = 4;
constexpr size_t kQueueOffsetAt = 20;
constexpr size_t kLogOffsetAt = 28;
constexpr size_t kSysFlagAt = 36;
constexpr size_t kBornHostAt = 48;
constexpr size_t kPeekBytes = 8;
constexpr size_t kBatchFixedBytes = 22;  // Of one entry, without body and properties.

constexpr size_t HostBytes(bool ipv6) { return (ipv6 ? 16 : 4) + 4; }
constexpr size_t BornHostBytes(int32_t sys_flag) {
  return HostBytes((sys_flag & sys_flag::kBornHostV6) != 0);
}
constexpr size_t StoreHostBytes(int32_t sys_flag) {
  return HostBytes((sys_flag & sys_flag::kStoreHostV6) != 0);
}

// Bytes before the body.
constexpr size_t PrefixBytes(int32_t sys_flag) {
  return kBornHostAt + BornHostBytes(sys_flag) + 8 + StoreHostBytes(sys_flag) + 4 + 8 + 4;
}

// The record CRC: name, 0x01, ten digits, 0x02, at the very end of a record.
constexpr std::string_view kCrcName = "__CRC32#\x01";
constexpr size_t kCrcDigits = 10;
constexpr uint32_t kCrcMask = 0x7FFFFFFF;  // As in BodyCrc.
static_assert(kCrcName.size() + kCrcDigits + 1 == kRecordCrcBytes);
static_assert(kCrcName.substr(0, kCrcName.size() - 1) == property::kCrc32);

// Bytes that a record CRC adds to `properties`; 0 when it has no room.
constexpr size_t CrcRoom(std::string_view properties) {
  const bool separate = !properties.empty() && properties.back() != kPropertyEnd;
  const size_t room = kRecordCrcBytes + (separate ? 1 : 0);
  return properties.size() + room > kPropertiesBytesMax ? 0 : room;
}

// Whether a record whose last bytes these are ends in the property; one more byte in front tells a name that
// merely ends alike from it.
bool EndsInCrc(std::string_view properties) {
  if (properties.size() < kRecordCrcBytes || properties.back() != kPropertyEnd) return false;
  const size_t at = properties.size() - kRecordCrcBytes;
  if (at > 0 && properties[at - 1] != kPropertyEnd) return false;
  return properties.substr(at, kCrcName.size()) == kCrcName;
}

// The properties of a record that AppendRecord made.
std::string_view PropertiesOf(const char* record, size_t total, int32_t sys_flag) {
  size_t at = PrefixBytes(sys_flag);
  at += static_cast<size_t>(LoadBig<int32_t>(record + at - 4));
  const bool v2 = LoadBig<uint32_t>(record + kMagicAt) == static_cast<uint32_t>(RecordMagic::kV2);
  at += v2 ? size_t{2} + LoadBig<uint16_t>(record + at) : size_t{1} + LoadBig<uint8_t>(record + at);
  return {record + at + 2, total - at - 2};
}

// Until PatchRecord knows the digits, their place holds what it joins the CRC of the first fields with.
struct CrcOfRest {
  uint32_t crc = 0;    // Of everything between the fixed fields and the property.
  uint32_t shift = 0;  // For that many bytes.
};
static_assert(sizeof(CrcOfRest) <= kCrcDigits);

void PutDigits(char* to, uint32_t crc) {
  for (size_t i = 0; i < kCrcDigits; ++i) {
    to[i] = static_cast<char>('0' + crc % 10);
    crc /= 10;
  }
}

Status Corrupt(std::string_view what, std::string_view field, int64_t value) {
  return {StatusCode::kCorrupt, StrCat(what, ": ", field, " is ", value)};
}

// Writes fields one after the other into space that is known to suffice.
class Cursor final {
 public:
  explicit Cursor(char* to) : to_(to) {}
  template <class T>
  void Put(T value) {
    StoreBig<T>(to_, value);
    to_ += sizeof(T);
  }
  void PutBytes(const void* from, size_t count) {
    if (count > 0) std::memcpy(to_, from, count);
    to_ += count;
  }
  void PutHost(const HostAddress& host) {
    PutBytes(host.bytes.data(), host.ipv6 ? 16 : 4);
    Put<int32_t>(host.port);
  }

 private:
  char* to_;
};

// Takes fields one after the other from bytes that are known to suffice.
class Fields final {
 public:
  explicit Fields(const char* from) : from_(from) {}
  template <class T>
  T Take() {
    const T value = LoadBig<T>(from_);
    from_ += sizeof(T);
    return value;
  }
  HostAddress TakeHost(bool ipv6) {
    HostAddress host;
    host.ipv6 = ipv6;
    const size_t bytes = ipv6 ? 16 : 4;
    std::memcpy(host.bytes.data(), from_, bytes);
    from_ += bytes;
    host.port = Take<int32_t>();
    return host;
  }

 private:
  const char* from_;
};

// The fields between magic and body length, which lie within PrefixBytes(sys_flag).
void ReadFixed(const char* record, int32_t sys_flag, MessageView& view) {
  Fields fields(record + kPeekBytes);
  view.body_crc = fields.Take<uint32_t>();
  view.queue_id = fields.Take<int32_t>();
  view.flag = fields.Take<int32_t>();
  view.queue_offset = {fields.Take<int64_t>()};
  view.log_offset = {fields.Take<int64_t>()};
  view.sys_flag = fields.Take<int32_t>();
  view.born_time = FromEpochMillis(fields.Take<int64_t>());
  view.born_host = fields.TakeHost((sys_flag & sys_flag::kBornHostV6) != 0);
  view.store_time = FromEpochMillis(fields.Take<int64_t>());
  view.store_host = fields.TakeHost((sys_flag & sys_flag::kStoreHostV6) != 0);
  view.reconsume_times = fields.Take<int32_t>();
  view.prepared_transaction_offset = fields.Take<int64_t>();
}

}  // namespace

std::string HostAddress::IpText() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
  return text;
}

std::string HostAddress::ToString() const {
  return ipv6 ? StrCat('[', IpText(), "]:", port) : StrCat(IpText(), ':', port);
}

Result<HostAddress> ParseHostAddress(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  HostAddress host;
  host.port = port;
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string::npos) {
    if (::inet_pton(AF_INET, text.c_str(), host.bytes.data()) == 1) return host;
    host.ipv6 = true;
    if (::inet_pton(AF_INET6, text.c_str(), host.bytes.data()) == 1) return host;
  }
  return Status(StatusCode::kInvalidArgument, StrCat("\"", Printable(ip), "\" is no IPv4 or IPv6 address"));
}

Result<RecordPeek> PeekRecord(std::string_view bytes) {
  if (bytes.size() < kPeekBytes) return Corrupt("record", "bytes left", static_cast<int64_t>(bytes.size()));
  return RecordPeek{LoadBig<int32_t>(bytes.data()), LoadBig<uint32_t>(bytes.data() + kMagicAt)};
}

Result<MessageView> DecodeMessage(std::string_view bytes, BodyCheck check) {
  const auto peek = PeekRecord(bytes);
  if (!peek) return peek.status();
  MessageView view;
  view.total_bytes = peek->total_bytes;
  view.magic = static_cast<RecordMagic>(peek->magic);
  if (view.magic != RecordMagic::kV1 && view.magic != RecordMagic::kV2) {
    return Corrupt("record", "magic", peek->magic);
  }
  if (view.total_bytes < 0 || static_cast<size_t>(view.total_bytes) > bytes.size()) {
    return Corrupt("record", "total size", view.total_bytes);
  }
  // From here on every read is bounded by the record's own size, not by what follows it.
  const std::string_view record = bytes.substr(0, static_cast<size_t>(view.total_bytes));
  const bool has_flags = record.size() >= kSysFlagAt + 4;
  const auto sys_flag = has_flags ? LoadBig<int32_t>(record.data() + kSysFlagAt) : 0;
  const size_t prefix = PrefixBytes(sys_flag);
  if (!has_flags || record.size() < prefix) return Corrupt("record", "total size", view.total_bytes);
  ReadFixed(record.data(), sys_flag, view);
  ByteReader reader(record.substr(prefix - 4));
  const auto body_bytes = reader.Read<int32_t>();
  view.body = reader.ReadBytes(body_bytes);
  if (!reader.ok()) return Corrupt("record", "body length", body_bytes);
  const int32_t topic_bytes = view.magic == RecordMagic::kV1 ? reader.Read<int8_t>() : reader.Read<int16_t>();
  if (!reader.ok() || topic_bytes <= 0) return Corrupt("record", "topic length", topic_bytes);
  view.topic = reader.ReadBytes(topic_bytes);
  if (!reader.ok()) return Corrupt("record", "topic length", topic_bytes);
  const auto properties_bytes = reader.Read<int16_t>();
  view.properties = reader.ReadBytes(properties_bytes);
  if (!reader.ok()) return Corrupt("record", "properties length", properties_bytes);
  if (reader.remaining() != 0) return Corrupt("record", "total size", view.total_bytes);
  // Java does not check an empty body either.
  if (check == BodyCheck::kVerifyCrc && !view.body.empty() && BodyCrc(view.body) != view.body_crc) {
    return Corrupt("record", "body CRC", view.body_crc);
  }
  return view;
}

size_t RecordBytes(RecordMagic magic, int32_t sys_flag, size_t body_bytes, size_t topic_bytes,
                   size_t properties_bytes) {
  const size_t topic_length_bytes = magic == RecordMagic::kV2 ? 2 : 1;
  return PrefixBytes(sys_flag) + body_bytes + topic_length_bytes + topic_bytes + 2 + properties_bytes;
}

Status AppendRecord(const RecordFields& fields, RecordDraft& draft) {
  const auto refuse = [](std::string_view field, size_t bytes, size_t bytes_max) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("message ", field, " has ", bytes, " bytes; allowed are at most ", bytes_max));
  };
  if (fields.topic.empty()) return {StatusCode::kInvalidArgument, "message topic is empty"};
  if (fields.topic.size() > limits::kRetryTopicBytesMax) {
    return refuse("topic", fields.topic.size(), limits::kRetryTopicBytesMax);
  }
  if (fields.properties.size() > kPropertiesBytesMax) {
    return refuse("properties", fields.properties.size(), kPropertiesBytesMax);
  }
  if (fields.body.size() > limits::kMessageBodyBytesMax) {
    return refuse("body", fields.body.size(), limits::kMessageBodyBytesMax);
  }
  const RecordMagic magic = fields.topic.size() > kTopicBytesMaxV1 ? RecordMagic::kV2 : RecordMagic::kV1;
  int32_t flags = fields.sys_flag & ~(sys_flag::kBornHostV6 | sys_flag::kStoreHostV6);
  if (fields.born_host.ipv6) flags |= sys_flag::kBornHostV6;
  if (fields.store_host.ipv6) flags |= sys_flag::kStoreHostV6;
  const size_t crc_room = draft.crc == RecordCrc::kWhole ? CrcRoom(fields.properties) : 0;
  const size_t properties_bytes = fields.properties.size() + crc_room;
  const size_t total = RecordBytes(magic, flags, fields.body.size(), fields.topic.size(), properties_bytes);
  const size_t at = draft.bytes.size();
  draft.bytes.resize(at + total);
  Cursor out(draft.bytes.data() + at);
  out.Put<int32_t>(static_cast<int32_t>(total));
  out.Put<uint32_t>(static_cast<uint32_t>(magic));
  const uint32_t body_crc = Crc32(fields.body);
  out.Put<uint32_t>(body_crc & kCrcMask);
  out.Put<int32_t>(fields.queue_id);
  out.Put<int32_t>(fields.flag);
  out.Put<int64_t>(0);  // Queue offset and log offset: PatchRecord.
  out.Put<int64_t>(0);
  out.Put<int32_t>(flags);
  out.Put<int64_t>(ToEpochMillis(fields.born_time));
  out.PutHost(fields.born_host);
  out.Put<int64_t>(0);  // Store time: PatchRecord.
  out.PutHost(fields.store_host);
  out.Put<int32_t>(fields.reconsume_times);
  out.Put<int64_t>(fields.prepared_transaction_offset);
  out.Put<int32_t>(static_cast<int32_t>(fields.body.size()));
  out.PutBytes(fields.body.data(), fields.body.size());
  if (magic == RecordMagic::kV1) {
    out.Put<uint8_t>(static_cast<uint8_t>(fields.topic.size()));
  } else {
    out.Put<uint16_t>(static_cast<uint16_t>(fields.topic.size()));
  }
  out.PutBytes(fields.topic.data(), fields.topic.size());
  out.Put<uint16_t>(static_cast<uint16_t>(properties_bytes));
  out.PutBytes(fields.properties.data(), fields.properties.size());
  if (crc_room > 0) {
    if (crc_room > kRecordCrcBytes) out.Put<uint8_t>(kPropertyEnd);
    const size_t prefix = PrefixBytes(flags);
    const size_t behind_body = at + prefix + fields.body.size();
    const size_t end = at + total - kRecordCrcBytes;
    const std::string_view rest = std::string_view(draft.bytes).substr(behind_body, end - behind_body);
    const CrcOfRest of_rest{.crc = Crc32(rest, body_crc), .shift = Crc32ShiftOf(end - at - prefix)};
    out.PutBytes(kCrcName.data(), kCrcName.size());
    out.PutBytes(&of_rest, sizeof(of_rest));
    out.PutBytes("00", kCrcDigits - sizeof(of_rest));
    out.Put<uint8_t>(kPropertyEnd);
  }
  ++draft.record_count;
  return Status::Ok();
}

void PatchRecord(char* record, const RecordPlacement& placement, RecordCrc crc) {
  StoreBig<int64_t>(record + kQueueOffsetAt, placement.queue_offset.value);
  StoreBig<int64_t>(record + kLogOffsetAt, placement.log_offset.value);
  const auto flags = LoadBig<int32_t>(record + kSysFlagAt);
  StoreBig<int64_t>(record + kBornHostAt + BornHostBytes(flags), ToEpochMillis(placement.store_time));
  if (crc == RecordCrc::kNone) return;
  const auto total = static_cast<size_t>(LoadBig<int32_t>(record));
  if (!EndsInCrc(PropertiesOf(record, total, flags))) return;
  CrcOfRest rest;
  char* const digits = record + total - kCrcDigits - 1;
  std::memcpy(&rest, digits, sizeof(rest));
  const uint32_t of_prefix = Crc32({record, PrefixBytes(flags)});
  PutDigits(digits, Crc32Combine(of_prefix, rest.shift, rest.crc) & kCrcMask);
}

RecordCrcCheck CheckRecordCrc(std::string_view record, const MessageView& view) {
  const std::string_view properties = view.properties;
  if (!EndsInCrc(properties)) {
    return CrcRoom(properties) == 0 ? RecordCrcCheck::kNoRoom : RecordCrcCheck::kAbsent;
  }
  char expected[kCrcDigits];
  PutDigits(expected, BodyCrc(record.substr(0, record.size() - kRecordCrcBytes)));
  const std::string_view digits = properties.substr(properties.size() - kCrcDigits - 1, kCrcDigits);
  return digits == std::string_view(expected, kCrcDigits) ? RecordCrcCheck::kMatches
                                                          : RecordCrcCheck::kDiffers;
}

void AppendBatchEntry(const BatchEntry& entry, std::string& out) {
  ORBITMQ_CHECK(entry.properties.size() <= kPropertiesBytesMax,
                "the properties of a batch entry are too long");
  ORBITMQ_CHECK(entry.body.size() <= limits::kMessageBodyBytesMax, "the body of a batch entry is too long");
  const size_t total = kBatchFixedBytes + entry.body.size() + entry.properties.size();
  const size_t at = out.size();
  out.resize(at + total);
  Cursor to(out.data() + at);
  to.Put<int32_t>(static_cast<int32_t>(total));
  to.Put<int32_t>(0);  // Magic and body CRC: receivers ignore them, Java writes 0.
  to.Put<int32_t>(0);
  to.Put<int32_t>(entry.flag);
  to.Put<int32_t>(static_cast<int32_t>(entry.body.size()));
  to.PutBytes(entry.body.data(), entry.body.size());
  to.Put<uint16_t>(static_cast<uint16_t>(entry.properties.size()));
  to.PutBytes(entry.properties.data(), entry.properties.size());
}

Result<std::vector<BatchEntry>> DecodeBatch(std::string_view body, size_t entries_max) {
  std::vector<BatchEntry> entries;
  const auto corrupt = [&entries](std::string_view field, int64_t value) {
    return Corrupt(StrCat("batch entry ", entries.size()), field, value);
  };
  while (!body.empty()) {
    if (entries.size() == entries_max) {
      return Status(StatusCode::kResourceExhausted,
                    StrCat("a batch has more than ", entries_max, " messages"));
    }
    if (body.size() < kBatchFixedBytes) return corrupt("bytes left", static_cast<int64_t>(body.size()));
    const auto total = LoadBig<int32_t>(body.data());
    if (total < 0 || static_cast<size_t>(total) > body.size()) return corrupt("total size", total);
    ByteReader reader(body.substr(0, static_cast<size_t>(total)));
    reader.Skip(12);
    BatchEntry entry;
    entry.flag = reader.Read<int32_t>();
    const auto body_bytes = reader.Read<int32_t>();
    entry.body = reader.ReadBytes(body_bytes);
    if (!reader.ok()) return corrupt("body length", body_bytes);
    const auto properties_bytes = reader.Read<int16_t>();
    entry.properties = reader.ReadBytes(properties_bytes);
    if (!reader.ok()) return corrupt("properties length", properties_bytes);
    if (reader.remaining() != 0) return corrupt("total size", total);
    entries.push_back(entry);
    body.remove_prefix(static_cast<size_t>(total));
  }
  return entries;
}

}  // namespace orbitmq

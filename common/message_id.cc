// SPDX-License-Identifier: Apache-2.0
#include "common/message_id.h"

#include <cstring>
#include <ctime>

#include "common/bytes.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr size_t kIdBytesV4 = 16;
constexpr size_t kIdBytesV6 = 28;

std::string_view AddressBytes(const HostAddress& host) {
  return {reinterpret_cast<const char*>(host.bytes.data()), host.ipv6 ? size_t{16} : size_t{4}};
}

// Both kinds of id have the same two lengths.
Result<std::string> DecodeIdBytes(std::string_view text, std::string_view kind) {
  const auto bad = [&](std::string_view why) {
    return Status(StatusCode::kInvalidArgument, StrCat(kind, " \"", Printable(text), "\": ", why));
  };
  if (text.size() != 2 * kIdBytesV4 && text.size() != 2 * kIdBytesV6) {
    return bad("expected 32 hex digits, or 56 for an IPv6 host");
  }
  auto bytes = FromHex(text);
  if (!bytes) return bad("a character that is no hex digit");
  return *std::move(bytes);
}

HostAddress ReadAddress(ByteReader& reader, size_t id_bytes) {
  HostAddress host;
  host.ipv6 = id_bytes == kIdBytesV6;
  const std::string_view raw = reader.ReadBytes(host.ipv6 ? 16 : 4);
  std::memcpy(host.bytes.data(), raw.data(), raw.size());
  return host;
}

int64_t LocalMonthMillis(std::tm first_day, int month) {
  first_day.tm_mon = month;
  first_day.tm_mday = 1;
  first_day.tm_hour = 0;
  first_day.tm_min = 0;
  first_day.tm_sec = 0;
  first_day.tm_isdst = -1;
  return static_cast<int64_t>(std::mktime(&first_day)) * 1000;
}

}  // namespace

std::string EncodeOffsetMessageId(const OffsetMessageId& id) {
  char raw[kIdBytesV6];
  const std::string_view address = AddressBytes(id.store_host);
  std::memcpy(raw, address.data(), address.size());
  StoreBig<int32_t>(raw + address.size(), id.store_host.port);
  StoreBig<int64_t>(raw + address.size() + 4, id.log_offset.value);
  return ToHex({raw, address.size() + 12});
}

Result<OffsetMessageId> DecodeOffsetMessageId(std::string_view text) {
  const auto bytes = DecodeIdBytes(text, "offset message id");
  if (!bytes) return bytes.status();
  ByteReader reader(*bytes);
  OffsetMessageId id;
  id.store_host = ReadAddress(reader, bytes->size());
  id.store_host.port = reader.Read<int32_t>();
  id.log_offset = {reader.Read<int64_t>()};
  if (id.store_host.port < 0 || id.store_host.port > 65535 || id.log_offset.value < 0) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("offset message id \"", text, "\": port ", id.store_host.port, " or offset ",
                         id.log_offset.value, " is out of range; is it a unique key?"));
  }
  return id;
}

Result<UniqueIdParts> DecodeUniqueId(std::string_view text) {
  const auto bytes = DecodeIdBytes(text, "unique message id");
  if (!bytes) return bytes.status();
  ByteReader reader(*bytes);
  UniqueIdParts parts;
  parts.host = ReadAddress(reader, bytes->size());
  parts.pid = reader.Read<uint16_t>();
  parts.process_salt = reader.Read<uint32_t>();
  parts.millis_of_month = reader.Read<uint32_t>();
  parts.counter = reader.Read<uint16_t>();
  return parts;
}

UniqueIdGenerator::UniqueIdGenerator(const UniqueIdOptions& options, Random random, const Clock& clock)
    : clock_(clock) {
  std::string raw;
  ByteWriter writer(raw);
  if (const auto host = ParseHostAddress(options.ip, 0)) {
    writer.WriteBytes(AddressBytes(*host));
  } else {
    writer.Write<uint32_t>(static_cast<uint32_t>(random.Next()));
  }
  writer.Write<uint16_t>(static_cast<uint16_t>(options.pid));
  writer.Write<uint32_t>(static_cast<uint32_t>(random.Next()));
  prefix_ = ToHex(raw);
}

int64_t UniqueIdGenerator::MonthStart(int64_t now_ms) {
  const MutexLock lock(mutex_);
  // Only forward, as in Java: a clock that steps back a little over the end of a month keeps the new month.
  if (now_ms >= next_month_ms_) {
    const auto seconds = static_cast<std::time_t>(now_ms / 1000);
    std::tm local = {};
    ::localtime_r(&seconds, &local);
    month_start_ms_ = LocalMonthMillis(local, local.tm_mon);
    next_month_ms_ = LocalMonthMillis(local, local.tm_mon + 1);
  }
  return month_start_ms_;
}

std::string UniqueIdGenerator::Next() {
  const int64_t now_ms = clock_.WallMillis();
  int64_t since = now_ms - MonthStart(now_ms);
  if (since < 0 && since > -1000000) since = 0;  // NTP; larger steps back wrap, as in Java.
  char tail[6];
  StoreBig<uint32_t>(tail, static_cast<uint32_t>(since));
  StoreBig<uint16_t>(tail + 4, counter_.fetch_add(1, std::memory_order_relaxed));
  std::string id;
  id.reserve(prefix_.size() + 2 * sizeof(tail));
  id.append(prefix_);
  AppendHex(id, {tail, sizeof(tail)});
  return id;
}

}  // namespace orbitmq

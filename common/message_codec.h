// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "orbitmq/result.h"
#include "orbitmq/time.h"

namespace orbitmq {

// THE record layout: what the CommitLog stores, pull replies carry and view-by-id answers.
// Format: docs/STORE_FORMAT.md "Record" (source: Apache's MessageDecoder and CommitLog); V1 has a one-byte
// topic length, V2 (magic ...42E) a two-byte one and is used for topics longer than 127 bytes.
enum class RecordMagic : uint32_t {
  kV1 = 0xDAA320A7,
  kV2 = 0xDAA320AB,
  kBlank = 0xCBD43194,  // Filler at the end of a segment.
};

// An IPv4 or IPv6 address with port, as stored in born host and store host.
struct HostAddress {
  std::array<uint8_t, 16> bytes{};  // The first 4 (IPv4) or all 16 count.
  bool ipv6 = false;
  int32_t port = 0;
  friend bool operator==(const HostAddress&, const HostAddress&) = default;
  std::string IpText() const;    // "10.0.0.1" or the IPv6 literal.
  std::string ToString() const;  // "10.0.0.1:10911" or "[::1]:10911".
};
// kInvalidArgument when `ip` is not an address literal.
Result<HostAddress> ParseHostAddress(std::string_view ip, uint16_t port);

// A decoded record; views point into the bytes that were decoded.
struct MessageView {
  int32_t total_bytes = 0;
  RecordMagic magic = RecordMagic::kV1;
  uint32_t body_crc = 0;
  QueueId queue_id = 0;
  int32_t flag = 0;
  QueueOffset queue_offset;
  LogOffset log_offset;
  int32_t sys_flag = 0;
  WallTime born_time;
  HostAddress born_host;
  WallTime store_time;
  HostAddress store_host;
  int32_t reconsume_times = 0;
  int64_t prepared_transaction_offset = 0;
  std::string_view body;  // As stored: possibly compressed (sys_flag).
  std::string_view topic;
  std::string_view properties;  // "k\x01v\x02..." (message_properties.h).
};

enum class BodyCheck : uint8_t { kVerifyCrc, kTrust };

// Decodes the record at the front of `bytes` (more may follow; total_bytes tells where it ends). Checks every
// length against every other before use; kCorrupt names the field and the value. Blank filler is kCorrupt
// too: look at PeekRecord first where it can occur.
Result<MessageView> DecodeMessage(std::string_view bytes, BodyCheck check);

// The first 8 bytes of a record. kCorrupt if fewer are given.
struct RecordPeek {
  int32_t total_bytes = 0;
  uint32_t magic = 0;
};
Result<RecordPeek> PeekRecord(std::string_view bytes);

// What a sender or handler knows of a message before the log places it.
struct RecordFields {
  std::string_view topic;
  QueueId queue_id = 0;
  int32_t flag = 0;
  int32_t sys_flag = 0;  // Host family bits are set by the encoder.
  WallTime born_time;
  HostAddress born_host;
  HostAddress store_host;
  int32_t reconsume_times = 0;
  int64_t prepared_transaction_offset = 0;
  std::string_view body;
  std::string_view properties;
};

// Whether records end in a property with the CRC of everything before it: Apache's `__CRC32#` of
// enabledAppendPropCRC, 20 bytes, ten digits, the last one first (docs/STORE_FORMAT.md "Record CRC").
enum class RecordCrc : uint8_t {
  kNone,
  kWhole,  // Every record but those whose properties leave no room for it.
};

// One or more records (a batch) encoded back to back with everything but queue offset, log offset, store time
// and record CRC, which PatchRecord sets when the log places them.
struct RecordDraft {
  std::string bytes;
  int32_t record_count = 0;
  RecordCrc crc = RecordCrc::kWhole;  // What AppendRecord makes room for; the store has the last word on it.
};

inline constexpr size_t kTopicBytesMaxV1 = 127;
inline constexpr size_t kPropertiesBytesMax = 32767;
inline constexpr size_t kRecordCrcBytes = 20;

// Appends one record to the draft, with body CRC. V2 is taken for topics of more than 127 bytes.
// kInvalidArgument names the field that is empty or too long; the draft is unchanged then. Properties are
// stored as they are, with or without the last separator, as Apache stores them; only a record CRC makes a
// missing one appear. They must hold no `__CRC32#`: it would tell of another record.
Status AppendRecord(const RecordFields& fields, RecordDraft& draft);

// Sets the three placement fields of the record at `record` (its first byte; host family read from its
// sys_flag), and the record CRC where AppendRecord made room for it. Once per record. `crc` is the draft's.
struct RecordPlacement {
  QueueOffset queue_offset;
  LogOffset log_offset;
  WallTime store_time;
};
void PatchRecord(char* record, const RecordPlacement& placement, RecordCrc crc);

// What the end of a whole record (as DecodeMessage took it) says about its CRC.
enum class RecordCrcCheck : uint8_t {
  kAbsent,  // It does not end in the property.
  kNoRoom,  // The same, but its properties are so long that AppendRecord leaves the CRC out.
  kMatches,
  kDiffers,
};
RecordCrcCheck CheckRecordCrc(std::string_view record, const MessageView& view);

// The size of a record with these lengths; a record CRC counts among the properties.
size_t RecordBytes(RecordMagic magic, int32_t sys_flag, size_t body_bytes, size_t topic_bytes,
                   size_t properties_bytes);

// The body of SEND_BATCH_MESSAGE: per message total size, magic 0, body CRC, flag, body, properties
// (remoting.md 4.6).
struct BatchEntry {
  int32_t flag = 0;
  std::string_view body;
  std::string_view properties;
};
void AppendBatchEntry(const BatchEntry& entry, std::string& out);
// kCorrupt on any length that does not fit; at most `entries_max` entries (kResourceExhausted above).
Result<std::vector<BatchEntry>> DecodeBatch(std::string_view body, size_t entries_max);

}  // namespace orbitmq

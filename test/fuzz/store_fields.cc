// SPDX-License-Identifier: Apache-2.0
#include "test/fuzz/store_fields.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/message_codec.h"
#include "store/checkpoint.h"
#include "store/crc_ranges.h"

namespace orbitmq::store {
namespace {

constexpr size_t kOperationBytes = 10;
constexpr uint32_t kCrcMask = 0x7FFFFFFF;

struct Operation {
  uint8_t kind = 0;
  bool body_crc = false;  // Make it right afterwards.
  bool record_crc = false;
  uint16_t which = 0;
  uint8_t field = 0;
  uint8_t how = 0;
  uint32_t number = 0;
};

struct Field {
  size_t at = 0;
  size_t bytes = 0;
};

uint64_t Load(const std::string& content, const Field& field) {
  uint64_t value = 0;
  for (size_t i = 0; i < field.bytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(content[field.at + i]);
  }
  return value;
}

void Store(std::string& content, const Field& field, uint64_t value) {
  for (size_t i = 0; i < field.bytes; ++i) {
    content[field.at + i] = static_cast<char>(value >> (8 * (field.bytes - 1 - i)));
  }
}

uint64_t Changed(uint64_t old, const Operation& operation) {
  switch (operation.how % 8) {
    case 0:
      return operation.number;
    case 1:
      return old + operation.number % 9 - 4;
    case 2:
      return 0;
    case 3:
      return UINT64_MAX;
    case 4:
      return old + operation.number;
    case 5:
      return old ^ (uint64_t{1} << operation.number % 64);
    case 6:
      return old << 8;
    default:
      return uint64_t{1} << (operation.number % 63);
  }
}

void Change(std::string& content, const Field& field, const Operation& operation) {
  if (field.bytes == 0 || field.at + field.bytes > content.size()) return;
  Store(content, field, Changed(Load(content, field), operation));
}

// Places of the records of one log file.
std::vector<Field> RecordsOf(const std::string& content) {
  std::vector<Field> records;
  size_t at = 0;
  while (at < content.size()) {
    const auto view = DecodeMessage(std::string_view(content).substr(at), BodyCheck::kTrust);
    if (!view.ok()) break;
    records.push_back({at, static_cast<size_t>(view->total_bytes)});
    at += records.back().bytes;
  }
  return records;
}

// Of a V1 record with IPv4 addresses: size, magic, body CRC, queue, flag, queue offset, log offset, sys flag,
// born time and host, store time and host, reconsumed, transaction, length of the body, of the topic, of the
// properties.
Field RecordField(const std::string& content, const Field& record, uint8_t which) {
  static constexpr Field kFixed[] = {{0, 4},  {4, 4},  {8, 4},  {12, 4}, {16, 4}, {20, 8}, {28, 8}, {36, 4},
                                     {40, 8}, {48, 8}, {56, 8}, {64, 8}, {72, 4}, {76, 8}, {84, 4}};
  constexpr size_t kBodyAt = 88;
  const size_t choice = which % (std::size(kFixed) + 2);
  if (choice < std::size(kFixed)) return {record.at + kFixed[choice].at, kFixed[choice].bytes};
  const size_t topic_at = kBodyAt + static_cast<size_t>(Load(content, {record.at + 84, 4}));
  if (topic_at + 3 > record.bytes) return {};
  if (choice == std::size(kFixed)) return {record.at + topic_at, 1};
  const size_t properties_at = topic_at + 1 + static_cast<unsigned char>(content[record.at + topic_at]);
  return properties_at + 2 > record.bytes ? Field{} : Field{record.at + properties_at, 2};
}

void RepairCrcs(std::string& content, const Field& record, const Operation& operation) {
  const size_t body_bytes = static_cast<size_t>(Load(content, {record.at + 84, 4}));
  if (operation.body_crc && 88 + body_bytes <= record.bytes) {
    Store(content, {record.at + 8, 4},
          Crc32(std::string_view(content).substr(record.at + 88, body_bytes)) & kCrcMask);
  }
  if (!operation.record_crc || record.bytes < kRecordCrcBytes + 88) return;
  // Ten digits, the last one first, before the last separator.
  uint32_t crc = Crc32(std::string_view(content).substr(record.at,
      record.bytes - kRecordCrcBytes)) & kCrcMask;
  for (size_t i = 0; i < 10; ++i, crc /= 10) {
    content[record.at + record.bytes - 11 + i] = static_cast<char>('0' + crc % 10);
  }
}

void ChangeRecord(std::string& content, const Operation& operation) {
  const std::vector<Field> records = RecordsOf(content);
  if (records.empty()) return;
  const Field& record = records[operation.which % records.size()];
  // One in four changes the body itself.
  if (operation.field % 4 == 3 && record.bytes > 100) {
    const size_t at = record.at + 88 + operation.number % (record.bytes - 100);
    content[at] = static_cast<char>(operation.number >> 16);
  } else {
    Change(content, RecordField(content, record, operation.field), operation);
  }
  RepairCrcs(content, record, operation);
}

void ChangeUnit(std::string& content, const Operation& operation) {
  static constexpr Field kFields[] = {{0, 8}, {8, 4}, {12, 8}};
  const Field& field = kFields[operation.field % 3];
  // Mostly units that are used: the files are small and filled from the front.
  Change(content, {size_t{operation.which} % 12 * 20 + field.at, field.bytes}, operation);
}

// Header of 40 bytes, ten slots, twenty entries of 20 (recovery_fuzz's shape).
void ChangeIndex(std::string& content, const Operation& operation) {
  static constexpr Field kHeader[] = {{0, 8}, {8, 8}, {16, 8}, {24, 8}, {32, 4}, {36, 4}};
  static constexpr Field kEntry[] = {{0, 4}, {4, 8}, {12, 4}, {16, 4}};
  const size_t part = operation.field % 3;
  if (part == 0) return Change(content, kHeader[operation.which % std::size(kHeader)], operation);
  if (part == 1) return Change(content, {40 + size_t{operation.which} % 10 * 4, 4}, operation);
  const Field& field = kEntry[operation.field / 3 % std::size(kEntry)];
  Change(content, {80 + size_t{operation.which} % 20 * 20 + field.at, field.bytes}, operation);
}

// Decoded, changed, encoded again: its CRC is right.
void ChangeExact(std::string& content, const Operation& operation) {
  auto checkpoint = ExactCheckpoint::Decode(content);
  if (!checkpoint.ok()) return;
  const auto change = [&](int64_t& value) {
    value = static_cast<int64_t>(Changed(static_cast<uint64_t>(value), operation));
  };
  QueueEnds none;
  QueueEnds& ends = checkpoint->queues.empty()
                        ? none
                        : checkpoint->queues[operation.which % checkpoint->queues.size()];
  switch (operation.field % 11) {
    case 0:
      change(checkpoint->log_min.value);
      break;
    case 1:
      change(checkpoint->dispatched.value);
      break;
    case 2:
      change(checkpoint->last_record.value);
      break;
    case 3:
      change(checkpoint->last_store_time_ms);
      break;
    case 4:
      change(ends.min.value);
      break;
    case 5:
      change(ends.max.value);
      break;
    case 6:
      change(ends.end_log_offset.value);
      break;
    case 7:
      ends.queue.queue_id = static_cast<QueueId>(operation.number);
      break;
    case 8:
      checkpoint->index.header.next_entry = static_cast<int32_t>(operation.number % 64);
      break;
    case 9:
      change(checkpoint->index.header.end_log_offset);
      break;
    default:
      checkpoint->queues.push_back(ends);
  }
  content = checkpoint->Encode();
}

std::string* ChooseFile(FileSet& files, std::string_view part, uint16_t which) {
  std::vector<std::string*> found;
  for (auto& [path, content] : files) {
    if (path.find(part) != std::string::npos) found.push_back(&content);
  }
  return found.empty() ? nullptr : found[which % found.size()];
}

void Apply(FileSet& files, const Operation& operation) {
  static constexpr std::string_view kParts[] = {"/commitlog/", "/consumequeue/", "/index/", "/checkpoint",
                                                "/orbitmq/checkpoint", "/orbitmq/record_crc"};
  const size_t kind = operation.kind % std::size(kParts);
  std::string* const content = ChooseFile(files, kParts[kind], operation.which / 16);
  if (content == nullptr) return;
  // One in sixteen cuts the file or makes it longer by what it says.
  if (operation.how >= 240) {
    return content->resize(operation.how % 2 == 0 ? operation.number % (content->size() + 1)
                                                  : content->size() + operation.number % 5000);
  }
  switch (kind) {
    case 0:
      return ChangeRecord(*content, operation);
    case 1:
      return ChangeUnit(*content, operation);
    case 2:
      return ChangeIndex(*content, operation);
    case 3:
      return Change(*content, {size_t{operation.field} % 7 * 8, 8}, operation);
    case 4:
      return ChangeExact(*content, operation);
    default:
      return Change(*content, {operation.field % std::max<size_t>(content->size() / 8, 1) * 8, 8}, operation);
  }
}

}  // namespace

void MutateFields(FileSet& files, std::string_view script) {
  for (; script.size() >= kOperationBytes; script.remove_prefix(kOperationBytes)) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(script[i]); };
    Apply(files, {.kind = byte(0),
                  .body_crc = (byte(1) & 1) != 0,
                  .record_crc = (byte(1) & 2) != 0,
                  .which = static_cast<uint16_t>(byte(2) << 8 | byte(3)),
                  .field = byte(4),
                  .how = byte(5),
                  .number = LoadBig<uint32_t>(script.data() + 6)});
  }
}

}  // namespace orbitmq::store

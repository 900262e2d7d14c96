// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/index_check.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::tools {
namespace {

constexpr int32_t kEntryBytes = 20;
constexpr int32_t kEntriesPerRead = 8192;
constexpr std::string_view kRebuild = "mqstore repair builds the index anew from the log";

// The hashes of a record's entries. Entries for tags are new in 5.x: they may be missing.
struct KeyHashes {
  std::vector<int32_t> needed;
  std::vector<int32_t> allowed;
};

KeyHashes HashesOf(const MessageView& record) {
  KeyHashes hashes;
  const auto hash = [&record](std::string_view key) {
    return store::IndexKeyHash(StrCat(record.topic, "#", key));
  };
  if (const auto unique = FindProperty(record.properties, property::kUniqueKey)) {
    hashes.needed.push_back(hash(*unique));
  }
  for (const std::string_view key :
       Split(FindProperty(record.properties, property::kKeys).value_or(""), property::kKeySeparator)) {
    if (!key.empty()) hashes.needed.push_back(hash(key));
  }
  hashes.allowed = hashes.needed;
  if (const auto tag = FindProperty(record.properties, property::kTags)) {
    hashes.allowed.push_back(hash(StrCat("T#", *tag)));
  }
  return hashes;
}

}  // namespace

Status IndexCheck::Load() {
  if (!store_.has_index()) return {};
  const std::string directory = store_.Path("index");
  auto listed = store_.files().List(directory);
  if (!listed.ok()) return listed.status();
  const auto& options = store_.options();
  const int64_t bytes = static_cast<int64_t>(store::kIndexHeaderBytes) + 4 * int64_t{options.index_slots} +
                        kEntryBytes * int64_t{options.index_entries};
  for (const DirEntry& entry : *listed) {
    if (entry.is_directory) continue;
    IndexPlace file{StrCat(directory, "/", entry.name), {}};
    std::string head(store::kIndexHeaderBytes, '\0');
    auto opened = store_.files().Open(file.path, OpenMode::kReadOnly);
    if (!opened.ok()) return opened.status();
    auto got = (*opened)->ReadAt(0, head);
    if (!got.ok()) return got.status();
    file.header = store::IndexHeader::Decode(head);
    if (static_cast<int64_t>(entry.size) != bytes || file.header.next_entry > options.index_entries ||
        file.header.end_log_offset < file.header.begin_log_offset) {
      findings_.Add("index headers",
                    {Severity::kDamage, file.path, 0,
                     StrCat("has ", entry.size, " bytes and a header of ", file.header.next_entry,
                            " entries and log offsets ", file.header.begin_log_offset, "..",
                            file.header.end_log_offset, "; files of ", options.index_slots, " slots and ",
                            options.index_entries, " entries have ", bytes, " bytes"),
                     StrCat(kRebuild, "; if maxHashSlotNum was changed, name it with --index_slots")});
      continue;
    }
    CheckSlots(file);
    index_files_.push_back(std::move(file));
  }
  return {};
}

void IndexCheck::CheckSlots(const IndexPlace& file) {
  auto opened = store_.files().Open(file.path, OpenMode::kReadOnly);
  if (!opened.ok()) return;
  std::string chunk;
  for (int32_t slot = 0; slot < store_.options().index_slots;) {
    const int32_t count = std::min(store_.options().index_slots - slot, kEntriesPerRead);
    chunk.resize(static_cast<size_t>(count) * 4);
    auto got = (*opened)->ReadAt(store::kIndexHeaderBytes + 4 * static_cast<uint64_t>(slot), chunk);
    if (!got.ok() || *got < chunk.size()) return;
    for (int32_t i = 0; i < count; ++i) {
      const auto newest = LoadBig<int32_t>(chunk.data() + 4 * i);
      // After a crash slots may be ahead of the header; the next start builds them anew.
      if (newest >= 0 && newest < file.header.next_entry) continue;
      findings_.Add(
          "index slots",
          {store_.crashed() ? Severity::kNote : Severity::kDamage, file.path,
           static_cast<int64_t>(store::kIndexHeaderBytes) + 4 * int64_t{slot + i},
           StrCat("slot ", slot + i, " names entry ", newest, " of ", file.header.next_entry - 1),
           store_.crashed() ? "none needed, the next start builds the slots anew" : std::string(kRebuild)});
    }
    slot += count;
  }
}

bool IndexCheck::Refill() {
  buffered_.clear();
  buffered_at_ = 0;
  while (file_ < index_files_.size() && next_number_ >= index_files_[file_].header.next_entry) {
    ++file_;
    next_number_ = 1;
  }
  if (file_ == index_files_.size()) return false;
  const IndexPlace& file = index_files_[file_];
  const int32_t count = std::min(kEntriesPerRead, file.header.next_entry - next_number_);
  std::string raw(static_cast<size_t>(count * kEntryBytes), '\0');
  auto opened = store_.files().Open(file.path, OpenMode::kReadOnly);
  const uint64_t at = store::kIndexHeaderBytes + 4 * static_cast<uint64_t>(store_.options().index_slots) +
                      static_cast<uint64_t>(kEntryBytes) * static_cast<uint64_t>(next_number_);
  if (!opened.ok() || !(*opened)->ReadAt(at, raw).ok()) {
    ++file_;
    next_number_ = 1;
    return Refill();
  }
  for (int32_t i = 0; i < count; ++i) {
    const char* entry = raw.data() + i * kEntryBytes;
    buffered_.push_back({LoadBig<int32_t>(entry),
                         {LoadBig<int64_t>(entry + 4)},
                         LoadBig<int32_t>(entry + 16),
                         next_number_ + i,
                         file.path});
  }
  next_number_ += count;
  return true;
}

bool IndexCheck::Peek() { return buffered_at_ < buffered_.size() || Refill(); }

void IndexCheck::Wrong(std::string_view kind, const Entry& entry, std::string what) {
  const int64_t byte = static_cast<int64_t>(store::kIndexHeaderBytes) +
                       4 * int64_t{store_.options().index_slots} + int64_t{kEntryBytes} * entry.number;
  findings_.Add(kind, {Severity::kDamage, entry.file, byte,
                       StrCat("entry ", entry.number, " (log offset ", entry.log_offset.value, ") ", what),
                       std::string(kRebuild)});
}

void IndexCheck::Look(const MessageView& record) {
  if (index_files_.empty()) return;
  // Of records that expired, and of those in damaged ranges, only entries are left.
  while (Peek() && buffered_[buffered_at_].log_offset < record.log_offset) Take();
  KeyHashes hashes;
  if (TransactionTypeOf(record.sys_flag) != TransactionType::kRollback) hashes = HashesOf(record);
  while (Peek() && buffered_[buffered_at_].log_offset == record.log_offset) {
    const Entry& entry = buffered_[buffered_at_];
    ++checked_;
    newest_indexed_ = record.log_offset;
    if (std::find(hashes.allowed.begin(), hashes.allowed.end(), entry.hash) == hashes.allowed.end()) {
      Wrong("index entries", entry, StrCat("has the hash ", entry.hash, ", which no key of the message has"));
    }
    if (entry.previous < 0 || entry.previous >= entry.number) {
      Wrong("index chains", entry, StrCat("names entry ", entry.previous, " as the one before it"));
    }
    if (const auto it = std::find(hashes.needed.begin(), hashes.needed.end(), entry.hash);
        it != hashes.needed.end()) {
      hashes.needed.erase(it);
    }
    Take();
  }
  if (hashes.needed.empty()) return;
  if (missing_ == 0) first_missing_ = record.log_offset;
  missing_ += static_cast<int64_t>(hashes.needed.size());
  newest_missing_ = record.log_offset;
}

void IndexCheck::Finish(LogOffset log_end) {
  for (; Peek(); Take()) {
    if (buffered_[buffered_at_].log_offset < log_end) continue;
    const Entry entry = buffered_[buffered_at_];
    if (store_.crashed()) break;
    Wrong("index entries behind the end", entry, "is behind the end of the log");
  }
  if (missing_ == 0) return;
  const bool follows = store_.crashed() && first_missing_ > newest_indexed_;
  findings_.Add(
      "missing index entries",
      {follows ? Severity::kNote : Severity::kDamage, store_.Path("index"), -1,
       StrCat(missing_, " keys of messages are not in the index, the first of the one at log offset ",
              first_missing_.value),
       follows ? "none needed, the next start derives them" : std::string(kRebuild)});
}

}  // namespace orbitmq::tools

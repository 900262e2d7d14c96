// SPDX-License-Identifier: Apache-2.0
#include "store/index_file.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "common/bytes.h"
#include "common/java_hash.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr size_t kEntryBytes = 20;
constexpr size_t kWriteOutBytes = 16 * 1024;

uint64_t MappedBytes(IndexShape shape) { return kIndexHeaderBytes + 4 * static_cast<uint64_t>(shape.slots); }
uint64_t FileBytes(IndexShape shape) {
  return MappedBytes(shape) + kEntryBytes * static_cast<uint64_t>(shape.entries);
}

constexpr size_t kHeadPlacesMin = 256;

// What stands there is written once more: every hole becomes a block.
Status WriteOver(File& file, uint64_t bytes) {
  std::string buffer(size_t{256} << 10, '\0');
  for (uint64_t at = 0; at < bytes;) {
    const auto part = std::span(buffer).first(std::min<uint64_t>(buffer.size(), bytes - at));
    auto read = file.ReadAt(at, part);
    if (!read.ok()) return read.status();
    if (*read == 0) break;
    const std::string_view pieces[] = {std::string_view(buffer).substr(0, *read)};
    if (Status s = file.WriteAt(at, pieces); !s.ok()) return s;
    at += *read;
  }
  return {};
}

}  // namespace

// Slot numbers are hashes already.
size_t ChainHeads::PlaceOf(int32_t slot) const {
  const size_t mask = places_.size() - 1;
  size_t place = static_cast<size_t>(slot) & mask;
  while (places_[place].entry != 0 && places_[place].slot != slot) place = (place + 1) & mask;
  return place;
}

void ChainHeads::Set(int32_t slot, int32_t entry) {
  if (2 * (used_ + 1) > places_.size()) {
    const std::vector<Head> before =
        std::exchange(places_, std::vector<Head>(std::max(kHeadPlacesMin, 2 * places_.size())));
    for (const Head& head : before) {
      if (head.entry != 0) places_[PlaceOf(head.slot)] = head;
    }
  }
  Head& head = places_[PlaceOf(slot)];
  if (head.entry == 0) ++used_;
  head = {slot, entry};
}

void ChainHeads::Clear() {
  if (used_ > 0) std::fill(places_.begin(), places_.end(), Head{});
  used_ = 0;
}

int32_t IndexKeyHash(std::string_view key_text) {
  const int32_t hash = JavaStringHash(key_text);
  if (hash == std::numeric_limits<int32_t>::min()) return 0;
  return hash < 0 ? -hash : hash;
}

std::string IndexHeader::Encode() const {
  std::string out;
  ByteWriter writer(out);
  writer.Write<int64_t>(begin_time_ms);
  writer.Write<int64_t>(end_time_ms);
  writer.Write<int64_t>(begin_log_offset);
  writer.Write<int64_t>(end_log_offset);
  writer.Write<int32_t>(slots_used);
  writer.Write<int32_t>(next_entry);
  return out;
}

IndexHeader IndexHeader::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  IndexHeader header;
  header.begin_time_ms = reader.Read<int64_t>();
  header.end_time_ms = reader.Read<int64_t>();
  header.begin_log_offset = reader.Read<int64_t>();
  header.end_log_offset = reader.Read<int64_t>();
  header.slots_used = reader.Read<int32_t>();
  header.next_entry = std::max(1, reader.Read<int32_t>());
  return header;
}

IndexFile::IndexFile(std::unique_ptr<File> file, std::unique_ptr<Mapping> mapping, std::string path,
                     IndexShape shape, const IndexHeader& header)
    : file_(std::move(file)),
      mapping_(std::move(mapping)),
      path_(std::move(path)),
      shape_(shape),
      header_(header),
      written_(header.next_entry) {}

Result<std::shared_ptr<IndexFile>> IndexFile::Create(FileSystem& files, const std::string& path,
                                                     IndexShape shape, const IndexHeader& inherited) {
  auto file = files.CreateWhole(path, FileBytes(shape));
  if (!file.ok()) {
    file = files.Open(path, OpenMode::kCreate);
    if (!file.ok()) return file.status();
    if (Status s = (*file)->Truncate(0); !s.ok()) return s;
    if (Status s = (*file)->Truncate(FileBytes(shape)); !s.ok()) return s;
  }
  auto mapping = (*file)->Map(static_cast<size_t>(MappedBytes(shape)), MapMode::kReadWrite);
  if (!mapping.ok()) return mapping.status();
  auto index = std::make_shared<IndexFile>(*std::move(file), *std::move(mapping), path, shape, inherited);
  if (Status s = index->Reserve(); !s.ok()) return s;
  const std::string header = inherited.Encode();
  std::memcpy(index->mapping_->data(), header.data(), header.size());
  return index;
}

Result<std::shared_ptr<IndexFile>> IndexFile::Open(FileSystem& files, const std::string& path,
                                                   IndexShape shape) {
  auto file = files.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size != FileBytes(shape)) {
    return Status(StatusCode::kCorrupt,
                  StrCat(path, ": has ", *size, " bytes, maxHashSlotNum ", shape.slots, " and maxIndexNum ",
                         shape.entries, " ask for ", FileBytes(shape)));
  }
  auto mapping = (*file)->Map(static_cast<size_t>(MappedBytes(shape)), MapMode::kReadWrite);
  if (!mapping.ok()) return mapping.status();
  const IndexHeader header = IndexHeader::Decode({(*mapping)->data(), kIndexHeaderBytes});
  if (header.next_entry > shape.entries || header.end_log_offset < header.begin_log_offset) {
    return Status(StatusCode::kCorrupt,
                  StrCat(path, ": its header says ", header.next_entry, " entries of ", shape.entries,
                         " and log offsets ", header.begin_log_offset, "..", header.end_log_offset));
  }
  return std::make_shared<IndexFile>(*std::move(file), *std::move(mapping), path, shape, header);
}

IndexHeader IndexFile::header() const {
  const MutexLock lock(mutex_);
  return header_;
}

Status IndexFile::Reserve() {
  if (reserved_) return {};
  Status reserved = file_->Allocate(MappedBytes(shape_));
  if (reserved.code() == StatusCode::kNotSupported) reserved = WriteOver(*file_, MappedBytes(shape_));
  if (!reserved.ok()) return reserved.Annotate("reserve the blocks of an index file");
  reserved_ = true;
  return {};
}

char* IndexFile::Slot(int32_t slot) const {
  return mapping_->data() + kIndexHeaderBytes + 4 * static_cast<size_t>(slot);
}

uint64_t IndexFile::EntryAt(int32_t number) const {
  return MappedBytes(shape_) + kEntryBytes * static_cast<uint64_t>(number);
}

void IndexFile::Put(int32_t hash, LogOffset at, WallTime store_time) {
  const MutexLock lock(mutex_);
  const int64_t time_ms = ToEpochMillis(store_time);
  const int32_t slot = SlotOf(hash);
  int32_t previous = pending_heads_.Find(slot);
  if (previous == 0) previous = LoadBig<int32_t>(Slot(slot));
  if (previous <= 0 || previous >= header_.next_entry) previous = 0;
  int64_t seconds = header_.begin_time_ms <= 0 ? 0 : (time_ms - header_.begin_time_ms) / 1000;
  seconds = std::clamp<int64_t>(seconds, 0, std::numeric_limits<int32_t>::max());
  ByteWriter writer(pending_);
  writer.Write<int32_t>(hash);
  writer.Write<int64_t>(at.value);
  writer.Write<int32_t>(static_cast<int32_t>(seconds));
  writer.Write<int32_t>(previous);
  pending_heads_.Set(slot, header_.next_entry);
  if (header_.next_entry <= 1) {
    header_.begin_log_offset = at.value;
    header_.begin_time_ms = time_ms;
  }
  if (previous == 0) ++header_.slots_used;
  ++header_.next_entry;
  header_.end_log_offset = at.value;
  header_.end_time_ms = time_ms;
}

Status IndexFile::WriteOut(Amount amount) {
  std::string entries;
  int32_t first = 0;
  IndexHeader header;
  {
    const MutexLock lock(mutex_);
    if (pending_.empty() || (amount == Amount::kEnough && pending_.size() < kWriteOutBytes)) return {};
    entries = pending_;
    first = written_;
    header = header_;
  }
  if (Status s = Reserve(); !s.ok()) return s;
  const std::string_view pieces[] = {entries};
  if (Status s = file_->WriteAt(EntryAt(first), pieces); !s.ok()) return s;
  const std::string encoded = header.Encode();
  const MutexLock lock(mutex_);
  // Entries, header, slots: one that is killed in between leaves chains that lack their newest keys only.
  std::memcpy(mapping_->data(), encoded.data(), encoded.size());
  for (const ChainHeads::Head& head : pending_heads_.places()) {
    if (head.entry != 0) StoreBig<int32_t>(Slot(head.slot), head.entry);
  }
  pending_heads_.Clear();
  written_ += static_cast<int32_t>(entries.size() / kEntryBytes);
  pending_.erase(0, entries.size());
  return {};
}

Status IndexFile::Sync() {
  if (Status s = mapping_->Sync(0, mapping_->size()); !s.ok()) return s;
  return file_->Sync();
}

void IndexFile::Find(const Query& query, std::vector<LogOffset>& found) const {
  int32_t number = 0;
  int32_t written = 0;
  IndexHeader header;
  std::string pending;
  {
    const MutexLock lock(mutex_);
    number = pending_heads_.Find(SlotOf(query.hash));
    if (number == 0) number = LoadBig<int32_t>(Slot(SlotOf(query.hash)));
    header = header_;
    written = written_;
    pending = pending_;
  }
  if (number >= header.next_entry) return;
  char raw[kEntryBytes];
  // A chain's numbers fall, so a damaged file cannot make it endless.
  while (number > 0 && found.size() < query.count_max) {
    if (number >= written) {
      const size_t at = static_cast<size_t>(number - written) * kEntryBytes;
      if (at + kEntryBytes > pending.size()) return;
      std::memcpy(raw, pending.data() + at, kEntryBytes);
    } else {
      const auto read = file_->ReadAt(EntryAt(number), raw);
      if (!read.ok() || *read != kEntryBytes) return;
    }
    const auto seconds = LoadBig<int32_t>(raw + 12);
    if (seconds < 0) return;
    const int64_t time_ms = header.begin_time_ms + int64_t{seconds} * 1000;
    if (LoadBig<int32_t>(raw) == query.hash && time_ms >= query.begin_ms && time_ms <= query.end_ms) {
      found.push_back({LoadBig<int64_t>(raw + 4)});
    }
    const auto previous = LoadBig<int32_t>(raw + 16);
    if (previous >= number || time_ms < query.begin_ms) return;
    number = previous;
  }
}

int32_t IndexFile::CountNewestOf(LogOffset at) const {
  const MutexLock lock(mutex_);
  int32_t count = 0;
  for (int32_t number = written_ - 1; number > 0; --number) {
    char raw[kEntryBytes];
    const auto read = file_->ReadAt(EntryAt(number), raw);
    if (!read.ok() || *read != kEntryBytes || LoadBig<int64_t>(raw + 4) != at.value) break;
    ++count;
  }
  return count;
}

Status IndexFile::Rebuild(const IndexHeader& header) {
  if (Status s = Reserve(); !s.ok()) return s;
  const MutexLock lock(mutex_);
  std::memset(mapping_->data() + kIndexHeaderBytes, 0, 4 * static_cast<size_t>(shape_.slots));
  constexpr int32_t kBatch = 3276;
  std::string raw;
  int64_t newest = 0;
  int32_t slots_used = 0;
  for (int32_t number = 1; number < header.next_entry; number += kBatch) {
    const int32_t count = std::min(kBatch, header.next_entry - number);
    raw.resize(static_cast<size_t>(count) * kEntryBytes);
    auto read = file_->ReadAt(EntryAt(number), raw);
    if (!read.ok()) return read.status();
    for (int32_t i = 0; i < count; ++i) {
      const auto hash = LoadBig<int32_t>(raw.data() + static_cast<size_t>(i) * kEntryBytes);
      const auto at = LoadBig<int64_t>(raw.data() + static_cast<size_t>(i) * kEntryBytes + 4);
      const auto previous = LoadBig<int32_t>(raw.data() + static_cast<size_t>(i) * kEntryBytes + 16);
      // Entries stand in the order of the log and know the one before in their chain; zeros are sectors that
      // a crash took. A key that really hashes to 0 costs making the file anew.
      if (hash <= 0 || at < newest || previous != LoadBig<int32_t>(Slot(SlotOf(hash)))) {
        return {StatusCode::kCorrupt,
                StrCat(path_, ": entry ", number + i, " has the hash ", hash, ", log offset ", at, " after ",
                       newest, ", previous entry ", previous)};
      }
      newest = at;
      slots_used += LoadBig<int32_t>(Slot(SlotOf(hash))) == 0 ? 1 : 0;
      StoreBig<int32_t>(Slot(SlotOf(hash)), number + i);
    }
  }
  if (header.next_entry > 1 && newest != header.end_log_offset) {
    return {StatusCode::kCorrupt, StrCat(path_, ": its entries end at log offset ", newest,
                                         ", its header at ", header.end_log_offset)};
  }
  header_ = header;
  header_.slots_used = slots_used;
  written_ = header.next_entry;
  pending_.clear();
  pending_heads_.Clear();
  const std::string encoded = header_.Encode();
  std::memcpy(mapping_->data(), encoded.data(), encoded.size());
  return {};
}

Result<bool> IndexFile::CutAbove(LogOffset log_end) {
  IndexHeader cut = header();
  for (; cut.next_entry > 1; --cut.next_entry) {
    char raw[kEntryBytes];
    auto read = file_->ReadAt(EntryAt(cut.next_entry - 1), raw);
    if (!read.ok()) return read.status();
    cut.end_log_offset = *read == kEntryBytes ? LoadBig<int64_t>(raw + 4) : log_end.value;
    if (cut.end_log_offset < log_end.value) break;
  }
  if (cut.next_entry <= 1) return false;
  // The end time stays: it may be later than that of the last entry, never earlier.
  if (cut.next_entry == header().next_entry) return true;
  if (Status s = Rebuild(cut); !s.ok()) return s;
  return true;
}

}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#include "store/key_index.h"

#include <algorithm>
#include <ctime>

#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::store {
namespace {

// Names in a row that may exist already; each is a file of one millisecond.
constexpr int kNamesTaken = 1000;

// Local time as yyyyMMddHHmmssSSS, as Apache names index files.
std::string IndexFileName(WallTime time) {
  const int64_t ms = ToEpochMillis(time);
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char name[32];
  const size_t count = std::strftime(name, sizeof(name), "%Y%m%d%H%M%S", &parts);
  std::string text(name, count);
  char millis[8];
  std::snprintf(millis, sizeof(millis), "%03d", static_cast<int>(ms % 1000));
  return text + millis;
}

bool IsIndexFileName(std::string_view name) {
  return name.size() == 17 && name.find_first_not_of("0123456789") == std::string_view::npos;
}

struct IndexedProperties {
  std::string_view unique_key;
  std::string_view keys;
  std::string_view tag;
};

// One walk for all three; of a repeated name the last value counts, as in FindProperty.
IndexedProperties IndexedPropertiesOf(std::string_view properties) {
  IndexedProperties indexed;
  PropertyCursor cursor(properties);
  while (const auto entry = cursor.Next()) {
    if (entry->name == property::kUniqueKey) indexed.unique_key = entry->value;
    if (entry->name == property::kKeys) indexed.keys = entry->value;
    if (entry->name == property::kTags) indexed.tag = entry->value;
  }
  return indexed;
}

}  // namespace

KeyIndex::KeyIndex(FileSystem& files, Clock& clock, Logger& log, const StoreOptions& options)
    : files_(files),
      clock_(clock),
      log_(log),
      directory_(options.root + "/index"),
      shape_{options.index_slots, options.index_entries},
      enabled_(options.index_enabled),
      index_files_(std::make_shared<const Files>()) {}

std::shared_ptr<const KeyIndex::Files> KeyIndex::all() const {
  const MutexLock lock(mutex_);
  return index_files_;
}

void KeyIndex::Publish(Files files) {
  const MutexLock lock(mutex_);
  index_files_ = std::make_shared<const Files>(std::move(files));
}

Result<std::shared_ptr<IndexFile>> KeyIndex::Writable() {
  const auto now = all();
  if (!now->empty() && !now->back()->full()) return now->back();
  IndexHeader inherited;
  if (!now->empty()) {
    if (Status s = now->back()->WriteOut(IndexFile::Amount::kAll); !s.ok()) return s;
    const IndexHeader last = now->back()->header();
    inherited.begin_time_ms = inherited.end_time_ms = last.end_time_ms;
    inherited.begin_log_offset = inherited.end_log_offset = last.end_log_offset;
  }
  if (Status s = CreateDirectoriesDurably(files_, directory_); !s.ok()) return s;
  WallTime name_time = clock_.Wall();
  std::string path = directory_ + "/" + IndexFileName(name_time);
  // Names sort by age, also when files are made within a millisecond or the clock went back.
  int taken = 0;
  while (files_.Exists(path) || (!now->empty() && path <= now->back()->path())) {
    // A disk that cannot say what it holds says so of every name.
    if (files_.Exists(path) && ++taken > kNamesTaken) {
      return Status(StatusCode::kIoError, StrCat("make an index file: ", path, " and the ", kNamesTaken,
                                                 " names before it seem to be taken"));
    }
    name_time += Millis(1);
    path = directory_ + "/" + IndexFileName(name_time);
  }
  auto created = IndexFile::Create(files_, path, shape_, inherited);
  if (!created.ok()) {
    (void)files_.Remove(path);
    return created.status().Annotate("make an index file");
  }
  const MutexLock lock(mutex_);
  auto grown = std::make_shared<Files>(*index_files_);
  grown->push_back(*created);
  index_files_ = std::move(grown);
  return *created;
}

Status KeyIndex::PutKey(std::string_view key_text, const MessageView& record) {
  auto file = Writable();
  if (!file.ok()) return file.status();
  (*file)->Put(IndexKeyHash(key_text), record.log_offset, record.store_time);
  newest_entries_ = record.log_offset.value == newest_record_ ? newest_entries_ + 1 : 1;
  newest_record_ = record.log_offset.value;
  return {};
}

Status KeyIndex::Put(const MessageView& record) {
  if (!enabled_ || TransactionTypeOf(record.sys_flag) == TransactionType::kRollback) return {};
  if (record.log_offset.value < newest_record_) return {};
  int32_t present = record.log_offset.value == newest_record_ ? newest_entries_ : 0;
  const auto put = [&](std::string_view kind, std::string_view key) -> Status {
    if (present > 0) {
      --present;
      return {};
    }
    key_text_.assign(record.topic);
    key_text_ += '#';
    key_text_ += kind;
    key_text_ += key;
    return PutKey(key_text_, record);
  };
  const IndexedProperties indexed = IndexedPropertiesOf(record.properties);
  if (!indexed.unique_key.empty()) {
    if (Status s = put("", indexed.unique_key); !s.ok()) return s;
  }
  std::string_view rest = indexed.keys;
  while (!rest.empty()) {
    const size_t end_of_key = std::min(rest.find(property::kKeySeparator), rest.size());
    if (end_of_key > 0) {
      if (Status s = put("", rest.substr(0, end_of_key)); !s.ok()) return s;
    }
    rest.remove_prefix(std::min(end_of_key + 1, rest.size()));
  }
  if (!indexed.tag.empty()) {
    if (Status s = put("T#", indexed.tag); !s.ok()) return s;
  }
  return {};
}

Status KeyIndex::WriteOut(IndexFile::Amount amount) {
  const auto now = all();
  return now->empty() ? Status() : now->back()->WriteOut(amount);
}

Status KeyIndex::Sync() {
  const auto now = all();
  if (now->empty()) return {};
  // Every file that filled up since the last sync, however many, and the growing one; all of them the first
  // time, because a killed predecessor may have left them in the page cache only.
  const auto last = std::find(now->begin(), now->end(), last_synced_.lock());
  for (auto it = last == now->end() ? now->begin() : last; it != now->end(); ++it) {
    if (Status s = (*it)->Sync(); !s.ok()) return s;
  }
  last_synced_ = now->back();
  return files_.SyncDirectory(directory_);
}

void KeyIndex::RemoveBelow(LogOffset log_min) {
  std::vector<std::string> paths;
  {
    const MutexLock lock(mutex_);
    auto kept = std::make_shared<Files>(*index_files_);
    while (kept->size() > 1 && kept->front()->header().end_log_offset < log_min.value) {
      paths.push_back(kept->front()->path());
      kept->erase(kept->begin());
    }
    if (!paths.empty()) index_files_ = std::move(kept);
  }
  for (const std::string& path : paths) {
    if (Status s = files_.Remove(path); !s.ok()) {
      log_.Warn("an expired index file stays", {{"status", s.ToString()}});
    }
  }
}

KeyIndex::Found KeyIndex::Find(const QueryRequest& request, size_t count_max) const {
  Found found;
  const auto now = all();
  if (now->empty()) return found;
  found.last = now->back()->header();
  const std::string_view kind = request.type == KeyType::kTag ? "T#" : "";
  const IndexFile::Query query{.hash = IndexKeyHash(StrCat(request.topic, "#", kind, request.key)),
                               .begin_ms = ToEpochMillis(request.begin),
                               .end_ms = ToEpochMillis(request.end),
                               .count_max = count_max};
  for (auto it = now->rbegin(); it != now->rend() && found.offsets.size() < count_max; ++it) {
    const IndexHeader header = (*it)->header();
    if (header.end_time_ms >= query.begin_ms && header.begin_time_ms <= query.end_ms) {
      (*it)->Find(query, found.offsets);
    }
    if (header.begin_time_ms < query.begin_ms) break;
  }
  return found;
}

KeyIndex::Mark KeyIndex::mark() const {
  const auto now = all();
  if (now->empty()) return {};
  const std::string& path = now->back()->path();
  return {path.substr(path.rfind('/') + 1), now->back()->header()};
}

std::optional<LogOffset> KeyIndex::end() const {
  const MutexLock lock(mutex_);
  if (index_files_->empty()) return std::nullopt;
  return LogOffset{index_files_->back()->header().end_log_offset};
}

Status KeyIndex::Load() {
  if (!files_.Exists(directory_)) return {};
  auto listed = files_.List(directory_);
  if (!listed.ok()) return listed.status();
  Files loaded;
  bool dropping = false;
  for (const DirEntry& entry : *listed) {
    if (entry.is_directory || !IsIndexFileName(entry.name)) continue;
    const std::string path = directory_ + "/" + entry.name;
    if (!dropping) {
      auto file = IndexFile::Open(files_, path, shape_);
      // A crash may take the newest pages of a file and leave the file after it.
      if (file.ok() && !loaded.empty() &&
          (!loaded.back()->full() ||
           (*file)->header().end_log_offset < loaded.back()->header().end_log_offset)) {
        file = Status(StatusCode::kCorrupt, StrCat(path, ": it does not follow the file before it"));
      }
      if (file.ok()) {
        loaded.push_back(*std::move(file));
        continue;
      }
      if (file.status().code() != StatusCode::kCorrupt) return file.status();
      log_.Warn("an index file is damaged; it and the newer ones are made anew",
                {{"status", file.status().ToString()}});
      dropping = true;
    }
    if (Status s = files_.Remove(path); !s.ok()) return s;
  }
  Publish(std::move(loaded));
  FindEnd();
  return {};
}

void KeyIndex::FindEnd() {
  const auto now = all();
  newest_record_ = now->empty() ? -1 : now->back()->header().end_log_offset;
  newest_entries_ = 0;
  for (auto it = now->rbegin(); it != now->rend(); ++it) {
    const int32_t count = (*it)->CountNewestOf({newest_record_});
    newest_entries_ += count;
    if (count < (*it)->header().next_entry - 1) break;
  }
}

Status KeyIndex::DropFrom(size_t first) {
  Files kept = *all();
  while (kept.size() > first) {
    const std::string path = kept.back()->path();
    kept.pop_back();
    Publish(kept);
    if (Status s = files_.Remove(path); !s.ok()) return s;
  }
  FindEnd();
  return {};
}

Result<bool> KeyIndex::RestoreTo(const Mark& mark, Exit exit) {
  const auto now = all();
  size_t at = now->size();
  for (size_t i = 0; i < now->size(); ++i) {
    if ((*now)[i]->path().ends_with("/" + mark.file)) at = i;
  }
  if (mark.file.empty()) {
    if (Status s = DropFrom(0); !s.ok()) return s;
    return true;
  }
  if (at == now->size() || mark.header.next_entry > shape_.entries) return false;
  if (Status s = DropFrom(at + 1); !s.ok()) return s;
  if (exit == Exit::kCrash || (*now)[at]->header() != mark.header) {
    if (Status s = (*now)[at]->Rebuild(mark.header); !s.ok()) {
      if (s.code() == StatusCode::kCorrupt) return false;
      return s;
    }
  }
  FindEnd();
  return true;
}

Status KeyIndex::RebuildNewest(int64_t time_ms) {
  const auto now = all();
  size_t keep = now->size();
  for (size_t i = now->size(); i-- > 0;) {
    if (i + 1 < now->size() && (*now)[i]->header().end_time_ms < time_ms) break;
    const Status s = (*now)[i]->Rebuild((*now)[i]->header());
    if (s.code() == StatusCode::kCorrupt) keep = i;
    if (!s.ok() && s.code() != StatusCode::kCorrupt) return s;
  }
  return DropFrom(keep);
}

Status KeyIndex::DropNewerThan(int64_t time_ms) {
  const auto now = all();
  size_t keep = 0;
  while (keep < now->size() && (*now)[keep]->header().end_time_ms <= time_ms) ++keep;
  return DropFrom(keep);
}

Status KeyIndex::DropAbove(LogOffset log_end) {
  if (Status s = WriteOut(IndexFile::Amount::kAll); !s.ok()) return s;
  const auto now = all();
  size_t keep = now->size();
  for (; keep > 0 && (*now)[keep - 1]->header().end_log_offset >= log_end.value; --keep) {
    auto kept = (*now)[keep - 1]->CutAbove(log_end);
    if (!kept.ok() && kept.status().code() != StatusCode::kCorrupt) return kept.status();
    if (kept.ok() && *kept) break;
  }
  return DropFrom(keep);
}

}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/store_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/delay_levels.h"
#include "common/strings.h"
#include "store/checkpoint.h"
#include "store/consume_queue.h"
#include "store/index_file.h"
#include "store/segment_file.h"

namespace orbitmq::tools {
namespace {

// An index file of n slots has room for 4 n entries unless someone changed Apache's defaults.
constexpr int64_t kEntriesPerSlot = 4;
constexpr int64_t kSlotBytes = 4;
constexpr int64_t kEntryBytes = 20;

// The length of the first file whose name is a position; all but the last of the log have the same.
Result<std::optional<int64_t>> FirstLength(FileSystem& files, const std::string& directory) {
  if (!files.Exists(directory)) return std::optional<int64_t>();
  auto listed = files.List(directory);
  if (!listed.ok()) return listed.status();
  for (const DirEntry& entry : *listed) {
    if (!entry.is_directory && store::ParseOffsetFileName(entry.name) && entry.size > 0) {
      return std::optional(static_cast<int64_t>(entry.size));
    }
  }
  return std::optional<int64_t>();
}

Status FindSegmentBytes(FileSystem& files, const StorePlace& place, store::StoreOptions& options) {
  if (place.segment_bytes > 0) {
    options.segment_bytes = place.segment_bytes;
    return {};
  }
  auto length = FirstLength(files, options.commit_log_dir);
  if (!length.ok()) return length.status();
  if (*length) options.segment_bytes = **length;
  return {};
}

Status FindQueueUnits(FileSystem& files, store::StoreOptions& options) {
  const std::string root = options.root + "/consumequeue";
  if (!files.Exists(root)) return {};
  auto topics = files.List(root);
  if (!topics.ok()) return topics.status();
  for (const DirEntry& topic : *topics) {
    if (!topic.is_directory) continue;
    auto ids = files.List(StrCat(root, "/", topic.name));
    if (!ids.ok()) return ids.status();
    for (const DirEntry& id : *ids) {
      auto length = FirstLength(files, StrCat(root, "/", topic.name, "/", id.name));
      if (!length.ok() || !*length || **length < store::kUnitBytes) continue;
      options.queue_file_units = **length / store::kUnitBytes;
      return {};
    }
  }
  return {};
}

Result<bool> FindIndexShape(FileSystem& files, const StorePlace& place, store::StoreOptions& options) {
  const std::string directory = options.root + "/index";
  if (!files.Exists(directory)) return false;
  auto listed = files.List(directory);
  if (!listed.ok()) return listed.status();
  for (const DirEntry& entry : *listed) {
    const auto bytes = static_cast<int64_t>(entry.size) - static_cast<int64_t>(store::kIndexHeaderBytes);
    if (entry.is_directory || bytes <= 0) continue;
    if (place.index_slots > 0) {
      options.index_slots = place.index_slots;
      options.index_entries = static_cast<int32_t>((bytes - kSlotBytes * place.index_slots) / kEntryBytes);
    } else {
      options.index_slots = static_cast<int32_t>(bytes / (kSlotBytes + kEntriesPerSlot * kEntryBytes));
      options.index_entries = static_cast<int32_t>(options.index_slots * kEntriesPerSlot);
    }
    return true;
  }
  return false;
}

}  // namespace

StoreDirectory::StoreDirectory(FileSystem& files, Logger& log, store::StoreOptions options)
    : frozen_(files), options_(std::move(options)), log_(frozen_, log, options_) {}

std::string StoreDirectory::Path(std::string_view name) const { return StrCat(options_.root, "/", name); }

LogOffset StoreDirectory::log_begin() const {
  const auto segments = log_.segments();
  return segments->empty() ? LogOffset{0} : segments->front()->begin();
}

Result<std::unique_ptr<StoreDirectory>> StoreDirectory::Open(FileSystem& files, Logger& log,
                                                             const StorePlace& place) {
  store::StoreOptions options;
  options.root = place.root;
  options.commit_log_dir = place.commit_log_dir.empty() ? place.root + "/commitlog" : place.commit_log_dir;
  if (!files.Exists(options.root)) {
    return Status(StatusCode::kNotFound, StrCat(options.root, ": there is no such directory"));
  }
  if (!files.Exists(options.commit_log_dir)) {
    return Status(StatusCode::kNotFound,
                  StrCat(options.root,
                         ": this is no store directory, it has no commitlog folder; name the "
                         "broker's storePathRootDir, and --commit_log if storePathCommitLog is set"));
  }
  std::unique_ptr<FileLock> lock;
  // A copy that no broker ever ran on has no lock file, and none is made in what is only looked at.
  const std::string lock_path = options.root + "/lock";
  if (place.locking == StorePlace::Locking::kTake && files.Exists(lock_path)) {
    auto taken = files.Lock(lock_path);
    if (!taken.ok()) {
      return taken.status().Annotate(
          StrCat("a broker runs on ", options.root, "; stop it first, or look at a copy"));
    }
    lock = *std::move(taken);
  }
  if (Status s = FindSegmentBytes(files, place, options); !s.ok()) return s;
  if (Status s = FindQueueUnits(files, options); !s.ok()) return s;
  auto has_index = FindIndexShape(files, place, options);
  if (!has_index.ok()) return has_index.status();
  const auto levels = ParseDelayLevels(kDelayLevelsDefault);
  if (levels.ok()) options.delay_levels.assign(levels->begin(), levels->end());
  auto directory = std::make_unique<StoreDirectory>(files, log, std::move(options));
  directory->lock_ = std::move(lock);
  directory->has_index_ = *has_index;
  directory->crashed_ = files.Exists(directory->Path("abort"));
  if (Status s = directory->log_.Load(); !s.ok()) return s;
  const auto exact = store::LoadExactCheckpoint(directory->frozen_, NullLogger(), directory->options_.root);
  auto ranges = store::CrcRanges::Load({.files = directory->frozen_,
                                        .log = NullLogger(),
                                        .commit_log = directory->log_,
                                        .root = directory->options_.root,
                                        .exact_end = exact.ok() ? exact->dispatched : LogOffset{0},
                                        .exact_last_record = exact.ok() ? exact->last_record : LogOffset{0}});
  if (!ranges.ok()) return ranges.status();
  directory->crc_ranges_ = *std::move(ranges);
  auto deleted = store::DeletedTopics::Load(directory->frozen_, NullLogger(), directory->options_.root);
  if (!deleted.ok()) return deleted.status();
  directory->deleted_ = *std::move(deleted);
  return directory;
}

}  // namespace orbitmq::tools

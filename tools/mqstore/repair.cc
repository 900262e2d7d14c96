// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/repair.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "common/bytes.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "store/message_store.h"
#include "store/segment_file.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kSealBytesMax = int64_t{1} << 20;
constexpr int64_t kCopyBytes = int64_t{1} << 20;
constexpr int64_t kFillerHeaderBytes = 8;
constexpr std::string_view kSealTopic = "-";
constexpr Duration kCloseWithin = std::chrono::minutes(10);

std::string FolderName(WallTime now) {
  const auto seconds = static_cast<std::time_t>(ToEpochMillis(now) / 1000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  char text[32];
  const size_t count = std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
  return StrCat("repair-", std::string_view(text, count));
}

// Where the pieces of a range end: at the ends of log files.
std::vector<std::pair<std::shared_ptr<store::SegmentFile>, LogOffset>> PiecesOf(const store::CommitLog& log,
                                                                                LogOffset begin,
                                                                                LogOffset end) {
  std::vector<std::pair<std::shared_ptr<store::SegmentFile>, LogOffset>> pieces;
  for (const auto& segment : *log.segments()) {
    if (segment->end() > begin && segment->begin() < end) {
      pieces.emplace_back(segment, std::max(begin, segment->begin()));
    }
  }
  return pieces;
}

}  // namespace

Result<std::vector<std::string>> StoreRepair::Plan(StoreDirectory& store, Rebuild rebuild) {
  std::vector<std::string> plan;
  for (const LogWalk::Damage& damage : found_.log_damage) {
    const std::string range = StrCat("log offsets ", damage.begin.value, "..", damage.end.value, " (",
                                     damage.end - damage.begin, " bytes, kept in a copy)");
    if (!damage.records_behind) {
      plan.push_back(StrCat("cut the torn tail: ", range));
      continue;
    }
    for (const auto& [segment, begin] : PiecesOf(store.log(), damage.begin, damage.end)) {
      const LogOffset end = std::min(damage.end, segment->end());
      if (end < segment->end() && end - begin < kSealedBytesMin) {
        return Status(StatusCode::kNotSupported,
                      StrCat(segment->path(), " byte ", begin - segment->begin(), ": ", end - begin,
                             " damaged bytes are too few to be covered by a record of at least ",
                             kSealedBytesMin, "; restore the file from a copy. Nothing was changed"));
      }
    }
    plan.push_back(StrCat("step over damage: ", range, "; the records behind stay"));
  }
  rebuild_ = rebuild == Rebuild::kAlways || !found_.log_damage.empty();
  for (const Finding& finding : found_.findings.list()) {
    const bool derived =
        finding.file.starts_with(store.Path("consumequeue")) || finding.file.starts_with(store.Path("index"));
    if (derived && finding.severity == Severity::kDamage) rebuild_ = true;
  }
  if (rebuild_) {
    plan.push_back(StrCat("move queues and index away and derive them from the log again (",
                          found_.queues_in_log.size(), " queues, ", found_.records, " records)"));
  } else if (found_.crashed) {
    plan.emplace_back("recover the store as the next start of the broker would, and close it in order");
  }
  return plan;
}

Status StoreRepair::KeepBytes(StoreDirectory& store, const LogWalk::Damage& damage) {
  FileSystem& files = env_.files();
  for (const auto& [segment, begin] : PiecesOf(store.log(), damage.begin, damage.end)) {
    const LogOffset end = std::min(damage.end, segment->end());
    const std::string path = StrCat(folder_, "/commitlog-", begin.value, "-", end.value);
    auto copy = files.Open(path, OpenMode::kCreate);
    if (!copy.ok()) return copy.status();
    std::string chunk;
    for (LogOffset at = begin; at < end;) {
      chunk.resize(static_cast<size_t>(std::min(kCopyBytes, end - at)));
      if (Status s = segment->Read(at, chunk); !s.ok()) return s;
      const std::string_view pieces[] = {chunk};
      if (Status s = (*copy)->WriteAt(static_cast<uint64_t>(at - begin), pieces); !s.ok()) return s;
      at += static_cast<int64_t>(chunk.size());
    }
    if (Status s = (*copy)->Sync(); !s.ok()) return s;
  }
  return files.SyncDirectory(folder_);
}

Status StoreRepair::WriteAt(const store::SegmentFile& segment, LogOffset at, std::string_view bytes) {
  auto file = env_.files().Open(segment.path(), OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  const std::string_view pieces[] = {bytes};
  if (Status s = (*file)->WriteAt(static_cast<uint64_t>(at - segment.begin()), pieces); !s.ok()) return s;
  return (*file)->Sync();
}

Status StoreRepair::SealPiece(const store::SegmentFile& segment, LogOffset begin, LogOffset end,
                              WallTime store_time) {
  if (end == segment.end() && end - begin >= kFillerHeaderBytes) {
    std::string filler(static_cast<size_t>(kFillerHeaderBytes), '\0');
    StoreBig<int32_t>(filler.data(), static_cast<int32_t>(end - begin));
    StoreBig<uint32_t>(filler.data() + 4, static_cast<uint32_t>(RecordMagic::kBlank));
    return WriteAt(segment, begin, filler);
  }
  const auto empty = static_cast<int64_t>(RecordBytes(RecordMagic::kV1, 0, 0, kSealTopic.size(), 0));
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
  LogOffset at = begin;
  for (int64_t left = end - begin; left > 0;) {
    int64_t size = std::min(left, kSealBytesMax);
    if (left > size && left - size < kSealedBytesMin) size -= kSealedBytesMin;
    const std::string body(static_cast<size_t>(size - empty), '\0');
    const size_t draft_begin = draft.bytes.size();
    const auto host = ParseHostAddress("127.0.0.1", 1);
    if (!host.ok()) return host.status();
    RecordFields fields;
    fields.topic = kSealTopic;
    fields.sys_flag = static_cast<int32_t>(TransactionType::kRollback);
    fields.born_time = store_time;
    fields.born_host = fields.store_host = *host;
    fields.body = body;
    if (Status s = AppendRecord(fields, draft); !s.ok()) return s;
    PatchRecord(draft.bytes.data() + draft_begin,
                {.queue_offset = {0}, .log_offset = at, .store_time = store_time}, RecordCrc::kNone);
    at += size;
    left -= size;
  }
  return WriteAt(segment, begin, draft.bytes);
}

Status StoreRepair::Seal(StoreDirectory& store, const LogWalk::Damage& damage) {
  store::LogScanner behind(store.log(), damage.end, store::LogScanner::BodyChecks::kVerify);
  if (behind.Next() != store::LogScanner::Found::kRecord) {
    return {StatusCode::kFailedPrecondition, "the log changed since it was verified"};
  }
  const WallTime store_time = behind.record().store_time;
  for (const auto& [segment, begin] : PiecesOf(store.log(), damage.begin, damage.end)) {
    if (Status s = SealPiece(*segment, begin, std::min(damage.end, segment->end()), store_time); !s.ok())
      return s;
  }
  return {};
}

Status StoreRepair::CutTail(StoreDirectory& store, const LogWalk::Damage& damage) {
  store::CommitLog log(env_.files(), env_.log(), store.options());
  if (Status s = log.Load(); !s.ok()) return s;
  return log.CutAt(damage.begin);
}

// Keeps the place below the root in the name, so that what was moved can be put back.
Status StoreRepair::MoveAway(const std::string& path) {
  FileSystem& files = env_.files();
  if (!files.Exists(path)) return {};
  const std::string to = folder_ + path.substr(place_.root.size());
  if (Status s = files.CreateDirectories(to.substr(0, to.rfind('/'))); !s.ok()) return s;
  return files.Rename(path, to);
}

// A queue without messages in the log keeps its files, which alone know its next offset, if they are sound.
bool StoreRepair::KeepsQueue(const QueueKey& queue, const std::string& directory) const {
  if (std::binary_search(found_.queues_in_log.begin(), found_.queues_in_log.end(), queue)) return false;
  return std::none_of(
      found_.findings.list().begin(), found_.findings.list().end(), [&](const Finding& finding) {
        return finding.severity == Severity::kDamage && finding.file.starts_with(directory + "/");
      });
}

Status StoreRepair::MoveDerived(StoreDirectory& store) {
  FileSystem& files = env_.files();
  const std::string root = store.Path("consumequeue");
  if (files.Exists(root)) {
    auto topics = files.List(root);
    if (!topics.ok()) return topics.status();
    for (const DirEntry& topic : *topics) {
      if (!topic.is_directory) continue;
      auto ids = files.List(StrCat(root, "/", topic.name));
      if (!ids.ok()) return ids.status();
      for (const DirEntry& id : *ids) {
        const std::string directory = StrCat(root, "/", topic.name, "/", id.name);
        const auto number = ParseInt<QueueId>(id.name);
        if (!number || KeepsQueue({topic.name, *number}, directory)) continue;
        if (Status s = MoveAway(directory); !s.ok()) return s;
      }
    }
    if (Status s = files.SyncDirectory(root); !s.ok()) return s;
  }
  return MoveAway(store.Path("index"));
}

Status StoreRepair::Run(StoreDirectory& store) {
  FileSystem& files = env_.files();
  folder_ = StrCat(place_.root, "/orbitmq/", FolderName(env_.clock().Wall()));
  if (files.Exists(folder_)) {
    return {StatusCode::kAlreadyExists, StrCat(folder_, " is there already; try again in a second")};
  }
  if (Status s = files.CreateDirectories(folder_); !s.ok()) return s;
  for (const LogWalk::Damage& damage : found_.log_damage) {
    if (Status s = KeepBytes(store, damage); !s.ok()) return s.Annotate("keep a copy");
  }
  for (const LogWalk::Damage& damage : found_.log_damage) {
    Status s = damage.records_behind ? Seal(store, damage) : CutTail(store, damage);
    if (!s.ok()) return s.Annotate("mend the log");
  }
  if (rebuild_) {
    if (Status s = MoveDerived(store); !s.ok()) return s.Annotate("move queues and index away");
    // What our own files say was true of the log and the queues before. Deleted topics stay deleted.
    auto own = files.List(place_.root + "/orbitmq");
    if (!own.ok()) return own.status();
    for (const DirEntry& entry : *own) {
      if (entry.is_directory || entry.name.starts_with("deleted_topics")) continue;
      if (Status s = MoveAway(StrCat(place_.root, "/orbitmq/", entry.name)); !s.ok()) return s;
    }
  }
  if (Status s = files.SyncDirectory(folder_); !s.ok()) return s;
  store::StoreOptions options = store.options();
  options.index_enabled = store.has_index();
  options.retention = std::chrono::hours(24 * 365 * 100);  // Nothing expires under our hands.
  options.disk_ratio_max = options.disk_ratio_force = 1.0;
  store.Unlock();
  auto opened = store::MessageStore::Open(env_, options, nullptr);
  if (!opened.ok()) return opened.status().Annotate("derive queues and index");
  return (*opened)->Close(kCloseWithin);
}

}  // namespace orbitmq::tools

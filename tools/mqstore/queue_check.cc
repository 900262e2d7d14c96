// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/queue_check.h"

#include <algorithm>

#include "common/names.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "store/segment_file.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kWindowUnits = 64;
// Looked at behind the end of each queue: what a crash or a bug leaves there begins at once.
constexpr int64_t kUnitsBehindEnd = 64;
constexpr std::string_view kRebuild = "mqstore repair builds the queues anew from the log";

}  // namespace

Status QueueCheck::Load() {
  const std::string root = store_.Path("consumequeue");
  if (!store_.files().Exists(root)) return {};
  auto topics = store_.files().List(root);
  if (!topics.ok()) return topics.status();
  const int64_t file_bytes = store_.options().queue_file_units * store::kUnitBytes;
  for (const DirEntry& topic : *topics) {
    if (!topic.is_directory) continue;
    auto ids = store_.files().List(StrCat(root, "/", topic.name));
    if (!ids.ok()) return ids.status();
    for (const DirEntry& id : *ids) {
      const auto number = ParseInt<QueueId>(id.name);
      if (!id.is_directory || !number) continue;
      const std::string directory = StrCat(root, "/", topic.name, "/", id.name);
      auto files = store_.files().List(directory);
      if (!files.ok()) return files.status();
      Queue& queue = queues_[{topic.name, *number}];
      for (const DirEntry& file : *files) {
        const auto begin = store::ParseOffsetFileName(file.name);
        if (file.is_directory || !begin) continue;
        if (*begin % file_bytes != 0 || static_cast<int64_t>(file.size) != file_bytes) {
          findings_.Add("queue file length", {Severity::kDamage, StrCat(directory, "/", file.name), -1,
                                              StrCat("has ", file.size, " bytes; the other queue files have ",
                                                     file_bytes, ", and names are multiples of that"),
                                              std::string(kRebuild)});
          continue;
        }
        queue.files.push_back(*begin / store::kUnitBytes);
      }
    }
  }
  return {};
}

std::string QueueCheck::FileOf(const QueueKey& key, int64_t unit) const {
  const int64_t units = store_.options().queue_file_units;
  return store_.Path(StrCat("consumequeue/", key.topic, "/", key.queue_id, "/",
                            store::OffsetFileName(unit / units * units * store::kUnitBytes)));
}

std::optional<store::QueueUnit> QueueCheck::UnitAt(const QueueKey& key, Queue& queue, int64_t unit) {
  const int64_t units = store_.options().queue_file_units;
  if (unit < 0) return std::nullopt;
  const auto in_window = [&] {
    return unit >= queue.window_begin &&
           (unit - queue.window_begin + 1) * store::kUnitBytes <= static_cast<int64_t>(queue.window.size());
  };
  if (!in_window()) {
    const int64_t file_begin = unit / units * units;
    queue.window.clear();
    if (!std::binary_search(queue.files.begin(), queue.files.end(), file_begin)) return std::nullopt;
    auto file = store_.files().Open(FileOf(key, unit), OpenMode::kReadOnly);
    if (!file.ok()) return std::nullopt;
    queue.window_begin = unit;
    const int64_t count = std::min(kWindowUnits, file_begin + units - unit);
    queue.window.resize(static_cast<size_t>(count * store::kUnitBytes));
    auto got = (*file)->ReadAt(static_cast<uint64_t>((unit - file_begin) * store::kUnitBytes), queue.window);
    queue.window.resize(got.ok() ? *got : 0);
    if (!in_window()) return std::nullopt;
  }
  const store::QueueUnit found =
      store::DecodeUnit(queue.window.data() + (unit - queue.window_begin) * store::kUnitBytes);
  if (found.record_bytes == 0 && found.log_offset.value == 0) return std::nullopt;
  return found;
}

void QueueCheck::Note(Disagreement& disagreement, int64_t unit, std::string_view what) {
  if (disagreement.count++ > 0) return;
  disagreement.first = unit;
  disagreement.what = what;
}

void QueueCheck::Look(const MessageView& record) {
  const TransactionType type = TransactionTypeOf(record.sys_flag);
  if (type != TransactionType::kNone && type != TransactionType::kCommit) return;
  if (store_.deleted().Covers(record)) return;
  QueueKey key{std::string(record.topic), record.queue_id};
  const int64_t at = record.queue_offset.value;
  const auto it = queues_.find(key);
  if (it == queues_.end()) {
    without_directory_.insert(key.topic);
    ends_[std::move(key)] = {at + 1};
    return;
  }
  Queue& queue = it->second;
  if (at == 0 && queue.next > 0) {
    queue.wrong = queue.missing = {};
    queue.missing_to = 0;
    made_anew_.insert(key.topic);
  } else if (queue.next >= 0 && at != queue.next) {
    findings_.Add("queue offsets of records",
                  {Severity::kDamage, StrCat(key.topic, " queue ", key.queue_id), -1,
                   StrCat("the record at log offset ", record.log_offset.value, " has queue offset ", at,
                          ", after ", queue.next - 1, ": messages between them are not in the log"),
                   "what is missing is gone unless it lies in a damaged range named above"});
  }
  queue.next = at + 1;
  ends_[key] = {at + 1};
  ++checked_;
  const auto unit = UnitAt(key, queue, at);
  if (!unit || store::IsFiller(*unit)) {
    Note(queue.missing, at, "has no entry");
    queue.missing_to = at + 1;
    return;
  }
  // The times of the schedule topic follow messageDelayLevel, which may have been changed since.
  const bool same_tags = key.topic == names::kScheduleTopic ||
                         unit->tags_code == store::TagsCodeOf(record, store_.options().delay_levels);
  if (unit->log_offset == record.log_offset && unit->record_bytes == record.total_bytes && same_tags) return;
  Note(queue.wrong, at,
       StrCat("points to log offset ", unit->log_offset.value, " (", unit->record_bytes, " bytes, tags code ",
              unit->tags_code, "), the message lies at ", record.log_offset.value, " (", record.total_bytes,
              " bytes)"));
}

void QueueCheck::Tell(const QueueKey& key, Queue& queue, LogOffset log_end) {
  if (queue.wrong.count > 0) {
    findings_.Add("queue entries",
                  {Severity::kDamage, FileOf(key, queue.wrong.first),
                   queue.wrong.first % store_.options().queue_file_units * store::kUnitBytes,
                   StrCat("the entry of queue offset ", queue.wrong.first, " ", queue.wrong.what, "; ",
                          queue.wrong.count, " entries of this queue are wrong"),
                   std::string(kRebuild)});
  }
  if (queue.missing.count > 0) {
    // What was not yet written when the broker died stands at the end.
    const bool at_end =
        queue.missing_to == queue.next && queue.missing.count == queue.missing_to - queue.missing.first;
    const bool follows = store_.crashed() && at_end;
    findings_.Add(follows ? "entries that recovery derives" : "missing queue entries",
                  {follows ? Severity::kNote : Severity::kDamage, FileOf(key, queue.missing.first),
                   queue.missing.first % store_.options().queue_file_units * store::kUnitBytes,
                   StrCat("queue offset ", queue.missing.first, " has no entry; ", queue.missing.count,
                          " messages of this queue are not in it"),
                   follows ? "none needed, the next start derives them" : std::string(kRebuild)});
  }
  TellStale(key, queue, log_end);
}

void QueueCheck::TellStale(const QueueKey& key, Queue& queue, LogOffset log_end) {
  int64_t end = queue.next;
  if (end < 0) {
    // All its records expired, or it never had any: entries may only point below the log's begin.
    if (queue.files.empty()) return;
    end = queue.files.back();
  }
  for (int64_t at = end; at < end + kUnitsBehindEnd; ++at) {
    const auto unit = UnitAt(key, queue, at);
    if (!unit) {
      if (queue.next < 0) return;
      continue;
    }
    if (store::IsFiller(*unit)) continue;
    if (queue.next < 0 && unit->log_offset < store_.log_begin()) continue;
    const bool follows = store_.crashed() && unit->log_offset >= log_end;
    findings_.Add(follows ? "entries that recovery clears" : "entries behind the end",
                  {follows ? Severity::kNote : Severity::kDamage, FileOf(key, at),
                   at % store_.options().queue_file_units * store::kUnitBytes,
                   StrCat("the entry of queue offset ", at, " points to log offset ", unit->log_offset.value,
                          ", where the log has no such message"),
                   follows ? "none needed, the next start clears it" : std::string(kRebuild)});
    return;
  }
}

void QueueCheck::Finish(LogOffset log_end) {
  for (auto& [key, queue] : queues_) Tell(key, queue, log_end);
  for (const std::string& topic : without_directory_) {
    const bool any = !made_anew_.contains(topic) &&
                     std::any_of(queues_.begin(), queues_.end(),
                                 [&topic](const auto& entry) { return entry.first.topic == topic; });
    findings_.Add(
        "topics without queues",
        {any && !store_.crashed() ? Severity::kDamage : Severity::kNote,
         store_.Path(StrCat("consumequeue/", topic)), -1,
         "the log holds messages of this topic for which there is no queue",
         any ? std::string(kRebuild)
             : "none needed if the topic was deleted; else mqstore repair --rebuild brings it back"});
  }
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#include "test/store/store_oracle.h"

#include <algorithm>
#include <limits>

#include "common/java_hash.h"
#include "common/subscription.h"
#include "common/tag_filter.h"
#include "store/consume_queue.h"
#include "store/segment_file.h"

namespace orbitmq::store {
namespace {

constexpr size_t kComplaintsMax = 8;
constexpr size_t kQueryMax = 64;

std::string NameOf(const QueueKey& key) { return StrCat(key.topic, ":", key.queue_id); }

std::string PropertyIn(const MessageView& view, std::string_view name) {
  return std::string(FindProperty(view.properties, name).value_or(""));
}

LogRecord Describe(const MessageView& view) {
  return {.number = NumberOf(view.body),
          .at = view.log_offset,
          .bytes = view.total_bytes,
          .queue = {std::string(view.topic), view.queue_id},
          .queue_offset = view.queue_offset.value,
          .store_time = view.store_time,
          .tag = PropertyIn(view, property::kTags),
          .keys = PropertyIn(view, property::kKeys),
          .unique_key = PropertyIn(view, property::kUniqueKey),
          .in_queue = TransactionTypeOf(view.sys_flag) == TransactionType::kNone};
}

// Whether the record is, byte for byte where it matters, the message with its number.
bool IsAsSent(const MessageView& view, const Sent& sent) {
  const TestMessage message = MessageOf(NumberOf(view.body), sent.queue);
  return view.body == message.body && view.topic == sent.queue.topic &&
         view.queue_id == sent.queue.queue_id && PropertyIn(view, property::kTags) == message.tags &&
         PropertyIn(view, property::kKeys) == message.keys &&
         view.properties.starts_with(message.extra_properties);
}

}  // namespace

LogWalk WalkLog(FileSystem& files, const StoreOptions& options) {
  LogWalk walk;
  const std::string directory = options.root + "/commitlog";
  const auto entries = files.List(directory);
  if (!entries.ok()) return walk;
  bool first = true;
  bool ended = false;
  for (const DirEntry& entry : *entries) {
    const auto begin = ParseOffsetFileName(entry.name);
    if (!begin) continue;
    auto text = ReadWholeFile(files, directory + "/" + entry.name, uint64_t{1} << 30);
    if (!text.ok()) continue;
    if (const size_t last = text->find_last_not_of('\0'); last != std::string::npos) {
      walk.last_byte = {*begin + static_cast<int64_t>(last) + 1};
    }
    if (first) walk.begin = walk.end = {*begin};
    first = false;
    if (ended || walk.end.value != *begin) continue;
    size_t at = 0;
    while (at < text->size()) {
      const std::string_view rest = std::string_view(*text).substr(at);
      const auto peek = PeekRecord(rest);
      if (peek.ok() && peek->magic == static_cast<uint32_t>(RecordMagic::kBlank)) {
        at = text->size();
        break;
      }
      ended = true;
      if (!peek.ok() || (peek->total_bytes == 0 && peek->magic == 0)) break;
      const auto view = DecodeMessage(rest, BodyCheck::kVerifyCrc);
      if (!view.ok() || view->log_offset.value != *begin + static_cast<int64_t>(at)) {
        walk.stopped_by = view.ok() ? "a record that names another offset" : view.status().ToString();
        break;
      }
      ended = false;
      walk.records.push_back(Describe(*view));
      at += static_cast<size_t>(view->total_bytes);
    }
    walk.end = {*begin + static_cast<int64_t>(at)};
  }
  return walk;
}

void StoreOracle::Complain(std::string text) {
  if (complaints_.size() < kComplaintsMax) complaints_.push_back(std::move(text));
}

std::vector<std::string> StoreOracle::Check(Loss loss) {
  harness_.Settle();
  const Watermarks marks = harness_.store().watermarks();
  if (marks.dispatched != marks.appended) Complain("the dispatcher does not reach the end of the log");
  walk_ = WalkLog(harness_.env().files(), harness_.options);
  if (walk_.end != marks.appended) {
    Complain(StrCat("the log ends at ", walk_.end.value, " on the disk (", walk_.stopped_by, ") and at ",
                    marks.appended.value, " for the store"));
  }
  if (!walk_.stopped_by.empty() || walk_.last_byte > walk_.end) {
    Complain(StrCat("behind the end of the log at ", walk_.end.value, " there is something up to ",
                    walk_.last_byte.value, ": ", walk_.stopped_by));
  }
  for (Deletion& deletion : journal_.deletions()) {
    if (loss != Loss::kNone && !deletion.settled) deletion.lapsed = true;
  }
  if (marks.min != walk_.begin) Complain("the store and its files do not agree where the log begins");
  CheckLog(loss);
  if (complaints_.empty()) CheckQueues();
  if (complaints_.empty()) CheckPhysical();
  if (complaints_.empty()) CheckIndex();
  return std::exchange(complaints_, {});
}

void StoreOracle::CheckLog(Loss loss) {
  if (walk_.end < journal_.flushed()) {
    Complain(
        StrCat("the log was flushed up to ", journal_.flushed().value, " and ends at ", walk_.end.value));
  }
  size_t next = 0;  // In walk_.records.
  for (Sent& sent : journal_.sent()) CheckSent(sent, loss, next);
  if (next < walk_.records.size()) {
    Complain(StrCat("the record at ", walk_.records[next].at.value, " is number ", walk_.records[next].number,
                    ", which does not belong there"));
  }
}

void StoreOracle::CheckSent(Sent& sent, Loss loss, size_t& next) {
  for (int32_t i = 0; i < sent.kept; ++i) {
    const bool tail = next == walk_.records.size();
    if (!tail && walk_.records[next].number == sent.first + i) {
      CheckReceipt(sent, i, walk_.records[next]);
      ++next;
      continue;
    }
    CheckMissing(sent, i, loss, tail);
  }
}

void StoreOracle::CheckReceipt(const Sent& sent, int32_t index, const LogRecord& record) {
  const std::string name = StrCat("message ", record.number, " at log offset ", record.at.value);
  if (sent.outcome == Outcome::kRefused) {
    Complain(StrCat(name, " was refused and is there: ", sent.why.ToString()));
  }
  const auto view = [&]() -> Result<Bytes> { return harness_.store().ReadAt(record.at); }();
  const auto message =
      view.ok() ? DecodeMessage(view->view(), BodyCheck::kVerifyCrc) : Result<MessageView>(view.status());
  if (!message.ok()) {
    Complain(StrCat(name, " cannot be read: ", message.status().ToString()));
  } else if (!IsAsSent(*message, sent)) {
    Complain(StrCat(name, " is not what was sent"));
  }
  if (sent.outcome != Outcome::kAcked) return;
  const auto i = static_cast<size_t>(index);
  if (i >= sent.receipt.log_offsets.size() || sent.receipt.log_offsets[i] != record.at) {
    Complain(StrCat(name, " was acknowledged to lie elsewhere"));
  }
  const int64_t offset = sent.receipt.queue_offset.value + index;
  if (sent.in_queue && offset != record.queue_offset) {
    Complain(StrCat(name, " was acknowledged with queue offset ", offset, " and has ", record.queue_offset));
  }
}

void StoreOracle::CheckMissing(Sent& sent, int32_t index, Loss loss, bool tail) {
  if (sent.outcome == Outcome::kRefused) return;
  const bool acked = sent.outcome == Outcome::kAcked;
  const auto i = static_cast<size_t>(index);
  const bool known = acked && i < sent.receipt.log_offsets.size();
  const bool expired =
      known ? sent.receipt.log_offsets[i] < walk_.begin
            : walk_.begin.value > 0 && !walk_.records.empty() && sent.first < walk_.records.front().number;
  if (expired) return;
  const std::string name = StrCat("message ", sent.first + index);
  if (!tail) {
    Complain(StrCat(name, " is missing, and later ones are there"));
  } else if (loss == Loss::kNone && sent.outcome != Outcome::kOpen) {
    Complain(StrCat(name, " was answered and is missing"));
  } else if (acked && (loss == Loss::kProcess || sent.promises_disk)) {
    Complain(StrCat(name, " was acknowledged and is lost"));
  } else if (loss != Loss::kNone) {
    sent.kept = std::min(sent.kept, index);
  }
}

StoreOracle::Line StoreOracle::LineOf(const QueueKey& key, std::vector<const LogRecord*> records) {
  Line line;
  const auto deleted_between = [&](int64_t from, int64_t to) {
    bool found = false;
    for (const Deletion& deletion : journal_.deletions()) {
      found = found || (deletion.topic == key.topic && deletion.before > from && deletion.before <= to);
    }
    return found;
  };
  size_t begin = 0;
  for (size_t i = 1; i < records.size(); ++i) {
    const LogRecord& record = *records[i];
    const LogRecord& before = *records[i - 1];
    if (record.queue_offset == before.queue_offset + 1) continue;
    if (record.queue_offset == 0 && deleted_between(before.number, record.number)) {
      begin = i;
      continue;
    }
    Complain(StrCat("in ", NameOf(key), " message ", record.number, " has queue offset ", record.queue_offset,
                    " after ", before.queue_offset));
  }
  line.records.assign(records.begin() + static_cast<std::ptrdiff_t>(begin), records.end());
  for (const Deletion& deletion : journal_.deletions()) {
    if (deletion.topic != key.topic || line.records.empty()) continue;
    if (deletion.before > line.records.back()->number) {
      (deletion.settled ? line.deleted : line.undecided) = true;
    }
    for (size_t i = 0; i < line.records.size() && line.records[i]->number < deletion.before; ++i) {
      line.optional_below = std::max(line.optional_below, i + 1);
    }
  }
  return line;
}

void StoreOracle::CheckQueues() {
  std::map<QueueKey, std::vector<const LogRecord*>> by_queue;
  for (const LogRecord& record : walk_.records) {
    if (record.in_queue) by_queue[record.queue].push_back(&record);
  }
  for (const QueueKey& key : harness_.store().Queues()) by_queue[key];
  for (auto& [key, records] : by_queue) CheckQueue(key, LineOf(key, std::move(records)));
}

void StoreOracle::CheckQueue(const QueueKey& key, const Line& line) {
  auto range = harness_.store().Range(key);
  const bool nothing = !range || range->min == range->max;
  if (nothing && (line.records.empty() || line.deleted || line.undecided)) return;
  if (line.deleted) return Complain(StrCat("the deleted queue ", NameOf(key), " is back"));
  if (!range) return Complain(StrCat("the queue ", NameOf(key), " is missing"));
  if (line.records.empty()) {
    return Complain(StrCat("the queue ", NameOf(key), " shows ", range->max - range->min,
                           " messages that no record stands for"));
  }
  const int64_t first = line.records.front()->queue_offset;
  const int64_t end = line.records.back()->queue_offset + 1;
  if (range->max.value != end) {
    return Complain(StrCat(NameOf(key), " ends at ", range->max.value, ", its records at ", end));
  }
  if (late_begins_) range->min.value = std::max(range->min.value, first);
  const int64_t missing = range->min.value - first;
  if (missing < 0 || (missing > 0 && missing > static_cast<int64_t>(line.optional_below))) {
    return Complain(StrCat(NameOf(key), " begins at ", range->min.value, ", its records at ", first));
  }
  const std::vector<const LogRecord*> shown(line.records.begin() + missing, line.records.end());
  const size_t optional = line.optional_below - std::min(line.optional_below, static_cast<size_t>(missing));
  CheckUnits(key, *range, shown, optional);
  CheckReads(key, *range, shown, optional, "");
  CheckReads(key, *range, shown, optional, "tag1");
  if (optional == 0) CheckTimes(key, *range, shown);
}

void StoreOracle::CheckUnits(const QueueKey& key, OffsetRange range,
                             const std::vector<const LogRecord*>& records, size_t optional) {
  std::vector<QueueUnit> units;
  for (QueueOffset at = range.min; at < range.max;) {
    const auto some = harness_.store().ReadUnits(key, at, 100);
    if (some.empty()) break;
    at += static_cast<int64_t>(some.size());
    units.insert(units.end(), some.begin(), some.end());
  }
  if (units.size() != records.size()) {
    return Complain(StrCat(NameOf(key), " has ", units.size(), " readable units of ", records.size()));
  }
  for (size_t i = 0; i < units.size(); ++i) {
    const LogRecord& record = *records[i];
    const int64_t code = record.tag.empty() ? 0 : JavaStringHash(record.tag);
    // A deletion that was cut short may leave holes.
    if (i < optional && (IsFiller(units[i]) || units[i].record_bytes == 0)) continue;
    if (units[i].log_offset != record.at || units[i].record_bytes != record.bytes ||
        units[i].tags_code != code) {
      return Complain(StrCat("the unit of message ", record.number, " in ", NameOf(key), " names ",
                             units[i].record_bytes, " bytes at ", units[i].log_offset.value, ", tag ",
                             units[i].tags_code, "; the record has ", record.bytes, " at ", record.at.value,
                             ", tag ", code));
    }
  }
}

void StoreOracle::CheckReads(const QueueKey& key, OffsetRange range,
                             const std::vector<const LogRecord*>& records, size_t optional,
                             const std::string& tag) {
  TagFilter filter;
  if (!tag.empty()) filter = TagFilter(*BuildSubscription(key.topic, tag));
  size_t next = 0;
  for (QueueOffset at = range.min; at < range.max;) {
    const QueueSlice slice = harness_.store().Read(key, at, {}, &filter);
    for (size_t i = 0; i < slice.records.size(); ++i) {
      while (next < records.size() && !tag.empty() && records[next]->tag != tag) ++next;
      while (next < optional && slice.offsets[i].value != records[next]->queue_offset) ++next;
      const auto view = DecodeMessage(slice.records[i].view(), BodyCheck::kVerifyCrc);
      if (next == records.size() || !view.ok() || view->log_offset != records[next]->at ||
          slice.offsets[i].value != records[next]->queue_offset) {
        return Complain(StrCat("reading ", NameOf(key), " at ", slice.offsets[i].value, " tag '", tag,
                               "' gives another record than the log"));
      }
      ++next;
    }
    if (slice.next_begin <= at) return Complain(StrCat("reading ", NameOf(key), " does not advance"));
    at = slice.next_begin;
  }
  while (next < records.size() && ((!tag.empty() && records[next]->tag != tag) || next < optional)) ++next;
  if (next != records.size()) {
    Complain(StrCat("reading ", NameOf(key), " tag '", tag, "' leaves out message ", records[next]->number));
  }
}

void StoreOracle::CheckTimes(const QueueKey& key, OffsetRange range,
                             const std::vector<const LogRecord*>& records) {
  // The wall clock of a simulated machine does not go back, so store times are sorted.
  const LogRecord& some = *records[records.size() / 2];
  for (const int64_t shift : {-1, 0, 1}) {
    const WallTime time = some.store_time + Millis(shift);
    int64_t lower = range.max.value;
    int64_t upper = range.min.value;
    for (const LogRecord* record : records) {
      if (record->store_time >= time) lower = std::min(lower, record->queue_offset);
      if (record->store_time <= time) upper = std::max(upper, record->queue_offset);
    }
    const QueueOffset found_lower = harness_.store().OffsetAtTime(key, time, TimeBoundary::kLower);
    const QueueOffset found_upper = harness_.store().OffsetAtTime(key, time, TimeBoundary::kUpper);
    if (found_lower.value != lower || found_upper.value != upper) {
      Complain(StrCat(NameOf(key), " at time ", ToEpochMillis(time), " is at ", found_lower.value, "..",
                      found_upper.value, ", expected ", lower, "..", upper));
    }
  }
  if (harness_.store().StoreTimeAt(key, {some.queue_offset}) != some.store_time) {
    Complain(StrCat("the store time at ", NameOf(key), " ", some.queue_offset, " is wrong"));
  }
}

void StoreOracle::CheckPhysical() {
  // CheckReceipt read every record; here what is none.
  if (walk_.records.empty()) return;
  const LogRecord& last = walk_.records.back();
  if (harness_.store().ReadAt(last.at + 1).ok()) Complain("the middle of a record was read as one");
  if (harness_.store().ReadAt(walk_.end).ok()) Complain("a record was read behind the end of the log");
  const auto earliest = harness_.store().EarliestStoreTime();
  if (walk_.records.front().at == walk_.begin && earliest != walk_.records.front().store_time) {
    Complain("the earliest store time is not that of the first record");
  }
}

void StoreOracle::CheckIndex() {
  std::map<std::pair<std::string, std::string>, std::vector<LogOffset>> by_key;
  std::map<std::pair<std::string, std::string>, std::vector<LogOffset>> by_tag;
  for (const LogRecord& record : walk_.records) {
    CheckQuery(record.queue.topic, record.unique_key, KeyType::kUnique, {record.at});
    for (const std::string_view key : Split(record.keys, ' ')) {
      if (!key.empty()) by_key[{record.queue.topic, std::string(key)}].push_back(record.at);
    }
    if (!record.tag.empty()) by_tag[{record.queue.topic, record.tag}].push_back(record.at);
    if (!complaints_.empty()) return;
  }
  for (const auto& [key, expected] : by_key) CheckQuery(key.first, key.second, KeyType::kKey, expected);
  for (const auto& [tag, expected] : by_tag) CheckQuery(tag.first, tag.second, KeyType::kTag, expected);
}

void StoreOracle::CheckQuery(const std::string& topic, const std::string& key, KeyType type,
                             const std::vector<LogOffset>& expected) {
  const auto reply = harness_.store().Query({.topic = topic,
                                             .key = key,
                                             .type = type,
                                             .messages_max = static_cast<int32_t>(kQueryMax),
                                             .begin = FromEpochMillis(0),
                                             .end = FromEpochMillis(std::numeric_limits<int64_t>::max())});
  if (!reply.ok()) return Complain(StrCat("the query for ", key, " fails: ", reply.status().ToString()));
  std::vector<LogOffset> found;
  for (const Bytes& record : reply->records) {
    const auto view = DecodeMessage(record.view(), BodyCheck::kVerifyCrc);
    if (!view.ok()) return Complain(StrCat("the query for ", key, " gives a damaged record"));
    found.push_back(view->log_offset);
  }
  // The newest ones, in the order of the log.
  const size_t left_out = expected.size() - std::min(expected.size(), kQueryMax);
  const std::vector<LogOffset> newest(expected.begin() + static_cast<std::ptrdiff_t>(left_out),
                                      expected.end());
  if (found == newest) return;
  std::string offsets;
  for (const LogOffset at : found) offsets += StrCat(" ", at.value);
  Complain(StrCat("the query for ", topic, "#", key, " gives", offsets, "; expected ", newest.size(),
                  ", the newest at ", newest.back().value));
}

std::vector<std::string> StoreOracle::CheckTakesMore() {
  for (int i = 0; i < 4; ++i) {
    journal_.Send(harness_, {.queue = {StrCat("topic", i % 3), i % 2}, .count = 1 + i % 2});
  }
  if (!journal_.AwaitAll(harness_)) return {"an append to the recovered store got no answer"};
  const size_t all = journal_.sent().size();
  for (size_t i = all - 4; i < all; ++i) {
    if (journal_.sent()[i].outcome == Outcome::kAcked) continue;
    return {StrCat("the recovered store refuses: ", journal_.sent()[i].why.ToString())};
  }
  return Check(Loss::kNone);
}

}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#include "test/store/bit_rot.h"

#include <algorithm>

#include "store/consume_queue.h"
#include "store/segment_file.h"

namespace orbitmq::store {
namespace {

using std::chrono::seconds;

std::string KindOf(const std::string& path) {
  if (path.find("/commitlog/") != std::string::npos) return "commit log";
  if (path.find("/consumequeue/") != std::string::npos) return "consume queue";
  if (path.find("/index/") != std::string::npos) return "index";
  if (path.find("/orbitmq/") != std::string::npos) return path.substr(path.find("/orbitmq/") + 1);
  return path.substr(path.rfind('/') + 1);
}

bool SaysLoudly(const StoreHarness& harness) {
  return std::any_of(harness.log_lines().begin(), harness.log_lines().end(), [](const std::string& line) {
    return line.find(" ERROR ") != std::string::npos || line.find(" WARN ") != std::string::npos;
  });
}

}  // namespace

BitRot::BitRot(uint64_t seed) {
  originals_.resize(2);
  for (size_t i = 0; i < originals_.size(); ++i) {
    Original& original = originals_[i];
    original.clean = i == 0;
    original.host = std::make_unique<StoreHarness>(seed + i);
    StoreHarness& live = *original.host;
    StoreStory::SetOptions(live.options, FlushMode::kSync);
    live.options.checkpoint_interval = seconds(2);
    live.Open();
    StoreStory story(live, original.journal, seed + i,
                     {.crashes = false, .power_cuts = false, .deletions = false});
    for (int step = 0; step < 40; ++step) story.Step();
    original.journal.AwaitAll(live);
    for (int n = 0; n < 12; ++n) original.journal.Send(live, {.queue = {"topic0", n % 2}});
    original.journal.AwaitAll(live);
    live.Settle();
    original.walk = WalkLog(live.env().files(), live.options);
    for (const QueueKey& key : live.store().Queues()) original.queues[key] = *live.store().Range(key);
    if (original.clean) {
      ORBITMQ_CHECK(live.Close().ok(), "the store to be damaged does not close");
    } else {
      live.Crash(StoreHarness::Loss::kProcess);
    }
  }
}

BitRot::Damage BitRot::Spoil(StoreHarness& image, Random& random) const {
  // Kinds of files in turn, however many files each has.
  std::map<std::string, std::vector<std::string>> kinds;
  for (const std::string& path : image.disk().Files()) kinds[KindOf(path)].push_back(path);
  auto kind = kinds.begin();
  std::advance(kind, static_cast<std::ptrdiff_t>(random.Below(kinds.size())));
  Damage damage;
  damage.kind = kind->first;
  damage.path = kind->second[random.Below(kind->second.size())];
  static_cast<sim::FileDamage&>(damage) = sim::DamageFile(image.files(), damage.path, random);
  return damage;
}

std::vector<std::string> BitRot::Try(uint64_t number) {
  Random random(number * 7919 + 5);
  original_ = &originals_[number % originals_.size()];
  StoreHarness image(number);
  image.options = original_->host->options;
  image.options.retention = std::chrono::hours(1);  // Nothing expires while we look.
  image.Pass(original_->host->scheduler().now() - MonoTime{});
  image.disk().CloneFrom(original_->host->disk());
  image.Boot();
  Damage damage = Spoil(image, random);
  damage.last_byte = WalkLog(image.files(), image.options).last_byte;
  Tally& tally = tally_[damage.kind];
  ++tally.tried;
  if (const Status opened = image.TryOpen(); !opened.ok()) {
    ++tally.refused;
    if (opened.text().find('/') == std::string::npos) {
      Complain(StrCat("refused without naming a file: ", opened.ToString()));
    }
    if (damage.kind != "commit log" && damage.kind != "consume queue" &&
        opened.code() != StatusCode::kNotSupported) {
      Complain(StrCat("what can be made anew keeps the store from opening: ", opened.ToString()));
    }
  } else {
    image.Settle();
    CheckOpened(image, damage, tally);
  }
  for (std::string& complaint : complaints_) {
    complaint = StrCat(original_->clean ? "closed" : "killed", " store, ", damage.path, " ", damage.what,
                       " at ", damage.begin, ": ", complaint);
  }
  return std::exchange(complaints_, {});
}

bool BitRot::InLogDamage(const LogRecord& record, const Damage& damage) const {
  if (damage.kind != "commit log") return false;
  const int64_t segment = *ParseOffsetFileName(damage.path.substr(damage.path.rfind('/') + 1));
  const int64_t segment_end = segment + original_->host->options.segment_bytes;
  const int64_t begin = segment + static_cast<int64_t>(damage.begin);
  const int64_t end = damage.end == UINT64_MAX ? segment_end : segment + static_cast<int64_t>(damage.end);
  return record.at.value < end && record.end().value > begin;
}

void BitRot::CheckOpened(StoreHarness& image, const Damage& damage, Tally& tally) {
  const LogOffset end = image.store().watermarks().appended;
  const bool shorter = end < original_->walk.end;
  if (shorter) {
    ++tally.cut;
    const bool whole_before =
        std::all_of(original_->walk.records.begin(), original_->walk.records.end(),
                    [&](const LogRecord& record) { return record.at < end || !InLogDamage(record, damage); });
    if (damage.kind != "commit log" || whole_before) {
      Complain(StrCat("the log ends at ", end.value, " instead of ", original_->walk.end.value,
                      ", and not because of the damage"));
    }
    // Zeros and nothing behind them look as if nothing had ever been written.
    if (damage.last_byte > end && !SaysLoudly(image)) Complain("the log was cut without a word");
  }
  std::set<int64_t> readable;  // Offsets of records that must be delivered.
  for (const LogRecord& record : original_->walk.records) {
    if (record.at >= end) continue;
    const auto bytes = image.store().ReadAt(record.at);
    const auto view = bytes.ok() ? DecodeMessage(bytes->view(), BodyCheck::kVerifyCrc)
                                 : Result<MessageView>(bytes.status());
    if (view.ok() && (NumberOf(view->body) != record.number ||
                      view->body != MessageOf(record.number, record.queue).body)) {
      Complain(StrCat("message ", record.number, " is delivered with another body"));
    }
    if (InLogDamage(record, damage)) {
      if (!view.ok()) ++tally.undelivered;
      continue;
    }
    if (!view.ok()) {
      Complain(StrCat("message ", record.number, " at ", record.at.value,
                      " was spared and cannot be read: ", view.status().ToString()));
    }
    readable.insert(record.at.value);
  }
  CheckQueues(image, damage, readable, tally);
  Journal fresh = original_->journal;
  fresh.ProcessDied();
  for (int i = 0; i < 3; ++i) fresh.Send(image, {.queue = {"fresh", i}});
  if (!fresh.AwaitAll(image)) return Complain("a new message got no answer");
  for (auto it = fresh.sent().end() - 3; it != fresh.sent().end(); ++it) {
    if (it->outcome != Outcome::kAcked) return Complain(StrCat("refuses: ", it->why.ToString()));
    if (!image.store().ReadAt(it->receipt.log_offsets[0]).ok()) Complain("a new message cannot be read");
  }
}

void BitRot::CheckQueues(StoreHarness& image, const Damage& damage, const std::set<int64_t>& readable,
                         Tally& tally) {
  std::set<int64_t> delivered;
  for (const auto& [key, range] : original_->queues) {
    const auto now = image.store().Range(key);
    if (!now) continue;
    int reads = 0;
    for (QueueOffset at = now->min; at < now->max && ++reads < 2000;) {
      const QueueSlice slice = image.store().Read(key, at, {}, nullptr);
      for (size_t i = 0; i < slice.records.size(); ++i) {
        const auto view = DecodeMessage(slice.records[i].view(), BodyCheck::kVerifyCrc);
        if (!view.ok()) continue;  // Its reader sees the CRC, too.
        const int64_t number = NumberOf(view->body);
        if (number < 0 || view->body != MessageOf(number, key).body) {
          Complain(StrCat("reading ", key.topic, " delivers another body than was sent"));
        }
        delivered.insert(view->log_offset.value);
      }
      if (slice.next_begin <= at) return Complain("reading a queue does not advance");
      at = slice.next_begin;
    }
  }
  for (const LogRecord& record : original_->walk.records) {
    if (!record.in_queue || !readable.contains(record.at.value) || delivered.contains(record.at.value))
      continue;
    ++tally.undelivered;
    // A spoilt queue file may hide what its units named; nothing else may be hidden.
    const bool own_queue = damage.path.find(StrCat("/consumequeue/", record.queue.topic, "/",
                                                   record.queue.queue_id, "/")) != std::string::npos;
    const int64_t units = original_->host->options.queue_file_units;
    const int64_t first =
        own_queue ? *ParseOffsetFileName(damage.path.substr(damage.path.rfind('/') + 1)) : 0;
    const uint64_t unit_at = static_cast<uint64_t>(record.queue_offset * kUnitBytes - first);
    const bool own_unit = own_queue && record.queue_offset * kUnitBytes >= first &&
                          record.queue_offset < first / kUnitBytes + units && unit_at < damage.end &&
                          unit_at + kUnitBytes > damage.begin;
    // Only a CRC over the whole record tells that a header lies about its queue or offset; without one the
    // scan after a crash believes it, and the rest of the topic's queues cannot be right.
    const bool behind_spoilt_header = std::any_of(
        original_->walk.records.begin(), original_->walk.records.end(), [&](const LogRecord& other) {
          return InLogDamage(other, damage) && other.queue.topic == record.queue.topic &&
                 other.at < record.at;
        });
    if (!own_unit && !(behind_spoilt_header && !original_->clean)) {
      Complain(StrCat("message ", record.number, " at ", record.queue.topic, ":", record.queue.queue_id, " ",
                      record.queue_offset, " was spared and is not delivered"));
    }
  }
}

}  // namespace orbitmq::store

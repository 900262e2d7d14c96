// SPDX-License-Identifier: Apache-2.0
#include "test/store/store_story.h"

namespace orbitmq::store {
namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr int kTopics = 3;
constexpr int kQueuesPerTopic = 2;
}  // namespace

void StoreStory::SetOptions(StoreOptions& options, FlushMode mode) {
  options.flush_mode = mode;
  options.segment_bytes = 16 * 1024;
  options.queue_file_units = 20;
  options.index_slots = 50;
  options.index_entries = 150;
  options.flush_interval = milliseconds(200);
  options.queue_flush_interval = milliseconds(150);
  options.checkpoint_interval = milliseconds(600);
  options.clean_interval = seconds(2);
  options.retention = seconds(25);
  options.delete_when.clear();
  for (int hour = 0; hour < 24; ++hour) options.delete_when += StrCat(hour, ";");
}

void StoreStory::Step() {
  const uint64_t choice = random_.Below(100);
  if (choice < 66) {
    Append();
  } else if (choice < 80) {
    harness_.Pass(milliseconds(random_.Between(1, 1000)));
  } else if (choice < 83) {
    harness_.Pass(seconds(random_.Between(5, 30)));
  } else if (choice < 87) {
    Judge(Loss::kNone);
  } else if (choice < 91) {
    if (events_.deletions) DeleteTopic();
  } else if (choice < 95) {
    Restart();
  } else if (events_.crashes) {
    Crash();
  }
  journal_.NoteFlushed(harness_);
}

void StoreStory::Check() { Judge(Loss::kNone); }

void StoreStory::Append() {
  const uint64_t requests = 1 + random_.Below(10);
  for (uint64_t i = 0; i < requests; ++i) {
    Journal::Ask ask{.queue = {StrCat("topic", random_.Below(kTopics)),
                               static_cast<QueueId>(random_.Below(kQueuesPerTopic))}};
    if (random_.Chance(1, 5)) ask.count = 1 + static_cast<int32_t>(random_.Below(6));
    if (random_.Chance(1, 10)) ask.durability = Durability::kFlushed;
    if (random_.Chance(1, 10)) ask.durability = Durability::kAppended;
    if (ask.count == 1 && random_.Chance(1, 20)) ask.prepared = true;
    journal_.Send(harness_, ask);
    if (random_.Chance(1, 4)) harness_.Pass(std::chrono::microseconds(random_.Between(1, 300)));
  }
  // Sometimes the next event comes while these are under way.
  if (random_.Chance(1, 5)) return journal_.Collect();
  const size_t before = journal_.sent().size();
  if (!journal_.AwaitAll(harness_)) return Complain("an append got no answer");
  for (size_t i = before - requests; i < before; ++i) {
    const Sent& sent = journal_.sent()[i];
    if (sent.outcome != Outcome::kAcked) Complain(StrCat("an append failed: ", sent.why.ToString()));
  }
  if (harness_.options.flush_mode != FlushMode::kSync) return;
  const Watermarks marks = harness_.store().watermarks();
  if (marks.visible > marks.flushed) Complain("consumers are shown what is not on the disk");
}

void StoreStory::DeleteTopic() {
  // Requests under way would take their place before or behind the deletion, and nobody could tell.
  if (!journal_.AwaitAll(harness_)) return Complain("an append got no answer");
  ++deletions_;
  const std::string topic = StrCat("topic", random_.Below(kTopics));
  if (const Status deleted = journal_.DeleteTopic(harness_, topic); !deleted.ok()) {
    return Complain(StrCat("a topic cannot be deleted: ", deleted.ToString()));
  }
  // What is sent at once may still take its place before the deletion.
  harness_.Pass(milliseconds(1));
  if (random_.Chance(1, 2)) harness_.Pass(seconds(2));
}

bool StoreStory::OpenAgain() {
  const Status opened = harness_.TryOpen();
  if (!opened.ok()) Complain(StrCat("the store does not open: ", opened.ToString()));
  return opened.ok();
}

void StoreStory::Restart() {
  if (!journal_.AwaitAll(harness_)) return Complain("an append got no answer");
  if (const Status closed = harness_.Close(); !closed.ok()) {
    return Complain(StrCat("the store does not close: ", closed.ToString()));
  }
  if (!OpenAgain()) return;
  const RecoveryReport& report = harness_.store().recovery();
  if (!report.clean_shutdown || report.records_scanned != 0 || report.truncated_bytes != 0) {
    Complain(StrCat("after a clean close ", report.records_scanned, " records were scanned and ",
                    report.truncated_bytes, " bytes cut"));
  }
  Judge(Loss::kNone);
}

void StoreStory::Crash() {
  ++crashes_;
  journal_.Collect();
  journal_.NoteFlushed(harness_);
  const bool power = events_.power_cuts && random_.Chance(1, 2);
  down_by_ = power ? Loss::kPower : Loss::kProcess;
  harness_.Crash(power ? StoreHarness::Loss::kPower : StoreHarness::Loss::kProcess);
  journal_.ProcessDied();
  if (!OpenAgain()) return;
  Judge(down_by_);
  down_by_ = Loss::kNone;
}

void StoreStory::Judge(Loss loss) {
  if (loss == Loss::kNone && !journal_.AwaitAll(harness_)) return Complain("an append got no answer");
  StoreOracle oracle(harness_, journal_);
  auto complaints = oracle.Check(loss);
  if (!complaints.empty() && loss == Loss::kNone) {
    // Queues follow the log within moments when an old file goes; only what stays wrong is wrong.
    harness_.Pass(milliseconds(300));
    complaints = oracle.Check(loss);
  }
  for (std::string& complaint : complaints) Complain(std::move(complaint));
  journal_.NoteFlushed(harness_);
}

}  // namespace orbitmq::store

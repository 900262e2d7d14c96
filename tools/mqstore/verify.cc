// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/verify.h"

#include <algorithm>
#include <utility>

#include "common/strings.h"
#include "store/segment_file.h"
#include "tools/mqstore/index_check.h"
#include "tools/mqstore/progress.h"
#include "tools/mqstore/queue_check.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kRecordsPerStep = 1024;

void CheckSegments(StoreDirectory& store, Findings& findings) {
  const auto segments = store.log().segments();
  for (size_t i = 1; i < segments->size(); ++i) {
    const auto& before = (*segments)[i - 1];
    const auto& segment = (*segments)[i];
    if (before->end() == segment->begin()) continue;
    findings.Add("missing log files",
                 {Severity::kDamage, segment->path(), 0,
                  StrCat("the log goes on at ", segment->begin().value, ", but the file before it ends at ",
                         before->end().value, ": files are missing"),
                  "restore them from a copy; their messages cannot be read without"});
  }
}

void TellDamage(StoreDirectory& store, const LogWalk::Damage& damage, Findings& findings) {
  const auto segment = store.log().Find(damage.begin);
  const std::string file = segment == nullptr ? store.log().directory() : segment->path();
  const int64_t byte = segment == nullptr ? -1 : damage.begin - segment->begin();
  const std::string range =
      StrCat("log offsets ", damage.begin.value, "..", damage.end.value, " (", damage.end - damage.begin,
             " bytes) hold no readable record: ", damage.why);
  if (damage.records_behind) {
    findings.Add(
        "damage in the log",
        {Severity::kDamage, file, byte, StrCat(range, "; readable records follow"),
         "restore the file from a copy, or let mqstore repair step over these bytes: it keeps a copy "
         "of them and every record behind"});
    return;
  }
  findings.Add("torn tail",
               {store.crashed() ? Severity::kNote : Severity::kDamage, file, byte,
                StrCat(range, "; nothing readable follows"),
                store.crashed() ? "none needed, the next start cuts it; mqstore repair does so too, "
                                  "and keeps a copy"
                                : "mqstore repair cuts it and keeps a copy"});
}

}  // namespace

Result<VerifyResult> VerifyStore(StoreDirectory& store) {
  VerifyResult result;
  result.crashed = store.crashed();
  result.log_begin = store.log_begin();
  CheckSegments(store, result.findings);
  QueueCheck queues(store, result.findings);
  if (Status s = queues.Load(); !s.ok()) return s;
  IndexCheck index(store, result.findings);
  if (Status s = index.Load(); !s.ok()) return s;

  const auto segments = store.log().segments();
  const int64_t total = segments->empty() ? 0 : segments->back()->end() - result.log_begin;
  LogWalk walk(store);
  int64_t newest_store_time_ms = 0;
  {
    ProgressBar bar("verify", total);
    for (bool more = true; more;) {
      switch (walk.Next()) {
        case LogWalk::Step::kRecord:
          queues.Look(walk.record());
          index.Look(walk.record());
          newest_store_time_ms = ToEpochMillis(walk.record().store_time);
          if (++result.records % kRecordsPerStep == 0) bar.Show(walk.position() - result.log_begin);
          break;
        case LogWalk::Step::kDamage:
          result.log_damage.push_back(walk.damage());
          TellDamage(store, walk.damage(), result.findings);
          break;
        case LogWalk::Step::kFailed:
          return walk.why().Annotate("read the log");
        case LogWalk::Step::kEnd:
          more = false;
          break;
      }
    }
  }
  result.log_end = walk.position();
  queues.Finish(result.log_end);
  index.Finish(result.log_end);
  result.queues = static_cast<int64_t>(queues.queue_count());
  result.queue_entries = queues.units_checked();
  result.index_entries = index.entries_checked();
  for (const auto& [key, end] : queues.ends()) result.queues_in_log.push_back(key);
  const LogFacts facts{result.log_begin, result.log_end, newest_store_time_ms, queues.ends()};
  CheckCheckpoints(store, facts, result.findings);
  CheckConfig(store, facts, result.findings);
  return result;
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
// A slave compares its log with what its master sends, and cuts off what differs.
#include <algorithm>
#include <utility>

#include "broker/replication/ha_slave.h"
#include "common/crc32.h"
#include "common/strings.h"

namespace orbitmq::broker {

void HaSlave::Compare(std::string bytes) {
  OnReader([this, from = ask_, begin = position_, b = std::move(bytes)] {
    Comparison found = CompareWith(from, b, begin);
    return [this, found] { Compared(found); };
  });
}

HaSlave::Comparison HaSlave::CompareWith(LogOffset from, const std::string& bytes, LogOffset begin) const {
  store::ReplicatedLog& log = parts_.store.replication();
  Comparison found;
  found.from = begin;
  found.to = begin + static_cast<int64_t>(bytes.size());
  std::string own;
  while (own.size() < bytes.size()) {
    const LogOffset at = begin + static_cast<int64_t>(own.size());
    const auto piece = log.ReadLog(at, bytes.size() - own.size());
    if (!piece.ok() || piece->view().empty()) {
      found.unread = piece.ok() ? Status(StatusCode::kNotFound, "it ends there") : piece.status();
      found.unread = found.unread.Annotate(StrCat("this slave's own log at ", at.value));
      return found;
    }
    own += piece->view();
  }
  const auto [mine, theirs] = std::mismatch(own.begin(), own.end(), bytes.begin());
  found.equal = theirs == bytes.end();
  if (found.equal) return found;
  const LogOffset differs = begin + (theirs - bytes.begin());
  found.own_crc = Crc32(own);
  found.master_crc = Crc32(bytes);
  found.common = found.last_record = from;
  for (;;) {
    const auto head = log.ReadLog(found.common, kPeekBytes);
    if (!head.ok()) {
      found.unread = head.status().Annotate(StrCat("this slave's own log at ", found.common.value));
      return found;
    }
    const auto peek = PeekRecord(head->view());
    if (!peek.ok() || peek->total_bytes <= 0 || found.common + peek->total_bytes > differs) return found;
    found.last_record = found.common;
    found.common += peek->total_bytes;
  }
}

void HaSlave::Compared(const Comparison& found) {
  // No difference: what was deleted meanwhile, or cannot be read now, says nothing about the master's log.
  if (!found.unread.ok()) return Fail(found.unread.ToString());
  if (!found.equal) return Heal(found);
  position_ = found.to;
  if (position_ == end_) {
    queued_to_ = end_;
    Show(HaSlaveState::kFollowing);
    AskAnew();
    if (!refused_) backoff_ = Duration(0);
    parts_.env.log().Info("this slave's log is its master's; it follows",
                          {{"master", address_}, {"compared_from", ask_.value}, {"log_end", end_.value}});
  }
  Pump();
}

void HaSlave::Heal(const Comparison& found) {
  const std::initializer_list<LogField> fields = {{"master", address_},
                                                  {"compared_from", found.from.value},
                                                  {"compared_to", found.to.value},
                                                  {"own_crc32", static_cast<uint64_t>(found.own_crc)},
                                                  {"master_crc32", static_cast<uint64_t>(found.master_crc)},
                                                  {"equal_to", found.common.value},
                                                  {"own_end", end_.value}};
  const LogOffset min = parts_.store.watermarks().min;
  const bool nothing = found.common == ask_;
  if (nothing && ask_ > min && !starts_at_masters_choice_) {
    parts_.env.log().Warn("this slave's log differs from its master's; it looks further back", fields);
    distance_ = std::min(distance_ * 2, end_ - min);
    return Again(Duration(0));
  }
  parts_.env.log().Error(nothing ? "this slave's log has nothing of its master's; all of it is dropped"
                                 : "this slave's log differs from its master's; it is cut where they part",
                         fields);
  if (nothing && starts_at_masters_choice_) {
    // What the slave has before that cannot be compared any more.
    return StartOver(ask_, how_ == Ask::kLastFile ? kLastFileOnly : "the master's log begins there");
  }
  if (nothing) return StartOver({0}, "the logs have no record in common");
  parts_.store.replication().Truncate(found.common, found.last_record, BeginCut());
}

Completion<Done> HaSlave::BeginCut() {
  cutting_ = true;
  Again(Duration(0));
  Show(HaSlaveState::kHealing);
  return [this, alive = std::weak_ptr<bool>(alive_)](Result<Done> done) {
    parts_.loop.Post([this, alive, result = std::move(done)] {
      if (!alive.expired()) Healed(result);
    });
  };
}

void HaSlave::StartOver(LogOffset begin, std::string_view why) {
  const store::Watermarks marks = parts_.store.watermarks();
  if (begin.value % parts_.options.Get()->mapped_file_size_commit_log != 0) {
    return Fail(StrCat("the master's log begins a file at ", begin.value,
                       ", which is no multiple of mappedFileSizeCommitLog: set it to the master's"));
  }
  const std::initializer_list<LogField> fields = {{"master", address_},
                                                  {"why", why},
                                                  {"own_begin", marks.min.value},
                                                  {"own_end", marks.appended.value},
                                                  {"begins", begin.value}};
  if (marks.appended == marks.min) {
    parts_.env.log().Warn("this slave begins with a later part of its master's log", fields);
  } else {
    parts_.env.log().Error("this slave drops its log, queues and index, and starts over", fields);
  }
  parts_.store.replication().StartOver(begin, BeginCut());
}

void HaSlave::Healed(const Result<Done>& done) {
  cutting_ = false;
  AskAnew();
  if (!done.ok()) {
    parts_.env.log().Error("the log could not be cut", {{"status", done.status().ToString()}});
    return AgainLater();
  }
  {
    const MutexLock lock(mutex_);
    ++status_.heal_count;
  }
  if (parts_.on_cut) parts_.on_cut();
  Connect();
}

}  // namespace orbitmq::broker

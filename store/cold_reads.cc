// SPDX-License-Identifier: Apache-2.0
#include "store/cold_reads.h"

#include <algorithm>

namespace orbitmq::store {

ColdReads::Hints ColdReads::Next(size_t reader_name, Range read, MonoTime now) {
  const MutexLock lock(mutex_);
  // The place of a reader is where its name points to; of two that meet there each one restarts.
  Reader& reader = readers_[reader_name % readers_.size()];
  const bool known =
      reader.name == reader_name && reader.used != MonoTime::min() && now - reader.used <= kForgottenAfter;
  // What it takes may be less than what it was about to read: a reply has a limit in bytes.
  const bool goes_on =
      known && read.begin > reader.from && read.begin <= std::max(reader.at, reader.ahead_to) + kAheadBytes;
  if (!goes_on) reader = {reader_name, read.begin, read.end, read.end, now};
  reader.from = read.begin;
  reader.used = now;
  Hints hints;
  if (goes_on) hints.will_need = Ahead(reader, read);
  reader.at = read.end;
  if (dropped_to_.value < 0 || read.begin < dropped_to_) dropped_to_ = read.begin;
  hints.dont_need = Behind(now);
  return hints;
}

ColdReads::Range ColdReads::Ahead(Reader& reader, Range read) {
  if (read.end + kAheadBytes / 2 <= reader.ahead_to) return {};
  const Range wanted{std::max(read.end, reader.ahead_to), read.end + kAheadBytes};
  reader.ahead_to = wanted.end;
  // Queues whose records lie between each other's share what one of them asked for.
  for (const Reader& other : readers_) {
    if (&other != &reader && other.at <= wanted.begin && other.ahead_to >= wanted.end) return {};
  }
  return wanted;
}

ColdReads::Range ColdReads::Behind(MonoTime now) {
  LogOffset slowest{INT64_MAX};
  for (const Reader& reader : readers_) {
    if (reader.used != MonoTime::min() && now - reader.used <= kForgottenAfter) {
      slowest = std::min(slowest, reader.from);
    }
  }
  if (slowest - dropped_to_ < kKeptBehindBytes + kDropStepBytes) return {};
  const Range passed{dropped_to_, slowest + -kKeptBehindBytes};
  dropped_to_ = passed.end;
  return passed;
}

}  // namespace orbitmq::store

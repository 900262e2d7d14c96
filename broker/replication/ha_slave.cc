// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/ha_slave.h"

#include <algorithm>
#include <utility>

#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

// How far before its end a slave begins to compare.
constexpr int64_t kCompareBytes = int64_t{1} << 20;
constexpr int64_t kCompareStepBytes = int64_t{1} << 20;
constexpr int64_t kChunkBytes = int64_t{1} << 20;
// Received and not yet written: reading pauses above, goes on below.
constexpr int64_t kHeldBytesHigh = int64_t{16} << 20;
constexpr int64_t kHeldBytesLow = int64_t{4} << 20;
// No record or filler is larger: with the largest message of any broker it is a tenth of that.
constexpr int32_t kRecordBytesMax = 256 << 20;
constexpr Duration kConnectMax = std::chrono::seconds(3);
constexpr Duration kBackOffMin = std::chrono::milliseconds(100);
constexpr Duration kBackOffMax = std::chrono::seconds(2);
constexpr Duration kTickEvery = std::chrono::milliseconds(100);
constexpr Duration kRateEvery = std::chrono::seconds(1);
constexpr size_t kLogOffsetAt = 28;  // Format: store.md 2.2, the same for V1 and V2.

bool IsMessage(uint32_t magic) {
  return magic == static_cast<uint32_t>(RecordMagic::kV1) || magic == static_cast<uint32_t>(RecordMagic::kV2);
}

}  // namespace

HaSlave::HaSlave(Parts parts)
    : parts_(std::move(parts)), distance_(kCompareBytes), pulse_(parts_.loop, [this] {
        Report(false);
        return Progress::kIdle;
      }) {}

HaSlave::~HaSlave() = default;

void HaSlave::Start() {
  stopped_ = refused_ = false;
  AskAnew();
  backoff_ = Duration(0);
  rate_since_ = parts_.env.clock().Monotonic();
  ArmTick();
  const std::string fixed = parts_.options.Get()->ha_master_address;
  if (!fixed.empty()) SetMaster(fixed);
}

void HaSlave::Stop() {
  stopped_ = true;
  retry_.Cancel();
  tick_.Cancel();
  Again(Duration(0));
  EndProbe(MasterAnswer::kSilent);
  Show(HaSlaveState::kWaitingForAddress);
  address_.clear();
  const MutexLock lock(mutex_);
  status_.master.clear();
}

void HaSlave::SetMaster(const std::string& address) {
  if (stopped_) return;
  const std::string fixed = parts_.options.Get()->ha_master_address;
  const std::string& wanted = fixed.empty() ? address : fixed;
  // A master that is away for a moment comes back to where it was, mostly.
  if (wanted.empty() || wanted == address_) return;
  parts_.env.log().Info("the master's log is at another address now", {{"master", wanted}});
  address_ = wanted;
  {
    const MutexLock lock(mutex_);
    status_.master = address_;
  }
  AskAnew();
  if (connection_ != nullptr || connecting_) return Again(Duration(0));
  Connect();
}

void HaSlave::Show(HaSlaveState state) {
  state_ = state;
  const MutexLock lock(mutex_);
  status_.state = state;
}

// --- connections

void HaSlave::Connect() {
  if (stopped_ || connecting_ || connection_ != nullptr || cutting_ || address_.empty()) return;
  // What is under way to the log belongs to the connection before.
  if (bytes_in_store_queue_ > 0) return AgainLater();
  const auto at = ParseEndpoint(address_);
  if (!at.ok()) return AgainLater();
  connecting_ = true;
  Show(HaSlaveState::kConnecting);
  const uint64_t attempt = ++attempt_;
  parts_.env.network().Connect(
      *at, parts_.loop, kConnectMax,
      [this, alive = std::weak_ptr<bool>(alive_), attempt](Result<std::unique_ptr<Connection>> connection) {
        if (alive.expired() || attempt != attempt_) return;
        Connected(std::move(connection));
      });
}

void HaSlave::Connected(Result<std::unique_ptr<Connection>> connection) {
  connecting_ = false;
  if (stopped_) return;
  if (!connection.ok()) {
    EndProbe(MasterAnswer::kSilent);
    if (backoff_ == Duration(0)) {
      parts_.env.log().Warn("the master's log cannot be reached; will go on trying",
                            {{"master", address_}, {"error", connection.status().ToString()}});
    }
    return AgainLater();
  }
  connection_ = *std::move(connection);
  busy_ = paused_ = asked_ = saw_data_ = said_something_ = told_ahead_ = false;
  inbox_.clear();
  inbox_at_ = 0;
  body_left_ = 0;
  pending_.clear();
  reported_ = {-1};
  heard_ = spoke_ = parts_.env.clock().Monotonic();
  connection_->Start(this);
  PlanAsk();
}

void HaSlave::Again(Duration wait) {
  ++attempt_;
  connecting_ = busy_ = false;
  if (connection_ != nullptr) {
    // Not here: it may be the caller.
    parts_.loop.Post([old = std::shared_ptr<Connection>(std::move(connection_))] { (void)old; });
  }
  if (stopped_ || cutting_) return;
  Show(HaSlaveState::kConnecting);
  retry_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + wait, [this] { Connect(); });
}

// Whoever answers next may be another.
void HaSlave::AgainLater() {
  AskAnew();
  backoff_ = std::clamp<Duration>(backoff_ * 2, kBackOffMin, kBackOffMax);
  Again(backoff_);
}

void HaSlave::Fail(const std::string& why) {
  parts_.env.log().Warn("the connection to the master is given up", {{"master", address_}, {"why", why}});
  AgainLater();
}

void HaSlave::OnClosed(const Status& why) {
  if (connection_ == nullptr) return;
  parts_.env.log().Info("the master closed the connection", {{"master", address_}, {"why", why.ToString()}});
  AgainLater();
  EndProbe(MasterAnswer::kSilent);
  if (lost_) lost_();
}

// --- asking

void HaSlave::AskAnew() {
  how_ = Ask::kRecordBack;
  distance_ = kCompareBytes;
  accept_last_file_ = false;
}

void HaSlave::PlanAsk() {
  const store::Watermarks marks = parts_.store.watermarks();
  end_ = marks.appended;
  if (end_.value == 0 && how_ == Ask::kRecordBack) how_ = Ask::kLastFile;
  Show(HaSlaveState::kComparing);
  ask_ = marks.min;
  if (how_ == Ask::kLastFile) return SendAsk({0});
  if (how_ == Ask::kByteOne) return SendAsk({1});
  if (Planted(Bug::kNoDivergenceCheck)) return SendAsk(ask_ = end_);
  // Not beyond what may be reported: an Apache master takes this for a report too.
  const LogOffset reportable = parts_.store.replication().reportable();
  OnReader([this, distance = std::max(distance_, end_ - std::min(end_, reportable))] {
    const auto found = parts_.store.replication().RecordBefore(distance);
    return [this, found] {
      if (!found.ok()) return Fail(std::string(found.status().text()));
      ask_ = *found;
      SendAsk(std::max(ask_, LogOffset{1}));
    };
  });
}

void HaSlave::SendAsk(LogOffset from) {
  position_ = from;
  asked_ = true;
  reported_ = from;
  BytesChain chain;
  chain.emplace_back(EncodeHaReport(from));
  spoke_ = parts_.env.clock().Monotonic();
  connection_->Write(std::move(chain));
  Pump();
}

// Nothing lies where we asked.
void HaSlave::OnHeartbeat() {
  const store::Watermarks marks = parts_.store.watermarks();
  const bool empty = marks.appended == marks.min;
  if (empty && marks.min.value > 0 && how_ == Ask::kRecordBack && !saw_data_) {
    // Its end, or does it lie before this slave's begin altogether? Where its last file begins tells.
    how_ = Ask::kLastFile;
    return Again(Duration(0));
  }
  if (saw_data_ || (empty && how_ != Ask::kByteOne) || how_ == Ask::kLastFile) {
    if (empty && how_ != Ask::kByteOne) Show(HaSlaveState::kFollowing);
    if (state_ == HaSlaveState::kComparing && !empty && !told_ahead_) {
      told_ahead_ = true;
      parts_.env.log().Error(
          "this slave has records that its master does not have; they are dropped when the master writes "
          "others. If the master lost its disk, stop it now and start this broker as master",
          {{"master", address_}, {"master_end", position_.value}, {"own_end", marks.appended.value}});
    }
    return;
  }
  if (how_ == Ask::kByteOne) {
    how_ = Ask::kLastFile;
    accept_last_file_ = true;
  } else if (ask_ > marks.min) {
    distance_ = std::min(distance_ * 2, end_ - marks.min);
  } else {
    how_ = Ask::kLastFile;
  }
  Again(Duration(0));
}

void HaSlave::OnFirstData(LogOffset offset) {
  saw_data_ = true;
  const store::Watermarks marks = parts_.store.watermarks();
  if (marks.appended.value == 0) {
    if (offset.value == 0 || (offset.value == 1 && how_ == Ask::kByteOne)) {
      pending_.assign(static_cast<size_t>(offset.value), '\0');
      queued_to_ = {0};
      position_ = offset;
      AskAnew();
      return Show(HaSlaveState::kFollowing);
    }
    if (how_ == Ask::kLastFile && !accept_last_file_) {
      how_ = Ask::kByteOne;
      return Again(Duration(0));
    }
    return StartOver(offset, accept_last_file_ ? kLastFileOnly : "the master's log begins there");
  }
  if (offset < marks.min && marks.appended == marks.min) {
    return StartOver({0}, "the master's log lies before this slave's, which is empty");
  }
  if (offset > marks.appended || offset < marks.min) {
    return StartOver(offset, "this slave's log lies outside of its master's");
  }
  starts_at_masters_choice_ = offset > position_;
  if (offset != position_) ask_ = position_ = offset;
  if (position_ >= end_) {
    queued_to_ = end_;
    Show(HaSlaveState::kFollowing);
  }
}

// --- what comes

size_t HaSlave::OnInput(std::string_view input) {
  if (connection_ == nullptr) return input.size();
  heard_ = parts_.env.clock().Monotonic();
  said_something_ = true;
  EndProbe(MasterAnswer::kAlive);
  rate_bytes_ += static_cast<int64_t>(input.size());
  inbox_.append(input);
  Pump();
  return input.size();
}

void HaSlave::Pump() {
  while (connection_ != nullptr && asked_ && !busy_) {
    if (body_left_ == 0 ? !TakeHeader() : inbox_at_ == inbox_.size()) break;
    if (connection_ != nullptr && body_left_ > 0 && inbox_at_ < inbox_.size()) TakeBody();
  }
  if (connection_ == nullptr) return;
  if (inbox_at_ > 0) {
    inbox_.erase(0, inbox_at_);
    inbox_at_ = 0;
  }
  Report(false);
  Throttle();
}

// False when there is none yet, or the connection is over.
bool HaSlave::TakeHeader() {
  const std::string_view rest = std::string_view(inbox_).substr(inbox_at_);
  if (rest.size() < kHaHeaderBytes) return false;
  const auto header = DecodeHaHeader(rest);
  if (!header) {
    Fail("what comes is not the HA protocol: is haMasterAddress a master's haListenPort?");
    return false;
  }
  inbox_at_ += kHaHeaderBytes;
  if (header->body_bytes == 0) {
    OnHeartbeat();
    return connection_ != nullptr;
  }
  if (!saw_data_) OnFirstData(header->offset);
  if (connection_ == nullptr) return false;
  if (header->offset != position_) {
    Fail(StrCat("the stream jumps from log offset ", position_.value, " to ", header->offset.value));
    return false;
  }
  body_left_ = header->body_bytes;
  return true;
}

void HaSlave::TakeBody() {
  auto count = std::min<int64_t>(body_left_, static_cast<int64_t>(inbox_.size() - inbox_at_));
  const bool comparing = state_ == HaSlaveState::kComparing;
  if (comparing) count = std::min({count, end_ - position_, kCompareStepBytes});
  std::string bytes = inbox_.substr(inbox_at_, static_cast<size_t>(count));
  inbox_at_ += static_cast<size_t>(count);
  body_left_ -= static_cast<int32_t>(count);
  if (comparing) return Compare(std::move(bytes));
  position_ += count;
  pending_ += bytes;
  if (Planted(Bug::kReportUnwritten)) Report(false);
  CutRecords();
}

// --- following

Result<size_t> HaSlave::WholeRecords(LogOffset& last_record) const {
  const int64_t file_bytes = parts_.options.Get()->mapped_file_size_commit_log;
  const LogOffset file_end{(queued_to_.value / file_bytes + 1) * file_bytes};
  const std::string_view bytes = pending_;
  size_t at = 0;
  while (bytes.size() - at >= kPeekBytes && static_cast<int64_t>(at) < kChunkBytes) {
    const LogOffset offset = queued_to_ + static_cast<int64_t>(at);
    if (offset == file_end) break;
    const auto peek = PeekRecord(bytes.substr(at));
    const bool filler = peek.ok() && peek->magic == static_cast<uint32_t>(RecordMagic::kBlank);
    const bool fits = peek.ok() && peek->total_bytes > 0 && peek->total_bytes <= kRecordBytesMax &&
                      offset + peek->total_bytes <= file_end;
    const bool filled = !filler || (fits && offset + peek->total_bytes == file_end);
    if (!fits || !filled || (!filler && !IsMessage(peek->magic))) {
      return Status(StatusCode::kCorrupt,
                    StrCat("what the master sends for log offset ", offset.value,
                           " is no record (mappedFileSizeCommitLog must be the master's)"));
    }
    if (bytes.size() - at < static_cast<size_t>(peek->total_bytes)) break;
    if (!filler && (peek->total_bytes < static_cast<int32_t>(kLogOffsetAt + 8) ||
                    LoadBig<int64_t>(bytes.data() + at + kLogOffsetAt) != offset.value)) {
      return Status(StatusCode::kCorrupt,
                    StrCat("what the master sends for log offset ", offset.value, " names another one"));
    }
    if (!filler) last_record = offset;
    at += static_cast<size_t>(peek->total_bytes);
  }
  return at;
}

void HaSlave::CutRecords() {
  for (;;) {
    LogOffset last_record = queued_to_;
    const auto whole = WholeRecords(last_record);
    if (!whole.ok()) {
      pending_.clear();
      refused_ = true;
      return Fail(std::string(whole.status().text()));
    }
    if (*whole == 0) return;
    Append(*whole, last_record);
  }
}

void HaSlave::Append(size_t bytes, LogOffset last_record) {
  store::ReplicaChunk chunk{.begin = queued_to_, .last_record = last_record, .bytes = {}};
  if (bytes == pending_.size()) {
    chunk.bytes.swap(pending_);
  } else {
    chunk.bytes.assign(pending_, 0, bytes);
    pending_.erase(0, bytes);
  }
  const auto count = static_cast<int64_t>(bytes);
  queued_to_ += count;
  bytes_in_store_queue_ += count;
  parts_.store.replication().AppendReplica(
      std::move(chunk), [this, alive = std::weak_ptr<bool>(alive_), count](Result<LogOffset> end) {
        // Written within this very call: Pump reports it.
        if (end.ok() && parts_.loop.Current()) {
          bytes_in_store_queue_ -= count;
          return Accepted();
        }
        parts_.loop.Post([this, alive, count, result = std::move(end)] {
          if (alive.expired()) return;
          bytes_in_store_queue_ -= count;
          Appended(result);
        });
      });
}

void HaSlave::Appended(const Result<LogOffset>& end) {
  if (connection_ == nullptr) return;
  if (!end.ok()) {
    refused_ = true;
    return Fail(std::string(end.status().text()));
  }
  Accepted();
  Report(false);
  Throttle();
}

void HaSlave::Accepted() {
  refused_ = false;
  backoff_ = Duration(0);
}

void HaSlave::Throttle() {
  const int64_t held = bytes_in_store_queue_ + static_cast<int64_t>(inbox_.size());
  if (!paused_ && held > kHeldBytesHigh) {
    paused_ = true;
    connection_->PauseReading();
  } else if (paused_ && held < kHeldBytesLow) {
    paused_ = false;
    connection_->ResumeReading();
  }
}

void HaSlave::Report(bool even_if_unchanged) {
  if (connection_ == nullptr || !asked_) return;
  LogOffset value = reported_;
  if (state_ == HaSlaveState::kFollowing && (saw_data_ || reported_.value > 0)) {
    value = std::max(reported_, parts_.store.replication().reportable());
    if (Planted(Bug::kReportUnwritten)) value = std::max(value, position_);
  } else if (saw_data_) {
    value = std::max(reported_, std::min({position_, end_, parts_.store.replication().reportable()}));
  }
  if (value == reported_ && !even_if_unchanged) return;
  reported_ = value;
  spoke_ = parts_.env.clock().Monotonic();
  BytesChain chain;
  chain.emplace_back(EncodeHaReport(value));
  connection_->Write(std::move(chain));
  if (!even_if_unchanged) parts_.loop.Linger(kHaAnswersWithin);
}

void HaSlave::ArmTick() {
  tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kTickEvery, [this] { Tick(); });
}

void HaSlave::Tick() {
  const MonoTime now = parts_.env.clock().Monotonic();
  const auto options = parts_.options.Get();
  if (probe_ != nullptr && now >= probe_->until) ProbeIsOver();
  if (connection_ != nullptr && now - heard_ > options->ha_housekeeping_interval) {
    Fail("nothing was heard from the master for haHousekeepingInterval");
  } else if (connection_ != nullptr && now - spoke_ >= options->ha_send_heartbeat_interval) {
    Report(true);
  }
  {
    const WallTime wall = parts_.env.clock().Wall();
    const MutexLock lock(mutex_);
    status_.reported = std::max(reported_, LogOffset{0});
    if (connection_ != nullptr) {
      status_.last_read = wall - std::chrono::duration_cast<Millis>(now - heard_);
      status_.last_write = wall - std::chrono::duration_cast<Millis>(now - spoke_);
    }
    if (now - rate_since_ >= kRateEvery) {
      const int64_t ms = std::max<int64_t>(1, std::chrono::duration_cast<Millis>(now - rate_since_).count());
      status_.bytes_per_second = std::exchange(rate_bytes_, 0) * 1000 / ms;
      rate_since_ = now;
    }
  }
  ArmTick();
}

void HaSlave::AddStatus(HaStatus& status) const {
  status.master = false;
  status.log_end = parts_.store.watermarks().appended;
  const MutexLock lock(mutex_);
  status.slave = status_;
}

}  // namespace orbitmq::broker

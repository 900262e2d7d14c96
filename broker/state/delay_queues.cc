// SPDX-License-Identifier: Apache-2.0
#include "broker/state/delay_queues.h"

#include <algorithm>
#include <utility>

#include "common/message_properties.h"
#include "common/names.h"
#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

QueueKey LevelQueue(int32_t level) { return QueueKey{std::string(names::kScheduleTopic), level - 1}; }

}  // namespace

DelayQueues::DelayQueues(Parts parts)
    : parts_(std::move(parts)), file_(parts_.env, parts_.disk, parts_.path, [this] {
        return proto::EncodeBody(All(), proto::JsonStyle::kPretty);
      }) {
  if (auto delays = ParseDelayLevels(parts_.options.Get()->message_delay_level); delays.ok()) {
    delays_ = *std::move(delays);
  }
  for (int32_t number = 1; number <= level_max(); ++number) {
    auto level = std::make_unique<Level>();
    level->number = number;
    level->pulse = std::make_unique<Pulse>(parts_.executor, [this, raw = level.get()] { return Step(*raw); });
    levels_.push_back(std::move(level));
  }
}

Result<std::unique_ptr<DelayQueues>> DelayQueues::Load(Parts parts) {
  auto queues = std::make_unique<DelayQueues>(std::move(parts));
  const Status read = PersistedFile::Load(
      queues->parts_.env, queues->parts_.path, [&queues](std::string_view text) -> Status {
        auto table = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(text);
        if (!table.ok()) return table.status();
        MutexLock lock(queues->mutex_);
        if (table->data_version) queues->version_counter_ = table->data_version->counter;
        for (const auto& [level, offset] : table->offset_table) queues->durable_[level] = offset;
        return {};
      });
  if (!read.ok()) return read;
  return queues;
}

void DelayQueues::Attach(store::MessageStore& store, store::LogAppender& copies) {
  store_ = &store;
  copies_ = &copies;
  // What the file is past was synced before.
  const LogOffset synced = store.watermarks().flushed;
  MutexLock lock(mutex_);
  copies_end_ = synced;
}

void DelayQueues::Begin() {
  parts_.executor.Post([this] { BeginLevels(); });
}

void DelayQueues::End() {
  parts_.executor.Post([this] { EndLevels(); });
}

void DelayQueues::BeginLevels() {
  stopped_ = false;
  ++turn_;
  TakeAside();
  DropAside();
  bool moved = false;
  for (auto& level : levels_) {
    const int32_t number = level->number;
    const auto range = store_->Range(LevelQueue(number));
    const int64_t min = range ? range->min.value : 0;
    const int64_t max = range ? range->max.value : 0;
    level->deliveries.clear();
    level->unsafe.clear();
    MutexLock lock(mutex_);
    const int64_t stored = durable_[number];
    level->next = std::clamp(stored, min, max);
    durable_[number] = current_[number] = level->next;
    if (level->next == stored) continue;
    dirty_ = moved = true;
    parts_.env.log().Warn("delay offset lay outside of its queue; moved",
                          {{"level", number}, {"from", stored}, {"to", level->next}});
  }
  started_.store(true, std::memory_order_release);
  if (!moved) return SignalLevels();
  // On disk before anything new gets an offset below the old ones; a failure is tried again by itself.
  file_.Save([this, turn = turn_](Result<Done> saved) {
    if (!saved.ok()) {
      parts_.env.log().Error("the moved delay offsets could not be written",
                             {{"status", saved.status().ToString()}});
    }
    parts_.executor.Post([this, turn] {
      if (turn == turn_) SignalLevels();
    });
  });
}

void DelayQueues::DropAside() {
  std::optional<Aside> dropped;
  {
    MutexLock lock(mutex_);
    dropped = std::exchange(aside_, std::nullopt);
  }
  if (!dropped) return;
  parts_.env.log().Info(
      "the master delivered delayed messages whose copies did not reach this log; they are delivered again",
      {{"copies_end", dropped->copies_end.value}, {"log_end", SafeEnd().value}});
}

void DelayQueues::SignalLevels() {
  for (auto& level : levels_) level->pulse->Signal();
}

void DelayQueues::EndLevels() {
  stopped_ = true;
  started_.store(false, std::memory_order_release);
  for (auto& level : levels_) level->timer.Cancel();
}

void DelayQueues::Arrived(const store::Arrival& arrival) {
  if (arrival.queue.topic != names::kScheduleTopic) return;
  const auto index = static_cast<size_t>(arrival.queue.queue_id);
  // Before Begin there is nobody to wake: it looks at the queues itself.
  if (!started_.load(std::memory_order_acquire) || index >= levels_.size()) return;
  levels_[index]->pulse->Signal();
}

Progress DelayQueues::Step(Level& level) {
  if (stopped_) return Progress::kIdle;
  const bool more = FillDue(level);
  for (size_t i = 0; i < level.deliveries.size(); ++i) {
    Delivery& delivery = level.deliveries[i];
    if (delivery.stored || delivery.under_way) continue;
    Deliver(level, level.next + static_cast<int64_t>(i));
  }
  return more ? Progress::kMore : Progress::kIdle;
}

// Takes what is due behind the deliveries under way; false when the rest has to wait (a timer or a signal
// comes).
bool DelayQueues::FillDue(Level& level) {
  if (level.deliveries.size() >= kDeliveriesMax) return false;
  const int64_t from = level.next + static_cast<int64_t>(level.deliveries.size());
  const auto units = store_->ReadUnits(LevelQueue(level.number), QueueOffset{from},
                                       kDeliveriesMax - level.deliveries.size());
  const int64_t now = parts_.env.clock().WallMillis();
  const int64_t delay = delays_[static_cast<size_t>(level.number) - 1].count();
  for (const store::QueueUnit& unit : units) {
    // A deliver time beyond now plus the level's delay stems from another configuration or clock: it is due.
    const int64_t due = unit.tags_code > now + delay ? now : unit.tags_code;
    if (due > now) {
      WakeLevelAt(level, Millis(due - now));
      return false;
    }
    level.deliveries.push_back(Delivery{.unit = unit});
    if (Planted(Bug::kDelayOffsetFirst)) {
      MutexLock lock(mutex_);
      durable_[level.number] = level.next + static_cast<int64_t>(level.deliveries.size());
      dirty_ = true;
    }
  }
  return !units.empty() && level.deliveries.size() < kDeliveriesMax;
}

void DelayQueues::WakeLevelAt(Level& level, Duration from_now) {
  Level* raw = &level;
  level.timer =
      parts_.executor.PostAt(parts_.env.clock().Monotonic() + from_now, [raw] { raw->pulse->Signal(); });
}

Result<store::AppendRequest> DelayQueues::MakeCopy(const store::QueueUnit& unit) const {
  auto record = store_->ReadAt(unit.log_offset);
  if (!record.ok()) return record.status();
  auto message = DecodeMessage(record->view(), BodyCheck::kTrust);
  if (!message.ok()) return message.status();
  const auto topic = FindProperty(message->properties, property::kRealTopic);
  const auto queue = FindProperty(message->properties, property::kRealQueueId);
  const auto queue_id = queue ? ParseInt<int32_t>(*queue) : std::nullopt;
  if (!topic || !queue_id || *queue_id < 0) {
    return Status(StatusCode::kCorrupt, "a delayed message without REAL_TOPIC and REAL_QID");
  }
  // The stored properties keep DELAY, REAL_TOPIC and REAL_QID, as Apache's do.
  std::string properties(message->properties);
  RemoveProperty(properties, property::kCrc32);
  SetProperty(properties, property::kWaitStoreMsgOk, "false");
  RecordFields fields;
  fields.topic = *topic;
  fields.queue_id = *queue_id;
  fields.flag = message->flag;
  fields.sys_flag = message->sys_flag;
  fields.born_time = message->born_time;
  fields.born_host = message->born_host;
  fields.store_host = message->store_host;
  fields.reconsume_times = message->reconsume_times;
  fields.body = message->body;
  fields.properties = properties;
  store::AppendRequest append;
  append.queue = QueueKey{std::string(*topic), *queue_id};
  append.draft.crc = RecordCrcOf(*parts_.options.Get());
  if (Status encoded = AppendRecord(fields, append.draft); !encoded.ok()) return encoded;
  return append;
}

void DelayQueues::Deliver(Level& level, int64_t offset) {
  Delivery& delivery = level.deliveries[static_cast<size_t>(offset - level.next)];
  auto append = MakeCopy(delivery.unit);
  if (!append.ok()) {
    const bool gone = append.status().code() == StatusCode::kNotFound ||
                      append.status().code() == StatusCode::kCorrupt ||
                      append.status().code() == StatusCode::kInvalidArgument;
    parts_.env.log().Error(gone ? "a delayed message cannot be read and is passed over"
                                : "a delayed message cannot be read; will try again",
                           {{"level", level.number},
                            {"queue_offset", offset},
                            {"log_offset", delivery.unit.log_offset.value},
                            {"error", append.status().ToString()}});
    if (!gone) return WakeLevelAt(level, kRetryAfter);
    delivery.under_way = true;
    return Delivered(level.number, offset, store::AppendReceipt{});
  }
  delivery.under_way = true;
  Delivering(level.number, offset, *std::move(append));
}

void DelayQueues::Delivering(int32_t level_number, int64_t offset, store::AppendRequest append) {
  append.done = [this, level_number, offset, turn = turn_,
                 alive = std::weak_ptr<bool>(alive_)](Result<store::AppendReceipt> receipt) mutable {
    if (alive.expired()) return;
    parts_.executor.Post([this, level_number, offset, turn, receipt = std::move(receipt)]() mutable {
      if (turn == turn_) Delivered(level_number, offset, std::move(receipt));
    });
  };
  copies_->Append(std::move(append));
}

void DelayQueues::Delivered(int32_t level_number, int64_t offset, Result<store::AppendReceipt> receipt) {
  Level& level = *levels_[static_cast<size_t>(level_number) - 1];
  const auto index = static_cast<size_t>(offset - level.next);
  if (!receipt.ok()) {
    // Also kUnknown is not stored for certain; a second copy is better than none.
    level.deliveries[index].under_way = false;
    if (!stopped_) WakeLevelAt(level, kRetryAfter);
    return;
  }
  level.deliveries[index].stored = true;
  const LogOffset copy = receipt->log_offsets.empty() ? LogOffset{0} : receipt->log_offsets.back();
  level.unsafe.emplace_back(offset + 1, copy + 1);
  while (!level.deliveries.empty() && level.deliveries.front().stored) {
    level.deliveries.pop_front();
    ++level.next;
  }
  RaiseDurable(level);
  if (!stopped_) level.pulse->Signal();
}

// Offsets may be persisted up to the first message that is not stored, or whose copy is not flushed yet.
void DelayQueues::RaiseDurable(Level& level) {
  const LogOffset flushed = store_->watermarks().flushed;
  // Copies may be stored in another order than their messages stand in.
  std::sort(level.unsafe.begin(), level.unsafe.end());
  int64_t safe = -1;
  LogOffset copies_end;
  while (!level.unsafe.empty() && level.unsafe.front().first <= level.next &&
         level.unsafe.front().second <= flushed) {
    safe = level.unsafe.front().first;
    copies_end = std::max(copies_end, level.unsafe.front().second);
    level.unsafe.pop_front();
  }
  MutexLock lock(mutex_);
  current_[level.number] = level.next;
  copies_end_ = std::max(copies_end_, copies_end);
  if (safe > durable_[level.number]) {
    durable_[level.number] = safe;
    dirty_ = true;
  }
}

// Records that begin below are here whole and stand in their queues, and no crash takes them.
LogOffset DelayQueues::SafeEnd() const {
  const store::Watermarks marks = store_->watermarks();
  return std::min(marks.dispatched, marks.flushed);
}

LogOffset DelayQueues::CopiesEndIn(const proto::GetAllDelayOffsetResponseHeader& header) const {
  return header.copies_end ? LogOffset{*header.copies_end} : store_->watermarks().appended;
}

void DelayQueues::Follow(const proto::DelayOffsetSerializeWrapper& master,
                         const proto::GetAllDelayOffsetResponseHeader& header) {
  if (started_.load(std::memory_order_acquire)) return;
  TakeAside();
  const uint64_t generation = store_->replication().generation();
  const LogOffset copies_end = CopiesEndIn(header);
  const bool reached = copies_end <= SafeEnd();
  MutexLock lock(mutex_);
  for (const auto& [level, offset] : master.offset_table) {
    int64_t& mine = durable_[level];
    if (offset == mine || (offset > mine && !reached)) continue;
    mine = offset;
    dirty_ = true;
  }
  if (reached) {
    copies_end_ = std::max(copies_end_, copies_end);
    aside_.reset();
  } else if (!aside_ || copies_end < aside_->copies_end) {
    aside_ = Aside{master.offset_table, copies_end, generation};
  }
}

void DelayQueues::TakeAside() {
  const LogOffset end = SafeEnd();
  const uint64_t generation = store_->replication().generation();
  MutexLock lock(mutex_);
  if (aside_ && aside_->generation != generation) aside_.reset();
  if (!aside_ || aside_->copies_end > end) return;
  TakeLarger(aside_->offsets, aside_->copies_end);
  aside_.reset();
}

size_t DelayQueues::TakeLarger(const std::map<int32_t, int64_t>& offsets, LogOffset copies_end) {
  size_t taken = 0;
  for (const auto& [level, offset] : offsets) {
    int64_t& mine = durable_[level];
    if (offset <= mine) continue;
    mine = offset;
    dirty_ = true;
    ++taken;
  }
  copies_end_ = std::max(copies_end_, copies_end);
  return taken;
}

void DelayQueues::ForgetAside() {
  MutexLock lock(mutex_);
  aside_.reset();
}

size_t DelayQueues::Adopt(const proto::DelayOffsetSerializeWrapper& other,
                          const proto::GetAllDelayOffsetResponseHeader& header) {
  const LogOffset copies_end = CopiesEndIn(header);
  if (const LogOffset end = SafeEnd(); copies_end > end) {
    parts_.env.log().Info(
        "another broker of this name delivered delayed messages whose copies did not reach this log; they "
        "are delivered again",
        {{"copies_end", copies_end.value}, {"log_end", end.value}});
    return 0;
  }
  MutexLock lock(mutex_);
  return TakeLarger(other.offset_table, copies_end);
}

void DelayQueues::Save(Completion<Done> done) {
  parts_.executor.Post([this, done = std::move(done)]() mutable {
    for (auto& level : levels_) RaiseDurable(*level);
    if (stopped_) TakeAside();
    bool dirty = false;
    {
      MutexLock lock(mutex_);
      dirty = std::exchange(dirty_, false);
      if (dirty) ++version_counter_;
    }
    if (!dirty) {
      if (done) done(Done{});
      return;
    }
    file_.Save(std::move(done));
  });
}

proto::DelayOffsetSerializeWrapper DelayQueues::All() const {
  proto::DelayOffsetSerializeWrapper all;
  MutexLock lock(mutex_);
  all.data_version = proto::DataVersion{
      .counter = version_counter_, .state_version = 0, .timestamp = parts_.env.clock().WallMillis()};
  for (const auto& [level, offset] : durable_) all.offset_table[level] = offset;
  return all;
}

LogOffset DelayQueues::CopiesEnd() const {
  LogOffset end;
  {
    MutexLock lock(mutex_);
    end = copies_end_;
  }
  // Of a log that was cut meanwhile all that is left.
  return std::min(end, store_->watermarks().appended);
}

std::map<int32_t, std::pair<int64_t, int64_t>> DelayQueues::Standing() const {
  std::map<int32_t, std::pair<int64_t, int64_t>> standing;
  if (!started_.load(std::memory_order_acquire)) return standing;
  std::map<int32_t, int64_t> current;
  {
    MutexLock lock(mutex_);
    current = current_;
  }
  for (const auto& [level, offset] : current) {
    const auto range = store_->Range(LevelQueue(level));
    standing[level] = {offset, range ? range->max.value : 0};
  }
  return standing;
}

}  // namespace orbitmq::broker

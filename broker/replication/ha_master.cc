// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/ha_master.h"

#include <algorithm>
#include <utility>

#include "broker/replication/ha_pieces.h"
#include "common/planted_bug.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

// Bytes that may wait for a slave's connection.
constexpr size_t kWindowBytes = size_t{1} << 20;
constexpr Duration kTickEvery = std::chrono::milliseconds(100);
constexpr Duration kRateEvery = std::chrono::seconds(1);

int64_t MillisOf(Duration span) { return std::chrono::duration_cast<Millis>(span).count(); }

}  // namespace

struct HaMaster::Session final : ConnectionEvents {
  Session(HaMaster& owner, uint64_t given_number, std::unique_ptr<Connection> given)
      : master(owner), number(given_number), connection(std::move(given)) {}

  size_t OnInput(std::string_view input) override { return master.OnInput(*this, input); }
  void OnDrained() override { master.Pump(*this); }
  void OnClosed(const Status& why) override { master.Closed(this, why); }

  HaMaster& master;
  const uint64_t number;
  std::unique_ptr<Connection> connection;
  bool requested = false;
  bool ahead = false;  // It asked for what lies beyond the log's end.
  bool closing = false;
  bool reading = false;    // The reader has a piece of the log under way.
  bool caught_up = false;  // See Join.
  LogOffset request;
  LogOffset next;
  HaPieces pieces;
  LogOffset acked;
  MonoTime heard;
  MonoTime spoke;
  // When `mark` was the end of the log; while it is not acknowledged the slave lags since then.
  LogOffset mark;
  MonoTime marked_at;
  int64_t rate_bytes = 0;
  int64_t bytes_per_second = 0;
  MonoTime rate_since;
};

HaMaster::HaMaster(Parts parts)
    : parts_(parts), pulse_(parts_.loop, [this] {
        for (auto& session : sessions_) Pump(*session);
        return Progress::kIdle;
      }) {}

HaMaster::~HaMaster() = default;

Status HaMaster::Listen(const Endpoint& at) {
  auto accept = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
      [this, alive = std::weak_ptr<bool>(alive_)](std::unique_ptr<Connection> connection) {
        if (!alive.expired()) Accept(std::move(connection));
      });
  auto listener =
      parts_.env.network().Listen({.address = at, .executors = {&parts_.loop}}, std::move(accept));
  if (!listener.ok()) return listener.status().Annotate("haListenPort");
  listener_ = *std::move(listener);
  return {};
}

void HaMaster::Start() {
  serving_ = true;
  Publish();
}

// What slaves had is no promise for the next time: their logs may be cut until then.
void HaMaster::Stop() {
  serving_ = false;
  tick_.Cancel();
  ticking_ = false;
  sessions_.clear();
  replicated_ = {};
  Publish();
  PublishReplicas();
}

// Only while there are slaves: a broker without any should not wake up for them.
void HaMaster::ArmTick() {
  ticking_ = !sessions_.empty();
  if (!ticking_) return;
  tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + kTickEvery, [this] { Tick(); });
}

void HaMaster::Accept(std::unique_ptr<Connection> connection) {
  if (!serving_) {
    parts_.env.log().Info("a slave is sent away: this broker is no master now",
                          {{"slave", connection->remote().ToString()}});
    return;
  }
  auto session = std::make_unique<Session>(*this, next_session_++, std::move(connection));
  session->heard = session->spoke = session->rate_since = session->marked_at = parts_.env.clock().Monotonic();
  parts_.env.log().Info("a slave has connected", {{"slave", session->connection->remote().ToString()}});
  Session& kept = *sessions_.emplace_back(std::move(session));
  if (!ticking_) ArmTick();
  kept.connection->Start(&kept);
}

size_t HaMaster::OnInput(Session& session, std::string_view input) {
  const auto newest = NewestHaReport(input);
  if (!newest || session.closing) return session.closing ? input.size() : 0;
  session.heard = parts_.env.clock().Monotonic();
  if (newest->value < 0) {
    Close(session, "it reports a negative offset");
    return input.size();
  }
  if (!session.requested) {
    OnRequest(session, {LoadBig<int64_t>(input.data())});
  }
  if (input.size() >= 2 * kHaReportBytes || session.requested) OnAck(session, *newest);
  session.requested = true;
  Pump(session);
  return input.size() / kHaReportBytes * kHaReportBytes;
}

void HaMaster::OnRequest(Session& session, LogOffset offset) {
  const store::Watermarks marks = parts_.store.watermarks();
  const int64_t segment = parts_.options.Get()->mapped_file_size_commit_log;
  session.request = session.next = offset;
  if (offset.value == 0) session.next = {marks.appended.value - marks.appended.value % segment};
  session.next = std::max(session.next, std::min(marks.min, marks.appended));
  session.ahead = offset > marks.appended;
  session.mark = marks.appended;
  const std::initializer_list<LogField> fields = {{"slave", session.connection->remote().ToString()},
                                                  {"asked", offset.value},
                                                  {"begins", session.next.value},
                                                  {"log_end", marks.appended.value}};
  if (session.ahead) {
    parts_.env.log().Error("a slave claims more than this log holds; it gets nothing until it asks again",
                           fields);
    SendHeartbeat(session);
  } else if (offset.value != 0 && session.next != offset) {
    parts_.env.log().Error("a slave asks for what was deleted; it gets the log from its begin", fields);
  } else {
    parts_.env.log().Info("a slave follows", fields);
    // At its end there is nothing to send, which it should not have to wait for.
    if (session.next == marks.appended) SendHeartbeat(session);
  }
  Publish();
}

void HaMaster::OnAck(Session& session, LogOffset offset) {
  if (session.ahead || offset > session.next) return;
  session.acked = std::max(session.acked, offset);
  const LogOffset end = parts_.store.watermarks().appended;
  if (session.acked >= session.mark) {
    Join(session);
    session.mark = end;
    session.marked_at = parts_.env.clock().Monotonic();
  }
  Publish();
  ExpectMore();
}

void HaMaster::Join(Session& session) {
  if (session.caught_up || session.acked < replicated_) return;
  session.caught_up = true;
  parts_.env.log().Info("a slave has caught up",
                        {{"slave", session.connection->remote().ToString()}, {"acked", session.acked.value}});
}

void HaMaster::LeaveIfSlow(Session& session, MonoTime now) {
  const LogOffset end = parts_.store.watermarks().appended;
  if (session.acked >= end) {
    session.mark = end;
    session.marked_at = now;
    return;
  }
  if (!session.caught_up || now - session.marked_at <= parts_.options.Get()->ha_max_time_slave_not_catchup) {
    return;
  }
  session.caught_up = false;
  parts_.env.log().Warn("a slave has not caught up for haMaxTimeSlaveNotCatchup",
                        {{"slave", session.connection->remote().ToString()},
                         {"acked", session.acked.value},
                         {"log_end", end.value}});
}

bool HaMaster::MayPump(const Session& session) const {
  if (!session.requested || session.ahead || session.closing || session.reading) return false;
  if (session.connection->PendingBytes() >= kWindowBytes) return false;
  const auto options = parts_.options.Get();
  return !options->ha_flow_control_enable || session.rate_bytes < options->max_ha_transfer_byte_in_second;
}

LogOffset HaMaster::ShippedEnd() const {
  const store::Watermarks marks = parts_.store.watermarks();
  return parts_.options.Get()->flush_disk_type == store::FlushMode::kSync ? marks.flushed : marks.appended;
}

void HaMaster::Pump(Session& session) {
  store::ReplicatedLog& log = parts_.store.replication();
  while (MayPump(session)) {
    const LogOffset min = parts_.store.watermarks().min;
    if (session.next < min) session.next = min;  // Deleted while it was on its way.
    const Piece piece = Next(session);
    if (piece.bytes == 0) return;
    if (!log.ShipsFromMemory(piece.at)) return ReadCold(session, piece);
    auto bytes = log.ReadLog(piece.at, piece.bytes);
    if (!bytes.ok()) return Close(session, bytes.status().text());
    if (bytes->view().empty()) return;
    Send(session, piece, *bytes);
  }
}

HaMaster::Piece HaMaster::Next(const Session& session) const {
  const auto batch = static_cast<size_t>(parts_.options.Get()->ha_transfer_batch_size);
  const LogOffset end = ShippedEnd();
  return {session.next, end, session.pieces.Read(session.next, end, batch)};
}

void HaMaster::ReadCold(Session& session, const Piece& piece) {
  session.reading = true;
  parts_.reader.Post([this, alive = std::weak_ptr<bool>(alive_), number = session.number, piece] {
    auto bytes = std::make_shared<Result<Bytes>>(parts_.store.replication().ReadLog(piece.at, piece.bytes));
    parts_.loop.Post([this, alive, number, piece, bytes] {
      if (alive.expired()) return;
      for (auto& other : sessions_) {
        if (other->number != number) continue;
        other->reading = false;
        // Deleted meanwhile: Pump goes on at the begin. Else asking again at once would fail again at once.
        if (!bytes->ok() && bytes->status().code() != StatusCode::kNotFound) {
          return Close(*other, bytes->status().ToString());
        }
        if (bytes->ok()) Send(*other, piece, **bytes);
        return Pump(*other);
      }
    });
  });
}

void HaMaster::Send(Session& session, const Piece& piece, const Bytes& read) {
  const size_t count = session.pieces.Ship(piece.at, piece.end, piece.bytes, read.view());
  if (count == 0) return;
  BytesChain chain;
  chain.emplace_back(EncodeHaHeader({session.next, static_cast<int32_t>(count)}));
  chain.push_back(read.Slice(0, count));
  session.next += static_cast<int64_t>(count);
  session.rate_bytes += static_cast<int64_t>(count);
  session.spoke = parts_.env.clock().Monotonic();
  session.connection->Write(std::move(chain));
  ExpectMore();
}

// The slave's answer, or what its sender sends next. Where nobody waits for slaves it does not matter when.
void HaMaster::ExpectMore() {
  if (InSyncReplicas(*parts_.options.Get()) > 1) parts_.loop.Linger(kHaAnswersWithin);
}

void HaMaster::SendHeartbeat(Session& session) {
  BytesChain chain;
  chain.emplace_back(EncodeHaHeader({session.next, 0}));
  session.spoke = parts_.env.clock().Monotonic();
  session.connection->Write(std::move(chain));
}

void HaMaster::Close(Session& session, std::string_view why) {
  if (session.closing) return;
  session.closing = true;
  parts_.env.log().Warn("the connection of a slave is closed",
                        {{"slave", session.connection->remote().ToString()}, {"why", std::string(why)}});
  parts_.loop.Post([this, alive = std::weak_ptr<bool>(alive_), number = session.number] {
    if (alive.expired()) return;
    sessions_.remove_if([number](const auto& other) { return other->number == number; });
    Publish();
  });
}

void HaMaster::Closed(Session* session, const Status& why) {
  parts_.env.log().Info("a slave has gone", {{"slave", session->connection->remote().ToString()},
                                             {"acked", session->acked.value},
                                             {"why", why.ToString()}});
  sessions_.remove_if([session](const auto& other) { return other.get() == session; });
  Publish();
  PublishReplicas();
}

void HaMaster::Tick() {
  const MonoTime now = parts_.env.clock().Monotonic();
  const auto options = parts_.options.Get();
  for (auto& session : sessions_) {
    if (session->closing) continue;
    if (now - session->rate_since >= kRateEvery) {
      const int64_t ms = std::max<int64_t>(1, MillisOf(now - session->rate_since));
      session->bytes_per_second = session->rate_bytes * 1000 / ms;
      session->rate_bytes = 0;
      session->rate_since = now;
    }
    if (now - session->heard > options->ha_housekeeping_interval) {
      Close(*session, "nothing was heard from it for haHousekeepingInterval");
      continue;
    }
    // While a piece is read it would say that nothing follows.
    const bool may_beat = session->requested && !session->reading;
    if (may_beat && now - session->spoke >= options->ha_send_heartbeat_interval) {
      SendHeartbeat(*session);
    }
    LeaveIfSlow(*session, now);
    Pump(*session);
  }
  Publish();
  PublishReplicas();
  if (drain_ != nullptr && now >= drain_->until) {
    parts_.env.log().Warn("slaves have not fetched the end of the log in time");
    std::exchange(drain_, nullptr)->done(Done{});
  }
  ArmTick();
}

bool HaMaster::InSync(const Session& session, LogOffset end) const {
  const LogOffset has = std::max(session.acked, session.request);
  return session.requested && !session.closing && !session.ahead &&
         end - has < parts_.options.Get()->ha_max_gap_not_in_sync;
}

void HaMaster::Publish() {
  const LogOffset end = parts_.store.watermarks().appended;
  const auto options = parts_.options.Get();
  int32_t in_sync = 1;
  std::vector<LogOffset> acks;  // Of those that are waited for.
  LogOffset least = end;        // Of all that are in sync.
  for (const auto& session : sessions_) {
    if (!InSync(*session, end)) continue;
    ++in_sync;
    least = std::min(least, session->acked);
    if (session->caught_up || !options->all_ack_in_sync_state_set) acks.push_back(session->acked);
  }
  std::sort(acks.begin(), acks.end(), std::greater<>());
  auto at = static_cast<size_t>(std::max(1, InSyncReplicas(*options) - 1));
  if (options->enable_auto_in_sync_replicas && !acks.empty()) at = std::min(at, acks.size());
  if (options->all_ack_in_sync_state_set) at = std::max(at, acks.size());
  if (Planted(Bug::kAckOneReplicaShort)) at = std::max<size_t>(1, at - 1);
  store::ReplicaCount count{.in_sync = in_sync, .replicated = {}};
  if (acks.size() >= at) count.replicated = acks[at - 1];
  replicated_ = std::max(replicated_, count.replicated);
  parts_.store.replication().SetReplicas(count);
  if (drain_ != nullptr && least >= end) {
    std::exchange(drain_, nullptr)->done(Done{});
  }
  const MutexLock lock(mutex_);
  status_.in_sync_count = count.in_sync;
  status_.replicated = replicated_;
  // The rest of a replica's state waits for the tick.
  auto shown = status_.replicas.begin();
  for (const auto& session : sessions_) {
    if (shown == status_.replicas.end()) break;
    if (shown->connection != session->number) continue;
    shown->acked = session->acked;
    shown->sent = session->next;
    ++shown;
  }
}

void HaMaster::PublishReplicas() {
  const LogOffset end = parts_.store.watermarks().appended;
  const MonoTime now = parts_.env.clock().Monotonic();
  std::vector<HaReplica> replicas;
  for (const auto& session : sessions_) {
    if (!session->requested || session->closing) continue;
    HaReplica& replica = replicas.emplace_back();
    replica.connection = session->number;
    replica.address = session->connection->remote().ToString();
    replica.requested = session->request;
    replica.sent = session->next;
    replica.acked = session->acked;
    replica.lag_ms = session->acked >= end ? 0 : MillisOf(now - session->marked_at);
    replica.bytes_per_second = session->bytes_per_second;
    replica.in_sync = InSync(*session, end);
    replica.caught_up = session->caught_up;
  }
  const MutexLock lock(mutex_);
  status_.replicas = std::move(replicas);
}

void HaMaster::AwaitSlaves(Duration patience, Completion<Done> done) {
  parts_.loop.Post([this, patience, d = std::move(done)]() mutable {
    drain_ = std::make_unique<Drain>(Drain{parts_.env.clock().Monotonic() + patience, std::move(d)});
    Publish();
  });
}

void HaMaster::AddStatus(HaStatus& status) const {
  const MutexLock lock(mutex_);
  status = status_;
  status.master = true;
  status.log_end = parts_.store.watermarks().appended;
  for (HaReplica& replica : status.replicas) {
    replica.lag_bytes = std::max<int64_t>(0, status.log_end - replica.acked);
    if (replica.lag_bytes == 0) replica.lag_ms = 0;
  }
}

}  // namespace orbitmq::broker

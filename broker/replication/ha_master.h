// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>

#include "broker/broker_options.h"
#include "broker/replication/ha_frames.h"
#include "broker/replication/ha_status.h"
#include "common/env.h"
#include "common/mutex.h"
#include "common/pulse.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// The master's side of replication: slaves connect to haListenPort, say where they are, and get the log from
// there, as fast as they take it. What they acknowledge moves the store's `replicated`. Under SYNC_FLUSH only
// what is on this broker's disk leaves, unlike with Apache: else a loss of power would take records from here
// that consumers have read at a slave, and give their places to others.
//
// A slave whose offset lies below the log's begin gets the log from there; Apache's slave closes then (and
// would wait for ever otherwise), ours starts over. One that claims more than the log holds gets heartbeats
// only, whatever comes to lie there: its bytes are not this log's.
//
// Threads: its loop, where its connections live; Status from any. Invariant: an acknowledgement counts only
// up to what was sent on that connection, and never the first one, which is a request.
class HaMaster final {
 public:
  struct Parts {
    Env& env;
    Executor& loop;    // kIo.
    Executor& reader;  // May block: what is not in memory is read there.
    store::MessageStore& store;
    const LiveOptions& options;
  };
  explicit HaMaster(Parts parts);
  ~HaMaster();
  HaMaster(const HaMaster&) = delete;
  HaMaster& operator=(const HaMaster&) = delete;

  // Before anything comes in, from any thread. kAlreadyExists when the port is in use.
  Status Listen(const Endpoint& at);
  bool listening() const { return listener_ != nullptr; }
  const Endpoint& local() const { return listener_->local(); }
  // Serves slaves, until Stop; again after that. Before Start, and after Stop, who connects is sent away.
  // Threads: both the loop.
  void Start();
  void Stop();
  // The log grew.
  void Signal() { pulse_.Signal(); }
  // Calls `done` on the loop once every slave in sync has acknowledged the whole log, or after `patience`.
  void AwaitSlaves(Duration patience, Completion<Done> done);
  void AddStatus(HaStatus& status) const;

 private:
  struct Session;
  void Accept(std::unique_ptr<Connection> connection);
  size_t OnInput(Session& session, std::string_view input);
  void OnRequest(Session& session, LogOffset offset);
  void OnAck(Session& session, LogOffset offset);
  void Pump(Session& session);
  bool MayPump(const Session& session) const;
  // Slaves get what lies below.
  LogOffset ShippedEnd() const;
  // What is to be read for this slave.
  struct Piece {
    LogOffset at;
    LogOffset end;  // Of what may be shipped.
    size_t bytes = 0;
  };
  Piece Next(const Session& session) const;
  void ReadCold(Session& session, const Piece& piece);
  void Send(Session& session, const Piece& piece, const Bytes& read);
  void ExpectMore();
  void SendHeartbeat(Session& session);
  void Close(Session& session, std::string_view why);
  void Closed(Session* session, const Status& why);
  void Tick();
  void ArmTick();
  bool InSync(const Session& session, LogOffset end) const;
  // Tells the store how far enough slaves are.
  void Publish();
  // A slave joins those that allAckInSyncStateSet waits for once it has what the log held when it came and
  // all that was acknowledged, and leaves when it lags for haMaxTimeSlaveNotCatchup.
  void Join(Session& session);
  void LeaveIfSlow(Session& session, MonoTime now);
  // Tells everybody how each one is.
  void PublishReplicas();

  Parts parts_;
  std::unique_ptr<Listener> listener_;
  std::list<std::unique_ptr<Session>> sessions_;
  uint64_t next_session_ = 1;
  struct Drain {
    MonoTime until;
    Completion<Done> done;
  };
  std::unique_ptr<Drain> drain_;
  LogOffset replicated_;  // The last that the store was told.
  Timer tick_;
  bool ticking_ = false;
  bool serving_ = false;
  mutable Mutex mutex_;
  HaStatus status_ ORBITMQ_GUARDED_BY(mutex_);
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Pulse pulse_;
};

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "broker/broker_options.h"
#include "broker/ha_status.h"
#include "common/env.h"
#include "common/executor.h"
#include "store/message_store.h"

namespace orbitmq::broker {

class HaMaster;
class HaSlave;

// Replication of one broker: as a master it serves the log to slaves, as a slave it follows its master's.
// The seam for elections: whoever decides the role makes one of these per term, with other frames on the
// wire; the store (store/replicated_log.h) only sees watermarks, appends and cuts.
//
// Threads: Start once; the rest from any. It has two executors of its own: `bk-ha` with the connections, and
// `bk-ha-read`, which waits for the disk.
class HaService final {
 public:
  struct Parts {
    Env& env;
    const LiveOptions& options;
    store::MessageStore& store;
    // A slave's: its log was cut (on bk-ha).
    UniqueFunction<void()> on_cut{};
  };
  explicit HaService(Parts parts);
  ~HaService();
  HaService(const HaService&) = delete;
  HaService& operator=(const HaService&) = delete;

  // A master listens at once. `port` 0 = any free one. A port that is taken is an error only where slaves are
  // asked for: by haListenPort, or SYNC_MASTER; otherwise it is logged, and the master has no slaves.
  Status Start(const std::string& bind_address, uint16_t port);
  // 0 when nobody can connect.
  uint16_t port() const;
  // A slave's: where a NameServer says that the master's log is ("host:port"; empty = nowhere now).
  void SetMaster(std::string address);
  // Before the store closes: a slave takes none of its master's log; a master calls `done` once every slave
  // in step has the whole log, or after `patience`.
  void BeginStop(Duration patience, Completion<Done> done);
  HaStatus status() const;
  // Nothing runs afterwards. Before the store goes; this object goes after it.
  void Stop();

 private:
  Parts parts_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<Executor> reader_;
  std::unique_ptr<HaMaster> master_;  // One of the two.
  std::unique_ptr<HaSlave> slave_;
};

}  // namespace orbitmq::broker

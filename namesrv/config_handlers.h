// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/env.h"
#include "common/snapshot_cell.h"
#include "namesrv/kv_config.h"
#include "namesrv/namesrv_options.h"
#include "remoting/rpc_server.h"

namespace orbitmq::namesrv {

// The requests about the KV config and about the NameServer's own options.
//
// Threads: all handlers run on `disk`, which owns the writing side of both.
class ConfigHandlers final {
 public:
  ConfigHandlers(Env& env, Executor& disk, SnapshotCell<NamesrvOptions>& options, KvConfig& kv)
      : env_(env), disk_(disk), options_(options), kv_(kv) {}
  void AddTo(net::RpcServer& server);

 private:
  net::Response PutKv(const net::ServerRequest& request);
  net::Response GetKv(const net::ServerRequest& request) const;
  net::Response DeleteKv(const net::ServerRequest& request);
  net::Response ListKv(const net::ServerRequest& request) const;
  net::Response UpdateOptions(const net::ServerRequest& request);
  net::Response GetOptions(const net::ServerRequest& request) const;

  Env& env_;
  Executor& disk_;
  SnapshotCell<NamesrvOptions>& options_;
  KvConfig& kv_;
};

}  // namespace orbitmq::namesrv

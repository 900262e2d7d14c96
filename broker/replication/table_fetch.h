// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/endpoint.h"
#include "common/env.h"
#include "common/task.h"
#include "orbitmq/result.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {

// Fetches tables from another broker of this one's name: asks for the first, has it taken, asks for the next.
// The worker takes them, because a large table takes long to decode.
//
// Threads: everything on `loop`, but Table::take on `worker`.
// Invariants: (1) one fetch at a time; a new one stops the one before; (2) of a fetch that was stopped
// nothing more is asked and `ended` is not called, but a table that is being taken is taken to its end.
class TableFetch final {
 public:
  struct Parts {
    Executor& loop;  // Of the RpcClient.
    Executor& worker;
    net::RpcClient& rpc;
    Duration timeout{};  // Of each request.
  };
  struct Table {
    int32_t code = 0;         // Of the request that gets it; it has no fields.
    std::string_view name{};  // For logs.
    // Gets the reply whatever its code is. An error ends the fetch.
    UniqueFunction<Status(const proto::Command& reply)> take{};
  };
  // `status`: OK, or why `table` could not be had.
  using Ended = UniqueFunction<void(const Status& status, std::string_view table)>;

  explicit TableFetch(Parts parts) : parts_(parts) {}

  // `tables`: at least one.
  void Start(const Endpoint& from, std::vector<Table> tables, Ended ended);
  void Stop();

 private:
  using Tables = std::shared_ptr<std::vector<Table>>;  // The worker may need them longer than this object.
  void Ask(size_t index);
  void Take(size_t index, proto::Command reply);
  void Taken(size_t index, const Status& status);
  void End(size_t index, const Status& status);
  // `fn`, unless the fetch was stopped meanwhile.
  template <class F>
  auto WhileFetching(F fn);

  Parts parts_;
  Endpoint from_;
  Tables tables_;
  Ended ended_;
  uint64_t fetch_ = 0;  // Counts Start and Stop.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace orbitmq::broker

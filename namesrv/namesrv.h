// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/env.h"
#include "namesrv/namesrv_options.h"

namespace orbitmq::namesrv {

// A NameServer: knows which brokers live and which topics they serve, and tells clients. Stateless but for
// the KV config: restarted, it is complete again once the brokers have registered anew.
//
// Threads: Start and the destructor on any thread outside of its own executors; the rest from any. The
// destructor closes everything at once; Shutdown is the orderly way.
class Namesrv {
 public:
  // Listens and serves. kAlreadyExists names the port in use; kCorrupt or kIoError the KV config file.
  static Result<std::unique_ptr<Namesrv>> Start(Env& env, NamesrvOptions options);
  virtual ~Namesrv() = default;

  // The address in use (the port is known even if 0 was asked for).
  virtual const Endpoint& local() const = 0;
  // Sends pending replies and closes; `done` is called on an executor of this object, which may be destroyed
  // once that call returned.
  virtual void Shutdown(Completion<Done> done) = 0;
};

}  // namespace orbitmq::namesrv

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "broker/broker_identity.h"
#include "broker/broker_options.h"
#include "common/completion.h"
#include "common/env.h"

namespace orbitmq::broker {

// A broker: stores messages and serves producers, consumers and administrators.
//
// Threads: Start and the destructor on a thread outside of its own executors; the rest from any.
class Broker {
 public:
  // Takes the data directory, recovers, listens, begins to register. Errors: kAlreadyExists (port or data
  // directory in use), kInvalidArgument (which option), kIoError, kCorrupt (which file). Blocks for the time
  // that recovery takes.
  static Result<std::unique_ptr<Broker>> Start(Env& env, BrokerOptions options);
  // Closes everything at once, as a crash does; Shutdown first is the orderly way.
  virtual ~Broker() = default;

  // The address in use; the port is known even if 0 was asked for.
  virtual const Endpoint& local() const = 0;
  virtual const BrokerIdentity& identity() const = 0;
  // Apache's line, which scripts wait for: "The broker[name, ip:port] boot success. serializeType=JSON and
  // name server is ...".
  virtual std::string boot_line() const = 0;

  // Until each NameServer answered the first registration, or could not be reached, or `most` is over.
  // Blocks: not for a simulation.
  virtual void AwaitRegistration(Duration most) = 0;

  // Refuses sends, leaves the NameServers, answers waiting pulls, drains and syncs the log, writes offsets
  // and checkpoint, closes connections: in this order. `done` is called once on an executor of this object,
  // at about `deadline` at the latest (then with kTimeout); only after that the object may be destroyed.
  virtual void Shutdown(Duration deadline, Completion<Done> done) = 0;
};

}  // namespace orbitmq::broker

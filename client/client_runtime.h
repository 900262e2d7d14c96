// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/env.h"
#include "common/message_id.h"
#include "common/mutex.h"
#include "orbitmq/client_options.h"
#include "orbitmq/result.h"

namespace orbitmq::client {

class ClientInstance;
class ConsumePool;

enum class MemberKind : uint8_t { kProducer, kConsumer };

// A producer or consumer group; at most one of each in a client instance.
struct MemberKey {
  MemberKind kind = MemberKind::kProducer;
  std::string group;
  friend auto operator<=>(const MemberKey&, const MemberKey&) = default;
};

// What every producer and consumer of a process shares: the world (Env), one I/O loop, one callback thread,
// the ids and the table of client instances. The composition root of the SDK; the simulator and the tests
// make their own with the executors of their Env and run the same code.
//
// Threads: every method from any thread.
class ClientRuntime final : public std::enable_shared_from_this<ClientRuntime> {
 public:
  // `loop` is of kind kIo; all three outlive the runtime.
  ClientRuntime(Env& env, Executor& loop, Executor& callbacks);
  ~ClientRuntime();
  ClientRuntime(const ClientRuntime&) = delete;
  ClientRuntime& operator=(const ClientRuntime&) = delete;

  // The process's own one over the real Env: made for the first user, gone after the last.
  static std::shared_ptr<ClientRuntime> Process();

  Env& env() { return env_; }
  Executor& loop() { return loop_; }
  Executor& callbacks() { return callbacks_; }
  UniqueIdGenerator& ids() { return ids_; }
  // Whether a wait on this thread would wait for itself.
  bool OnSdkThread() const { return loop_.Current() || callbacks_.Current(); }

  // The instance that `options` name, with the member entered: made if there is none yet. kAlreadyExists: the
  // instance has that member. kInvalidArgument names the option.
  Result<std::shared_ptr<ClientInstance>> Join(const ClientOptions& options, const MemberKey& member);
  // Called by the instance when a member is gone; true when it was the last one and the instance is out of
  // the table, so that it must close.
  bool Leave(const std::string& client_id, const MemberKey& member);

  // Keeps a producer or consumer alive while it shuts down, whoever let go of it.
  void Keep(std::shared_ptr<void> member);
  void Release(const void* member);
  // The process is dead (the simulator killed it): nothing is kept any more.
  void Abandon();

  // Takes the threads of a consumer that is shut down; they end here or, while a listener still runs or when
  // the caller stands on one of them, as soon as somebody else comes by.
  void RetirePool(std::unique_ptr<ConsumePool> pool);
  // Ends the threads of retired pools that are at rest. Not on the loop.
  void ReapPools();
  // Whether everything could be ended by the caller without waiting for an application's code or for itself.
  bool CanEndHere();

 private:
  struct Entry {
    std::weak_ptr<ClientInstance> instance;  // Owned by its members.
    std::set<MemberKey> members;
  };
  std::string AutomaticName(uint64_t number) const;

  Env& env_;
  Executor& loop_;
  Executor& callbacks_;
  UniqueIdGenerator ids_;
  const int64_t name_base_;
  Mutex mutex_;
  std::map<std::string, Entry> instances_ ORBITMQ_GUARDED_BY(mutex_);
  std::map<const void*, std::shared_ptr<void>> kept_ ORBITMQ_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ConsumePool>> retired_pools_ ORBITMQ_GUARDED_BY(mutex_);
};

}  // namespace orbitmq::client

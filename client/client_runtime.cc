// SPDX-License-Identifier: Apache-2.0
#include "client/client_runtime.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "client/client_instance.h"
#include "client/consume_pool.h"
#include "common/strings.h"
#include "remoting/real_env.h"

namespace orbitmq::client {
namespace {

// The real world of the process's shared runtime.
struct ProcessWorld {
  std::unique_ptr<Env> env = net::NewRealEnv(NullLogger());
  std::unique_ptr<Executor> loop = env->NewExecutor({"orbitmq-loop", ExecutorKind::kIo});
  std::unique_ptr<Executor> callbacks = env->NewExecutor({"orbitmq-call", ExecutorKind::kCpu});
  std::unique_ptr<ClientRuntime> runtime = std::make_unique<ClientRuntime>(*env, *loop, *callbacks);

  ~ProcessWorld() {
    // In this order nothing runs that could touch what is gone.
    callbacks->Stop();
    loop->Stop();
    runtime.reset();
  }
};

struct ProcessSlot {
  Mutex mutex;
  std::weak_ptr<ClientRuntime> current ORBITMQ_GUARDED_BY(mutex);
  // Worlds whose last user went away on one of their own threads, which cannot end itself.
  std::vector<std::unique_ptr<ProcessWorld>> retired ORBITMQ_GUARDED_BY(mutex);
};

// Never destroyed: a client may outlive every static object.
ProcessSlot& Slot() {
  static auto* slot = new ProcessSlot();
  return *slot;
}

void Retire(ProcessWorld* world) {
  std::unique_ptr<ProcessWorld> owned(world);
  if (owned->runtime->CanEndHere()) return;
  ProcessSlot& slot = Slot();
  MutexLock lock(slot.mutex);
  slot.retired.push_back(std::move(owned));
}

std::string NamesrvAddresses(const ClientOptions& options) {
  if (!options.namesrv_addr.empty()) return options.namesrv_addr;
  const char* variable = std::getenv("NAMESRV_ADDR");
  return variable == nullptr ? "" : variable;
}

}  // namespace

ClientRuntime::ClientRuntime(Env& env, Executor& loop, Executor& callbacks)
    : env_(env),
      loop_(loop),
      callbacks_(callbacks),
      ids_({env.identity().ip, env.identity().pid}, env.NewRandom("message ids"), env.clock()),
      name_base_(env.clock().WallMillis() * 1000) {}

ClientRuntime::~ClientRuntime() = default;

std::shared_ptr<ClientRuntime> ClientRuntime::Process() {
  ProcessSlot& slot = Slot();
  std::vector<std::unique_ptr<ProcessWorld>> gone;
  std::shared_ptr<ClientRuntime> runtime;
  {
    MutexLock lock(slot.mutex);
    std::erase_if(slot.retired, [&gone](std::unique_ptr<ProcessWorld>& world) {
      if (!world->runtime->CanEndHere()) return false;
      gone.push_back(std::move(world));
      return true;
    });
    runtime = slot.current.lock();
    if (!runtime) {
      auto* world = new ProcessWorld();
      runtime =
          std::shared_ptr<ClientRuntime>(world->runtime.get(), [world](ClientRuntime*) { Retire(world); });
      slot.current = runtime;
    }
  }
  return runtime;
}

void ClientRuntime::Keep(std::shared_ptr<void> member) {
  MutexLock lock(mutex_);
  const void* key = member.get();
  kept_[key] = std::move(member);
}

void ClientRuntime::Release(const void* member) {
  std::shared_ptr<void> last;
  MutexLock lock(mutex_);
  const auto found = kept_.find(member);
  if (found == kept_.end()) return;
  last = std::move(found->second);
  kept_.erase(found);
}

void ClientRuntime::Abandon() {
  std::map<const void*, std::shared_ptr<void>> kept;
  MutexLock lock(mutex_);
  kept.swap(kept_);
}

void ClientRuntime::RetirePool(std::unique_ptr<ConsumePool> pool) {
  pool->StopStarting();
  MutexLock lock(mutex_);
  retired_pools_.push_back(std::move(pool));
}

void ClientRuntime::ReapPools() {
  std::vector<std::unique_ptr<ConsumePool>> ended;
  {
    MutexLock lock(mutex_);
    std::erase_if(retired_pools_, [&ended](std::unique_ptr<ConsumePool>& pool) {
      if (pool->busy() || pool->Current()) return false;
      ended.push_back(std::move(pool));
      return true;
    });
  }
  // Their threads are joined here, outside the lock.
}

bool ClientRuntime::CanEndHere() {
  MutexLock lock(mutex_);
  return !OnSdkThread() && std::none_of(retired_pools_.begin(), retired_pools_.end(),
                                        [](const auto& pool) { return pool->busy() || pool->Current(); });
}

std::string ClientRuntime::AutomaticName(uint64_t number) const {
  return StrCat(env_.identity().pid, "#", name_base_ + static_cast<int64_t>(number));
}

Result<std::shared_ptr<ClientInstance>> ClientRuntime::Join(const ClientOptions& options,
                                                            const MemberKey& member) {
  InstanceSettings settings;
  settings.options = options;
  settings.namesrv_addr = NamesrvAddresses(options);
  const Status valid = settings.Prepare();
  if (!valid.ok()) return valid;
  const bool automatic = options.instance_name == "DEFAULT";
  const std::string ip = options.client_ip.empty() ? env_.identity().ip : options.client_ip;
  MutexLock lock(mutex_);
  for (uint64_t number = 0;; ++number) {
    const std::string name = automatic ? AutomaticName(number) : options.instance_name;
    const std::string unit = options.unit_name.empty() ? "" : StrCat("@", options.unit_name);
    settings.client_id = StrCat(ip, "@", name, unit);
    Entry& entry = instances_[settings.client_id];
    std::shared_ptr<ClientInstance> instance = entry.instance.lock();
    if (!instance) entry.members.clear();
    const bool taken = entry.members.contains(member);
    const bool other_cluster = instance && instance->namesrv_addr() != settings.namesrv_addr;
    if (automatic && (taken || other_cluster)) continue;
    if (taken) {
      return Status(StatusCode::kAlreadyExists,
                    StrCat("group '", member.group, "' is started already under client id '",
                           settings.client_id, "'; give the second one its own instance_name"));
    }
    if (!instance) {
      instance = std::make_shared<ClientInstance>(shared_from_this(), std::move(settings));
      entry.instance = instance;
      instance->Open();
    }
    entry.members.insert(member);
    return instance;
  }
}

bool ClientRuntime::Leave(const std::string& client_id, const MemberKey& member) {
  MutexLock lock(mutex_);
  const auto found = instances_.find(client_id);
  if (found == instances_.end()) return false;
  found->second.members.erase(member);
  if (!found->second.members.empty()) return false;
  instances_.erase(found);
  return true;
}

}  // namespace orbitmq::client

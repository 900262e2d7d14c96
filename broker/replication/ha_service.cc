// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/ha_service.h"

#include <utility>

#include "broker/replication/ha_master.h"
#include "broker/replication/ha_slave.h"
#include "common/strings.h"

namespace orbitmq::broker {

HaService::HaService(Parts parts)
    : parts_(std::move(parts)),
      loop_(parts_.env.NewExecutor({"bk-ha", ExecutorKind::kIo})),
      reader_(parts_.env.NewExecutor({"bk-ha-read", ExecutorKind::kMayBlock})),
      master_(std::make_unique<HaMaster>(
          HaMaster::Parts{parts_.env, *loop_, *reader_, parts_.store, parts_.options})),
      slave_(std::make_unique<HaSlave>(HaSlave::Parts{parts_.env, *loop_, *reader_, parts_.store,
                                                      parts_.options, std::move(parts_.on_cut)})),
      role_(parts_.store.replication().role()) {}

HaService::~HaService() {
  loop_->Stop();
  reader_->Stop();
}

Status HaService::Start(const std::string& bind_address, uint16_t port) {
  const auto options = parts_.options.Get();
  if (Status s = master_->Listen({bind_address, port}); !s.ok()) {
    if (options->ha_listen_port > 0 || options->broker_role == BrokerRole::kSyncMaster) return s;
    parts_.env.log().Warn("slaves cannot connect: the port after listenPort is in use; set haListenPort",
                          {{"port", static_cast<int>(port)}, {"status", s.ToString()}});
  }
  parts_.store.replication().OnProgress([this] { leads() ? master_->Signal() : slave_->Signal(); });
  loop_->Post([this] { Begin(); });
  return {};
}

void HaService::Begin() { leads() ? master_->Start() : slave_->Start(); }

uint16_t HaService::port() const { return master_->listening() ? master_->local().port : uint16_t{0}; }

void HaService::SetMaster(std::string address) {
  loop_->Post([this, a = std::move(address)] { slave_->SetMaster(a); });
}

void HaService::OnMasterLost(UniqueFunction<void()> lost) {
  loop_->Post([this, l = std::move(lost)]() mutable { slave_->OnLost(std::move(l)); });
}

void HaService::AskMaster(Duration patience, UniqueFunction<void(MasterAnswer)> done) {
  loop_->Post([this, patience, d = std::move(done)]() mutable {
    if (leads()) return d(MasterAnswer::kSilent);
    slave_->AskMaster(patience, std::move(d));
  });
}

void HaService::ChangeRole(store::LogRole role, Duration patience, Completion<Done> done) {
  loop_->Post([this, role, patience, d = std::move(done)]() mutable {
    if (role == role_) return d(Done{});
    if (role == store::LogRole::kLeader) {
      slave_->Stop();
      return ChangeStore(role, std::move(d));
    }
    master_->AwaitSlaves(patience, [this, role, d = std::move(d)](const Result<Done>& waited) mutable {
      if (waited.ok()) ChangeStore(role, std::move(d));  // Not when this object goes meanwhile.
    });
  });
}

void HaService::ChangeStore(store::LogRole role, Completion<Done> done) {
  parts_.store.replication().ChangeRole(
      role, [this, role, d = std::move(done)](Result<Done> changed) mutable {
        loop_->Post([this, role, d = std::move(d), changed = std::move(changed)]() mutable {
          if (changed.ok() && role == store::LogRole::kFollower) master_->Stop();
          if (changed.ok()) role_ = role;
          if (changed.ok() || role == store::LogRole::kLeader) Begin();
          d(std::move(changed));
        });
      });
}

void HaService::BeginStop(Duration patience, Completion<Done> done) {
  loop_->Post([this, patience, d = std::move(done)]() mutable {
    if (leads()) return master_->AwaitSlaves(patience, std::move(d));
    slave_->Stop();
    d(Done{});
  });
}

HaStatus HaService::status() const {
  HaStatus status;
  leads() ? master_->AddStatus(status) : slave_->AddStatus(status);
  return status;
}

void HaService::Stop() {
  parts_.store.replication().OnProgress({});
  loop_->Stop();
  reader_->Stop();
}

}  // namespace orbitmq::broker

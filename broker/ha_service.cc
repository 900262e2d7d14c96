// SPDX-License-Identifier: Apache-2.0
#include "broker/ha_service.h"

#include <utility>

#include "broker/ha_master.h"
#include "broker/ha_slave.h"
#include "common/strings.h"

namespace orbitmq::broker {

HaService::HaService(Parts parts)
    : parts_(std::move(parts)),
      loop_(parts_.env.NewExecutor({"bk-ha", ExecutorKind::kIo})),
      reader_(parts_.env.NewExecutor({"bk-ha-read", ExecutorKind::kMayBlock})) {}

HaService::~HaService() {
  loop_->Stop();
  reader_->Stop();
}

Status HaService::Start(const std::string& bind_address, uint16_t port) {
  const auto options = parts_.options.Get();
  if (options->broker_role == BrokerRole::kSlave) {
    slave_ = std::make_unique<HaSlave>(HaSlave::Parts{parts_.env, *loop_, *reader_, parts_.store,
                                                      parts_.options, std::move(parts_.on_cut)});
    parts_.store.replication().OnProgress([this] { slave_->Signal(); });
    loop_->Post([this] { slave_->Start(); });
    return {};
  }
  master_ = std::make_unique<HaMaster>(
      HaMaster::Parts{parts_.env, *loop_, *reader_, parts_.store, parts_.options});
  if (Status s = master_->Listen({bind_address, port}); !s.ok()) {
    if (options->ha_listen_port > 0 || options->broker_role == BrokerRole::kSyncMaster) return s;
    parts_.env.log().Warn("slaves cannot connect: the port after listenPort is in use; set haListenPort",
                          {{"port", static_cast<int>(port)}, {"status", s.ToString()}});
  }
  parts_.store.replication().OnProgress([this] { master_->Signal(); });
  loop_->Post([this] { master_->Start(); });
  return {};
}

uint16_t HaService::port() const {
  return master_ != nullptr && master_->listening() ? master_->local().port : uint16_t{0};
}

void HaService::SetMaster(std::string address) {
  if (slave_ == nullptr) return;
  loop_->Post([this, a = std::move(address)] { slave_->SetMaster(a); });
}

void HaService::BeginStop(Duration patience, Completion<Done> done) {
  if (slave_ != nullptr) {
    loop_->Post([this, d = std::move(done)]() mutable {
      slave_->Stop();
      d(Done{});
    });
    return;
  }
  master_->AwaitSlaves(patience, std::move(done));
}

HaStatus HaService::status() const {
  HaStatus status;
  if (master_ != nullptr) master_->AddStatus(status);
  if (slave_ != nullptr) slave_->AddStatus(status);
  return status;
}

void HaService::Stop() {
  parts_.store.replication().OnProgress({});
  loop_->Stop();
  reader_->Stop();
}

}  // namespace orbitmq::broker

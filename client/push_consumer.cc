// SPDX-License-Identifier: Apache-2.0
#include "orbitmq/push_consumer.h"

#include <utility>

#include "client/blocking_wait.h"
#include "client/push_consumer_core.h"

namespace orbitmq {

Result<PushConsumer> PushConsumer::Start(PushConsumerOptions options, MessageListener listener) {
  auto core = client::PushConsumerCore::Start(client::ClientRuntime::Process(), std::move(options),
                                              std::move(listener));
  if (!core.ok()) return core.status();
  return PushConsumer(*std::move(core));
}

PushConsumer::PushConsumer(std::shared_ptr<client::PushConsumerCore> core) : core_(std::move(core)) {}
PushConsumer::PushConsumer(PushConsumer&&) noexcept = default;

PushConsumer& PushConsumer::operator=(PushConsumer&& other) noexcept {
  if (this != &other) {
    if (core_) (void)Shutdown(core_->options().shutdown_drain);
    core_ = std::move(other.core_);
  }
  return *this;
}

PushConsumer::~PushConsumer() {
  if (core_) (void)Shutdown(core_->options().shutdown_drain);
}

Status PushConsumer::Subscribe(Subscription subscription) { return core_->Subscribe(subscription); }
Status PushConsumer::Unsubscribe(const std::string& topic) { return core_->Unsubscribe(topic); }
void PushConsumer::Suspend() { core_->Suspend(); }
void PushConsumer::Resume() { core_->Resume(); }
std::vector<MessageQueue> PushConsumer::Assignment() const { return core_->Assignment(); }
const std::string& PushConsumer::client_id() const { return core_->client_id(); }

Status PushConsumer::Shutdown(Millis drain) {
  if (core_->runtime().OnSdkThread() || core_->OnListenerThread()) {
    core_->Shutdown(drain, [](Result<Done>) {});
    return {};
  }
  client::BlockingWait<Done> wait;
  core_->Shutdown(drain, wait.done());
  const Status status = wait.Wait().status();
  core_->runtime().ReapPools();
  return status;
}

}  // namespace orbitmq

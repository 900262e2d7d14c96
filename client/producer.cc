// SPDX-License-Identifier: Apache-2.0
#include "orbitmq/producer.h"

#include <utility>

#include "client/blocking_wait.h"
#include "client/producer_core.h"

namespace orbitmq {
namespace {

Status WouldWaitForItself() {
  return Status(StatusCode::kFailedPrecondition,
                "a blocking call on the SDK's own callback thread would wait for itself; use SendAsync there")
      .WithPersisted(Persisted::kNo);
}

}  // namespace

Result<Producer> Producer::Start(ProducerOptions options) {
  auto core = client::ProducerCore::Start(client::ClientRuntime::Process(), std::move(options));
  if (!core.ok()) return core.status();
  return Producer(*std::move(core));
}

Producer::Producer(std::shared_ptr<client::ProducerCore> core) : core_(std::move(core)) {}
Producer::Producer(Producer&&) noexcept = default;

Producer& Producer::operator=(Producer&& other) noexcept {
  if (this != &other) {
    if (core_) (void)Shutdown(core_->options().shutdown_drain);
    core_ = std::move(other.core_);
  }
  return *this;
}

Producer::~Producer() {
  if (core_) (void)Shutdown(core_->options().shutdown_drain);
}

Result<SendResult> Producer::Send(Message message, SendOptions options) {
  if (core_->runtime().OnSdkThread()) return WouldWaitForItself();
  client::BlockingWait<SendResult> wait;
  core_->Send(std::move(message), std::move(options), wait.done());
  return wait.Wait();
}

void Producer::SendAsync(Message message, SendOptions options, SendCallback callback) {
  core_->SendAsync(std::move(message), std::move(options), std::move(callback));
}

Status Producer::SendOneway(Message message, SendOptions options) {
  return core_->SendOneway(std::move(message), std::move(options));
}

Result<SendResult> Producer::SendBatch(std::vector<Message> messages, SendOptions options) {
  if (core_->runtime().OnSdkThread()) return WouldWaitForItself();
  client::BlockingWait<SendResult> wait;
  core_->SendBatch(std::move(messages), std::move(options), wait.done());
  return wait.Wait();
}

void Producer::SendBatchAsync(std::vector<Message> messages, SendOptions options, SendCallback callback) {
  core_->SendBatchAsync(std::move(messages), std::move(options), std::move(callback));
}

Result<std::vector<MessageQueue>> Producer::PublishQueues(const std::string& topic) {
  if (core_->runtime().OnSdkThread()) return WouldWaitForItself();
  client::BlockingWait<std::vector<MessageQueue>> wait;
  core_->PublishQueues(topic, wait.done());
  return wait.Wait();
}

Status Producer::Shutdown(Millis drain) {
  if (core_->runtime().OnSdkThread()) {
    core_->Shutdown(drain, [](Result<Done>) {});
    return {};
  }
  client::BlockingWait<Done> wait;
  core_->Shutdown(drain, wait.done());
  return wait.Wait().status();
}

const std::string& Producer::client_id() const { return core_->client_id(); }

}  // namespace orbitmq

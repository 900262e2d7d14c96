// SPDX-License-Identifier: Apache-2.0
#include "remoting/connection_router.h"

#include <utility>

namespace orbitmq::net {
namespace {

class ConnectionRouter final : public Connection, public ConnectionEvents {
 public:
  explicit ConnectionRouter(std::unique_ptr<Connection> raw) : raw_(std::move(raw)) {}
  ~ConnectionRouter() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  void Start(ConnectionEvents* events) override {
    if (std::exchange(events_, events) == nullptr) raw_->Start(this);
  }
  void Write(BytesChain pieces) override { raw_->Write(std::move(pieces)); }
  size_t PendingBytes() const override { return raw_->PendingBytes(); }
  void PauseReading() override { raw_->PauseReading(); }
  void ResumeReading() override { raw_->ResumeReading(); }
  void CloseAfterFlush() override { raw_->CloseAfterFlush(); }
  const Endpoint& local() const override { return raw_->local(); }
  const Endpoint& remote() const override { return raw_->remote(); }
  Executor& executor() const override { return raw_->executor(); }

  size_t OnInput(std::string_view input) override {
    bool destroyed = false;
    destroyed_ = &destroyed;
    for (;;) {
      ConnectionEvents* const target = events_;
      const size_t consumed = target->OnInput(input);
      if (destroyed) return consumed;
      if (events_ == target) {
        destroyed_ = nullptr;
        return consumed;
      }
      ORBITMQ_CHECK(consumed == 0, "input was consumed before the redirection");
    }
  }
  void OnDrained() override { events_->OnDrained(); }
  void OnClosed(const Status& why) override { events_->OnClosed(why); }

 private:
  std::unique_ptr<Connection> raw_;
  ConnectionEvents* events_ = nullptr;
  bool* destroyed_ = nullptr;
};

}  // namespace

std::unique_ptr<Connection> NewConnectionRouter(std::unique_ptr<Connection> raw) {
  return std::make_unique<ConnectionRouter>(std::move(raw));
}

}  // namespace orbitmq::net

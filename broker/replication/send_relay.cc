// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/send_relay.h"

#include <utility>

#include "broker/replication/standby_rules.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

void SendRelay::Handle(net::ServerRequest request) {
  request.Retain();
  auto job = std::make_shared<Job>(Job{std::move(request), parts_.env.clock().Monotonic() + kPatience, {}});
  parts_.loop.Post([this, alive = std::weak_ptr<bool>(alive_), job = std::move(job)] {
    if (!alive.expired()) Try(job);
  });
}

void SendRelay::Try(const Ref& job) {
  const std::string master = parts_.replicas.Get()->master;
  const auto at = ParseEndpoint(master);
  if (!at.ok() || master == parts_.identity.address) {
    parts_.replicas.AskSoon();
    return TryAgain(job);
  }
  const Duration left = job->deadline - parts_.env.clock().Monotonic();
  proto::Command command = proto::ToOwned(job->request.command());
  if (command.oneway()) {
    (void)parts_.rpc.Oneway(*at, std::move(command));
    return job->request.Abandon();
  }
  command.flag = 0;
  parts_.rpc.Call(*at, std::move(command), left,
                  [this, job, alive = std::weak_ptr<bool>(alive_)](Result<proto::Command> reply) {
                    if (!alive.expired()) Answered(job, std::move(reply));
                  });
}

void SendRelay::Answered(const Ref& job, Result<proto::Command> reply) {
  if (!reply.ok()) {
    const StatusCode code = reply.status().code();
    const bool never_left = code == StatusCode::kUnavailable || code == StatusCode::kTimeout;
    if (never_left) return TryAgain(job);
    return ReplyError(job->request, ResponseCode::kSystemError,
                      StrCat("handed on to the new master, which did not answer: ", reply.status().text()));
  }
  // It does not lead yet.
  if (reply->code == ResponseCode::kSystemBusy && reply->remark == kRejectedBySlave) return TryAgain(job);
  job->request.Reply({reply->code, std::move(reply->remark), std::move(reply->ext), std::move(reply->body)});
}

void SendRelay::TryAgain(const Ref& job) {
  const MonoTime now = parts_.env.clock().Monotonic();
  if (now + kTryEvery >= job->deadline) {
    return ReplyError(job->request, ResponseCode::kSystemBusy, std::string(kRejectedBySlave));
  }
  job->timer = parts_.loop.PostAt(now + kTryEvery, [this, job] { Try(job); });
}

}  // namespace orbitmq::broker

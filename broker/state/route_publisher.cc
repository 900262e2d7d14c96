// SPDX-License-Identifier: Apache-2.0
#include "broker/state/route_publisher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/crc32.h"
#include "common/planted_bug.h"
#include "common/strings.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/register_broker.h"

namespace orbitmq::broker {
namespace {

// How long a NameServer that went away is left alone: at first, and at most. With the wait of the RpcClient a
// restarted one is complete again within about two seconds.
constexpr Duration kRetryMin = std::chrono::milliseconds(100);
constexpr Duration kRetryMax = std::chrono::seconds(1);

// Nothing was answered, so the NameServer may be starting.
bool NotReached(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kUnknown;
}

}  // namespace

RoutePublisher::RoutePublisher(Parts parts)
    : parts_(std::move(parts)), pulse_(parts_.loop, [this] {
        RegisterAll();
        return Progress::kIdle;
      }) {
  for (const Endpoint& at : parts_.nameservers) targets_.emplace_back().at = at;
  parts_.rpc.OnConnectionClosed([this, alive = std::weak_ptr<bool>(alive_)](const Endpoint& at) {
    if (!alive.expired()) ConnectionClosed(at);
  });
}

void RoutePublisher::Start(Completion<Done> first) {
  started_ = true;
  if (!Await(std::move(first))) return;
  Tick();
  if (parts_.options.Get()->enable_slave_acting_master) Heartbeat();
}

void RoutePublisher::Tick() {
  if (leaving_) return;
  for (Target& target : targets_) {
    if (target.registered && !target.failed_before) target.retry_after = Duration(0);
  }
  RegisterAll();
  const Duration period = parts_.options.Get()->register_name_server_period;
  tick_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + period, [this] { Tick(); });
}

void RoutePublisher::Publish(Completion<Done> done) {
  if (leaving_) return;
  if (!started_) return Start(std::move(done));
  if (Await(std::move(done))) RegisterAll();
}

// False when there is nobody to wait for.
bool RoutePublisher::Await(Completion<Done> done) {
  if (targets_.empty()) {
    if (done) done(Done{});
    return false;
  }
  const auto round = std::make_shared<Round>(Round{targets_.size(), std::move(done)});
  for (Target& target : targets_) target.asked.push_back(round);
  return true;
}

void RoutePublisher::Heartbeat() {
  if (leaving_) return;
  const auto options = parts_.options.Get();
  proto::BrokerHeartbeatRequestHeader header;
  header.cluster_name = parts_.identity.cluster;
  header.broker_addr = parts_.identity.address;
  header.broker_name = parts_.identity.name;
  header.broker_id = options->broker_id;
  header.heartbeat_timeout_mills = options->broker_not_active_timeout.count();
  for (const Target& target : targets_) {
    if (!target.registered) continue;
    const Status sent =
        parts_.rpc.Oneway(target.at, proto::MakeRequest(proto::RequestCode::kBrokerHeartbeat, header));
    if (!sent.ok()) parts_.env.log().Debug("heartbeat not sent", {{"error", sent.ToString()}});
  }
  heartbeat_ = parts_.loop.PostAt(parts_.env.clock().Monotonic() + options->broker_heartbeat_interval,
                                  [this] { Heartbeat(); });
}

void RoutePublisher::RegisterAll() {
  if (leaving_) return;
  for (size_t i = 0; i < targets_.size(); ++i) Register(i);
}

proto::Command RoutePublisher::MakeRegistration() const {
  // The table first: a permission that is older than the version would never be corrected.
  auto all = parts_.topics.All();
  const auto options = parts_.options.Get();
  proto::RegisterBrokerBody body;
  auto& wrapper = body.topic_config_serialize_wrapper;
  wrapper.data_version = all.data_version;
  wrapper.topic_config_table = std::move(all.topic_config_table);
  if ((options->broker_permission & perm::kReadWrite) != perm::kReadWrite) {
    for (auto& [name, topic] : wrapper.topic_config_table) topic.perm &= options->broker_permission;
  }
  std::string json = proto::EncodeBody(body);
  proto::RegisterBrokerRequestHeader header;
  header.broker_name = parts_.identity.name;
  header.broker_addr = parts_.identity.address;
  header.cluster_name = parts_.identity.cluster;
  header.ha_server_addr = parts_.identity.ha_address;
  header.broker_id = options->broker_id;
  header.enable_acting_master = options->enable_slave_acting_master;
  if (options->enable_slave_acting_master) {
    header.heartbeat_timeout_millis = options->broker_not_active_timeout.count();
  }
  header.body_crc32 = static_cast<int32_t>(BodyCrc(json));
  proto::Command command = proto::MakeRequest(proto::RequestCode::kRegisterBroker, header);
  command.body.emplace_back(std::move(json));
  return command;
}

void RoutePublisher::Register(size_t index) {
  if (!started_) return;  // Nobody is to find this broker yet, whatever changes.
  Target& target = targets_[index];
  if (target.in_flight) {
    target.again = true;
    return;
  }
  if (Planted(Bug::kStaleRoute) && target.registered) return;
  target.in_flight = true;
  target.again = false;
  target.under_way = std::move(target.asked);
  target.asked.clear();
  if (!parts_.look_first) return Send(index);
  parts_.look_first(target.at, [this, index, alive = std::weak_ptr<bool>(alive_)](const Result<Done>& may) {
    if (!alive.expired()) MayRegister(index, may);
  });
}

void RoutePublisher::MayRegister(size_t index, const Result<Done>& may) {
  if (may.ok() && !leaving_) return Send(index);
  if (may.ok() || may.status().code() == StatusCode::kFailedPrecondition) {
    targets_[index].registered = false;
    return RegistrationEnded(index);
  }
  Registered(index, may.status());
}

void RoutePublisher::Send(size_t index) {
  const Target& target = targets_[index];
  parts_.rpc.Call(target.at, MakeRegistration(), parts_.options.Get()->register_broker_timeout,
                  [this, index, alive = std::weak_ptr<bool>(alive_)](Result<proto::Command> reply) {
                    if (!alive.expired()) Registered(index, std::move(reply));
                  });
}

void RoutePublisher::Registered(size_t index, Result<proto::Command> reply) {
  Target& target = targets_[index];
  Status status = reply.ok() ? proto::StatusFromResponse(reply->code, reply->remark) : reply.status();
  if (status.ok()) {
    if (!target.registered || target.failed_before) {
      parts_.env.log().Info("registered with a NameServer", {{"nameserver", target.at.ToString()}});
    }
    target.registered = true;
    target.failed_before = false;
    TellMaster(*reply);
  } else if (!target.failed_before && !leaving_) {
    target.failed_before = true;
    parts_.env.log().Warn("registration with a NameServer failed; will go on trying",
                          {{"nameserver", target.at.ToString()}, {"error", status.ToString()}});
  }
  if (!status.ok() && NotReached(status)) RetrySoon(index);
  RegistrationEnded(index);
}

void RoutePublisher::RegistrationEnded(size_t index) {
  Target& target = targets_[index];
  target.in_flight = false;
  const auto ended = std::move(target.under_way);
  target.under_way.clear();
  if (target.again && !leaving_) Register(index);
  for (const auto& round : ended) {
    if (--round->left == 0 && round->done) round->done(Done{});
  }
}

void RoutePublisher::TellMaster(const proto::Command& reply) {
  if (!parts_.on_master) return;
  const auto header = proto::DecodeHeader<proto::RegisterBrokerResponseHeader>(reply);
  if (header.ok()) parts_.on_master({.remoting = header->master_addr, .ha = header->ha_server_addr});
}

void RoutePublisher::RetrySoon(size_t index) {
  Target& target = targets_[index];
  if (leaving_ || target.retry_due) return;
  target.retry_due = true;
  // Reset by the next period only: whoever closes every connection gets one a second, no more.
  target.retry_after = std::clamp<Duration>(target.retry_after * 2, kRetryMin, kRetryMax);
  target.retry = parts_.loop.PostAt(parts_.env.clock().Monotonic() + target.retry_after, [this, index] {
    targets_[index].retry_due = false;
    if (!leaving_) Register(index);
  });
}

void RoutePublisher::ConnectionClosed(const Endpoint& at) {
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].at == at) RetrySoon(i);
  }
}

namespace {

// Calls `done` once: when the last of `left` answers came or the time is over.
struct Leaving {
  size_t left = 0;
  Completion<Done> done;
  Timer timer;
  void Finish() {
    if (done) done(Done{});
  }
};

}  // namespace

void RoutePublisher::Leave(Duration timeout, Completion<Done> done) {
  leaving_ = true;
  tick_.Cancel();
  heartbeat_.Cancel();
  for (Target& target : targets_) target.retry.Cancel();
  auto state = std::make_shared<Leaving>();
  state->left = targets_.size();
  state->done = std::move(done);
  if (targets_.empty()) return state->Finish();
  proto::UnRegisterBrokerRequestHeader header;
  header.broker_name = parts_.identity.name;
  header.broker_addr = parts_.identity.address;
  header.cluster_name = parts_.identity.cluster;
  header.broker_id = parts_.options.Get()->broker_id;
  state->timer = parts_.loop.PostAt(parts_.env.clock().Monotonic() + timeout, [state] { state->Finish(); });
  for (const Target& target : targets_) {
    proto::Command command = proto::MakeRequest(proto::RequestCode::kUnregisterBroker, header);
    parts_.rpc.Call(target.at, std::move(command), timeout, [state](Result<proto::Command>) {
      if (--state->left == 0) state->Finish();
    });
  }
}

}  // namespace orbitmq::broker

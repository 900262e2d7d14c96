// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/escape_route.h"

#include <utility>

#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/stubs/broker_stub.h"
#include "remoting/stubs/namesrv_stub.h"

namespace orbitmq::broker {

void EscapeRoute::Append(store::AppendRequest request) {
  if (!parts_.options.Get()->enable_remote_escape) {
    return request.done(
        Status(StatusCode::kFailedPrecondition,
               "the master is away and enableRemoteEscape is false: its messages wait for its return"));
  }
  parts_.loop.Post([this, alive = std::weak_ptr<bool>(alive_), request = std::move(request)]() mutable {
    if (!alive.expired()) Send(std::move(request));
  });
}

void EscapeRoute::Send(store::AppendRequest request) {
  const auto known = routes_.find(request.queue.topic);
  if (known == routes_.end() || parts_.env.clock().Monotonic() - known->second.asked > kRouteAge) {
    return FindRoute(parts_.nameservers.size(), std::move(request));
  }
  const std::vector<Target>& targets = known->second.targets;
  if (targets.empty()) {
    return request.done(Status(StatusCode::kUnavailable,
                               StrCat("no other broker with a master has topic ", request.queue.topic)));
  }
  SendTo(targets[turn_++ % targets.size()], std::move(request));
}

std::vector<EscapeRoute::Target> EscapeRoute::TargetsOf(const proto::TopicRouteData& data) const {
  std::vector<Target> targets;
  for (const proto::QueueData& queues : data.queue_datas) {
    if (queues.broker_name == parts_.identity.name || !perm::Writable(queues.perm)) continue;
    if (queues.write_queue_nums <= 0) continue;
    for (const proto::BrokerData& broker : data.broker_datas) {
      if (broker.broker_name != queues.broker_name) continue;
      const auto master = broker.broker_addrs.find(kMasterId);
      if (master == broker.broker_addrs.end()) continue;
      if (auto at = ParseEndpoint(master->second); at.ok()) {
        targets.push_back({*std::move(at), broker.broker_name, queues.write_queue_nums});
      }
    }
  }
  return targets;
}

void EscapeRoute::FindRoute(size_t tries_left, store::AppendRequest request) {
  if (tries_left == 0) {
    return request.done(
        Status(StatusCode::kUnavailable, StrCat("no NameServer tells who has topic ", request.queue.topic)));
  }
  const Endpoint& at = parts_.nameservers[next_nameserver_ % parts_.nameservers.size()];
  const std::string topic = request.queue.topic;
  net::NamesrvStub(parts_.rpc)
      .GetRoute(at, topic, kTimeout,
                [this, tries_left, topic, alive = std::weak_ptr<bool>(alive_),
                 request = std::move(request)](Result<proto::TopicRouteData> data) mutable {
                  if (alive.expired()) return;
                  const bool unknown = data.status().code() == StatusCode::kNotFound;
                  if (!data.ok() && !unknown) {
                    ++next_nameserver_;
                    return FindRoute(tries_left - 1, std::move(request));
                  }
                  if (routes_.size() >= kRoutesMax) routes_.clear();
                  routes_[topic] = {parts_.env.clock().Monotonic(),
                                    data.ok() ? TargetsOf(*data) : std::vector<Target>{}};
                  Send(std::move(request));
                });
}

void EscapeRoute::SendTo(const Target& target, store::AppendRequest request) {
  const auto message = DecodeMessage(request.draft.bytes, BodyCheck::kTrust);
  if (!message.ok()) return request.done(message.status().Annotate("a message for another broker"));
  proto::SendMessageRequestHeader header;
  header.producer_group =
      StrCat("InnerProducerGroup_", parts_.identity.name, "_", parts_.options.Get()->broker_id);
  if (const auto group = FindProperty(message->properties, property::kProducerGroup)) {
    header.producer_group = *group;
  }
  header.topic = std::string(message->topic);
  header.default_topic = "TBW102";
  header.default_topic_queue_nums = target.queues;
  header.queue_id = static_cast<int32_t>(turn_ % static_cast<uint64_t>(target.queues));
  header.sys_flag = message->sys_flag;
  header.born_timestamp = ToEpochMillis(message->born_time);
  header.flag = message->flag;
  header.reconsume_times = message->reconsume_times;
  // The other broker would delay it once more.
  std::string properties(message->properties);
  for (const std::string_view name :
       {property::kDelayTimeLevel, property::kRealTopic, property::kRealQueueId, property::kCrc32}) {
    RemoveProperty(properties, name);
  }
  header.properties = std::move(properties);
  BytesChain body;
  body.emplace_back(std::string(message->body));
  net::BrokerStub(parts_.rpc)
      .Send(target.at, header, net::SendKind::kSingle, std::move(body), kTimeout,
            [done = std::move(request.done)](Result<net::SendReply> reply) mutable {
              if (!reply.ok()) return done(reply.status());
              done(store::AppendReceipt{});
            });
}

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#include "namesrv/route_table.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace orbitmq::namesrv {
namespace {

bool SameVersion(const proto::DataVersion& a, const proto::DataVersion& b) {
  return a.state_version == b.state_version && a.timestamp == b.timestamp && a.counter == b.counter;
}

proto::QueueData ToQueueData(const std::string& broker_name, const proto::TopicConfig& topic) {
  proto::QueueData queue;
  queue.broker_name = broker_name;
  queue.read_queue_nums = topic.read_queue_nums;
  queue.write_queue_nums = topic.write_queue_nums;
  queue.perm = topic.perm;
  queue.topic_sys_flag = topic.topic_sys_flag;
  return queue;
}

bool SameQueues(const proto::QueueData& a, const proto::QueueData& b) {
  return a.perm == b.perm && a.read_queue_nums == b.read_queue_nums &&
         a.write_queue_nums == b.write_queue_nums && a.topic_sys_flag == b.topic_sys_flag;
}

}  // namespace

RouteTable::RouteTable(Options options) : options_(options) {}

TopicShard& RouteTable::MutableShard(std::string_view topic) {
  const size_t shard = TopicShardOf(topic);
  shard_dirty_[shard] = true;
  return shards_[shard];
}

GroupTable& RouteTable::MutableGroups() {
  groups_dirty_ = true;
  return groups_;
}

bool RouteTable::HoldsNewerState(const BrokerGroup& group, const BrokerReport& report) const {
  const auto holder = group.addrs.find(report.broker_id);
  if (holder == group.addrs.end() || holder->second == report.broker_addr) return false;
  const auto live = live_.find({report.cluster, holder->second});
  return live != live_.end() && live->second.version.state_version > report.topics.data_version.state_version;
}

RegisterResult RouteTable::Register(const BrokerReport& report, MonoTime now) {
  RegisterResult result;
  const LiveKey live_key{report.cluster, report.broker_addr};
  const auto known = groups_.find(report.broker_name);
  const bool id_known = known != groups_.end() && known->second.addrs.contains(report.broker_id);
  if (known != groups_.end() && HoldsNewerState(known->second, report)) {
    live_.erase(live_key);
    result.outcome = RegisterOutcome::kIgnored;
    return result;
  }
  const bool full = live_.size() >= limits::kNamesrvBrokersMax && !live_.contains(live_key);
  if (full || (!id_known && report.topics.topic_config_table.size() == 1)) {
    result.outcome = RegisterOutcome::kRefused;
    return result;
  }

  lost_dirty_ = lost_.erase(report.broker_name) > 0 || lost_dirty_;
  BrokerGroup& group = MutableGroups()[report.broker_name];
  const bool min_changed = group.addrs.empty() || report.broker_id < group.addrs.begin()->first;
  group.cluster = report.cluster;
  group.enable_acting_master = report.enable_acting_master;
  group.zone = report.zone;
  std::erase_if(group.addrs, [&](const auto& member) {
    return member.second == report.broker_addr && member.first != report.broker_id;
  });
  group.addrs[report.broker_id] = report.broker_addr;

  const auto live = live_.find(live_key);
  const bool version_changed =
      live == live_.end() || !SameVersion(live->second.version, report.topics.data_version);
  const bool new_style = report.enable_acting_master.has_value();
  const bool acting =
      new_style && report.broker_id != kMasterId && group.addrs.begin()->first == report.broker_id;
  if (report.broker_id == kMasterId || acting) ImportTopics(report, !id_known, version_changed);

  live_[live_key] = LiveBroker{report.broker_name,         report.broker_id, now,           report.timeout,
                               report.topics.data_version, report.peer,      report.ha_addr};
  if (report.broker_id != kMasterId) {
    const auto master = group.addrs.find(kMasterId);
    if (master != group.addrs.end()) {
      const auto master_live = live_.find({report.cluster, master->second});
      if (master_live != live_.end()) {
        result.master_addr = master->second;
        result.master_ha_addr = master_live->second.ha_addr;
      }
    }
  }
  if (min_changed) {
    if (auto notice = NoticeFor(report.broker_name, "", report.broker_addr)) {
      result.notices.push_back(std::move(*notice));
    }
  }
  return result;
}

void RouteTable::ImportTopics(const BrokerReport& report, bool first, bool version_changed) {
  if (options_.delete_topics_absent_from_registration && report.topics.topic_queue_mapping_info_map.empty() &&
      version_changed && report.topics.topic_config_table.size() > 1) {
    DropTopicsNotIn(report);
  }
  for (const auto& [topic, config] : report.topics.topic_config_table) {
    const TopicShard& current = shards_[TopicShardOf(topic)];
    const auto route = current.find(topic);
    const bool have = route != current.end() && route->second.queues.contains(report.broker_name);
    if (have && !first && !version_changed) continue;
    proto::QueueData queue = ToQueueData(report.broker_name, config);
    if (report.broker_id != kMasterId) queue.perm &= ~proto::kPermWrite;
    if (have && SameQueues(route->second.queues.at(report.broker_name), queue)) continue;
    MutableShard(topic)[topic].queues[report.broker_name] = std::move(queue);
  }
  for (const auto& [topic, mapping] : report.topics.topic_queue_mapping_info_map) {
    TopicShard& shard = MutableShard(topic);
    const auto route = shard.find(topic);
    if (route != shard.end()) route->second.mappings[report.broker_name] = mapping;
  }
}

void RouteTable::DropTopicsNotIn(const BrokerReport& report) {
  RemoveQueuesOf(report.broker_name, &report.topics.topic_config_table);
}

std::vector<MinIdNotice> RouteTable::Unregister(const BrokerKey& broker) {
  return Remove(broker, Leaving::kInOrder);
}

std::vector<MinIdNotice> RouteTable::ConnectionClosed(uint64_t peer) {
  std::vector<BrokerKey> gone;
  for (const auto& [key, live] : live_) {
    if (live.peer == peer) gone.push_back({key.first, live.broker_name, key.second, live.broker_id});
  }
  std::vector<MinIdNotice> notices;
  for (const BrokerKey& broker : gone) {
    for (MinIdNotice& notice : Remove(broker, Leaving::kLost)) notices.push_back(std::move(notice));
  }
  return notices;
}

void RouteTable::Heartbeat(const std::string& cluster, const std::string& broker_addr, MonoTime now) {
  const auto live = live_.find({cluster, broker_addr});
  if (live != live_.end()) live->second.last_seen = now;
}

RouteTable::VersionAnswer RouteTable::QueryVersion(const BrokerKey& broker, const proto::DataVersion& theirs,
                                                   MonoTime now) {
  VersionAnswer answer;
  const auto live = live_.find({broker.cluster, broker.broker_addr});
  if (live == live_.end()) return answer;
  live->second.last_seen = now;
  answer.known = live->second.version;
  answer.changed = !SameVersion(live->second.version, theirs);
  return answer;
}

RouteTable::Expired RouteTable::Expire(MonoTime now) {
  Expired expired;
  for (const auto& [key, live] : live_) {
    if (now - live.last_seen <= live.timeout) continue;
    expired.brokers.push_back({key.first, live.broker_name, key.second, live.broker_id});
    expired.peers.push_back(live.peer);
  }
  for (const BrokerKey& broker : expired.brokers) {
    for (MinIdNotice& notice : Remove(broker, Leaving::kLost)) expired.notices.push_back(std::move(notice));
  }
  ForgetLongLost(now);
  return expired;
}

void RouteTable::ForgetLongLost(MonoTime now) {
  for (auto at = lost_.begin(); at != lost_.end();) {
    if (!at->second.since) at->second.since = now;
    if (now - *at->second.since <= kLostKept) {
      ++at;
      continue;
    }
    at = lost_.erase(at);
    lost_dirty_ = true;
  }
}

std::vector<MinIdNotice> RouteTable::Remove(const BrokerKey& broker, Leaving leaving) {
  live_.erase({broker.cluster, broker.broker_addr});
  const auto it = groups_.find(broker.broker_name);
  if (it == groups_.end()) return {};
  BrokerGroup& group = it->second;
  const BrokerGroup before = group;
  const BrokerId old_min = group.addrs.empty() ? kMasterId : group.addrs.begin()->first;
  const size_t removed =
      std::erase_if(group.addrs, [&](const auto& member) { return member.second == broker.broker_addr; });
  if (removed == 0) return {};
  groups_dirty_ = true;
  if (group.addrs.empty()) {
    if (leaving == Leaving::kLost && lost_.size() < limits::kNamesrvBrokersMax) {
      lost_[broker.broker_name] = {.group = before, .since = {}};
      lost_dirty_ = true;
    }
    groups_.erase(it);
    RemoveQueuesOf(broker.broker_name, nullptr);
    return {};
  }
  if (group.enable_acting_master.value_or(false) && !group.addrs.contains(kMasterId)) {
    WipeWritePermission(broker.broker_name);
  }
  if (group.addrs.begin()->first == old_min) return {};
  std::vector<MinIdNotice> notices;
  if (auto notice = NoticeFor(broker.broker_name, broker.broker_addr, ""))
    notices.push_back(std::move(*notice));
  return notices;
}

void RouteTable::RemoveQueuesOf(const std::string& broker_name,
                                const std::map<std::string, proto::TopicConfig>* except) {
  for (size_t i = 0; i < kTopicShards; ++i) {
    for (auto it = shards_[i].begin(); it != shards_[i].end();) {
      TopicRoute& route = it->second;
      if ((except != nullptr && except->contains(it->first)) || route.queues.erase(broker_name) == 0) {
        ++it;
        continue;
      }
      shard_dirty_[i] = true;
      route.mappings.erase(broker_name);
      it = route.queues.empty() ? shards_[i].erase(it) : std::next(it);
    }
  }
}

std::optional<MinIdNotice> RouteTable::NoticeFor(const std::string& broker_name,
                                                 const std::string& offline_addr,
                                                 const std::string& except_addr) const {
  const auto group = groups_.find(broker_name);
  if (group == groups_.end() || group->second.addrs.empty()) return std::nullopt;
  const auto& [min_id, min_addr] = *group->second.addrs.begin();
  MinIdNotice notice;
  notice.broker_name = broker_name;
  notice.min_id = min_id;
  notice.min_addr = min_addr;
  notice.offline_addr = offline_addr;
  const bool alone = group->second.addrs.size() == 1;
  for (const auto& [id, addr] : group->second.addrs) {
    const auto live = live_.find({group->second.cluster, addr});
    if (live == live_.end()) continue;
    if (id == min_id) notice.ha_addr = live->second.ha_addr;
    // A newcomer is not told about itself, unless it is the only one there is.
    if (alone || addr != except_addr) notice.tell.push_back(live->second.peer);
  }
  if (notice.tell.empty()) return std::nullopt;
  return notice;
}

int32_t RouteTable::WipeWritePermission(const std::string& broker_name) {
  int32_t changed = 0;
  for (size_t i = 0; i < kTopicShards; ++i) {
    for (auto& [topic, route] : shards_[i]) {
      const auto queue = route.queues.find(broker_name);
      if (queue == route.queues.end()) continue;
      queue->second.perm &= ~proto::kPermWrite;
      shard_dirty_[i] = true;
      ++changed;
    }
  }
  return changed;
}

int32_t RouteTable::AddWritePermission(const std::string& broker_name) {
  int32_t changed = 0;
  for (size_t i = 0; i < kTopicShards; ++i) {
    for (auto& [topic, route] : shards_[i]) {
      const auto queue = route.queues.find(broker_name);
      if (queue == route.queues.end()) continue;
      queue->second.perm = proto::kPermRead | proto::kPermWrite;
      shard_dirty_[i] = true;
      ++changed;
    }
  }
  return changed;
}

void RouteTable::DeleteTopic(const std::string& topic, const std::string& cluster) {
  TopicShard& shard = MutableShard(topic);
  const auto route = shard.find(topic);
  if (route == shard.end()) return;
  std::erase_if(route->second.queues, [&](const auto& item) {
    if (cluster.empty()) return true;
    const auto group = groups_.find(item.first);
    return group != groups_.end() && group->second.cluster == cluster;
  });
  if (route->second.queues.empty()) shard.erase(route);
}

void RouteTable::RegisterTopic(const std::string& topic, const std::vector<proto::QueueData>& queues) {
  for (const proto::QueueData& queue : queues) {
    if (groups_.contains(queue.broker_name)) MutableShard(topic)[topic].queues[queue.broker_name] = queue;
  }
}

std::shared_ptr<const RouteSnapshot> RouteTable::Snapshot() {
  const bool dirty = groups_dirty_ || lost_dirty_ ||
                     std::find(shard_dirty_.begin(), shard_dirty_.end(), true) != shard_dirty_.end();
  if (!dirty) return published_;
  auto next = std::make_shared<RouteSnapshot>(*published_);
  if (groups_dirty_) next->groups_ = std::make_shared<GroupTable>(groups_);
  if (lost_dirty_) {
    auto lost = std::make_shared<GroupTable>();
    for (const auto& [name, one] : lost_) lost->emplace(name, one.group);
    next->lost_ = std::move(lost);
  }
  for (size_t i = 0; i < kTopicShards; ++i) {
    if (shard_dirty_[i]) next->shards_[i] = std::make_shared<TopicShard>(shards_[i]);
  }
  groups_dirty_ = lost_dirty_ = false;
  shard_dirty_.fill(false);
  published_ = std::move(next);
  return published_;
}

}  // namespace orbitmq::namesrv

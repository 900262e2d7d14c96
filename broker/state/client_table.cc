// SPDX-License-Identifier: Apache-2.0
#include "broker/state/client_table.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace orbitmq::broker {

ClientTable::Membership ClientTable::SeenProducer(const std::string& group, ClientEntry client) {
  Shard& shard = ShardOf(group);
  MutexLock lock(shard.mutex);
  ProducerGroup& members = shard.producers[group];
  const uint64_t id = client.peer->id();
  if (!members.contains(id) && members.size() >= limits::kClientsPerGroupMax) return Membership::kFull;
  const bool changed = members.insert_or_assign(id, std::move(client)).second;
  return changed ? Membership::kChanged : Membership::kSame;
}

// A subscription is replaced by a newer one only; topics that are missing are dropped (remoting.md 6.1).
bool ClientTable::ReplaceSubscriptions(const proto::ConsumerData& data, ConsumerGroup& group) {
  bool changed = false;
  for (const SubscriptionData& subscription : data.subscription_data_set) {
    SubscriptionRef& known = group.subscriptions[subscription.topic];
    if (known != nullptr && known->data.sub_version >= subscription.sub_version) continue;
    changed = changed || known == nullptr || known->data.sub_string != subscription.sub_string;
    known = std::make_shared<const SubscriptionEntry>(
        SubscriptionEntry{subscription, std::make_shared<const TagFilter>(subscription)});
  }
  const auto dropped = std::erase_if(group.subscriptions, [&data](const auto& entry) {
    return std::none_of(data.subscription_data_set.begin(), data.subscription_data_set.end(),
                        [&entry](const auto& subscription) { return subscription.topic == entry.first; });
  });
  return changed || dropped != 0;
}

// Everything but the subscriptions.
ClientTable::Membership ClientTable::Join(const proto::ConsumerData& data, ClientEntry client,
                                          ConsumerGroup& group) {
  const uint64_t id = client.peer->id();
  if (!group.members.contains(id) && group.members.size() >= limits::kClientsPerGroupMax) {
    return Membership::kFull;
  }
  group.from_where = data.consume_from_where;
  group.consume_type = data.consume_type;
  group.message_model = data.message_model;
  const bool joined = group.members.insert_or_assign(id, std::move(client)).second;
  return joined ? Membership::kChanged : Membership::kSame;
}

ClientTable::Membership ClientTable::SeenConsumer(const proto::ConsumerData& data, ClientEntry client,
                                                  int32_t fingerprint) {
  Shard& shard = ShardOf(data.group_name);
  MutexLock lock(shard.mutex);
  ConsumerGroup& group = shard.consumers[data.group_name];
  const Membership joined = Join(data, std::move(client), group);
  if (joined == Membership::kFull) return joined;
  group.fingerprint = fingerprint;
  return ReplaceSubscriptions(data, group) ? Membership::kChanged : joined;
}

ClientTable::Membership ClientTable::SeenWithoutSubscriptions(const proto::ConsumerData& data,
    ClientEntry client,
                                                              int32_t fingerprint) {
  Shard& shard = ShardOf(data.group_name);
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(data.group_name);
  if (found == shard.consumers.end()) return Membership::kUnknown;
  ConsumerGroup& group = found->second;
  if (group.fingerprint == fingerprint) return Join(data, std::move(client), group);
  const auto member = group.members.find(client.peer->id());
  if (member != group.members.end()) member->second = std::move(client);
  return Membership::kUnknown;
}

bool ClientTable::RemoveProducer(std::string_view group, uint64_t peer_id) {
  Shard& shard = ShardOf(group);
  MutexLock lock(shard.mutex);
  const auto found = shard.producers.find(group);
  if (found == shard.producers.end() || found->second.erase(peer_id) == 0) return false;
  if (found->second.empty()) shard.producers.erase(found);
  return true;
}

bool ClientTable::RemoveConsumer(std::string_view group, uint64_t peer_id) {
  Shard& shard = ShardOf(group);
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end() || found->second.members.erase(peer_id) == 0) return false;
  if (found->second.members.empty()) shard.consumers.erase(found);
  return true;
}

// `gone(peer_id, entry)` decides; groups without members are dropped.
template <class Gone>
std::vector<std::string> ClientTable::RemoveWhere(Gone gone) {
  std::vector<std::string> changed;
  const auto leaves = [&gone](const auto& member) { return gone(member.first, member.second); };
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto group = shard.consumers.begin(); group != shard.consumers.end();) {
      if (std::erase_if(group->second.members, leaves) != 0) changed.push_back(group->first);
      group = group->second.members.empty() ? shard.consumers.erase(group) : std::next(group);
    }
    for (auto group = shard.producers.begin(); group != shard.producers.end();) {
      std::erase_if(group->second, leaves);
      group = group->second.empty() ? shard.producers.erase(group) : std::next(group);
    }
  }
  std::sort(changed.begin(), changed.end());
  return changed;
}

std::vector<std::string> ClientTable::RemovePeer(uint64_t peer_id) {
  return RemoveWhere([peer_id](uint64_t id, const ClientEntry&) { return id == peer_id; });
}

std::vector<std::string> ClientTable::RemoveSilent(Duration silence) {
  const MonoTime now = clock_.Monotonic();
  std::vector<std::shared_ptr<net::Peer>> silent;
  auto changed = RemoveWhere([now, silence, &silent](uint64_t, const ClientEntry& client) {
    if (now - client.seen <= silence) return false;
    silent.push_back(client.peer);
    return true;
  });
  for (const auto& peer : silent) peer->Close();
  return changed;
}

GroupView ClientTable::View(std::string_view group, std::string_view topic) const {
  const Shard& shard = ShardOf(group);
  GroupView view;
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end()) return view;
  view.online = true;
  view.message_model = found->second.message_model;
  const auto subscription = found->second.subscriptions.find(topic);
  if (subscription != found->second.subscriptions.end()) view.subscription = subscription->second;
  return view;
}

std::vector<std::string> ClientTable::ClientIds(std::string_view group) const {
  const Shard& shard = ShardOf(group);
  std::set<std::string> ids;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.consumers.find(group);
    if (found == shard.consumers.end()) return {};
    for (const auto& [id, client] : found->second.members) ids.insert(client.client_id);
  }
  return {ids.begin(), ids.end()};
}

std::vector<std::shared_ptr<net::Peer>> ClientTable::Members(std::string_view group) const {
  const Shard& shard = ShardOf(group);
  std::vector<std::shared_ptr<net::Peer>> members;
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end()) return members;
  for (const auto& [id, client] : found->second.members) members.push_back(client.peer);
  return members;
}

std::optional<ClientEntry> ClientTable::FindMember(std::string_view group, std::string_view client_id) const {
  const Shard& shard = ShardOf(group);
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end()) return std::nullopt;
  for (const auto& [id, client] : found->second.members) {
    if (client.client_id == client_id) return client;
  }
  return std::nullopt;
}

ConsumerGroupDetails ClientTable::DetailsOf(const ConsumerGroup& group) {
  ConsumerGroupDetails details;
  details.from_where = group.from_where;
  details.consume_type = group.consume_type;
  details.message_model = group.message_model;
  for (const auto& [id, client] : group.members) details.members.push_back(client);
  for (const auto& [topic, entry] : group.subscriptions) details.subscriptions.emplace(topic, entry->data);
  return details;
}

std::optional<ConsumerGroupDetails> ClientTable::Details(std::string_view group) const {
  const Shard& shard = ShardOf(group);
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end()) return std::nullopt;
  return DetailsOf(found->second);
}

std::map<std::string, ConsumerGroupDetails> ClientTable::AllConsumers() const {
  std::map<std::string, ConsumerGroupDetails> all;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [name, group] : shard.consumers) all.emplace(name, DetailsOf(group));
  }
  return all;
}

std::vector<ClientEntry> ClientTable::Producers(std::string_view group) const {
  const Shard& shard = ShardOf(group);
  std::vector<ClientEntry> out;
  MutexLock lock(shard.mutex);
  const auto found = shard.producers.find(group);
  if (found == shard.producers.end()) return out;
  for (const auto& [id, client] : found->second) out.push_back(client);
  return out;
}

std::map<std::string, std::vector<ClientEntry>> ClientTable::AllProducers() const {
  std::map<std::string, std::vector<ClientEntry>> all;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [group, members] : shard.producers) {
      for (const auto& [id, client] : members) all[group].push_back(client);
    }
  }
  return all;
}

std::set<std::string> ClientTable::GroupsOfTopic(std::string_view topic) const {
  std::set<std::string> groups;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [name, group] : shard.consumers) {
      if (group.subscriptions.find(topic) != group.subscriptions.end()) groups.insert(name);
    }
  }
  return groups;
}

std::set<std::string> ClientTable::TopicsOfGroup(std::string_view group) const {
  const Shard& shard = ShardOf(group);
  std::set<std::string> topics;
  MutexLock lock(shard.mutex);
  const auto found = shard.consumers.find(group);
  if (found == shard.consumers.end()) return topics;
  for (const auto& [topic, entry] : found->second.subscriptions) topics.insert(topic);
  return topics;
}

}  // namespace orbitmq::broker

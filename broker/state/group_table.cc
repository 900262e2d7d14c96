// SPDX-License-Identifier: Apache-2.0
#include "broker/state/group_table.h"

#include <utility>

#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

// Apache's mask for "this group may not read that topic": 1 << PermName.INDEX_PERM_READ.
constexpr int32_t kReadForbidden = 1 << 2;

constexpr std::string_view kBuiltIn[] = {
    names::kToolsConsumerGroup, names::kFilterServerGroup,  names::kSelfTestConsumerGroup,
    names::kOnsHttpProxyGroup,  names::kOnsApiPullGroup,    names::kOnsApiPermissionGroup,
    names::kOnsApiOwnerGroup,   names::kTransConsumerGroup,
};

}  // namespace

GroupTable::GroupTable(Parts parts)
    : parts_(std::move(parts)), file_(parts_.env, parts_.disk, parts_.path, [this] {
        return proto::EncodeBody(All(), proto::JsonStyle::kPretty);
      }) {}

Result<std::unique_ptr<GroupTable>> GroupTable::Load(Parts parts) {
  auto table = std::make_unique<GroupTable>(std::move(parts));
  table->SetFollower(table->parts_.options.Get()->broker_role == BrokerRole::kSlave);
  const Status read = PersistedFile::Load(table->parts_.env, table->parts_.path,
                                          [&table](std::string_view text) { return table->Read(text); });
  if (!read.ok()) return read;
  {
    MutexLock lock(table->mutex_);
    for (std::string_view name : kBuiltIn) {
      if (table->groups_.find(name) != table->groups_.end()) continue;
      proto::SubscriptionGroupConfig config;
      config.group_name = name;
      table->Insert(std::move(config));
    }
  }
  table->Save({});
  return table;
}

Status GroupTable::Read(std::string_view text) {
  auto wrapper = proto::DecodeBody<proto::SubscriptionGroupWrapper>(text);
  if (!wrapper.ok()) return wrapper.status();
  MutexLock lock(mutex_);
  version_ = wrapper->data_version;
  forbidden_ = std::move(wrapper->forbidden_table);
  for (auto& [name, config] : wrapper->subscription_group_table) {
    config.group_name = name;
    groups_[name] = std::make_shared<const proto::SubscriptionGroupConfig>(std::move(config));
  }
  return {};
}

GroupRef GroupTable::Insert(proto::SubscriptionGroupConfig config) {
  Touch();
  auto entry = std::make_shared<const proto::SubscriptionGroupConfig>(std::move(config));
  groups_[entry->group_name] = entry;
  return entry;
}

void GroupTable::Touch() {
  if (follower_.load(std::memory_order_relaxed)) return;
  ++version_.counter;
  version_.timestamp = parts_.env.clock().WallMillis();
}

GroupRef GroupTable::Find(std::string_view group) const {
  MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second;
}

GroupRef GroupTable::FindOrCreate(std::string_view group) {
  if (GroupRef found = Find(group)) return found;
  if (!CheckGroupName(group).ok()) return nullptr;
  if (!parts_.options.Get()->auto_create_subscription_group && !IsSystemGroup(group)) return nullptr;
  GroupRef created;
  {
    MutexLock lock(mutex_);
    if (const auto found = groups_.find(group); found != groups_.end()) return found->second;
    if (groups_.size() >= limits::kGroupsMax) return nullptr;
    proto::SubscriptionGroupConfig config;
    config.group_name = group;
    created = Insert(std::move(config));
  }
  parts_.env.log().Info("consumer group created by its first use", {{"group", group}});
  Save({});
  return created;
}

Status GroupTable::Update(proto::SubscriptionGroupConfig config) {
  if (Status named = CheckGroupName(config.group_name); !named.ok()) return named;
  if (!config.attributes.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("group attribute '", Printable(config.attributes.begin()->first),
                         "': unknown; groups have no attributes"));
  }
  {
    MutexLock lock(mutex_);
    const bool known = groups_.find(config.group_name) != groups_.end();
    if (!known && groups_.size() >= limits::kGroupsMax) {
      return Status(StatusCode::kResourceExhausted,
                    StrCat("the broker has ", groups_.size(), " groups, which is the most it keeps"));
    }
    Insert(std::move(config));
  }
  Save({});
  return {};
}

FollowOutcome GroupTable::Follow(const proto::SubscriptionGroupWrapper& master) {
  FollowOutcome outcome = FollowOutcome::kTaken;
  {
    MutexLock lock(mutex_);
    const int order = CompareVersions(master.data_version, version_);
    if (order == 0) return FollowOutcome::kSame;
    if (order < 0) outcome = FollowOutcome::kMerged;
    bool changed = outcome == FollowOutcome::kTaken;
    if (outcome == FollowOutcome::kTaken) {
      std::erase_if(groups_, [&master](const auto& entry) {
        return !master.subscription_group_table.contains(entry.first);
      });
      forbidden_ = master.forbidden_table;
      version_ = master.data_version;
    }
    for (const auto& [name, config] : master.subscription_group_table) {
      proto::SubscriptionGroupConfig mine = config;
      mine.group_name = name;
      const auto found = groups_.find(name);
      if (found != groups_.end() && *found->second == mine) continue;
      Insert(std::move(mine));
      changed = true;
    }
    if (!changed) return outcome;
  }
  Save({});
  return outcome;
}

bool GroupTable::Delete(std::string_view group) {
  {
    MutexLock lock(mutex_);
    const auto found = groups_.find(group);
    if (found == groups_.end()) return false;
    groups_.erase(found);
    forbidden_.erase(std::string(group));
    Touch();
  }
  Save({});
  return true;
}

void GroupTable::SetReadable(std::string_view group, std::string_view topic, bool readable) {
  {
    MutexLock lock(mutex_);
    if (readable) {
      const auto found = forbidden_.find(std::string(group));
      if (found != forbidden_.end()) {
        found->second.erase(std::string(topic));
        if (found->second.empty()) forbidden_.erase(found);
      }
    } else {
      forbidden_[std::string(group)][std::string(topic)] |= kReadForbidden;
    }
    Touch();
  }
  Save({});
}

bool GroupTable::Readable(std::string_view group, std::string_view topic) const {
  MutexLock lock(mutex_);
  if (forbidden_.empty()) return true;
  const auto of_group = forbidden_.find(std::string(group));
  if (of_group == forbidden_.end()) return true;
  const auto of_topic = of_group->second.find(std::string(topic));
  return of_topic == of_group->second.end() || (of_topic->second & kReadForbidden) == 0;
}

size_t GroupTable::size() const {
  MutexLock lock(mutex_);
  return groups_.size();
}

proto::SubscriptionGroupWrapper GroupTable::All() const {
  proto::SubscriptionGroupWrapper all;
  MutexLock lock(mutex_);
  all.data_version = version_;
  all.forbidden_table = forbidden_;
  for (const auto& [name, config] : groups_) all.subscription_group_table.emplace(name, *config);
  return all;
}

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker/state/topic_table.h"
#include "remoting/protocol/subscription_group.h"

namespace orbitmq::broker {

using GroupRef = std::shared_ptr<const proto::SubscriptionGroupConfig>;

// The consumer groups' configurations.
// Threads: any; one leaf lock, immutable entries, as TopicTable. Format: config/subscriptionGroup.json,
// Apache's.
class GroupTable final {
 public:
  using Parts = TopicTable::Parts;
  // Reads the file and adds Apache's built-in groups. Blocks.
  static Result<std::unique_ptr<GroupTable>> Load(Parts parts);
  explicit GroupTable(Parts parts);

  // Null when there is none; never creates.
  GroupRef Find(std::string_view group) const;
  // Creates the group with the defaults when autoCreateSubscriptionGroup or its name allows it, as Apache
  // does on every look-up by a client. Null when it may not, the name is bad, or the table is full.
  GroupRef FindOrCreate(std::string_view group);

  Status Update(proto::SubscriptionGroupConfig config);
  bool Delete(std::string_view group);

  // The read bit of group and topic (353).
  void SetReadable(std::string_view group, std::string_view topic, bool readable);
  bool Readable(std::string_view group, std::string_view topic) const;

  // As TopicTable's.
  void SetFollower(bool follower) { follower_.store(follower, std::memory_order_relaxed); }
  FollowOutcome Follow(const proto::SubscriptionGroupWrapper& master);

  proto::SubscriptionGroupWrapper All() const;
  size_t size() const;
  void Save(Completion<Done> done) { file_.Save(std::move(done)); }

 private:
  Status Read(std::string_view text);
  GroupRef Insert(proto::SubscriptionGroupConfig config) ORBITMQ_REQUIRES(mutex_);
  void Touch() ORBITMQ_REQUIRES(mutex_);

  Parts parts_;
  mutable Mutex mutex_;
  NameMap<GroupRef> groups_ ORBITMQ_GUARDED_BY(mutex_);
  std::map<std::string, std::map<std::string, int32_t>> forbidden_ ORBITMQ_GUARDED_BY(mutex_);
  proto::DataVersion version_ ORBITMQ_GUARDED_BY(mutex_);
  std::atomic<bool> follower_{false};
  PersistedFile file_;
};

}  // namespace orbitmq::broker

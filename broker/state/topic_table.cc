// SPDX-License-Identifier: Apache-2.0
#include "broker/state/topic_table.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq::broker {

int CompareVersions(const proto::DataVersion& a, const proto::DataVersion& b) {
  if (a.state_version != b.state_version) return a.state_version < b.state_version ? -1 : 1;
  if (a.counter != b.counter) return a.counter < b.counter ? -1 : 1;
  if (a.timestamp != b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return 0;
}

TopicTable::TopicTable(Parts parts)
    : parts_(std::move(parts)), file_(parts_.env, parts_.disk, parts_.path, [this] {
        return proto::EncodeBody(All(), proto::JsonStyle::kPretty);
      }) {}

Result<std::unique_ptr<TopicTable>> TopicTable::Load(Parts parts) {
  auto table = std::make_unique<TopicTable>(std::move(parts));
  table->SetFollower(table->parts_.options.Get()->broker_role == BrokerRole::kSlave);
  const Status read = PersistedFile::Load(table->parts_.env, table->parts_.path,
                                          [&table](std::string_view text) { return table->Read(text); });
  if (!read.ok()) return read;
  table->AddSystemTopics();
  table->Save({});
  return table;
}

Status TopicTable::Read(std::string_view text) {
  auto wrapper = proto::DecodeBody<proto::TopicConfigSerializeWrapper>(text);
  if (!wrapper.ok()) return wrapper.status();
  MutexLock lock(mutex_);
  version_ = wrapper->data_version;
  for (auto& [name, config] : wrapper->topic_config_table) {
    config.topic_name = name;
    topics_[name] = std::make_shared<const TopicEntry>(std::move(config), 0);
  }
  return {};
}

void TopicTable::AddSystem(std::string_view name, int32_t queues, int32_t perm) {
  MutexLock lock(mutex_);
  if (topics_.find(name) != topics_.end()) return;
  proto::TopicConfig config;
  config.topic_name = name;
  config.read_queue_nums = queues;
  config.write_queue_nums = queues;
  config.perm = perm;
  Insert(std::move(config));
}

void TopicTable::AddSystemTopics() {
  const auto options = parts_.options.Get();
  auto levels = ParseDelayLevels(options->message_delay_level);
  const auto level_count = levels.ok() ? static_cast<int32_t>(levels->size()) : 18;
  const std::string& cluster = options->broker_cluster_name;
  const std::string& broker = options->broker_name;
  constexpr int32_t kAll = perm::kReadWrite;
  AddSystem(names::kSelfTestTopic, 1, kAll);
  if (options->auto_create_topic_enable) {
    AddSystem(names::kAutoCreateTopic, options->default_topic_queue_nums, kAll | perm::kInherit);
  }
  AddSystem(names::kBenchmarkTopic, 1024, kAll);
  AddSystem(cluster, 16, perm::kInherit | (options->cluster_topic_enable ? kAll : 0));
  AddSystem(broker, 1, perm::kInherit | (options->broker_topic_enable ? kAll : 0));
  AddSystem(names::kOffsetMovedTopic, 1, kAll);
  AddSystem(names::kScheduleTopic, std::max(level_count, int32_t{18}), kAll);
  if (options->trace_topic_enable) AddSystem(options->msg_trace_topic_name, 1, kAll);
  AddSystem(ReplyTopic(cluster), 1, kAll);
  AddSystem(StrCat(names::kReviveTopicPrefix, cluster), 8, kAll);
  AddSystem(StrCat(names::kSyncBrokerMemberPrefix, broker), 1, perm::kInherit);
  AddSystem(names::kTransHalfTopic, 1, kAll);
  AddSystem(names::kTransOpHalfTopic, 1, kAll);
  AddSystem(names::kWheelTimerTopic, 1, kAll);
}

TopicRef TopicTable::Find(std::string_view topic) const {
  MutexLock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : found->second;
}

TopicRef TopicTable::Insert(proto::TopicConfig config) {
  Touch();
  auto entry = std::make_shared<const TopicEntry>(std::move(config), change_);
  topics_[entry->config.topic_name] = entry;
  return entry;
}

void TopicTable::Touch() {
  ++change_;
  if (follower_.load(std::memory_order_relaxed)) return;
  ++version_.counter;
  version_.timestamp = parts_.env.clock().WallMillis();
}

TopicRef TopicTable::CreateForSend(const Creation& creation) {
  const bool may_inherit = parts_.options.Get()->auto_create_topic_enable;
  TopicRef created;
  {
    MutexLock lock(mutex_);
    if (const auto found = topics_.find(creation.topic); found != topics_.end()) return found->second;
    const auto source = topics_.find(creation.default_topic);
    if (source == topics_.end() || topics_.size() >= limits::kTopicsMax) return nullptr;
    const proto::TopicConfig& model = source->second->config;
    if (!perm::Inherited(model.perm)) return nullptr;
    if (creation.default_topic == names::kAutoCreateTopic && !may_inherit) return nullptr;
    proto::TopicConfig config;
    config.topic_name = creation.topic;
    // Apache makes a topic without queues for a first send that names no number, which nobody can use.
    const int32_t asked = creation.queue_nums > 0 ? creation.queue_nums : model.write_queue_nums;
    const int32_t queues = std::min(asked, model.write_queue_nums);
    config.read_queue_nums = queues;
    config.write_queue_nums = queues;
    config.perm = model.perm & ~perm::kInherit;
    config.topic_sys_flag = creation.sys_flag;
    config.topic_filter_type = model.topic_filter_type;
    created = Insert(std::move(config));
  }
  parts_.env.log().Info("topic created by a send",
                        {{"topic", creation.topic}, {"queues", created->config.write_queue_nums}});
  Changed();
  return created;
}

TopicRef TopicTable::CreatePlain(std::string_view topic, int32_t queue_nums, int32_t perm, int32_t sys_flag) {
  TopicRef created;
  {
    MutexLock lock(mutex_);
    if (const auto found = topics_.find(topic); found != topics_.end()) return found->second;
    if (topics_.size() >= limits::kTopicsMax) return nullptr;
    proto::TopicConfig config;
    config.topic_name = topic;
    config.read_queue_nums = queue_nums;
    config.write_queue_nums = queue_nums;
    config.perm = perm;
    config.topic_sys_flag = sys_flag;
    created = Insert(std::move(config));
  }
  Changed();
  return created;
}

Status TopicTable::Update(proto::TopicConfig config, std::string_view changes) {
  {
    MutexLock lock(mutex_);
    const auto found = topics_.find(config.topic_name);
    const bool creating = found == topics_.end();
    if (creating && topics_.size() >= limits::kTopicsMax) {
      return Status(StatusCode::kResourceExhausted,
                    StrCat("the broker has ", topics_.size(), " topics, which is the most it keeps"));
    }
    config.attributes.clear();
    if (!creating) config.attributes = found->second->config.attributes;
    if (Status applied = ApplyAttributeChanges(changes, creating, config.attributes); !applied.ok()) {
      return applied;
    }
    Insert(std::move(config));
  }
  Changed();
  return {};
}

FollowOutcome TopicTable::Follow(const proto::TopicConfigAndMappingSerializeWrapper& master) {
  FollowOutcome outcome = FollowOutcome::kTaken;
  {
    MutexLock lock(mutex_);
    const int order = CompareVersions(master.data_version, version_);
    if (order == 0) return FollowOutcome::kSame;
    if (order < 0) outcome = FollowOutcome::kMerged;
    bool changed = false;
    if (outcome == FollowOutcome::kTaken) {
      changed = std::erase_if(topics_, [&master](const auto& entry) {
                  return !master.topic_config_table.contains(entry.first);
                }) > 0;
    }
    for (const auto& [name, config] : master.topic_config_table) {
      proto::TopicConfig mine = config;
      mine.topic_name = name;
      const auto found = topics_.find(name);
      // An entry that stays the same keeps what was counted for it.
      if (found != topics_.end() && found->second->config == mine) continue;
      Insert(std::move(mine));
      changed = true;
    }
    if (outcome == FollowOutcome::kMerged && !changed) return outcome;
    if (outcome == FollowOutcome::kTaken) version_ = master.data_version;
    Touch();
  }
  Changed();
  return outcome;
}

bool TopicTable::Delete(std::string_view topic) {
  {
    MutexLock lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return false;
    topics_.erase(found);
    Touch();
  }
  Changed();
  return true;
}

void TopicTable::RaiseVersion() {
  {
    MutexLock lock(mutex_);
    Touch();
  }
  Changed();
}

void TopicTable::Changed() {
  Save({});
  if (on_change_) on_change_();
}

void TopicTable::Save(Completion<Done> done) {
  uint64_t change = 0;
  {
    MutexLock lock(mutex_);
    change = change_;
  }
  file_.Save([this, change, done = std::move(done)](Result<Done> result) mutable {
    if (result.ok() && persisted_.load(std::memory_order_relaxed) < change) {
      persisted_.store(change, std::memory_order_release);  // The disk executor is the only writer.
    }
    if (done) done(std::move(result));
  });
}

proto::TopicConfigSerializeWrapper TopicTable::All() const {
  proto::TopicConfigSerializeWrapper all;
  MutexLock lock(mutex_);
  all.data_version = version_;
  for (const auto& [name, entry] : topics_) all.topic_config_table.emplace(name, entry->config);
  return all;
}

std::vector<TopicRef> TopicTable::List() const {
  std::vector<TopicRef> list;
  {
    MutexLock lock(mutex_);
    list.reserve(topics_.size());
    for (const auto& [name, entry] : topics_) list.push_back(entry);
  }
  std::sort(list.begin(), list.end(),
            [](const TopicRef& a, const TopicRef& b) { return a->config.topic_name < b->config.topic_name; });
  return list;
}

proto::DataVersion TopicTable::version() const {
  MutexLock lock(mutex_);
  return version_;
}

size_t TopicTable::size() const {
  MutexLock lock(mutex_);
  return topics_.size();
}

namespace {

struct AttributeRule {
  std::string_view name;
  bool changeable = true;
  std::vector<std::string_view> values;  // Empty: a number of at least -1.
};

const std::vector<AttributeRule>& AttributeRules() {
  static const std::vector<AttributeRule> rules = {
      {"queue.type", false, {"SimpleCQ", "BatchCQ"}},
      {"cleanup.policy", false, {"DELETE", "COMPACTION"}},
      {"message.type", true, {"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"}},
      {"reserve.time", true, {}},
  };
  return rules;
}

Status BadAttribute(std::string_view piece, std::string_view why) {
  return Status(StatusCode::kInvalidArgument, StrCat("attribute '", Printable(piece), "': ", why));
}

Status CheckValue(const AttributeRule& rule, std::string_view piece, std::string_view value) {
  if (rule.values.empty()) {
    const auto number = ParseInt<int64_t>(value);
    if (!number || *number < -1) return BadAttribute(piece, "the value must be a number of at least -1");
    return {};
  }
  if (std::find(rule.values.begin(), rule.values.end(), value) != rule.values.end()) {
    // Stored in this broker's own way only; the other kinds are refused rather than done wrong.
    if (value == "BatchCQ" || value == "COMPACTION") return BadAttribute(piece, "not supported yet");
    return {};
  }
  return BadAttribute(piece, StrCat("the value must be one of ", Join(rule.values, ", ")));
}

}  // namespace

Status ApplyAttributeChanges(std::string_view changes, bool creating,
                             std::map<std::string, std::string>& attributes) {
  if (changes.empty()) return {};
  auto result = attributes;
  std::vector<std::string_view> seen;
  for (std::string_view piece : Split(changes, ',')) {
    if (piece.empty()) continue;
    const bool add = piece.front() == '+';
    if (!add && piece.front() != '-') return BadAttribute(piece, "must start with + or -");
    if (creating && !add) return BadAttribute(piece, "a new topic has nothing to remove");
    const size_t equals = piece.find('=');
    const std::string_view name = piece.substr(1, equals == piece.npos ? piece.npos : equals - 1);
    const auto& rules = AttributeRules();
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return r.name == name; });
    if (rule == rules.end())
      return BadAttribute(piece, "unknown; known are queue.type, cleanup.policy, message.type, reserve.time");
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return BadAttribute(piece, "named twice");
    seen.push_back(name);
    if (!creating && !rule->changeable) return BadAttribute(piece, "cannot be changed once the topic exists");
    if (!add) {
      if (result.erase(std::string(name)) == 0) return BadAttribute(piece, "the topic does not have it");
      continue;
    }
    if (equals == piece.npos) return BadAttribute(piece, "must be +name=value");
    const std::string_view value = piece.substr(equals + 1);
    if (Status valid = CheckValue(*rule, piece, value); !valid.ok()) return valid;
    result[std::string(name)] = value;
  }
  attributes = std::move(result);
  return {};
}

}  // namespace orbitmq::broker

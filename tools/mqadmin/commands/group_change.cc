// SPDX-License-Identifier: Apache-2.0
// Commands that make, change and delete consumer groups.
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/running_info_text.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;

Result<proto::SubscriptionGroupConfig> GroupFromOptions(const Arguments& args) {
  proto::SubscriptionGroupConfig group;
  group.group_name = args.Text("groupName");
  group.consume_enable = args.Bool("consumeEnable", true);
  // Java's command starts from these two, not from the class's defaults.
  group.consume_from_min_enable = args.Bool("consumeFromMinEnable", false);
  group.consume_broadcast_enable = args.Bool("consumeBroadcastEnable", false);
  group.consume_message_orderly = args.Bool("consumeMessageOrderly", false);
  group.retry_queue_nums = static_cast<int32_t>(args.Number("retryQueueNums", group.retry_queue_nums));
  group.retry_max_times = static_cast<int32_t>(args.Number("retryMaxTimes", group.retry_max_times));
  group.broker_id = args.Number("brokerId", group.broker_id);
  group.which_broker_when_consume_slowly =
      args.Number("whichBrokerWhenConsumeSlowly", group.which_broker_when_consume_slowly);
  group.notify_consumer_ids_changed_enable = args.Bool("notifyConsumerIdsChanged", true);
  if (args.Has("groupRetryPolicy")) {
    auto policy = proto::DecodeBody<proto::GroupRetryPolicy>(args.Text("groupRetryPolicy"));
    if (!policy.ok()) return UsageError(StrCat("option -p/--groupRetryPolicy: ", policy.status().text()));
    group.group_retry_policy = *std::move(policy);
  }
  if (args.Has("attributes")) {
    auto attributes = ParseAttributes(args.Text("attributes"));
    if (!attributes.ok()) return attributes.status();
    group.attributes = *std::move(attributes);
  }
  return group;
}

Status RunUpdateSubGroup(Session& session) {
  const auto group = GroupFromOptions(session.args());
  if (!group.ok()) return group.status();
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  const auto told = [&session](const Endpoint& broker) {
    session.Did(StrCat("create subscription group to ", broker.ToString(), " success."));
  };
  const std::string text = GroupText(*group);
  const Status changed =
      session.ChangeAll(StrCat("set group ", text), *targets, told, &net::AdminStub::UpdateGroup, *group);
  if (!changed.ok() || session.dry_run()) return changed;
  session.out().Line(text);
  session.out().Member("group", proto::EncodeBody(*group, proto::JsonStyle::kStandard));
  return {};
}

// The retry and dead-letter topics of a group that is gone, from all brokers of the cluster and the
// NameServers; what is not there is no failure.
void DeleteTopicsOfGroup(Session& session, const std::string& group, const std::string& cluster) {
  const auto brokers = session.MastersAndSlavesOf(cluster);
  if (!brokers.ok()) return session.Warn(brokers.status());
  for (const std::string& topic : {RetryTopic(group), StrCat(names::kDlqPrefix, group)}) {
    const std::string what = StrCat("delete topic ", topic);
    const auto quiet = [](const Endpoint&) {};
    Status deleted = session.ChangeAll(what, *brokers, quiet, &net::AdminStub::DeleteTopic, topic);
    if (deleted.ok()) {
      proto::DeleteTopicFromNamesrvRequestHeader header;
      header.topic = topic;
      header.cluster_name = cluster;
      deleted = session.ChangeAll(what, session.admin().name_servers(), quiet, &net::NamesrvStub::DeleteTopic,
                                  header);
    }
    if (!deleted.ok()) session.Warn(deleted);
  }
}

Status RunDeleteSubGroup(Session& session) {
  const std::string group = session.args().Text("groupName");
  const std::string cluster = session.args().Text("clusterName");
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  proto::DeleteSubscriptionGroupRequestHeader header;
  header.group_name = group;
  header.clean_offset = session.args().Bool("removeOffset", false);
  const std::string what = StrCat("delete the group ", group, header.clean_offset ? " with its offsets" : "");
  if (Status agreed = session.Confirm(what); !agreed.ok()) return agreed;
  const bool in_cluster = !session.args().Has("brokerAddr");
  const auto told = [&](const Endpoint& broker) {
    session.Did(StrCat("delete subscription group [", group, "] from broker [", broker.ToString(), "]",
                       in_cluster ? StrCat(" in cluster [", cluster, "]") : "", " success."));
  };
  const Status deleted = session.ChangeAll(what, *targets, told, &net::AdminStub::DeleteGroup, header);
  if (deleted.ok() && in_cluster) DeleteTopicsOfGroup(session, group, cluster);
  return deleted;
}

Status RunSetConsumeMode(Session& session) {
  proto::SetMessageRequestModeRequestBody body;
  body.topic = session.args().Text("topicName");
  body.consumer_group = session.args().Text("groupName");
  const std::string mode = session.args().Text("mode");
  body.mode = mode == "POP" ? proto::MessageRequestMode::kPop : proto::MessageRequestMode::kPull;
  body.pop_share_queue_num = static_cast<int32_t>(session.args().Number("popShareQueueNum", 0));
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  const auto told = [&session](const Endpoint& broker) {
    session.Did(StrCat("set consume mode to ", broker.ToString(), " success."));
  };
  const std::string text = StrCat("topic[", body.topic, "] group[", body.consumer_group, "] consume mode[",
                                  mode, "] popShareQueueNum[", body.pop_share_queue_num, "]");
  const Status changed =
      session.ChangeAll(StrCat("set ", text), *targets, told, &net::AdminStub::SetRequestMode, body);
  if (changed.ok()) session.Did(text);
  return changed;
}

Status RunUpdateSubGroupList(Session& session) {
  const std::string path = session.args().Text("filename");
  if (!session.env().files().Exists(path)) {
    return {StatusCode::kNotFound, StrCat("the file path ", path, " does not exists")};
  }
  const auto text = ReadWholeFile(session.env().files(), path, kFileBytesMax);
  if (!text.ok()) return text.status();
  const auto body =
      proto::DecodeBody<proto::SubscriptionGroupList>(StrCat("{\"groupConfigList\":", *text, "}"));
  if (!body.ok()) return body.status().Annotate(path);
  if (body->group_config_list.empty()) {
    return {StatusCode::kFailedPrecondition,
            StrCat(path, " holds no groups; it must be a JSON array of them")};
  }
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  const char* kind = session.args().Has("brokerAddr") ? "group" : "subscription group";
  const auto told = [&session, kind](const Endpoint& broker) {
    session.Did(StrCat("submit batch of ", kind, " config to ", broker.ToString(),
                       " success, please check the result later."));
  };
  return session.ChangeAll(StrCat("set ", body->group_config_list.size(), " groups"), *targets, told,
                           &net::AdminStub::UpdateGroups, *body);
}

constexpr OptionSpec kThisBroker = {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "only this broker"};
constexpr OptionSpec kThisCluster = {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf,
                                     "all masters of this cluster"};
constexpr OptionSpec kGroup = {"g", "groupName", ValueKind::kGroup, Need::kRequired, "the group"};

constexpr OptionSpec kUpdateSubGroup[] = {
    kThisBroker,
    kThisCluster,
    kGroup,
    {"s", "consumeEnable", ValueKind::kBool, Need::kOptional, "whether it may consume; true"},
    {"m", "consumeFromMinEnable", ValueKind::kBool, Need::kOptional, "start at the first message; false"},
    {"d", "consumeBroadcastEnable", ValueKind::kBool, Need::kOptional, "whether it may broadcast; false"},
    {"o", "consumeMessageOrderly", ValueKind::kBool, Need::kOptional, "whether it consumes in order; false"},
    {"q", "retryQueueNums", ValueKind::kInt, Need::kOptional, "queues of its retry topic; 1"},
    {"r", "retryMaxTimes", ValueKind::kInt, Need::kOptional, "tries before a message is a dead letter; 16"},
    {"p", "groupRetryPolicy", ValueKind::kText, Need::kOptional,
     "waits between tries, as JSON: {\"type\":\"EXPONENTIAL\",\"exponentialRetryPolicy\":{\"initial\":5000,"
     "\"max\":7200000,\"multiplier\":2}} or {\"type\":\"CUSTOMIZED\",\"customizedRetryPolicy\":{\"next\":"
     "[1000,5000]}}"},
    {"i", "brokerId", ValueKind::kLong, Need::kOptional, "the replica to consume from; 0"},
    {"w", "whichBrokerWhenConsumeSlowly", ValueKind::kLong, Need::kOptional,
     "the replica to consume from when far behind; 1"},
    {"a", "notifyConsumerIdsChanged", ValueKind::kBool, Need::kOptional,
     "tell members at once when one comes or goes; true"},
    {"", "attributes", ValueKind::kText, Need::kOptional, "attributes: +a=b sets, -c removes, ',' between"}};
constexpr OptionSpec kDeleteSubGroup[] = {
    kThisBroker,
    kThisCluster,
    kGroup,
    {"r", "removeOffset", ValueKind::kBool, Need::kOptional, "delete its offsets too; false"}};
constexpr OptionSpec kSetConsumeMode[] = {
    kThisBroker,
    kThisCluster,
    {"t", "topicName", ValueKind::kTopic, Need::kRequired, "the topic"},
    kGroup,
    {"m", "mode", ValueKind::kChoice, Need::kRequired, "how it gets messages", "PULL|POP"},
    {"q", "popShareQueueNum", ValueKind::kInt, Need::kOptional, "queues that members share under POP; 0"}};
constexpr OptionSpec kUpdateSubGroupList[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOneOf, "only this broker"},
    {"c", "clusterName", ValueKind::kCluster, Need::kOneOf, "all masters of this cluster"},
    {"f", "filename", ValueKind::kPath, Need::kRequired, "a JSON array of groups"}};

constexpr CommandSpec kCommands[] = {
    {"updateSubGroup", "consumer group", "Makes a consumer group or changes it", kUpdateSubGroup,
     "mqadmin updateSubGroup -c DefaultCluster -g billing -r 3", Effect::kChanges, Needs::kNothing,
     RunUpdateSubGroup},
    {"deleteSubGroup", "consumer group", "Deletes a consumer group", kDeleteSubGroup,
     "mqadmin deleteSubGroup -c DefaultCluster -g billing -r true", Effect::kDestroys, Needs::kNothing,
     RunDeleteSubGroup},
    {"setConsumeMode", "consumer group", "Chooses PULL or POP for a group and topic", kSetConsumeMode,
     "mqadmin setConsumeMode -c DefaultCluster -t orders -g billing -m POP -q 2", Effect::kChanges,
     Needs::kNothing, RunSetConsumeMode},
    {"updateSubGroupList", "consumer group", "Makes or changes many groups at once", kUpdateSubGroupList,
     "mqadmin updateSubGroupList -c DefaultCluster -f groups.json", Effect::kChanges, Needs::kNothing,
     RunUpdateSubGroupList},
};

}  // namespace

std::span<const CommandSpec> GroupChangeCommands() { return kCommands; }

}  // namespace orbitmq::tools

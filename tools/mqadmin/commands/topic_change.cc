// SPDX-License-Identifier: Apache-2.0
// Commands that make, change and delete topics.
#include "common/names.h"
#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/order_conf.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

// Java's clients name it as the topic to take defaults from.
constexpr char kDefaultTopic[] = "TBW102";
constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;

Result<proto::CreateTopicRequestHeader> HeaderOf(const proto::TopicConfig& topic) {
  if (topic.read_queue_nums < 0 || topic.write_queue_nums < 0) {
    return UsageError("a topic has no less than 0 queues");
  }
  proto::CreateTopicRequestHeader header;
  header.topic = topic.topic_name;
  header.default_topic = kDefaultTopic;
  header.read_queue_nums = topic.read_queue_nums;
  header.write_queue_nums = topic.write_queue_nums;
  header.perm = topic.perm;
  header.topic_filter_type = proto::EnumName(topic.topic_filter_type);
  header.topic_sys_flag = topic.topic_sys_flag;
  header.order = topic.order;
  for (const auto& [key, value] : topic.attributes) {
    StrAppend(header.attributes, header.attributes.empty() ? "" : ",", key, value.empty() ? "" : "=", value);
  }
  return header;
}

void TellTopic(Session& session, const proto::TopicConfig& topic) {
  if (session.dry_run()) return;
  session.out().Line(TopicConfigText(topic));
  session.out().Member("topicConfig", proto::EncodeBody(topic, proto::JsonStyle::kStandard));
}

Result<proto::TopicConfig> TopicFromOptions(const Arguments& args) {
  proto::TopicConfig topic;
  topic.topic_name = args.Text("topic");
  topic.read_queue_nums = static_cast<int32_t>(args.Number("readQueueNums", 8));
  topic.write_queue_nums = static_cast<int32_t>(args.Number("writeQueueNums", 8));
  topic.perm = static_cast<int32_t>(args.Number("perm", proto::kPermRead | proto::kPermWrite));
  topic.order = args.Bool("order", false);
  topic.topic_sys_flag = (args.Bool("unit", false) ? 1 : 0) | (args.Bool("hasUnitSub", false) ? 2 : 0);
  if (args.Has("attributes")) {
    auto attributes = ParseAttributes(args.Text("attributes"));
    if (!attributes.ok()) return attributes.status();
    topic.attributes = *std::move(attributes);
  }
  return topic;
}

// With -o true: tells the NameServers how many queues each broker has.
Status SetOrderOf(Session& session, const proto::TopicConfig& topic) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  if (session.args().Has("clusterName")) {
    const std::string cluster = session.args().Text("clusterName");
    const auto brokers = view->cluster_addr_table.find(cluster);
    if (brokers == view->cluster_addr_table.end()) {
      return {StatusCode::kNotFound, StrCat("the NameServer does not know the cluster ", Printable(cluster),
                                            " any more, so it cannot be told the topic's order")};
    }
    std::string conf;
    for (const std::string& name : brokers->second) {
      StrAppend(conf, conf.empty() ? "" : ";", name, ":", topic.write_queue_nums);
    }
    const Status put = PutOrderConf(session, topic.topic_name, conf);
    if (put.ok()) session.Did(StrCat("set cluster orderConf. isOrder=true, orderConf=[", conf, "]"));
    return put;
  }
  for (const auto& [name, broker] : view->broker_addr_table) {
    for (const auto& [id, address] : broker.broker_addrs) {
      if (address != session.args().Text("brokerAddr")) continue;
      const Status put = MergeOrderConf(session, topic.topic_name, name, topic.write_queue_nums);
      if (put.ok()) {
        session.Did(StrCat("set broker orderConf. isOrder=true, orderConf=[", name, ":",
                           topic.write_queue_nums, "]"));
      }
      return put;
    }
  }
  return {StatusCode::kNotFound,
          StrCat("the NameServer knows no broker at ", session.args().Text("brokerAddr"),
                 ", so it cannot be told the topic's order")};
}

Status RunUpdateTopic(Session& session) {
  const auto topic = TopicFromOptions(session.args());
  if (!topic.ok()) return topic.status();
  const auto header = HeaderOf(*topic);
  if (!header.ok()) return header.status();
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  const auto told = [&session](const Endpoint& broker) {
    session.Did(StrCat("create topic to ", broker.ToString(), " success."));
  };
  Status changed = session.ChangeAll(StrCat("set topic ", TopicConfigText(*topic)), *targets, told,
                                     &net::AdminStub::UpdateTopic, *header);
  if (changed.ok() && topic->order) changed = SetOrderOf(session, *topic);
  if (changed.ok()) TellTopic(session, *topic);
  return changed;
}

Status RunDeleteTopic(Session& session) {
  const std::string topic = session.args().Text("topic");
  const std::string cluster = session.args().Text("clusterName");
  const auto masters = session.MastersOf(cluster);
  if (!masters.ok()) return masters.status();
  if (Status agreed =
          session.Confirm(StrCat("delete the topic ", topic, " and its messages from the cluster ", cluster));
      !agreed.ok()) {
    return agreed;
  }
  const std::string what = StrCat("delete topic ", topic);
  const auto quiet = [](const Endpoint&) {};
  Status deleted = session.ChangeAll(what, *masters, quiet, &net::AdminStub::DeleteTopic, topic);
  if (!deleted.ok()) return deleted;
  session.Did(StrCat("delete topic [", topic, "] from cluster [", cluster, "] success."));
  proto::DeleteTopicFromNamesrvRequestHeader header;
  header.topic = topic;
  header.cluster_name = cluster;
  deleted =
      session.ChangeAll(what, session.admin().name_servers(), quiet, &net::NamesrvStub::DeleteTopic, header);
  if (deleted.ok()) session.Did(StrCat("delete topic [", topic, "] from NameServer success."));
  return deleted;
}

// The topic as the route tells it for a broker, and the permission it has there now.
Result<proto::TopicConfig> TopicFromRoute(const proto::TopicRouteData& route, const std::string& topic,
                                          const std::string& broker) {
  for (const proto::QueueData& queue : route.queue_datas) {
    if (!broker.empty() && queue.broker_name != broker) continue;
    proto::TopicConfig config;
    config.topic_name = topic;
    config.read_queue_nums = queue.read_queue_nums;
    config.write_queue_nums = queue.write_queue_nums;
    config.topic_sys_flag = queue.topic_sys_flag;
    config.perm = queue.perm;
    return config;
  }
  return Status(StatusCode::kNotFound, StrCat("the route of ", topic, " names no queues",
                                              broker.empty() ? "" : StrCat(" of the broker ", broker)));
}

Status RunUpdateTopicPerm(Session& session) {
  const std::string name = session.args().Text("topic");
  const auto route = session.Route(name);
  if (!route.ok()) return route.status();
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  std::string broker_name;
  if (session.args().Has("brokerAddr")) {
    for (const proto::BrokerData& broker : route->broker_datas) {
      if (MasterAddress(broker) == targets->front()) broker_name = broker.broker_name;
    }
    if (broker_name.empty()) {
      return {StatusCode::kNotFound, "updateTopicPerm error broker not exit or broker is not master!"};
    }
  }
  auto topic = TopicFromRoute(*route, name, broker_name);
  if (!topic.ok()) return topic.status();
  const int32_t old_perm = topic->perm;
  topic->perm = static_cast<int32_t>(session.args().Number("perm", 0));
  if (!broker_name.empty() && topic->perm == old_perm) {
    session.out().Message("new perm equals to the old one!");
    return {};
  }
  const auto header = HeaderOf(*topic);
  if (!header.ok()) return header.status();
  const auto told = [&](const Endpoint& broker) {
    session.Did(StrCat("update topic perm from ", old_perm, " to ", topic->perm, " in ", broker.ToString(),
                       " success."));
  };
  const Status changed = session.ChangeAll(StrCat("set topic ", TopicConfigText(*topic)), *targets, told,
                                           &net::AdminStub::UpdateTopic, *header);
  if (changed.ok() && !broker_name.empty()) session.Did(StrCat(TopicConfigText(*topic), "."));
  return changed;
}

Status RunUpdateOrderConf(Session& session) {
  const std::string topic = session.args().Text("topic");
  const std::string method = session.args().Text("method");
  if (method == "get") {
    const auto conf = GetOrderConf(session, topic);
    if (!conf.ok()) return conf.status();
    session.out().Fact("orderConf", *conf,
                       StrCat("get orderConf success. topic=[", topic, "], orderConf=[", *conf, "] "));
    return {};
  }
  if (method == "put") {
    const std::string conf = session.args().Text("orderConf");
    if (conf.empty()) return UsageError("please set orderConf with option -v, as broker-a:4;broker-b:4");
    const Status put = PutOrderConf(session, topic, conf);
    if (put.ok()) {
      session.Did(StrCat("update orderConf success. topic=[", topic, "], orderConf=[", conf, "]"));
    }
    return put;
  }
  const Status deleted = DeleteOrderConf(session, topic);
  if (deleted.ok()) session.Did(StrCat("delete orderConf success. topic=[", topic, "]"));
  return deleted;
}

Status RunUpdateTopicList(Session& session) {
  const std::string path = session.args().Text("filename");
  if (!session.env().files().Exists(path)) {
    return {StatusCode::kNotFound, StrCat("the file path ", path, " does not exists")};
  }
  const auto text = ReadWholeFile(session.env().files(), path, kFileBytesMax);
  if (!text.ok()) return text.status();
  auto body =
      proto::DecodeBody<proto::CreateTopicListRequestBody>(StrCat("{\"topicConfigList\":", *text, "}"));
  if (!body.ok()) return body.status().Annotate(path);
  if (body->topic_config_list.empty()) {
    return {StatusCode::kFailedPrecondition,
            StrCat(path, " holds no topics; it must be a JSON array of them")};
  }
  const auto targets = session.Targets("brokerAddr", "clusterName");
  if (!targets.ok()) return targets.status();
  const auto told = [&session](const Endpoint& broker) {
    session.Did(StrCat("submit batch of topic config to ", broker.ToString(),
                       " success, please check the result later."));
  };
  return session.ChangeAll(StrCat("set ", body->topic_config_list.size(), " topics"), *targets, told,
                           &net::AdminStub::UpdateTopics, *body);
}

constexpr OptionSpec kTopicOption = {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"};
constexpr OptionSpec kOneBroker = {"b", "brokerAddr", ValueKind::kAddress, Need::kOneOf, "only this broker"};
constexpr OptionSpec kOneCluster = {"c", "clusterName", ValueKind::kCluster, Need::kOneOf,
                                    "all masters of this cluster"};

constexpr OptionSpec kUpdateTopic[] = {
    kOneBroker,
    kOneCluster,
    {"a", "attributes", ValueKind::kText, Need::kOptional, "attributes: +a=b sets, -c removes, ',' between"},
    kTopicOption,
    {"r", "readQueueNums", ValueKind::kInt, Need::kOptional, "queues to read from; 8"},
    {"w", "writeQueueNums", ValueKind::kInt, Need::kOptional, "queues to write to; 8"},
    {"p", "perm", ValueKind::kPerm, Need::kOptional, "2 write, 4 read, 6 both, 0 neither; 6"},
    {"o", "order", ValueKind::kBool, Need::kOptional, "whether the order of messages matters; false"},
    {"u", "unit", ValueKind::kBool, Need::kOptional, "whether it is a unit topic; false"},
    {"s", "hasUnitSub", ValueKind::kBool, Need::kOptional, "whether units subscribe to it; false"}};
constexpr OptionSpec kDeleteTopic[] = {
    kTopicOption,
    {"c", "clusterName", ValueKind::kCluster, Need::kRequired, "the cluster to delete it from"}};
constexpr OptionSpec kUpdateTopicPerm[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "only this master"},
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "all masters of this cluster"},
    kTopicOption,
    {"p", "perm", ValueKind::kPerm, Need::kRequired, "2 write, 4 read, 6 both, 0 neither"}};
constexpr OptionSpec kUpdateOrderConf[] = {
    kTopicOption,
    {"v", "orderConf", ValueKind::kText, Need::kOptional, "for put: broker:queues;broker:queues"},
    {"m", "method", ValueKind::kChoice, Need::kRequired, "what to do", "get|put|delete"}};
constexpr OptionSpec kUpdateTopicList[] = {
    kOneBroker, kOneCluster, {"f", "filename", ValueKind::kPath, Need::kRequired, "a JSON array of topics"}};

constexpr CommandSpec kCommands[] = {
    {"updateTopic", "topic", "Makes a topic or changes it", kUpdateTopic,
     "mqadmin updateTopic -c DefaultCluster -t orders -r 8 -w 8", Effect::kChanges, Needs::kNameServer,
     RunUpdateTopic},
    {"deleteTopic", "topic", "Deletes a topic from brokers and NameServers", kDeleteTopic,
     "mqadmin deleteTopic -c DefaultCluster -t orders --yes", Effect::kDestroys, Needs::kNameServer,
     RunDeleteTopic},
    {"updateTopicPerm", "topic", "Changes the permission of a topic", kUpdateTopicPerm,
     "mqadmin updateTopicPerm -c DefaultCluster -t orders -p 4", Effect::kChanges, Needs::kNameServer,
     RunUpdateTopicPerm},
    {"updateOrderConf", "topic", "Shows, sets or deletes how many ordered queues each broker has",
     kUpdateOrderConf, "mqadmin updateOrderConf -t orders -m put -v 'broker-a:4;broker-b:4'",
     Effect::kChanges, Needs::kNameServer, RunUpdateOrderConf},
    {"updateTopicList", "topic", "Makes or changes many topics at once", kUpdateTopicList,
     "mqadmin updateTopicList -c DefaultCluster -f topics.json", Effect::kChanges, Needs::kNameServer,
     RunUpdateTopicList},
};

}  // namespace

std::span<const CommandSpec> TopicChangeCommands() { return kCommands; }

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/data_version.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/register_broker.h"
#include "remoting/protocol/route.h"
#include "remoting/protocol/running_info.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

// Every body there is; a new one is added here.
using AllBodies =
    std::tuple<BrokerStatsData, CheckClientRequestBody, ClusterInfo, ConsumeMessageDirectlyResult,
               ConsumeStats, ConsumeStatsList, ConsumerConnection, ConsumerOffsetSerializeWrapper,
               ConsumerRunningInfo, CreateTopicListRequestBody, DataVersion, DelayOffsetSerializeWrapper,
               GetBrokerMemberGroupResponseBody, GetConsumerListByGroupResponseBody, GetConsumerStatusBody,
               GroupForbidden, GroupList, HARuntimeInfo, HeartbeatData, KVTable, LockBatchRequestBody,
               LockBatchResponseBody, MessageRequestModeSerializeWrapper, ProducerConnection,
               ProducerTableInfo, QueryAssignmentRequestBody, QueryAssignmentResponseBody,
               QueryConsumeQueueResponseBody, QueryConsumeTimeSpanBody, QueryCorrectionOffsetBody,
               QuerySubscriptionResponseBody, RegisterBrokerBody, ResetOffsetBody, ResetOffsetBodyForC,
               SetMessageRequestModeRequestBody, SubscriptionGroupConfig, SubscriptionGroupList,
               SubscriptionGroupWrapper, TopicConfig, TopicConfigAndMappingSerializeWrapper,
               TopicConfigAndQueueMapping, TopicConfigSerializeWrapper, TopicList, TopicQueueMappingDetail,
               TopicQueueMappingInfo, TopicRouteData, TopicStatsTable, UnlockBatchRequestBody>;

// Gives every member a value of its own.
class Filler final {
 public:
  template <class T>
  T Filled() {
    T value{};
    Fill(value);
    return value;
  }

 private:
  void Fill(std::string& value) { value = "text \xC3\xA9 " + std::to_string(++next_); }
  void Fill(bool& value) { value = !value; }
  void Fill(int32_t& value) { value = -(++next_); }
  void Fill(int64_t& value) { value = (int64_t{1} << 53) + ++next_; }
  void Fill(double& value) { value = ++next_ + 0.25; }
  template <NamedEnum E>
  void Fill(E& value) {
    value = EnumNames<E>::kNames[1].first;
  }
  template <class T>
  void Fill(std::optional<T>& value) {
    Fill(value.emplace());
  }
  template <class T>
  void Fill(std::vector<T>& value) {
    value = {Filled<T>(), Filled<T>()};
  }
  template <class T>
  void Fill(std::set<T>& value) {
    value = {Filled<T>(), Filled<T>()};
  }
  template <class K, class V>
  void Fill(std::map<K, V>& value) {
    value.emplace(Filled<K>(), Filled<V>());
    value.emplace(Filled<K>(), Filled<V>());
  }
  template <HasFieldTable T>
  void Fill(T& value) {
    ForEachField(value, [this](const auto&, auto& member) {
      this->Fill(member);
      return true;
    });
  }
  int next_ = 0;
};

// One body type without its type, so that the checks are compiled once and not for each of them.
struct BodyCase {
  struct MemberCase {
    std::string name;
    Presence presence;
    bool enumeration;
  };
  std::vector<MemberCase> members;
  std::function<std::string(JsonStyle)> encode;
  std::function<Status(std::string_view)> decode;
  std::function<bool(std::string_view)> reads_back;
  // What is decoded, encoded again.
  std::function<std::string(std::string_view, JsonStyle)> encode_again;
};

template <class T>
BodyCase MakeBodyCase() {
  const T body = Filler().Filled<T>();
  BodyCase made;
  ForEachField(body, [&made]<class M>(const auto& entry, const M&) {
    made.members.push_back({std::string(entry.name.view()), entry.presence, NamedEnum<M>});
    return true;
  });
  made.encode = [body](JsonStyle style) { return EncodeBody(body, style); };
  made.decode = [](std::string_view json) { return DecodeBody<T>(json).status(); };
  made.reads_back = [body](std::string_view json) {
    const auto decoded = DecodeBody<T>(json);
    return decoded.ok() && *decoded == body;
  };
  made.encode_again = [](std::string_view json, JsonStyle style) {
    const auto decoded = DecodeBody<T>(json);
    return decoded.ok() ? EncodeBody(*decoded, style) : decoded.status().ToString();
  };
  return made;
}

template <class... T>
std::vector<BodyCase> MakeBodyCases(std::type_identity<std::tuple<T...>>) {
  std::vector<BodyCase> made;
  (made.push_back(MakeBodyCase<T>()), ...);
  return made;
}
const std::vector<BodyCase>& BodyCases() {
  static const std::vector<BodyCase> cases = MakeBodyCases(std::type_identity<AllBodies>());
  return cases;
}

TEST(BodyTest, EveryBody_InEveryStyle_RoundTrips) {
  for (const BodyCase& body : BodyCases()) {
    for (JsonStyle style : {JsonStyle::kFastjson, JsonStyle::kStandard, JsonStyle::kPretty}) {
      const std::string json = body.encode(style);
      ASSERT_TRUE(body.decode(json).ok()) << body.decode(json).ToString() << json;
      EXPECT_TRUE(body.reads_back(json)) << json;
      EXPECT_EQ(body.encode_again(json, style), json);
    }
  }
}

TEST(BodyTest, EveryBody_EveryCut_IsCorrupt) {
  for (const BodyCase& body : BodyCases()) {
    const std::string json = body.encode(JsonStyle::kFastjson);
    for (size_t cut = 0; cut < json.size(); ++cut) {
      ASSERT_EQ(body.decode(std::string_view(json).substr(0, cut)).code(), StatusCode::kCorrupt)
          << json.substr(0, cut);
    }
  }
}

TEST(BodyTest, EveryBody_OfTheWrongKind_IsCorrupt) {
  for (const BodyCase& body : BodyCases()) {
    for (const char* json : {"[]", "1", "\"x\"", "true", "null"}) {
      EXPECT_EQ(body.decode(json).code(), StatusCode::kCorrupt) << json;
    }
  }
}

// Each member in turn becomes null, then a value of another kind: the first is a default, the second an error
// that names the member (enums fall back, strings take any scalar).
TEST(BodyTest, EveryBody_MembersNullOrWrong_AreDefaultsOrNamed) {
  for (const BodyCase& body : BodyCases()) {
    const std::string json = body.encode(JsonStyle::kFastjson);
    const std::string head = json.substr(0, json.size() - 1);
    for (const auto& member : body.members) {
      EXPECT_EQ(body.decode(StrCat(head, ",\"", member.name, "\":null}")).ok(),
                member.presence == Presence::kOptional)
          << member.name;
      if (member.enumeration) continue;
      const Status wrong = body.decode(StrCat(head, ",\"", member.name, "\":[[{}]]}"));
      if (wrong.ok()) continue;  // Optional enums.
      EXPECT_EQ(wrong.code(), StatusCode::kCorrupt);
      EXPECT_NE(wrong.text().find(member.name), std::string_view::npos) << wrong.text();
    }
  }
}

TEST(BodyTest, Errors_NameThePath) {
  auto body = DecodeBody<HeartbeatData>(
      R"({"clientID":"c","consumerDataSet":[{"groupName":"g"},{"groupName":"h","subscriptionDataSet":)"
      R"([{"topic":"T","subVersion":"x1"}]}]})");
  ASSERT_FALSE(body.ok());
  EXPECT_EQ(body.status().text(), "consumerDataSet[1].subscriptionDataSet[0].subVersion: expected an int64");
  EXPECT_EQ(DecodeBody<HeartbeatData>("{}").status().text(), "clientID: expected a value");
  EXPECT_EQ(DecodeBody<TopicConfig>(R"({"perm":2147483648})").status().text(), "perm: expected an int32");
  EXPECT_EQ(
      DecodeBody<ClusterInfo>(R"({"brokerAddrTable":{"b0":{"brokerAddrs":{"x":"a"}}}})").status().text(),
      "brokerAddrTable.b0.brokerAddrs: expected an int64");
}

TEST(BodyTest, Route_Styles_DifferAsTheVersionsDo) {
  TopicRouteData route;
  route.broker_datas.push_back({.broker_addrs = {{0, "10.0.0.1:10911"}, {1, "10.0.0.2:10911"}},
                                .broker_name = "b0",
                                .cluster = "c\xC3\xA9"});
  route.queue_datas.push_back({.broker_name = "b0", .perm = 6, .read_queue_nums = 8, .write_queue_nums = 8});
  EXPECT_EQ(EncodeBody(route, JsonStyle::kStandard),
            R"({"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},"brokerName":"b0",)"
            R"("cluster":"c\u00E9","enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{)"
            R"("brokerName":"b0","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]})");
  EXPECT_NE(EncodeBody(route).find(R"("brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"})"),
            std::string::npos);
}

TEST(BodyTest, Heartbeat_OfTheCppClient_IsRead) {
  auto body = DecodeBody<HeartbeatData>(
      R"({"clientID":"10.0.0.9@1","consumerDataSet":[{"consumeFromWhere":4,"consumeType":1,"groupName":"g",)"
      R"("messageModel":0,"subscriptionDataSet":[{"subString":"A","subVersion":"123","topic":"T",)"
      R"("codeSet":["65"],"tagsSet":["A"]}]}],"producerDataSet":null})"
      "\n");
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  const ConsumerData& consumer = body->consumer_data_set.at(0);
  EXPECT_EQ(consumer.consume_from_where, ConsumeFromWhere::kConsumeFromFirstOffset);
  EXPECT_EQ(consumer.consume_type, ConsumeType::kConsumePassively);
  EXPECT_EQ(consumer.message_model, MessageModel::kBroadcasting);
  EXPECT_EQ(consumer.subscription_data_set.at(0).sub_version, 123);
  EXPECT_EQ(consumer.subscription_data_set.at(0).code_set, std::set<int32_t>{65});
  EXPECT_EQ(consumer.subscription_data_set.at(0).expression_type, "TAG");
}

TEST(BodyTest, Enums_UnknownNameOrOrdinal_KeepTheDefault) {
  auto body = DecodeBody<ConsumerConnection>(
      R"({"connectionSet":[{"language":"COBOL"},{"language":1},{"language":99}],"consumeType":"SOMEHOW"})");
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(body->connection_set.at(0).language, Language::kUnknown);
  EXPECT_EQ(body->connection_set.at(1).language, Language::kCpp);
  EXPECT_EQ(body->connection_set.at(2).language, Language::kUnknown);
  EXPECT_FALSE(body->consume_type.has_value());
  EXPECT_EQ(EncodeBody(*body).find("language\":\"\""), std::string::npos) << "no empty names are written";
}

TEST(BodyTest, ResetOffset_EveryForm_IsRead) {
  const MessageQueue queue{.topic = "t", .broker_name = "b", .queue_id = 2};
  for (const char* json :
       {R"({"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:100}})",
        R"({"offsetTable":[{"brokerName":"b","offset":100,"queueId":2,"topic":"t"}]})",
        R"({"offsetTable":[[{"brokerName":"b","queueId":2,"topic":"t"},100]]})",
        R"({"offsetTable":{"{\"brokerName\":\"b\",\"queueId\":2,\"topic\":\"t\"}":100}})"}) {
    auto body = DecodeBody<ResetOffsetBody>(json);
    ASSERT_TRUE(body.ok()) << body.status().ToString();
    EXPECT_EQ(body->offset_table, (std::map<MessageQueue, int64_t>{{queue, 100}})) << json;
  }
  for (const char* json :
       {R"({"offsetTable":[1]})", R"({"offsetTable":[[1,2,3]]})", R"({"offsetTable":{"x":1}})",
        R"({"offsetTable":[{"brokerName":"b","queueId":2,"topic":"t"}]})"}) {
    EXPECT_FALSE(DecodeBody<ResetOffsetBody>(json).ok()) << json;
  }
  ResetOffsetBodyForC list;
  list.offset_table.push_back({.broker_name = "b", .offset = 100, .queue_id = 2, .topic = "t"});
  EXPECT_EQ(EncodeBody(list), R"({"offsetTable":[{"brokerName":"b","offset":100,"queueId":2,"topic":"t"}]})");
}

TEST(BodyTest, Assignment_AbsentAndEmpty_AreTold) {
  EXPECT_FALSE(DecodeBody<QueryAssignmentResponseBody>("{}")->message_queue_assignments.has_value());
  auto empty = DecodeBody<QueryAssignmentResponseBody>(R"({"messageQueueAssignments":[]})");
  ASSERT_TRUE(empty->message_queue_assignments.has_value());
  EXPECT_TRUE(empty->message_queue_assignments->empty());
}

TEST(BodyTest, ConfigFiles_OfOlderReleases_AreRead) {
  // 4.x: no stateVersion, no attributes.
  auto topics = DecodeBody<TopicConfigSerializeWrapper>(
      "{\n\t\"dataVersion\":{\n\t\t\"counter\":3,\n\t\t\"timestamp\":1700000000000\n\t},\n"
      "\t\"topicConfigTable\":{\n\t\t\"T\":{\n\t\t\t\"order\":false,\n\t\t\t\"perm\":6,\n"
      "\t\t\t\"readQueueNums\":8,\n\t\t\t\"topicFilterType\":\"MULTI_TAG\",\n\t\t\t\"topicName\":\"T\",\n"
      "\t\t\t\"topicSysFlag\":0,\n\t\t\t\"writeQueueNums\":8\n\t\t}\n\t}\n}");
  ASSERT_TRUE(topics.ok()) << topics.status().ToString();
  EXPECT_EQ(topics->data_version.counter, 3);
  EXPECT_EQ(topics->topic_config_table.at("T").topic_filter_type, TopicFilterType::kMultiTag);
  auto offsets = DecodeBody<ConsumerOffsetSerializeWrapper>(
      "{\n\t\"offsetTable\":{\n\t\t\"T@g\":{0:1520,1:1498\n\t\t},\"U@g\":{\"3\":\"7\"}\n\t}\n}");
  ASSERT_TRUE(offsets.ok()) << offsets.status().ToString();
  EXPECT_EQ(offsets->offset_table.at("T@g").at(1), 1498);
  EXPECT_EQ(offsets->offset_table.at("U@g").at(3), 7);
  EXPECT_FALSE(offsets->data_version.has_value());
  auto delays = DecodeBody<DelayOffsetSerializeWrapper>(R"({"offsetTable":{1:35,2:0,5:4}})");
  ASSERT_TRUE(delays.ok());
  EXPECT_EQ(delays->offset_table, (std::map<int32_t, int64_t>{{1, 35}, {2, 0}, {5, 4}}));
}

TEST(BodyTest, SubscriptionGroup_Defaults_AreApaches) {
  EXPECT_EQ(EncodeBody(SubscriptionGroupConfig{.group_name = "g1"}),
            R"({"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,)"
            R"("consumeFromMinEnable":true,"consumeMessageOrderly":false,"consumeTimeoutMinute":15,)"
            R"("groupName":"g1","groupRetryPolicy":{"type":"CUSTOMIZED"},"groupSysFlag":0,)"
            R"("notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,)"
            R"("whichBrokerWhenConsumeSlowly":1})");
}

TEST(BodyTest, DataVersion_Equality_TakesAllThree) {
  const DataVersion version{.counter = 1, .state_version = 2, .timestamp = 3};
  EXPECT_TRUE((version == DataVersion{.counter = 1, .state_version = 2, .timestamp = 3}));
  EXPECT_FALSE((version == DataVersion{.counter = 2, .state_version = 2, .timestamp = 3}));
  EXPECT_FALSE((version == DataVersion{.counter = 1, .state_version = 0, .timestamp = 3}));
  EXPECT_FALSE((version == DataVersion{.counter = 1, .state_version = 2, .timestamp = 4}));
}

}  // namespace
}  // namespace orbitmq::proto

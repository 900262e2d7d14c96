// SPDX-License-Identifier: Apache-2.0
// Offsets, clients, administration and life cycle of a whole broker.
#include <algorithm>

#include "broker/handler_table.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class BrokerTest : public BrokerFixture {
 protected:
  template <class H>
  static H Group(const std::string& group) {
    H header;
    header.consumer_group = group;
    return header;
  }
};

TEST_F(BrokerTest, HandlerTable_EveryOtherCode_IsNotSupported) {
  Start();
  for (const int32_t code : RefusedCodes()) {
    const Command reply = caller_->Plain(code);
    EXPECT_EQ(reply.code, ResponseCode::kRequestCodeNotSupported) << code;
    EXPECT_NE(reply.remark.find(" request type " + std::to_string(code) + " not supported"),
              std::string::npos);
  }
  EXPECT_EQ(caller_->Plain(31337).code, ResponseCode::kRequestCodeNotSupported);
}

TEST_F(BrokerTest, HandlerTable_EmptyRequests_NeverCrashOrHang) {
  Start();
  for (const HandlerRow& row : HandlerTable()) {
    EXPECT_NE(caller_->Plain(row.code).code, -1) << row.code;
    EXPECT_NE(caller_->Plain(row.code, "{\"broken").code, -1) << row.code;
  }
}

TEST_F(BrokerTest, Offsets_CommitAndQuery_FollowApachesRules) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_EQ(CommitOffset("T", 1, "Nobody").code, ResponseCode::kSubscriptionGroupNotExist);
  (void)Pull({});  // Creates the group.
  EXPECT_EQ(CommitOffset("Nope", 1).code, ResponseCode::kTopicNotExist);
  EXPECT_EQ(Offset("T"), std::nullopt);
  EXPECT_EQ(CommitOffset("T", 7).code, ResponseCode::kSuccess);
  EXPECT_EQ(Offset("T"), 7);
  EXPECT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
  EXPECT_EQ(Offset("T"), 3);
  EXPECT_EQ(CommitOffset("T", -3).code, ResponseCode::kInvalidParameter);
  proto::QueryConsumerOffsetRequestHeader fresh;
  fresh.consumer_group = "NewGroup";
  fresh.topic = "T";
  const Command zero = caller_->Call(RequestCode::kQueryConsumerOffset, fresh);
  EXPECT_EQ(zero.code, ResponseCode::kSuccess);
  EXPECT_EQ(*zero.ext.Find("offset"), "0");
  Command no_queue = proto::MakeRequest(RequestCode::kUpdateConsumerOffset,
                                        Group<proto::GetConsumerListByGroupRequestHeader>("G"));
  EXPECT_EQ(caller_->Call(std::move(no_queue)).code, ResponseCode::kInvalidParameter);
}

TEST_F(BrokerTest, Offsets_GroupThatOnlyPulled_IsNoConsumerOfTheTopic) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  proto::QueryTopicConsumeByWhoRequestHeader who;
  who.topic = "T";
  const auto groups = [&] {
    return BodyOf<proto::GroupList>(caller_->Call(RequestCode::kQueryTopicConsumeByWho, who)).group_list;
  };
  EXPECT_TRUE(groups().empty());
  ASSERT_EQ(CommitOffset("T", 1).code, ResponseCode::kSuccess);
  EXPECT_EQ(groups().size(), 1u);
}

TEST_F(BrokerTest, Offsets_Restart_KeepsThemAndClampsWhatLiesBeyondTheEnd) {
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 2).code, ResponseCode::kSuccess);
  Stop();
  Start();
  EXPECT_EQ(Offset("T"), 2);
  ASSERT_EQ(CommitOffset("T", 50).code, ResponseCode::kSuccess);
  Stop();
  Start();
  EXPECT_EQ(Offset("T"), 3);
}

TEST_F(BrokerTest, Offsets_ClampedThenCrashed_StayClamped) {
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 6).code, ResponseCode::kSuccess);
  Stop();
  Start();
  // The queue grows past the old offset before the periodic save would have written the lowered one.
  for (int i = 0; i < 8; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(600));
  Crash();
  Start();
  EXPECT_EQ(Offset("T"), 3);
}

TEST_F(BrokerTest, Offsets_OfPulls_AreForgottenAtARestart) {
  using Queues = std::map<std::string, proto::QueueOffsetMap>;
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({.offset = 1}).code, ResponseCode::kPullNotFound);
  ASSERT_EQ(CommitOffset("T", 1).code, ResponseCode::kSuccess);
  const auto all = [&] {
    return BodyOf<proto::ConsumerOffsetSerializeWrapper>(caller_->Plain(RequestCode::kGetAllConsumerOffset));
  };
  EXPECT_EQ(all().pull_offset_table.value_or(Queues{}).at("T@G").at(0), 1);
  Stop();
  Start();
  EXPECT_TRUE(all().pull_offset_table.value_or(Queues{}).empty());
  EXPECT_EQ(all().offset_table.at("T@G").at(0), 1);
}

TEST_F(BrokerTest, QueueOffsets_MaxMinSearchEarliest_Answer) {
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  proto::GetMaxOffsetRequestHeader max;
  max.topic = "T";
  EXPECT_EQ(*caller_->Call(RequestCode::kGetMaxOffset, max).ext.Find("offset"), "3");
  proto::GetMinOffsetRequestHeader min;
  min.topic = "T";
  EXPECT_EQ(*caller_->Call(RequestCode::kGetMinOffset, min).ext.Find("offset"), "0");
  proto::SearchOffsetRequestHeader search;
  search.topic = "T";
  search.timestamp = 1;
  EXPECT_EQ(*caller_->Call(RequestCode::kSearchOffsetByTimestamp, search).ext.Find("offset"), "0");
  proto::GetEarliestMsgStoretimeRequestHeader earliest;
  earliest.topic = "T";
  EXPECT_GT(std::stoll(*caller_->Call(RequestCode::kGetEarliestMsgStoretime, earliest).ext.Find("timestamp")),
            0);
  earliest.queue_id = 3;
  EXPECT_EQ(*caller_->Call(RequestCode::kGetEarliestMsgStoretime, earliest).ext.Find("timestamp"), "-1");
}

TEST_F(BrokerTest, Clients_JoinAndLeave_NotifiesTheMembers) {
  Start();
  const auto told = caller_->Expect(RequestCode::kNotifyConsumerIdsChanged, std::nullopt);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  auto other = NewCaller("other", "10.0.0.3");
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T").code, ResponseCode::kSuccess);
  EXPECT_EQ(*told, 1) << "the client itself is told, before its heartbeat is answered";
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T").code, ResponseCode::kSuccess);
  EXPECT_EQ(*told, 1) << "nothing changed";
  ASSERT_EQ(Heartbeat(*other, "c2", "G", "T").code, ResponseCode::kSuccess);
  Run(milliseconds(500));
  EXPECT_EQ(*told, 2);
  const auto list = [&] {
    const Command reply = caller_->Call(RequestCode::kGetConsumerListByGroup,
                                        Group<proto::GetConsumerListByGroupRequestHeader>("G"));
    return BodyOf<proto::GetConsumerListByGroupResponseBody>(reply).consumer_id_list;
  };
  EXPECT_EQ(list(), (std::vector<std::string>{"c1", "c2"}));
  other.reset();
  Run(seconds(1));
  EXPECT_EQ(*told, 3);
  EXPECT_EQ(list(), (std::vector<std::string>{"c1"}));
  proto::UnregisterClientRequestHeader leave;
  leave.client_id = "c1";
  leave.consumer_group = "G";
  EXPECT_EQ(caller_->Call(RequestCode::kUnregisterClient, leave).code, ResponseCode::kSuccess);
  EXPECT_EQ(
      caller_
          ->Call(RequestCode::kGetConsumerListByGroup, Group<proto::GetConsumerListByGroupRequestHeader>("G"))
          .code,
      ResponseCode::kSystemError);
}

TEST_F(BrokerTest, Clients_Connections_AreListed) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  const auto header = Group<proto::GetConsumerConnectionListRequestHeader>("G");
  EXPECT_EQ(caller_->Call(RequestCode::kGetConsumerConnectionList, header).code,
            ResponseCode::kConsumerNotOnline);
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T", "A").code, ResponseCode::kSuccess);
  const auto body =
      BodyOf<proto::ConsumerConnection>(caller_->Call(RequestCode::kGetConsumerConnectionList, header));
  ASSERT_EQ(body.connection_set.size(), 1u);
  EXPECT_EQ(body.connection_set[0].client_id, "c1");
  EXPECT_EQ(body.subscription_table.at("T").sub_string, "A");
  proto::GetProducerConnectionListRequestHeader producers;
  producers.producer_group = "P-c1";
  EXPECT_EQ(
      BodyOf<proto::ProducerConnection>(caller_->Call(RequestCode::kGetProducerConnectionList, producers))
          .connection_set.size(),
      1u);
  producers.producer_group = "nobody";
  EXPECT_EQ(caller_->Call(RequestCode::kGetProducerConnectionList, producers).code,
            ResponseCode::kSystemError);
}

TEST_F(BrokerTest, QueueLocks_AnotherClient_WaitsForTheLease) {
  Start();
  const auto lock = [&](const std::string& client) {
    proto::LockBatchRequestBody body;
    body.client_id = client;
    body.consumer_group = "G";
    body.mq_set = {{"T", "b0", 0}, {"T", "b0", 1}};
    const Command reply =
        caller_->Call(RequestCode::kLockBatchMq, proto::LockBatchMqRequestHeader{}, proto::EncodeBody(body));
    return BodyOf<proto::LockBatchResponseBody>(reply).lock_ok_mq_set.size();
  };
  EXPECT_EQ(lock("a"), 2u);
  EXPECT_EQ(lock("a"), 2u);
  EXPECT_EQ(lock("b"), 0u);
  Run(seconds(58));
  EXPECT_EQ(lock("b"), 0u);
  Run(seconds(5));
  EXPECT_EQ(lock("b"), 2u);
}

TEST_F(BrokerTest, CheckClientConfig_Sql92_IsRefused) {
  Start();
  proto::CheckClientRequestBody body;
  body.group = "G";
  body.subscription_data.expression_type = "SQL92";
  body.subscription_data.sub_string = "a > 1";
  const Command reply = caller_->Plain(RequestCode::kCheckClientConfig, proto::EncodeBody(body));
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  body.subscription_data.expression_type = "TAG";
  EXPECT_EQ(caller_->Plain(RequestCode::kCheckClientConfig, proto::EncodeBody(body)).code,
            ResponseCode::kSuccess);
}

TEST_F(BrokerTest, Topics_CreateGetDelete_AreDurable) {
  Start();
  ASSERT_EQ(CreateTopic("Made", 3, 6, "+message.type=FIFO").code, ResponseCode::kSuccess);
  EXPECT_EQ(CreateTopic("a b").code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(CreateTopic("TBW102").code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(CreateTopic("Made", -1).code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(CreateTopic("Made", 3, 9).code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(CreateTopic("Other", 3, 6, "+no.such=1").code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(CreateTopic("Made", 3, 6, "+queue.type=SimpleCQ").code, ResponseCode::kInvalidParameter);
  Crash();
  Start();
  proto::GetTopicConfigRequestHeader get;
  get.topic = "Made";
  const auto config =
      BodyOf<proto::TopicConfigAndQueueMapping>(caller_->Call(RequestCode::kGetTopicConfig, get));
  EXPECT_EQ(config.read_queue_nums, 3);
  EXPECT_EQ(config.attributes.at("message.type"), "FIFO");
  const auto all =
      BodyOf<proto::TopicConfigAndMappingSerializeWrapper>(caller_->Plain(RequestCode::kGetAllTopicConfig));
  for (const char* name :
       {"SELF_TEST_TOPIC", "TBW102", "BenchmarkTest", "DefaultCluster", "b0", "OFFSET_MOVED_EVENT",
        "SCHEDULE_TOPIC_XXXX", "DefaultCluster_REPLY_TOPIC", "rmq_sys_REVIVE_LOG_DefaultCluster",
        "rmq_sys_SYNC_BROKER_MEMBER_b0", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC", "Made"}) {
    EXPECT_TRUE(all.topic_config_table.contains(name)) << name;
  }
  proto::DeleteTopicRequestHeader gone;
  gone.topic = "Made";
  EXPECT_EQ(caller_->Call(RequestCode::kDeleteTopicInBroker, gone).code, ResponseCode::kSuccess);
  EXPECT_EQ(caller_->Call(RequestCode::kGetTopicConfig, get).code, ResponseCode::kTopicNotExist);
  gone.topic = "SCHEDULE_TOPIC_XXXX";
  EXPECT_EQ(caller_->Call(RequestCode::kDeleteTopicInBroker, gone).code, ResponseCode::kInvalidParameter);
}

TEST_F(BrokerTest, Groups_UpdateGetDelete_Work) {
  Start();
  proto::SubscriptionGroupConfig config;
  config.group_name = "G";
  config.consume_enable = false;
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateAndCreateSubscriptiongroup, proto::EncodeBody(config)).code,
            ResponseCode::kSuccess);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_EQ(Pull({}).code, ResponseCode::kNoPermission);
  Crash();
  Start();
  EXPECT_EQ(Pull({}).code, ResponseCode::kNoPermission);
  const auto all =
      BodyOf<proto::SubscriptionGroupWrapper>(caller_->Plain(RequestCode::kGetAllSubscriptiongroupConfig));
  for (const char* name :
       {"TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",
        "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER", "CID_RMQ_SYS_TRANS"}) {
    EXPECT_TRUE(all.subscription_group_table.contains(name)) << name;
  }
  proto::DeleteSubscriptionGroupRequestHeader gone;
  gone.group_name = "G";
  EXPECT_EQ(caller_->Call(RequestCode::kDeleteSubscriptiongroup, gone).code, ResponseCode::kSuccess);
  EXPECT_NE(Pull({}).code, ResponseCode::kNoPermission) << "created anew with the defaults";
  config.group_name = "bad name";
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateAndCreateSubscriptiongroup, proto::EncodeBody(config)).code,
            ResponseCode::kInvalidParameter);
}

TEST_F(BrokerTest, Messages_ByIdAndKey_AreFound) {
  Start();
  ASSERT_EQ(Send({.properties = "KEYS\x01order-1 x\x02UNIQ_KEY\x01U1\x02"}).code, ResponseCode::kSuccess);
  const auto seen = PullAll("T").at(0);
  proto::ViewMessageRequestHeader view;
  view.offset = seen.log_offset;
  EXPECT_EQ(Decode(caller_->Call(RequestCode::kViewMessageById, view)).at(0).body, "hello");
  view.offset = seen.log_offset + 3;
  EXPECT_EQ(caller_->Call(RequestCode::kViewMessageById, view).code, ResponseCode::kSystemError);
  proto::QueryMessageRequestHeader query;
  query.topic = "T";
  query.key = "order-1";
  query.max_num = 8;
  query.end_timestamp = int64_t{1} << 50;
  EXPECT_EQ(Decode(caller_->Call(RequestCode::kQueryMessage, query)).size(), 1u);
  query.key = "U1";
  query.unique_key_query = true;
  EXPECT_EQ(Decode(caller_->Call(RequestCode::kQueryMessage, query)).size(), 1u);
  query.key = "order-2";
  EXPECT_EQ(caller_->Call(RequestCode::kQueryMessage, query).code, ResponseCode::kQueryNotFound);
}

TEST_F(BrokerTest, Progress_StatsAndReset_TellAndMoveOffsets) {
  Start();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
  const auto stats = BodyOf<proto::ConsumeStats>(
      caller_->Call(RequestCode::kGetConsumeStats, Group<proto::GetConsumeStatsRequestHeader>("G")));
  const auto& queue = stats.offset_table.at({"T", "b0", 0});
  EXPECT_EQ(queue.broker_offset, 4);
  EXPECT_EQ(queue.consumer_offset, 3);
  EXPECT_GT(queue.last_timestamp, 0);
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.timestamp = 0;
  reset.force = true;
  const auto body =
      BodyOf<proto::ResetOffsetBody>(caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset));
  EXPECT_EQ(body.offset_table.at({"T", "b0", 0}), 0);
  EXPECT_EQ(CommitOffset("T", 4).remark, "Offset has been previously reset");
  const Command moved = Pull({.offset = 4});
  EXPECT_EQ(moved.code, ResponseCode::kPullOffsetMoved);
  EXPECT_EQ(*moved.ext.Find("nextBeginOffset"), "0");
  EXPECT_EQ(Offset("T"), 0);
  reset.topic = "Nope";
  EXPECT_EQ(caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset).code, ResponseCode::kTopicNotExist);
}

TEST_F(BrokerTest, RunningInfo_IsRelayedToTheConsumer) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  proto::GetConsumerRunningInfoRequestHeader ask;
  ask.consumer_group = "G";
  ask.client_id = "c2";
  EXPECT_EQ(caller_->Call(RequestCode::kGetConsumerRunningInfo, ask).code, ResponseCode::kSystemError);
  auto consumer = NewCaller("other", "10.0.0.3");
  Command answer;
  answer.remark = "it is me";
  const auto asked = consumer->Expect(RequestCode::kGetConsumerRunningInfo, answer);
  ASSERT_EQ(Heartbeat(*consumer, "c2", "G", "T").code, ResponseCode::kSuccess);
  EXPECT_EQ(caller_->Call(RequestCode::kGetConsumerRunningInfo, ask).remark, "it is me");
  EXPECT_EQ(*asked, 1);
}

TEST_F(BrokerTest, Config_ReloadableKeysOnly_MayChange) {
  Start();
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateBrokerConfig, "autoCreateTopicEnable=false\n").code,
            ResponseCode::kSuccess);
  EXPECT_EQ(Send({.topic = "New"}).code, ResponseCode::kTopicNotExist);
  const Command fixed = caller_->Plain(RequestCode::kUpdateBrokerConfig, "listenPort=1\n");
  EXPECT_EQ(fixed.code, ResponseCode::kSystemError);
  EXPECT_NE(fixed.remark.find("listenPort"), std::string::npos);
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateBrokerConfig, "rocketmqHome=/x\n").code,
            ResponseCode::kNoPermission);
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateBrokerConfig, "brokerPermission=9\n").code,
            ResponseCode::kSystemError);
  const Command config = caller_->Plain(RequestCode::kGetBrokerConfig);
  EXPECT_NE(config.JoinedBody().view().find("autoCreateTopicEnable=false"), std::string_view::npos);
  ASSERT_NE(config.ext.Find("version"), nullptr);
}

// Every table, every way in which its two versions can be.
TEST_F(BrokerTest, Tables_DamagedFiles_FallBackOrRefuse) {
  enum class Version { kGood, kZeroed, kTruncated, kBadJson, kEmpty, kMissing };
  using enum Version;
  const auto spoil = [this](const std::string& path, Version version) {
    FileSystem& files = broker_env_->files();
    std::string content = *ReadWholeFile(files, path, 1 << 20);
    ASSERT_FALSE(content.empty()) << path;
    if (version == kMissing) {
      ASSERT_TRUE(files.Remove(path).ok());
      return;
    }
    if (version == kZeroed) content.assign(content.size(), '\0');
    if (version == kTruncated) content.resize(content.size() / 2);
    if (version == kBadJson) content = "{\"dataVersion\": [";
    if (version == kEmpty) content.clear();
    auto file = files.Open(path, OpenMode::kReadWrite);
    const std::string_view pieces[] = {content};
    ASSERT_TRUE((*file)->Truncate(0).ok());
    ASSERT_TRUE((*file)->WriteAt(0, pieces).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  };
  int round = 0;
  for (const char* name :
       {"topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json"}) {
    for (const Version current : {kZeroed, kTruncated, kBadJson, kEmpty, kMissing}) {
      for (const Version previous : {kGood, kBadJson, kEmpty, kMissing}) {
        if (current == kMissing && previous == kMissing) continue;  // A first start.
        SCOPED_TRACE(StrCat(name, " ", static_cast<int>(current), " ", static_cast<int>(previous)));
        BrokerOptions options = Options();
        options.store_path_root_dir = StrCat("/data", ++round);
        Start(options);
        for (int i = 0; i < 2; ++i) {  // Two versions of every file.
          ASSERT_EQ(Send({.topic = StrCat("T", i),
                          .properties = "DELAY\x01"
                                        "1\x02"})
                        .code,
                    ResponseCode::kSuccess);
          Pull({.group = StrCat("G", i), .topic = "T0"});
          ASSERT_EQ(CommitOffset("T0", i, StrCat("G", i)).code, ResponseCode::kSuccess);
          Run(seconds(22));
        }
        Stop();
        Boot();
        const std::string path = StrCat(options.store_path_root_dir, "/config/", name);
        spoil(path + ".bak", previous);
        spoil(path, current);
        const Status started = TryStart(options);
        if (previous == kGood) {
          ASSERT_TRUE(started.ok()) << started.ToString();
          EXPECT_EQ(broker_env_->files().Exists(path + ".damaged"), current != kMissing);
          EXPECT_EQ(Send({.topic = "T0"}).code, ResponseCode::kSuccess);
          Stop();
        } else {
          ASSERT_FALSE(started.ok());
          EXPECT_NE(started.text().find(name), std::string_view::npos) << started.ToString();
          EXPECT_NE(started.text().find("put a good copy"), std::string_view::npos) << started.ToString();
        }
      }
    }
  }
}

TEST_F(BrokerTest, FailedSync_IsToldEverywhereAndReadingGoesOn) {
  BrokerOptions options = Options();
  options.flush_disk_type = store::FlushMode::kSync;
  Start(options);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  const auto info = [this] {
    return BodyOf<proto::KVTable>(caller_->Plain(RequestCode::kGetBrokerRuntimeInfo)).table;
  };
  EXPECT_EQ(info().at("storeWritable"), "true");
  EXPECT_EQ(info().at("storeWriteRefusal"), "");
  broker_host_.disk.FailSyncs(1);
  const Command unsure = Send({.body = "unsure"});
  EXPECT_EQ(unsure.code, ResponseCode::kSystemError);
  EXPECT_NE(unsure.remark.find("fdatasync"), std::string::npos) << unsure.remark;
  const Command refused = Send({.body = "late"});
  EXPECT_EQ(refused.code, ResponseCode::kServiceNotAvailable);
  for (const char* part : {"fdatasync", "stopped for good", "restart the broker"}) {
    EXPECT_NE(refused.remark.find(part), std::string::npos) << refused.remark;
  }
  EXPECT_EQ(info().at("storeWritable"), "false");
  EXPECT_NE(info().at("storeWriteRefusal").find("fdatasync"), std::string::npos);
  EXPECT_TRUE(Logged("the message store takes no more writes"));
  EXPECT_EQ(PullAll("T").size(), 1u);
  Crash();  // An orderly end would have to write.
}

TEST_F(BrokerTest, RuntimeInfo_TellsWhatRecoveryDid) {
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 50).code, ResponseCode::kSuccess);
  Run(seconds(6));
  Crash();
  Start();
  const auto table = BodyOf<proto::KVTable>(caller_->Plain(RequestCode::kGetBrokerRuntimeInfo)).table;
  EXPECT_EQ(table.at("recoveryExit"), "crash");
  EXPECT_EQ(table.at("recoveryEndsFrom"), "checkpoint");
  EXPECT_EQ(table.at("recoveryOffsetsLowered"), "1");
  EXPECT_EQ(table.at("recoveryTruncatedBytes"), "0");
  EXPECT_EQ(table.at("recoveryLogEnd"), table.at("commitLogMaxOffset"));
  EXPECT_TRUE(Logged("consumer offset"));
}

TEST_F(BrokerTest, RuntimeInfo_HasEveryKeyThatToolsRead) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(seconds(12));
  const auto table = BodyOf<proto::KVTable>(caller_->Plain(RequestCode::kGetBrokerRuntimeInfo)).table;
  for (const char* key :
       {"brokerVersionDesc", "brokerActive", "bootTimestamp", "runtime", "putTps", "getTransferredTps",
        "getTransferedTps", "msgPutTotalTodayNow", "msgGetTotalTodayNow", "sendThreadPoolQueueSize",
        "pullThreadPoolQueueHeadWaitTimeMills", "pageCacheLockTimeMills", "earliestMessageTimeStamp",
        "commitLogDiskRatio", "commitLogMaxOffset", "timerReadBehind", "timerEnqueueTps",
        "scheduleMessageOffset_18", "EndTransactionQueueSize"}) {
    EXPECT_TRUE(table.contains(key)) << key;
  }
  EXPECT_EQ(table.at("msgPutTotalTodayNow"), "1");
}

// mqadmin splits such a line at its blanks.
TEST_F(BrokerTest, RuntimeInfo_OfABrokerWithoutHistory_HasARate) {
  Start();
  const auto table = BodyOf<proto::KVTable>(caller_->Plain(RequestCode::kGetBrokerRuntimeInfo)).table;
  for (const char* key : {"putTps", "getTotalTps", "getFoundTps", "getMissTps", "getTransferredTps"}) {
    EXPECT_TRUE(table.at(key).starts_with("0.0")) << key << ": '" << table.at(key) << "'";
  }
}

TEST_F(BrokerTest, Start_DataDirectoryInUse_IsAnError) {
  Start();
  sim::SimEnv second(scheduler_, network_, broker_host_, log_);
  BrokerOptions options = Options();
  options.listen_port = 20911;
  const auto broker = Broker::Start(second, options);
  ASSERT_FALSE(broker.ok());
  EXPECT_EQ(broker.status().code(), StatusCode::kAlreadyExists) << broker.status().ToString();
}

TEST_F(BrokerTest, Start_BadOptions_NameTheKey) {
  sim::SimEnv env(scheduler_, network_, broker_host_, log_);
  BrokerOptions options = Options();
  options.message_delay_level = "1s soon";
  EXPECT_NE(Broker::Start(env, options).status().text().find("messageDelayLevel"), std::string_view::npos);
  options = Options();
  options.broker_role = BrokerRole::kSlave;
  EXPECT_NE(Broker::Start(env, options).status().text().find("brokerId: Slave's brokerId must be > 0"),
            std::string_view::npos);
  options.broker_role = BrokerRole::kSyncMaster;
  options.broker_id = 1;
  EXPECT_NE(Broker::Start(env, options).status().text().find("brokerId: is 1, but brokerRole is SYNC_MASTER"),
            std::string_view::npos);
  options.broker_id = 0;
  options.min_in_sync_replicas = 3;
  EXPECT_NE(Broker::Start(env, options).status().text().find("minInSyncReplicas"), std::string_view::npos);
  options = Options();
  options.ha_housekeeping_interval = options.ha_send_heartbeat_interval;
  EXPECT_NE(Broker::Start(env, options).status().text().find("haHousekeepingInterval"),
            std::string_view::npos);
  options = Options();
  options.broker_name = "two words";
  EXPECT_NE(Broker::Start(env, options).status().text().find("brokerName"), std::string_view::npos);
  options = Options();
  options.store_path_commit_log = "/a,/b";
  const Status several = Broker::Start(env, options).status();
  EXPECT_EQ(several.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(several.text().find("storePathCommitLog: '/a,/b' names several"), std::string_view::npos)
      << several.ToString();
  options = Options();
  options.read_only_commit_log_store_paths = "/old";
  const Status read_only = Broker::Start(env, options).status();
  EXPECT_EQ(read_only.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(read_only.text().find("readOnlyCommitLogStorePaths: '/old' is not supported"),
            std::string_view::npos)
      << read_only.ToString();
  options = Options();
  options.mapped_file_size_commit_log = 1 << 20;
  EXPECT_NE(Broker::Start(env, options).status().text().find("mappedFileSizeCommitLog"),
            std::string_view::npos);
}

TEST_F(BrokerTest, BootLine_IsApaches) {
  BrokerOptions options = Options();
  Start(options);
  EXPECT_EQ(broker_->boot_line(), "The broker[b0, 10.0.0.1:10911] boot success. serializeType=JSON");
}

}  // namespace
}  // namespace orbitmq::broker

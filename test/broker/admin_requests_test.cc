// SPDX-License-Identifier: Apache-2.0
// Requests of tools that no other test here asks: one test per row or two of docs/COMPATIBILITY.md.
#include <algorithm>
#include <limits>

#include "common/names.h"
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

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class AdminRequestsTest : public BrokerFixture {
 protected:
  // Four messages of T in queue 0, the group G at 3 of them.
  void StartWithProgress() {
    Start();
    for (int i = 0; i < 4; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    Run(milliseconds(200));
    ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);  // Makes the group.
    ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
  }
  // Of another group than G.
  void Commit(const std::string& group, int64_t offset) {
    ASSERT_EQ(Pull({.group = group}).code, ResponseCode::kSuccess);
    ASSERT_EQ(CommitOffset("T", offset, group).code, ResponseCode::kSuccess);
  }
};

TEST_F(AdminRequestsTest, Lists_OfTopicsAndGroups_MakeAllOfThem) {
  Start();
  proto::CreateTopicListRequestBody topics;
  for (const char* name : {"One", "Two"}) {
    topics.topic_config_list.emplace_back().topic_name = name;
    topics.topic_config_list.back().read_queue_nums = topics.topic_config_list.back().write_queue_nums = 2;
  }
  proto::SubscriptionGroupList groups;
  for (const char* name : {"First", "Second"}) groups.group_config_list.emplace_back().group_name = name;
  EXPECT_EQ(caller_->Plain(RequestCode::kUpdateAndCreateTopicList, proto::EncodeBody(topics)).code,
            ResponseCode::kSuccess);
  EXPECT_EQ(
      caller_->Plain(RequestCode::kUpdateAndCreateSubscriptiongroupList, proto::EncodeBody(groups)).code,
      ResponseCode::kSuccess);
  Crash();
  Start();
  const auto all =
      BodyOf<proto::TopicConfigAndMappingSerializeWrapper>(caller_->Plain(RequestCode::kGetAllTopicConfig));
  for (const char* name : {"One", "Two"})
    EXPECT_EQ(all.topic_config_table.at(name).read_queue_nums, 2) << name;
  const auto known =
      BodyOf<proto::SubscriptionGroupWrapper>(caller_->Plain(RequestCode::kGetAllSubscriptiongroupConfig));
  for (const char* name : {"First", "Second"}) {
    EXPECT_TRUE(known.subscription_group_table.contains(name)) << name;
  }
}

TEST_F(AdminRequestsTest, TopicStatistics_TellTheEndsOfEachQueue) {
  StartWithProgress();
  proto::GetTopicStatsInfoRequestHeader header;
  header.topic = "T";
  const auto table = BodyOf<proto::TopicStatsTable>(caller_->Call(RequestCode::kGetTopicStatsInfo, header));
  ASSERT_EQ(table.offset_table.size(), 4u);
  EXPECT_EQ(table.offset_table.at({"T", "b0", 0}).max_offset, 4);
  EXPECT_EQ(table.offset_table.at({"T", "b0", 1}).max_offset, 0);
}

TEST_F(AdminRequestsTest, SystemTopics_AreListed_OthersAreNot) {
  StartWithProgress();
  const auto list =
      BodyOf<proto::TopicList>(caller_->Plain(RequestCode::kGetSystemTopicListFromBroker)).topic_list;
  const auto has = [&](std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  EXPECT_TRUE(has("TBW102"));
  EXPECT_TRUE(has("SCHEDULE_TOPIC_XXXX"));
  EXPECT_FALSE(has("T"));
}

TEST_F(AdminRequestsTest, TimeSpan_TellsOldestNewestAndHowLateTheGroupIs) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(seconds(10));
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  Commit("G", 1);
  proto::QueryConsumeTimeSpanRequestHeader header;
  header.topic = "T";
  header.group = "G";
  const auto spans =
      BodyOf<proto::QueryConsumeTimeSpanBody>(caller_->Call(RequestCode::kQueryConsumeTimeSpan, header));
  ASSERT_EQ(spans.consume_time_span_set.size(), 4u);
  const auto& span = spans.consume_time_span_set[0];
  EXPECT_GE(span.max_time_stamp - span.min_time_stamp, 10'000);
  EXPECT_EQ(span.consume_time_stamp, span.min_time_stamp);
  EXPECT_GE(span.delay_time, 200);
  EXPECT_LT(span.delay_time, 10'000) << "since the second message";
}

TEST_F(AdminRequestsTest, Progress_OfAllGroups_AddsUp) {
  StartWithProgress();
  Commit("H", 2);
  const auto list = BodyOf<proto::ConsumeStatsList>(
      caller_->Call(RequestCode::kGetBrokerConsumeStats, proto::GetConsumeStatsInBrokerHeader{}));
  EXPECT_EQ(list.total_diff, 3);
  EXPECT_EQ(list.broker_addr, "10.0.0.1:10911");
}

TEST_F(AdminRequestsTest, Clone_CopiesTheOffsetsOfThatTopic) {
  StartWithProgress();
  ASSERT_EQ(Send({.topic = "Other"}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("Other", 1).code, ResponseCode::kSuccess);
  proto::CloneGroupOffsetRequestHeader clone;
  clone.src_group = "G";
  clone.dest_group = "Copy";
  clone.topic = "T";
  EXPECT_EQ(caller_->Call(RequestCode::kCloneGroupOffset, clone).code, ResponseCode::kSuccess);
  EXPECT_EQ(Offset("T", 0, "Copy"), 3);
  EXPECT_EQ(Offset("Other", 0, "Copy"), std::nullopt);
}

TEST_F(AdminRequestsTest, Correction_IsTheLowestOffsetOfTheGroups) {
  StartWithProgress();
  Commit("H", 2);
  Commit("Slowest", 1);
  proto::QueryCorrectionOffsetHeader header;
  header.topic = "T";
  header.compare_group = "G";
  const auto lowest = [&] {
    return BodyOf<proto::QueryCorrectionOffsetBody>(
               caller_->Call(RequestCode::kQueryCorrectionOffset, header))
        .correction_offsets.at(0);
  };
  EXPECT_EQ(lowest(), 1);
  header.filter_groups = "Slowest";
  EXPECT_EQ(lowest(), 2);
  header.compare_group = "Slowest";
  EXPECT_EQ(lowest(), std::numeric_limits<int64_t>::max()) << "it is behind them";
}

TEST_F(AdminRequestsTest, Statistics_OfATopic_CountItsMessages) {
  StartWithProgress();
  proto::ViewBrokerStatsDataRequestHeader header;
  header.stats_name = "TOPIC_PUT_NUMS";
  header.stats_key = "T";
  const auto young = BodyOf<proto::BrokerStatsData>(caller_->Call(RequestCode::kViewBrokerStatsData, header));
  EXPECT_EQ(young.stats_minute.tps, 0.4) << "a moment's burst is no rate";
  Run(std::chrono::minutes(2));
  const auto data = BodyOf<proto::BrokerStatsData>(caller_->Call(RequestCode::kViewBrokerStatsData, header));
  EXPECT_EQ(data.stats_hour.sum, 4);
  header.stats_key = "Nope";
  EXPECT_EQ(caller_->Call(RequestCode::kViewBrokerStatsData, header).code, ResponseCode::kSystemError);
}

TEST_F(AdminRequestsTest, Producers_OfAllGroups_AreListed) {
  Start();
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T").code, ResponseCode::kSuccess);
  const auto all = BodyOf<proto::ProducerTableInfo>(caller_->Plain(RequestCode::kGetAllProducerInfo)).data;
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all.at("P-c1").size(), 1u);
  EXPECT_EQ(all.at("P-c1")[0].client_id, "c1");
}

TEST_F(AdminRequestsTest, TopicsAndSubscription_OfAGroup_AreTold) {
  StartWithProgress();
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T", "A").code, ResponseCode::kSuccess);
  proto::QueryTopicsByConsumerRequestHeader topics;
  topics.group = "G";
  EXPECT_EQ(BodyOf<proto::TopicList>(caller_->Call(RequestCode::kQueryTopicsByConsumer, topics)).topic_list,
            (std::vector<std::string>{"T"}));
  proto::QuerySubscriptionByConsumerRequestHeader subscription;
  subscription.group = "G";
  subscription.topic = "T";
  const auto told = BodyOf<proto::QuerySubscriptionResponseBody>(
      caller_->Call(RequestCode::kQuerySubscriptionByConsumer, subscription));
  ASSERT_TRUE(told.subscription_data.has_value());
  EXPECT_EQ(told.subscription_data->sub_string, "A");
}

TEST_F(AdminRequestsTest, Forbidden_GroupReadsTheTopicNoMore) {
  StartWithProgress();
  for (const char* group : {"G", "H"}) {
    ASSERT_EQ(Heartbeat(*caller_, "c1", group, "T").code, ResponseCode::kSuccess);
  }
  const auto pull = [&](const char* group) {
    return Pull({.group = group, .with_subscription = false}).code;
  };
  proto::UpdateGroupForbiddenRequestHeader header;
  header.group = "G";
  header.topic = "T";
  const auto readable = [&] {
    return BodyOf<proto::GroupForbidden>(caller_->Call(RequestCode::kUpdateAndGetGroupForbidden, header))
        .readable;
  };
  EXPECT_TRUE(readable());
  header.readable = false;
  EXPECT_FALSE(readable());
  EXPECT_EQ(pull("G"), ResponseCode::kNoPermission);
  EXPECT_EQ(pull("H"), ResponseCode::kSuccess);
  header.readable = true;
  EXPECT_TRUE(readable());
  EXPECT_EQ(pull("G"), ResponseCode::kSuccess);
}

TEST_F(AdminRequestsTest, RequestMode_OnlyPullIsTaken) {
  StartWithProgress();
  proto::SetMessageRequestModeRequestBody body{.consumer_group = "G", .topic = "T"};
  const auto code = [&] {
    return caller_->Plain(RequestCode::kSetMessageRequestMode, proto::EncodeBody(body)).code;
  };
  EXPECT_EQ(code(), ResponseCode::kSuccess);
  body.mode = proto::MessageRequestMode::kPop;
  EXPECT_EQ(code(), ResponseCode::kRequestCodeNotSupported);
  EXPECT_TRUE(BodyOf<proto::MessageRequestModeSerializeWrapper>(
                  caller_->Plain(RequestCode::kGetAllMessageRequestMode))
                  .message_request_mode_map.empty());
}

TEST_F(AdminRequestsTest, ReplicationAddresses_OfAMaster_AreTold) {
  StartWithProgress();
  const auto told = proto::DecodeHeader<proto::ExchangeHAInfoResponseHeader>(
      caller_->Call(RequestCode::kExchangeBrokerHaInfo, proto::ExchangeHAInfoRequestHeader{}));
  ASSERT_TRUE(told.ok()) << told.status().ToString();
  EXPECT_EQ(told->master_address, "10.0.0.1:10911");
  EXPECT_EQ(told->master_ha_address, "10.0.0.1:10912");
}

TEST_F(AdminRequestsTest, Unlock_AnotherClientGetsTheQueuesAtOnce) {
  Start();
  proto::LockBatchRequestBody lock{.client_id = "a", .consumer_group = "G", .mq_set = {{"T", "b0", 0}}};
  const auto locked = [&] {
    return BodyOf<proto::LockBatchResponseBody>(caller_->Call(RequestCode::kLockBatchMq,
                                                              proto::LockBatchMqRequestHeader{},
                                                              proto::EncodeBody(lock)))
        .lock_ok_mq_set.size();
  };
  EXPECT_EQ(locked(), 1u);
  proto::UnlockBatchRequestBody unlock{.client_id = "b", .consumer_group = "G", .mq_set = lock.mq_set};
  const auto release = [&] {
    return caller_
        ->Call(RequestCode::kUnlockBatchMq, proto::UnlockBatchMqRequestHeader{}, proto::EncodeBody(unlock))
        .code;
  };
  lock.client_id = "b";
  EXPECT_EQ(release(), ResponseCode::kSuccess);
  EXPECT_EQ(locked(), 0u) << "not its own";
  unlock.client_id = "a";
  EXPECT_EQ(release(), ResponseCode::kSuccess);
  EXPECT_EQ(locked(), 1u);
}

// Of one queue to an offset, as mqadmin's resetOffsetByTime -b -q -o asks for it.
TEST_F(AdminRequestsTest, ResetOfOneQueue_ReplacesWhatIsPending_AndRefusesWhatIsNotThere) {
  Start();
  ASSERT_EQ(CreateTopic("T", 2).code, ResponseCode::kSuccess);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(milliseconds(200));
  ASSERT_EQ(Pull({}).code, ResponseCode::kSuccess);
  ASSERT_EQ(CommitOffset("T", 5).code, ResponseCode::kSuccess);
  const auto reset = [this](int32_t queue, std::optional<int64_t> offset) {
    proto::ResetOffsetRequestHeader header;
    header.topic = "T";
    header.group = "G";
    header.timestamp = -1;
    header.queue_id = queue;
    header.offset = offset;
    return caller_->Call(RequestCode::kInvokeBrokerToResetOffset, header);
  };
  ASSERT_EQ(reset(-1, {}).code, ResponseCode::kSuccess);
  ASSERT_EQ(reset(0, 3).code, ResponseCode::kSuccess);
  EXPECT_EQ(Offset("T"), 3);
  EXPECT_EQ(CommitOffset("T", 5).remark, "Offset has been previously reset");
  const std::pair<int32_t, int64_t> wrong[] = {{0, 6}, {0, -2}, {2, 0}, {-2, 0}, {INT32_MAX, 0}};
  for (const auto& [queue, offset] : wrong) {
    const proto::Command refused = reset(queue, offset);
    EXPECT_NE(refused.code, ResponseCode::kSuccess) << queue << " " << offset;
    const std::string why = queue == 0 ? StrCat("Target offset ", offset, " not in consume queue range [0-5]")
                                       : StrCat("queueId ", queue, " is not in 0..1 of T");
    EXPECT_NE(refused.remark.find(why), std::string::npos) << refused.remark;
  }
  const proto::Command moved = Pull({.offset = 5});
  EXPECT_EQ(moved.code, ResponseCode::kPullOffsetMoved);
  EXPECT_EQ(*moved.ext.Find("nextBeginOffset"), "3");
}

// Apache leaves "not set any response code" in some.
TEST_F(AdminRequestsTest, Success_OfAChange_HasNoRemark) {
  Start();
  EXPECT_EQ(CreateTopic("T").remark, "");
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  (void)Pull({});  // Creates the group.
  proto::ResetOffsetRequestHeader reset;
  reset.topic = "T";
  reset.group = "G";
  reset.timestamp = 0;
  const auto moved = caller_->Call(RequestCode::kInvokeBrokerToResetOffset, reset);
  EXPECT_EQ(moved.code, ResponseCode::kSuccess);
  EXPECT_EQ(moved.remark, "");
}

}  // namespace
}  // namespace orbitmq::broker

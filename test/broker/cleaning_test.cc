// SPDX-License-Identifier: Apache-2.0
// Cleaning on demand (306, 316, 329), deleted topics, and what QUERY_CONSUME_QUEUE says of a group.
#include "remoting/protocol/admin_bodies.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

class CleaningTest : public BrokerFixture {
 protected:
  proto::QueryConsumeQueueResponseBody Entries(const std::string& group) {
    const proto::QueryConsumeQueueRequestHeader header{.topic = "T", .count = 10, .consumer_group = group};
    const auto reply = caller_->Call(RequestCode::kQueryConsumeQueue, header);
    EXPECT_EQ(reply.code, ResponseCode::kSuccess) << reply.remark;
    const auto body = proto::DecodeBody<proto::QueryConsumeQueueResponseBody>(reply.JoinedBody().view());
    EXPECT_TRUE(body.ok()) << body.status().ToString();
    return body.ok() ? *body : proto::QueryConsumeQueueResponseBody{};
  }
};

TEST_F(CleaningTest, UnusedTopics_LoseTheirQueues_OthersKeepThem) {
  const BrokerOptions options = Options();
  Start(options);
  ASSERT_EQ(Send({.topic = "Forgotten"}).code, ResponseCode::kSuccess);
  Stop();
  Boot();
  const std::string root = options.store_path_root_dir;
  for (const char* file : {"/config/topics.json", "/config/topics.json.bak"}) {
    ASSERT_TRUE(broker_env_->files().Remove(root + file).ok()) << file;
  }
  ASSERT_TRUE(TryStart(options).ok());
  ASSERT_EQ(Send({.topic = "Used"}).code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(3));
  const auto exists = [&](const char* topic) {
    return broker_env_->files().Exists(root + "/consumequeue/" + topic + "/0/00000000000000000000");
  };
  ASSERT_TRUE(exists("Forgotten"));
  EXPECT_EQ(caller_->Plain(RequestCode::kCleanUnusedTopic).code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(3));
  EXPECT_FALSE(exists("Forgotten"));
  EXPECT_EQ(PullAll("Used").size(), 1u);
}

TEST_F(CleaningTest, ExpiredQueuesAndLog_NothingExpired_NothingIsLost) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_EQ(caller_->Plain(RequestCode::kCleanExpiredConsumequeue).code, ResponseCode::kSuccess);
  EXPECT_EQ(caller_->Plain(RequestCode::kDeleteExpiredCommitlog).code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(30));
  EXPECT_EQ(PullAll("T").size(), 1u);
}

TEST_F(CleaningTest, QueueEntries_OfAGroup_SayWhetherItIsThere) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_FALSE(Entries("").filter_data.has_value());
  EXPECT_EQ(Entries("G").filter_data, "G@T is not online!");
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T").code, ResponseCode::kSuccess);
  const auto online = Entries("G");
  EXPECT_EQ(online.filter_data, "null");
  ASSERT_TRUE(online.subscription_data.has_value());
  ASSERT_EQ(online.queue_data.size(), 1u);
  // Apache looks at the filter only for entries that have a bit map.
  EXPECT_FALSE(online.queue_data[0].eval);
}

// Killed at once after the answer; what was known of the topic must not come back with its name.
TEST_F(CleaningTest, TopicDeletedAndMadeAnew_BeginsWithNothing) {
  Start();
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Send({.queue_id = i % 2}).code, ResponseCode::kSuccess);
  (void)Pull({});  // Creates the group.
  ASSERT_EQ(CommitOffset("T", 5).code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(12));  // Everything of it is on the disk.
  proto::DeleteTopicRequestHeader gone;
  gone.topic = "T";
  ASSERT_EQ(caller_->Call(RequestCode::kDeleteTopicInBroker, gone).code, ResponseCode::kSuccess);
  Crash();
  Start();
  ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
  EXPECT_TRUE(PullAll("T", 0).empty());
  EXPECT_TRUE(PullAll("T", 1).empty());
  EXPECT_EQ(Offset("T").value_or(0), 0);
  ASSERT_EQ(Send({.body = "new", .queue_id = 1}).code, ResponseCode::kSuccess);
  EXPECT_TRUE(PullAll("T", 0).empty());
  const auto seen = PullAll("T", 1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].queue_offset, 0);
  EXPECT_EQ(seen[0].body, "new");
}

}  // namespace
}  // namespace orbitmq::broker

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
    return BodyOf<proto::QueryConsumeQueueResponseBody>(
        caller_->Call(RequestCode::kQueryConsumeQueue, header));
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

// Apache forgets such a queue, and its next message has offset 0.
TEST_F(CleaningTest, ExpiredQueue_AllMessagesAreGone_KeepsItsPosition) {
  BrokerOptions options = Options();
  options.mapped_file_size_commit_log = 128 * 1024;
  options.max_message_size = 32 * 1024;
  options.retention_bytes = 256 * 1024;
  Start(options);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Send({.topic = "Old"}).code, ResponseCode::kSuccess);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Send({.topic = "New", .body = std::string(10'000, 'x')}).code, ResponseCode::kSuccess);
  }
  Run(std::chrono::seconds(60));
  EXPECT_EQ(Pull({.topic = "Old"}).code, ResponseCode::kPullOffsetMoved) << "deleted with the log's files";
  EXPECT_EQ(caller_->Plain(RequestCode::kCleanExpiredConsumequeue).code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(5));
  const auto sent = Send({.topic = "Old"});
  ASSERT_EQ(sent.code, ResponseCode::kSuccess);
  EXPECT_EQ(*sent.ext.Find("queueOffset"), "3");
}

// What an operator does when a disk fills up.
TEST_F(CleaningTest, WhenFilesGo_Changed_CountsAtOnce) {
  BrokerOptions options = Options();
  options.mapped_file_size_commit_log = 128 * 1024;
  options.max_message_size = 32 * 1024;
  options.delete_when = "";
  Start(options);
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(Send({.body = std::string(10'000, 'x')}).code, ResponseCode::kSuccess);
  const auto change = [this](const char* keys) {
    return caller_->Plain(RequestCode::kUpdateBrokerConfig, keys);
  };
  const auto refused = change("fileReservedTime=1\ndeleteWhen=04;25\n");
  EXPECT_EQ(refused.code, ResponseCode::kSystemError);
  EXPECT_NE(refused.remark.find("deleteWhen: '25' is no hour of the day"), std::string::npos)
      << refused.remark;
  Run(std::chrono::hours(2));
  ASSERT_EQ(change("fileReservedTime=1\n").code, ResponseCode::kSuccess);
  Run(std::chrono::seconds(30));
  EXPECT_EQ(Pull().code, ResponseCode::kSuccess)
      << "expired, but there is no hour for it and the disk has room";
  ASSERT_EQ(change("deleteWhen=0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23\n").code,
            ResponseCode::kSuccess);
  Run(std::chrono::seconds(2));
  EXPECT_EQ(Pull().code, ResponseCode::kPullOffsetMoved) << "gone";
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

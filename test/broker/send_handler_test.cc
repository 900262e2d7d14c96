// SPDX-License-Identifier: Apache-2.0
// What producers get for what they send: codes, texts and what is stored (remoting.md 4.2,
// store.md 2.6, 2.7).
#include "common/message_id.h"
#include "common/message_properties.h"
#include "common/sys_flag.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;

class SendHandlerTest : public BrokerFixture {
 protected:
  static proto::SendMessageResponseHeader HeaderOf(const Command& reply) {
    auto header = proto::DecodeHeader<proto::SendMessageResponseHeader>(reply);
    EXPECT_TRUE(header.ok()) << header.status().ToString();
    return header.ok() ? *header : proto::SendMessageResponseHeader{};
  }
  void ExpectRefused(const SendArguments& arguments, int32_t code, std::string_view text) {
    const Command reply = Send(arguments);
    EXPECT_EQ(reply.code, code) << reply.remark;
    EXPECT_NE(reply.remark.find(text), std::string::npos) << reply.remark;
    EXPECT_NE(reply.ext.Find("MSG_REGION"), nullptr);
  }
};

TEST_F(SendHandlerTest, Send_EveryHeaderForm_IsStoredWithConsecutiveOffsets) {
  Start();
  const int32_t codes[] = {RequestCode::kSendMessage, RequestCode::kSendMessageV2,
                           RequestCode::kSendBatchMessage};
  for (int i = 0; i < 3; ++i) {
    const Command reply = Send({.body = "m" + std::to_string(i), .code = codes[i]});
    ASSERT_EQ(reply.code, ResponseCode::kSuccess) << reply.remark;
    const auto header = HeaderOf(reply);
    EXPECT_EQ(header.queue_id, 0);
    EXPECT_EQ(header.queue_offset, i);
    EXPECT_EQ(header.msg_region, "DefaultRegion");
    EXPECT_EQ(header.trace_on, true);
    const auto id = DecodeOffsetMessageId(header.msg_id);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(id->store_host.ToString(), "10.0.0.1:10911");
  }
  const auto seen = PullAll("T");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[2].body, "m2");
  EXPECT_EQ(seen[2].queue_offset, 2);
}

TEST_F(SendHandlerTest, Send_Properties_KeepsUniqueKeyAddsClusterDropsBrokersOwn) {
  Start();
  ASSERT_EQ(Send({.properties = "UNIQ_KEY\x01"
                                "ABC\x02"
                                "__CRC32#\x01"
                                "123\x02"
                                "POP_CK\x01"
                                "x\x02"
                                "CLUSTER\x01"
                                "other\x02"
                                "k\x01v"})
                .code,
            ResponseCode::kSuccess);
  ASSERT_EQ(Send({.properties = ""}).code, ResponseCode::kSuccess);
  const auto seen = PullAll("T");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(FindProperty(seen[0].properties, "UNIQ_KEY"), "ABC");
  EXPECT_EQ(FindProperty(seen[0].properties, "CLUSTER"), "DefaultCluster");
  EXPECT_EQ(FindProperty(seen[0].properties, "TRACE_ON"), "true");
  EXPECT_EQ(FindProperty(seen[0].properties, "k"), "v");
  EXPECT_NE(FindProperty(seen[0].properties, "__CRC32#"), "123");
  EXPECT_EQ(seen[0].record_crc, RecordCrcCheck::kMatches);
  EXPECT_FALSE(FindProperty(seen[0].properties, "POP_CK"));
  EXPECT_EQ(FindProperty(seen[1].properties, "UNIQ_KEY")->size(), 32u);
}

TEST_F(SendHandlerTest, Send_UnknownTopic_IsCreatedFromTemplateAndOutlivesACrash) {
  Start();
  ASSERT_EQ(Send({.topic = "New", .queue_id = 2, .queues = 100}).code, ResponseCode::kSuccess);
  ASSERT_EQ(Send({.topic = "Two", .queues = 2}).code, ResponseCode::kSuccess);
  EXPECT_EQ(Send({.topic = "Two", .queue_id = 2}).code, ResponseCode::kInvalidParameter);
  Crash();
  Start();
  EXPECT_EQ(Send({.topic = "New", .queue_id = 7}).code, ResponseCode::kSuccess) << "8 queues: TBW102's";
  EXPECT_EQ(Send({.topic = "New", .queue_id = 8}).code, ResponseCode::kInvalidParameter);
  EXPECT_EQ(PullAll("New", 2).size(), 1u);
}

TEST_F(SendHandlerTest, Send_WithoutAutoCreation_IsTopicNotExist) {
  BrokerOptions options = Options();
  options.auto_create_topic_enable = false;
  Start(options);
  ExpectRefused({.topic = "New"}, ResponseCode::kTopicNotExist, "topic[New] not exist, apply first please!");
  ExpectRefused({.topic = "New", .default_topic = "Nothing"}, ResponseCode::kTopicNotExist, "not exist");
}

TEST_F(SendHandlerTest, Send_BadTopicOrQueue_IsRefusedWithApachesCodes) {
  Start();
  ExpectRefused({.topic = "a b"}, ResponseCode::kInvalidParameter, "");
  ExpectRefused({.topic = ""}, ResponseCode::kInvalidParameter, "");
  ExpectRefused({.topic = std::string(128, 'x')}, ResponseCode::kInvalidParameter, "");
  EXPECT_EQ(Send({.topic = std::string(127, 'x')}).code, ResponseCode::kSuccess);
  ExpectRefused({.topic = "SCHEDULE_TOPIC_XXXX"}, ResponseCode::kNoPermission,
                "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.");
  ExpectRefused({.queue_id = 4}, ResponseCode::kInvalidParameter, "request queueId[4] is illegal");
  const Command any = Send({.queue_id = -1});
  ASSERT_EQ(any.code, ResponseCode::kSuccess);
  EXPECT_LT(static_cast<uint32_t>(HeaderOf(any).queue_id), 4u);
}

TEST_F(SendHandlerTest, Send_BodyOrPropertiesOutOfBounds_AreMessageIllegal) {
  Start();
  ExpectRefused({.body = ""}, ResponseCode::kSystemError, "no body");
  EXPECT_EQ(Send({.body = std::string(1 << 20, 'b')}).code, ResponseCode::kSuccess);
  ExpectRefused({.body = std::string((1 << 20) + 1, 'b')}, ResponseCode::kMessageIllegal,
                "msg body length limit 1048576B, msg properties length limit 32KB.");
  ExpectRefused({.properties = "k\x01" + std::string(32768, 'v')}, ResponseCode::kMessageIllegal,
                "the message is illegal");
}

TEST_F(SendHandlerTest, Send_MissingOrMalformedFields_AreNamed) {
  Start();
  Command request = SendRequest({});
  proto::ExtFields without_topic;
  for (const auto& [key, value] : request.ext.entries()) {
    if (key != "b") without_topic.Set(key, value);
  }
  request.ext = without_topic;
  const Command missing = caller_->Call(std::move(request));
  EXPECT_EQ(missing.code, ResponseCode::kSystemError);
  EXPECT_NE(missing.remark.find("b"), std::string::npos);
  Command no_number = SendRequest({});
  no_number.ext.Set("e", "zero");
  EXPECT_EQ(caller_->Call(std::move(no_number)).code, ResponseCode::kSystemError);
}

TEST_F(SendHandlerTest, Transaction_PreparedMessage_IsForbidden) {
  Start();
  ExpectRefused({.properties = "TRAN_MSG\x01true\x02"}, ResponseCode::kNoPermission,
                "the broker[10.0.0.1] sending transaction message is forbidden");
  ExpectRefused({.sys_flag = 0x4}, ResponseCode::kNoPermission, "sending transaction message is forbidden");
  EXPECT_EQ(Send({.properties = "TRAN_MSG\x01"
                                "false\x02"})
                .code,
            ResponseCode::kSuccess);
}

TEST_F(SendHandlerTest, Timer_DeliveryTimeAsked_IsMessageIllegal) {
  Start();
  for (const std::string name :
       {"TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS", "TIMER_DEL_UNIQKEY"}) {
    ExpectRefused({.properties = name + "\x01"
                                        "10\x02"},
                  ResponseCode::kMessageIllegal, "timer message illegal");
  }
}

TEST_F(SendHandlerTest, InnerBatch_WithoutBatchTopic_IsMessageIllegal) {
  Start();
  for (const int32_t flag : {sys_flag::kInnerBatch, sys_flag::kNeedUnwrap}) {
    ExpectRefused({.sys_flag = flag}, ResponseCode::kMessageIllegal, "inner batch");
  }
  ExpectRefused({.properties = "INNER_NUM\x01"
                               "2\x02"},
                ResponseCode::kMessageIllegal, "inner batch");
}

TEST_F(SendHandlerTest, Batch_ThreeMessages_GetConsecutiveOffsetsAndIds) {
  Start();
  std::string body;
  for (const char* text : {"a", "b", "c"})
    AppendBatchEntry({.flag = 0, .body = text, .properties = "k\x01v\x02"}, body);
  const Command reply = Send({.body = body, .code = RequestCode::kSendBatchMessage, .batch = true});
  ASSERT_EQ(reply.code, ResponseCode::kSuccess) << reply.remark;
  const auto header = HeaderOf(reply);
  EXPECT_EQ(header.queue_offset, 0);
  EXPECT_EQ(header.msg_id.size(), 3 * 32u + 2);
  const auto seen = PullAll("T");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[1].body, "b");
  EXPECT_EQ(seen[2].queue_offset, 2);
  EXPECT_EQ(seen[0].properties.substr(0, seen[0].properties.size() - kRecordCrcBytes), "k\x01v\x02")
      << "outer properties are not copied into the entries";
}

TEST_F(SendHandlerTest, RecordCrc_OfAnotherMessage_IsRemovedFromEverySend) {
  // What a client sends again carries the CRC of the record it read.
  const std::string stale =
      "__CRC32#\x01"
      "1234567890\x02";
  for (const bool on : {true, false}) {
    BrokerOptions options = Options();
    options.enabled_append_prop_crc = on;
    Start(options);
    const std::string topic = on ? "On" : "Off";
    ASSERT_EQ(Send({.topic = topic, .properties = stale + "k\x01v\x02"}).code, ResponseCode::kSuccess);
    ASSERT_EQ(Send({.topic = topic, .properties = "k\x01v\x02" + stale}).code, ResponseCode::kSuccess);
    std::string body;
    for (const std::string& properties : {stale + "k\x01v\x02", "k\x01v\x02" + stale, stale, std::string()}) {
      AppendBatchEntry({.flag = 0, .body = "b", .properties = properties}, body);
    }
    ASSERT_EQ(
        Send({.topic = topic, .body = body, .code = RequestCode::kSendBatchMessage, .batch = true}).code,
        ResponseCode::kSuccess);
    const auto seen = PullAll(topic);
    ASSERT_EQ(seen.size(), 6u);
    for (const Seen& message : seen) {
      EXPECT_EQ(message.record_crc, on ? RecordCrcCheck::kMatches : RecordCrcCheck::kAbsent);
      EXPECT_EQ(message.properties.find("1234567890"), std::string::npos);
      EXPECT_EQ(message.properties.find("__CRC32#"), message.properties.rfind("__CRC32#"));
    }
    Stop();
  }
}

TEST_F(SendHandlerTest, Batch_BadBodies_AreMessageIllegal) {
  Start();
  std::string good;
  AppendBatchEntry({.flag = 0, .body = "a", .properties = ""}, good);
  for (size_t cut = 1; cut < good.size(); ++cut) {
    ExpectRefused({.body = good.substr(0, cut), .batch = true}, ResponseCode::kMessageIllegal, "");
  }
  ExpectRefused({.body = good, .sys_flag = sys_flag::kCompressed, .batch = true},
                ResponseCode::kMessageIllegal, "a compressed batch");
  std::string delayed;
  AppendBatchEntry({.flag = 0,
                    .body = "a",
                    .properties = "DELAY\x01"
                                  "3\x02"},
                   delayed);
  ExpectRefused({.body = delayed, .batch = true}, ResponseCode::kMessageIllegal, "cannot be delayed");
  ExpectRefused({.topic = "%RETRY%G", .body = good, .batch = true}, ResponseCode::kMessageIllegal,
                "batch request does not support retry group %RETRY%G");
  ExpectRefused({.body = good,
                 .properties = "DELAY\x01"
                               "3\x02",
                 .batch = true},
                ResponseCode::kMessageIllegal, "cannot be delayed");
}

TEST_F(SendHandlerTest, Retry_TooManyTimes_GoesToTheDeadLetterQueue) {
  Start();
  ASSERT_EQ(Send({.topic = "%RETRY%G", .reconsume_times = 3, .max_reconsume_times = 3}).code,
            ResponseCode::kSuccess);
  EXPECT_EQ(PullAll("%RETRY%G").size(), 1u) << "not more than the maximum";
  ASSERT_EQ(Send({.topic = "%RETRY%G", .reconsume_times = 4, .max_reconsume_times = 3}).code,
            ResponseCode::kSuccess);
  EXPECT_EQ(PullAll("%DLQ%G").size(), 1u);
}

TEST_F(SendHandlerTest, Oneway_Message_IsStoredWithoutReply) {
  Start();
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  caller_->Oneway(SendRequest({.body = "one way"}));
  EXPECT_EQ(PullAll("T").size(), 2u);
}

TEST_F(SendHandlerTest, SyncFlush_AcknowledgedMessages_SurviveACrash) {
  BrokerOptions options = Options();
  options.flush_disk_type = store::FlushMode::kSync;
  Start(options);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Send({.body = std::to_string(i)}).code, ResponseCode::kSuccess);
  Crash();
  Start(options);
  ASSERT_EQ(PullAll("T").size(), 20u);
  EXPECT_EQ(HeaderOf(Send()).queue_offset, 20);
}

}  // namespace
}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "common/names.h"

namespace orbitmq {
namespace {

TEST(TopicName, WellFormed_IsAccepted) {
  for (const std::string& topic : {std::string("T"), std::string("a-Z_0|9%x"), std::string(127, 't'),
                                   "%RETRY%" + std::string(248, 'g'), "%DLQ%" + std::string(250, 'g')}) {
    EXPECT_TRUE(CheckTopicName(topic).ok()) << topic;
  }
}

TEST(TopicName, Malformed_GivesApachesRemark) {
  EXPECT_EQ(CheckTopicName("").text(), "The specified topic is blank.");
  EXPECT_EQ(CheckTopicName(" \t").text(), "The specified topic is blank.");
  EXPECT_EQ(CheckTopicName("a b").text(),
            "The specified topic: a b, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
  const std::string longer(128, 't');
  EXPECT_EQ(CheckTopicName(longer).text(),
            "The specified topic: " + longer + ", is longer than topic max length: 127");
  const std::string retry = "%RETRY%" + std::string(249, 'g');
  EXPECT_EQ(CheckTopicName(retry).text(), "The specified topic is DLQ or Retry topic: " + retry +
                                              ", and it's longer than topic max length: 255");
  for (const char* bad : {"a.b", "a/b", "\xE4\xB8\xAD", "a\n", "%RETRY%g+t"}) {
    EXPECT_EQ(CheckTopicName(bad).code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(TopicName, HugeHostileName_IsNotRepeatedWhole) {
  EXPECT_LT(CheckTopicName(std::string(1 << 20, '\x01')).text().size(), 2000u);
}

TEST(GroupName, Rules_AreApaches) {
  EXPECT_TRUE(CheckGroupName(std::string(120, 'g')).ok());
  EXPECT_EQ(CheckGroupName("  ").text(), "The specified group is blank.");
  EXPECT_EQ(CheckGroupName("g.1").text(),
            "The specified group: g.1, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
  const std::string longer(121, 'g');
  EXPECT_EQ(CheckGroupName(longer).text(),
            "The specified group: " + longer + ", is longer than group max length: 120");
}

TEST(SystemNames, Sets_AreThoseOfApache) {
  for (const char* topic : {"TBW102", "SCHEDULE_TOPIC_XXXX", "BenchmarkTest", "RMQ_SYS_TRACE_TOPIC",
                            "RMQ_SYS_TRANS_HALF_TOPIC", "rmq_sys_anything", "CHECKPOINT_TOPIC"}) {
    EXPECT_TRUE(IsSystemTopic(topic)) << topic;
  }
  EXPECT_FALSE(IsSystemTopic("TopicTest"));
  EXPECT_FALSE(IsSystemTopic("tbw102"));
  EXPECT_TRUE(IsSendForbiddenTopic("SCHEDULE_TOPIC_XXXX"));
  EXPECT_TRUE(IsSendForbiddenTopic("OFFSET_MOVED_EVENT"));
  EXPECT_FALSE(IsSendForbiddenTopic("TBW102"));
  EXPECT_FALSE(IsSendForbiddenTopic("RMQ_SYS_TRACE_TOPIC"));
  EXPECT_TRUE(IsSystemGroup("CID_RMQ_SYS_X"));
  EXPECT_FALSE(IsSystemGroup("TOOLS_CONSUMER"));
  EXPECT_TRUE(IsPredefinedGroup("TOOLS_CONSUMER"));
  EXPECT_TRUE(IsPredefinedGroup("CID_ONS-HTTP-PROXY"));
  EXPECT_FALSE(IsPredefinedGroup("my_group"));
}

TEST(RetryAndDlqNames, Group_ComesBackOut) {
  EXPECT_EQ(RetryTopic("g"), "%RETRY%g");
  EXPECT_EQ(DlqTopic("g"), "%DLQ%g");
  EXPECT_EQ(ReplyTopic("c"), "c_REPLY_TOPIC");
  EXPECT_EQ(PopRetryTopic("t", "g"), "%RETRY%g_t");
  EXPECT_EQ(PopRetryTopicV2("t", "g"), "%RETRY%g+t");
  EXPECT_EQ(GroupOfRetryOrDlqTopic("%RETRY%g"), "g");
  EXPECT_EQ(GroupOfRetryOrDlqTopic("%DLQ%g"), "g");
  EXPECT_EQ(GroupOfRetryOrDlqTopic("T"), "");
  EXPECT_TRUE(IsRetryTopic("%RETRY%g"));
  EXPECT_FALSE(IsRetryTopic("RETRY%g"));
  EXPECT_TRUE(IsDlqTopic("%DLQ%g"));
  EXPECT_TRUE(IsLmqTopic("%LMQ%q"));
}

}  // namespace
}  // namespace orbitmq

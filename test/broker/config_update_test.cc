// SPDX-License-Identifier: Apache-2.0
// UPDATE_BROKER_CONFIG and the file that the broker was started with (decision 0026).
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;

class ConfigUpdateTest : public BrokerFixture {};

TEST_F(ConfigUpdateTest, Config_FileOfTheStart_IsChangedInItsLinesOnly) {
  BrokerOptions options = Options();
  options.config_file = "/etc/broker.conf";
  const std::string before = "# mine\nautoCreateTopicEnable = true\n\nbrokerName=b0\n";
  {
    sim::SimEnv writer(scheduler_, network_, broker_host_, log_);
    ASSERT_TRUE(writer.files().CreateDirectories("/etc").ok());
    ASSERT_TRUE(WriteFileAtomically(writer.files(), options.config_file, before).ok());
  }
  Start(options);
  const auto text = [&] { return *ReadWholeFile(broker_env_->files(), options.config_file, 10000); };
  const Command refused = caller_->Plain(RequestCode::kUpdateBrokerConfig, "autoCreateTopicEnable=maybe\n");
  EXPECT_EQ(refused.code, ResponseCode::kSystemError);
  EXPECT_EQ(text(), before) << "a refused change leaves the file alone";
  ASSERT_EQ(caller_
                ->Plain(RequestCode::kUpdateBrokerConfig,
                        "autoCreateTopicEnable=false\ndefaultQueryMaxNum=7\nnoSuchKey=1\n")
                .code,
            ResponseCode::kSuccess);
  EXPECT_EQ(text(), "# mine\nautoCreateTopicEnable=false\n\nbrokerName=b0\ndefaultQueryMaxNum=7\n");
  EXPECT_EQ(*ReadWholeFile(broker_env_->files(), options.config_file + ".bak", 10000), before);
  broker_host_.disk.SetQuota(0);
  const Command full = caller_->Plain(RequestCode::kUpdateBrokerConfig, "autoCreateTopicEnable=true\n");
  EXPECT_EQ(full.code, ResponseCode::kSystemError);
  EXPECT_NE(full.remark.find("nothing was changed: /etc/broker.conf"), std::string::npos) << full.remark;
  broker_host_.disk.SetQuota(uint64_t{1} << 40);
  EXPECT_EQ(Send({.topic = "New"}).code, ResponseCode::kTopicNotExist);
}

TEST_F(ConfigUpdateTest, Config_WithoutAFile_SaysHowLongItCounts) {
  Start();
  const Command reply = caller_->Plain(RequestCode::kUpdateBrokerConfig, "autoCreateTopicEnable=false\n");
  EXPECT_EQ(reply.code, ResponseCode::kSuccess);
  EXPECT_NE(reply.remark.find("until the restart"), std::string::npos) << reply.remark;
}

// As of a service that reads /etc and may not write there: the change counts, and the answer says how long.
TEST_F(ConfigUpdateTest, Config_FileThatMayNotBeWritten_CountsUntilTheRestart) {
  BrokerOptions options = Options();
  options.config_file = "/etc/broker.conf";
  const std::string before = "autoCreateTopicEnable=true\n";
  {
    sim::SimEnv writer(scheduler_, network_, broker_host_, log_);
    ASSERT_TRUE(writer.files().CreateDirectories("/etc").ok());
    ASSERT_TRUE(WriteFileAtomically(writer.files(), options.config_file, before).ok());
  }
  Start(options);
  broker_host_.disk.Seal("/etc/");
  const Command reply = caller_->Plain(RequestCode::kUpdateBrokerConfig, "autoCreateTopicEnable=false\n");
  EXPECT_EQ(reply.code, ResponseCode::kSuccess);
  EXPECT_NE(reply.remark.find("until the restart"), std::string::npos) << reply.remark;
  EXPECT_NE(reply.remark.find("/etc/broker.conf"), std::string::npos) << reply.remark;
  EXPECT_EQ(*ReadWholeFile(broker_env_->files(), options.config_file, 10000), before);
  EXPECT_EQ(Send({.topic = "New"}).code, ResponseCode::kTopicNotExist);
  // A role changes all the same.
  const Command role = caller_->Plain(RequestCode::kUpdateBrokerConfig, "brokerRole=SYNC_MASTER\n");
  EXPECT_EQ(role.code, ResponseCode::kSuccess);
  EXPECT_NE(role.remark.find("until the restart"), std::string::npos) << role.remark;
}

}  // namespace
}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
// The second port, two below the first, that old clients send to ("VIP channel").
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::ResponseCode;
using std::chrono::seconds;

constexpr uint16_t kVipPort = kBrokerPort - 2;

class VipPortTest : public BrokerFixture {
 protected:
  Command Ask(Command request) { return caller_->CallAt({kBrokerIp, kVipPort}, std::move(request)); }
};

TEST_F(VipPortTest, ServesLikeTheOther) {
  Start();
  const Command sent = Ask(SendRequest({.body = "by way of the VIP port"}));
  ASSERT_EQ(sent.code, ResponseCode::kSuccess) << sent.remark;
  for (const Command& pulled : {Ask(PullRequest({.wait = seconds(1)})), Pull({.wait = seconds(1)})}) {
    ASSERT_EQ(pulled.code, ResponseCode::kSuccess) << pulled.remark;
    EXPECT_EQ(Decode(pulled).at(0).body, "by way of the VIP port");
  }
}

TEST_F(VipPortTest, Taken_IsWarnedOfAndTheBrokerServes) {
  Boot();
  BrokerOptions other = Options();
  other.broker_name = "other";
  other.listen_port = kVipPort;
  other.ha_listen_port = kVipPort + 10;
  other.store_path_root_dir = "/other";
  ASSERT_TRUE(TryStart(other).ok());
  const std::unique_ptr<Broker> first = std::move(broker_);
  const Status started = TryStart();
  ASSERT_TRUE(started.ok()) << started.ToString();
  EXPECT_TRUE(Logged("an optional port is not served"));
  EXPECT_TRUE(Logged("10.0.0.1:10909"));
  EXPECT_EQ(Send().code, ResponseCode::kSuccess);
}

}  // namespace
}  // namespace orbitmq::broker

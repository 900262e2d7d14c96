// SPDX-License-Identifier: Apache-2.0
// Delayed messages of a master that is away: a slave acts for it and hands them to another broker.
#include <algorithm>

#include "broker/replication/escape_route.h"
#include "common/names.h"
#include "test/broker/replication/standby_fixture.h"

namespace orbitmq::broker {
namespace {

constexpr char kOtherIp[] = "10.0.0.4";
const Endpoint kOther{kOtherIp, kBrokerPort};
constexpr int kDelayed = 12;
constexpr int32_t kQueues = 4;
constexpr char kTenSeconds[] = "DELAY\0013\002";  // The third of messageDelayLevel.
constexpr int32_t kTenSecondsQueue = 2;

enum class Escape : uint8_t { kOff, kOn };

// b0 with its slave, and b1; both have topic T.
class EscapeRouteTest : public StandbyTest {
 protected:
  ~EscapeRouteTest() override {
    if (other_ != nullptr) CrashOther();
  }

  static BrokerOptions Acting(BrokerOptions options, Escape escape) {
    options.enable_slave_acting_master = true;
    options.enable_remote_escape = escape == Escape::kOn;
    return options;
  }
  void StartOther() {
    BrokerOptions options = Master();
    options.broker_name = "b1";
    options.broker_ip1 = kOtherIp;
    other_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, other_host_, log_);
    auto started = Broker::Start(*other_env_, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    other_ = *std::move(started);
  }
  void CrashOther() {
    other_env_->MarkKilled();
    other_.reset();
    other_env_->FinishKill(sim::SimEnv::Loss::kProcess);
    other_env_.reset();
    caller_ = NewCaller("client", "10.0.0.2");
  }

  // The slave has what is delayed, and the offsets of the levels; nothing is due when the master is killed.
  void LoseTheMasterWithDelayedMessages(Escape escape) {
    Start(Acting(Master(), escape));
    ASSERT_EQ(CreateTopic("T", kQueues).code, ResponseCode::kSuccess);
    StartOther();
    proto::CreateTopicRequestHeader topic;
    topic.topic = "T";
    topic.default_topic = "TBW102";
    topic.read_queue_nums = topic.write_queue_nums = kQueues;
    topic.perm = 6;
    const auto made = caller_->CallAt(kOther, proto::MakeRequest(RequestCode::kUpdateAndCreateTopic, topic));
    ASSERT_EQ(made.code, ResponseCode::kSuccess);
    StartSlave(Acting(Slave(), escape));
    ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
    for (int i = 0; i < kDelayed; ++i) {
      const auto sent = Send({.body = StrCat("m", i), .properties = kTenSeconds, .queue_id = i % kQueues});
      ASSERT_EQ(sent.code, ResponseCode::kSuccess) << sent.remark;
      wanted_.push_back(StrCat("m", i));
    }
    std::sort(wanted_.begin(), wanted_.end());
    ASSERT_TRUE(Eventually(
        [&] { return EndAt(kSlave, kTenSecondsQueue, std::string(names::kScheduleTopic)) == kDelayed; }));
    Crash();
  }

  // How many messages of the level the slave knows to be delivered.
  int64_t PassedAtSlave() {
    const auto levels = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllDelayOffset).JoinedBody().view());
    if (!levels.ok()) return -1;
    const auto level = levels->offset_table.find(kTenSecondsQueue + 1);
    return level == levels->offset_table.end() ? -1 : level->second;
  }

  // The bodies in all queues of T at a broker, in the order of the alphabet.
  std::vector<std::string> BodiesAt(const Endpoint& at) {
    std::vector<std::string> bodies;
    for (int32_t queue = 0; queue < kQueues; ++queue) {
      for (Seen& seen : Decode(caller_->CallAt(at, PullRequest({.queue_id = queue})))) {
        EXPECT_FALSE(at == kOther && seen.properties.find("DELAY") != std::string::npos) << "it waits twice";
        bodies.push_back(std::move(seen.body));
      }
    }
    std::sort(bodies.begin(), bodies.end());
    return bodies;
  }

  sim::SimHost other_host_{"b1", kOtherIp, 5, {}};
  std::unique_ptr<sim::SimEnv> other_env_;
  std::unique_ptr<Broker> other_;
  std::vector<std::string> wanted_;
};

TEST_F(EscapeRouteTest, DelayedMessages_MasterIsGone_EachComesOnceThroughAnotherBroker) {
  ASSERT_NO_FATAL_FAILURE(LoseTheMasterWithDelayedMessages(Escape::kOn));
  EXPECT_TRUE(Eventually([&] { return BodiesAt(kOther).size() >= wanted_.size(); }));
  EXPECT_EQ(BodiesAt(kOther), wanted_);
  // The answers of the other broker are on the way a moment longer.
  ASSERT_TRUE(Eventually([&] { return PassedAtSlave() == kDelayed; }));
  // The master takes back how far its slave came, and delivers none again.
  Start(Acting(Master(), Escape::kOn));
  ASSERT_TRUE(Eventually([&] { return RouteOf("T").size() == 2; }));
  ASSERT_EQ(RouteOf("T").at(0), kMaster.ToString());
  Run(seconds(30));
  EXPECT_EQ(BodiesAt(kOther), wanted_);
  EXPECT_TRUE(BodiesAt(kMaster).empty());
  // What is sent to it now it delivers itself.
  ASSERT_EQ(Send({.body = "later", .properties = kTenSeconds}).code, ResponseCode::kSuccess);
  EXPECT_TRUE(Eventually([&] { return !BodiesAt(kMaster).empty(); }));
  EXPECT_EQ(BodiesAt(kMaster), std::vector<std::string>{"later"});
  EXPECT_EQ(BodiesAt(kOther), wanted_);
}

TEST_F(EscapeRouteTest, DelayedMessages_NoOtherMasterWhenTheyAreDue_TheyWaitForOne) {
  ASSERT_NO_FATAL_FAILURE(LoseTheMasterWithDelayedMessages(Escape::kOn));
  CrashOther();
  ASSERT_TRUE(Eventually([&] { return Logged("this slave does its duties"); }));
  Run(seconds(20));
  StartOther();
  EXPECT_TRUE(Eventually([&] { return BodiesAt(kOther).size() >= wanted_.size(); }));
  Run(seconds(15));
  EXPECT_EQ(BodiesAt(kOther), wanted_);
}

TEST_F(EscapeRouteTest, DelayedMessages_OptionIsOff_TheyWaitForTheMaster) {
  ASSERT_NO_FATAL_FAILURE(LoseTheMasterWithDelayedMessages(Escape::kOff));
  ASSERT_TRUE(Eventually([&] { return Logged("this slave does its duties"); }));
  Run(seconds(30));
  EXPECT_TRUE(BodiesAt(kOther).empty());
  Start(Acting(Master(), Escape::kOff));
  EXPECT_TRUE(Eventually([&] { return BodiesAt(kMaster).size() >= wanted_.size(); }));
  Run(seconds(15));
  EXPECT_EQ(BodiesAt(kMaster), wanted_);
  EXPECT_TRUE(BodiesAt(kOther).empty());
}

}  // namespace
}  // namespace orbitmq::broker

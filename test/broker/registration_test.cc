// SPDX-License-Identifier: Apache-2.0
// A whole broker and whole NameServers: who knows of the broker, and how soon.
#include "common/strings.h"
#include "remoting/protocol/route.h"
#include "test/broker/broker_fixture.h"
#include "test/broker/namesrv_process.h"

namespace orbitmq::broker {
namespace {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class RegistrationTest : public BrokerFixture {
 protected:
  static constexpr char kFirst[] = "10.0.1.1";
  static constexpr char kSecond[] = "10.0.1.2";

  static BrokerOptions Registering(const std::string& addresses) {
    BrokerOptions options = Options();
    options.namesrv_addr = addresses;
    return options;
  }
  // The code of the answer to "who serves this topic"; -1 = no NameServer there.
  int32_t Route(const std::string& nameserver, const std::string& topic) {
    proto::GetRouteInfoRequestHeader header;
    header.topic = topic;
    const proto::Command reply =
        tool_->CallAt({nameserver, 9876}, proto::MakeRequest(RequestCode::kGetRouteinfoByTopic, header));
    if (reply.code == ResponseCode::kSuccess) {
      const auto route = proto::DecodeBody<proto::TopicRouteData>(reply.JoinedBody().view());
      EXPECT_TRUE(route.ok() && route->broker_datas.size() == 1 &&
                  route->broker_datas[0].broker_addrs.at(0) == "10.0.0.1:10911");
    }
    return reply.code;
  }
  // What clients may do with the topic, as the NameServer tells it; -1 = it tells of no queues.
  int32_t Permission(const std::string& nameserver, const std::string& topic) {
    proto::GetRouteInfoRequestHeader header;
    header.topic = topic;
    const proto::Command reply =
        tool_->CallAt({nameserver, 9876}, proto::MakeRequest(RequestCode::kGetRouteinfoByTopic, header));
    const auto route = proto::DecodeBody<proto::TopicRouteData>(reply.JoinedBody().view());
    return route.ok() && !route->queue_datas.empty() ? route->queue_datas[0].perm : -1;
  }
  // How long it takes until the NameServer knows the topic.
  Duration UntilKnown(const std::string& nameserver, const std::string& topic) {
    const MonoTime began = scheduler_.now();
    while (Route(nameserver, topic) != ResponseCode::kSuccess && scheduler_.now() - began < seconds(60))
      Run(milliseconds(50));
    return scheduler_.now() - began;
  }

  std::unique_ptr<Caller> tool_ = NewCaller("tool", "10.0.0.9");
};

TEST_F(RegistrationTest, Start_RegistersAtEveryNameServer) {
  const NamesrvProcess first(scheduler_, network_, log_, kFirst);
  const NamesrvProcess second(scheduler_, network_, log_, kSecond);
  Start(Registering("10.0.1.1:9876;10.0.1.2:9876"));
  EXPECT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  EXPECT_LT(UntilKnown(kSecond, "TBW102"), milliseconds(500));
}

TEST_F(RegistrationTest, NewTopic_IsToldAtOnce) {
  const NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  EXPECT_EQ(Route(kFirst, "Fresh"), ResponseCode::kTopicNotExist);
  ASSERT_EQ(CreateTopic("Fresh").code, ResponseCode::kSuccess);
  EXPECT_LT(UntilKnown(kFirst, "Fresh"), milliseconds(500));
}

// NameServers compare the version of the topics and read no table that has the one they know.
TEST_F(RegistrationTest, BrokerPermission_Changed_IsToldAndCountsAtOnce) {
  const NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_EQ(CreateTopic("Fresh").code, ResponseCode::kSuccess);
  ASSERT_LT(UntilKnown(kFirst, "Fresh"), milliseconds(500));
  ASSERT_EQ(Permission(kFirst, "Fresh"), 6);
  for (const int32_t now : {4, 2, 6}) {
    ASSERT_EQ(caller_->Plain(RequestCode::kUpdateBrokerConfig, StrCat("brokerPermission=", now, "\n")).code,
              ResponseCode::kSuccess);
    Run(milliseconds(500));
    EXPECT_EQ(Permission(kFirst, "Fresh"), now);
    EXPECT_EQ(Pull({.topic = "Fresh"}).code == ResponseCode::kNoPermission, now == 2);
  }
}

TEST_F(RegistrationTest, Stop_UnregistersAtOnce) {
  const NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  Stop();
  EXPECT_EQ(Route(kFirst, "TBW102"), ResponseCode::kTopicNotExist);
}

TEST_F(RegistrationTest, NameServerThatStartsLate_IsToldSoon) {
  Start(Registering("10.0.1.1:9876"));
  Run(seconds(25));
  const NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  EXPECT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(2500));
}

TEST_F(RegistrationTest, RestartedNameServer_IsToldLongBeforeThePeriod) {
  NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  // Killed and back at once, and after pauses that let the waits grow.
  for (const Duration pause : {Duration(milliseconds(20)), Duration(seconds(1)), Duration(seconds(17))}) {
    nameserver.Kill();
    Run(pause);
    nameserver.Start();
    EXPECT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(2500))
        << std::chrono::duration_cast<milliseconds>(pause).count();
  }
}

TEST_F(RegistrationTest, NameServerThatForgotTheBroker_IsToldWithinThePeriod) {
  const NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  proto::UnRegisterBrokerRequestHeader gone;
  gone.broker_name = "b0";
  gone.broker_addr = "10.0.0.1:10911";
  gone.cluster_name = "DefaultCluster";
  gone.broker_id = 0;
  tool_->CallAt({kFirst, 9876}, proto::MakeRequest(RequestCode::kUnregisterBroker, gone));
  ASSERT_EQ(Route(kFirst, "TBW102"), ResponseCode::kTopicNotExist);
  EXPECT_LE(UntilKnown(kFirst, "TBW102"), milliseconds(10'500)) << "Apache's brokers take 30 s";
}

TEST_F(RegistrationTest, NameServerThatIsGone_IsNotTriedMoreThanOnceASecond) {
  NamesrvProcess nameserver(scheduler_, network_, log_, kFirst);
  Start(Registering("10.0.1.1:9876"));
  ASSERT_LT(UntilKnown(kFirst, "TBW102"), milliseconds(500));
  nameserver.Kill();
  Run(seconds(10));
  const uint64_t before = network_.counters().connects;
  Run(seconds(60));
  const uint64_t attempts = network_.counters().connects - before;
  EXPECT_LE(attempts, 80u);
  EXPECT_GE(attempts, 30u);
}

}  // namespace
}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/topic_config.h"
#include "test/broker/replication/standby_fixture.h"

namespace orbitmq::broker {

inline constexpr char kFile[] = "/etc/broker.conf";
inline constexpr char kBecomeSlave[] = "brokerRole=SLAVE\nbrokerId=1\n";
// As Java's mqadmin sends it, one key at a time.
inline constexpr char kBecomeMaster[] = "brokerRole=ASYNC_MASTER\n";

// A pair whose members change their role while they run.
class RoleChangeTest : public StandbyTest {
 protected:
  // Starts the slave with a configuration file.
  void StartSlaveWithFile(const std::string& text, BrokerOptions options = Slave()) {
    {
      sim::SimEnv writer(scheduler_, network_, slave_host_, log_);
      ASSERT_TRUE(writer.files().CreateDirectories("/etc").ok());
      ASSERT_TRUE(WriteFileAtomically(writer.files(), kFile, text).ok());
    }
    options.config_file = kFile;
    StartSlave(options);
  }
  std::string SlaveFile() { return *ReadWholeFile(slave_env_->files(), kFile, 1000); }
  proto::Command Configure(const Endpoint& at, const std::string& settings, Duration timeout = seconds(10)) {
    proto::Command request;
    request.code = RequestCode::kUpdateBrokerConfig;
    request.body.emplace_back(settings);
    auto answer = caller_->Begin(std::move(request), timeout, at);
    scheduler_.RunUntil(scheduler_.now() + timeout, [&] { return answer->has_value(); });
    return answer->value_or(proto::Command{});
  }
  proto::HARuntimeInfo HaStatusAt(const Endpoint& at) {
    proto::Command request;
    request.code = RequestCode::kGetBrokerHaStatus;
    const auto body =
        proto::DecodeBody<proto::HARuntimeInfo>(caller_->CallAt(at, std::move(request)).JoinedBody().view());
    return body.ok() ? *body : proto::HARuntimeInfo{};
  }
  int32_t SendAt(const Endpoint& at, const SendArguments& arguments = {}) {
    return caller_->CallAt(at, SendRequest(arguments)).code;
  }
  bool Follows(const Endpoint& slave) {
    return HaStatusAt(slave).ha_client_runtime_info.activated.value_or(false);
  }
  static SendArguments Delayed(int32_t level) {
    SendArguments arguments;
    arguments.body = "delayed";
    arguments.properties = StrCat("DELAY\x01", level, "\x02");
    return arguments;
  }
  // One message of T, delayed by 10 s and answered by both. While the slave is away the master delivers it,
  // behind more than the slave, back again, gets within seconds; of the master's tables it has had a look.
  void StartSlaveFarBehindADelivery() {
    BrokerOptions master = Master();
    master.broker_role = BrokerRole::kSyncMaster;
    master.ha_flow_control_enable = true;
    master.max_ha_transfer_byte_in_second = 65'536;
    Start(master);
    ASSERT_EQ(CreateTopic("T", 1).code, ResponseCode::kSuccess);
    StartSlave();
    ASSERT_TRUE(Eventually([&] { return SendAt(kMaster, {.topic = "Other"}) == ResponseCode::kSuccess; }));
    ASSERT_EQ(SendAt(kMaster, Delayed(3)), ResponseCode::kSuccess);
    StopSlave();
    const std::string filler(50'000, 'x');
    for (int i = 0; i < 60; ++i) {
      ASSERT_EQ(SendAt(kMaster, {.topic = "Other", .body = filler}), ResponseCode::kSlaveNotAvailable);
    }
    ASSERT_TRUE(Eventually([&] { return DelayOffsetAt(kMaster, 3) == 1; }));
    StartSlave();
    Run(seconds(1));
    ASSERT_TRUE(Follows(kSlave));
    ASSERT_EQ(EndAt(kMaster, 0), 1);
    ASSERT_EQ(EndAt(kSlave, 0), 0) << "it is not behind";
  }
  int64_t DelayOffsetAt(const Endpoint& at, int32_t level) {
    proto::Command request;
    request.code = RequestCode::kGetAllDelayOffset;
    const auto body = proto::DecodeBody<proto::DelayOffsetSerializeWrapper>(
        caller_->CallAt(at, std::move(request)).JoinedBody().view());
    if (!body.ok() || !body->offset_table.contains(level)) return -1;
    return body->offset_table.at(level);
  }
  // The master follows, then the slave leads.
  void SwitchToSlave() {
    ASSERT_TRUE(Eventually([&] { return Follows(kSlave); }));
    const auto demoted = Configure(kMaster, kBecomeSlave);
    ASSERT_EQ(demoted.code, ResponseCode::kSuccess) << demoted.remark;
    ASSERT_TRUE(PromoteSlave());
  }
  // That its master does not lead any more takes a slave a moment to see.
  bool PromoteSlave() {
    return Eventually([&] { return Configure(kSlave, kBecomeMaster).code == ResponseCode::kSuccess; });
  }
  std::vector<Seen> AllAt(const Endpoint& at, const std::string& topic, int32_t queue_id = 0) {
    PullArguments pull;
    pull.topic = topic;
    pull.queue_id = queue_id;
    return Decode(caller_->CallAt(at, PullRequest(pull)));
  }
  std::vector<std::string> BodiesAt(const Endpoint& at, const std::string& topic) {
    std::vector<std::string> bodies;
    for (const Seen& message : AllAt(at, topic)) bodies.push_back(message.body);
    return bodies;
  }
};

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
// Master and slave on simulated machines, over the bytes of the HA protocol.

#include <gtest/gtest.h>

#include "broker/ha_frames.h"
#include "common/bytes.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "test/broker/broker_fixture.h"

namespace orbitmq::broker {
namespace {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t kHaPort = kBrokerPort + 1;
constexpr char kSlaveIp[] = "10.0.0.2";
constexpr char kRoot[] = "/broker";

BrokerOptions OptionsFor(BrokerRole role) {
  BrokerOptions options;
  options.broker_name = "b0";
  options.broker_role = role;
  options.broker_id = role == BrokerRole::kSlave ? 1 : 0;
  options.broker_ip1 = role == BrokerRole::kSlave ? kSlaveIp : kBrokerIp;
  options.listen_port = kBrokerPort;
  options.store_path_root_dir = kRoot;
  options.mapped_file_size_commit_log = 128 * 1024;
  options.max_message_size = 32 * 1024;
  options.max_hash_slot_num = 300;
  options.max_index_num = 1000;
  options.flush_disk_type = store::FlushMode::kSync;
  if (role == BrokerRole::kSlave) options.ha_master_address = StrCat(kBrokerIp, ":", kHaPort);
  return options;
}

// One machine and the broker on it.
struct Machine {
  Machine(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimLog& log, std::string name,
          std::string ip, uint64_t seed)
      : scheduler_(scheduler), network_(network), log_(log), host(std::move(name), std::move(ip), seed, {}) {}
  ~Machine() { Kill(sim::SimEnv::Loss::kProcess); }

  void Start(const BrokerOptions& options) {
    env = std::make_unique<sim::SimEnv>(scheduler_, network_, host, log_);
    auto started = Broker::Start(*env, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    broker = *std::move(started);
  }
  void Kill(sim::SimEnv::Loss loss) {
    if (env == nullptr) return;
    env->MarkKilled();
    broker.reset();
    env->FinishKill(loss);
    env.reset();
  }
  void Stop() {
    bool stopped = false;
    broker->Shutdown(seconds(10), [&stopped](Result<Done>) { stopped = true; });
    ASSERT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(15), [&] { return stopped; }));
    broker.reset();
    env.reset();
  }

  sim::Scheduler& scheduler_;
  sim::SimNetwork& network_;
  sim::SimLog& log_;
  sim::SimHost host;
  std::unique_ptr<sim::SimEnv> env;
  std::unique_ptr<Broker> broker;
};

class HaTest : public testing::Test {
 protected:
  HaTest()
      : scheduler_(7),
        network_(scheduler_, {}),
        master_(scheduler_, network_, log_, "b0", kBrokerIp, 1),
        slave_(scheduler_, network_, log_, "b0s", kSlaveIp, 2),
        caller_(scheduler_, network_, client_host_, log_) {}

  void Run(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }

  proto::Command Send(std::string body, Duration timeout = seconds(6)) {
    proto::SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = "T";
    header.default_topic = "TBW102";
    header.default_topic_queue_nums = 4;
    header.queue_id = 0;
    header.born_timestamp = 1;
    proto::Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
    request.body.emplace_back(std::move(body));
    return caller_.Call(std::move(request), timeout);
  }
  void SendMany(int count, size_t bytes = 1000) {
    for (int i = 0; i < count; ++i) {
      const int32_t code = Send(StrCat(++sent_, std::string(bytes, 'x'))).code;
      ASSERT_TRUE(code == ResponseCode::kSuccess || code == ResponseCode::kSlaveNotAvailable) << code;
    }
  }
  proto::HARuntimeInfo StatusOf(const char* ip) {
    proto::Command request;
    request.code = RequestCode::kGetBrokerHaStatus;
    const auto reply = caller_.CallAt({ip, kBrokerPort}, std::move(request));
    auto body = proto::DecodeBody<proto::HARuntimeInfo>(reply.JoinedBody().view());
    EXPECT_TRUE(body.ok()) << body.status().ToString();
    return body.ok() ? *std::move(body) : proto::HARuntimeInfo{};
  }
  bool CaughtUp() {
    const auto master = StatusOf(kBrokerIp);
    return master.ha_connection_info.size() == 1 && master.ha_connection_info[0].diff == 0 &&
           master.ha_connection_info[0].slave_ack_offset == master.master_commit_log_max_offset;
  }
  void AwaitCaughtUp(Duration most = seconds(60)) {
    const MonoTime until = scheduler_.now() + most;
    while (scheduler_.now() < until) {
      if (CaughtUp()) return;
      Run(milliseconds(200));
    }
    FAIL() << "the slave did not catch up";
  }
  std::string LogOf(Machine& machine, const std::string& directory = "commitlog") {
    sim::SimEnv look(scheduler_, network_, machine.host, log_);
    const std::string root = StrCat(kRoot, "/", directory);
    std::string all;
    auto listed = look.files().List(root);
    EXPECT_TRUE(listed.ok());
    for (const auto& entry : *listed) {
      auto file = look.files().Open(StrCat(root, "/", entry.name), OpenMode::kReadWrite);
      std::string bytes(entry.size, '\0');
      EXPECT_TRUE(file.ok() && (*file)->ReadAt(0, bytes).ok());
      all += entry.name + bytes;
    }
    return all;
  }
  // In order; files that were prepared for what comes next are left out.
  void StopBothAndExpectEqualLogs() {
    slave_.Stop();
    master_.Stop();
    std::string one = LogOf(master_);
    std::string two = LogOf(slave_);
    const size_t shorter = std::min(one.size(), two.size());
    EXPECT_TRUE(std::string_view(one).substr(0, shorter) == std::string_view(two).substr(0, shorter));
    EXPECT_GT(shorter, 128u * 1024);
  }
  bool Logged(std::string_view text) const {
    for (const std::string& line : log_.lines()) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  int PullCount(const char* ip) {
    proto::GetMaxOffsetRequestHeader header;
    header.topic = "T";
    header.queue_id = 0;
    const auto reply =
        caller_.CallAt({ip, kBrokerPort}, proto::MakeRequest(RequestCode::kGetMaxOffset, header));
    const auto decoded = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(reply);
    return decoded.ok() ? static_cast<int>(decoded->offset) : -1;
  }

  sim::Scheduler scheduler_;
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost client_host_{"client", "10.0.9.1", 9, {}};
  Machine master_;
  Machine slave_;
  Caller caller_;
  int sent_ = 0;
};

TEST(HaFramesTest, Golden_ReportHeaderAndHeartbeat) {
  EXPECT_EQ(EncodeHaReport({0x0102030405060708}), std::string("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
  EXPECT_EQ(EncodeHaHeader({{1 << 20}, 32768}),
            std::string("\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x80\x00", 12));
  const auto heartbeat = DecodeHaHeader(EncodeHaHeader({{77}, 0}));
  ASSERT_TRUE(heartbeat.has_value());
  EXPECT_EQ(heartbeat->offset.value, 77);
  EXPECT_EQ(heartbeat->body_bytes, 0);
}

TEST(HaFramesTest, Decode_WhatNoMasterSends_IsRefused) {
  EXPECT_FALSE(DecodeHaHeader(EncodeHaHeader({{-1}, 4})).has_value());
  EXPECT_FALSE(DecodeHaHeader(EncodeHaHeader({{1}, -4})).has_value());
  EXPECT_FALSE(DecodeHaHeader(EncodeHaHeader({{1}, 4 << 20})).has_value());
}

TEST(HaFramesTest, NewestReport_OfSeveralAndAHalfOne_IsTheLastWholeOne) {
  const std::string bytes = EncodeHaReport({5}) + EncodeHaReport({9}) + "abc";
  EXPECT_EQ(NewestHaReport(bytes), LogOffset{9});
  EXPECT_EQ(NewestHaReport("1234567"), std::nullopt);
}

TEST_F(HaTest, Slave_StartedEmpty_GetsAllFilesOfTheMaster) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  SendMany(400);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  SendMany(100);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 500);
  const auto of_slave = StatusOf(kSlaveIp);
  EXPECT_FALSE(of_slave.master);
  EXPECT_EQ(of_slave.ha_client_runtime_info.activated, true);
  StopBothAndExpectEqualLogs();
}

TEST_F(HaTest, Slave_RefusesSends) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(1);
  AwaitCaughtUp();
  proto::SendMessageRequestHeader header;
  header.producer_group = "P";
  header.topic = "T";
  header.default_topic = "TBW102";
  header.default_topic_queue_nums = 4;
  proto::Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
  request.body.emplace_back(std::string("x"));
  const auto reply = caller_.CallAt({kSlaveIp, kBrokerPort}, std::move(request));
  EXPECT_EQ(reply.code, ResponseCode::kSystemBusy);
}

TEST_F(HaTest, SyncMaster_WithoutSlave_SaysSoAndKeepsTheMessage) {
  master_.Start(OptionsFor(BrokerRole::kSyncMaster));
  EXPECT_EQ(Send("kept").code, ResponseCode::kSlaveNotAvailable);
  EXPECT_EQ(PullCount(kBrokerIp), 1);
}

TEST_F(HaTest, SyncMaster_MinInSync_RefusesBeforeWriting) {
  BrokerOptions options = OptionsFor(BrokerRole::kSyncMaster);
  options.min_in_sync_replicas = 2;
  master_.Start(options);
  const auto reply = Send("not stored");
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_NE(reply.remark.find("in-sync replicas not enough"), std::string::npos) << reply.remark;
  EXPECT_LE(PullCount(kBrokerIp), 0);
}

TEST_F(HaTest, SyncMaster_SlaveThatDoesNotAnswer_TimesOutAndKeepsTheMessage) {
  master_.Start(OptionsFor(BrokerRole::kSyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(1));
  EXPECT_EQ(Send("first").code, ResponseCode::kSuccess);
  network_.Block(kSlaveIp, kBrokerIp);
  EXPECT_EQ(Send("second").code, ResponseCode::kFlushSlaveTimeout);
  EXPECT_EQ(PullCount(kBrokerIp), 2);
  network_.HealAll();
  AwaitCaughtUp();
  EXPECT_EQ(Send("third").code, ResponseCode::kSuccess);
}

TEST_F(HaTest, SyncMaster_AcknowledgedMessages_AreOnTheSlavesDisk) {
  master_.Start(OptionsFor(BrokerRole::kSyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(1));
  int acked = 0;
  for (int i = 0; i < 50; ++i) acked += Send(StrCat("m", i)).code == ResponseCode::kSuccess ? 1 : 0;
  EXPECT_EQ(acked, 50);
  master_.Kill(sim::SimEnv::Loss::kPower);
  slave_.Kill(sim::SimEnv::Loss::kPower);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  EXPECT_EQ(PullCount(kSlaveIp), 50);
}

TEST_F(HaTest, AllAck_EverySlaveThatHasCaughtUpIsWaitedFor_NotOneThatLagsForLong) {
  Machine second(scheduler_, network_, log_, "b0t", "10.0.0.3", 5);
  BrokerOptions master = OptionsFor(BrokerRole::kSyncMaster);
  master.all_ack_in_sync_state_set = true;
  master.ha_max_time_slave_not_catchup = seconds(4);
  master.slave_timeout = seconds(1);
  master_.Start(master);
  SendMany(20);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  BrokerOptions other = OptionsFor(BrokerRole::kSlave);
  other.broker_id = 2;
  other.broker_ip1 = "10.0.0.3";
  second.Start(other);
  Run(seconds(2));
  EXPECT_EQ(StatusOf(kBrokerIp).in_sync_slave_nums, 2);
  EXPECT_EQ(Send("both have it").code, ResponseCode::kSuccess);
  // One would be enough for inSyncReplicas.
  network_.Block("10.0.0.3", kBrokerIp);
  EXPECT_EQ(Send("one has it").code, ResponseCode::kFlushSlaveTimeout);
  Run(seconds(5));
  EXPECT_TRUE(Logged("a slave has not caught up for haMaxTimeSlaveNotCatchup"));
  EXPECT_EQ(Send("one is enough now").code, ResponseCode::kSuccess);
  network_.HealAll();
  const MonoTime until = scheduler_.now() + seconds(60);
  while (scheduler_.now() < until && StatusOf(kBrokerIp).ha_connection_info.back().diff != 0) {
    Run(milliseconds(200));
  }
  network_.Block("10.0.0.3", kBrokerIp);
  EXPECT_EQ(Send("it is waited for again").code, ResponseCode::kFlushSlaveTimeout);
  network_.HealAll();
  // Nobody: what inSyncReplicas says still counts.
  second.Kill(sim::SimEnv::Loss::kProcess);
  slave_.Kill(sim::SimEnv::Loss::kProcess);
  Run(seconds(3));
  EXPECT_EQ(Send("kept").code, ResponseCode::kSlaveNotAvailable);
}

TEST_F(HaTest, Master_DiesWhileItWaitsForItsSlavesToFetchTheEnd) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(1));
  network_.Block(kBrokerIp, kSlaveIp);
  EXPECT_EQ(Send("not fetched").code, ResponseCode::kSuccess);
  bool stopped = false;
  master_.broker->Shutdown(seconds(10), [&stopped](const Result<Done>& done) { stopped = done.ok(); });
  Run(milliseconds(500));
  master_.Kill(sim::SimEnv::Loss::kProcess);
  EXPECT_FALSE(stopped);
  network_.HealAll();
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  Run(seconds(2));
  AwaitCaughtUp();
}

TEST_F(HaTest, Slave_KilledAmidTheStream_GoesOnAndIsEqual) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  for (int round = 0; round < 4; ++round) {
    SendMany(60, 3000);
    slave_.Kill(round % 2 == 0 ? sim::SimEnv::Loss::kProcess : sim::SimEnv::Loss::kPower);
    SendMany(20);
    slave_.Start(OptionsFor(BrokerRole::kSlave));
    Run(milliseconds(300));
  }
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), sent_);
  StopBothAndExpectEqualLogs();
}

TEST_F(HaTest, Slave_WithRecordsOfAnotherMaster_CutsThemOffLoudly) {
  // The slave's machine was a master once, with a part of its own behind a common one.
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(100);
  AwaitCaughtUp();
  slave_.Stop();
  BrokerOptions alone = OptionsFor(BrokerRole::kAsyncMaster);
  alone.broker_ip1 = kSlaveIp;
  slave_.Start(alone);
  for (int i = 0; i < 30; ++i) {
    proto::SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = "T";
    header.default_topic = "TBW102";
    header.default_topic_queue_nums = 4;
    header.queue_id = 0;
    proto::Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
    request.body.emplace_back(StrCat("stray", i, std::string(3000, 's')));
    ASSERT_EQ(caller_.CallAt({kSlaveIp, kBrokerPort}, std::move(request)).code, ResponseCode::kSuccess);
  }
  slave_.Stop();
  SendMany(50);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave's log differs from its master's; it is cut where they part"));
  EXPECT_EQ(PullCount(kSlaveIp), 150);
  SendMany(200);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 350);
  StopBothAndExpectEqualLogs();
}

TEST_F(HaTest, Slave_BelowTheMastersBegin_StartsOverLoudly) {
  BrokerOptions options = OptionsFor(BrokerRole::kAsyncMaster);
  options.retention_bytes = 256 * 1024;
  master_.Start(options);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(50);
  AwaitCaughtUp();
  slave_.Stop();
  SendMany(1500);
  Run(seconds(60));  // Retention.
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_TRUE(Logged("this slave drops its log, queues and index, and starts over"));
  EXPECT_EQ(PullCount(kSlaveIp), 1550);
  slave_.Stop();
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(10);
  AwaitCaughtUp();
  EXPECT_EQ(PullCount(kSlaveIp), 1560);
}

}  // namespace
}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
// Master and slave on simulated machines, over the bytes of the HA protocol.

#include <algorithm>

#include <gtest/gtest.h>

#include "broker/replication/ha_frames.h"
#include "common/bytes.h"
#include "common/message_codec.h"
#include "common/strings.h"
#include "test/broker/replication/ha_fixture.h"

namespace orbitmq::broker {
namespace {

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

// Whoever asks right after a send must not hear of a slave that lags and has a difference of 0.
TEST_F(HaTest, Status_AtAnyMoment_FitsTogether) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(1);
  AwaitCaughtUp();
  for (int i = 0; i < 50; ++i) {
    SendMany(1);
    const auto status = StatusOf(kBrokerIp);
    ASSERT_EQ(status.ha_connection_info.size(), 1u);
    const auto& slave = status.ha_connection_info[0];
    ASSERT_EQ(slave.diff, std::max<int64_t>(0, status.master_commit_log_max_offset - slave.slave_ack_offset));
  }
  AwaitCaughtUp();
  const auto master = StatusOf(kBrokerIp);
  EXPECT_EQ(master.ha_connection_info[0].lag_millis, 0);
  EXPECT_EQ(master.ha_connection_info[0].caught_up, true);
  EXPECT_EQ(master.in_sync_replicas_wanted, 1);
  EXPECT_EQ(master.replicated_offset, master.master_commit_log_max_offset);
  const auto slave = StatusOf(kSlaveIp).ha_client_runtime_info;
  EXPECT_EQ(slave.state, "following");
  EXPECT_EQ(slave.reports, "flushed");
  EXPECT_EQ(slave.heal_count, 0);
  proto::Command request;
  request.code = RequestCode::kGetBrokerRuntimeInfo;
  const std::string info(caller_.CallAt({kBrokerIp, kBrokerPort}, std::move(request)).JoinedBody().view());
  EXPECT_NE(info.find("\"haReplica_10.0.0.2:"), std::string::npos) << info;
  EXPECT_NE(info.find("behind 0 bytes, 0 ms, in step"), std::string::npos) << info;
}

TEST_F(HaTest, BothEmpty_TheSlaveFollows) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  Run(seconds(8));
  EXPECT_EQ(StatusOf(kSlaveIp).ha_client_runtime_info.state, "following");
  SendMany(3);
  AwaitCaughtUp();
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

// A slave by hand: keeps the pieces that it gets.
class PieceKeeper final : public ConnectionEvents {
 public:
  PieceKeeper(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimHost& host, sim::SimLog& log)
      : env_(scheduler, network, host, log), loop_(env_.NewExecutor({"io", ExecutorKind::kIo})) {}
  void Ask(LogOffset from) {
    env_.network().Connect({kBrokerIp, kHaPort}, *loop_, seconds(3),
                           [this, from](Result<std::unique_ptr<Connection>> connection) {
                             ASSERT_TRUE(connection.ok());
                             connection_ = *std::move(connection);
                             connection_->Start(this);
                             connection_->Write({Bytes(EncodeHaReport(from))});
                           });
  }
  size_t OnInput(std::string_view input) override {
    size_t used = 0;
    while (input.size() - used >= kHaHeaderBytes) {
      const auto header = DecodeHaHeader(input.substr(used));
      const size_t frame = kHaHeaderBytes + static_cast<size_t>(header->body_bytes);
      if (input.size() - used < frame) break;
      if (header->body_bytes > 0)
        pieces_.emplace_back(input.substr(used + kHaHeaderBytes, frame - kHaHeaderBytes));
      used += frame;
    }
    return used;
  }
  void OnDrained() override {}
  void OnClosed(const Status&) override {}
  const std::vector<std::string>& pieces() const { return pieces_; }

 private:
  sim::SimEnv env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<Connection> connection_;
  std::vector<std::string> pieces_;
};

// An Apache slave that is killed between two pieces may take half a record for a whole one (ha_pieces.h).
TEST_F(HaTest, EveryPiece_EndsWhereARecordEnds) {
  BrokerOptions options = OptionsFor(BrokerRole::kAsyncMaster);
  options.ha_transfer_batch_size = 4096;
  master_.Start(options);
  SendMany(100, 1000);
  SendMany(3, 20000);
  SendMany(20, 700);
  PieceKeeper slave(scheduler_, network_, client_host_, log_);
  slave.Ask({0});
  Run(seconds(1));
  size_t records = 0;
  for (const std::string& piece : slave.pieces()) {
    size_t at = 0;
    while (at + 8 <= piece.size()) {
      at += static_cast<size_t>(PeekRecord(std::string_view(piece).substr(at))->total_bytes);
      ++records;
    }
    EXPECT_EQ(at, piece.size());
  }
  EXPECT_GT(slave.pieces().size(), 5u);
  EXPECT_GT(records, 20u);  // Of the last file: it asked for 0.
  master_.Kill(sim::SimEnv::Loss::kProcess);
}

TEST_F(HaTest, Slave_MasterGivesItsLastFileOnly_BeginsThereAndSaysSo) {
  master_.Start(OptionsFor(BrokerRole::kAsyncMaster));
  SendMany(300);
  sim::SimEnv env(scheduler_, network_, master_.host, log_);
  const auto master = StopMasterAndGiveItsLastFile(env);
  ASSERT_NE(master, nullptr);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCountAtTheSlave(sent_);
  EXPECT_TRUE(Logged("the master gives its last file only: older messages are not copied"));
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

// Nobody asked an ASYNC_MASTER for slaves.
TEST_F(HaTest, PortAfterTheBrokersTaken_OnlyAnAsyncMasterStarts) {
  BrokerOptions other = OptionsFor(BrokerRole::kAsyncMaster);
  other.listen_port = kHaPort;
  other.store_path_root_dir = "/other";
  master_.Start(other);
  const auto start = [&](BrokerRole role, int32_t ha_port) {
    BrokerOptions options = OptionsFor(role);
    options.ha_listen_port = ha_port;
    return Broker::Start(*master_.env, options);
  };
  EXPECT_FALSE(start(BrokerRole::kSyncMaster, 0).ok());
  EXPECT_FALSE(start(BrokerRole::kAsyncMaster, kHaPort).ok()) << "asked for";
  auto started = start(BrokerRole::kAsyncMaster, 0);
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  EXPECT_TRUE(Logged("slaves cannot connect: the port after listenPort is in use"));
  EXPECT_EQ(Send("served").code, ResponseCode::kSuccess);
  bool stopped = false;
  (*started)->Shutdown(seconds(10), [&stopped](Result<Done>) { stopped = true; });
  EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(15), [&] { return stopped; }));
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

TEST_F(HaTest, Slave_DiskFailed_AsksTheMasterLessAndLessOften) {
  master_.Start(OptionsFor(BrokerRole::kSyncMaster));
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  SendMany(5);
  AwaitCaughtUp();
  slave_.host.disk.FailSyncs(1);
  for (int i = 0; i < 2; ++i) EXPECT_NE(Send("what it cannot keep").code, ResponseCode::kSuccess);
  Run(seconds(30));
  const std::string_view given_up = "the connection to the master is given up";
  const auto tries = std::count_if(log_.lines().begin(), log_.lines().end(), [&](const std::string& line) {
    return line.find(given_up) != std::string::npos;
  });
  EXPECT_GE(tries, 2);
  EXPECT_LE(tries, 25);
  // Repaired and started again it follows.
  slave_.Kill(sim::SimEnv::Loss::kPower);
  slave_.Start(OptionsFor(BrokerRole::kSlave));
  AwaitCaughtUp();
  EXPECT_EQ(Send("after the repair").code, ResponseCode::kSuccess);
}

}  // namespace
}  // namespace orbitmq::broker

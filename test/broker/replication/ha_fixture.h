// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "test/broker/broker_fixture.h"
#include "test/broker/replication/last_file_master.h"

namespace orbitmq::broker {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr uint16_t kHaPort = kBrokerPort + 1;
inline constexpr char kSlaveIp[] = "10.0.0.2";
inline constexpr char kRoot[] = "/broker";

inline BrokerOptions OptionsFor(BrokerRole role) {
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

// Master and slave on simulated machines.
class HaTest : public testing::Test {
 protected:
  HaTest()
      : scheduler_(7),
        network_(scheduler_, {}),
        master_(scheduler_, network_, log_, "b0", kBrokerIp, 1),
        slave_(scheduler_, network_, log_, "b0s", kSlaveIp, 2),
        caller_(scheduler_, network_, client_host_, log_) {}

  void Run(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }

  static proto::Command SendRequest(std::string body) {
    proto::SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = "T";
    header.default_topic = "TBW102";
    header.default_topic_queue_nums = 4;
    header.queue_id = 0;
    header.born_timestamp = 1;
    proto::Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
    request.body.emplace_back(std::move(body));
    return request;
  }
  proto::Command Send(std::string body, Duration timeout = seconds(6)) {
    return caller_.Call(SendRequest(std::move(body)), timeout);
  }
  void SendMany(int count, size_t bytes = 1000) {
    for (int i = 0; i < count; ++i) {
      const int32_t code = Send(StrCat(++sent_, std::string(bytes, 'x'))).code;
      ASSERT_TRUE(code == ResponseCode::kSuccess || code == ResponseCode::kSlaveNotAvailable) << code;
    }
  }
  // What both have, before the slave goes away.
  void StartBothThenStopSlave(int common, const BrokerOptions& master) {
    master_.Start(master);
    slave_.Start(OptionsFor(BrokerRole::kSlave));
    SendMany(common);
    AwaitCaughtUp();
    slave_.Stop();
  }
  // The slave's machine is a master for a while, which takes what its own master never has.
  void TakeStraysAtTheSlave(int count, size_t bytes) {
    BrokerOptions alone = OptionsFor(BrokerRole::kAsyncMaster);
    alone.broker_ip1 = kSlaveIp;
    slave_.Start(alone);
    for (int i = 0; i < count; ++i) {
      auto stray = SendRequest(StrCat("stray", i, std::string(bytes, 's')));
      ASSERT_EQ(caller_.CallAt({kSlaveIp, kBrokerPort}, std::move(stray)).code, ResponseCode::kSuccess);
    }
    slave_.Stop();
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

  // In place of the master, which stops; `rubbish` comes behind it. Null when that file is the first one and
  // nothing comes behind it.
  std::unique_ptr<LastFileMaster> StopMasterAndGiveItsLastFile(sim::SimEnv& env,
                                                               const std::string& rubbish = {}) {
    const int64_t end = StatusOf(kBrokerIp).master_commit_log_max_offset;
    master_.Stop();
    const int64_t file_bytes = OptionsFor(BrokerRole::kAsyncMaster).mapped_file_size_commit_log;
    const int64_t begin = end / file_bytes * file_bytes;
    const std::string name = std::to_string(begin);
    auto file = env.files().Open(StrCat(kRoot, "/commitlog/", std::string(20 - name.size(), '0'), name),
                                 OpenMode::kReadWrite);
    std::string bytes(static_cast<size_t>(end - begin), '\0');
    if ((begin == 0 && rubbish.empty()) || !file.ok() || !(*file)->ReadAt(0, bytes).ok()) return nullptr;
    return std::make_unique<LastFileMaster>(env, Endpoint{kBrokerIp, kHaPort}, LogOffset{begin},
                                            bytes + rubbish);
  }
  void AwaitCountAtTheSlave(int count) {
    const MonoTime until = scheduler_.now() + seconds(60);
    while (scheduler_.now() < until && PullCount(kSlaveIp) != count) Run(milliseconds(200));
    EXPECT_EQ(PullCount(kSlaveIp), count);
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

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "test/sim/sim_env.h"

namespace orbitmq::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SimEnvTest : public testing::Test {
 protected:
  explicit SimEnvTest(uint64_t seed = 7) : scheduler_(seed), network_(scheduler_, {}) {}
  std::unique_ptr<SimEnv> NewEnv(SimHost& host) {
    return std::make_unique<SimEnv>(scheduler_, network_, host, log_);
  }
  MonoTime After(Duration d) { return scheduler_.now() + d; }

  Scheduler scheduler_;
  SimNetwork network_;
  SimLog log_;
  SimHost a_{"a", "10.0.0.1", 1, {}};
  SimHost b_{"b", "10.0.0.2", 2, milliseconds(250)};
};

// Collects what arrives, optionally echoing it.
class Collector final : public ConnectionEvents {
 public:
  explicit Collector(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {
    connection_->Start(this);
  }
  size_t OnInput(std::string_view input) override {
    if (echo) connection_->Write({Bytes::Copy(input)});
    received.append(input);
    return input.size();
  }
  void OnDrained() override { ++drained; }
  void OnClosed(const Status& why) override {
    closed = true;
    reason = why;
  }
  Connection& connection() { return *connection_; }

  bool echo = false;
  bool closed = false;
  int drained = 0;
  Status reason;
  std::string received;

 private:
  std::unique_ptr<Connection> connection_;
};

// An echo server on b and a client connection from a.
class SimNetworkTest : public SimEnvTest {
 protected:
  void SetUp() override {
    client_env_ = NewEnv(a_);
    server_env_ = NewEnv(b_);
    client_loop_ = client_env_->NewExecutor({"io", ExecutorKind::kIo});
    server_loop_ = server_env_->NewExecutor({"io", ExecutorKind::kIo});
    auto handler = std::make_shared<UniqueFunction<void(std::unique_ptr<Connection>)>>(
        [this](std::unique_ptr<Connection> connection) {
          server_ = std::make_unique<Collector>(std::move(connection));
          server_->echo = true;
        });
    auto listener = server_env_->network().Listen({{"0.0.0.0", 9000}, {server_loop_.get()}}, handler);
    ASSERT_TRUE(listener.ok());
    listener_ = *std::move(listener);
  }
  void Connect(Duration timeout = seconds(3)) {
    ended_ = false;
    client_env_->network().Connect({"b", 9000}, *client_loop_, timeout,
                                   [this](Result<std::unique_ptr<Connection>> connection) {
                                     ended_ = true;
                                     status_ = connection.status();
                                     if (connection.ok())
                                       client_ = std::make_unique<Collector>(*std::move(connection));
                                   });
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
  }
  std::unique_ptr<SimEnv> client_env_, server_env_;
  std::unique_ptr<Executor> client_loop_, server_loop_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Collector> client_, server_;
  bool ended_ = false;
  Status status_;
};

TEST_F(SimEnvTest, Executor_TasksAndTimers_RunInOrderOfTime) {
  auto env = NewEnv(a_);
  auto executor = env->NewExecutor({"x", ExecutorKind::kCpu});
  std::vector<int> order;
  Timer late = executor->PostAt(After(milliseconds(20)), [&] { order.push_back(3); });
  Timer early = executor->PostAt(After(milliseconds(10)), [&] { order.push_back(2); });
  executor->Post([&] {
    EXPECT_TRUE(executor->Current());
    order.push_back(1);
  });
  EXPECT_TRUE(order.empty());
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(SimEnvTest, Timer_Cancelled_NeverRuns) {
  auto env = NewEnv(a_);
  auto executor = env->NewExecutor({"x", ExecutorKind::kCpu});
  int runs = 0;
  {
    Timer dropped = executor->PostAt(After(milliseconds(1)), [&] { ++runs; });
  }
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_EQ(runs, 0);
}

TEST_F(SimEnvTest, Executor_Stopped_RunsWhatWasPostedAndRefusesMore) {
  auto env = NewEnv(a_);
  auto executor = env->NewExecutor({"x", ExecutorKind::kCpu});
  int runs = 0;
  executor->Post([&] { ++runs; });
  executor->Stop();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(executor->Post([&] { ++runs; }));
  EXPECT_EQ(runs, 1);
}

TEST_F(SimEnvTest, Clock_OfTwoHosts_DiffersByTheirSkew) {
  auto env_a = NewEnv(a_);
  auto env_b = NewEnv(b_);
  EXPECT_EQ(env_b->clock().WallMillis() - env_a->clock().WallMillis(), 250);
}

TEST_F(SimNetworkTest, Connection_Bytes_ArriveWholeAndInOrder) {
  Connect();
  ASSERT_TRUE(scheduler_.RunUntil(After(seconds(1)), [&] { return client_ != nullptr; }));
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    const std::string text = "message " + std::to_string(i) + ";";
    sent += text;
    client_->connection().Write({Bytes(text)});
  }
  EXPECT_TRUE(
      scheduler_.RunUntil(After(seconds(5)), [&] { return client_->received.size() == sent.size(); }));
  EXPECT_EQ(client_->received, sent);
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_EQ(client_->connection().PendingBytes(), 0u);
  EXPECT_GT(client_->drained, 0);
}

TEST_F(SimNetworkTest, Connect_NobodyListens_IsRefused) {
  listener_.reset();
  Connect();
  ASSERT_TRUE(scheduler_.RunUntil(After(seconds(1)), [&] { return ended_; }));
  EXPECT_EQ(status_.code(), StatusCode::kUnavailable);
}

TEST_F(SimNetworkTest, Partition_StallsBytesUntilHealed) {
  Connect();
  ASSERT_TRUE(scheduler_.RunUntil(After(seconds(1)), [&] { return client_ != nullptr; }));
  network_.Block("10.0.0.1", "10.0.0.2");
  client_->connection().Write({Bytes::Static("late")});
  scheduler_.RunUntil(After(seconds(10)));
  EXPECT_EQ(client_->received, "");
  network_.HealAll();
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_EQ(client_->received, "late");
}

TEST_F(SimNetworkTest, Partition_ConnectTimesOut) {
  network_.Block("10.0.0.2", "10.0.0.1");
  Connect(milliseconds(100));
  EXPECT_FALSE(scheduler_.RunUntil(After(milliseconds(50)), [&] { return ended_; }));
  ASSERT_TRUE(scheduler_.RunUntil(After(milliseconds(200)), [&] { return ended_; }));
  EXPECT_EQ(status_.code(), StatusCode::kUnavailable);
}

TEST_F(SimNetworkTest, Reset_BothEndsAreTold) {
  Connect();
  ASSERT_TRUE(
      scheduler_.RunUntil(After(seconds(1)), [&] { return client_ != nullptr && server_ != nullptr; }));
  ASSERT_TRUE(network_.ResetRandomConnection());
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_TRUE(client_->closed);
  EXPECT_TRUE(server_->closed);
  EXPECT_EQ(client_->reason.code(), StatusCode::kUnavailable);
}

TEST_F(SimNetworkTest, KilledHost_PeerSeesReset_PortIsFree) {
  Connect();
  ASSERT_TRUE(
      scheduler_.RunUntil(After(seconds(1)), [&] { return client_ != nullptr && server_ != nullptr; }));
  server_env_->MarkKilled();
  server_.reset();
  listener_.reset();
  server_loop_.reset();
  server_env_->FinishKill(SimEnv::Loss::kProcess);
  scheduler_.RunUntil(After(seconds(1)));
  EXPECT_TRUE(client_->closed);
  client_.reset();
  Connect();
  ASSERT_TRUE(scheduler_.RunUntil(After(seconds(1)), [&] { return ended_; }));
  EXPECT_EQ(status_.code(), StatusCode::kUnavailable);
}

std::string ReadAll(FileSystem& files, const std::string& path) {
  auto content = ReadWholeFile(files, path, 1 << 20);
  return content.ok() ? *content : "<" + std::string(content.status().text()) + ">";
}

Status WriteAt(File& file, uint64_t offset, std::string_view text) {
  return file.WriteAt(offset, std::span<const std::string_view>(&text, 1));
}

TEST_F(SimEnvTest, Disk_PowerLoss_KeepsWhatWasSynced) {
  auto env = NewEnv(a_);
  FileSystem& files = env->files();
  ASSERT_TRUE(CreateDirectoriesDurably(files, "/d").ok());
  auto file = files.Open("/d/f", OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(WriteAt(**file, 0, "kept").ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE(files.SyncDirectory("/d").ok());
  ASSERT_TRUE(WriteAt(**file, 4, std::string(40000, 'x')).ok());
  env->MarkKilled();
  EXPECT_FALSE(WriteAt(**file, 0, "dead").ok());
  file = Status(StatusCode::kCancelled, "closed");
  env->FinishKill(SimEnv::Loss::kPower);
  env = NewEnv(a_);
  EXPECT_EQ(ReadAll(env->files(), "/d/f").substr(0, 4), "kept");
}

TEST_F(SimEnvTest, Disk_PowerLoss_LosesSomeOfWhatWasNot) {
  int lost = 0;
  int torn = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SimHost host("h", "10.0.0.9", seed, {});
    auto env = NewEnv(host);
    ASSERT_TRUE(CreateDirectoriesDurably(env->files(), "/d").ok());
    auto file = env->files().Open("/d/f", OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Truncate(8192).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE(env->files().SyncDirectory("/d").ok());
    ASSERT_TRUE(WriteAt(**file, 0, std::string(4096, 'x')).ok());
    env->MarkKilled();
    file = Status(StatusCode::kCancelled, "closed");
    env->FinishKill(SimEnv::Loss::kPower);
    env = NewEnv(host);
    const std::string content = ReadAll(env->files(), "/d/f").substr(0, 4096);
    const auto kept = std::count(content.begin(), content.end(), 'x');
    lost += kept == 0 ? 1 : 0;
    torn += kept > 0 && kept < 4096 ? 1 : 0;
  }
  EXPECT_GT(lost, 3);
  EXPECT_GT(torn, 3);
  EXPECT_LT(lost + torn, 38);
}

TEST_F(SimEnvTest, Disk_NameNotSynced_MayVanish_ProcessKillKeepsIt) {
  int vanished = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimHost host("h", "10.0.0.9", seed, {});
    auto env = NewEnv(host);
    ASSERT_TRUE(CreateDirectoriesDurably(env->files(), "/d").ok());
    auto file = env->files().Open("/d/f", OpenMode::kCreate);
    ASSERT_TRUE((*file)->Sync().ok());
    env->MarkKilled();
    file = Status(StatusCode::kCancelled, "closed");
    env->FinishKill(seed % 2 == 0 ? SimEnv::Loss::kPower : SimEnv::Loss::kProcess);
    env = NewEnv(host);
    const bool there = env->files().Exists("/d/f");
    if (seed % 2 == 1) {
      EXPECT_TRUE(there);
    }
    vanished += there ? 0 : 1;
  }
  EXPECT_GT(vanished, 1);
}

TEST_F(SimEnvTest, Disk_FailedSync_ReportsAndFullDiskRefuses) {
  auto env = NewEnv(a_);
  ASSERT_TRUE(CreateDirectoriesDurably(env->files(), "/d").ok());
  auto file = env->files().Open("/d/f", OpenMode::kCreate);
  ASSERT_TRUE(WriteAt(**file, 0, "abc").ok());
  a_.disk.FailSyncs(1);
  EXPECT_EQ((*file)->Sync().code(), StatusCode::kIoError);
  EXPECT_TRUE((*file)->Sync().ok());
  a_.disk.SetSpaceLimit(10);
  EXPECT_EQ(WriteAt(**file, 3, std::string(100, 'y')).code(), StatusCode::kResourceExhausted);
}

TEST_F(SimEnvTest, Disk_PowerLoss_TakesADirectoryThatItsParentDidNotSync) {
  SimHost host("a", "10.0.0.1", 1, {});
  auto env = NewEnv(host);
  ASSERT_TRUE(env->files().CreateDirectories("/d").ok());
  auto file = env->files().Open("/d/f", OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE(env->files().SyncDirectory("/d").ok());
  env->MarkKilled();
  file = Status(StatusCode::kCancelled, "closed");
  env->FinishKill(SimEnv::Loss::kPower);
  env = NewEnv(host);
  EXPECT_FALSE(env->files().Exists("/d/f"));
  EXPECT_FALSE(env->files().Exists("/d"));
}

TEST_F(SimEnvTest, Disk_DirectoryThatIsNotEmpty_Stays) {
  SimHost host("a", "10.0.0.1", 1, {});
  auto env = NewEnv(host);
  ASSERT_TRUE(env->files().CreateDirectories("/d/e").ok());
  EXPECT_EQ(env->files().Remove("/d").code(), StatusCode::kIoError);
  ASSERT_TRUE(env->files().Open("/d/e/f", OpenMode::kCreate).ok());
  EXPECT_EQ(env->files().Remove("/d/e").code(), StatusCode::kIoError);
  ASSERT_TRUE(env->files().Remove("/d/e/f").ok());
  EXPECT_TRUE(env->files().Remove("/d/e").ok());
  EXPECT_FALSE(env->files().Exists("/d/e"));
}

TEST_F(SimEnvTest, Disk_Lock_HeldOnceAndFreedByDeath) {
  auto env = NewEnv(a_);
  ASSERT_TRUE(CreateDirectoriesDurably(env->files(), "/d").ok());
  auto lock = env->files().Lock("/d/lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(env->files().Lock("/d/lock").status().code(), StatusCode::kAlreadyExists);
  env->MarkKilled();
  lock = Status(StatusCode::kCancelled, "gone");
  env->FinishKill(SimEnv::Loss::kProcess);
  env = NewEnv(a_);
  EXPECT_TRUE(env->files().Lock("/d/lock").ok());
}

// Same seed, same run: the trace of a busy exchange is equal to the letter.
std::string TraceOf(uint64_t seed) {
  Scheduler scheduler(seed);
  SimNetwork network(scheduler, {});
  SimLog log;
  SimHost host("a", "10.0.0.1", seed, {});
  SimEnv env(scheduler, network, host, log);
  std::string trace;
  std::vector<std::unique_ptr<Executor>> executors;
  for (int i = 0; i < 4; ++i) executors.push_back(env.NewExecutor({"e", ExecutorKind::kCpu}));
  std::function<void(int, int)> hop = [&](int at, int left) {
    trace += std::to_string(at);
    if (left > 0)
      executors[static_cast<size_t>(at)]->Post([&hop, at, left] { hop((at + left) % 4, left - 1); });
  };
  for (int i = 0; i < 4; ++i) hop(i, 30);
  scheduler.RunUntil(scheduler.now() + seconds(1));
  return trace;
}

TEST(SimSchedulerTest, SameSeed_SameInterleaving_OtherSeedAnother) {
  EXPECT_EQ(TraceOf(5), TraceOf(5));
  EXPECT_NE(TraceOf(5), TraceOf(6));
}

}  // namespace
}  // namespace orbitmq::sim

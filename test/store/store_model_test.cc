// SPDX-License-Identifier: Apache-2.0
// Random operations against a plain in-memory model, with crashes and reopenings, on the simulated disk
// (power cuts, torn pages) and on the real file system (process kills).
#include <map>

#include "common/posix_file_system.h"
#include "test/common/temp_directory.h"
#include "test/store/other_files.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::milliseconds;

// What the store must hold: per queue the bodies in order, each with whether it may be lost with power.
struct ModelQueue {
  std::vector<std::string> bodies;
};

class Model {
 public:
  explicit Model(StoreHarness& harness, uint64_t seed) : harness_(harness), random_(seed) {}

  void Step() {
    const uint64_t choice = random_.Below(100);
    if (choice < 70) {
      AppendSome();
    } else if (choice < 80) {
      CheckRandomRead();
    } else if (choice < 88) {
      harness_.Pass(milliseconds(random_.Between(1, 1500)));
    } else if (choice < 92) {
      CheckAll();
    } else if (choice < 95) {
      ASSERT_TRUE(harness_.Close().ok());
      harness_.Open();
      ASSERT_TRUE(harness_.is_open());
      EXPECT_TRUE(harness_.store().recovery().clean_shutdown);
      CheckAll();
    } else {
      CrashAndReopen();
    }
  }

  void CheckAll() {
    harness_.Settle();
    for (const auto& [key, queue] : queues_) {
      ASSERT_EQ(harness_.Bodies(key.topic, key.queue_id), queue.bodies) << key.topic << ":" << key.queue_id;
    }
  }

  bool power_cuts = true;
  int crashes = 0;

 private:
  QueueKey AnyQueue() { return {StrCat("topic", random_.Below(3)), static_cast<QueueId>(random_.Below(2))}; }
  std::string AnyBody() {
    const auto bytes =
        static_cast<size_t>(random_.Chance(1, 20) ? random_.Between(1000, 9000) : random_.Between(0, 200));
    return StrCat(next_id_++, ":", std::string(bytes, static_cast<char>('a' + random_.Below(26))));
  }

  void AppendSome() {
    const uint64_t count = 1 + random_.Below(30);
    struct Sent {
      QueueKey queue;
      std::vector<std::string> bodies;
      Pending pending;
    };
    std::vector<Sent> sent;
    for (uint64_t i = 0; i < count; ++i) {
      Sent one{AnyQueue(), {}, nullptr};
      RecordDraft draft;
      const uint64_t batch = random_.Chance(1, 5) ? 1 + random_.Below(5) : 1;
      for (uint64_t b = 0; b < batch; ++b) {
        TestMessage message{.topic = one.queue.topic, .queue_id = one.queue.queue_id, .body = AnyBody()};
        if (draft.bytes.size() + message.body.size() > 12000) break;
        if (random_.Chance(1, 2)) message.tags = StrCat("tag", random_.Below(3));
        if (random_.Chance(1, 2)) message.keys = StrCat("key", random_.Below(10));
        one.bodies.push_back(message.body);
        AddToDraft(message, draft);
      }
      if (one.bodies.empty()) continue;
      one.pending = harness_.Send(std::move(draft), one.queue);
      sent.push_back(std::move(one));
    }
    for (Sent& one : sent) {
      const auto receipt = harness_.Await(one.pending);
      ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
      auto& queue = queues_[one.queue];
      ASSERT_EQ(receipt->queue_offset.value, static_cast<int64_t>(queue.bodies.size()));
      ASSERT_EQ(receipt->log_offsets.size(), one.bodies.size());
      for (std::string& body : one.bodies) queue.bodies.push_back(std::move(body));
    }
  }

  void CheckRandomRead() {
    if (queues_.empty()) return;
    harness_.Settle();
    auto it = queues_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(random_.Below(queues_.size())));
    const auto size = static_cast<int64_t>(it->second.bodies.size());
    if (size == 0) return;
    const QueueOffset from{random_.Between(0, size - 1)};
    const QueueSlice slice = harness_.store().Read(it->first, from, {.messages_max = 10}, nullptr);
    ASSERT_EQ(slice.status, ReadStatus::kFound);
    for (size_t i = 0; i < slice.records.size(); ++i) {
      const auto view = DecodeMessage(slice.records[i].view(), BodyCheck::kVerifyCrc);
      ASSERT_TRUE(view.ok());
      ASSERT_EQ(view->body, it->second.bodies[static_cast<size_t>(from.value) + i]);
    }
  }

  void CrashAndReopen() {
    ++crashes;
    const bool power = power_cuts && random_.Chance(1, 2);
    const bool sync = harness_.options.flush_mode == FlushMode::kSync;
    harness_.Crash(power ? StoreHarness::Loss::kPower : StoreHarness::Loss::kProcess);
    harness_.Open();
    ASSERT_TRUE(harness_.is_open());
    harness_.Settle();
    for (auto& [key, queue] : queues_) {
      const auto kept = harness_.Bodies(key.topic, key.queue_id);
      ASSERT_LE(kept.size(), queue.bodies.size());
      for (size_t i = 0; i < kept.size(); ++i) {
        ASSERT_EQ(kept[i].substr(0, 40), queue.bodies[i].substr(0, 40))
            << key.topic << ":" << key.queue_id << " " << i;
      }
      // Everything was acknowledged: only async flush and a power cut may cost the tail.
      if (sync || !power) {
        ASSERT_EQ(kept.size(), queue.bodies.size()) << key.topic << ":" << key.queue_id;
      }
      queue.bodies.resize(kept.size());
    }
  }

  StoreHarness& harness_;
  Random random_;
  std::map<QueueKey, ModelQueue> queues_;
  int64_t next_id_ = 0;
};

class StoreModelTest : public testing::TestWithParam<int> {};

void RunModel(StoreHarness& harness, uint64_t seed, int steps, bool power_cuts) {
  harness.Open();
  Model model(harness, seed);
  model.power_cuts = power_cuts;
  for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) model.Step();
  if (!testing::Test::HasFatalFailure()) model.CheckAll();
  EXPECT_GT(model.crashes, 0);
}

TEST_P(StoreModelTest, SyncFlush_PowerCuts) {
  const auto seed = static_cast<uint64_t>(GetParam());
  StoreHarness harness(seed);
  harness.options.flush_mode = FlushMode::kSync;
  RunModel(harness, seed, 150, true);
}

TEST_P(StoreModelTest, AsyncFlush_PowerCuts) {
  const auto seed = static_cast<uint64_t>(GetParam());
  StoreHarness harness(seed + 1000);
  RunModel(harness, seed + 1000, 150, true);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModelTest, testing::Range(1, 13));

// The simulated machine with the real file system below it.
class PosixHarness final : public StoreHarness {
 public:
  explicit PosixHarness(uint64_t seed) : StoreHarness(seed), posix_(NewPosixFileSystem()) {
    options.root = directory_.path() + "/store";
  }
  ~PosixHarness() override { Destroy(); }
  Env& env() override {
    mixed_ = std::make_unique<OtherFilesEnv>(*env_, *posix_);
    return *mixed_;
  }

 private:
  TempDirectory directory_;
  std::unique_ptr<FileSystem> posix_;
  std::unique_ptr<OtherFilesEnv> mixed_;
};

TEST(StoreModelPosixTest, KilledProcesses_LoseNothing) {
  for (const uint64_t seed : {21u, 22u}) {
    PosixHarness harness(seed);
    harness.options.flush_mode = seed == 22 ? FlushMode::kSync : FlushMode::kAsync;
    RunModel(harness, seed, 50, false);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace orbitmq::store

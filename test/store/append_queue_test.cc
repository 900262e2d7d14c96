// SPDX-License-Identifier: Apache-2.0
// How appends wait: back-pressure by bytes and age, the stage that a refusal names, files made ahead of need.
#include "store/append_queue.h"
#include "store/append_stage.h"
#include "store/log_offsets.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime At(Duration since_start) { return MonoTime(since_start); }

TEST(StageWatchTest, TheRunningStage_IsNamedWithItsTime) {
  StageWatch watch;
  watch.Enter(AppendStage::kSync, At(seconds(10)));
  const auto slow = watch.Slowest(At(seconds(9)), At(seconds(12)));
  EXPECT_EQ(slow.stage, AppendStage::kSync);
  EXPECT_EQ(slow.took, seconds(2));
}

TEST(StageWatchTest, AnEndedStage_CountsOnlyForThoseWhoWaitedThrough) {
  StageWatch watch;
  watch.Enter(AppendStage::kWrite, At(seconds(10)));
  watch.Enter(AppendStage::kQueue, At(seconds(13)));
  EXPECT_EQ(watch.Slowest(At(seconds(11)), At(seconds(14))).stage, AppendStage::kWrite);
  const auto later = watch.Slowest(At(milliseconds(13500)), At(seconds(14)));
  EXPECT_EQ(later.stage, AppendStage::kQueue);
  EXPECT_EQ(later.took, milliseconds(500));
}

TEST(StageWatchTest, AShortStage_DoesNotHideTheLongOneBeforeIt) {
  StageWatch watch;
  watch.Enter(AppendStage::kSync, At(milliseconds(1000)));
  watch.Enter(AppendStage::kWrite, At(milliseconds(1400)));
  watch.Enter(AppendStage::kQueue, At(milliseconds(1401)));
  EXPECT_EQ(watch.Slowest(At(milliseconds(900)), At(milliseconds(1402))).stage, AppendStage::kSync);
}

TEST(StageWatchTest, EachStay_IsMeasured_IdleTimeIsNot) {
  StageWatch watch;
  watch.Enter(AppendStage::kWrite, At(seconds(10)));
  watch.Enter(AppendStage::kSync, At(milliseconds(10002)));
  watch.Enter(AppendStage::kQueue, At(milliseconds(10042)));
  watch.Enter(AppendStage::kWrite, At(seconds(3000)));
  EXPECT_EQ(watch.Times(AppendStage::kWrite).count(), 1u);
  EXPECT_EQ(watch.Times(AppendStage::kWrite).max(), 2000);
  EXPECT_EQ(watch.Times(AppendStage::kSync).max(), 40'000);
  EXPECT_EQ(watch.Times(AppendStage::kQueue).count(), 0u);
}

TEST(StageWatchTest, EveryStageHasAName) {
  for (const AppendStage stage : {AppendStage::kQueue, AppendStage::kWrite, AppendStage::kSync,
                                  AppendStage::kDisk, AppendStage::kDispatch}) {
    EXPECT_FALSE(NameOf(stage).empty());
  }
}

TEST(LogOffsetsTest, KeepsOrder_OneOrMany) {
  LogOffsets offsets;
  EXPECT_TRUE(offsets.empty());
  for (int64_t i = 0; i < 3; ++i) {
    offsets.push_back({i * 10});
    EXPECT_EQ(offsets.size(), static_cast<size_t>(i + 1));
    EXPECT_EQ(offsets.back().value, i * 10);
  }
  int64_t sum = 0;
  for (const LogOffset offset : offsets) sum += offset.value;
  EXPECT_EQ(sum, 30);
  EXPECT_EQ(offsets.front().value, 0);
  EXPECT_EQ(offsets[1].value, 10);
}

class AppendQueueTest : public StoreTest {
 protected:
  void OpenSync() {
    options.flush_mode = FlushMode::kSync;
    Open();
    Append({});  // Warm: files exist.
    Settle();
  }
  static bool Answered(const Pending& pending) { return pending->has_value(); }
};

// The simulated log executor is "busy" after a sync for as long as the sync takes.
TEST_F(AppendQueueTest, OldestWaitsTooLong_NewOnesAreRefused_AcceptedOnesAreStored) {
  OpenSync();
  disk().SlowSyncs(milliseconds(2200));
  EXPECT_TRUE(Await(Send({.body = "a"})).ok());
  const Pending accepted = Send({.body = "b"});
  Pass(milliseconds(2100));
  EXPECT_FALSE(Answered(accepted));
  const Pending refused = Send({.body = "c"});
  ASSERT_TRUE(Answered(refused));
  const Status status = (*refused)->status();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_TRUE(status.retriable());
  for (const char* part : {"[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, ",
                           "period in queue: 2100ms, size of queue: 1", "slow stage: ", "limits: 1999ms"}) {
    EXPECT_NE(status.text().find(part), std::string_view::npos) << status.ToString();
  }
  disk().SlowSyncs({});
  EXPECT_TRUE(Await(accepted).ok());
  EXPECT_EQ(store().stats().append_refused, 1);
  ExpectQueue("T", 0, {"body", "a", "b"});
}

TEST_F(AppendQueueTest, AShortStall_RefusesNobodyWhileThereIsRoom_ButWhenTheQueueIsNearlyFull) {
  options.append_queue_bytes_max = 120'000;
  options.segment_bytes = 1 << 20;  // Nothing here waits for a file.
  OpenSync();
  disk().SlowSyncs(seconds(1));
  EXPECT_TRUE(Await(Send({.body = "a"})).ok());
  std::vector<Pending> sent = {Send({.body = "b"})};
  Pass(milliseconds(500));
  for (int i = 0; i < 11; ++i) {
    sent.push_back(Send({.body = std::string(10'000, 'x')}));
    if (i < 10) {
      EXPECT_FALSE(Answered(sent.back())) << i;
    }
  }
  ASSERT_TRUE(Answered(sent.back())) << "84 % full: 484 ms are the limit";
  EXPECT_TRUE((*sent.back())->status().text().starts_with("[TIMEOUT_CLEAN_QUEUE]"));
  disk().SlowSyncs({});
  for (size_t i = 0; i < 11; ++i) EXPECT_TRUE(Await(sent[i]).ok());
}

TEST_F(AppendQueueTest, WhileTheLogIsStuck_WhoWaitedTooLongIsAnswered) {
  OpenSync();
  disk().SlowSyncs(seconds(30));
  EXPECT_TRUE(Await(Send({.body = "a"})).ok());
  const Pending waiting = Send({.body = "b"});
  Pass(options.append_queue_age_max * (AppendQueue::kServedAges + 1));
  EXPECT_FALSE(Answered(waiting));
  EXPECT_TRUE(Answered(Send({.body = "c"})));
  Pass(milliseconds(1));
  ASSERT_TRUE(Answered(waiting));
  EXPECT_EQ((*waiting)->status().code(), StatusCode::kBusy);
  disk().SlowSyncs({});
  Pass(seconds(31));
  EXPECT_TRUE(Await(Send({.body = "d"})).ok());
  ExpectQueue("T", 0, {"body", "a", "d"});
}

TEST_F(AppendQueueTest, MoreBytesThanAllowed_AreRefusedWithTheNumbers) {
  options.append_queue_bytes_max = 10'000;
  OpenSync();
  disk().SlowSyncs(milliseconds(100));
  EXPECT_TRUE(Await(Send({.body = "a"})).ok());
  std::vector<Pending> sent;
  for (int i = 0; i < 4; ++i) sent.push_back(Send({.body = std::string(3000, 'x')}));
  EXPECT_FALSE(Answered(sent[2]));
  ASSERT_TRUE(Answered(sent[3]));
  const Status status = (*sent[3])->status();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  for (const char* part : {"[OVERLOAD]system busy", "size of queue: 3", "10000 bytes"}) {
    EXPECT_NE(status.text().find(part), std::string_view::npos) << status.ToString();
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Await(sent[static_cast<size_t>(i)]).ok());
  EXPECT_EQ(store().stats().append_queue_bytes, 0);
  EXPECT_TRUE(Await(Send({.body = std::string(12'000, 'x')})).ok()) << "one is taken when nothing waits";
}

TEST_F(AppendQueueTest, DispatchFarBehind_HoldsTheLogAndLetsItGoOn) {
  options.dispatch_behind_bytes_max = 0;
  Open();
  std::vector<Pending> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(Send({.body = StrCat("m", i)}));
    if (i % 7 == 0) Pass(std::chrono::microseconds(1));
  }
  for (const Pending& pending : sent) EXPECT_TRUE(Await(pending).ok());
  ExpectQueue("T", 0, Numbered(200));
}

TEST_F(AppendQueueTest, TheNextFile_IsReadyBeforeItIsNeeded) {
  Open();
  for (int i = 0; i < 100; ++i) {
    Append({.body = std::string(1000, 'x')});
    Pass(milliseconds(1));
  }
  const auto stats = store().stats();
  EXPECT_GT(stats.segment_count, 5);
  EXPECT_EQ(stats.segment_waits, 0);
}

TEST_F(AppendQueueTest, SyncMode_OneSyncCoversAllThatWait) {
  OpenSync();
  disk().SlowSyncs(milliseconds(50));
  const int64_t before = store().stats().flush_count;
  const Pending first = Send({.body = "first"});
  Pass(milliseconds(1));
  std::vector<Pending> sent;
  for (int i = 0; i < 40; ++i) sent.push_back(Send({.body = StrCat("m", i)}));
  EXPECT_TRUE(Await(first).ok());
  for (const Pending& pending : sent) EXPECT_TRUE(Await(pending).ok());
  EXPECT_EQ(store().stats().flush_count - before, 2);
}

}  // namespace
}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
// The store on real threads and the real file system: writers and readers at once, for the sanitizers and for
// what a single-threaded simulation cannot show.
#include <atomic>
#include <future>
#include <thread>

#include "common/log.h"
#include "remoting/real_env.h"
#include "test/common/temp_directory.h"
#include "test/store/held_disk.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

constexpr int kWriters = 3;
constexpr int kMessagesPerWriter = 400;

class StoreThreadsTest : public testing::TestWithParam<FlushMode> {
 protected:
  StoreThreadsTest() : env_(net::NewRealEnv(NullLogger())) {
    options_.root = directory_.path() + "/store";
    options_.flush_mode = GetParam();
    options_.segment_bytes = 64 * 1024;
    options_.queue_file_units = 100;
    options_.index_slots = 1000;
    options_.index_entries = 5000;
    options_.queue_flush_interval = std::chrono::milliseconds(20);
    options_.checkpoint_interval = std::chrono::milliseconds(50);
  }
  void Open() {
    auto opened = MessageStore::Open(*env_, options_, [this](const Arrival&) { ++arrivals_; });
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = *std::move(opened);
  }
  // Appends one message and waits for its outcome.
  Result<AppendReceipt> Append(const TestMessage& message) {
    RecordDraft draft;
    AddToDraft(message, draft);
    std::promise<Result<AppendReceipt>> promise;
    auto outcome = promise.get_future();
    store_->Append(
        {.queue = {message.topic, message.queue_id},
         .draft = std::move(draft),
         .done = [&promise](Result<AppendReceipt> result) { promise.set_value(std::move(result)); }});
    return outcome.get();
  }
  void Write(int writer) {
    for (int i = 0; i < kMessagesPerWriter; ++i) {
      const auto receipt =
          Append({.queue_id = writer % 2, .body = StrCat(writer, ":", i), .keys = StrCat("k", i)});
      if (!receipt.ok()) {
        ADD_FAILURE() << receipt.status().ToString();
        return;
      }
    }
  }
  // Follows a queue to `end`, checking that no record is torn, skipped or repeated.
  void Follow(QueueId id, int64_t end) {
    QueueOffset at{0};
    while (at.value < end) {
      const QueueSlice slice = store_->Read({"T", id}, at, {}, nullptr);
      for (const Bytes& record : slice.records) {
        const auto view = DecodeMessage(record.view(), BodyCheck::kVerifyCrc);
        ASSERT_TRUE(view.ok()) << view.status().ToString();
        ASSERT_EQ(view->queue_offset, at);
        at += 1;
      }
      if (slice.records.empty()) std::this_thread::yield();
    }
  }

  TempDirectory directory_;
  std::unique_ptr<Env> env_;
  StoreOptions options_;
  std::atomic<int64_t> arrivals_{0};
  std::unique_ptr<MessageStore> store_;
};

TEST_P(StoreThreadsTest, WritersAndReadersAtOnce_ThenReopened) {
  Open();
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) threads.emplace_back([this, writer] { Write(writer); });
  // Two of the three writers write to queue 0.
  static constexpr int64_t kInZero = 2 * kMessagesPerWriter;
  static constexpr int64_t kInOne = kMessagesPerWriter;
  threads.emplace_back([this] { Follow(0, kInZero); });
  threads.emplace_back([this] { Follow(1, kInOne); });
  threads.emplace_back([this] {
    for (int i = 0; i < 200; ++i) {
      const Watermarks marks = store_->watermarks();
      EXPECT_LE(marks.dispatched, marks.visible);
      EXPECT_LE(marks.visible, marks.appended);
      (void)store_->Query(
          {.topic = "T", .key = "k1", .begin = FromEpochMillis(0), .end = FromEpochMillis(INT64_MAX)});
    }
  });
  for (std::thread& thread : threads) thread.join();
  const Status closed = store_->Close(std::chrono::seconds(30));
  ASSERT_TRUE(closed.ok()) << closed.ToString();
  EXPECT_EQ(arrivals_.load(), kInZero + kInOne);
  store_.reset();

  Open();
  EXPECT_TRUE(store_->recovery().clean_shutdown);
  EXPECT_EQ(store_->recovery().records_scanned, 0);
  Follow(0, kInZero);
  Follow(1, kInOne);
  EXPECT_EQ(Append({.queue_id = 1, .body = "next"})->queue_offset.value, kInOne);
}

TEST_P(StoreThreadsTest, DestroyedWhileWriting_ReopensAsAfterACrash) {
  Open();
  std::vector<std::string> accepted;
  for (int i = 0; i < 50; ++i) {
    if (Append({.body = std::to_string(i)}).ok()) accepted.push_back(std::to_string(i));
  }
  store_.reset();
  Open();
  EXPECT_FALSE(store_->recovery().clean_shutdown);
  Follow(0, static_cast<int64_t>(accepted.size()));
}

// A checkpoint under way finds files gone and must begin again, on two executors.
TEST_P(StoreThreadsTest, TopicsDeletedWhileCheckpointsAreWritten) {
  Open();
  constexpr int kRounds = 150;
  const auto deleted = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < kRounds; ++i) {
    const std::string topic = StrCat("D", i % 4);
    for (int queue = 0; queue < 4; ++queue)
      ASSERT_TRUE(Append({.topic = topic, .queue_id = queue, .body = "short-lived"}).ok());
    store_->DeleteTopic(topic, [deleted](const Result<Done>& result) {
      if (result.ok()) ++*deleted;
    });
  }
  ASSERT_TRUE(Append({.body = "stays"}).ok());
  Follow(0, 1);
  const Status closed = store_->Close(std::chrono::seconds(30));
  ASSERT_TRUE(closed.ok()) << closed.ToString();
  EXPECT_EQ(*deleted, kRounds);
  store_.reset();
  Open();
  EXPECT_TRUE(store_->recovery().clean_shutdown);
  Follow(0, 1);
  EXPECT_EQ(Append({.topic = "D1", .body = "anew"})->queue_offset.value, 0);
}

using StoreSyncTest = StoreThreadsTest;

TEST_P(StoreSyncTest, ASyncThatStandsStill_IsNamedByTheRefusal_NothingIsLost) {
  SyncHold hold("/commitlog/");
  HeldEnv held(*env_, hold);
  options_.append_queue_age_max = std::chrono::milliseconds(20);
  auto opened = MessageStore::Open(held, options_, {});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  store_ = *std::move(opened);
  ASSERT_TRUE(Append({.body = "first"}).ok());
  hold.Hold();
  auto in_sync = std::async(std::launch::async, [this] { return Append({.body = "in sync"}); });
  hold.AwaitOne();
  auto accepted = std::async(std::launch::async, [this] { return Append({.body = "accepted"}); });
  // Refused from the moment on at which the accepted one has waited for 20 ms.
  Result<AppendReceipt> refused = AppendReceipt{};
  std::atomic<int64_t> stored{0};
  while (refused.ok()) {
    RecordDraft draft;
    AddToDraft({.body = "more"}, draft);
    auto answered = std::make_shared<std::atomic<bool>>(false);
    auto outcome = std::make_shared<Result<AppendReceipt>>(AppendReceipt{});
    store_->Append({.queue = {"T", 0},
                    .draft = std::move(draft),
                    .done = [answered, outcome, &stored](Result<AppendReceipt> result) {
                      if (result.ok()) ++stored;
                      *outcome = std::move(result);
                      answered->store(true);
                    }});
    if (answered->load()) refused = *outcome;  // Refusals come before Append returns; the others are held.
    std::this_thread::yield();
  }
  EXPECT_EQ(refused.status().code(), StatusCode::kBusy);
  EXPECT_NE(refused.status().text().find("slow stage: sync for "), std::string_view::npos)
      << refused.status().ToString();
  hold.LetGo();
  EXPECT_TRUE(in_sync.get().ok());
  // On a slow machine it may have waited for ten times the age, and is refused then.
  if (const auto late = accepted.get(); late.ok()) {
    ++stored;
  } else {
    EXPECT_EQ(late.status().code(), StatusCode::kBusy) << late.status().ToString();
  }
  const Status closed = store_->Close(std::chrono::seconds(30));
  EXPECT_TRUE(closed.ok()) << closed.ToString();
  Follow(0, 2 + stored.load());
  store_.reset();
}

INSTANTIATE_TEST_SUITE_P(Modes, StoreSyncTest, testing::Values(FlushMode::kSync));
INSTANTIATE_TEST_SUITE_P(Modes, StoreThreadsTest, testing::Values(FlushMode::kAsync, FlushMode::kSync));

}  // namespace
}  // namespace orbitmq::store

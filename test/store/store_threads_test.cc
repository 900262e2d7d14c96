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
    // A disk that a build keeps busy may stand still for seconds; nothing is refused for that here.
    options_.append_queue_age_max = std::chrono::minutes(1);
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

// What was accepted is there, and from the moment on that the store follows nothing else is.
TEST_P(StoreThreadsTest, RoleChangesAmidWrites_TakeAllOrNothing) {
  Open();
  const auto change = [this](LogRole role) {
    std::promise<Status> promise;
    store_->replication().ChangeRole(
        role, [&promise](const Result<Done>& done) { promise.set_value(done.status()); });
    return promise.get_future().get();
  };
  std::atomic<int64_t> accepted{0};
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const auto receipt = Append({.queue_id = 0, .body = "m"});
        if (receipt.ok())
          ++accepted;
        else
          EXPECT_EQ(receipt.status().code(), StatusCode::kUnavailable) << receipt.status().ToString();
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    const int64_t before = accepted;
    while (accepted < before + 20) std::this_thread::yield();
    ASSERT_TRUE(change(LogRole::kFollower).ok());
    const LogOffset end = store_->watermarks().appended;
    EXPECT_EQ(Append({.queue_id = 0, .body = "late"}).status().code(), StatusCode::kUnavailable);
    EXPECT_EQ(store_->watermarks().appended, end);
    EXPECT_GE(store_->Range({"T", 0})->max.value, accepted);  // A writer counts after the answer.
    ASSERT_TRUE(change(LogRole::kLeader).ok());
  }
  threads.clear();
  Follow(0, accepted);
  EXPECT_EQ(store_->Range({"T", 0})->max.value, accepted);
  EXPECT_TRUE(store_->Close(std::chrono::seconds(30)).ok());
}

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

// A store on a disk whose first file of the log can be made to stand still.
class StoreSyncTest : public StoreThreadsTest {
 protected:
  void TearDown() override {
    hold_.LetGo();
    store_.reset();  // It uses the members below.
  }

  // The second file is made ahead while the first is written; its syncs are none of a message.
  SyncHold hold_{"/commitlog/00000000000000000000"};
  HeldEnv held_{*env_, hold_};
  std::atomic<int64_t> stored_{0};
};

TEST_P(StoreSyncTest, ASyncThatStandsStill_IsNamedByTheRefusal_NothingIsLost) {
  options_.append_queue_age_max = std::chrono::milliseconds(20);
  auto opened = MessageStore::Open(held_, options_, {});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  store_ = *std::move(opened);
  Result<AppendReceipt> first = Append({.body = "first"});
  while (first.status().code() == StatusCode::kBusy) first = Append({.body = "first"});  // A slow machine.
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const LogOffset first_end = store_->watermarks().appended;
  hold_.Hold();
  auto in_sync = std::async(std::launch::async, [this] { return Append({.body = "in sync"}); });
  hold_.AwaitOne();
  EXPECT_GT(store_->watermarks().appended, first_end);
  auto accepted = std::async(std::launch::async, [this] { return Append({.body = "accepted"}); });
  // Refused from the moment on at which the accepted one has waited for 20 ms.
  Result<AppendReceipt> refused = AppendReceipt{};
  while (refused.ok()) {
    RecordDraft draft;
    AddToDraft({.body = "more"}, draft);
    auto answered = std::make_shared<std::atomic<bool>>(false);
    auto outcome = std::make_shared<Result<AppendReceipt>>(AppendReceipt{});
    store_->Append({.queue = {"T", 0},
                    .draft = std::move(draft),
                    .done = [answered, outcome, this](Result<AppendReceipt> result) {
                      if (result.ok()) ++stored_;
                      *outcome = std::move(result);
                      answered->store(true);
                    }});
    if (answered->load()) refused = *outcome;  // Refusals come before Append returns; the others are held.
    std::this_thread::yield();
  }
  EXPECT_EQ(refused.status().code(), StatusCode::kBusy);
  EXPECT_NE(refused.status().text().find("slow stage: sync for "), std::string_view::npos)
      << refused.status().ToString();
  hold_.LetGo();
  const auto in_sync_outcome = in_sync.get();
  EXPECT_TRUE(in_sync_outcome.ok()) << in_sync_outcome.status().ToString();
  // On a slow machine it may have waited for ten times the age, and is refused then.
  if (const auto late = accepted.get(); late.ok()) {
    ++stored_;
  } else {
    EXPECT_EQ(late.status().code(), StatusCode::kBusy) << late.status().ToString();
  }
  const Status closed = store_->Close(std::chrono::seconds(30));
  EXPECT_TRUE(closed.ok()) << closed.ToString();
  Follow(0, 2 + stored_.load());
}

INSTANTIATE_TEST_SUITE_P(Modes, StoreSyncTest, testing::Values(FlushMode::kSync));
INSTANTIATE_TEST_SUITE_P(Modes, StoreThreadsTest, testing::Values(FlushMode::kAsync, FlushMode::kSync));

}  // namespace
}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
// A deleted topic stays deleted, wholly, whatever stops the broker at whichever of its steps.
#include "store/deleted_topics.h"
#include "test/store/log_shipping.h"

namespace orbitmq::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Cut = sim::SimDisk::Cut;

constexpr QueueId kQueues = 4;

void SetSmallFiles(StoreOptions& options) {
  options.queue_file_units = 5;
  options.queue_flush_interval = milliseconds(100);
}

void RemoveOwnCheckpoint(StoreHarness& harness) {
  for (const char* name : {"/store/orbitmq/checkpoint", "/store/orbitmq/checkpoint.bak"}) {
    if (!harness.files().Exists(name)) continue;
    ASSERT_TRUE(harness.files().Remove(name).ok());
  }
}

// How an image of the disk came about.
struct Way {
  const char* name;
  std::optional<Cut> cut;  // None: the process was killed.
  bool own_checkpoint;     // Without ours, queues are derived from files and log as Apache's would be.
};
constexpr Way kWays[] = {
    {"killed", std::nullopt, true},
    {"killed, ends from the files", std::nullopt, false},
    {"power, nothing unsynced", Cut::kNothing, true},
    {"power, nothing unsynced, ends from the files", Cut::kNothing, false},
    {"power, mixed pages", Cut::kMixed, true},
    {"power, mixed pages, ends from the files", Cut::kMixed, false},
};

// Deletes T beside Other and makes it anew, and looks at an image of the disk after every operation in every
// way.
class DeletionCuts {
 public:
  explicit DeletionCuts(FlushMode mode) {
    SetSmallFiles(live_.options);
    live_.options.flush_mode = mode;
  }

  void Run() {
    live_.Open();
    for (QueueId id = 0; id < kQueues; ++id) live_.AppendMany(12, {.queue_id = id}, "old");
    live_.AppendMany(7, {.topic = "Other"});
    live_.Settle();
    live_.Pass(seconds(8));
    // Neither in a checkpoint nor, all of them, in the queues' files.
    for (QueueId id = 0; id < kQueues; ++id) live_.AppendMany(3, {.queue_id = id}, "late");
    live_.Pass(seconds(1));
    live_.disk().SetObserver([this](const sim::SimDisk::Operation&) { LookAtImages(); });
    deleted_ = live_.StartDeletion("T");
    live_.Pass(seconds(1));
    ASSERT_TRUE(IsDeleted());
    live_.AppendMany(6, {.queue_id = 1}, "new");
    news_sent_ = true;
    live_.Pass(seconds(8));
    ASSERT_TRUE(live_.Close().ok());
    live_.disk().SetObserver({});
  }
  int images() const { return images_; }
  int images_with_old() const { return images_with_old_; }

 private:
  bool IsDeleted() const { return deleted_->has_value() && (*deleted_)->ok(); }

  void LookAtImages() {
    ++operations_;
    if (testing::Test::HasFailure()) return;
    const bool deleted = IsDeleted();
    for (const Way& way : kWays) {
      SCOPED_TRACE(StrCat("operation ", operations_, ", ", way.name, deleted ? ", answered" : ""));
      StoreHarness image(static_cast<uint64_t>(operations_));
      image.options = live_.options;
      image.Pass(live_.scheduler().now() - MonoTime{});
      image.disk().CloneFrom(live_.disk());
      if (way.cut) image.disk().Crash(*way.cut);
      ++images_;
      Judge(image, way, deleted);
      if (testing::Test::HasFailure()) return;
    }
  }

  // Whole as it was, or gone from every queue.
  void Judge(StoreHarness& image, const Way& way, bool deleted) {
    image.Boot();
    if (!way.own_checkpoint) RemoveOwnCheckpoint(image);
    image.Open();
    if (testing::Test::HasFailure()) return;
    image.ExpectQueue("Other", 0, Numbered(7));
    const auto first = image.Bodies("T", 0);
    const bool old_there = !first.empty();
    EXPECT_FALSE(deleted && old_there) << "the deletion was answered, and " << first.size() << " are back";
    for (QueueId id = 0; id < kQueues; ++id) CheckQueue(image, id, old_there);
    if (old_there) ++images_with_old_;
    // Whatever was left of it, deleting it again and making it anew begins with nothing.
    ASSERT_TRUE(image.DeleteTopic("T").ok());
    for (QueueId id = 0; id < kQueues; ++id) {
      EXPECT_EQ(image.Append({.queue_id = id, .body = "again"}).queue_offset.value, 0);
    }
    image.Crash(StoreHarness::Loss::kProcess);
    image.Open();
    for (QueueId id = 0; id < kQueues; ++id) image.ExpectQueue("T", id, {"again"});
  }

  void CheckQueue(StoreHarness& image, QueueId id, bool old_there) {
    const auto bodies = image.Bodies("T", id);
    auto old = Numbered(12, "old");
    for (const auto& late : Numbered(3, "late")) old.push_back(late);
    if (old_there) {
      // Power may take the end of what was not flushed.
      ASSERT_LE(bodies.size(), old.size()) << id;
      EXPECT_TRUE(std::equal(bodies.begin(), bodies.end(), old.begin())) << id;
      if (live_.options.flush_mode == FlushMode::kSync) {
        EXPECT_EQ(bodies.size(), old.size()) << id;
      }
      return;
    }
    const auto news = Numbered(6, "new");
    ASSERT_LE(bodies.size(), id == 1 ? news.size() : 0) << id << ": " << bodies.front();
    EXPECT_TRUE(std::equal(bodies.begin(), bodies.end(), news.begin())) << id;
    const bool kept = live_.options.flush_mode == FlushMode::kSync && news_sent_;
    if (id == 1 && kept) {
      EXPECT_EQ(bodies.size(), news.size());
    }
  }

  StoreHarness live_;
  Ending deleted_;
  bool news_sent_ = false;
  int operations_ = 0;
  int images_ = 0;
  int images_with_old_ = 0;
};

TEST(TopicDeletionTest, CutAtEveryOperation_SyncFlush_AllOrNothing) {
  DeletionCuts cuts(FlushMode::kSync);
  cuts.Run();
  EXPECT_GT(cuts.images(), 200);
  EXPECT_GT(cuts.images_with_old(), 5);
}

TEST(TopicDeletionTest, CutAtEveryOperation_AsyncFlush_AllOrNothing) {
  DeletionCuts cuts(FlushMode::kAsync);
  cuts.Run();
  EXPECT_GT(cuts.images(), 200);
  EXPECT_GT(cuts.images_with_old(), 5);
}

class DeletedTopicsTest : public StoreTest {
 protected:
  void SetUp() override { SetSmallFiles(options); }
  DeletedTopics Noted() {
    auto noted = DeletedTopics::Load(files(), env().log(), "/store");
    EXPECT_TRUE(noted.ok()) << noted.status().ToString();
    return noted.ok() ? *noted : DeletedTopics();
  }
};

// The dispatcher still has records of the topic before it when the deletion is asked for.
TEST_F(DeletedTopicsTest, UndispatchedRecords_GoWithTheirTopic) {
  Open();
  AppendMany(3, {});
  std::vector<Pending> sent;
  for (int i = 0; i < 30; ++i) sent.push_back(Send({.queue_id = i % 3, .body = "undispatched"}));
  const Pending last = Send({.topic = "Other"});
  ASSERT_TRUE(Await(last).ok());
  ASSERT_TRUE(DeleteTopic("T").ok());
  for (const Pending& pending : sent) ASSERT_TRUE(Await(pending).ok());
  Crash(Loss::kProcess);
  Boot();
  RemoveOwnCheckpoint(*this);
  Open();
  Settle();
  for (QueueId id = 0; id < 3; ++id) EXPECT_EQ(Bodies("T", id), std::vector<std::string>()) << id;
  EXPECT_EQ(Bodies("Other", 0).size(), 1u);
}

TEST_F(DeletedTopicsTest, AFullDisk_TheDeletionWaitsForSpace) {
  Open();
  AppendMany(12, {});
  Settle();
  Pass(seconds(7));
  disk().SetQuota(disk().UsedBytes());
  const Ending ending = StartDeletion("T");
  Pass(seconds(3));
  EXPECT_FALSE(ending->has_value() && (*ending)->ok());
  disk().SetQuota(UINT64_MAX);
  Pass(seconds(5));
  ASSERT_TRUE(ending->has_value());
  if ((*ending)->ok()) {
    EXPECT_FALSE(store().Range({"T", 0}).has_value());
  } else {
    ExpectQueue("T", 0, Numbered(12));
    EXPECT_TRUE(DeleteTopic("T").ok());
  }
}

TEST_F(DeletedTopicsTest, TheNote_GoesWhenTheLogHasNothingBelowIt) {
  options.retention = Duration::zero();
  for (int hour = 0; hour < 24; ++hour) options.delete_when += StrCat(";", hour);
  Open();
  AppendMany(3, {});
  ASSERT_TRUE(DeleteTopic("T").ok());
  EXPECT_GT(Noted().Below("T").value, 0);
  for (int i = 0; i < 40; ++i) Append({.topic = "Other", .body = std::string(1000, 'x')});
  Pass(seconds(30));
  ASSERT_GT(store().watermarks().min.value, 0);
  ASSERT_TRUE(DeleteTopic("Other").ok());
  EXPECT_EQ(Noted().Topics(), std::vector<std::string>{"Other"});
  Reopen();
  EXPECT_EQ(Noted().Topics(), std::vector<std::string>{"Other"});
}

// Somebody cut the log below a deletion: what comes to lie there later is none of the deleted topic.
TEST_F(DeletedTopicsTest, ALogCutBelow_NothingNewIsTakenForDeleted) {
  Open();
  AppendMany(3, {});
  const AppendReceipt at = Append({.topic = "Other", .body = std::string(2000, 'o')});
  ASSERT_TRUE(DeleteTopic("T").ok());
  ASSERT_TRUE(Close().ok());
  Boot();
  auto log = files().Open("/store/commitlog/00000000000000000000", OpenMode::kReadWrite);
  ASSERT_TRUE(log.ok());
  const std::string zeros(2500, '\0');
  const std::string_view pieces[] = {zeros};
  ASSERT_TRUE((*log)->WriteAt(static_cast<uint64_t>(at.log_offsets[0].value), pieces).ok());
  log->reset();
  RemoveOwnCheckpoint(*this);
  Open();
  EXPECT_LE(Noted().Below("T"), store().watermarks().appended);
  AppendMany(4, {}, "new");
  Crash(Loss::kProcess);
  Boot();
  RemoveOwnCheckpoint(*this);
  Open();
  ExpectQueue("T", 0, Numbered(4, "new"));
}

// A follower's log has the messages of the old topic and those of the one that was made anew.
class DroppedTopicTest : public DeletedTopicsTest {
 protected:
  void SetUp() override {
    DeletedTopicsTest::SetUp();
    SetSmallFiles(leader_.options);
    options.follower = true;
    leader_.Open();
    Open();
    leader_.AppendMany(12, {.queue_id = 0}, "old");
    leader_.AppendMany(8, {.queue_id = 1}, "old");
  }

  StoreHarness leader_{7};
};

TEST_F(DroppedTopicTest, WhatLiesBelow_GoesForGood_WhatWasSentLaterStays) {
  ASSERT_TRUE(leader_.DeleteTopic("T").ok());
  const LogOffset deleted_at = leader_.store().watermarks().appended;
  leader_.AppendMany(3, {.queue_id = 2}, "new");
  leader_.AppendMany(4, {.topic = "Other"});
  Ship(leader_, *this);
  ASSERT_EQ(Bodies("T", 0).size(), 12u);
  ASSERT_TRUE(DropTopic(*this, "T", deleted_at).ok());
  for (const bool own_checkpoint : {true, false}) {
    ExpectQueue("T", 0, {});
    ExpectQueue("T", 1, {});
    ExpectQueue("T", 2, Numbered(3, "new"));
    ExpectQueue("Other", 0, Numbered(4));
    Pass(seconds(8));  // A checkpoint that holds changes only.
    Crash(Loss::kProcess);
    Boot();
    if (!own_checkpoint) RemoveOwnCheckpoint(*this);
    Open();
  }
  // A queue that is made anew begins anew.
  leader_.AppendMany(2, {.queue_id = 0}, "again");
  Ship(leader_, *this);
  ExpectQueue("T", 0, Numbered(2, "again"));
  ExpectQueue("T", 2, Numbered(3, "new"));
}

TEST_F(DroppedTopicTest, AFollowerThatIsBehind_DropsTheRestWhenItHasCome) {
  Ship(leader_, *this);
  const LogOffset had = store().watermarks().appended;
  leader_.AppendMany(5, {.queue_id = 0}, "more");
  ASSERT_TRUE(leader_.DeleteTopic("T").ok());
  Ship(leader_, *this);
  ASSERT_TRUE(DropTopic(*this, "T", had).ok());
  ExpectQueue("T", 1, {});
  EXPECT_EQ(Bodies("T", 0).size(), 17u);  // It went on.
  ASSERT_TRUE(DropTopic(*this, "T", store().watermarks().appended).ok());
  ExpectQueue("T", 0, {});
}

TEST_F(DroppedTopicTest, OnALeader_IsRefused) {
  EXPECT_EQ(DropTopic(leader_, "T", {100}).code(), StatusCode::kFailedPrecondition);
  leader_.Settle();
  EXPECT_EQ(leader_.Bodies("T", 0).size(), 12u);
}

TEST_F(DeletedTopicsTest, ADamagedNote_IsToldAndTheStoreOpens) {
  Open();
  AppendMany(3, {});
  ASSERT_TRUE(DeleteTopic("T").ok());
  ASSERT_TRUE(Close().ok());
  Boot();
  auto file = files().Open("/store/orbitmq/deleted_topics", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  const std::string_view pieces[] = {"x"};
  ASSERT_TRUE((*file)->WriteAt(12, pieces).ok());
  Open();
  const bool told = std::any_of(log_lines().begin(), log_lines().end(), [](const std::string& line) {
    return line.find("deleted_topics") != std::string::npos && line.find("damaged") != std::string::npos;
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(Append({}).queue_offset.value, 0);
}

TEST_F(DeletedTopicsTest, Format_RoundTripAndHostileBytes) {
  Boot();
  DeletedTopics deleted;
  ASSERT_TRUE(deleted.Add(files(), "/store", "A", {{500}, FromEpochMillis(70)}, {0}).ok());
  ASSERT_TRUE(deleted.Add(files(), "/store", "B", {{900}, FromEpochMillis(90)}, {0}).ok());
  const std::string bytes = deleted.Encode();
  auto decoded = DeletedTopics::Decode(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, deleted);
  EXPECT_EQ(Noted(), deleted);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DeletedTopics::Decode(bytes.substr(0, size)).ok()) << size;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_FALSE(DeletedTopics::Decode(damaged).ok()) << at;
  }
  std::string newer = bytes;
  newer[7] = 2;
  EXPECT_EQ(DeletedTopics::Decode(newer).status().code(), StatusCode::kNotSupported);
}

TEST_F(DeletedTopicsTest, Covers_WhatIsOlderInTheLogAndByTheClock) {
  Boot();
  DeletedTopics deleted;
  ASSERT_TRUE(deleted.Add(files(), "/store", "A", {{500}, FromEpochMillis(70)}, {0}).ok());
  const auto covers = [&deleted](std::string_view topic, int64_t at, int64_t time_ms) {
    MessageView record;
    record.topic = topic;
    record.log_offset = {at};
    record.store_time = FromEpochMillis(time_ms);
    return deleted.Covers(record);
  };
  EXPECT_TRUE(covers("A", 499, 70));
  EXPECT_FALSE(covers("A", 500, 70));
  EXPECT_FALSE(covers("A", 499, 71)) << "stored after the deletion";
  EXPECT_FALSE(covers("B", 499, 70));
  ASSERT_TRUE(deleted.Clip(files(), "/store", {0}, {300}).ok());
  EXPECT_TRUE(covers("A", 299, 70));
  EXPECT_FALSE(covers("A", 300, 70));
  ASSERT_TRUE(deleted.Clip(files(), "/store", {300}, {400}).ok());
  EXPECT_TRUE(deleted.empty());
}

}  // namespace
}  // namespace orbitmq::store

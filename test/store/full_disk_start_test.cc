// SPDX-License-Identifier: Apache-2.0
// A store that starts while its disk is full: what is in it must be readable, or nothing could be drained.
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::seconds;

constexpr uint64_t kRoomy = uint64_t{1} << 40;

class FullDiskStartTest : public StoreTest {
 protected:
  // Messages "m0", "m1" ..., each with a key of its own, until the disk takes no more of them; they need more
  // than one index file.
  void FillUp(uint64_t room) {
    disk().SetQuota(disk().UsedBytes() + room);
    for (;;) {
      TestMessage message{.body = StrCat("m", stored_), .keys = StrCat("k", stored_)};
      if (!Await(Send(message)).ok()) break;
      ++stored_;
    }
    ASSERT_GT(stored_, static_cast<int>(options.index_entries));
  }
  // Not a byte is left, also not what a file gave up meanwhile.
  void NothingIsFree() { disk().SetQuota(disk().UsedBytes()); }
  int CountIndexed() {
    int count = 0;
    for (int i = 0; i < stored_; ++i) {
      const auto reply = store().Query({.topic = "T",
                                        .key = StrCat("k", i),
                                        .begin = FromEpochMillis(0),
                                        .end = FromEpochMillis(INT64_MAX)});
      count += reply.ok() && reply->records.size() == 1 ? 1 : 0;
    }
    return count;
  }
  void ExpectReadableAndRefusing() {
    EXPECT_EQ(Bodies("T", 0), Numbered(stored_));
    const auto refused = Await(Send({.body = "refused"}));
    EXPECT_EQ(refused.status().code(), StatusCode::kResourceExhausted) << refused.status().ToString();
    EXPECT_NE(refused.status().text().find("disk is full"), std::string_view::npos)
        << refused.status().ToString();
  }
  void ExpectWholeOnceThereIsSpace() {
    disk().SetQuota(kRoomy);
    Pass(seconds(5));
    EXPECT_EQ(Append({.body = StrCat("m", stored_)}).queue_offset.value, stored_);
    ExpectQueue("T", 0, Numbered(stored_ + 1));
    EXPECT_EQ(CountIndexed(), stored_);
    ASSERT_TRUE(Close().ok());
    Open();
    EXPECT_TRUE(store().recovery().clean_shutdown);
    ExpectQueue("T", 0, Numbered(stored_ + 1));
    EXPECT_EQ(CountIndexed(), stored_);
  }
  int stored_ = 0;
};

TEST_F(FullDiskStartTest, KilledWhileDispatchWaitedForSpace_ReadsAndRefuses) {
  Open();
  Pass(seconds(10));
  FillUp(110'000);
  Crash(Loss::kProcess);
  NothingIsFree();
  Open();
  Pass(seconds(3));
  ExpectReadableAndRefusing();
  ExpectWholeOnceThereIsSpace();
}

TEST_F(FullDiskStartTest, StoppedInOrderButNotDrained_ReadsAndRefuses) {
  Open();
  Pass(seconds(10));
  FillUp(110'000);
  (void)Close();
  Boot();
  NothingIsFree();
  Open();
  ExpectReadableAndRefusing();
  // A second time, while it still is full.
  Crash(Loss::kProcess);
  Open();
  ExpectReadableAndRefusing();
  ExpectWholeOnceThereIsSpace();
}

TEST_F(FullDiskStartTest, NoRoomForTheAbortFile_TheNextStartStillKnowsOfTheCrash) {
  Open();
  AppendMany(500, {.keys = "k"});
  ASSERT_TRUE(Close().ok());
  Boot();
  NothingIsFree();
  Open();
  EXPECT_EQ(Bodies("T", 0), Numbered(500));
  Crash(Loss::kProcess);
  disk().SetQuota(kRoomy);
  Open();
  EXPECT_FALSE(store().recovery().clean_shutdown);
  ExpectQueue("T", 0, Numbered(500));
}

TEST_F(FullDiskStartTest, OurFolderIsGone_QueuesAreInMemory) {
  Open();
  FillUp(110'000);
  Crash(Loss::kProcess);
  Boot();
  for (const std::string& path : disk().Files()) {
    if (path.starts_with("/store/consumequeue/") || path.starts_with("/store/index/") ||
        path.starts_with("/store/orbitmq/")) {
      ASSERT_TRUE(files().Remove(path).ok());
    }
  }
  NothingIsFree();
  Open();
  ExpectReadableAndRefusing();
  EXPECT_EQ(CountIndexed(), 0);
  ExpectWholeOnceThereIsSpace();
}

}  // namespace
}  // namespace orbitmq::store

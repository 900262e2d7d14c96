// SPDX-License-Identifier: Apache-2.0
// Starts and checkpoints of stores with more queues than are touched.
#include <malloc.h>

#include "common/log_sinks.h"
#include "store/queue_offsets.h"
#include "store/queue_table.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

class ManyQueuesTest : public StoreTest {
 protected:
  void Overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
    auto file = files().Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const std::string_view pieces[] = {bytes};
    ASSERT_TRUE((*file)->WriteAt(offset, pieces).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  std::string Content(const std::string& path) {
    auto content = ReadWholeFile(files(), path, uint64_t{1} << 30);
    EXPECT_TRUE(content.ok()) << content.status().ToString();
    return content.ok() ? *content : "";
  }
};

// Any queue may have units of lost records behind its end; they go while the store runs, and a store that
// closes in order leaves none.
TEST_F(ManyQueuesTest, StaleUnits_OfQueuesThatAreNotWritten_AreGoneAfterAnOrderlyClose) {
  Open();
  for (int i = 0; i < 100; ++i) AppendMany(2, {.topic = "Many", .queue_id = i});
  Pass(std::chrono::seconds(20));
  Crash(Loss::kProcess);
  Boot();
  std::string stale;
  EncodeUnit({{1 << 20}, 100, 7}, stale);
  for (int i = 0; i < 100; ++i) {
    Overwrite(StrCat("/store/consumequeue/Many/", i, "/00000000000000000000"), 60, stale);
  }
  Open();
  EXPECT_EQ(store().recovery().records_scanned, 0) << "it must not need the files to know the ends";
  ASSERT_TRUE(Close().ok());
  Boot();
  for (int i = 0; i < 100; ++i) {
    const std::string units = Content(StrCat("/store/consumequeue/Many/", i, "/00000000000000000000"));
    EXPECT_EQ(units.substr(40), std::string(units.size() - 40, '\0')) << i;
  }
}

// What a checkpoint writes follows what was touched, and a restart knows all of it.
TEST_F(ManyQueuesTest, Checkpoints_OfFewTouchedQueues_AreSmallAndComplete) {
  Open();
  for (int i = 0; i < 200; ++i) AppendMany(1, {.topic = "Many", .queue_id = i});
  Pass(std::chrono::seconds(20));
  const size_t before = Content("/store/orbitmq/checkpoint").size();
  AppendMany(5, {.topic = "Many", .queue_id = 17}, "x");
  Pass(std::chrono::seconds(10));
  const size_t after = Content("/store/orbitmq/checkpoint").size();
  EXPECT_GT(after, before);
  EXPECT_LT(after - before, 400u);
  ASSERT_TRUE(DeleteTopic("Many").ok());
  EXPECT_TRUE(store().Topics().empty());
  AppendMany(3, {.topic = "Many", .queue_id = 2}, "new");
  Pass(std::chrono::seconds(10));
  Crash(Loss::kPower);
  Open();
  EXPECT_EQ(store().recovery().records_scanned, 0);
  EXPECT_EQ(store().Queues().size(), 1u);
  ASSERT_EQ(store().Topics().size(), 1u);
  EXPECT_EQ(*store().Topics().front(), "Many");
  ExpectQueue("Many", 2, Numbered(3, "new"));
}

// 10,000 topics of 8 queues must not need gigabytes: at most 300 bytes of heap each.
TEST_F(ManyQueuesTest, AnIdleQueue_CostsLittleHeap) {
  constexpr int kTopics = 2500;
  constexpr int kQueues = 8;
  Boot();
  RingLogger log;
  QueueTable table(files(), log, options);
  QueueOffsets offsets;
  const auto before = ::mallinfo2();
  for (int topic = 0; topic < kTopics; ++topic) {
    for (QueueId id = 0; id < kQueues; ++id) {
      const auto queue = table.Make(StrCat("ATopicOfSomeLength", topic), id);
      queue->Restore({queue->key(), {5}, {700}, {1 << 20}});
      queue->StartFresh();
      offsets.Set(queue->key(), queue->range().max);
    }
  }
  const auto after = ::mallinfo2();
  const auto bytes = static_cast<int64_t>(after.uordblks + after.hblkhd) -
                     static_cast<int64_t>(before.uordblks + before.hblkhd);
  EXPECT_LE(bytes / (kTopics * kQueues), 300);
  EXPECT_EQ(table.All().size(), size_t{kTopics} * kQueues);
}

}  // namespace
}  // namespace orbitmq::store

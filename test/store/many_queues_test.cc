// SPDX-License-Identifier: Apache-2.0
// Starts and checkpoints of stores with more queues than are touched.
#include "store/consume_queue.h"
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
  AppendMany(3, {.topic = "Many", .queue_id = 2}, "new");
  Pass(std::chrono::seconds(10));
  Crash(Loss::kPower);
  Open();
  EXPECT_EQ(store().recovery().records_scanned, 0);
  EXPECT_EQ(store().Queues().size(), 1u);
  ExpectQueue("Many", 2, Numbered(3, "new"));
}

}  // namespace
}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
// Random operations against a plain in-memory model, with crashes and reopenings, on the simulated disk
// (power cuts, torn pages) and on the real file system (process kills).
#include "test/store/posix_harness.h"
#include "test/store/store_story.h"

namespace orbitmq::store {
namespace {

// Each step is one event with up to sixty records; everything is compared several times in between.
constexpr int kSteps = 300;

void RunStory(StoreHarness& harness, uint64_t seed, int steps, StoreStory::Events events) {
  Journal journal;
  StoreStory story(harness, journal, seed, events);
  ASSERT_TRUE(harness.TryOpen().ok());
  for (int i = 0; i < steps && story.complaints().empty(); ++i) story.Step();
  if (story.complaints().empty()) story.Check();
  for (const std::string& complaint : story.complaints())
    ADD_FAILURE() << "seed " << seed << ": " << complaint;
  EXPECT_GT(story.crashes(), 0);
  EXPECT_GT(story.deletions(), 0);
  EXPECT_GT(journal.acked_records(), static_cast<size_t>(steps));
}

class StoreModelTest : public testing::TestWithParam<int> {};

TEST_P(StoreModelTest, SyncFlush_PowerCuts) {
  const auto seed = static_cast<uint64_t>(GetParam());
  StoreHarness harness(seed);
  StoreStory::SetOptions(harness.options, FlushMode::kSync);
  RunStory(harness, seed, kSteps, {});
}

TEST_P(StoreModelTest, AsyncFlush_PowerCuts) {
  const auto seed = static_cast<uint64_t>(GetParam()) + 1000;
  StoreHarness harness(seed);
  StoreStory::SetOptions(harness.options, FlushMode::kAsync);
  RunStory(harness, seed, kSteps, {});
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModelTest, testing::Range(1, 13));

TEST(StoreModelPosixTest, KilledProcesses_LoseNothing) {
  for (const uint64_t seed : {21u, 22u}) {
    PosixHarness harness(seed);
    StoreStory::SetOptions(harness.options, seed == 22 ? FlushMode::kSync : FlushMode::kAsync);
    RunStory(harness, seed, kSteps / 2, {.power_cuts = false});
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace orbitmq::store

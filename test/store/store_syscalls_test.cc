// SPDX-License-Identifier: Apache-2.0
// A store on the real file system whose system calls are interrupted or move half of what they should, each
// of them, at every call site: nobody above common/posix_file_system may notice.
#include <cerrno>

#include "test/common/syscall_faults.h"
#include "test/store/posix_harness.h"
#include "test/store/store_story.h"

namespace orbitmq::store {
namespace {

class StoreSyscallsTest : public testing::TestWithParam<FlushMode> {
 protected:
  // A life with restarts and kills; the system calls it made.
  static uint64_t Live(SyscallFault fault) {
    PosixHarness harness(31);
    StoreStory::SetOptions(harness.options, GetParam());
    Journal journal;
    StoreStory story(harness, journal, 31, {.power_cuts = false});
    const SyscallFaults faults(fault);
    EXPECT_TRUE(harness.TryOpen().ok());
    for (int i = 0; i < 60 && story.complaints().empty(); ++i) story.Step();
    if (story.complaints().empty()) story.Check();
    for (const std::string& complaint : story.complaints()) ADD_FAILURE() << complaint;
    EXPECT_GT(story.crashes(), 0);
    EXPECT_GT(journal.acked_records(), 60u);
    EXPECT_TRUE(fault.error == 0 && !fault.every ? faults.hits() == 0 : faults.hits() > 100u)
        << faults.hits();
    return faults.calls().size();
  }
};

TEST_P(StoreSyscallsTest, EveryCallInterruptedTwice_NothingIsNoticed) {
  const uint64_t peace = Live({});
  EXPECT_GT(Live({.error = EINTR, .times = 2, .every = true}), 2 * peace);
}

TEST_P(StoreSyscallsTest, EveryTransferShort_NothingIsNoticed) {
  const uint64_t peace = Live({});
  EXPECT_GT(Live({.every = true}), peace);
}

INSTANTIATE_TEST_SUITE_P(Flush, StoreSyscallsTest, testing::Values(FlushMode::kSync, FlushMode::kAsync));

}  // namespace
}  // namespace orbitmq::store

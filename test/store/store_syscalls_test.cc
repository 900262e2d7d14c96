// SPDX-License-Identifier: Apache-2.0
// A store on the real file system whose system calls are interrupted or move half of what they should, each
// of them, at every call site: nobody above common/posix_file_system may notice.
#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "common/posix_file_system.h"
#include "store/index_file.h"
#include "test/common/syscall_faults.h"
#include "test/common/temp_directory.h"
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

// The mapped part of an index file: a store into a hole of it is a SIGBUS once the disk is full.
class IndexBlocksTest : public testing::Test {
 protected:
  static constexpr IndexShape kShape{.slots = 50'000, .entries = 1000};
  static constexpr int64_t kMappedBytes = 40 + 4 * 50'000;

  Result<std::shared_ptr<IndexFile>> Create() { return IndexFile::Create(*files_, path_, kShape, {}); }
  // As Apache's broker makes it, or a copy that spares holes.
  std::shared_ptr<IndexFile> OpenSparse() {
    auto file = files_->Open(path_, OpenMode::kCreate);
    EXPECT_TRUE(file.ok() && (*file)->Truncate(kMappedBytes + 20 * 1000).ok());
    auto index = IndexFile::Open(*files_, path_, kShape);
    EXPECT_TRUE(index.ok()) << index.status().ToString();
    return *index;
  }
  int64_t FirstHole() const {
    const int fd = ::open(path_.c_str(), O_RDONLY);
    const off_t hole = ::lseek(fd, 0, SEEK_HOLE);
    ::close(fd);
    return hole;
  }
  static uint64_t NumberOf(const std::vector<std::string>& calls, std::string_view name) {
    return static_cast<uint64_t>(std::find(calls.begin(), calls.end(), name) - calls.begin()) + 1;
  }

  TempDirectory directory_;
  std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  const std::string path_ = directory_ / "20260101000000000";
};

TEST_F(IndexBlocksTest, WhereTheyCannotBeReserved_TheyAreWritten) {
  uint64_t reserving = 0;
  {
    const SyscallFaults peace({});
    ASSERT_TRUE(Create().ok());
    reserving = NumberOf(peace.calls(), "fallocate");
  }
  EXPECT_GE(FirstHole(), kMappedBytes);
  ASSERT_TRUE(files_->Remove(path_).ok());
  const SyscallFaults faults({.at = reserving, .error = EOPNOTSUPP});
  const auto created = Create();
  ASSERT_TRUE(created.ok()) << created.status().ToString();
  EXPECT_EQ(faults.hits(), 1u);
  EXPECT_GE(FirstHole(), kMappedBytes);
}

TEST_F(IndexBlocksTest, AFileWithHoles_GetsItsBlocksBeforeItIsWrittenTo) {
  const auto index = OpenSparse();
  ASSERT_LT(FirstHole(), kMappedBytes) << "this file system keeps no holes: nothing is shown here";
  index->Put(7, {100}, FromEpochMillis(1));
  ASSERT_TRUE(index->WriteOut(IndexFile::Amount::kAll).ok());
  EXPECT_GE(FirstHole(), kMappedBytes);
}

TEST_F(IndexBlocksTest, AFileWithHoles_RebuiltByRecovery_GetsItsBlocksFirst) {
  ASSERT_TRUE(OpenSparse()->Rebuild({}).ok());
  EXPECT_GE(FirstHole(), kMappedBytes);
}

TEST_F(IndexBlocksTest, AFileWithHoles_OnAFullDisk_IsAnErrorAndIsTriedAgain) {
  const auto index = OpenSparse();
  index->Put(7, {100}, FromEpochMillis(1));
  {
    const SyscallFaults faults({.at = 1, .error = ENOSPC});
    const Status full = index->WriteOut(IndexFile::Amount::kAll);
    EXPECT_EQ(faults.calls(), (std::vector<std::string>{"fallocate"}));
    EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
    EXPECT_NE(full.text().find(path_), std::string_view::npos) << full.ToString();
  }
  EXPECT_LT(FirstHole(), kMappedBytes) << "nothing was stored";
  ASSERT_TRUE(index->WriteOut(IndexFile::Amount::kAll).ok());
  std::vector<LogOffset> found;
  index->Find({.hash = 7, .begin_ms = 0, .end_ms = INT64_MAX, .count_max = 9}, found);
  EXPECT_EQ(found.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Flush, StoreSyscallsTest, testing::Values(FlushMode::kSync, FlushMode::kAsync));

}  // namespace
}  // namespace orbitmq::store

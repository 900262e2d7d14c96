// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/replication/ha_pieces.h"
#include "common/bytes.h"
#include "common/message_codec.h"

namespace orbitmq::broker {
namespace {

constexpr size_t kBatch = 4096;

std::string Record(size_t bytes, RecordMagic magic = RecordMagic::kV1) {
  std::string out(bytes, 'r');
  StoreBig<int32_t>(out.data(), static_cast<int32_t>(bytes));
  StoreBig<uint32_t>(out.data() + 4, static_cast<uint32_t>(magic));
  return out;
}

std::string LogOfRecords(std::initializer_list<size_t> sizes) {
  std::string log;
  for (const size_t size : sizes) log += Record(size);
  return log;
}

// Where the pieces end when everything of `log` from `from` on is shipped.
std::vector<size_t> Ends(const std::string& log, size_t from = 0, size_t batch = kBatch) {
  HaPieces pieces;
  std::vector<size_t> ends;
  const LogOffset end{static_cast<int64_t>(log.size())};
  LogOffset at{static_cast<int64_t>(from)};
  for (int turns = 0; turns < 10000; ++turns) {
    const size_t asked = pieces.Read(at, end, batch);
    if (asked == 0) return ends;
    const std::string_view read = std::string_view(log).substr(static_cast<size_t>(at.value), asked);
    const size_t shipped = pieces.Ship(at, end, asked, read);
    EXPECT_LE(shipped, read.size());
    at += static_cast<int64_t>(shipped);
    if (shipped > 0) ends.push_back(static_cast<size_t>(at.value));
  }
  ADD_FAILURE() << "it never ends";
  return ends;
}

TEST(HaPiecesTest, SeveralRecordsOfABatch_EndAtARecord) {
  EXPECT_EQ(Ends(LogOfRecords({1500, 1500, 1500, 1500})), (std::vector<size_t>{3000, 6000}));
}

TEST(HaPiecesTest, RecordsThatFillABatchExactly_AreOnePiece) {
  EXPECT_EQ(Ends(LogOfRecords({2048, 2048, 100})), (std::vector<size_t>{4096, 4196}));
}

TEST(HaPiecesTest, HeadOfARecordIsCutOff_IsLeftForTheNext) {
  EXPECT_EQ(Ends(LogOfRecords({kBatch - 5, 100, 100})), (std::vector<size_t>{kBatch - 5, kBatch + 195}));
}

TEST(HaPiecesTest, LongerThanABatch_IsOnePieceAndWhatFollowsIsAligned) {
  EXPECT_EQ(Ends(LogOfRecords({100, 10000, 1500, 1500, 1500})),
            (std::vector<size_t>{100, 10100, 13100, 14600}));
}

TEST(HaPiecesTest, LongerThanTheBound_GoesInPartsAndWhatFollowsIsAligned) {
  const size_t large = HaPieces::kWholeRecordBytesMax + 2 * kBatch;
  const std::string log = LogOfRecords({100, large, 1500, 1500, 1500});
  const std::vector<size_t> ends = Ends(log);
  EXPECT_EQ(ends.front(), 100u);
  EXPECT_NE(std::find(ends.begin(), ends.end(), 100 + large), ends.end());
  EXPECT_EQ(ends[ends.size() - 2], log.size() - 1500);
  EXPECT_EQ(ends.back(), log.size());
}

TEST(HaPiecesTest, LongerThanTheBoundAndABatchAboveIt_NeverReadsPastTheRecord) {
  const size_t large = HaPieces::kWholeRecordBytesMax + 1000;
  const auto ends = Ends(LogOfRecords({large, 700000}), 0, 4096);
  EXPECT_NE(std::find(ends.begin(), ends.end(), large), ends.end());
  const auto wide = Ends(LogOfRecords({1100000, 100, 1100000}), 0, 1 << 20);
  EXPECT_NE(std::find(wide.begin(), wide.end(), 1100000u), wide.end());
}

TEST(HaPiecesTest, FillerAtTheEndOfAFile_EndsAPiece) {
  std::string log = LogOfRecords({1500, 1500}) + Record(3000, RecordMagic::kBlank) + Record(1500);
  EXPECT_EQ(Ends(log), (std::vector<size_t>{3000, 6000, 7500}));
}

TEST(HaPiecesTest, BeginsWithinARecord_GoesOutAsItIs) {
  const std::string log = LogOfRecords({1500, 1500, 1500, 1500});
  EXPECT_EQ(Ends(log, 1), (std::vector<size_t>{1 + kBatch, log.size()}));
}

TEST(HaPiecesTest, LengthsThatNoRecordHas_GoOutAsTheyAre) {
  for (const int32_t length : {-1, 0, 7}) {
    std::string log = Record(1500) + Record(1500) + Record(5000);
    StoreBig<int32_t>(log.data() + 1500, length);
    EXPECT_EQ(Ends(log).back(), log.size()) << length;
  }
}

TEST(HaPiecesTest, LengthBeyondTheLog_EndsWithTheLog) {
  for (const size_t length : {size_t{9000}, HaPieces::kWholeRecordBytesMax, size_t{1} << 30}) {
    std::string log = Record(8000);
    StoreBig<int32_t>(log.data(), static_cast<int32_t>(length));
    EXPECT_EQ(Ends(log).back(), log.size()) << length;
  }
}

}  // namespace
}  // namespace orbitmq::broker

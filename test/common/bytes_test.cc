// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "common/bytes.h"
#include "common/random.h"

namespace orbitmq {
namespace {

TEST(Bytes, Slice_KeepsTheOwnerAlive) {
  Bytes slice;
  {
    const Bytes whole(std::string("a text that is long enough to live on the heap"));
    slice = whole.Slice(2, 4);
  }
  EXPECT_EQ(slice.view(), "text");
}

TEST(Bytes, SliceBeyondTheEnd_IsCut) {
  EXPECT_EQ(Bytes::Copy("abc").Slice(1, 100).view(), "bc");
  EXPECT_EQ(Bytes::Copy("abc").Slice(3, 1).view(), "");
}

TEST(Bytes, ShortString_ViewPointsIntoTheOwner) {
  const Bytes small(std::string("x"));
  const Bytes copy = small;
  EXPECT_EQ(copy.data(), small.data());
  EXPECT_EQ(copy.view(), "x");
}

TEST(BytesChain, Size_IsTheSum) {
  EXPECT_EQ(ChainBytes({Bytes::Static("ab"), Bytes(), Bytes::Static("cde")}), 5u);
}

TEST(BigEndian, EveryWidth_RoundTripsAtUnalignedAddresses) {
  std::string out;
  ByteWriter writer(out);
  writer.Write<uint8_t>(0xFE);
  writer.Write<int16_t>(-2);
  writer.Write<uint32_t>(0xDAA320A7);
  writer.Write<int64_t>(std::numeric_limits<int64_t>::min());
  writer.Write<int8_t>(-1);
  EXPECT_EQ(out, std::string("\xFE\xFF\xFE\xDA\xA3\x20\xA7\x80\0\0\0\0\0\0\0\xFF", 16));
  ByteReader reader(out);
  EXPECT_EQ(reader.Read<uint8_t>(), 0xFE);
  EXPECT_EQ(reader.Read<int16_t>(), -2);
  EXPECT_EQ(reader.Read<uint32_t>(), 0xDAA320A7);
  EXPECT_EQ(reader.Read<int64_t>(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader.Read<int8_t>(), -1);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReader, PastTheEnd_FailsForGoodAndGivesZero) {
  ByteReader reader("\x01\x02\x03");
  EXPECT_EQ(reader.Read<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read<uint8_t>(), 0u);
  EXPECT_EQ(reader.ReadBytes(0), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, NegativeOrHugeCounts_Fail) {
  for (const int64_t count :
       {int64_t{-1}, std::numeric_limits<int64_t>::min(), int64_t{4}, std::numeric_limits<int64_t>::max()}) {
    ByteReader reader("abc");
    EXPECT_EQ(reader.ReadBytes(count), "") << count;
    EXPECT_FALSE(reader.ok()) << count;
  }
}

TEST(Random, SameSeed_SameStreamInBounds) {
  Random a(1);
  Random b(1);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t bound = 1 + static_cast<uint64_t>(i);
    const uint64_t drawn = a.Below(bound);
    EXPECT_LT(drawn, bound);
    EXPECT_EQ(drawn, b.Below(bound));
    const int64_t between = a.Between(-3, 3);
    EXPECT_GE(between, -3);
    EXPECT_LE(between, 3);
    EXPECT_EQ(between, b.Between(-3, 3));
  }
  EXPECT_NE(Random(1).Next(), Random(2).Next());
}

}  // namespace
}  // namespace orbitmq

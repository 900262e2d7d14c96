// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "common/compression.h"
#include "common/random.h"
#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq {
namespace {

constexpr Compression kAll[] = {Compression::kLz4, Compression::kZstd, Compression::kZlib};
constexpr size_t kMax = size_t{8} << 20;

std::string Text(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) StrAppend(text, "line ", i, " of a body\n");
  text.resize(bytes);
  return text;
}

std::string Noise(size_t bytes) {
  Random random(3);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.Below(256));
  return text;
}

TEST(Compression, Bodies_RoundTrip) {
  for (const Compression type : kAll) {
    for (const std::string& plain :
         {std::string(), std::string("x"), Text(5000), Text(5 << 20), Noise(70000)}) {
      const auto packed = Compress(plain, type);
      ASSERT_TRUE(packed.ok()) << packed.status().text();
      const auto back = Decompress(*packed, type, kMax);
      ASSERT_TRUE(back.ok()) << CompressionName(type) << ' ' << back.status().text();
      EXPECT_TRUE(*back == plain) << CompressionName(type) << ' ' << plain.size();
    }
  }
}

TEST(Compression, Formats_AreThoseOfJava) {
  EXPECT_EQ(ToHex(*Compress("x", Compression::kZlib)).substr(0, 2), "78");
  EXPECT_EQ(ToHex(*Compress("x", Compression::kLz4)).substr(0, 8), "04224D18");
  EXPECT_EQ(ToHex(*Compress("x", Compression::kZstd)).substr(0, 8), "28B52FFD");
}

TEST(Compression, Level_IsClampedNotRefused) {
  for (const Compression type : kAll) {
    for (const int level : {-100, 0, 1, 9, 22, 1000}) {
      const auto packed = Compress(Text(3000), type, level);
      ASSERT_TRUE(packed.ok());
      EXPECT_EQ(*Decompress(*packed, type, kMax), Text(3000));
    }
  }
}

TEST(Decompression, Bound_IsExact) {
  for (const Compression type : kAll) {
    const std::string plain = Text(100000);
    const std::string packed = *Compress(plain, type);
    EXPECT_TRUE(Decompress(packed, type, plain.size()).ok()) << CompressionName(type);
    EXPECT_EQ(Decompress(packed, type, plain.size() - 1).status().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(Decompress(packed, type, 0).status().code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(Decompress(*Compress("", type), type, 0).ok()) << CompressionName(type);
  }
}

TEST(Decompression, Bomb_IsStoppedAtTheBound) {
  for (const Compression type : kAll) {
    const std::string packed = *Compress(std::string(size_t{256} << 20, '\0'), type, 1);
    EXPECT_LT(packed.size(), size_t{4} << 20);
    EXPECT_EQ(Decompress(packed, type, size_t{1} << 20).status().code(), StatusCode::kResourceExhausted);
  }
}

TEST(Decompression, EveryCut_IsAnError) {
  for (const Compression type : kAll) {
    const std::string packed = *Compress(Text(2000), type);
    for (size_t cut = 0; cut < packed.size(); ++cut) {
      const auto plain = Decompress(packed.substr(0, cut), type, kMax);
      ASSERT_FALSE(plain.ok()) << CompressionName(type) << ' ' << cut;
      EXPECT_EQ(plain.status().code(), StatusCode::kCorrupt);
    }
  }
}

TEST(Decompression, TrailingBytes_AreAnError) {
  for (const Compression type : kAll) {
    EXPECT_EQ(Decompress(*Compress("body", type) + "x", type, kMax).status().code(), StatusCode::kCorrupt)
        << CompressionName(type);
  }
}

TEST(Decompression, ConcatenatedFrames_AreReadAsOne) {
  for (const Compression type : {Compression::kLz4, Compression::kZstd}) {
    EXPECT_EQ(*Decompress(*Compress("one", type) + *Compress("two", type), type, kMax), "onetwo");
  }
}

TEST(Decompression, OtherFormat_IsAnError) {
  for (const Compression type : kAll) {
    for (const Compression other : kAll) {
      if (type != other) {
        EXPECT_FALSE(Decompress(*Compress("body", other), type, kMax).ok());
      }
    }
    EXPECT_FALSE(Decompress("plain text that nobody compressed", type, kMax).ok());
  }
}

TEST(Decompression, RandomDamage_NeverPassesTheBound) {
  Random random(11);
  for (const Compression type : kAll) {
    const std::string good = *Compress(Text(4000), type);
    for (int round = 0; round < 2000; ++round) {
      std::string bad = good;
      bad[random.Below(bad.size())] ^= static_cast<char>(1 + random.Below(255));
      const auto plain = Decompress(bad, type, 8000);
      if (plain.ok()) {
        EXPECT_LE(plain->size(), 8000u);
      }
    }
  }
}

TEST(CompressionFlags, SysFlag_RoundTrips) {
  for (const Compression type : kAll) {
    const int32_t flags = WithCompression(sys_flag::kMultiTags | sys_flag::kCompressionLz4, type);
    EXPECT_NE(flags & sys_flag::kCompressed, 0);
    EXPECT_NE(flags & sys_flag::kMultiTags, 0);
    EXPECT_EQ(*CompressionOf(flags), type);
    EXPECT_EQ(*ParseCompression(AsciiLower(CompressionName(type))), type);
  }
  EXPECT_EQ(WithCompression(0, Compression::kZstd), 0x201);
  EXPECT_EQ(*CompressionOf(sys_flag::kCompressed), Compression::kZlib);
  EXPECT_EQ(CompressionOf(0x501).status().code(), StatusCode::kNotSupported);
  EXPECT_FALSE(ParseCompression("gzip").ok());
}

TEST(TransactionFlags, Type_IsReplacedAlone) {
  const int32_t half = WithTransactionType(sys_flag::kCompressed, TransactionType::kPrepared);
  EXPECT_EQ(half, 0x5);
  EXPECT_EQ(TransactionTypeOf(half), TransactionType::kPrepared);
  EXPECT_EQ(WithTransactionType(half, TransactionType::kRollback), 0xD);
  EXPECT_EQ(WithTransactionType(half, TransactionType::kNone), 0x1);
}

}  // namespace
}  // namespace orbitmq

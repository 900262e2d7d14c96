// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "common/message_id.h"
#include "test/common/fake_clock.h"

namespace orbitmq {
namespace {

HostAddress Host(std::string_view ip, uint16_t port) { return *ParseHostAddress(ip, port); }

TEST(OffsetMessageId, SpecVectors_RoundTrip) {
  EXPECT_EQ(EncodeOffsetMessageId({Host("10.0.0.1", 10911), {1000}}), "0A00000100002A9F00000000000003E8");
  EXPECT_EQ(EncodeOffsetMessageId({Host("127.0.0.1", 10911), {1234}}), "7F00000100002A9F00000000000004D2");
  const auto id = DecodeOffsetMessageId("7f00000100002a9f00000000000004d2");
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->store_host.ToString(), "127.0.0.1:10911");
  EXPECT_EQ(id->log_offset.value, 1234);
}

TEST(OffsetMessageId, Ipv6_Has56Digits) {
  const OffsetMessageId id{Host("2001:db8::1", 10911), {int64_t{1} << 40}};
  const std::string text = EncodeOffsetMessageId(id);
  EXPECT_EQ(text.size(), 56u);
  EXPECT_EQ(*DecodeOffsetMessageId(text), id);
}

TEST(OffsetMessageId, BadText_IsRefusedWithTheReason) {
  const std::string good = "7F00000100002A9F00000000000004D2";
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(DecodeOffsetMessageId(good.substr(0, cut)).ok());
  EXPECT_FALSE(DecodeOffsetMessageId(good + "00").ok());
  EXPECT_FALSE(DecodeOffsetMessageId("7F00000100002A9F00000000000004DG").ok());
  EXPECT_FALSE(DecodeOffsetMessageId("7F000001FFFFFFFF00000000000004D2").ok());
  EXPECT_FALSE(DecodeOffsetMessageId("7F0000010001000000000000000004D2").ok());
  EXPECT_FALSE(DecodeOffsetMessageId("7F00000100002A9FF0000000000004D2").ok());
}

class UniqueIds : public ::testing::Test {
 protected:
  // Two days and five milliseconds into a month, wherever the local zone lies.
  void SetUp() override { clock_.wall = FromEpochMillis(1700000000123); }
  FakeClock clock_;
};

TEST_F(UniqueIds, Layout_CarriesIpPidTimeAndCounter) {
  UniqueIdGenerator ids({"10.1.2.3", 0x12345}, Random(1), clock_);
  const std::string first = ids.Next();
  ASSERT_EQ(first.size(), 32u);
  const auto parts = DecodeUniqueId(first);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->host.IpText(), "10.1.2.3");
  EXPECT_EQ(parts->pid, 0x2345);
  EXPECT_EQ(parts->counter, 0);
  EXPECT_EQ(DecodeUniqueId(ids.Next())->counter, 1);
  // 1700000000123 is 2023-11-14T22:13:20.123Z: 13 days and a part since the first, plus or minus the zone.
  const int64_t utc = int64_t{13} * 86400000 + 80000123;
  EXPECT_LE(std::abs(static_cast<int64_t>(parts->millis_of_month) - utc), 14 * 3600000);
  EXPECT_EQ(parts->millis_of_month % 60000, utc % 60000);
}

TEST_F(UniqueIds, Ipv6_Has56DigitsAndNamesGetRandomBytes) {
  UniqueIdGenerator six({"2001:db8::1", 1}, Random(1), clock_);
  EXPECT_EQ(six.Next().size(), 56u);
  EXPECT_EQ(DecodeUniqueId(six.Next())->host.IpText(), "2001:db8::1");
  UniqueIdGenerator fake({"", 1}, Random(1), clock_);
  EXPECT_EQ(fake.Next().size(), 32u);
}

TEST_F(UniqueIds, SameMoment_64KIdsDifferAndOtherProcessesToo) {
  UniqueIdGenerator a({"10.1.2.3", 1}, Random(1), clock_);
  UniqueIdGenerator b({"10.1.2.3", 1}, Random(2), clock_);
  std::set<std::string> seen;
  for (int i = 0; i < 65536; ++i) EXPECT_TRUE(seen.insert(a.Next()).second);
  EXPECT_TRUE(seen.insert(b.Next()).second);
  EXPECT_FALSE(seen.insert(a.Next()).second);  // The counter is 16 bits wide, as in Java.
}

TEST_F(UniqueIds, MonthEnd_StartsTheTimeAnew) {
  UniqueIdGenerator ids({"10.1.2.3", 1}, Random(1), clock_);
  const uint32_t before = DecodeUniqueId(ids.Next())->millis_of_month;
  clock_.wall += std::chrono::hours(24) * 20;
  const uint32_t after = DecodeUniqueId(ids.Next())->millis_of_month;
  EXPECT_LT(after, before);
}

TEST_F(UniqueIds, ClockSteppingBackOverTheMonthStart_StaysAtZero) {
  clock_.wall += std::chrono::hours(24) * 20;
  UniqueIdGenerator ids({"10.1.2.3", 1}, Random(1), clock_);
  const uint32_t since = DecodeUniqueId(ids.Next())->millis_of_month;
  clock_.wall -= std::chrono::milliseconds(since) + std::chrono::seconds(5);
  EXPECT_EQ(DecodeUniqueId(ids.Next())->millis_of_month, 0u);
}

TEST_F(UniqueIds, BadText_IsRefused) {
  EXPECT_FALSE(DecodeUniqueId("").ok());
  EXPECT_FALSE(DecodeUniqueId(std::string(31, 'A')).ok());
  EXPECT_FALSE(DecodeUniqueId(std::string(32, 'Z')).ok());
  EXPECT_TRUE(DecodeUniqueId(std::string(32, 'a')).ok());
}

}  // namespace
}  // namespace orbitmq

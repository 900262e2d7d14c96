// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/trace_record.h"

#include <gtest/gtest.h>

#include "common/strings.h"

namespace orbitmq::tools {
namespace {

std::string Record(const std::vector<std::string>& fields) { return Join(fields, "\x01") + "\x02"; }

TEST(TraceRecord, EveryKind_IsRead) {
  const std::string body =
      Record({"Pub", "1700000000000", "Region", "Sales", "T", "ID", "null", "key", "10.0.0.1:1", "5", "12",
              "0", "OFFSET", "false"}) +
      Record({"SubBefore", "1700000000001", "Region", "Billing", "REQUEST", "ID", "0", "key"}) +
      Record({"SubAfter", "REQUEST", "ID", "7", "true", "key", "0", "1700000000002", "Billing"}) +
      Record({"EndTransaction", "1700000000003", "Region", "Sales", "T", "ID", "null", "key", "10.0.0.1:1",
              "2", "TRANSACTION", "COMMIT_MESSAGE", "false"}) +
      Record({"Recall", "1700000000004", "Region", "Sales", "T", "ID", "true"});
  const auto records = DecodeTrace(body);
  ASSERT_TRUE(records.ok()) << records.status().text();
  ASSERT_EQ(records->size(), 5u);
  using Kind = TraceRecord::Kind;
  const Kind kinds[] = {Kind::kPub, Kind::kSubBefore, Kind::kSubAfter, Kind::kEndTransaction, Kind::kRecall};
  for (size_t i = 0; i < records->size(); ++i) {
    EXPECT_EQ((*records)[i].kind, kinds[i]);
    EXPECT_EQ((*records)[i].message_id, "ID") << i;
    EXPECT_EQ((*records)[i].time_ms, 1700000000000 + static_cast<int64_t>(i));
  }
  EXPECT_EQ((*records)[0].group, "Sales");
  EXPECT_EQ((*records)[0].cost_ms, 12);
  EXPECT_FALSE((*records)[0].success);
  EXPECT_EQ((*records)[2].group, "Billing");
  EXPECT_EQ((*records)[2].cost_ms, 7);
  EXPECT_TRUE((*records)[2].success);
}

TEST(TraceRecord, OlderClients_WriteLess) {
  const auto records = DecodeTrace(
      Record({"Pub", "1", "Region", "Sales", "T", "ID", "null", "key", "h:1", "5", "12", "0", "true"}) +
      Record({"SubAfter", "REQUEST", "ID", "7", "false", "key"}) +
      // The cloud's access channel leaves a separator at the end.
      Record({"SubAfter", "REQUEST", "ID", "7", "false", "key", "0", ""}));
  ASSERT_TRUE(records.ok()) << records.status().text();
  EXPECT_TRUE((*records)[0].success);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ((*records)[i].group, "null");
    EXPECT_EQ((*records)[i].time_ms, 0);
    EXPECT_FALSE((*records)[i].success);
  }
  EXPECT_TRUE(DecodeTrace("")->empty());
}

TEST(TraceRecord, WhatIsNone_IsNamed) {
  const std::pair<std::string, const char*> bad[] = {
      {Record({"Poem", "1"}), "is of no known kind"},
      {"\x01\x02", "is of no known kind"},
      {Record({"Pub", "1", "Region"}), "has 3 fields, not 13 or more"},
      {Record({"SubAfter", "R", "ID", "soon", "true"}), "has 'soon' where a number must be"},
  };
  for (const auto& [body, why] : bad) {
    const auto records = DecodeTrace(body);
    ASSERT_EQ(records.status().code(), StatusCode::kCorrupt);
    EXPECT_NE(records.status().text().find(why), std::string_view::npos) << records.status().text();
  }
}

}  // namespace
}  // namespace orbitmq::tools

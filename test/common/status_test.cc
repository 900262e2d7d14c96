// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "orbitmq/result.h"
#include "orbitmq/status.h"

namespace orbitmq {
namespace {

TEST(Status, Ok_HasNoTextAndNothingToRetry) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), StatusCode::kOk);
  EXPECT_EQ(ok.text(), "");
  EXPECT_EQ(ok.wire_code(), -1);
  EXPECT_FALSE(ok.retriable());
  EXPECT_FALSE(ok.fatal());
  EXPECT_EQ(ok.persisted(), Persisted::kYes);
  EXPECT_EQ(ok.ToString(), "kOk");
}

TEST(Status, MadeWithCodeOk_IsOkAndDropsTheText) { EXPECT_TRUE(Status(StatusCode::kOk, "ignored").ok()); }

TEST(Status, Attributes_ChangeOnlyTheCopy) {
  const Status busy(StatusCode::kBusy, "queue is full");
  const Status changed = busy.WithWireCode(2)
                             .WithRetriable(false)
                             .WithFatal()
                             .WithPersisted(Persisted::kMaybe)
                             .Annotate("send to b0");
  EXPECT_EQ(changed.ToString(), "kBusy: send to b0: queue is full");
  EXPECT_EQ(changed.wire_code(), 2);
  EXPECT_FALSE(changed.retriable());
  EXPECT_TRUE(changed.fatal());
  EXPECT_EQ(changed.persisted(), Persisted::kMaybe);
  EXPECT_EQ(busy.ToString(), "kBusy: queue is full");
  EXPECT_EQ(busy.wire_code(), -1);
  EXPECT_TRUE(busy.retriable());
  EXPECT_FALSE(busy.fatal());
  EXPECT_EQ(busy.persisted(), Persisted::kNo);
}

TEST(Status, AttributesOfOk_ChangeNothing) {
  EXPECT_TRUE(Status().WithWireCode(1).WithRetriable(true).WithFatal().Annotate("x").ok());
}

TEST(Status, Unknown_MayBePersistedAndMayBeRetried) {
  const Status unknown(StatusCode::kUnknown, "the link broke");
  EXPECT_EQ(unknown.persisted(), Persisted::kMaybe);
  EXPECT_TRUE(unknown.retriable());
}

TEST(Status, EveryCode_HasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(StatusCode::kInternal) + 1);
}

TEST(Result, Value_IsThereOnceMoved) {
  Result<std::string> result(std::string("payload"));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.status().ok());
  EXPECT_EQ(result->size(), 7u);
  EXPECT_EQ(std::move(result).value(), "payload");
}

TEST(Result, Error_CarriesTheStatusAndValueThrows) {
  Result<int> result(Status(StatusCode::kNotFound, "no topic T"));
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kNotFound);
  try {
    (void)result.value();
    FAIL() << "value() of an error returned";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "kNotFound: no topic T");
    EXPECT_EQ(error.status().code(), StatusCode::kNotFound);
  }
}

TEST(Result, MadeOfAnOkStatus_IsAnInternalError) {
  const Result<int> result{Status()};
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace orbitmq

// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "remoting/protocol/codes.h"

namespace orbitmq::proto {
namespace {

TEST(CodesTest, Names_AreApaches) {
  EXPECT_EQ(RequestCodeName(310), "SEND_MESSAGE_V2");
  EXPECT_EQ(RequestCodeName(RequestCode::kGetRouteinfoByTopic), "GET_ROUTEINFO_BY_TOPIC");
  EXPECT_EQ(RequestCodeName(200070), "POP_LITE_MESSAGE");
  EXPECT_EQ(RequestCodeName(9999), "UNKNOWN");
  EXPECT_EQ(RequestCodeName(-1), "UNKNOWN");
  EXPECT_EQ(ResponseCodeName(0), "SUCCESS");
  EXPECT_EQ(ResponseCodeName(-1006), "RPC_TIME_OUT");
  EXPECT_EQ(ResponseCodeName(2018), "LITE_SUBSCRIPTION_QUOTA_EXCEEDED");
  EXPECT_EQ(ResponseCodeName(5), "UNKNOWN");
}

TEST(CodesTest, StatusFromResponse_Success_IsOkWhateverTheRemark) {
  EXPECT_TRUE(StatusFromResponse(0, "not set any response code").ok());
}

TEST(CodesTest, StatusFromResponse_Error_CarriesEverything) {
  const Status status = StatusFromResponse(ResponseCode::kTopicNotExist, "No topic route info");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.wire_code(), 17);
  EXPECT_TRUE(status.retriable());
  EXPECT_EQ(status.persisted(), Persisted::kNo);
  EXPECT_EQ(status.text(), "TOPIC_NOT_EXIST (17): No topic route info");
}

// The Java 5.x producer tries another broker for exactly these.
TEST(CodesTest, StatusFromResponse_SendErrors_RetryAsJavaDoes) {
  for (int code : {1, 2, 14, 16, 17, 204, 205, 1500})
    EXPECT_TRUE(StatusFromResponse(code, "").retriable()) << code;
  for (int code : {3, 4, 13, 15, 18, 26, 29, 604})
    EXPECT_FALSE(StatusFromResponse(code, "").retriable()) << code;
}

TEST(CodesTest, StatusFromResponse_StoredButLate_IsPersisted) {
  for (int code : {10, 11, 12}) {
    const Status status = StatusFromResponse(code, "");
    EXPECT_EQ(status.code(), StatusCode::kUnknown);
    EXPECT_EQ(status.persisted(), Persisted::kYes);
  }
  EXPECT_EQ(StatusFromResponse(1, "").persisted(), Persisted::kMaybe);
  EXPECT_EQ(StatusFromResponse(2, "").persisted(), Persisted::kNo);
}

TEST(CodesTest, StatusFromResponse_UnknownCode_IsInternalAndMaybe) {
  const Status status = StatusFromResponse(-1, std::string(100000, 'x'));
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_FALSE(status.retriable());
  EXPECT_EQ(status.persisted(), Persisted::kMaybe);
  EXPECT_LT(status.text().size(), 5000u) << "hostile remarks are cut";
}

}  // namespace
}  // namespace orbitmq::proto

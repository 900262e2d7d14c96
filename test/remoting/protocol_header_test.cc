// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "remoting/protocol/headers.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

// Every header there is; a new one is added here.
using AllHeaders = std::tuple<
    GetRouteInfoRequestHeader, RegisterBrokerRequestHeader, RegisterBrokerResponseHeader,
    UnRegisterBrokerRequestHeader, BrokerHeartbeatRequestHeader, QueryDataVersionRequestHeader,
    QueryDataVersionResponseHeader, GetBrokerMemberGroupRequestHeader, PutKVConfigRequestHeader,
    GetKVConfigRequestHeader, GetKVConfigResponseHeader, DeleteKVConfigRequestHeader,
    GetKVListByNamespaceRequestHeader, WipeWritePermOfBrokerRequestHeader,
    WipeWritePermOfBrokerResponseHeader, AddWritePermOfBrokerRequestHeader,
    AddWritePermOfBrokerResponseHeader, GetTopicsByClusterRequestHeader, DeleteTopicFromNamesrvRequestHeader,
    RegisterTopicRequestHeader, NotifyMinBrokerIdChangeRequestHeader, QueryConsumerOffsetRequestHeader,
    QueryConsumerOffsetResponseHeader, UpdateConsumerOffsetRequestHeader, SearchOffsetRequestHeader,
    SearchOffsetResponseHeader, GetMaxOffsetRequestHeader, GetMaxOffsetResponseHeader,
    GetMinOffsetRequestHeader, GetMinOffsetResponseHeader, GetEarliestMsgStoretimeRequestHeader,
    GetEarliestMsgStoretimeResponseHeader, ResetOffsetRequestHeader, GetConsumerStatusRequestHeader,
    QueryCorrectionOffsetHeader, CloneGroupOffsetRequestHeader, HeartbeatRequestHeader,
    HeartbeatResponseHeader, UnregisterClientRequestHeader, GetConsumerListByGroupRequestHeader,
    NotifyConsumerIdsChangedRequestHeader, LockBatchMqRequestHeader, UnlockBatchMqRequestHeader,
    GetConsumerRunningInfoRequestHeader, ConsumeMessageDirectlyResultRequestHeader, CreateTopicRequestHeader,
    CreateTopicListRequestHeader, DeleteTopicRequestHeader, GetAllTopicConfigRequestHeader,
    GetAllTopicConfigResponseHeader, GetTopicConfigRequestHeader, GetTopicStatsInfoRequestHeader,
    QueryTopicConsumeByWhoRequestHeader, GetAllSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupResponseHeader, GetSubscriptionGroupConfigRequestHeader,
    DeleteSubscriptionGroupRequestHeader, UpdateGroupForbiddenRequestHeader,
    GetConsumerConnectionListRequestHeader, GetProducerConnectionListRequestHeader,
    GetConsumeStatsRequestHeader, GetConsumeStatsInBrokerHeader, QueryConsumeTimeSpanRequestHeader,
    ViewBrokerStatsDataRequestHeader, QueryTopicsByConsumerRequestHeader,
    QuerySubscriptionByConsumerRequestHeader, QueryConsumeQueueRequestHeader, QueryMessageRequestHeader,
    QueryMessageResponseHeader, ViewMessageRequestHeader, GetBrokerConfigResponseHeader,
    GetAllProducerInfoRequestHeader, ResumeCheckHalfMessageRequestHeader, ExchangeHAInfoRequestHeader,
    ExchangeHAInfoResponseHeader, ResetMasterFlushOffsetHeader, StatisticsMessagesRequestHeader,
    SendMessageResponseHeader, PullMessageResponseHeader, ConsumerSendMsgBackRequestHeader,
    EndTransactionRequestHeader, CheckTransactionStateRequestHeader, ReplyMessageRequestHeader,
    RecallMessageRequestHeader, RecallMessageResponseHeader, SendMessageRequestHeader,
    PullMessageRequestHeader, RpcRequestHeader, TopicRequestHeader>;

// Gives every field a value of its own, so that none can be mistaken for another.
class Filler final {
 public:
  template <class H>
  H Filled() {
    H header;
    ForEachField(header, [this](const auto&, auto& member) {
      this->Fill(member);
      return true;
    });
    return header;
  }

 private:
  template <class T>
  void Fill(std::optional<T>& value) {
    Fill(value.emplace());
  }
  void Fill(std::string& value) { value = "text " + std::to_string(++next_); }
  void Fill(bool& value) { value = true; }
  void Fill(int32_t& value) { value = -(++next_); }
  void Fill(int64_t& value) { value = (int64_t{1} << 40) + ++next_; }
  void Fill(BoundaryType& value) { value = BoundaryType::kUpper; }
  int next_ = 0;
};

// Runs one check on a value of every header type.
template <class Check>
void ForEachHeader(Check check) {
  std::apply([&](auto... headers) { (check(Filler().Filled<decltype(headers)>()), ...); }, AllHeaders());
}

TEST(HeaderTest, EveryHeader_OverExtFields_RoundTrips) {
  ForEachHeader([](const auto& header) {
    using H = std::decay_t<decltype(header)>;
    for (NameForm form : {NameForm::kLong, NameForm::kShort}) {
      ExtFields ext;
      EncodeHeader(header, ext, form);
      Result<H> decoded = DecodeHeader<H>(ext, form);
      ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
      EXPECT_TRUE(*decoded == header) << ext.entries().front().first;
    }
  });
}

TEST(HeaderTest, EveryHeader_InEitherFrame_RoundTrips) {
  ForEachHeader([](const auto& header) {
    using H = std::decay_t<decltype(header)>;
    for (SerializeType serialize : {SerializeType::kJson, SerializeType::kBinary}) {
      Command command;
      command.code = 1;
      Result<std::string> head = EncodeFrameHead(command, header, serialize);
      ASSERT_TRUE(head.ok());
      auto decoded = test::DecodeFrame(*std::move(head));
      ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
      Result<H> typed = DecodeHeader<H>(*decoded->view);
      ASSERT_TRUE(typed.ok()) << typed.status().ToString();
      EXPECT_TRUE(*typed == header);
    }
  });
}

TEST(HeaderTest, EveryHeader_FieldMissing_IsRefusedOnlyIfRequired) {
  ForEachHeader([](const auto& header) {
    using H = std::decay_t<decltype(header)>;
    ForEachField(header, [&header](const auto& entry, const auto&) {
      ExtFields whole;
      EncodeHeader(header, whole);
      ExtFields cut;
      for (const auto& [key, value] : whole.entries()) {
        if (key != entry.name.view()) cut.Set(key, value);
      }
      const Result<H> decoded = DecodeHeader<H>(cut);
      EXPECT_EQ(decoded.ok(), entry.presence == Presence::kOptional) << entry.name.view();
      if (!decoded.ok()) {
        EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
        EXPECT_NE(decoded.status().text().find(entry.name.view()), std::string_view::npos);
      }
      return true;
    });
  });
}

TEST(HeaderTest, EveryHeader_NoNumberInANumber_IsRefusedByName) {
  ForEachHeader([](const auto& header) {
    using H = std::decay_t<decltype(header)>;
    ForEachField(header, [&header]<class M>(const auto& entry, const M&) {
      constexpr bool kNumber = std::is_same_v<M, int32_t> || std::is_same_v<M, int64_t> ||
                               std::is_same_v<M, std::optional<int32_t>> ||
                               std::is_same_v<M, std::optional<int64_t>>;
      if constexpr (kNumber) {
        for (const char* bad : {"12x", "x", " 1", "1.0", "99999999999999999999", "--1", "+", "+-1"}) {
          ExtFields ext;
          EncodeHeader(header, ext);
          ext.Set(entry.name.view(), bad);
          const Result<H> decoded = DecodeHeader<H>(ext);
          EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument) << entry.name.view() << bad;
          EXPECT_NE(decoded.status().text().find(entry.name.view()), std::string_view::npos);
        }
      }
      return true;
    });
  });
}

TEST(HeaderTest, Numbers_AtTheEdges_AreExact) {
  ExtFields ext;
  ext.Set("topic", "T");
  ext.Set("queueId", "-2147483648");
  ext.Set("timestamp", "+9223372036854775807");
  auto header = DecodeHeader<SearchOffsetRequestHeader>(ext);
  ASSERT_TRUE(header.ok()) << header.status().ToString();
  EXPECT_EQ(header->queue_id, INT32_MIN);
  EXPECT_EQ(header->timestamp, INT64_MAX);
  EXPECT_EQ(header->boundary_type, BoundaryType::kLower);
  ext.Set("queueId", "2147483648");
  EXPECT_FALSE(DecodeHeader<SearchOffsetRequestHeader>(ext).ok());
}

TEST(HeaderTest, Booleans_AreParsedAsJavaDoes) {
  for (const auto& [text, value] : {std::pair("true", true), std::pair("TRUE", true), std::pair("1", false),
                                    std::pair("yes", false), std::pair("", false)}) {
    ExtFields ext;
    ext.Set("changed", text);
    auto header = DecodeHeader<QueryDataVersionResponseHeader>(ext);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->changed, value) << text;
  }
}

TEST(HeaderTest, BoundaryType_Unknown_IsLower) {
  ExtFields ext;
  ext.Set("topic", "T");
  ext.Set("queueId", "1");
  ext.Set("timestamp", "1");
  ext.Set("boundaryType", "sideways");
  EXPECT_EQ(DecodeHeader<SearchOffsetRequestHeader>(ext)->boundary_type, BoundaryType::kLower);
  ext.Set("boundaryType", "UPPER");
  EXPECT_EQ(DecodeHeader<SearchOffsetRequestHeader>(ext)->boundary_type, BoundaryType::kUpper);
}

TEST(HeaderTest, SendV2_UsesTheShortNames) {
  SendMessageRequestHeader header;
  header.producer_group = "g";
  header.topic = "t";
  header.properties = "p";
  header.batch = true;
  header.rpc.bname = "b0";
  ExtFields ext;
  EncodeHeader(header, ext, SendNameForm(RequestCode::kSendMessageV2));
  EXPECT_EQ(*ext.Find("a"), "g");
  EXPECT_EQ(*ext.Find("b"), "t");
  EXPECT_EQ(*ext.Find("e"), "0");
  EXPECT_EQ(*ext.Find("i"), "p");
  EXPECT_EQ(*ext.Find("m"), "true");
  EXPECT_EQ(*ext.Find("n"), "b0");
  EXPECT_EQ(ext.Find("topic"), nullptr);
  EXPECT_EQ(ext.Find("j"), nullptr) << "nullopt is not written";
  EXPECT_EQ(SendNameForm(RequestCode::kSendMessage), NameForm::kLong);
  EXPECT_EQ(SendNameForm(RequestCode::kSendBatchMessage), NameForm::kShort);
  EXPECT_EQ(SendNameForm(RequestCode::kSendReplyMessage), NameForm::kLong);
}

TEST(HeaderTest, View_PointsIntoTheFrame) {
  Command command;
  command.code = RequestCode::kSendMessageV2;
  SendMessageRequestHeader header;
  header.topic = "TopicA";
  header.producer_group = "g";
  header.properties = std::string("KEYS\x01k\x02");
  Result<std::string> head = EncodeFrameHead(command, header, SerializeType::kBinary, NameForm::kShort);
  ASSERT_TRUE(head.ok());
  auto decoded = test::DecodeFrame(*std::move(head));
  ASSERT_TRUE(decoded->view.ok());
  auto view = DecodeHeader<SendMessageRequestHeaderView>(*decoded->view, NameForm::kShort);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->topic, "TopicA");
  EXPECT_EQ(view->properties, header.properties);
  EXPECT_GE(view->topic.data(), decoded->frame.data());
  EXPECT_LT(view->topic.data(), decoded->frame.data() + decoded->frame.size());
}

// The C++ client writes numbers where strings belong; V2 without d counts as 0 (errata 4).
TEST(HeaderTest, SendV2_OfTheCppClient_IsRead) {
  auto decoded = test::DecodeJsonHeader(
      R"({"code":310,"language":"CPP","opaque":5,"version":333,"flag":0,"extFields":{"AccessKey":"","a":"g",)"
      R"("b":"T","c":"TBW102","e":2,"f":0,"g":"1700000000000","h":0,"i":"WAIT\u0001true\u0002","l":0}})");
  ASSERT_TRUE(decoded->view.ok());
  auto header = DecodeHeader<SendMessageRequestHeaderView>(*decoded->view, NameForm::kShort);
  ASSERT_TRUE(header.ok()) << header.status().ToString();
  EXPECT_EQ(header->queue_id, 2);
  EXPECT_EQ(header->default_topic_queue_nums, 0);
  EXPECT_EQ(header->max_reconsume_times, 0);
}

TEST(HeaderTest, EmptyHeader_IsAnEmptyObjectOrNothing) {
  ExtFields ext;
  EncodeHeader(LockBatchMqRequestHeader(), ext);
  EXPECT_TRUE(ext.empty());
  EXPECT_TRUE(DecodeHeader<LockBatchMqRequestHeader>(ext).ok());
}

}  // namespace
}  // namespace orbitmq::proto

// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

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
    GetAllDelayOffsetResponseHeader, GetAllProducerInfoRequestHeader, ResumeCheckHalfMessageRequestHeader,
    ExchangeHAInfoRequestHeader, ExchangeHAInfoResponseHeader, ResetMasterFlushOffsetHeader,
    StatisticsMessagesRequestHeader, SendMessageResponseHeader, PullMessageResponseHeader,
    ConsumerSendMsgBackRequestHeader, EndTransactionRequestHeader, CheckTransactionStateRequestHeader,
    ReplyMessageRequestHeader, RecallMessageRequestHeader, RecallMessageResponseHeader,
    SendMessageRequestHeader, PullMessageRequestHeader, RpcRequestHeader, TopicRequestHeader>;

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

// One header type without its type, so that the checks are compiled once and not for each of them.
struct HeaderCase {
  struct FieldCase {
    std::string name;
    Presence presence;
    bool number;
  };
  std::vector<FieldCase> fields;
  std::function<ExtFields(NameForm)> encode;
  std::function<Result<std::string>(SerializeType)> encode_frame;
  // Whether it can be read, and whether what is read is what was written.
  std::function<Status(const ExtFields&, NameForm)> decode;
  std::function<bool(const ExtFields&, NameForm)> reads_back;
  std::function<bool(const CommandView&)> reads_back_view;
};

template <class M>
constexpr bool kNumber =
    std::is_same_v<M, int32_t> || std::is_same_v<M, int64_t> || std::is_same_v<M, std::optional<int32_t>> ||
    std::is_same_v<M, std::optional<int64_t>>;

template <class H>
HeaderCase MakeHeaderCase() {
  const H header = Filler().Filled<H>();
  HeaderCase made;
  ForEachField(header, [&made]<class M>(const auto& entry, const M&) {
    made.fields.push_back({std::string(entry.name.view()), entry.presence, kNumber<M>});
    return true;
  });
  made.encode = [header](NameForm form) {
    ExtFields ext;
    EncodeHeader(header, ext, form);
    return ext;
  };
  made.encode_frame = [header](SerializeType serialize) {
    Command command;
    command.code = 1;
    return EncodeFrameHead(command, header, serialize);
  };
  made.decode = [](const ExtFields& ext, NameForm form) { return DecodeHeader<H>(ext, form).status(); };
  made.reads_back = [header](const ExtFields& ext, NameForm form) {
    const auto decoded = DecodeHeader<H>(ext, form);
    return decoded.ok() && *decoded == header;
  };
  made.reads_back_view = [header](const CommandView& view) {
    const auto decoded = DecodeHeader<H>(view);
    return decoded.ok() && *decoded == header;
  };
  return made;
}

template <class... H>
std::vector<HeaderCase> MakeHeaderCases(std::type_identity<std::tuple<H...>>) {
  std::vector<HeaderCase> made;
  (made.push_back(MakeHeaderCase<H>()), ...);
  return made;
}
const std::vector<HeaderCase>& HeaderCases() {
  static const std::vector<HeaderCase> cases = MakeHeaderCases(std::type_identity<AllHeaders>());
  return cases;
}

TEST(HeaderTest, EveryHeader_OverExtFields_RoundTrips) {
  for (const HeaderCase& header : HeaderCases()) {
    for (NameForm form : {NameForm::kLong, NameForm::kShort}) {
      const ExtFields ext = header.encode(form);
      ASSERT_TRUE(header.decode(ext, form).ok()) << header.decode(ext, form).ToString();
      EXPECT_TRUE(header.reads_back(ext, form)) << ext.entries().front().first;
    }
  }
}

TEST(HeaderTest, EveryHeader_InEitherFrame_RoundTrips) {
  for (const HeaderCase& header : HeaderCases()) {
    for (SerializeType serialize : {SerializeType::kJson, SerializeType::kBinary}) {
      Result<std::string> head = header.encode_frame(serialize);
      ASSERT_TRUE(head.ok());
      auto decoded = test::DecodeFrame(*std::move(head));
      ASSERT_TRUE(decoded->view.ok()) << decoded->view.status().ToString();
      EXPECT_TRUE(header.reads_back_view(*decoded->view)) << header.fields.front().name;
    }
  }
}

TEST(HeaderTest, EveryHeader_FieldMissing_IsRefusedOnlyIfRequired) {
  for (const HeaderCase& header : HeaderCases()) {
    for (const auto& field : header.fields) {
      ExtFields cut;
      const ExtFields whole = header.encode(NameForm::kLong);
      for (const auto& [key, value] : whole.entries()) {
        if (key != field.name) cut.Set(key, value);
      }
      const Status decoded = header.decode(cut, NameForm::kLong);
      EXPECT_EQ(decoded.ok(), field.presence == Presence::kOptional) << field.name;
      if (!decoded.ok()) {
        EXPECT_EQ(decoded.code(), StatusCode::kInvalidArgument);
        EXPECT_NE(decoded.text().find(field.name), std::string_view::npos);
      }
    }
  }
}

TEST(HeaderTest, EveryHeader_NoNumberInANumber_IsRefusedByName) {
  size_t numbers = 0;
  for (const HeaderCase& header : HeaderCases()) {
    for (const auto& field : header.fields) {
      if (!field.number) continue;
      ++numbers;
      for (const char* bad : {"12x", "x", " 1", "1.0", "99999999999999999999", "--1", "+", "+-1"}) {
        ExtFields ext = header.encode(NameForm::kLong);
        ext.Set(field.name, bad);
        const Status decoded = header.decode(ext, NameForm::kLong);
        EXPECT_EQ(decoded.code(), StatusCode::kInvalidArgument) << field.name << bad;
        EXPECT_NE(decoded.text().find(field.name), std::string_view::npos);
      }
    }
  }
  EXPECT_GT(numbers, 50U);
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

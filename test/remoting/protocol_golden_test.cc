// SPDX-License-Identifier: Apache-2.0
// Frames captured from Apache 5.5.0 (test/golden/README.md) against our codec, both ways.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/register_broker.h"
#include "remoting/protocol/route.h"
#include "remoting/protocol/running_info.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "test/golden/golden.h"
#include "test/remoting/protocol_fixtures.h"

namespace orbitmq::proto {
namespace {

using golden::LoadGolden;
using test::CanonicalText;
using test::Decoded;
using test::DecodeFrame;

std::unique_ptr<Decoded> Frame(std::string_view name) {
  auto decoded = DecodeFrame(LoadGolden("frames/" + std::string(name) + ".bin"));
  EXPECT_TRUE(decoded->view.ok()) << name << ": " << decoded->view.status().ToString();
  return decoded;
}

// Takes a part out of a JSON header and mends the two lengths before it.
void Erase(std::string_view part, std::string& frame) {
  const size_t at = frame.find(part);
  if (at == std::string::npos) return;
  frame.erase(at, part.size());
  for (size_t word : {size_t{0}, size_t{4}}) {
    const auto length = LoadBig<int32_t>(frame.data() + word);
    StoreBig<int32_t>(frame.data() + word, length - static_cast<int32_t>(part.size()));
  }
}

// What Apache wrote comes out of our encoder byte for byte (empty extFields objects and remarks apart).
TEST(GoldenFramesTest, EveryFrameOfApaches_EncodesToTheSameBytes) {
  const std::string manifest = LoadGolden("frames/manifest.json");
  Result<JsonDocument> files = JsonDocument::Parse(manifest);
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  int compared = 0;
  for (JsonRef file : files->root().elements()) {
    const std::string name(*file["file"].Text());
    auto decoded = DecodeFrame(LoadGolden(name));
    ASSERT_TRUE(decoded->view.ok()) << name << ": " << decoded->view.status().ToString();
    const CommandView& view = *decoded->view;
    EXPECT_EQ(view.code, file["code"].Int64()) << name;
    EXPECT_EQ(view.response(), file["kind"].Text() == "response") << name;
    const bool written_by_hand =
        file["sender"].Text()->find("probe") != std::string_view::npos && file["kind"].Text() == "request";
    if (written_by_hand) continue;
    std::string wanted = decoded->frame;
    Erase("\"extFields\":{},", wanted);
    Erase("\"remark\":\"\",", wanted);
    EXPECT_EQ(test::FrameOf(ToOwned(view), view.serialize), wanted) << name;
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

// Decodes the typed header, encodes it again and compares with what came, empty values apart.
template <class H>
H CheckHeader(std::string_view name, NameForm form = NameForm::kLong) {
  auto decoded = Frame(name);
  Result<H> header = DecodeHeader<H>(*decoded->view, form);
  EXPECT_TRUE(header.ok()) << name << ": " << header.status().ToString();
  if (!header.ok()) return H();
  ExtFields again;
  EncodeHeader(*header, again, form);
  for (const auto& [key, value] : decoded->view->ext) {
    if (value.empty()) continue;
    const std::string* ours = again.Find(key);
    EXPECT_TRUE(ours != nullptr && *ours == value) << name << " lost or changed " << key;
  }
  return *header;
}

TEST(GoldenFramesTest, MessageHeaders_KeepEveryField) {
  const auto send = CheckHeader<SendMessageRequestHeader>("send_v2.request", NameForm::kShort);
  EXPECT_EQ(send.topic, "GoldenTopic");
  EXPECT_EQ(send.rpc.bname, "broker-a");
  EXPECT_EQ(send.batch, false);
  EXPECT_EQ(CheckHeader<SendMessageRequestHeader>("send_batch.request", NameForm::kShort).batch, true);
  EXPECT_EQ(CheckHeader<SendMessageRequestHeader>("send_v1_probe.request").topic, "GoldenTopic");
  CheckHeader<SendMessageRequestHeader>("send_v2_compressed.request", NameForm::kShort);
  CheckHeader<SendMessageRequestHeader>("binary_send.request", NameForm::kShort);
  EXPECT_EQ(CheckHeader<SendMessageResponseHeader>("send_v2.response").trace_on, true);
  CheckHeader<SendMessageResponseHeader>("send_batch.response");
  EXPECT_EQ(CheckHeader<PullMessageRequestHeader>("pull_found.request").consumer_group, "GoldenGroup");
  CheckHeader<PullMessageRequestHeader>("binary_pull.request");
  CheckHeader<PullMessageResponseHeader>("pull_found.response");
  CheckHeader<PullMessageResponseHeader>("pull_not_found_probe.response");
  CheckHeader<PullMessageResponseHeader>("binary_reply_pull.response");
  CheckHeader<PullMessageResponseHeader>("error_pull_offset_moved.response");
  EXPECT_EQ(CheckHeader<ConsumerSendMsgBackRequestHeader>("send_back.request").max_reconsume_times, 1);
}

TEST(GoldenFramesTest, OtherHeaders_KeepEveryField) {
  CheckHeader<RegisterBrokerRequestHeader>("register_broker.request");
  CheckHeader<RegisterBrokerRequestHeader>("binary_register_broker_mislabelled.request");
  CheckHeader<UnRegisterBrokerRequestHeader>("binary_unregister_broker.request");
  CheckHeader<GetRouteInfoRequestHeader>("route.request");
  CheckHeader<WipeWritePermOfBrokerResponseHeader>("wipe_write_perm.response");
  CheckHeader<AddWritePermOfBrokerResponseHeader>("add_write_perm.response");
  CheckHeader<DeleteTopicFromNamesrvRequestHeader>("delete_topic_in_namesrv.request");
  CheckHeader<PutKVConfigRequestHeader>("kv_put.request");
  CheckHeader<DeleteKVConfigRequestHeader>("kv_delete.request");
  CheckHeader<QueryDataVersionResponseHeader>("namesrv_query_data_version.response");
  CheckHeader<CreateTopicRequestHeader>("update_topic.request");
  CheckHeader<DeleteSubscriptionGroupRequestHeader>("delete_group.request");
  CheckHeader<UpdateConsumerOffsetRequestHeader>("update_offset.request");
  CheckHeader<QueryConsumerOffsetRequestHeader>("query_offset.request");
  CheckHeader<QueryConsumerOffsetRequestHeader>("binary_query_offset.request");
  CheckHeader<SearchOffsetRequestHeader>("search_offset_probe.request");
  CheckHeader<SearchOffsetResponseHeader>("search_offset_probe.response");
  CheckHeader<GetMaxOffsetResponseHeader>("max_offset_probe.response");
  CheckHeader<GetEarliestMsgStoretimeResponseHeader>("earliest_time_probe.response");
  CheckHeader<UnregisterClientRequestHeader>("unregister_consumer.request");
  CheckHeader<GetConsumerListByGroupRequestHeader>("consumer_list.request");
  CheckHeader<NotifyConsumerIdsChangedRequestHeader>("notify_ids_changed.request");
  CheckHeader<GetConsumerRunningInfoRequestHeader>("client_running_info.request");
  CheckHeader<ConsumeMessageDirectlyResultRequestHeader>("client_consume_directly.request");
  CheckHeader<HeartbeatResponseHeader>("heartbeat_consumer.response");
  CheckHeader<ResetOffsetRequestHeader>("reset_offset_by_broker.request");
  CheckHeader<QueryMessageRequestHeader>("query_message.request");
  CheckHeader<QueryMessageResponseHeader>("query_message.response");
  CheckHeader<ViewBrokerStatsDataRequestHeader>("stats_view.request");
  CheckHeader<GetAllTopicConfigResponseHeader>("all_topics_probe.response");
  CheckHeader<GetAllSubscriptionGroupResponseHeader>("all_groups_probe.response");
  CheckHeader<GetBrokerConfigResponseHeader>("get_config.response");
}

// Decodes the body, encodes it again and compares but for the order of members and elements.
template <class Body>
Body CheckBody(std::string_view name, JsonStyle style = JsonStyle::kFastjson) {
  auto decoded = Frame(name);
  Result<Body> body = DecodeBody<Body>(decoded->view->body);
  EXPECT_TRUE(body.ok()) << name << ": " << body.status().ToString();
  if (!body.ok()) return Body();
  EXPECT_EQ(CanonicalText(EncodeBody(*body, style)), CanonicalText(decoded->view->body)) << name;
  return *std::move(body);
}

TEST(GoldenFramesTest, NamesrvBodies_KeepEverything) {
  const auto route = CheckBody<TopicRouteData>("route.response", JsonStyle::kStandard);
  EXPECT_EQ(route.queue_datas.at(0).read_queue_nums, 4);
  EXPECT_EQ(EncodeBody(route, JsonStyle::kStandard), Frame("route.response")->view->body);
  const auto cluster = CheckBody<ClusterInfo>("cluster.response");
  EXPECT_EQ(EncodeBody(cluster), Frame("cluster.response")->view->body);
  CheckBody<TopicList>("topic_list.response");
  CheckBody<TopicList>("namesrv_system_topics.response");
  CheckBody<GetBrokerMemberGroupResponseBody>("namesrv_broker_member_group.response");
}

TEST(GoldenFramesTest, Registrations_AreReadInEveryForm) {
  for (const char* name : {"register_broker.request", "register_broker_compressed.request",
                           "binary_register_broker_mislabelled.request"}) {
    auto decoded = Frame(name);
    auto header = DecodeHeader<RegisterBrokerRequestHeader>(*decoded->view);
    ASSERT_TRUE(header.ok());
    // Our probe's frame carries no version; its body is that of a 5.5.0 broker.
    auto body = DecodeRegistration(decoded->view->body, *header, kProtocolVersion);
    ASSERT_TRUE(body.ok()) << name << ": " << body.status().ToString();
    const auto& topics = body->topic_config_serialize_wrapper.topic_config_table;
    EXPECT_GT(topics.size(), 10u) << name;
    EXPECT_EQ(topics.at("TBW102").perm, 7) << name;
  }
  CheckBody<RegisterBrokerBody>("register_broker.request");
}

TEST(GoldenFramesTest, ClientBodies_KeepEverything) {
  EXPECT_EQ(CheckBody<HeartbeatData>("heartbeat_consumer.request").consumer_data_set.size(), 1u);
  CheckBody<HeartbeatData>("heartbeat_producer.request");
  CheckBody<HeartbeatData>("heartbeat_ordered.request");
  CheckBody<HeartbeatData>("binary_heartbeat.request");
  CheckBody<GetConsumerListByGroupResponseBody>("consumer_list.response");
  CheckBody<LockBatchRequestBody>("lock_queues.request");
  CheckBody<LockBatchResponseBody>("lock_queues.response");
  CheckBody<UnlockBatchRequestBody>("unlock_queues.request");
  CheckBody<ConsumerConnection>("consumer_connection.response");
  CheckBody<ConsumerRunningInfo>("client_running_info.response");
  CheckBody<ConsumerRunningInfo>("running_info_by_broker.response");
  CheckBody<ConsumeMessageDirectlyResult>("client_consume_directly.response");
}

TEST(GoldenFramesTest, BrokerBodies_KeepEverything) {
  CheckBody<TopicConfigAndMappingSerializeWrapper>("all_topics_probe.response");
  CheckBody<SubscriptionGroupWrapper>("all_groups_probe.response");
  CheckBody<SubscriptionGroupConfig>("update_group.request");
  const auto offsets = CheckBody<ConsumerOffsetSerializeWrapper>("all_offsets_probe.response");
  EXPECT_TRUE(offsets.group_topic_map.has_value());
  CheckBody<DelayOffsetSerializeWrapper>("all_delay_offsets_probe.response");
  CheckBody<TopicStatsTable>("topic_stats.response");
  CheckBody<ConsumeStats>("consume_stats.response");
  CheckBody<BrokerStatsData>("stats_view.response");
  CheckBody<ResetOffsetBody>("reset_offset_by_broker.response");
  CheckBody<GroupList>("topic_groups_probe.response");
  EXPECT_EQ(CheckBody<KVTable>("runtime_info.response").table.at("brokerActive"), "true");
}

TEST(GoldenFramesTest, Errors_BecomeStatuses) {
  auto missing = Frame("route_missing.response");
  const Status status = StatusFromResponse(missing->view->code, missing->view->remark);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.wire_code(), 17);
  auto unknown = Frame("binary_reply_unknown_code.response");
  EXPECT_EQ(unknown->view->remark, " request type 9999 not supported");
  EXPECT_EQ(StatusFromResponse(unknown->view->code, unknown->view->remark).code(), StatusCode::kNotSupported);
}

}  // namespace
}  // namespace orbitmq::proto

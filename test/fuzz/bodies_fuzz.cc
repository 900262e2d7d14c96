// SPDX-License-Identifier: Apache-2.0
// Every body decoder: what decodes must encode, and decode again to an equal value.
#include "common/check.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/client_bodies.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/register_broker.h"
#include "remoting/protocol/route.h"
#include "remoting/protocol/running_info.h"
#include "remoting/protocol/stats_bodies.h"
#include "remoting/protocol/subscription_group.h"
#include "remoting/protocol/topic_config.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/golden_corpus.h"

namespace orbitmq::proto {
namespace {

template <class... Bodies>
struct BodyList {};
using AllBodies =
    BodyList<BrokerStatsData, CheckClientRequestBody, ClusterInfo, ConsumeMessageDirectlyResult, ConsumeStats,
             ConsumeStatsList, ConsumerConnection, ConsumerOffsetSerializeWrapper, ConsumerRunningInfo,
             CreateTopicListRequestBody, DataVersion, DelayOffsetSerializeWrapper,
             GetBrokerMemberGroupResponseBody, GetConsumerListByGroupResponseBody, GetConsumerStatusBody,
             GroupForbidden, GroupList, HARuntimeInfo, HeartbeatData, KVTable, LockBatchRequestBody,
             LockBatchResponseBody, MessageRequestModeSerializeWrapper, ProducerConnection, ProducerTableInfo,
             QueryAssignmentRequestBody, QueryAssignmentResponseBody, QueryConsumeQueueResponseBody,
             QueryConsumeTimeSpanBody, QueryCorrectionOffsetBody, QuerySubscriptionResponseBody,
             RegisterBrokerBody, ResetOffsetBody, ResetOffsetBodyForC, SetMessageRequestModeRequestBody,
             SubscriptionGroupConfig, SubscriptionGroupList, SubscriptionGroupWrapper, TopicConfig,
             TopicConfigAndMappingSerializeWrapper, TopicConfigAndQueueMapping, TopicConfigSerializeWrapper,
             TopicList, TopicQueueMappingDetail, TopicQueueMappingInfo, TopicRouteData, TopicStatsTable,
             UnlockBatchRequestBody>;

template <class Body>
bool ReadBody(std::string_view input) {
  const Result<Body> body = DecodeBody<Body>(input);
  if (!body.ok()) {
    ORBITMQ_CHECK(!body.status().text().empty(), "a refused body must say why");
    return false;
  }
  for (JsonStyle style : {JsonStyle::kFastjson, JsonStyle::kStandard}) {
    const std::string text = EncodeBody(*body, style);
    const Result<Body> again = DecodeBody<Body>(text);
    ORBITMQ_CHECK(again.ok(), "what we write decodes");
    // Bytes that are no UTF-8 are replaced in the escaped style, so only the raw one is compared.
    if (style == JsonStyle::kFastjson) ORBITMQ_CHECK(EncodeBody(*again, style) == text, "and is the same");
  }
  return true;
}

template <class... Bodies>
int ReadAll(std::string_view input, BodyList<Bodies...>) {
  return (static_cast<int>(ReadBody<Bodies>(input)) + ...);
}

fuzz::Verdict ReadAnyBody(std::string_view input) {
  const int accepted = ReadAll(input, AllBodies());
  for (int32_t version : {36, 407, kProtocolVersion}) {
    (void)DecodeRegistration(input, {.compressed = true}, version);
    (void)DecodeRegistration(input, {.compressed = false}, version);
  }
  return accepted > 0 ? fuzz::Verdict::kAccepted : fuzz::Verdict::kRefused;
}

}  // namespace
}  // namespace orbitmq::proto

int main(int argc, char** argv) {
  return orbitmq::fuzz::FuzzMain(argc, argv,
                                 {"bodies", orbitmq::fuzz::GoldenBodies(), orbitmq::proto::ReadAnyBody});
}

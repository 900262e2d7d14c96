// SPDX-License-Identifier: Apache-2.0
#include "broker/handler_table.h"

#include <array>
#include <utility>

#include "broker/broker_admin.h"
#include "broker/client_handler.h"
#include "broker/client_relay.h"
#include "broker/group_admin.h"
#include "broker/ha_admin.h"
#include "broker/offset_admin.h"
#include "broker/offset_handler.h"
#include "broker/pull_handler.h"
#include "broker/query_handler.h"
#include "broker/retry_router.h"
#include "broker/send_handler.h"
#include "broker/topic_admin.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::broker {
namespace {

using Code = proto::RequestCode;
using enum ExecutionClass;
using enum Resource;
using enum Action;

// `part` is a member of Handlers, `method` one of that object.
#define ROW(code, where, resource, action, part, method)                       \
  HandlerRow {                                                                 \
    Code::code, where, resource, action,                                       \
        [](Handlers& h, net::ServerRequest r) { h.part.method(std::move(r)); } \
  }

constexpr std::array kRows = {
    ROW(kSendMessage, kInline, kTopic, kPub, send, Handle),
    ROW(kPullMessage, kInline, kTopicAndGroup, kSub, pull, Handle),
    ROW(kQueryMessage, kRead, kTopic, kGet, query, ByKey),
    ROW(kQueryConsumerOffset, kInline, kTopicAndGroup, kGet, offsets, Query),
    ROW(kUpdateConsumerOffset, kInline, kTopicAndGroup, kSub, offsets, Update),
    ROW(kUpdateAndCreateTopic, kAdmin, kTopic, kCreate, topic_admin, Update),
    ROW(kUpdateAndCreateTopicList, kAdmin, kTopic, kCreate, topic_admin, UpdateList),
    ROW(kGetAllTopicConfig, kAdmin, kCluster, kGet, topic_admin, GetAll),
    ROW(kUpdateBrokerConfig, kAdmin, kCluster, kUpdate, broker_admin, UpdateConfig),
    ROW(kGetBrokerConfig, kAdmin, kCluster, kGet, broker_admin, GetConfig),
    ROW(kGetBrokerRuntimeInfo, kAdmin, kCluster, kGet, broker_admin, RuntimeInfo),
    ROW(kSearchOffsetByTimestamp, kRead, kTopic, kGet, offsets, SearchByTime),
    ROW(kGetMaxOffset, kInline, kTopic, kGet, offsets, Max),
    ROW(kGetMinOffset, kInline, kTopic, kGet, offsets, Min),
    ROW(kGetEarliestMsgStoretime, kRead, kTopic, kGet, offsets, EarliestStoreTime),
    ROW(kViewMessageById, kRead, kTopic, kGet, query, ViewById),
    ROW(kHeartBeat, kInline, kGroup, kSub, clients, Heartbeat),
    ROW(kUnregisterClient, kInline, kGroup, kSub, clients, Unregister),
    ROW(kConsumerSendMsgBack, kRead, kGroup, kSub, retry, Handle),
    ROW(kGetConsumerListByGroup, kInline, kGroup, kSub, clients, ListMembers),
    ROW(kLockBatchMq, kInline, kGroup, kSub, clients, LockQueues),
    ROW(kUnlockBatchMq, kInline, kGroup, kSub, clients, UnlockQueues),
    ROW(kGetAllConsumerOffset, kAdmin, kCluster, kGet, offset_admin, AllConsumerOffsets),
    ROW(kGetAllDelayOffset, kAdmin, kCluster, kGet, offset_admin, AllDelayOffsets),
    ROW(kCheckClientConfig, kInline, kGroup, kSub, clients, CheckClientConfig),
    ROW(kUpdateAndCreateSubscriptiongroup, kAdmin, kGroup, kCreate, group_admin, Update),
    ROW(kGetAllSubscriptiongroupConfig, kAdmin, kCluster, kGet, group_admin, GetAll),
    ROW(kGetTopicStatsInfo, kAdmin, kTopic, kGet, topic_admin, Stats),
    ROW(kGetConsumerConnectionList, kAdmin, kGroup, kGet, group_admin, ConsumerConnections),
    ROW(kGetProducerConnectionList, kAdmin, kGroup, kGet, group_admin, ProducerConnections),
    ROW(kDeleteSubscriptiongroup, kAdmin, kGroup, kDelete, group_admin, Delete),
    ROW(kGetConsumeStats, kAdmin, kTopicAndGroup, kGet, offset_admin, ConsumeStats),
    ROW(kDeleteTopicInBroker, kAdmin, kTopic, kDelete, topic_admin, Delete),
    ROW(kInvokeBrokerToResetOffset, kAdmin, kTopicAndGroup, kUpdate, offset_admin, Reset),
    ROW(kInvokeBrokerToGetConsumerStatus, kAdmin, kTopicAndGroup, kGet, relay, ConsumerStatus),
    ROW(kUpdateAndCreateSubscriptiongroupList, kAdmin, kGroup, kCreate, group_admin, UpdateList),
    ROW(kQueryTopicConsumeByWho, kAdmin, kTopic, kGet, topic_admin, ConsumedByWho),
    ROW(kQueryConsumeTimeSpan, kAdmin, kTopicAndGroup, kGet, offset_admin, ConsumeTimeSpan),
    ROW(kGetSystemTopicListFromBroker, kAdmin, kCluster, kGet, topic_admin, SystemTopics),
    ROW(kCleanExpiredConsumequeue, kAdmin, kCluster, kDelete, broker_admin, CleanExpiredQueues),
    ROW(kGetConsumerRunningInfo, kAdmin, kGroup, kGet, relay, RunningInfo),
    ROW(kQueryCorrectionOffset, kAdmin, kTopicAndGroup, kGet, offset_admin, CorrectionOffsets),
    ROW(kConsumeMessageDirectly, kAdmin, kTopicAndGroup, kSub, relay, ConsumeDirectly),
    ROW(kSendMessageV2, kInline, kTopic, kPub, send, Handle),
    ROW(kCloneGroupOffset, kAdmin, kGroup, kUpdate, offset_admin, CloneGroup),
    ROW(kViewBrokerStatsData, kAdmin, kCluster, kGet, broker_admin, ViewStats),
    ROW(kCleanUnusedTopic, kAdmin, kCluster, kDelete, topic_admin, CleanUnused),
    ROW(kGetBrokerConsumeStats, kAdmin, kCluster, kGet, offset_admin, AllConsumeStats),
    ROW(kSendBatchMessage, kInline, kTopic, kPub, send, Handle),
    ROW(kQueryConsumeQueue, kAdmin, kTopic, kGet, broker_admin, QueryConsumeQueue),
    ROW(kGetAllProducerInfo, kAdmin, kCluster, kGet, group_admin, AllProducers),
    ROW(kDeleteExpiredCommitlog, kAdmin, kCluster, kDelete, broker_admin, DeleteExpiredLog),
    ROW(kQueryTopicsByConsumer, kAdmin, kGroup, kGet, group_admin, TopicsOfGroup),
    ROW(kQuerySubscriptionByConsumer, kAdmin, kTopicAndGroup, kGet, group_admin, SubscriptionOfGroup),
    ROW(kGetTopicConfig, kAdmin, kTopic, kGet, topic_admin, Get),
    ROW(kGetSubscriptiongroupConfig, kAdmin, kGroup, kGet, group_admin, Get),
    ROW(kUpdateAndGetGroupForbidden, kAdmin, kTopicAndGroup, kUpdate, group_admin, Forbidden),
    ROW(kLitePullMessage, kInline, kTopicAndGroup, kSub, pull, Handle),
    ROW(kGetAllMessageRequestMode, kAdmin, kCluster, kGet, group_admin, RequestModes),
    ROW(kExchangeBrokerHaInfo, kAdmin, kCluster, kGet, ha_admin, Exchange),
    ROW(kGetBrokerHaStatus, kAdmin, kCluster, kGet, ha_admin, RuntimeInfo),
};
#undef ROW

// What later versions of this broker may serve, what only NameServers, controllers, proxies or clients serve,
// and what no release of Apache serves.
constexpr int32_t kRefused[] = {
    Code::kQueryBrokerOffset,
    Code::kGetTopicConfigList,
    Code::kGetTopicNameList,
    Code::kTriggerDeleteFiles,
    Code::kEndTransaction,
    Code::kCheckTransactionState,
    Code::kNotifyConsumerIdsChanged,
    Code::kGetClientConfig,
    Code::kUpdateAndCreateAclConfig,
    Code::kDeleteAclConfig,
    Code::kGetBrokerClusterAclInfo,
    Code::kUpdateGlobalWhiteAddrsConfig,
    Code::kGetBrokerClusterAclConfig,
    Code::kGetTimerCheckPoint,
    Code::kGetTimerMetrics,
    Code::kPutKvConfig,
    Code::kGetKvConfig,
    Code::kDeleteKvConfig,
    Code::kRegisterBroker,
    Code::kUnregisterBroker,
    Code::kGetRouteinfoByTopic,
    Code::kGetBrokerClusterInfo,
    Code::kWipeWritePermOfBroker,
    Code::kGetAllTopicListFromNameserver,
    Code::kSuspendConsumer,
    Code::kResumeConsumer,
    Code::kResetConsumerOffsetInConsumer,
    Code::kResetConsumerOffsetInBroker,
    Code::kAdjustConsumerThreadPool,
    Code::kWhoConsumeTheMessage,
    Code::kDeleteTopicInNamesrv,
    Code::kRegisterTopicInNamesrv,
    Code::kGetKvlistByNamespace,
    Code::kResetConsumerClientOffset,
    Code::kGetConsumerStatusFromClient,
    Code::kGetTopicsByCluster,
    Code::kRegisterFilterServer,
    Code::kRegisterMessageFilterClass,
    Code::kGetSystemTopicListFromNs,
    Code::kGetUnitTopicList,
    Code::kGetHasUnitSubTopicList,
    Code::kGetHasUnitSubUnunitTopicList,
    Code::kUpdateNamesrvConfig,
    Code::kGetNamesrvConfig,
    Code::kQueryDataVersion,
    Code::kResumeCheckHalfMessage,
    Code::kSendReplyMessage,
    Code::kSendReplyMessageV2,
    Code::kPushReplyMessageToClient,
    Code::kAddWritePermOfBroker,
    Code::kCheckRocksdbCqWriteProgress,
    Code::kExportRocksdbConfigToJson,
    Code::kRecallMessage,
    Code::kQueryAssignment,
    Code::kSetMessageRequestMode,
    Code::kUpdateAndCreateStaticTopic,
    Code::kGetBrokerMemberGroup,
    Code::kAddBroker,
    Code::kRemoveBroker,
    Code::kBrokerHeartbeat,
    Code::kNotifyMinBrokerIdChange,
    Code::kResetMasterFlushOffset,
    Code::kControllerAlterSyncStateSet,
    Code::kControllerElectMaster,
    Code::kControllerRegisterBroker,
    Code::kControllerGetReplicaInfo,
    Code::kControllerGetMetadataInfo,
    Code::kControllerGetSyncStateData,
    Code::kGetBrokerEpochCache,
    Code::kNotifyBrokerRoleChanged,
    Code::kUpdateControllerConfig,
    Code::kGetControllerConfig,
    Code::kCleanBrokerData,
    Code::kControllerGetNextBrokerId,
    Code::kControllerApplyBrokerId,
    Code::kUpdateColdDataFlowCtrConfig,
    Code::kRemoveColdDataFlowCtrConfig,
    Code::kGetColdDataFlowCtrInfo,
    Code::kSetCommitlogReadMode,
    Code::kAuthCreateUser,
    Code::kAuthUpdateUser,
    Code::kAuthDeleteUser,
    Code::kAuthGetUser,
    Code::kAuthListUser,
    Code::kAuthCreateAcl,
    Code::kAuthUpdateAcl,
    Code::kAuthDeleteAcl,
    Code::kAuthGetAcl,
    Code::kAuthListAcl,
    Code::kSwitchTimerEngine,
    Code::kPopMessage,
    Code::kAckMessage,
    Code::kPeekMessage,
    Code::kChangeMessageInvisibletime,
    Code::kNotification,
    Code::kPollingInfo,
    Code::kPopRollback,
    Code::kPopLiteMessage,
    Code::kLiteSubscriptionCtl,
    Code::kAckLiteMessage,
    Code::kNotifyUnsubscribeLite,
    Code::kGetBrokerLiteInfo,
    Code::kGetParentTopicInfo,
    Code::kGetLiteTopicInfo,
    Code::kGetLiteClientInfo,
    Code::kGetLiteGroupInfo,
    Code::kTriggerLiteDispatch,
    Code::kBatchAckMessage,
};

constexpr bool IsServed(int32_t code) {
  for (const HandlerRow& row : kRows) {
    if (row.code == code) return true;
  }
  return false;
}
constexpr bool IsRefused(int32_t code) {
  for (const int32_t refused : kRefused) {
    if (refused == code) return true;
  }
  return false;
}
#define ORBITMQ_REQUEST_CODE(name, value) \
  static_assert(IsServed(value) != IsRefused(value), "a request code is either served or refused: " #name);
#include "remoting/protocol/codes.def"

constexpr bool Ascending() {
  for (size_t i = 1; i < kRows.size(); ++i) {
    if (kRows[i - 1].code >= kRows[i].code) return false;
  }
  return true;
}
static_assert(Ascending(), "rows stand in the order of their codes");

}  // namespace

std::span<const HandlerRow> HandlerTable() { return kRows; }
std::span<const int32_t> RefusedCodes() { return kRefused; }

}  // namespace orbitmq::broker

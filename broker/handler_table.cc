// SPDX-License-Identifier: Apache-2.0
#include "broker/handler_table.h"

#include <array>
#include <utility>

#include "broker/admin/broker_admin.h"
#include "broker/admin/client_relay.h"
#include "broker/admin/group_admin.h"
#include "broker/admin/ha_admin.h"
#include "broker/admin/offset_admin.h"
#include "broker/admin/topic_admin.h"
#include "broker/requests/client_handler.h"
#include "broker/requests/offset_handler.h"
#include "broker/requests/pull_handler.h"
#include "broker/requests/query_handler.h"
#include "broker/requests/retry_router.h"
#include "broker/requests/send_handler.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::broker {
namespace {

using Code = proto::RequestCode;
using enum ExecutionClass;
using enum Resource;
using enum Action;
using enum RoleRule;

// `part` is a member of Handlers, `method` one of that object.
#define ROW(code, where, resource, action, rule, part, method)                 \
  HandlerRow {                                                                 \
    Code::code, where, resource, action, rule,                                 \
        [](Handlers& h, net::ServerRequest r) { h.part.method(std::move(r)); } \
  }

constexpr std::array kRows = {
    ROW(kSendMessage, kInline, kTopic, kPub, kSend, send, Handle),
    ROW(kPullMessage, kInline, kTopicAndGroup, kSub, kPull, pull, Handle),
    ROW(kQueryMessage, kRead, kTopic, kGet, kEachRole, query, ByKey),
    ROW(kQueryConsumerOffset, kInline, kTopicAndGroup, kGet, kEachRole, offsets, Query),
    ROW(kUpdateConsumerOffset, kInline, kTopicAndGroup, kSub, kEachRole, offsets, Update),
    ROW(kUpdateAndCreateTopic, kAdmin, kTopic, kCreate, kTables, topic_admin, Update),
    ROW(kUpdateAndCreateTopicList, kAdmin, kTopic, kCreate, kTables, topic_admin, UpdateList),
    ROW(kGetAllTopicConfig, kAdmin, kCluster, kGet, kEachRole, topic_admin, GetAll),
    ROW(kUpdateBrokerConfig, kAdmin, kCluster, kUpdate, kEachRole, broker_admin, UpdateConfig),
    ROW(kGetBrokerConfig, kAdmin, kCluster, kGet, kEachRole, broker_admin, GetConfig),
    ROW(kGetBrokerRuntimeInfo, kAdmin, kCluster, kGet, kEachRole, broker_admin, RuntimeInfo),
    ROW(kSearchOffsetByTimestamp, kRead, kTopic, kGet, kEachRole, offsets, SearchByTime),
    ROW(kGetMaxOffset, kInline, kTopic, kGet, kEachRole, offsets, Max),
    ROW(kGetMinOffset, kInline, kTopic, kGet, kEachRole, offsets, Min),
    ROW(kGetEarliestMsgStoretime, kRead, kTopic, kGet, kEachRole, offsets, EarliestStoreTime),
    ROW(kViewMessageById, kRead, kTopic, kGet, kEachRole, query, ViewById),
    ROW(kHeartBeat, kInline, kGroup, kSub, kEachRole, clients, Heartbeat),
    ROW(kUnregisterClient, kInline, kGroup, kSub, kEachRole, clients, Unregister),
    ROW(kConsumerSendMsgBack, kRead, kGroup, kSub, kSendBack, retry, Handle),
    ROW(kGetConsumerListByGroup, kInline, kGroup, kSub, kEachRole, clients, ListMembers),
    ROW(kLockBatchMq, kInline, kGroup, kSub, kEachRole, clients, LockQueues),
    ROW(kUnlockBatchMq, kInline, kGroup, kSub, kEachRole, clients, UnlockQueues),
    ROW(kGetAllConsumerOffset, kAdmin, kCluster, kGet, kEachRole, offset_admin, AllConsumerOffsets),
    ROW(kGetAllDelayOffset, kAdmin, kCluster, kGet, kEachRole, offset_admin, AllDelayOffsets),
    ROW(kCheckClientConfig, kInline, kGroup, kSub, kEachRole, clients, CheckClientConfig),
    ROW(kUpdateAndCreateSubscriptiongroup, kAdmin, kGroup, kCreate, kTables, group_admin, Update),
    ROW(kGetAllSubscriptiongroupConfig, kAdmin, kCluster, kGet, kEachRole, group_admin, GetAll),
    ROW(kGetTopicStatsInfo, kAdmin, kTopic, kGet, kEachRole, topic_admin, Stats),
    ROW(kGetConsumerConnectionList, kAdmin, kGroup, kGet, kEachRole, group_admin, ConsumerConnections),
    ROW(kGetProducerConnectionList, kAdmin, kGroup, kGet, kEachRole, group_admin, ProducerConnections),
    ROW(kDeleteSubscriptiongroup, kAdmin, kGroup, kDelete, kEachRole, group_admin, Delete),
    ROW(kGetConsumeStats, kAdmin, kTopicAndGroup, kGet, kEachRole, offset_admin, ConsumeStats),
    ROW(kDeleteTopicInBroker, kAdmin, kTopic, kDelete, kTopicDeletion, topic_admin, Delete),
    ROW(kInvokeBrokerToResetOffset, kAdmin, kTopicAndGroup, kUpdate, kOffsets, offset_admin, Reset),
    ROW(kInvokeBrokerToGetConsumerStatus, kAdmin, kTopicAndGroup, kGet, kEachRole, relay, ConsumerStatus),
    ROW(kUpdateAndCreateSubscriptiongroupList, kAdmin, kGroup, kCreate, kTables, group_admin, UpdateList),
    ROW(kQueryTopicConsumeByWho, kAdmin, kTopic, kGet, kEachRole, topic_admin, ConsumedByWho),
    ROW(kQueryConsumeTimeSpan, kAdmin, kTopicAndGroup, kGet, kEachRole, offset_admin, ConsumeTimeSpan),
    ROW(kGetSystemTopicListFromBroker, kAdmin, kCluster, kGet, kEachRole, topic_admin, SystemTopics),
    ROW(kCleanExpiredConsumequeue, kAdmin, kCluster, kDelete, kEachRole, broker_admin, CleanExpiredQueues),
    ROW(kGetConsumerRunningInfo, kAdmin, kGroup, kGet, kEachRole, relay, RunningInfo),
    ROW(kQueryCorrectionOffset, kAdmin, kTopicAndGroup, kGet, kEachRole, offset_admin, CorrectionOffsets),
    ROW(kConsumeMessageDirectly, kAdmin, kTopicAndGroup, kSub, kEachRole, relay, ConsumeDirectly),
    ROW(kSendMessageV2, kInline, kTopic, kPub, kSend, send, Handle),
    ROW(kCloneGroupOffset, kAdmin, kGroup, kUpdate, kOffsets, offset_admin, CloneGroup),
    ROW(kViewBrokerStatsData, kAdmin, kCluster, kGet, kEachRole, broker_admin, ViewStats),
    ROW(kCleanUnusedTopic, kAdmin, kCluster, kDelete, kEachRole, topic_admin, CleanUnused),
    ROW(kGetBrokerConsumeStats, kAdmin, kCluster, kGet, kEachRole, offset_admin, AllConsumeStats),
    ROW(kSendBatchMessage, kInline, kTopic, kPub, kSend, send, Handle),
    ROW(kQueryConsumeQueue, kAdmin, kTopic, kGet, kEachRole, broker_admin, QueryConsumeQueue),
    ROW(kGetAllProducerInfo, kAdmin, kCluster, kGet, kEachRole, group_admin, AllProducers),
    ROW(kDeleteExpiredCommitlog, kAdmin, kCluster, kDelete, kEachRole, broker_admin, DeleteExpiredLog),
    ROW(kQueryTopicsByConsumer, kAdmin, kGroup, kGet, kEachRole, group_admin, TopicsOfGroup),
    ROW(kQuerySubscriptionByConsumer, kAdmin, kTopicAndGroup, kGet, kEachRole, group_admin,
        SubscriptionOfGroup),
    ROW(kGetTopicConfig, kAdmin, kTopic, kGet, kEachRole, topic_admin, Get),
    ROW(kGetSubscriptiongroupConfig, kAdmin, kGroup, kGet, kEachRole, group_admin, Get),
    ROW(kUpdateAndGetGroupForbidden, kAdmin, kTopicAndGroup, kUpdate, kEachRole, group_admin, Forbidden),
    ROW(kLitePullMessage, kInline, kTopicAndGroup, kSub, kPull, pull, Handle),
    ROW(kSetMessageRequestMode, kAdmin, kTopicAndGroup, kUpdate, kEachRole, group_admin, SetRequestMode),
    ROW(kGetAllMessageRequestMode, kAdmin, kCluster, kGet, kEachRole, group_admin, RequestModes),
    ROW(kExchangeBrokerHaInfo, kAdmin, kCluster, kGet, kEachRole, ha_admin, Exchange),
    ROW(kGetBrokerHaStatus, kAdmin, kCluster, kGet, kEachRole, ha_admin, RuntimeInfo),
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

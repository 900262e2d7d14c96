// SPDX-License-Identifier: Apache-2.0
#include "broker/handler_table.h"

#include <array>
#include <utility>

#include "broker/client_handler.h"
#include "broker/offset_handler.h"
#include "broker/pull_handler.h"
#include "broker/query_handler.h"
#include "broker/retry_router.h"
#include "broker/send_handler.h"
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
    ROW(kCheckClientConfig, kInline, kGroup, kSub, clients, CheckClientConfig),
    ROW(kSendMessageV2, kInline, kTopic, kPub, send, Handle),
    ROW(kSendBatchMessage, kInline, kTopic, kPub, send, Handle),
    ROW(kLitePullMessage, kInline, kTopicAndGroup, kSub, pull, Handle),
};
#undef ROW

}  // namespace

std::span<const HandlerRow> HandlerTable() { return kRows; }

}  // namespace orbitmq::broker

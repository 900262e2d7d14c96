// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

// Every bound on what a peer, a file or a user can make us hold. Configurable ones stand in the option
// tables; these are the hard ones and the defaults of those. Each says what happens when it is hit.
namespace orbitmq::limits {

// --- Frames (remoting.md 1.1). A longer frame closes the connection: its end cannot be found safely.
// Apache compares the length word (which excludes itself) plus 4 with this
// (-Dcom.rocketmq.remoting.frameMaxLength).
inline constexpr size_t kFrameBytesMax = size_t{16} << 20;
// Header text of one frame. A batch's reply lists one id per message, hence so large.
inline constexpr size_t kHeaderBytesMax = size_t{8} << 20;
// Entries of a custom header; more are refused as a bad frame. Apache's largest has about 40.
inline constexpr size_t kExtFieldsMax = 256;
inline constexpr size_t kExtKeyBytesMax = 32767;  // i16 on the wire.
// Nesting of a JSON body; deeper is refused.
inline constexpr size_t kJsonDepthMax = 64;
// Values in one JSON body; more are refused.
inline constexpr size_t kJsonValuesMax = size_t{4} << 20;
// What a compressed registration or body may inflate to; more is kResourceExhausted.
inline constexpr size_t kInflatedBytesMax = size_t{64} << 20;

// --- Names (store.md 11.1), in bytes; longer ones are INVALID_PARAMETER.
inline constexpr size_t kTopicBytesMax = 127;
inline constexpr size_t kRetryTopicBytesMax = 255;
inline constexpr size_t kGroupBytesMax = 120;
inline constexpr size_t kClientIdBytesMax = 1024;
inline constexpr size_t kBrokerNameBytesMax = 255;

// --- Messages.
inline constexpr size_t kMessageBodyBytesDefault = size_t{4} << 20;  // maxMessageSize.
inline constexpr size_t kMessageBodyBytesMax = size_t{15} << 20;     // The largest legal maxMessageSize.
inline constexpr size_t kRecordOverheadBytesMax = size_t{64} << 10;  // Everything in a record but the body.
inline constexpr size_t kBatchEntriesMax = size_t{128} << 10;        // MESSAGE_ILLEGAL above.
inline constexpr size_t kDelayLevelsMax = 256;
inline constexpr size_t kTagsPerSubscriptionMax = 1024;
inline constexpr size_t kExpressionBytesMax = size_t{64} << 10;
inline constexpr int32_t kQueuesPerTopicMax = 4096;

// --- A server's memory and tables.
inline constexpr size_t kServerBytesInFlightMax = size_t{256} << 20;  // Above: reading pauses everywhere.
inline constexpr size_t kConnectionBytesInFlightMax = size_t{32}
                                                      << 20;  // Above: that connection's reading pauses.
inline constexpr size_t kConnectionWriteHighBytes = size_t{32}
                                                    << 20;  // Unsent replies; above: reading pauses.
inline constexpr size_t kConnectionWriteLowBytes = size_t{8} << 20;
inline constexpr size_t kConnectionsMax = 65536;       // More are closed at once.
inline constexpr size_t kParkedPullsMax = 100000;      // More are answered PULL_NOT_FOUND at once.
inline constexpr int32_t kColdPullsMax = 10000;        // Waiting for the disk; SYSTEM_BUSY above.
inline constexpr size_t kAppendQueueCountMax = 65536;  // SYSTEM_BUSY above.
inline constexpr size_t kAppendQueueBytesMax = size_t{64} << 20;
// Queues and index this far behind the log: appends wait, and then SYSTEM_BUSY.
inline constexpr size_t kDispatchBehindBytesMax = size_t{256} << 20;
inline constexpr size_t kGroupsMax = 100000;          // Auto-created ones; more are refused with a text.
inline constexpr size_t kTopicsMax = 100000;          // Likewise.
inline constexpr size_t kClientsPerGroupMax = 65536;  // More heartbeats are refused with a text.
inline constexpr size_t kNamesrvBrokersMax = 100000;
inline constexpr size_t kKvEntriesMax = 100000;
inline constexpr size_t kPullMessagesMax = 1024;  // maxMsgNums is cut down to it.

// --- The pages of figures (remoting/http_server).
inline constexpr size_t kHttpConnectionsMax = 64;       // More are closed at once.
inline constexpr size_t kHttpHeadBytesMax = 8192;       // Of a request; 431 above.
inline constexpr int32_t kHttpRequestSecondsMax = 30;   // A connection that brings no whole one is closed.

// --- The calling side.
inline constexpr size_t kPendingCallsPerConnectionMax = 65536;        // kBusy above.
inline constexpr size_t kClientBytesInFlightMax = size_t{256} << 20;  // kBusy above.
// Of a server's log file that its thread has not written yet: the oldest go, and the log says how many.
inline constexpr size_t kLogLinesInFlightMax = 8192;

// --- Files that are read whole.
inline constexpr uint64_t kConfigFileBytesMax = uint64_t{1} << 20;
inline constexpr uint64_t kTableFileBytesMax = uint64_t{256} << 20;  // config/*.json.

static_assert(kHeaderBytesMax < kFrameBytesMax, "a header must fit into a frame");
static_assert(kHeaderBytesMax < (size_t{1} << 24), "a header's length has 24 bits on the wire");
static_assert(kBatchEntriesMax * (56 + 1) < kHeaderBytesMax, "the ids of a full batch must fit into a reply");
static_assert(kMessageBodyBytesMax + kRecordOverheadBytesMax < kFrameBytesMax,
              "a message must fit into a frame");
static_assert(kMessageBodyBytesDefault <= kMessageBodyBytesMax, "the default must be legal");
static_assert(kConnectionBytesInFlightMax >= kFrameBytesMax, "one frame must always fit the budget");
static_assert(kServerBytesInFlightMax >= 2 * kConnectionBytesInFlightMax,
              "one peer must not starve the others");
static_assert(kConnectionWriteLowBytes < kConnectionWriteHighBytes, "low before high");
static_assert(kRetryTopicBytesMax + 32767 + 92 + 24 < kRecordOverheadBytesMax,
              "topic, properties and fixed fields must fit the overhead");
static_assert(kRetryTopicBytesMax <= std::numeric_limits<int16_t>::max(), "V2 topic length is an i16");
static_assert(kTopicBytesMax <= std::numeric_limits<int8_t>::max(), "V1 topic length is an i8");
static_assert(kAppendQueueBytesMax > kMessageBodyBytesMax, "one message must always fit the queue");

}  // namespace orbitmq::limits

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace orbitmq {

// Bits of a message's sysFlag (remoting.md 4.4).
namespace sys_flag {
inline constexpr int32_t kCompressed = 0x1;
inline constexpr int32_t kMultiTags = 0x2;
inline constexpr int32_t kTransactionMask = 0xC;
inline constexpr int32_t kBornHostV6 = 0x10;
inline constexpr int32_t kStoreHostV6 = 0x20;
inline constexpr int32_t kNeedUnwrap = 0x40;  // The body is a batch that the consumer expands.
inline constexpr int32_t kInnerBatch = 0x80;
inline constexpr int32_t kCompressionMask = 0x700;
inline constexpr int32_t kCompressionLz4 = 0x100;
inline constexpr int32_t kCompressionZstd = 0x200;
inline constexpr int32_t kCompressionZlib = 0x300;
}  // namespace sys_flag

enum class TransactionType : int32_t { kNone = 0x0, kPrepared = 0x4, kCommit = 0x8, kRollback = 0xC };

constexpr TransactionType TransactionTypeOf(int32_t flags) {
  return static_cast<TransactionType>(flags & sys_flag::kTransactionMask);
}
constexpr int32_t WithTransactionType(int32_t flags, TransactionType type) {
  return (flags & ~sys_flag::kTransactionMask) | static_cast<int32_t>(type);
}

// Bits of a pull request's sysFlag (remoting.md 5.2).
namespace pull_flag {
inline constexpr int32_t kCommitOffset = 0x1;
inline constexpr int32_t kSuspend = 0x2;
inline constexpr int32_t kSubscription = 0x4;
inline constexpr int32_t kClassFilter = 0x8;
inline constexpr int32_t kLitePull = 0x10;
}  // namespace pull_flag

// Bits of a topic's sysFlag.
namespace topic_flag {
inline constexpr int32_t kUnit = 0x1;
inline constexpr int32_t kUnitSubscribed = 0x2;
}  // namespace topic_flag

// Bits of a topic's or broker's permission.
namespace perm {
inline constexpr int32_t kInherit = 0x1;  // Topics made from this template; not a right of a sender.
inline constexpr int32_t kWrite = 0x2;
inline constexpr int32_t kRead = 0x4;
inline constexpr int32_t kPriority = 0x8;
inline constexpr int32_t kReadWrite = kRead | kWrite;
constexpr bool Readable(int32_t bits) { return (bits & kRead) != 0; }
constexpr bool Writable(int32_t bits) { return (bits & kWrite) != 0; }
constexpr bool Inherited(int32_t bits) { return (bits & kInherit) != 0; }
// What Apache accepts in topic and broker settings: 0..7.
constexpr bool Valid(int32_t bits) { return bits >= 0 && bits < kPriority; }
}  // namespace perm

}  // namespace orbitmq

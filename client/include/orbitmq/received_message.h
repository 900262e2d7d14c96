// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "orbitmq/export.h"
#include "orbitmq/message.h"
#include "orbitmq/message_queue.h"
#include "orbitmq/time.h"

namespace orbitmq {

namespace client {
struct ReceivedRep;
}

// A message that a broker delivered. A value: copying shares the immutable content and costs one reference
// count. Views returned by it live as long as any copy of it; a copy keeps the whole pull reply in memory (at
// most about 256 KiB beside the message), so take std::strings out of messages that you keep for long.
//
// Threads: any.
class ORBITMQ_EXPORT ReceivedMessage final {
 public:
  ReceivedMessage();  // Empty; every accessor gives an empty or zero value.

  // The topic that it was sent to: of a redelivery too, which really lies in the group's retry topic.
  std::string_view topic() const;
  // Decompressed.
  std::string_view body() const;
  std::string_view tag() const;   // Empty = none.
  std::string_view keys() const;  // Separated by spaces, as they travel.
  // A property by name, the protocol's own ones included.
  std::optional<std::string_view> Property(std::string_view name) const;
  // All of them, parsed anew at each call.
  Properties properties() const;
  int32_t flag() const;

  // The id that the producer gave (SendResult::message_id); the same on every redelivery.
  std::string_view message_id() const;
  // The id that the broker gave: address and log offset of this copy, upper-case hex.
  const std::string& offset_message_id() const;
  // Where this copy lies. The topic in it is the retry topic on a redelivery.
  const MessageQueue& queue() const;
  int64_t queue_offset() const;
  // Bytes from the start of the broker's log.
  int64_t log_offset() const;
  // How often it was given back before: 0 on the first delivery.
  int32_t reconsume_times() const;
  WallTime born_time() const;      // The producer's clock.
  WallTime store_time() const;     // The broker's clock.
  std::string born_host() const;   // "10.0.0.1:40312"
  std::string store_host() const;  // "10.0.0.1:10911"
  // The bits of docs/WIRE_FORMAT.md "sysFlag".
  int32_t sys_flag() const;

 private:
  friend struct client::ReceivedRep;
  explicit ReceivedMessage(std::shared_ptr<const client::ReceivedRep> rep);
  std::shared_ptr<const client::ReceivedRep> rep_;
};

}  // namespace orbitmq

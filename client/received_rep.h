// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/message_codec.h"
#include "orbitmq/received_message.h"
#include "orbitmq/result.h"

namespace orbitmq::client {

// What stands behind a ReceivedMessage: the decoded record and the bytes that it points into. Immutable.
struct ReceivedRep {
  Bytes bytes;  // Owns what `view` points into.
  MessageView view;
  MessageQueue queue;
  int64_t queue_offset = 0;
  int32_t reconsume_times = 0;
  std::string_view topic;  // The one that it was sent to.
  std::string_view unique_id;
  std::string_view body;
  Bytes plain_body;  // Owns `body` once it has been decompressed.
  std::string offset_message_id;

  static const ReceivedRep& Of(const ReceivedMessage& message) { return *message.rep_; }
  static ReceivedMessage Make(ReceivedRep rep);
};

struct PulledRecords {
  std::vector<ReceivedMessage> messages;
  // Why decoding stopped; OK = at the end. What stands before is good.
  Status status;
  // Where in the body the record begins that does not decode.
  size_t bad_at = 0;
};

// Decodes the records of a pull reply from `queue`; `offset_delta` is added to every queue offset. A record
// that holds a batch is expanded. Bodies stay compressed: see Unpack.
PulledRecords DecodePulled(const Bytes& body, const MessageQueue& queue, int64_t offset_delta);

// With the body decompressed; kCorrupt when that is impossible. Bodies grow to at most the largest message.
Result<ReceivedMessage> Unpack(const ReceivedMessage& message);

// The same message after one more try.
ReceivedMessage WithReconsumeTimes(const ReceivedMessage& message, int32_t reconsume_times);

}  // namespace orbitmq::client

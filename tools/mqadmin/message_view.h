// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/message_codec.h"
#include "common/message_properties.h"
#include "orbitmq/message_queue.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// A message as administrators look at it.
struct ShownMessage {
  std::shared_ptr<const std::string> record;  // What `view` points into.
  MessageView view;
  PropertyMap properties;
  std::string body;         // Decompressed; as stored when it cannot be.
  std::string broker_name;  // Empty: not known.

  std::string OffsetId() const;
  std::string UniqueKey() const;  // Empty if the message has none.
  // What Java's client calls its id: the unique key, else the offset id.
  std::string Id() const;
  std::string Property(std::string_view name, std::string_view otherwise) const;
};

// Records back to back. kCorrupt at the first that does not decode.
Result<std::vector<ShownMessage>> DecodeMessages(std::string_view records, std::string_view broker_name);

// Those of a pull's reply; with what Java's client adds to their properties, the queue's edges.
Result<std::vector<ShownMessage>> DecodePulled(const net::PullReply& reply, std::string_view broker_name);

// Java's MessageExt.toString: of a message that a client has pulled, or of a record decoded without its body,
// where some things are null.
enum class TextForm : uint8_t { kPulled, kRecord };
std::string MessageText(const ShownMessage& message, TextForm form = TextForm::kPulled);
// The member `body`, or `bodyBase64` where the body is no UTF-8.
std::string MessageJson(const ShownMessage& message);

// The labelled lines of queryMsgById and its like, then what became of the message in each group.
struct ShowOptions {
  bool offset_id = true;   // Begin with the line OffsetID.
  bool body_text = false;  // End with the line Message Body.
  int copy = 0;            // The body file of a further message with the same id is numbered.
};
Status ShowMessage(Session& session, const ShownMessage& message, const ShowOptions& options);

// The group under which Java's tools read.
inline constexpr char kToolsGroup[] = "TOOLS_CONSUMER";

// One pull without waiting, that commits nothing.
struct ToolPull {
  MessageQueue queue;
  int64_t offset = 0;
  int32_t count = 32;
  std::string expression = "*";
  std::string group = kToolsGroup;
};
proto::PullMessageRequestHeader PullHeader(const ToolPull& pull);
Result<net::PullReply> PullOnce(Session& session, const Endpoint& broker, const ToolPull& pull);

}  // namespace orbitmq::tools

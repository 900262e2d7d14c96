// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/message_properties.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// A queue that takes messages, and the master that has it.
struct WritableQueue {
  MessageQueue queue;
  Endpoint master;
};

// The writable queues of a topic, sorted. A topic without a route takes that of TBW102, as Java's producer
// does: the broker then makes the topic.
Result<std::vector<WritableQueue>> WritableQueues(Session& session, const std::string& topic);

struct OutgoingText {
  std::string body;
  PropertyMap properties{};  // Gets a unique key if it has none.
  std::string group = "CLI_PRODUCER";
};
struct SentMessage {
  std::string id;  // The unique key.
  net::SendReply reply;
};
// Sends once, without retries. Under --dry-run it tells what it would send.
Result<SentMessage> SendOnce(Session& session, const WritableQueue& to, OutgoingText message);

// How many of the messages sent were answered with another status than SEND_OK: a warning unless it is 0, and
// a member of the JSON object.
void TellNotSafe(Session& session, int64_t count);

// Java's SendStatus of a reply that says that the message is stored.
std::string_view SendStatusName(int32_t code);
// Java's SendResult.toString.
std::string SendResultText(const SentMessage& sent, const MessageQueue& queue);

}  // namespace orbitmq::tools

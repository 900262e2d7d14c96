// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <zlib.h>

#include "orbitmq/push_consumer.h"
#include "test/interop/sdk_command.h"

namespace orbitmq::interop {
namespace {

constexpr std::chrono::milliseconds kLook(50);

void Report(const Command& command, const ReceivedMessage& message) {
  const std::string_view body = message.body();
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  command.Print("received", {{"topic", std::string(message.topic())},
                             {"key", std::string(message.keys())},
                             {"tag", std::string(message.tag())},
                             {"msgId", std::string(message.message_id())},
                             {"queue", int64_t{message.queue().queue_id}},
                             {"offset", message.queue_offset()},
                             {"reconsume", int64_t{message.reconsume_times()}},
                             {"size", static_cast<int64_t>(body.size())},
                             {"crc", static_cast<int64_t>(crc)}});
}

std::string Assigned(const PushConsumer& consumer, const std::string& topic) {
  std::string text;
  for (const MessageQueue& queue : consumer.Assignment()) {
    if (queue.topic != topic) continue;
    if (!text.empty()) text += ",";
    text += queue.broker_name + ":" + std::to_string(queue.queue_id);
  }
  return text;
}

// Returns after `expect` deliveries, the timeout, or Stop.
void WaitForEnd(Command& command, const PushConsumer& consumer, const std::atomic<int64_t>& deliveries) {
  const int64_t expect = command.Number("expect", std::numeric_limits<int64_t>::max());
  std::chrono::milliseconds left(command.Number("timeout_ms", 30000));
  std::optional<std::string> known;
  while (!command.WaitStopped(kLook)) {
    std::string queues = Assigned(consumer, command.Text("topic"));
    if (queues != known) {
      command.Print("assigned", {{"queues", queues}});
      known = std::move(queues);
    }
    if (deliveries.load() >= expect) return;
    left -= kLook;
    if (left.count() <= 0) return command.Print("timeout", {});
  }
}

}  // namespace

void Consume(Command& command) {
  PushConsumerOptions options;
  options.client = command.Client("receiver");
  options.group = command.Text("group");
  options.subscriptions = {{command.Text("topic"), command.Text("expression", "*")}};
  options.consume_from = ConsumeFrom::kFirstOffset;
  options.consume_threads = 2;
  options.reconsume_times_max = static_cast<int32_t>(command.Number("max_reconsume", -1));
  options.rebalance_interval = Millis(1000);
  const bool fails = command.Text("fail") == "on";
  std::atomic<int64_t> deliveries{0};
  const auto listener = [&](std::span<const ReceivedMessage> messages, ConsumeContext& context) {
    for (const ReceivedMessage& message : messages) Report(command, message);
    context.delay_level = 1;
    deliveries += static_cast<int64_t>(messages.size());
    return fails ? ConsumeResult::kReconsumeLater : ConsumeResult::kSuccess;
  };
  Result<PushConsumer> consumer = PushConsumer::Start(std::move(options), listener);
  if (!consumer.ok()) return command.Fail(consumer.status().ToString());
  WaitForEnd(command, *consumer, deliveries);
  const Status status = consumer->Shutdown(Millis(5000));
  if (!status.ok()) return command.Fail(status.ToString());
  command.Print("done", {{"deliveries", deliveries.load()}});
}

}  // namespace orbitmq::interop

// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "orbitmq/producer.h"
#include "test/interop/sdk_command.h"

namespace orbitmq::interop {
namespace {

constexpr size_t kCompressedBodySize = 8192;

std::string StatusName(SendStatus status) {
  switch (status) {
    case SendStatus::kOk:
      return "SEND_OK";
    case SendStatus::kFlushDiskTimeout:
      return "FLUSH_DISK_TIMEOUT";
    case SendStatus::kFlushSlaveTimeout:
      return "FLUSH_SLAVE_TIMEOUT";
    case SendStatus::kSlaveNotAvailable:
      return "SLAVE_NOT_AVAILABLE";
  }
  return "unknown";
}

BodyCompression CompressionNamed(const std::string& name) {
  if (name == "LZ4") return BodyCompression::kLz4;
  if (name == "ZSTD") return BodyCompression::kZstd;
  return BodyCompression::kZlib;
}

Message MakeMessage(const Command& command, const std::string& key) {
  Message message;
  message.topic = command.Text("topic");
  message.tag = command.Text("tag", "TagA");
  message.keys = {key};
  message.body = "body of " + key;
  if (command.Text("mode") == "compressed") {
    message.body.clear();
    while (message.body.size() < kCompressedBodySize) message.body += key + " ";
    message.body.resize(kCompressedBodySize);
  }
  return message;
}

void Report(const Command& command, const std::string& key, const SendResult& result) {
  command.Print("sent", {{"key", key},
                         {"status", StatusName(result.status)},
                         {"msgId", result.message_id},
                         {"offsetMsgId", result.offset_message_id},
                         {"queue", int64_t{result.queue.queue_id}},
                         {"offset", result.queue_offset}});
}

Status SendEach(Command& command, Producer& producer, std::vector<Message> messages) {
  for (Message& message : messages) {
    const std::string key = message.keys.front();
    Result<SendResult> result = producer.Send(std::move(message));
    if (!result.ok()) return result.status();
    Report(command, key, *result);
  }
  return {};
}

Status SendAsync(Command& command, Producer& producer, std::vector<Message> messages) {
  std::mutex mutex;
  std::condition_variable changed;
  size_t left = messages.size();
  Status failure;
  for (Message& message : messages) {
    const std::string key = message.keys.front();
    producer.SendAsync(std::move(message), {}, [&, key](Result<SendResult> result) {
      const std::lock_guard<std::mutex> guard(mutex);
      if (result.ok()) {
        Report(command, key, *result);
      } else {
        command.Print("failed", {{"key", key}, {"text", result.status().ToString()}});
        failure = result.status();
      }
      --left;
      changed.notify_all();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&left] { return left == 0; });
  return failure;
}

Status SendOneway(Producer& producer, std::vector<Message> messages) {
  for (Message& message : messages) {
    Status status = producer.SendOneway(std::move(message));
    if (!status.ok()) return status;
  }
  return {};
}

Status SendBatch(Command& command, Producer& producer, std::vector<Message> messages) {
  Result<SendResult> result = producer.SendBatch(std::move(messages));
  if (!result.ok()) return result.status();
  command.Print("batch", {{"status", StatusName(result->status)},
                          {"msgId", result->message_id},
                          {"offsetMsgId", result->offset_message_id},
                          {"queue", int64_t{result->queue.queue_id}}});
  return {};
}

Status Dispatch(Command& command, Producer& producer, std::vector<Message> messages) {
  const std::string mode = command.Text("mode", "sync");
  if (mode == "async") return SendAsync(command, producer, std::move(messages));
  if (mode == "oneway") return SendOneway(producer, std::move(messages));
  if (mode == "batch") return SendBatch(command, producer, std::move(messages));
  return SendEach(command, producer, std::move(messages));
}

}  // namespace

void Send(Command& command) {
  ProducerOptions options;
  options.client = command.Client("sender");
  options.group = command.Text("group");
  options.send_timeout = Millis(command.Number("timeout_ms", 10000));
  options.retries = static_cast<int>(command.Number("retries", 2));
  options.compression = CompressionNamed(command.Text("compression"));
  Result<Producer> producer = Producer::Start(std::move(options));
  if (!producer.ok()) return command.Fail(producer.status().ToString());

  std::vector<Message> messages;
  const int64_t count = command.Number("count", 1);
  for (int64_t i = 0; i < count; ++i) {
    messages.push_back(MakeMessage(command, command.Text("prefix") + "-" + std::to_string(i)));
  }
  Status status = Dispatch(command, *producer, std::move(messages));
  const Status shutdown = producer->Shutdown(Millis(3000));
  if (status.ok()) status = shutdown;
  if (!status.ok()) return command.Fail(status.ToString());
  command.Print("done", {{"sent", count}});
}

}  // namespace orbitmq::interop

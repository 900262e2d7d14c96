// SPDX-License-Identifier: Apache-2.0
#include "test/sim/workload.h"

#include "common/message_id.h"
#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr const char* kTags[] = {"red", "scarlet", "blue", "green"};

std::vector<std::string> SplitIds(const std::string& joined) {
  std::vector<std::string> ids;
  for (const std::string_view id : Split(joined, ',')) ids.emplace_back(id);
  return ids;
}

}  // namespace

Workload::Workload(World& world, Cluster& cluster)
    : world_(world),
      cluster_(cluster),
      random_(world.scheduler.random().Next()),
      pace_(world.scheduler, random_) {}

void Workload::Begin(uint64_t acked_min) {
  acked_min_ = acked_min;
  Tick();
}

void Workload::Tick() {
  if (finishing_ && counters_.acked + counters_.pending >= acked_min_) {
    if (done()) return;
  } else {
    std::vector<ProducerNode*> up;
    for (const auto& producer : cluster_.producers()) {
      if (producer->up()) up.push_back(producer.get());
    }
    if (!up.empty() && counters_.pending < 400) {
      const uint64_t burst = 1 + random_.Below(4);
      for (uint64_t i = 0; i < burst; ++i) SendSomething(up[random_.Below(up.size())]->producer());
    }
  }
  const Duration pause = std::chrono::microseconds(random_.Between(2'000, 30'000));
  pace_.After(pause, [this] { Tick(); });
}

void Workload::SendBurst(int count) {
  for (int i = 0; i < count; ++i) {
    auto send = [this] {
      Message message = NewMessage(kOrdersTopic);
      const uint32_t number = NumberOfLast();
      ++counters_.pending;
      cluster_.producers().front()->producer().SendAsync(
          std::move(message), {},
          [this, number](const Result<SendResult>& result) { OnResult({number}, result); });
    };
    const Duration after = std::chrono::microseconds(random_.Between(0, 100'000));
    pace_.After(after, std::move(send));
  }
}

Message Workload::NewMessage(const char* topic) {
  SentMessage sent;
  sent.number = static_cast<uint32_t>(world_.facts.messages.size());
  sent.topic = topic;
  // Mostly small; some beyond the size from which the SDK compresses.
  const bool large = random_.Chance(1, 60);
  sent.body_bytes = kBodyBytesMin + random_.Below(large ? 9000 : 220);
  if (sent.topic == kEventsTopic) sent.tag = kTags[random_.Below(std::size(kTags))];
  if (random_.Chance(1, 3)) sent.keys.push_back(StrCat("key-", sent.number));
  if (random_.Chance(1, 9)) sent.keys.push_back(StrCat("customer-", random_.Below(20)));
  Message message;
  message.topic = sent.topic;
  message.body = MakeBody(world_.facts.seed, sent.number, sent.body_bytes);
  message.tag = sent.tag;
  message.keys = sent.keys;
  message.properties["origin"] = "simulation";
  world_.facts.messages.push_back(std::move(sent));
  ++counters_.sent;
  return message;
}

void Workload::SendSomething(client::ProducerCore& producer) {
  if (random_.Chance(1, 12)) {
    SendBatch(producer);
  } else {
    SendOne(producer);
  }
}

void Workload::SendBatch(client::ProducerCore& producer) {
  const char* topic = random_.Chance(1, 2) ? kOrdersTopic : kEventsTopic;
  const uint64_t count = 2 + random_.Below(6);
  std::vector<Message> messages;
  std::vector<uint32_t> numbers;
  for (uint64_t i = 0; i < count; ++i) {
    messages.push_back(NewMessage(topic));
    numbers.push_back(NumberOfLast());
  }
  counters_.pending += count;
  ++counters_.batches;
  producer.SendBatchAsync(std::move(messages), {},
                          [this, numbers](const Result<SendResult>& result) { OnResult(numbers, result); });
}

void Workload::SendOne(client::ProducerCore& producer) {
  const uint64_t draw = random_.Below(100);
  Message message = NewMessage(draw < 45 ? kOrdersTopic : draw < 85 ? kEventsTopic : kAutoTopic);
  const uint32_t number = NumberOfLast();
  SendOptions options;
  if (random_.Chance(1, 6)) options.sharding_key = StrCat("shard-", random_.Below(10));
  if (random_.Chance(1, 25)) {
    message.delay_level = static_cast<int32_t>(1 + random_.Below(3));
    world_.facts.messages[number].delay_level = message.delay_level;
    ++counters_.delayed;
  } else if (random_.Chance(1, 20)) {
    ++counters_.oneway;
    ++counters_.maybe;
    world_.facts.messages[number].fate = Fate::kMaybe;
    const Status left = producer.SendOneway(std::move(message), std::move(options));
    if (!left.ok()) world_.log.Add(StrCat("workload: oneway refused: ", left.ToString()));
    return;
  }
  ++counters_.pending;
  producer.SendAsync(std::move(message), std::move(options),
                     [this, number](const Result<SendResult>& result) { OnResult({number}, result); });
}

void Workload::OnResult(const std::vector<uint32_t>& numbers, const Result<SendResult>& result) {
  counters_.pending -= numbers.size();
  if (result.ok() && result->status == SendStatus::kOk) {
    NoteAcked(numbers, *result);
    return;
  }
  // A killed process cannot promise anything, so its cancelled calls count as open ones.
  const bool promised = !result.ok() && result.status().persisted() == Persisted::kNo &&
                        result.status().code() != StatusCode::kCancelled;
  for (const uint32_t number : numbers) {
    SentMessage& sent = world_.facts.messages[number];
    if (sent.fate != Fate::kPending) {
      world_.facts.findings.Add("delivery", StrCat("the send of message ", number, " ended twice"));
    }
    sent.fate = promised ? Fate::kNotStored : Fate::kMaybe;
    ++(promised ? counters_.not_stored : counters_.maybe);
  }
  if (!result.ok()) {
    world_.log.Add(StrCat("workload: message ", numbers.front(), " failed: ", result.status().ToString(),
                          promised ? " (not stored)" : " (maybe stored)"));
  }
}

void Workload::NoteAcked(const std::vector<uint32_t>& numbers, const SendResult& result) {
  const std::vector<std::string> ids = SplitIds(result.message_id);
  const std::vector<std::string> offset_ids = SplitIds(result.offset_message_id);
  if (ids.size() != numbers.size() || offset_ids.size() != numbers.size()) {
    world_.facts.findings.Add(
        "delivery", StrCat("message ", numbers.front(), " was acknowledged with ", ids.size(), " ids and ",
                           offset_ids.size(), " offset ids for ", numbers.size(), " messages"));
    return;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    SentMessage& sent = world_.facts.messages[numbers[i]];
    if (sent.fate != Fate::kPending) {
      world_.facts.findings.Add("delivery", StrCat("the send of message ", numbers[i], " ended twice"));
    }
    const Result<OffsetMessageId> where = DecodeOffsetMessageId(offset_ids[i]);
    sent.fate = Fate::kAcked;
    sent.message_id = ids[i];
    sent.log_offset = where.ok() ? where->log_offset.value : -1;
    sent.place = {result.queue.broker_name, {result.queue.topic, result.queue.queue_id}};
    sent.queue_offset = result.queue_offset + static_cast<int64_t>(i);
    ++counters_.acked;
    if (sent.delay_level > 0) continue;
    cluster_.queue_order().OnSeen(sent.place, sent.queue_offset, {sent.number, sent.log_offset},
                                  "an acknowledgement");
  }
}

}  // namespace orbitmq::sim

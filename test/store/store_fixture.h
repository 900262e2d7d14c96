// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "store/message_store.h"
#include "test/sim/sim_env.h"

namespace orbitmq::store {

struct TestMessage {
  std::string topic = "T";
  QueueId queue_id = 0;
  std::string body = "body";
  std::string tags = {};
  std::string keys = {};
  std::string extra_properties = {};
  int32_t sys_flag = 0;
};

inline std::string PropertiesOf(const TestMessage& message) {
  std::string properties = message.extra_properties;
  if (!message.tags.empty()) AppendProperty(properties, property::kTags, message.tags);
  if (!message.keys.empty()) AppendProperty(properties, property::kKeys, message.keys);
  return properties;
}

inline void AddToDraft(const TestMessage& message, RecordDraft& draft) {
  const std::string properties = PropertiesOf(message);
  RecordFields fields;
  fields.topic = message.topic;
  fields.queue_id = message.queue_id;
  fields.sys_flag = message.sys_flag;
  fields.born_time = FromEpochMillis(1700000000000);
  fields.born_host = *ParseHostAddress("10.1.2.3", 50000);
  fields.store_host = *ParseHostAddress("127.0.0.1", 10911);
  fields.body = message.body;
  fields.properties = properties;
  const Status added = AppendRecord(fields, draft);
  ASSERT_TRUE(added.ok()) << added.ToString();
}

// The outcome of an append, filled in when it ends.
using Pending = std::shared_ptr<std::optional<Result<AppendReceipt>>>;

// How a deletion ended, filled in when it did.
using Ending = std::shared_ptr<std::optional<Status>>;

// One store on a simulated machine with a virtual clock: nothing waits, and power can be cut.
class StoreHarness {
 public:
  using Loss = sim::SimEnv::Loss;

  explicit StoreHarness(uint64_t seed = 1)
      : scheduler_(seed), network_(scheduler_, {}), host_("h", "10.0.0.1", seed, {}) {
    options.root = "/store";
    options.segment_bytes = 16 * 1024;
    options.queue_file_units = 30;
    options.index_slots = 100;
    options.index_entries = 400;
  }
  virtual ~StoreHarness() { Destroy(); }

  virtual Env& env() { return *env_; }
  FileSystem& files() { return env().files(); }
  sim::SimDisk& disk() { return host_.disk; }
  sim::Scheduler& scheduler() { return scheduler_; }
  MessageStore& store() const { return *store_; }
  bool is_open() const { return store_ != nullptr; }
  const std::deque<std::string>& log_lines() const { return log_.lines(); }

  // A process without a store, to prepare or inspect files.
  void Boot() {
    if (env_ == nullptr) env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, host_, log_);
  }
  Status TryOpen() {
    Boot();
    auto opened = MessageStore::Open(env(), options, [this](const Arrival& arrival) {
      arrivals.push_back(
          StrCat(arrival.queue.topic, ":", arrival.queue.queue_id, ":", arrival.queue_offset.value));
    });
    if (!opened.ok()) return opened.status();
    store_ = *std::move(opened);
    return {};
  }
  void Open() {
    const Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
  }
  // The process dies; with kPower the page cache dies too.
  void Crash(Loss loss) {
    if (env_ == nullptr) return;
    env_->MarkKilled();
    store_.reset();
    env_->FinishKill(loss);
    env_.reset();
  }
  Status Close() {
    std::optional<Status> closed;
    store_->CloseAsync(std::chrono::seconds(10),
                       [&closed](Result<Done> result) { closed = result.status(); });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::seconds(20),
                        [&closed] { return closed.has_value(); });
    store_.reset();
    env_.reset();
    return closed.value_or(Status(StatusCode::kTimeout, "close did not end"));
  }
  void Reopen() {
    ASSERT_TRUE(Close().ok());
    Open();
  }

  void Pass(Duration time) { scheduler_.RunUntil(scheduler_.now() + time); }
  // Until everything visible is dispatched.
  void Settle() {
    scheduler_.RunUntil(scheduler_.now() + std::chrono::seconds(10), [this] {
      const Watermarks marks = store_->watermarks();
      return marks.dispatched == marks.appended;
    });
  }

  Pending Send(RecordDraft draft, QueueKey queue, Durability durability = Durability::kStoreDefault) {
    auto pending = std::make_shared<std::optional<Result<AppendReceipt>>>();
    store_->Append({.queue = std::move(queue),
                    .draft = std::move(draft),
                    .durability = durability,
                    .done = [pending](Result<AppendReceipt> result) { *pending = std::move(result); }});
    return pending;
  }
  Pending Send(const TestMessage& message, Durability durability = Durability::kStoreDefault) {
    RecordDraft draft{.bytes = {}, .record_count = 0, .crc = options.record_crc};
    AddToDraft(message, draft);
    return Send(std::move(draft), {message.topic, message.queue_id}, durability);
  }
  Result<AppendReceipt> Await(const Pending& pending, Duration limit = std::chrono::seconds(20)) {
    scheduler_.RunUntil(scheduler_.now() + limit, [&pending] { return pending->has_value(); });
    if (!pending->has_value()) return Status(StatusCode::kTimeout, "the append did not end");
    return **pending;
  }
  AppendReceipt Append(const TestMessage& message) {
    auto receipt = Await(Send(message));
    EXPECT_TRUE(receipt.ok()) << receipt.status().ToString();
    return receipt.ok() ? *receipt : AppendReceipt{};
  }
  void AppendMany(int count, const TestMessage& like, std::string_view prefix = "m") {
    std::vector<Pending> all;
    for (int i = 0; i < count; ++i) {
      TestMessage message = like;
      message.body = StrCat(prefix, i);
      all.push_back(Send(message));
    }
    for (const Pending& pending : all) {
      const auto receipt = Await(pending);
      EXPECT_TRUE(receipt.ok()) << receipt.status().ToString();
    }
  }

  Ending StartDeletion(const std::string& topic) {
    auto ending = std::make_shared<std::optional<Status>>();
    store_->DeleteTopic(topic, [ending](const Result<Done>& result) { *ending = result.status(); });
    return ending;
  }
  Status DeleteTopic(const std::string& topic) {
    const Ending ending = StartDeletion(topic);
    scheduler_.RunUntil(scheduler_.now() + std::chrono::seconds(20),
                        [&ending] { return ending->has_value(); });
    return ending->value_or(Status(StatusCode::kTimeout, "the deletion did not end"));
  }

  // Every body in a queue, from its min on, read the way consumers read.
  std::vector<std::string> Bodies(const std::string& topic, QueueId id) {
    std::vector<std::string> bodies;
    const auto range = store_->Range({topic, id});
    if (!range) return bodies;
    for (QueueOffset at = range->min; at < range->max;) {
      const QueueSlice slice = store_->Read({topic, id}, at, {}, nullptr);
      for (size_t i = 0; i < slice.records.size(); ++i) {
        auto view = DecodeMessage(slice.records[i].view(), BodyCheck::kVerifyCrc);
        EXPECT_TRUE(view.ok()) << view.status().ToString();
        if (!view.ok()) continue;
        EXPECT_EQ(view->queue_offset, slice.offsets[i]);
        EXPECT_EQ(view->topic, topic);
        EXPECT_EQ(view->queue_id, id);
        bodies.emplace_back(view->body);
      }
      if (slice.next_begin <= at) {
        ADD_FAILURE() << "a read did not advance";
        break;
      }
      at = slice.next_begin;
    }
    return bodies;
  }
  void ExpectQueue(const std::string& topic, QueueId id, const std::vector<std::string>& bodies) {
    Settle();
    EXPECT_EQ(Bodies(topic, id), bodies) << topic << " " << id;
  }

  StoreOptions options;
  std::vector<std::string> arrivals;  // "topic:queue:offset"

 protected:
  void Destroy() {
    store_.reset();
    env_.reset();
  }

  sim::Scheduler scheduler_;
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost host_;
  std::unique_ptr<sim::SimEnv> env_;
  std::unique_ptr<MessageStore> store_;
};

class StoreTest : public StoreHarness, public testing::Test {};

inline std::vector<std::string> Numbered(int count, std::string_view prefix = "m", int from = 0) {
  std::vector<std::string> names;
  for (int i = from; i < count; ++i) names.push_back(StrCat(prefix, i));
  return names;
}

}  // namespace orbitmq::store

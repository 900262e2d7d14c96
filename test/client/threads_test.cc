// SPDX-License-Identifier: Apache-2.0
// The public classes over real threads and loopback sockets: what crosses threads, and who waits for whom.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "orbitmq/producer.h"
#include "orbitmq/push_consumer.h"
#include "remoting/protocol/codes.h"
#include "remoting/real_env.h"
#include "test/client/fake_broker.h"

namespace orbitmq::client {
namespace {

using std::chrono::seconds;

class Count {
 public:
  void Add() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool WaitFor(int least) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, seconds(30), [&] { return count_ >= least; });
  }
  int value() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class ThreadsTest : public testing::Test {
 protected:
  ThreadsTest() : env_(net::NewRealEnv(NullLogger())) {
    fake_ = std::make_unique<FakeBroker>(*env_, Endpoint{"127.0.0.1", 0}, "a");
    fake_->SetRoute("T", {fake_.get()}, 4);
  }
  Producer Start(ProducerOptions options = {}) {
    options.client.namesrv_addr = fake_->address().ToString();
    options.group = "p";
    return Producer::Start(options).value();
  }
  PushConsumer Consume(MessageListener listener) {
    PushConsumerOptions options;
    options.client.namesrv_addr = fake_->address().ToString();
    options.group = "g";
    options.subscriptions = {{"T", "*"}};
    options.consume_from = ConsumeFrom::kFirstOffset;
    options.consume_threads = 4;
    return PushConsumer::Start(options, std::move(listener)).value();
  }
  static Message NewMessage(std::string body) {
    Message message;
    message.topic = "T";
    message.body = std::move(body);
    return message;
  }
  std::unique_ptr<Env> env_;
  std::unique_ptr<FakeBroker> fake_;
};

TEST_F(ThreadsTest, Send_AndConsume_EverythingArrives) {
  Producer producer = Start();
  Count callbacks;
  for (int i = 0; i < 500; ++i) {
    producer.SendAsync(NewMessage("m" + std::to_string(i)), {}, [&](const Result<SendResult>& result) {
      EXPECT_TRUE(result.ok()) << result.status().ToString();
      callbacks.Add();
    });
  }
  ASSERT_TRUE(producer.Send(NewMessage("last")).ok());
  ASSERT_TRUE(callbacks.WaitFor(500));
  std::mutex mutex;
  std::set<std::string> seen;
  Count deliveries;
  PushConsumer consumer = Consume([&](std::span<const ReceivedMessage> messages, ConsumeContext&) {
    const std::lock_guard<std::mutex> lock(mutex);
    for (const auto& message : messages) {
      if (seen.emplace(message.body()).second) deliveries.Add();
    }
    return ConsumeResult::kSuccess;
  });
  EXPECT_TRUE(deliveries.WaitFor(501));
  EXPECT_TRUE(consumer.Shutdown(Millis(5000)).ok());
  EXPECT_TRUE(producer.Shutdown(Millis(5000)).ok());
}

// What an application does that wants to send as fast as it can: again and again what was refused as kBusy.
TEST_F(ThreadsTest, SendAsync_TightLoopAboveTheBound_EndsEachCallOnceAndLosesNothing) {
  ProducerOptions options;
  options.async_count_max = 16;
  Producer producer = Start(options);
  constexpr int kMessages = 2000;
  std::mutex mutex;
  std::vector<int> to_send(kMessages);
  for (int i = 0; i < kMessages; ++i) to_send[static_cast<size_t>(i)] = i;
  int calls = 0;
  int busy = 0;
  Count ended;
  Count stored;
  while (stored.value() < kMessages) {
    std::vector<int> round;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      round.swap(to_send);
    }
    calls += static_cast<int>(round.size());
    for (const int number : round) {
      producer.SendAsync(NewMessage("m" + std::to_string(number)), {},
                         [&, number](const Result<SendResult>& r) {
                           if (r.ok()) {
                             stored.Add();
                           } else {
                             EXPECT_EQ(r.status().code(), StatusCode::kBusy) << r.status().ToString();
                             EXPECT_EQ(r.status().persisted(), Persisted::kNo);
                             const std::lock_guard<std::mutex> lock(mutex);
                             ++busy;
                             to_send.push_back(number);
                           }
                           ended.Add();
                         });
    }
    ASSERT_TRUE(ended.WaitFor(calls));
  }
  EXPECT_GT(busy, 0);
  EXPECT_EQ(ended.value(), calls);
  const std::vector<std::string> bodies = fake_->StoredBodies("T");
  EXPECT_EQ(bodies.size(), static_cast<size_t>(kMessages));
  EXPECT_EQ(std::set<std::string>(bodies.begin(), bodies.end()).size(), static_cast<size_t>(kMessages));
}

TEST_F(ThreadsTest, Send_InsideACallback_IsRefusedInsteadOfHanging) {
  Producer producer = Start();
  Count ended;
  std::optional<Status> inside;
  producer.SendAsync(NewMessage("x"), {}, [&](const Result<SendResult>&) {
    inside = producer.Send(NewMessage("y")).status();
    ended.Add();
  });
  ASSERT_TRUE(ended.WaitFor(1));
  EXPECT_EQ(inside->code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(producer.Send(NewMessage("z")).ok());
}

TEST_F(ThreadsTest, Send_InsideAListener_Works) {
  Producer producer = Start();
  ASSERT_TRUE(producer.Send(NewMessage("in")).ok());
  Count forwarded;
  PushConsumer consumer = Consume([&](std::span<const ReceivedMessage> messages, ConsumeContext&) {
    if (messages[0].body() == "in") {
      EXPECT_TRUE(producer.Send(NewMessage("out")).ok());
    }
    if (messages[0].body() == "out") forwarded.Add();
    return ConsumeResult::kSuccess;
  });
  EXPECT_TRUE(forwarded.WaitFor(1));
}

TEST_F(ThreadsTest, Shutdown_InsideACallbackAndAListener_DoesNotHang) {
  Count ended;
  {
    auto producer = std::make_shared<Producer>(Start());
    producer->SendAsync(NewMessage("x"), {}, [&ended, producer](const Result<SendResult>&) {
      EXPECT_TRUE(producer->Shutdown(Millis(1000)).ok());
      ended.Add();
    });
  }
  ASSERT_TRUE(ended.WaitFor(1));
  std::mutex mutex;
  std::optional<PushConsumer> consumer;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    consumer.emplace(Consume([&](std::span<const ReceivedMessage>, ConsumeContext&) {
      const std::lock_guard<std::mutex> inside(mutex);
      EXPECT_TRUE(consumer->Shutdown(Millis(1000)).ok());
      ended.Add();
      return ConsumeResult::kSuccess;
    }));
  }
  ASSERT_TRUE(ended.WaitFor(2));
  EXPECT_TRUE(consumer->Shutdown(Millis(5000)).ok());
}

TEST_F(ThreadsTest, Destructor_SendsPending_EveryCallbackComesOnce) {
  fake_->Ignore(proto::RequestCode::kSendMessageV2);
  std::vector<std::unique_ptr<Count>> counts;
  {
    ProducerOptions options;
    options.shutdown_drain = Millis(50);
    Producer producer = Start(options);
    for (int i = 0; i < 50; ++i) {
      counts.push_back(std::make_unique<Count>());
      producer.SendAsync(NewMessage("x"), {},
                         [count = counts.back().get()](const Result<SendResult>& result) {
                           EXPECT_FALSE(result.ok());
                           count->Add();
                         });
    }
  }
  for (const auto& count : counts) EXPECT_TRUE(count->WaitFor(1));
  for (const auto& count : counts) EXPECT_EQ(count->value(), 1);
}

TEST_F(ThreadsTest, Shutdown_ListenerStillRuns_IsBoundedAndSaysSo) {
  Producer producer = Start();
  ASSERT_TRUE(producer.Send(NewMessage("x")).ok());
  Count entered;
  Count released;
  PushConsumer consumer = Consume([&](std::span<const ReceivedMessage>, ConsumeContext&) {
    entered.Add();
    EXPECT_TRUE(released.WaitFor(1));
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(entered.WaitFor(1));
  EXPECT_EQ(consumer.Shutdown(Millis(50)).code(), StatusCode::kTimeout);
  released.Add();
  EXPECT_EQ(
      fake_->Committed("g", {"T", "a", 0}).value_or(0) + fake_->Committed("g", {"T", "a", 1}).value_or(0) +
          fake_->Committed("g", {"T", "a", 2}).value_or(0) + fake_->Committed("g", {"T", "a", 3}).value_or(0),
      0);
}

TEST_F(ThreadsTest, Consume_HungListener_GivesTheMessageBackAndCommits) {
  Producer producer = Start();
  ASSERT_TRUE(producer.Send(NewMessage("x")).ok());
  Count released;
  Count entered;
  Count given_back;
  fake_->Override(proto::RequestCode::kConsumerSendMsgBack,
                  [&](const proto::CommandView&) -> std::optional<net::Response> {
                    given_back.Add();
                    return std::nullopt;
                  });
  PushConsumerOptions options;
  options.client.namesrv_addr = fake_->address().ToString();
  options.group = "g";
  options.subscriptions = {{"T", "*"}};
  options.consume_from = ConsumeFrom::kFirstOffset;
  options.consume_threads = 2;
  options.consume_timeout = Millis(200);
  auto consumer = PushConsumer::Start(options, [&](std::span<const ReceivedMessage>, ConsumeContext&) {
    entered.Add();
    EXPECT_TRUE(released.WaitFor(1));
    return ConsumeResult::kReconsumeLater;
  });
  ASSERT_TRUE(consumer.ok());
  ASSERT_TRUE(entered.WaitFor(1));
  ASSERT_TRUE(given_back.WaitFor(1));
  released.Add();
  EXPECT_TRUE(consumer->Shutdown(Millis(5000)).ok());
  // Once, although the listener asked for it too in the end.
  EXPECT_EQ(given_back.value(), 1);
}

TEST_F(ThreadsTest, Start_ManyTimes_LeavesNothingBehind) {
  for (int i = 0; i < 10; ++i) {
    Producer producer = Start();
    EXPECT_TRUE(producer.Send(NewMessage("x")).ok());
    Producer moved = std::move(producer);
    EXPECT_TRUE(moved.Send(NewMessage("y")).ok());
  }
}

TEST_F(ThreadsTest, Log_GoesToTheCallback) {
  std::mutex mutex;
  std::vector<std::string> lines;
  ProducerOptions options;
  options.client.log_level = ClientLogLevel::kDebug;
  options.client.log = [&](ClientLogLevel, std::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex);
    lines.emplace_back(line);
  };
  {
    Producer producer = Start(options);
    EXPECT_TRUE(producer.Send(NewMessage("x")).ok());
  }
  const std::lock_guard<std::mutex> lock(mutex);
  EXPECT_FALSE(lines.empty());
}

}  // namespace
}  // namespace orbitmq::client

// SPDX-License-Identifier: Apache-2.0
// Commits that a broker confirmed and lost: Apache's drops one of two first commits of a group that it gets
// at once, and a slave of it takes over its master's table.
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "remoting/protocol/codes.h"
#include "remoting/protocol/headers.h"
#include "test/client/consumer_fixture.h"

namespace orbitmq::client {
namespace {

using proto::RequestCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ConsumerCommitTest : public ConsumerTest {
 protected:
  static constexpr int kQueues = 4;
  static constexpr int kEach = 5;

  ~ConsumerCommitTest() override { a_->fake.ClearOverrides(); }

  void StartWithMessages() {
    RouteToA(kQueues);
    for (int queue = 0; queue < kQueues; ++queue) StoreMany(queue, kEach);
    a_->fake.SetPullsCommit(false);  // It would hide what is lost here.
    StartConsumer(ConsumerOptions(), Collect());
    ASSERT_TRUE(RunUntilSeen(kQueues * kEach));
  }
  // The broker says yes to a queue's first commit and forgets it.
  void LoseFirstCommits() {
    a_->fake.Override(RequestCode::kUpdateConsumerOffset,
                      [this](const proto::CommandView& request) -> std::optional<net::Response> {
                        const auto header =
                            proto::DecodeHeader<proto::UpdateConsumerOffsetRequestHeader>(request);
                        if (++commits_[header->queue_id] > 1) return std::nullopt;
                        return net::Response();
                      });
  }
  std::optional<int64_t> Committed(int32_t queue) const { return a_->fake.Committed(kGroup, Queue(queue)); }
  bool AllCommitted() const {
    for (int queue = 0; queue < kQueues; ++queue) {
      if (Committed(queue) != kEach) return false;
    }
    return true;
  }

  std::map<int32_t, int> commits_;
};

TEST_F(ConsumerCommitTest, ConfirmedButLost_IsToldAtTheNextLook) {
  LoseFirstCommits();
  StartWithMessages();
  const Duration look = ConsumerOptions().client.offset_persist_interval;
  EXPECT_TRUE(RunUntil(2 * look + seconds(1), [&] { return AllCommitted(); }));
}

TEST_F(ConsumerCommitTest, ConfirmedButLost_AtShutdown_IsTold) {
  LoseFirstCommits();
  StartWithMessages();
  Run(milliseconds(20));
  EXPECT_TRUE(Shutdown(*consumer_, seconds(1))->ok());
  EXPECT_TRUE(AllCommitted());
}

TEST_F(ConsumerCommitTest, TableOfTheBrokerReplaced_IsToldWithinHalfAMinute) {
  StartWithMessages();
  Run(seconds(20));
  ASSERT_TRUE(AllCommitted());
  for (int queue = 0; queue < kQueues; ++queue) a_->fake.SetCommitted(kGroup, Queue(queue), 1);
  EXPECT_TRUE(RunUntil(seconds(36), [&] { return AllCommitted(); }));
}

TEST_F(ConsumerCommitTest, NothingNew_IsSeldomTold) {
  StartWithMessages();
  Run(seconds(20));
  const size_t before = a_->fake.Commits(Queue(0)).size();
  Run(std::chrono::minutes(5));
  // Java's client tells it 60 times.
  EXPECT_LE(a_->fake.Commits(Queue(0)).size() - before, 10u);
}

}  // namespace
}  // namespace orbitmq::client

// SPDX-License-Identifier: Apache-2.0
#include "store/replica_acks.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace orbitmq::store {
namespace {

using std::chrono::seconds;

class ReplicaAcksTest : public testing::Test {
 protected:
  void Add(int64_t end, MonoTime deadline = MonoTime(seconds(3))) {
    std::vector<CommitWaiters::Waiter> one;
    CommitWaiters::Waiter waiter;
    waiter.end = {end};
    waiter.receipt.log_offsets.push_back({end - 1});
    waiter.replicas = true;
    waiter.replica_deadline = deadline;
    waiter.done = [this, end](Result<AppendReceipt> receipt) {
      const std::string how = !receipt.ok()                                       ? "failed"
                              : receipt->replicas == Replicas::kEnough       ? "enough"
                              : receipt->replicas == Replicas::kNotAvailable ? "none"
                                                                             : "late";
      answers_.push_back(std::to_string(end) + " " + how);
    };
    one.push_back(std::move(waiter));
    acks_.Add(one);
  }

  StoreOptions options_ = [] {
    StoreOptions options;
    options.in_sync_replicas = 2;
    return options;
  }();
  std::vector<std::string> answers_;  // Outlives acks_, whose waiters still answer when they are destroyed.
  ReplicaAcks acks_{options_};
};

TEST_F(ReplicaAcksTest, Set_OneAcknowledgement_AnswersAllItCoversInOrder) {
  acks_.Set({.in_sync = 2, .replicated = {}});
  for (const int64_t end : {100, 200, 300, 400}) Add(end);
  EXPECT_TRUE(answers_.empty());
  acks_.Set({.in_sync = 2, .replicated = {300}});
  EXPECT_EQ(answers_, (std::vector<std::string>{"100 enough", "200 enough", "300 enough"}));
  EXPECT_FALSE(acks_.empty());
}

TEST_F(ReplicaAcksTest, Add_WhatIsReplicatedAlready_IsAnsweredAtOnce) {
  acks_.Set({.in_sync = 2, .replicated = {300}});
  Add(300);
  EXPECT_EQ(answers_, std::vector<std::string>{"300 enough"});
}

TEST_F(ReplicaAcksTest, Add_WithoutReplicas_SaysSo) {
  Add(100);
  EXPECT_EQ(answers_, std::vector<std::string>{"100 none"});
}

TEST_F(ReplicaAcksTest, Set_AnOlderAcknowledgement_LowersNothing) {
  acks_.Set({.in_sync = 2, .replicated = {300}});
  acks_.Set({.in_sync = 2, .replicated = {100}});
  EXPECT_EQ(acks_.replicated(), LogOffset{300});
}

TEST_F(ReplicaAcksTest, Expire_OnlyThosePastTheirDeadline_KeepTheMessage) {
  acks_.Set({.in_sync = 2, .replicated = {}});
  Add(100, MonoTime(seconds(1)));
  Add(200, MonoTime(seconds(2)));
  EXPECT_EQ(acks_.next_deadline(), MonoTime(seconds(1)));
  acks_.Expire(MonoTime(seconds(1)));
  EXPECT_EQ(answers_, std::vector<std::string>{"100 late"});
  acks_.Set({.in_sync = 2, .replicated = {200}});
  EXPECT_EQ(answers_.back(), "200 enough");
}

TEST_F(ReplicaAcksTest, FailAll_TellsThatItMayBeStored) {
  acks_.Set({.in_sync = 2, .replicated = {}});
  Add(100);
  acks_.FailAll(Status(StatusCode::kUnknown, "cut"));
  EXPECT_EQ(answers_, std::vector<std::string>{"100 failed"});
  EXPECT_TRUE(acks_.empty());
}

TEST_F(ReplicaAcksTest, Adapt_WaitsForNoMoreThanAreInStep) {
  acks_.SetDemand({.in_sync = 2, .adapt = true});
  Add(100);
  EXPECT_EQ(answers_, std::vector<std::string>{"100 enough"});
  acks_.SetDemand({.in_sync = 2, .in_sync_min = 2, .adapt = true});
  Add(200);
  EXPECT_EQ(answers_.back(), "200 none");
}

TEST_F(ReplicaAcksTest, Demand_FallsToNobody_WhoWaitsIsAnswered) {
  acks_.Set({.in_sync = 2, .replicated = {}});
  Add(100);
  EXPECT_TRUE(answers_.empty());
  acks_.SetDemand({.in_sync = 1});
  EXPECT_EQ(answers_, std::vector<std::string>{"100 enough"});
  EXPECT_FALSE(acks_.required());
}

TEST_F(ReplicaAcksTest, Admit_BelowTheMinimum_IsRefused) {
  acks_.SetDemand({.in_sync = 2, .in_sync_min = 2});
  EXPECT_EQ(acks_.Admit().persisted(), Persisted::kNo);
  EXPECT_FALSE(acks_.Admit().ok());
  acks_.Set({.in_sync = 2, .replicated = {}});
  EXPECT_TRUE(acks_.Admit().ok());
}

}  // namespace
}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "client/allocation.h"
#include "client/md5.h"
#include "common/strings.h"

namespace orbitmq::client {
namespace {

std::vector<MessageQueue> Queues(int count) {
  std::vector<MessageQueue> queues;
  for (int i = 0; i < count; ++i) queues.push_back({"TopicTest", "b", i});
  return queues;
}

std::vector<std::string> Clients(int count) {
  std::vector<std::string> clients;
  for (int i = 0; i < count; ++i) clients.push_back(StrCat("c", i));
  return clients;
}

std::vector<int> Ids(AllocationStrategy strategy, int queues, int clients, int me) {
  std::vector<int> ids;
  for (const auto& queue : Allocate(strategy, Queues(queues), Clients(clients), StrCat("c", me))) {
    ids.push_back(queue.queue_id);
  }
  return ids;
}

using Ints = std::vector<int>;

// The vectors of client.md 1.10.
TEST(AllocationTest, Averagely_AgreesWithJava) {
  constexpr auto kAvg = AllocationStrategy::kAveragely;
  EXPECT_EQ(Ids(kAvg, 8, 3, 0), (Ints{0, 1, 2}));
  EXPECT_EQ(Ids(kAvg, 8, 3, 1), (Ints{3, 4, 5}));
  EXPECT_EQ(Ids(kAvg, 8, 3, 2), (Ints{6, 7}));
  EXPECT_EQ(Ids(kAvg, 10, 4, 0), (Ints{0, 1, 2}));
  EXPECT_EQ(Ids(kAvg, 10, 4, 1), (Ints{3, 4, 5}));
  EXPECT_EQ(Ids(kAvg, 10, 4, 2), (Ints{6, 7}));
  EXPECT_EQ(Ids(kAvg, 10, 4, 3), (Ints{8, 9}));
  EXPECT_EQ(Ids(kAvg, 3, 5, 2), (Ints{2}));
  EXPECT_EQ(Ids(kAvg, 3, 5, 3), (Ints{}));
  EXPECT_EQ(Ids(kAvg, 3, 5, 4), (Ints{}));
  EXPECT_EQ(Ids(kAvg, 4, 4, 3), (Ints{3}));
}

TEST(AllocationTest, ByCircle_AgreesWithJava) {
  constexpr auto kCircle = AllocationStrategy::kAveragelyByCircle;
  EXPECT_EQ(Ids(kCircle, 8, 3, 0), (Ints{0, 3, 6}));
  EXPECT_EQ(Ids(kCircle, 8, 3, 1), (Ints{1, 4, 7}));
  EXPECT_EQ(Ids(kCircle, 8, 3, 2), (Ints{2, 5}));
}

TEST(AllocationTest, ConsistentHash_AgreesWithJava) {
  std::vector<MessageQueue> queues;
  for (const char* broker : {"broker-a", "broker-b"}) {
    for (int id = 0; id < 4; ++id) queues.push_back({"TopicTest", broker, id});
  }
  const std::vector<std::string> clients = {"192.168.0.1@DEFAULT", "192.168.0.2@DEFAULT",
                                            "192.168.0.3@DEFAULT"};
  const auto of = [&](int i) {
    return Allocate(AllocationStrategy::kConsistentHash, queues, clients, clients[static_cast<size_t>(i)]);
  };
  using List = std::vector<MessageQueue>;
  EXPECT_EQ(of(0), (List{{"TopicTest", "broker-b", 1}, {"TopicTest", "broker-b", 3}}));
  EXPECT_EQ(of(1),
            (List{{"TopicTest", "broker-a", 0}, {"TopicTest", "broker-a", 3}, {"TopicTest", "broker-b", 2}}));
  EXPECT_EQ(of(2),
            (List{{"TopicTest", "broker-a", 1}, {"TopicTest", "broker-a", 2}, {"TopicTest", "broker-b", 0}}));
}

TEST(AllocationTest, Md5_OfKnownTexts) {
  const auto front = [](std::string_view text) {
    const auto digest = Md5(text);
    return uint32_t{digest[0]} << 24 | uint32_t{digest[1]} << 16 | uint32_t{digest[2]} << 8 | digest[3];
  };
  EXPECT_EQ(front("192.168.0.1@DEFAULT-0"), 493948402u);
  EXPECT_EQ(front("MessageQueue [topic=TopicTest, brokerName=broker-a, queueId=0]"), 1987926524u);
  EXPECT_EQ(front(""), 0xd41d8cd9u);
  EXPECT_EQ(front(std::string(55, 'a')), 0xef1772b6u);
  EXPECT_EQ(front(std::string(56, 'a')), 0x3b0c8ac7u);
  EXPECT_EQ(front(std::string(64, 'a')), 0x014842d4u);
}

TEST(AllocationTest, Allocate_UnsortedLists_SortsThemFirst) {
  auto queues = Queues(5);
  std::reverse(queues.begin(), queues.end());
  const auto mine = Allocate(AllocationStrategy::kAveragely, queues, {"c1", "c0"}, "c0");
  EXPECT_EQ(mine,
            (std::vector<MessageQueue>{{"TopicTest", "b", 0}, {"TopicTest", "b", 1}, {"TopicTest", "b", 2}}));
}

TEST(AllocationTest, Allocate_UnknownMemberOrNothing_IsEmpty) {
  EXPECT_TRUE(Allocate(AllocationStrategy::kAveragely, Queues(4), Clients(2), "stranger").empty());
  EXPECT_TRUE(Allocate(AllocationStrategy::kAveragely, Queues(4), {}, "c0").empty());
  EXPECT_TRUE(Allocate(AllocationStrategy::kAveragely, {}, Clients(2), "c0").empty());
}

TEST(AllocationTest, Allocate_AnyNumbers_EveryQueueHasOneOwner) {
  for (const auto strategy : {AllocationStrategy::kAveragely, AllocationStrategy::kAveragelyByCircle,
                              AllocationStrategy::kConsistentHash}) {
    for (int queues = 1; queues <= 17; ++queues) {
      for (int clients = 1; clients <= 9; ++clients) {
        std::multiset<int> owned;
        for (int me = 0; me < clients; ++me) {
          for (const int id : Ids(strategy, queues, clients, me)) owned.insert(id);
        }
        EXPECT_EQ(owned.size(), static_cast<size_t>(queues)) << AllocationName(strategy) << queues << clients;
        EXPECT_EQ(std::set<int>(owned.begin(), owned.end()).size(), static_cast<size_t>(queues));
      }
    }
  }
}

}  // namespace
}  // namespace orbitmq::client

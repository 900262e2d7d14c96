// SPDX-License-Identifier: Apache-2.0
// Routes, broker health and the choice of a queue: everything that decides where a message goes.
#include <gtest/gtest.h>

#include "client/broker_health.h"
#include "client/queue_selector.h"
#include "client/route_cache.h"
#include "common/limits.h"

namespace orbitmq::client {
namespace {

using std::chrono::milliseconds;

proto::TopicRouteData Route(const std::vector<std::pair<std::string, int32_t>>& brokers, int32_t perm = 6) {
  proto::TopicRouteData data;
  uint16_t port = 10911;
  for (const auto& [name, queues] : brokers) {
    proto::BrokerData broker;
    broker.broker_name = name;
    broker.broker_addrs[0] = "10.0.0.1:" + std::to_string(port++);
    data.broker_datas.push_back(broker);
    proto::QueueData queue;
    queue.broker_name = name;
    queue.perm = perm;
    queue.read_queue_nums = queues;
    queue.write_queue_nums = queues;
    data.queue_datas.push_back(queue);
  }
  return data;
}

TEST(RouteTest, Build_TwoBrokers_SortsQueues) {
  const auto route = BuildTopicRoute("T", Route({{"b", 1}, {"a", 2}}));
  ASSERT_TRUE(route.ok());
  EXPECT_EQ(route->publish_queues, (std::vector<MessageQueue>{{"T", "a", 0}, {"T", "a", 1}, {"T", "b", 0}}));
  EXPECT_EQ(route->subscribe_queues, route->publish_queues);
}

TEST(RouteTest, Build_Permissions_DecideWhatIsListed) {
  EXPECT_TRUE(BuildTopicRoute("T", Route({{"a", 2}}, 4))->publish_queues.empty());
  EXPECT_FALSE(BuildTopicRoute("T", Route({{"a", 2}}, 4))->masterless);
  EXPECT_EQ(BuildTopicRoute("T", Route({{"a", 2}}, 4))->subscribe_queues.size(), 2u);
  EXPECT_TRUE(BuildTopicRoute("T", Route({{"a", 2}}, 2))->subscribe_queues.empty());
}

TEST(RouteTest, Build_NoMaster_ReadsOnly) {
  auto data = Route({{"a", 2}});
  data.broker_datas[0].broker_addrs = {{1, "10.0.0.2:10911"}};
  const auto route = BuildTopicRoute("T", data);
  EXPECT_TRUE(route->publish_queues.empty());
  EXPECT_EQ(route->subscribe_queues.size(), 2u);
  EXPECT_TRUE(route->masterless);
}

TEST(RouteTest, Build_OrderConf_AloneDecides) {
  auto data = Route({{"a", 4}, {"b", 4}});
  data.order_topic_conf = "b:2;broken;a:x;";
  const auto route = BuildTopicRoute("T", data);
  EXPECT_EQ(route->publish_queues, (std::vector<MessageQueue>{{"T", "b", 0}, {"T", "b", 1}}));
}

TEST(RouteTest, Build_HostileNumbers_AreRefused) {
  EXPECT_EQ(BuildTopicRoute("T", Route({{"a", INT32_MAX}})).status().code(), StatusCode::kCorrupt);
  EXPECT_TRUE(BuildTopicRoute("T", Route({{"a", -5}}))->publish_queues.empty());
  auto data = Route({{"a", 1}});
  data.order_topic_conf = "a:2000000000";
  EXPECT_EQ(BuildTopicRoute("T", data).status().code(), StatusCode::kCorrupt);
}

TEST(RouteTest, Build_BadAddress_IsLeftOut) {
  auto data = Route({{"a", 1}});
  data.broker_datas[0].broker_addrs[0] = "no address";
  EXPECT_TRUE(BuildTopicRoute("T", data)->publish_queues.empty());
}

TEST(RouteTest, Template_ClampsAndIsNotReadFrom) {
  const auto route = BuildTemplateRoute("New", Route({{"a", 8}}), 3);
  EXPECT_EQ(route->publish_queues.size(), 3u);
  EXPECT_EQ(route->publish_queues[0].topic, "New");
  EXPECT_TRUE(route->subscribe_queues.empty());
  EXPECT_EQ(route->source, RouteSource::kTemplate);
}

TEST(RouteCacheTest, Put_TellsChangesAndForgetsBrokers) {
  RouteCache cache;
  EXPECT_TRUE(cache.Put(*BuildTopicRoute("T", Route({{"a", 1}}))));
  EXPECT_FALSE(cache.Put(*BuildTopicRoute("T", Route({{"a", 1}}))));
  EXPECT_TRUE(cache.Master("a").has_value());
  EXPECT_TRUE(cache.Put(*BuildTopicRoute("T", Route({{"b", 1}}))));
  EXPECT_FALSE(cache.Master("a").has_value());
  cache.Remove("T");
  EXPECT_EQ(cache.Find("T"), nullptr);
  EXPECT_TRUE(cache.brokers().empty());
}

TEST(RouteCacheTest, Put_MasterIsGone_OneTopicsNewRouteCountsForAll) {
  auto both = Route({{"a", 1}});
  both.broker_datas[0].broker_addrs = {{0, "m:1"}, {1, "s:2"}};
  RouteCache cache;
  cache.Put(*BuildTopicRoute("T", both));
  cache.Put(*BuildTopicRoute("U", both));
  auto slave_only = both;
  slave_only.broker_datas[0].broker_addrs = {{1, "s:2"}};
  EXPECT_TRUE(cache.Put(*BuildTopicRoute("T", slave_only)));
  EXPECT_EQ(cache.Nearest("a", 0)->id, 1);
  // The other topic's route names the master again, and nothing else changed.
  EXPECT_TRUE(cache.Put(*BuildTopicRoute("U", both)));
  EXPECT_EQ(cache.Nearest("a", 0)->id, 0);
}

TEST(RouteCacheTest, Nearest_FallsBackToNextIdThenAny) {
  auto data = Route({{"a", 1}});
  data.broker_datas[0].broker_addrs = {{0, "m:1"}, {2, "s:2"}};
  RouteCache cache;
  cache.Put(*BuildTopicRoute("T", data));
  EXPECT_EQ(cache.Nearest("a", 2)->id, 2);
  EXPECT_EQ(cache.Nearest("a", 1)->id, 2);
  EXPECT_EQ(cache.Nearest("a", 7)->id, 0);
  EXPECT_FALSE(cache.Nearest("x", 0).has_value());
}

TEST(BrokerHealthTest, Quarantine_FollowsJavasTables) {
  const std::pair<int, int> table[] = {
      {0, 0},       {49, 0},      {99, 0},       {549, 0},       {550, 2000},    {1799, 2000},  {1800, 5000},
      {3000, 6000}, {4999, 6000}, {5000, 10000}, {10000, 10000}, {15000, 30000}, {99999, 30000}};
  for (const auto& [latency, quarantine] : table) {
    EXPECT_EQ(QuarantineFor(milliseconds(latency)), milliseconds(quarantine)) << latency;
  }
  EXPECT_EQ(QuarantineFor(kFailedSendLatency), milliseconds(10000));
}

TEST(BrokerHealthTest, Record_EndOnlyMovesForward) {
  BrokerHealth health;
  const MonoTime start{};
  health.Record("a", milliseconds(15000), start);
  health.Record("a", milliseconds(600), start);
  health.Record("a", milliseconds(1), start);
  EXPECT_FALSE(health.Available("a", start + milliseconds(29999)));
  EXPECT_TRUE(health.Available("a", start + milliseconds(30000)));
  EXPECT_TRUE(health.Available("b", start));
}

std::vector<MessageQueue> FourQueues() {
  return {{"T", "a", 0}, {"T", "a", 1}, {"T", "b", 0}, {"T", "b", 1}};
}

TEST(QueueRotationTest, Next_AvoidsTheLastBrokerUnlessItIsTheOnlyOne) {
  Random random(1);
  QueueRotation rotation(random);
  const auto queues = FourQueues();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(queues[*rotation.Next(queues, {"a", nullptr, {}})].broker_name, "b");
  }
  const std::vector<MessageQueue> only_a = {{"T", "a", 0}, {"T", "a", 1}};
  EXPECT_LT(*rotation.Next(only_a, {"a", nullptr, {}}), 2u);
}

TEST(QueueRotationTest, Next_SickBrokers_AreAvoidedWhileThereIsAnother) {
  Random random(1);
  QueueRotation rotation(random);
  BrokerHealth health;
  health.Record("a", kFailedSendLatency, {});
  const auto queues = FourQueues();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(queues[*rotation.Next(queues, {"", &health, {}})].broker_name, "b");
  health.Record("b", kFailedSendLatency, {});
  EXPECT_EQ(queues[*rotation.Next(queues, {"b", &health, {}})].broker_name, "a");
}

TEST(QueueRotationTest, Next_BrokersWithoutAMaster_ArePassedOver) {
  Random random(1);
  QueueRotation rotation(random);
  RouteCache routes;
  const auto put = [&routes](BrokerId a, BrokerId b) {
    auto data = Route({{"a", 2}, {"b", 2}});
    data.broker_datas[0].broker_addrs = {{a, "h:1"}};
    data.broker_datas[1].broker_addrs = {{b, "h:2"}};
    routes.Put(*BuildTopicRoute("T", data));
  };
  BrokerHealth health;
  health.Record("b", kFailedSendLatency, {});
  const auto queues = FourQueues();
  put(1, 0);
  // Neither what failed last nor what is sick is worse than no master.
  std::map<int32_t, int> used;
  for (int i = 0; i < 10; ++i) {
    const auto next = rotation.Next(queues, {"b", &health, {}, &routes});
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(queues[*next].broker_name, "b");
    ++used[queues[*next].queue_id];
  }
  EXPECT_EQ(used, (std::map<int32_t, int>{{0, 5}, {1, 5}}));
  put(1, 1);
  EXPECT_EQ(rotation.Next(queues, {"", &health, {}, &routes}), std::nullopt);
}

TEST(QueueIndexTest, OfKey_AgreesWithJava) {
  EXPECT_EQ(QueueIndexOfKey("TagA", 8), 2598919u % 8);
  EXPECT_EQ(QueueIndexOfKey("order-created", 8), 7u);  // -392709271 % 8 = -7.
  EXPECT_EQ(QueueIndexOfKey("消息", 10), 7u);
  EXPECT_EQ(QueueIndexOfKey("", 4), 0u);
}

}  // namespace
}  // namespace orbitmq::client

// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/advertised_address.h"

namespace orbitmq::broker {
namespace {

BrokerOptions Registering(const char* told, const char* nameservers) {
  BrokerOptions options;
  options.broker_ip1 = told;
  options.namesrv_addr = nameservers;
  return options;
}

std::optional<std::string> Warning(const BrokerOptions& options, std::vector<std::string> bridge_ips = {}) {
  return AdvertisedAddressWarning(
      options, {.host_name = "here", .ip = "10.1.2.3", .pid = 1, .bridge_ips = std::move(bridge_ips)});
}

TEST(AdvertisedHost, AddressesAndNames_AreTaken) {
  for (const char* host : {"10.0.0.1", "::1", "fe80::1", "a-b.mq.example.com", "localhost", "b1", "1a"}) {
    EXPECT_TRUE(CheckAdvertisedHost(host).ok()) << host;
  }
}

TEST(AdvertisedHost, WhatIsNeither_IsRefused) {
  for (const std::string& host : {std::string(), std::string("10.0.0"), std::string("10.0.0.256"),
                                  std::string("a b"), std::string("a:1"), std::string("-a"),
                                  std::string(".a"), std::string("a_b"), std::string(254, 'a')}) {
    const Status checked = CheckAdvertisedHost(host);
    EXPECT_EQ(checked.code(), StatusCode::kInvalidArgument) << host;
  }
}

TEST(StoreHost, Name_GivesWayToTheMachinesAddress) {
  const ProcessIdentity identity{.host_name = "here", .ip = "10.1.2.3", .pid = 1};
  EXPECT_EQ(StoreHostOf(Registering("10.0.0.9", ""), identity, 7).ToString(), "10.0.0.9:7");
  EXPECT_EQ(StoreHostOf(Registering("mq.example.com", ""), identity, 7).ToString(), "10.1.2.3:7");
}

TEST(AdvertisedAddressWarning, LoopbackToldElsewhere_IsWarnedOf) {
  const auto warning = Warning(Registering("127.0.0.1", "localhost:1;10.0.0.5:9876"));
  ASSERT_TRUE(warning.has_value());
  for (const char* part : {"10.0.0.5:9876", "127.0.0.1", "brokerIP1"}) {
    EXPECT_NE(warning->find(part), std::string::npos) << *warning;
  }
  EXPECT_TRUE(Warning(Registering("localhost", "mq.example.com:9876")).has_value());
}

TEST(AdvertisedAddressWarning, DockersBridgeToldElsewhere_IsWarnedOf) {
  const auto warning = Warning(Registering("172.17.0.2", "10.0.0.5:9876"));
  ASSERT_TRUE(warning.has_value());
  EXPECT_NE(warning->find("Docker"), std::string::npos) << *warning;
}

TEST(AdvertisedAddressWarning, AnyBridgeOfDockers_IsWarnedOf) {
  const std::vector<std::string> bridges = {"172.17.0.1", "172.18.0.1"};
  const auto warning = Warning(Registering("172.18.0.1", "10.0.0.5:9876"), bridges);
  ASSERT_TRUE(warning.has_value());
  EXPECT_NE(warning->find("Docker"), std::string::npos) << *warning;
  EXPECT_TRUE(Warning(Registering("172.18.0.1", "mq.example.com:1"), bridges).has_value());
  // Whoever is in the bridge reaches it, and another machine's network may have the same numbers.
  for (const auto& [told, nameserver] : {std::pair("172.18.0.1", "172.18.0.3:1"),
                                         {"172.18.0.1", "127.0.0.1:1"},
                                         {"172.18.0.2", "10.0.0.5:1"},
                                         {"10.1.2.3", "10.0.0.5:1"}}) {
    EXPECT_FALSE(Warning(Registering(told, nameserver), bridges).has_value()) << told << nameserver;
  }
}

TEST(AdvertisedAddressWarning, ReachableAddress_IsNotWarnedOf) {
  for (const auto& [told, nameservers] : {std::pair("127.0.0.1", "127.0.0.1:9876;[::1]:9876"),
                                          {"127.0.0.1", ""},
                                          {"10.0.0.1", "10.0.0.5:9876"},
                                          {"172.17.0.2", "172.17.0.3:9876"},
                                          {"172.18.0.2", "10.0.0.5:1"},
                                          {"mq.example.com", "10.0.0.5:1"}}) {
    EXPECT_FALSE(Warning(Registering(told, nameservers)).has_value()) << told;
  }
}

}  // namespace
}  // namespace orbitmq::broker

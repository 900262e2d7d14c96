// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/strings.h"
#include "remoting/protocol/offset_bodies.h"
#include "remoting/protocol/route.h"
#include "test/broker/broker_fixture.h"
#include "test/broker/namesrv_process.h"

namespace orbitmq::broker {

using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr char kNamesrvIp[] = "10.0.1.1";
inline constexpr char kSlaveIp[] = "10.0.0.3";
inline const Endpoint kMaster{kBrokerIp, kBrokerPort};
inline const Endpoint kSlave{kSlaveIp, kBrokerPort};

// A master, its slave and a NameServer on simulated machines.
class StandbyTest : public BrokerFixture {
 protected:
  StandbyTest() : namesrv_(scheduler_, network_, log_, kNamesrvIp) {}
  ~StandbyTest() override {
    caller_.reset();
    Stop();
    StopSlave();
  }

  static BrokerOptions Master() {
    BrokerOptions options = Options();
    options.namesrv_addr = StrCat(kNamesrvIp, ":9876");
    return options;
  }
  static BrokerOptions Slave() {
    BrokerOptions options = Master();
    options.broker_ip1 = kSlaveIp;
    options.broker_id = 1;
    options.broker_role = BrokerRole::kSlave;
    return options;
  }
  void StartSlave(const BrokerOptions& options = Slave()) {
    slave_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, slave_host_, log_);
    auto started = Broker::Start(*slave_env_, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    slave_ = *std::move(started);
  }
  void StopSlave() {
    if (slave_ == nullptr) return;
    bool stopped = false;
    slave_->Shutdown(seconds(10), [&](Result<Done>) { stopped = true; });
    EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(20), [&] { return stopped; }));
    slave_.reset();
    slave_env_.reset();
  }
  proto::Command AtSlave(proto::Command request) { return caller_->CallAt(kSlave, std::move(request)); }
  template <class H>
  proto::Command AtSlave(int32_t code, const H& header) {
    return AtSlave(proto::MakeRequest(code, header));
  }
  proto::Command BareAtSlave(int32_t code) {
    proto::Command request;
    request.code = code;
    return AtSlave(std::move(request));
  }
  // Ten messages of T at the master, group G at 3 of them, and a slave that knows it.
  void StartBothWithOffset3Of10() {
    Start(Master());
    ASSERT_EQ(CreateTopic("T").code, ResponseCode::kSuccess);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(Send().code, ResponseCode::kSuccess);
    PullAll("T");
    ASSERT_EQ(CommitOffset("T", 3).code, ResponseCode::kSuccess);
    StartSlave();
    ASSERT_TRUE(Eventually([&] { return OffsetAtSlave() == 3; }));
  }
  static proto::Command CommitRequest(int64_t offset, const std::string& topic = "T") {
    proto::UpdateConsumerOffsetRequestHeader header;
    header.consumer_group = "G";
    header.topic = topic;
    header.queue_id = 0;
    header.commit_offset = offset;
    return proto::MakeRequest(RequestCode::kUpdateConsumerOffset, header);
  }
  std::optional<int64_t> OffsetAtSlave(const std::string& topic = "T") {
    const auto all = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(
        BareAtSlave(RequestCode::kGetAllConsumerOffset).JoinedBody().view());
    if (!all.ok() || !all->offset_table.contains(topic + "@G")) return std::nullopt;
    return all->offset_table.at(topic + "@G").at(0);
  }
  proto::Command DeleteTopicAt(const Endpoint& at, const std::string& topic) {
    proto::DeleteTopicRequestHeader header;
    header.topic = topic;
    return caller_->CallAt(at, proto::MakeRequest(RequestCode::kDeleteTopicInBroker, header));
  }
  // Where a queue ends; -1 when the broker does not say.
  int64_t EndAt(const Endpoint& at, int32_t queue_id, const std::string& topic = "T") {
    proto::GetMaxOffsetRequestHeader header;
    header.topic = topic;
    header.queue_id = queue_id;
    const auto reply = caller_->CallAt(at, proto::MakeRequest(RequestCode::kGetMaxOffset, header));
    const auto decoded = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(reply);
    return reply.code == ResponseCode::kSuccess && decoded.ok() ? decoded->offset : -1;
  }
  void SendTo(int32_t queue_id, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(Send({.queue_id = queue_id}).code, ResponseCode::kSuccess);
    }
  }
  // Until `done` holds, at most a minute of virtual time.
  template <class Fn>
  bool Eventually(Fn done) {
    const MonoTime end = scheduler_.now() + seconds(60);
    while (!done()) {
      if (scheduler_.now() >= end) return false;
      Run(milliseconds(100));
    }
    return true;
  }
  std::map<BrokerId, std::string> RouteOf(const std::string& topic) {
    proto::GetRouteInfoRequestHeader header;
    header.topic = topic;
    const proto::Command reply =
        caller_->CallAt({kNamesrvIp, 9876}, proto::MakeRequest(RequestCode::kGetRouteinfoByTopic, header));
    const auto route = proto::DecodeBody<proto::TopicRouteData>(reply.JoinedBody().view());
    if (!route.ok() || route->broker_datas.empty()) return {};
    return route->broker_datas[0].broker_addrs;
  }

  NamesrvProcess namesrv_;
  sim::SimHost slave_host_{"b0-slave", kSlaveIp, 4, {}};
  std::unique_ptr<sim::SimEnv> slave_env_;
  std::unique_ptr<Broker> slave_;
};

}  // namespace orbitmq::broker

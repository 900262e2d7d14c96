// SPDX-License-Identifier: Apache-2.0
// The NameServer as its peers see it: real requests over the simulated network.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/crc32.h"
#include "namesrv/namesrv.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/register_broker.h"
#include "remoting/protocol/route.h"
#include "remoting/rpc_client.h"
#include "test/sim/sim_env.h"

namespace orbitmq::namesrv {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::seconds;

constexpr char kServerIp[] = "10.0.0.1";

// A peer (broker, client or tool) on a host of its own.
class SimPeer final {
 public:
  SimPeer(sim::Scheduler& scheduler, sim::SimNetwork& network, sim::SimHost& host, sim::SimLog& log)
      : scheduler_(scheduler), env_(scheduler, network, host, log) {
    loop_ = env_.NewExecutor({"io", ExecutorKind::kIo});
    client_ = net::RpcClient::New(env_, {}, *loop_);
  }
  ~SimPeer() { Disconnect(); }

  Command Call(Command request) {
    std::optional<Result<Command>> result;
    client_->Call({kServerIp, 9876}, std::move(request), seconds(3),
                  [&](Result<Command> r) { result = std::move(r); });
    scheduler_.RunUntil(scheduler_.now() + seconds(5), [&] { return result.has_value(); });
    EXPECT_TRUE(result && result->ok()) << (result ? result->status().ToString() : "no answer");
    if (result && result->ok()) return **std::move(result);
    Command none;
    none.code = -1;
    return none;
  }
  template <class H>
  Command Call(int32_t code, const H& header, std::string body = {}) {
    Command request = proto::MakeRequest(code, header);
    if (!body.empty()) request.body.emplace_back(std::move(body));
    return Call(std::move(request));
  }
  void Disconnect() {
    if (client_ == nullptr) return;
    loop_->Post([this] { client_->Shutdown(); });
    scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(100));
    client_.reset();
  }
  net::RpcClient& client() { return *client_; }

 private:
  sim::Scheduler& scheduler_;
  sim::SimEnv env_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> client_;
};

struct NoHeader {
  static constexpr auto Fields() { return proto::MakeFields(); }
};

class NamesrvTest : public testing::Test {
 protected:
  NamesrvTest() : scheduler_(11), network_(scheduler_, {}) {}
  ~NamesrvTest() override {
    tool_.reset();
    broker_.reset();
    StopServer();
  }
  void StartServer(NamesrvOptions options = {}) {
    options.kv_config_path = "/ns/kvConfig.json";
    server_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, server_host_, log_);
    auto server = Namesrv::Start(*server_env_, std::move(options));
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    if (tool_ == nullptr) tool_ = std::make_unique<SimPeer>(scheduler_, network_, tool_host_, log_);
    if (broker_ == nullptr) broker_ = std::make_unique<SimPeer>(scheduler_, network_, broker_host_, log_);
  }
  void StopServer() {
    if (server_ == nullptr) return;
    bool stopped = false;
    server_->Shutdown([&](Result<Done>) { stopped = true; });
    EXPECT_TRUE(scheduler_.RunUntil(scheduler_.now() + seconds(10), [&] { return stopped; }));
    server_.reset();
    server_env_.reset();
  }
  static proto::RegisterBrokerRequestHeader Header(const std::string& body, bool compressed = false) {
    proto::RegisterBrokerRequestHeader header;
    header.broker_name = "b0";
    header.broker_addr = "10.0.0.3:10911";
    header.cluster_name = "c";
    header.ha_server_addr = "10.0.0.3:10912";
    header.compressed = compressed;
    header.body_crc32 = static_cast<int32_t>(Crc32(body) & 0x7FFFFFFF);
    return header;
  }
  static proto::RegisterBrokerBody Body() {
    proto::RegisterBrokerBody body;
    for (const char* name : {"T1", "T2"}) {
      proto::TopicConfig topic;
      topic.topic_name = name;
      body.topic_config_serialize_wrapper.topic_config_table[name] = topic;
    }
    body.topic_config_serialize_wrapper.data_version.counter = 3;
    return body;
  }
  Command Register() {
    const std::string body = proto::EncodeBody(Body());
    return broker_->Call(RequestCode::kRegisterBroker, Header(body), body);
  }
  Command Route(const std::string& topic, int32_t version = proto::kProtocolVersion) {
    proto::GetRouteInfoRequestHeader header;
    header.topic = topic;
    Command request = proto::MakeRequest(RequestCode::kGetRouteinfoByTopic, header);
    request.version = version;
    return tool_->Call(std::move(request));
  }
  Command Plain(int32_t code, std::string body = {}) {
    return tool_->Call(code, NoHeader{}, std::move(body));
  }

  sim::Scheduler scheduler_;
  sim::SimNetwork network_;
  sim::SimLog log_;
  sim::SimHost server_host_{"ns", kServerIp, 1, {}};
  sim::SimHost tool_host_{"tool", "10.0.0.2", 2, {}};
  sim::SimHost broker_host_{"b0", "10.0.0.3", 3, {}};
  std::unique_ptr<sim::SimEnv> server_env_;
  std::unique_ptr<Namesrv> server_;
  std::unique_ptr<SimPeer> tool_;
  std::unique_ptr<SimPeer> broker_;
  std::string told_;  // A member: the handler that sets it runs until the peers are gone.
};

TEST_F(NamesrvTest, Register_PlainAndCompressed_AreRouted) {
  StartServer();
  EXPECT_EQ(Register().code, ResponseCode::kSuccess);
  EXPECT_EQ(Route("T1").code, ResponseCode::kSuccess);
  auto packed = proto::EncodeCompressedRegistration(Body(), proto::kProtocolVersion);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(broker_->Call(RequestCode::kRegisterBroker, Header(*packed, true), *packed).code,
            ResponseCode::kSuccess);
}

TEST_F(NamesrvTest, Register_WrongCrc_IsRefused) {
  StartServer();
  const std::string body = proto::EncodeBody(Body());
  proto::RegisterBrokerRequestHeader header = Header(body);
  header.body_crc32 += 1;
  const Command reply = broker_->Call(RequestCode::kRegisterBroker, header, body);
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_NE(reply.remark.find("crc32 not match"), std::string::npos);
  EXPECT_EQ(Route("T1").code, ResponseCode::kTopicNotExist);
}

TEST_F(NamesrvTest, Register_MissingFieldOrBrokenBody_NamesIt) {
  StartServer();
  Command reply = broker_->Call(RequestCode::kRegisterBroker, NoHeader{});
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_NE(reply.remark.find("brokerName"), std::string::npos);
  const std::string broken = "{\"topicConfigSerializeWrapper\":";
  reply = broker_->Call(RequestCode::kRegisterBroker, Header(broken), broken);
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_FALSE(reply.remark.empty());
}

TEST_F(NamesrvTest, Route_DialectFollowsTheVersionOfTheAsker) {
  StartServer();
  Register();
  EXPECT_NE(Route("T1").JoinedBody().view().find("{\"0\":\"10.0.0.3:10911\"}"), std::string_view::npos);
  EXPECT_NE(Route("T1", 317).JoinedBody().view().find("{0:\"10.0.0.3:10911\"}"), std::string_view::npos);
  const proto::Command unknown = Route("Unknown");
  EXPECT_EQ(unknown.code, ResponseCode::kTopicNotExist);
  EXPECT_EQ(unknown.remark.find("http"), std::string::npos) << unknown.remark;
  EXPECT_NE(unknown.remark.find("No topic route info in name server for the topic: Unknown"),
            std::string::npos);
}

TEST_F(NamesrvTest, BrokerConnectionCloses_RouteIsGoneAtOnce) {
  StartServer();
  Register();
  ASSERT_EQ(Route("T1").code, ResponseCode::kSuccess);
  broker_->Disconnect();
  EXPECT_EQ(Route("T1").code, ResponseCode::kTopicNotExist);
}

TEST_F(NamesrvTest, SilentBroker_IsRemovedByTheScan) {
  StartServer();
  const std::string body = proto::EncodeBody(Body());
  proto::RegisterBrokerRequestHeader header = Header(body);
  header.heartbeat_timeout_millis = 4000;
  broker_->Call(RequestCode::kRegisterBroker, header, body);
  network_.Block("10.0.0.3", kServerIp);
  scheduler_.RunUntil(scheduler_.now() + seconds(11));
  EXPECT_EQ(Route("T1").code, ResponseCode::kTopicNotExist);
}

TEST_F(NamesrvTest, Restart_ForgetsRoutesKeepsKvConfig) {
  StartServer();
  Register();
  tool_->Call(RequestCode::kPutKvConfig, proto::PutKVConfigRequestHeader{"ORDER_TOPIC_CONFIG", "T1", "b0:4"});
  StopServer();
  StartServer();
  scheduler_.RunUntil(scheduler_.now() + seconds(6));  // The callers' back-off passes.
  EXPECT_EQ(Route("T1").code, ResponseCode::kTopicNotExist);
  const Command order = Register();
  EXPECT_EQ(order.JoinedBody().view(), "{\"table\":{\"T1\":\"b0:4\"}}");
  EXPECT_EQ(Route("T1").code, ResponseCode::kSuccess);
}

TEST_F(NamesrvTest, KvConfig_PutGetListDelete) {
  StartServer();
  EXPECT_EQ(tool_->Call(RequestCode::kGetKvConfig, proto::GetKVConfigRequestHeader{"ns", "k"}).code,
            ResponseCode::kQueryNotFound);
  tool_->Call(RequestCode::kPutKvConfig, proto::PutKVConfigRequestHeader{"ns", "k", "v"});
  const Command got = tool_->Call(RequestCode::kGetKvConfig, proto::GetKVConfigRequestHeader{"ns", "k"});
  ASSERT_NE(got.ext.Find("value"), nullptr);
  EXPECT_EQ(*got.ext.Find("value"), "v");
  EXPECT_EQ(tool_->Call(RequestCode::kGetKvlistByNamespace, proto::GetKVListByNamespaceRequestHeader{"ns"})
                .JoinedBody()
                .view(),
            "{\"table\":{\"k\":\"v\"}}");
  tool_->Call(RequestCode::kDeleteKvConfig, proto::DeleteKVConfigRequestHeader{"ns", "k"});
  EXPECT_EQ(tool_->Call(RequestCode::kGetKvConfig, proto::GetKVConfigRequestHeader{"ns", "k"}).code,
            ResponseCode::kQueryNotFound);
}

TEST_F(NamesrvTest, ClusterInfoMemberGroupAndTopicLists_ShowTheBroker) {
  StartServer();
  Register();
  const auto clusters =
      proto::DecodeBody<proto::ClusterInfo>(Plain(RequestCode::kGetBrokerClusterInfo).JoinedBody().view());
  ASSERT_TRUE(clusters.ok());
  EXPECT_EQ(clusters->broker_addr_table.at("b0").broker_addrs.at(0), "10.0.0.3:10911");
  const Command members =
      tool_->Call(RequestCode::kGetBrokerMemberGroup, proto::GetBrokerMemberGroupRequestHeader{"c", "b0"});
  EXPECT_NE(members.JoinedBody().view().find("10.0.0.3:10911"), std::string_view::npos);
  for (const int32_t code : {static_cast<int32_t>(RequestCode::kGetAllTopicListFromNameserver)}) {
    const auto list = proto::DecodeBody<proto::TopicList>(Plain(code).JoinedBody().view());
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->topic_list, (std::vector<std::string>{"T1", "T2"}));
  }
  const Command by_cluster =
      tool_->Call(RequestCode::kGetTopicsByCluster, proto::GetTopicsByClusterRequestHeader{"c"});
  EXPECT_NE(by_cluster.JoinedBody().view().find("T2"), std::string_view::npos);
  const Command system = Plain(RequestCode::kGetSystemTopicListFromNs);
  EXPECT_NE(system.JoinedBody().view().find("\"b0\""), std::string_view::npos);
  EXPECT_EQ(Plain(RequestCode::kGetUnitTopicList).code, ResponseCode::kSuccess);
}

TEST_F(NamesrvTest, PermissionAndTopicChanges_AreCountedAndRouted) {
  StartServer();
  Register();
  const Command wiped =
      tool_->Call(RequestCode::kWipeWritePermOfBroker, proto::WipeWritePermOfBrokerRequestHeader{"b0"});
  EXPECT_EQ(*wiped.ext.Find("wipeTopicCount"), "2");
  EXPECT_NE(Route("T1").JoinedBody().view().find("\"perm\":4"), std::string_view::npos);
  const Command added =
      tool_->Call(RequestCode::kAddWritePermOfBroker, proto::AddWritePermOfBrokerRequestHeader{"b0"});
  EXPECT_EQ(*added.ext.Find("addTopicCount"), "2");
  proto::TopicRouteData made;
  made.queue_datas.emplace_back().broker_name = "b0";
  EXPECT_EQ(
      tool_->Call(RequestCode::kRegisterTopicInNamesrv, proto::RegisterTopicRequestHeader{.topic = "Made"},
                  proto::EncodeBody(made))
          .code,
      ResponseCode::kSuccess);
  EXPECT_EQ(Route("Made").code, ResponseCode::kSuccess);
  proto::DeleteTopicFromNamesrvRequestHeader remove;
  remove.topic = "T1";
  EXPECT_EQ(tool_->Call(RequestCode::kDeleteTopicInNamesrv, remove).code, ResponseCode::kSuccess);
  EXPECT_EQ(Route("T1").code, ResponseCode::kTopicNotExist);
}

TEST_F(NamesrvTest, DataVersion_TellsWhetherToRegisterAgain) {
  StartServer();
  Register();
  const proto::QueryDataVersionRequestHeader header{"b0", "10.0.0.3:10911", "c", 0};
  proto::DataVersion same;
  same.counter = 3;
  Command reply = broker_->Call(RequestCode::kQueryDataVersion, header, proto::EncodeBody(same));
  EXPECT_EQ(*reply.ext.Find("changed"), "false");
  same.counter = 4;
  reply = broker_->Call(RequestCode::kQueryDataVersion, header, proto::EncodeBody(same));
  EXPECT_EQ(*reply.ext.Find("changed"), "true");
  EXPECT_NE(reply.JoinedBody().view().find("\"counter\":3"), std::string_view::npos);
}

TEST_F(NamesrvTest, Options_OnlyReloadableOnesOfTheAllowList) {
  StartServer();
  EXPECT_EQ(Plain(RequestCode::kUpdateNamesrvConfig, "orderMessageEnable=true\n").code,
            ResponseCode::kSuccess);
  EXPECT_NE(Plain(RequestCode::kGetNamesrvConfig).JoinedBody().view().find("orderMessageEnable=true"),
            std::string_view::npos);
  EXPECT_EQ(Plain(RequestCode::kUpdateNamesrvConfig, "kvConfigPath=/etc/passwd\n").code,
            ResponseCode::kNoPermission);
  Command reply = Plain(RequestCode::kUpdateNamesrvConfig, "listenPort=1\n");
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_NE(reply.remark.find("listenPort"), std::string::npos);
  reply = Plain(RequestCode::kUpdateNamesrvConfig, "waitSecondsForService=never\n");
  EXPECT_EQ(reply.code, ResponseCode::kSystemError);
  EXPECT_NE(reply.remark.find("waitSecondsForService"), std::string::npos);
}

// As the broker does it (decision 0026).
TEST_F(NamesrvTest, Options_FileOfTheStart_IsChangedInItsLinesOnly) {
  NamesrvOptions options;
  options.config_file = "/etc/namesrv.conf";
  const std::string before = "# mine\norderMessageEnable = false\n";
  {
    sim::SimEnv writer(scheduler_, network_, server_host_, log_);
    ASSERT_TRUE(writer.files().CreateDirectories("/etc").ok());
    ASSERT_TRUE(WriteFileAtomically(writer.files(), options.config_file, before).ok());
  }
  StartServer(options);
  const auto text = [&] { return *ReadWholeFile(server_env_->files(), options.config_file, 10000); };
  EXPECT_EQ(Plain(RequestCode::kUpdateNamesrvConfig, "orderMessageEnable=perhaps\n").code,
            ResponseCode::kSystemError);
  EXPECT_EQ(text(), before) << "a refused change leaves the file alone";
  EXPECT_EQ(Plain(RequestCode::kUpdateNamesrvConfig,
      "orderMessageEnable=true\nwaitSecondsForService=9\nno=1\n").code,
            ResponseCode::kSuccess);
  EXPECT_EQ(text(), "# mine\norderMessageEnable=true\nwaitSecondsForService=9\n");
  server_host_.disk.SetQuota(0);
  const Command full = Plain(RequestCode::kUpdateNamesrvConfig, "orderMessageEnable=false\n");
  EXPECT_EQ(full.code, ResponseCode::kSystemError);
  EXPECT_NE(full.remark.find("nothing was changed: /etc/namesrv.conf"), std::string::npos) << full.remark;
  EXPECT_NE(Plain(RequestCode::kGetNamesrvConfig).JoinedBody().view().find("orderMessageEnable=true"),
            std::string_view::npos);
  server_host_.disk.SetQuota(uint64_t{1} << 40);
}

TEST_F(NamesrvTest, Options_WithoutAFile_SaysHowLongTheyCount) {
  StartServer();
  const Command reply = Plain(RequestCode::kUpdateNamesrvConfig, "orderMessageEnable=true\n");
  EXPECT_EQ(reply.code, ResponseCode::kSuccess);
  EXPECT_NE(reply.remark.find("until the restart"), std::string::npos) << reply.remark;
}

TEST_F(NamesrvTest, OrderConf_StandsInTheRouteWhenEnabled) {
  for (const bool enabled : {false, true}) {
    NamesrvOptions options;
    options.order_message_enable = enabled;
    StartServer(options);
    Register();
    tool_->Call(RequestCode::kPutKvConfig,
                proto::PutKVConfigRequestHeader{"ORDER_TOPIC_CONFIG", "T1", "b0:4"});
    const bool there =
        Route("T1").JoinedBody().view().find("\"orderTopicConf\":\"b0:4\"") != std::string_view::npos;
    EXPECT_EQ(there, enabled);
    StopServer();
    scheduler_.RunUntil(scheduler_.now() + seconds(6));  // The callers' back-off passes.
  }
}

TEST_F(NamesrvTest, OrderConfs_AnswerARegistrationUnlessSwitchedOff) {
  for (const bool told : {true, false}) {
    NamesrvOptions options;
    options.return_order_topic_config_to_broker = told;
    StartServer(options);
    for (const char* topic : {"T1", "T2"}) {
      tool_->Call(RequestCode::kPutKvConfig,
                  proto::PutKVConfigRequestHeader{"ORDER_TOPIC_CONFIG", topic, "b0:4;b1:8"});
    }
    const Command registered = Register();
    EXPECT_EQ(registered.code, ResponseCode::kSuccess);
    EXPECT_EQ(registered.JoinedBody().view(),
              told ? "{\"table\":{\"T1\":\"b0:4;b1:8\",\"T2\":\"b0:4;b1:8\"}}" : "");
    StopServer();
    scheduler_.RunUntil(scheduler_.now() + seconds(6));
  }
}

TEST_F(NamesrvTest, NeedWaitForService_RefusesRoutesUntilThen) {
  NamesrvOptions options;
  options.need_wait_for_service = true;
  options.wait_seconds_for_service = 20;
  StartServer(options);
  Register();
  EXPECT_EQ(Route("T1").remark, "name server not ready");
  scheduler_.RunUntil(scheduler_.now() + seconds(21));
  EXPECT_EQ(Route("T1").code, ResponseCode::kSuccess);
}

TEST_F(NamesrvTest, MinBrokerIdChange_IsToldToTheMembers) {
  NamesrvOptions options;
  options.notify_min_broker_id_changed = true;
  StartServer(options);
  broker_->client().HandleIncoming(RequestCode::kNotifyMinBrokerIdChange,
                                   [this](net::RpcClient::Incoming incoming) {
                                     told_ = incoming.command.Ext("minBrokerId").value_or("?");
                                   });
  std::string body = proto::EncodeBody(Body());
  proto::RegisterBrokerRequestHeader slave = Header(body);
  slave.broker_id = 1;
  broker_->Call(RequestCode::kRegisterBroker, slave, body);
  proto::RegisterBrokerRequestHeader master = Header(body);
  master.broker_addr = "10.0.0.2:10911";
  tool_->Call(RequestCode::kRegisterBroker, master, body);
  scheduler_.RunUntil(scheduler_.now() + seconds(1));
  EXPECT_EQ(told_, "0");
}

TEST_F(NamesrvTest, UnknownCode_IsNotSupported) {
  StartServer();
  const Command reply = Plain(4711);
  EXPECT_EQ(reply.code, ResponseCode::kRequestCodeNotSupported);
  EXPECT_NE(reply.remark.find("request type 4711 not supported"), std::string::npos);
}

TEST_F(NamesrvTest, Start_PortInUse_NamesIt) {
  StartServer();
  auto second = Namesrv::Start(*server_env_, [] {
    NamesrvOptions options;
    options.kv_config_path = "/ns2/kvConfig.json";
    return options;
  }());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(std::string(second.status().text()).find("9876"), std::string::npos);
}

}  // namespace
}  // namespace orbitmq::namesrv

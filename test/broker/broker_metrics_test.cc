// SPDX-License-Identifier: Apache-2.0
// The page /metrics: Apache's names where it has them, figures that agree with what was done, nothing while
// it is not asked for.
#include "common/strings.h"
#include "test/broker/broker_fixture.h"
#include "test/sim/raw_visitor.h"

namespace orbitmq::broker {
namespace {

using proto::ResponseCode;
using std::chrono::seconds;

class BrokerMetricsTest : public BrokerFixture {
 protected:
  static BrokerOptions Shown() {
    BrokerOptions options = Options();
    options.metrics.exporter = net::MetricsExporter::kProm;
    return options;
  }
  ~BrokerMetricsTest() override { scraper_io_->Stop(); }
  std::string Get(const std::string& path = "/metrics", uint16_t port = 5557, const char* ip = kBrokerIp) {
    sim::RawVisitor visitor(scheduler_, scraper_, *scraper_io_, {ip, port});
    visitor.Send(StrCat("GET ", path, " HTTP/1.0\r\n\r\n"));
    return visitor.Take();
  }
  // The value of one series, as it is written.
  static std::string Value(const std::string& page, std::string_view series) {
    const std::string line = StrCat("\n", series, " ");
    const size_t at = page.find(line);
    if (at == std::string::npos) return "none";
    const size_t begin = at + line.size();
    return page.substr(begin, page.find('\n', begin) - begin);
  }
  static std::string Of(std::string_view name, std::string_view labels = {}) {
    return StrCat(name, "{cluster=\"DefaultCluster\",node_type=\"broker\",node_id=\"b0\"",
        labels.empty() ? "" : ",",
                  labels, "}");
  }

  sim::SimHost scraper_host_{"scraper", "10.0.0.9", 99, {}};
  sim::SimEnv scraper_{scheduler_, network_, scraper_host_, log_};
  std::unique_ptr<Executor> scraper_io_ = scraper_.NewExecutor({"io", ExecutorKind::kIo});
};

TEST_F(BrokerMetricsTest, Page_AgreesWithWhatWasDone) {
  Start(Shown());
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send({.body = "12345"}).code, ResponseCode::kSuccess);
  ASSERT_EQ(Heartbeat(*caller_, "c1", "G", "T").code, ResponseCode::kSuccess);
  Run(seconds(1));
  ASSERT_EQ(Decode(Pull({.max = 3})).size(), 3u);
  ASSERT_EQ(CommitOffset("T", 2).code, ResponseCode::kSuccess);
  Run(seconds(12));
  const std::string page = Get();
  EXPECT_TRUE(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"))
      << page.substr(0, 200);
  EXPECT_EQ(Value(page, Of("rocketmq_messages_in_total", "topic=\"T\",is_system=\"false\"")), "5");
  const std::string group = "topic=\"T\",consumer_group=\"G\",is_retry=\"false\",is_system=\"false\"";
  EXPECT_EQ(Value(page, Of("rocketmq_messages_out_total", group)), "3");
  EXPECT_EQ(Value(page, Of("rocketmq_consumer_lag_messages", group)), "3");
  EXPECT_NE(Value(page, Of("rocketmq_consumer_lag_latency", group)), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_producer_connections",
                           "language=\"cpp\",version=\"513\",protocol_type=\"remoting\"")),
            "1");
  EXPECT_EQ(Value(page, Of("rocketmq_consumer_connections",
                           "consumer_group=\"G\",language=\"cpp\",version=\"513\",consume_mode=\"push\","
                           "protocol_type=\"remoting\",is_system=\"false\"")),
            "1")
      << page;
  EXPECT_EQ(Value(page, Of("rocketmq_store_writable")), "1");
  EXPECT_EQ(Value(page, Of("rocketmq_store_failed")), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_broker_put_latency_us_count")), "5");
  EXPECT_EQ(Value(page, Of("rocketmq_broker_permission")), "6");
  EXPECT_GT(std::stoi(Value(page, Of("rocketmq_store_stage_us_count", "stage=\"write\""))), 0);
  EXPECT_EQ(Value(page, Of("rocketmq_store_stage_us_count", "stage=\"dispatch\"")), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_storage_dispatch_behind_bytes",
                           "storage_type=\"local\",storage_medium=\"disk\"")),
            "0");
  EXPECT_EQ(Value(page, Of("rocketmq_store_watermark_offset", "watermark=\"appended\"")),
            Value(page, Of("rocketmq_store_watermark_offset", "watermark=\"flushed\"")));
  EXPECT_EQ(Value(page, Of("rocketmq_metrics_series_left_out")), "0");
  // Every line is a comment or a sample.
  const std::string_view body = std::string_view(page).substr(page.find("\r\n\r\n") + 4);
  for (const std::string_view line : Split(body, '\n')) {
    if (line.empty() || line.starts_with("# ")) continue;
    EXPECT_TRUE(line.starts_with("rocketmq_")) << line;
    EXPECT_NE(line.rfind(' '), std::string_view::npos) << line;
  }
  EXPECT_TRUE(Get("/").starts_with("HTTP/1.1 404 "));
}

TEST_F(BrokerMetricsTest, Replication_AMasterShowsEachSlave_ASlaveItself) {
  constexpr char kSlaveIp[] = "10.0.0.2";
  BrokerOptions options = Shown();
  Start(options);
  EXPECT_EQ(Value(Get(), Of("rocketmq_ha_in_sync_brokers")), "1");
  sim::SimHost host("b0-slave", kSlaveIp, 2, {});
  sim::SimEnv env(scheduler_, network_, host, log_);
  options.broker_ip1 = kSlaveIp;
  options.broker_id = 1;
  options.broker_role = BrokerRole::kSlave;
  options.ha_master_address = StrCat(kBrokerIp, ":", kBrokerPort + 1);
  auto slave = Broker::Start(env, options);
  ASSERT_TRUE(slave.ok()) << slave.status().ToString();
  Run(seconds(1));
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  Run(seconds(1));
  const std::string page = Get();
  EXPECT_EQ(Value(page, Of("rocketmq_ha_in_sync_brokers")), "2");
  const std::string end = Value(page, Of("rocketmq_store_watermark_offset", "watermark=\"appended\""));
  EXPECT_EQ(Value(page, Of("rocketmq_ha_replicated_offset")), end);
  const size_t at = page.find("replica=\"10.0.0.2:");
  ASSERT_NE(at, std::string::npos) << page;
  const std::string replica = page.substr(at, page.find('"', at + 9) + 1 - at);
  EXPECT_EQ(Value(page, Of("rocketmq_ha_replica_acked_offset", replica)), end);
  EXPECT_EQ(Value(page, Of("rocketmq_ha_replica_lag_bytes", replica)), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_ha_replica_lag_ms", replica)), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_ha_replica_in_sync", replica)), "1");
  const std::string of_slave = Get("/metrics", 5557, kSlaveIp);
  EXPECT_EQ(Value(of_slave, Of("rocketmq_ha_slave_state",
                               "state=\"following\",master=\"10.0.0.1:10912\"")),
            "1")
      << of_slave;
  EXPECT_EQ(Value(of_slave, Of("rocketmq_ha_slave_reported_offset")), end);
  EXPECT_EQ(Value(of_slave, Of("rocketmq_ha_slave_heals_total")), "0");
  env.MarkKilled();
  slave->reset();
  env.FinishKill(sim::SimEnv::Loss::kProcess);
}

TEST_F(BrokerMetricsTest, DeletedTopic_TakesItsSeriesWithIt) {
  Start(Shown());
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  EXPECT_NE(Get().find("topic=\"T\""), std::string::npos);
  proto::DeleteTopicRequestHeader header;
  header.topic = "T";
  ASSERT_EQ(caller_->Call(proto::RequestCode::kDeleteTopicInBroker, header).code, ResponseCode::kSuccess);
  EXPECT_EQ(Get().find("topic=\"T\""), std::string::npos);
}

TEST_F(BrokerMetricsTest, MoreSeriesThanAllowed_AreCountedAndLeftOut) {
  BrokerOptions options = Shown();
  options.metrics.series_max = 3;
  options.metrics.port = 7000;
  Start(options);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Send({.topic = StrCat("T", i)}).code, ResponseCode::kSuccess);
  const std::string page = Get("/metrics", 7000);
  EXPECT_NE(page.find("topic=\"T2\""), std::string::npos);
  EXPECT_EQ(page.find("topic=\"T3\""), std::string::npos);
  EXPECT_NE(Value(page, Of("rocketmq_metrics_series_left_out")), "0");
}

TEST_F(BrokerMetricsTest, FailedSync_ShowsInTheFigures) {
  BrokerOptions options = Shown();
  options.flush_disk_type = store::FlushMode::kSync;
  Start(options);
  ASSERT_EQ(Send().code, ResponseCode::kSuccess);
  broker_host_.disk.FailSyncs(1);
  EXPECT_NE(Send().code, ResponseCode::kSuccess);
  const std::string page = Get();
  EXPECT_EQ(Value(page, Of("rocketmq_store_writable")), "0");
  EXPECT_EQ(Value(page, Of("rocketmq_store_failed")), "1");
  EXPECT_EQ(Value(page, Of("rocketmq_broker_put_failed_total")), "1");
  Crash();
}

TEST_F(BrokerMetricsTest, PortInUse_IsARefusalThatNamesTheOption) {
  BrokerOptions options = Shown();
  options.metrics.port = kBrokerPort;
  Boot();
  const Status started = TryStart(options);
  EXPECT_EQ(started.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(started.text().find("metricsPromExporterPort"), std::string_view::npos) << started.ToString();
  Crash();
}

TEST_F(BrokerMetricsTest, ExporterThatIsNotBuilt_IsToldAndTheBrokerServes) {
  BrokerOptions options = Options();
  options.metrics.exporter = net::MetricsExporter::kOtlpGrpc;
  Start(options);
  EXPECT_TRUE(Logged("this metricsExporterType is not built"));
  EXPECT_EQ(Send().code, ResponseCode::kSuccess);
}

}  // namespace
}  // namespace orbitmq::broker

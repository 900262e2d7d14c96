// SPDX-License-Identifier: Apache-2.0
#include "namesrv/namesrv.h"

#include <utility>

#include "common/exposition.h"
#include "common/snapshot_cell.h"
#include "namesrv/config_handlers.h"
#include "namesrv/kv_config.h"
#include "namesrv/route_handlers.h"
#include "remoting/rpc_server.h"

namespace orbitmq::namesrv {
namespace {

// The composition root. Members stand in order of construction; destruction runs backwards: first the server
// (no more requests), then the executors (what they still hold is dropped or run), then what the handlers
// use.
class NamesrvProcess final : public Namesrv {
 public:
  NamesrvProcess(Env& env, NamesrvOptions options, std::unique_ptr<KvConfig> kv)
      : env_(env),
        options_(std::make_shared<const NamesrvOptions>(std::move(options))),
        kv_(std::move(kv)),
        route_(env.NewExecutor({"route", ExecutorKind::kCpu})),
        disk_(env.NewExecutor({"disk", ExecutorKind::kMayBlock})),
        routes_({env, *route_, options_, *kv_}, {.delete_topics_absent_from_registration =
                                                     options_.Load()->delete_topic_with_broker_registration}),
        configs_(env, *disk_, options_, *kv_) {}

  ~NamesrvProcess() override {
    metrics_server_.reset();
    server_.reset();
    for (auto& executor : io_) executor->Stop();
    disk_->Stop();
    route_->Stop();
  }

  Status Listen() {
    const std::shared_ptr<const NamesrvOptions> options = options_.Load();
    auto tls = net::NewServerTlsContext(options->tls);
    if (!tls.ok()) return tls.status();
    net::RpcServerOptions server;
    server.name = "namesrv";
    server.listen = {{options->bind_address, static_cast<uint16_t>(options->listen_port)}};
    server.tls_mode = options->tls.mode;
    server.tls = *std::move(tls);
    server.idle_close = std::chrono::seconds(options->server_channel_max_idle_time_seconds);
    std::vector<Executor*> io;
    for (int32_t i = 0; i < options->io_threads; ++i) {
      io_.push_back(env_.NewExecutor({"ns-io" + std::to_string(i), ExecutorKind::kIo}));
      io.push_back(io_.back().get());
    }
    server_ = net::RpcServer::New(env_, std::move(server), std::move(io));
    routes_.AddTo(*server_);
    configs_.AddTo(*server_);
    if (Status s = server_->Start(); !s.ok()) return s;
    local_ = server_->local_endpoints().front();
    auto metrics = net::StartMetricsServer(
        env_, options->metrics,
        {.host = options->bind_address, .io = io_.front().get(), .worker = disk_.get()},
        [this] { return Figures(); });
    if (!metrics.ok()) return metrics.status();
    metrics_server_ = *std::move(metrics);
    routes_.StartScan();
    env_.log().Info("name server listens", {{"address", local_.ToString()}});
    return {};
  }

  const Endpoint& local() const override { return local_; }

  void Shutdown(Completion<Done> done) override {
    route_->Post([this, done = std::move(done)]() mutable {
      routes_.StopScan();
      server_->Shutdown(std::move(done));
    });
  }

 private:
  // The page /metrics.
  std::string Figures() const {
    using Type = Exposition::Type;
    const auto routes = routes_.snapshot();
    const proto::ClusterInfo clusters = routes->Clusters();
    Exposition page(static_cast<size_t>(options_.Load()->metrics.series_max));
    page.Family("rocketmq_namesrv_broker_registered", Type::kGauge, "1 for every broker that is registered.");
    for (const auto& [name, broker] : clusters.broker_addr_table) {
      for (const auto& [id, address] : broker.broker_addrs) {
        page.Sample({{"cluster", broker.cluster}, {"broker_name", name}, {"broker_id", std::to_string(id)}},
                    int64_t{1});
      }
    }
    page.Family("rocketmq_namesrv_topics", Type::kGauge, "Topics that some broker has registered.");
    page.Sample({}, static_cast<int64_t>(routes->Topics().size()));
    page.Family("rocketmq_namesrv_connections", Type::kGauge, "Connections of brokers, clients and tools.");
    page.Sample({}, static_cast<int64_t>(server_->connection_count()));
    return page.Take();
  }

  Env& env_;
  SnapshotCell<NamesrvOptions> options_;
  std::unique_ptr<KvConfig> kv_;
  std::unique_ptr<Executor> route_;
  std::unique_ptr<Executor> disk_;
  RouteHandlers routes_;
  ConfigHandlers configs_;
  std::vector<std::unique_ptr<Executor>> io_;
  std::unique_ptr<net::RpcServer> server_;
  std::unique_ptr<net::HttpServer> metrics_server_;  // Null unless asked for.
  Endpoint local_;
};

}  // namespace

Result<std::unique_ptr<Namesrv>> Namesrv::Start(Env& env, NamesrvOptions options) {
  auto kv = KvConfig::Load(env.files(), env.log(), options.KvConfigPath());
  if (!kv.ok()) return kv.status().Annotate("name server");
  auto process = std::make_unique<NamesrvProcess>(env, std::move(options), *std::move(kv));
  if (Status s = process->Listen(); !s.ok()) return s.Annotate("name server");
  return std::unique_ptr<Namesrv>(std::move(process));
}

}  // namespace orbitmq::namesrv

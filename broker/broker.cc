// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "broker/admin/broker_admin.h"
#include "broker/admin/broker_metrics.h"
#include "broker/admin/client_relay.h"
#include "broker/admin/group_admin.h"
#include "broker/admin/ha_admin.h"
#include "broker/admin/offset_admin.h"
#include "broker/admin/topic_admin.h"
#include "broker/advertised_address.h"
#include "broker/handler_table.h"
#include "broker/replication/group_role.h"
#include "broker/replication/ha_service.h"
#include "broker/replication/role_change.h"
#include "broker/replication/send_relay.h"
#include "broker/replication/standby_rules.h"
#include "broker/requests/client_handler.h"
#include "broker/requests/offset_handler.h"
#include "broker/requests/pull_handler.h"
#include "broker/requests/query_handler.h"
#include "broker/requests/retry_router.h"
#include "broker/requests/send_handler.h"
#include "broker/state/delay_queues.h"
#include "broker/state/parked_pulls.h"
#include "broker/state/route_publisher.h"
#include "common/strings.h"
#include "remoting/replies.h"
#include "remoting/rpc_client.h"

namespace orbitmq::broker {
namespace {

constexpr size_t kReaders = 2;
constexpr Duration kSweepEvery = std::chrono::seconds(10);
constexpr Duration kSampleEvery = std::chrono::seconds(1);
// Between two attempts to reach a NameServer that is gone.
constexpr Duration kNameserverBackOffMax = std::chrono::seconds(1);
constexpr Duration kLeaveMax = std::chrono::seconds(2);
constexpr Duration kRoleChangeLook = std::chrono::milliseconds(10);
// For slaves to fetch the end of the log when this broker stops.
constexpr Duration kSlavesMax = std::chrono::seconds(3);

// The handlers, in one object that lives exactly as long as what they refer to.
struct HandlerSet {
  SendHandler send;
  PullHandler pull;
  OffsetHandler offsets;
  ClientHandler clients;
  RetryRouter retry;
  QueryHandler query;
  TopicAdmin topic_admin;
  GroupAdmin group_admin;
  OffsetAdmin offset_admin;
  BrokerAdmin broker_admin;
  ClientRelay relay;
  HaAdmin ha_admin;
  Handlers all{send,        pull,        offsets,      clients,      retry, query,
               topic_admin, group_admin, offset_admin, broker_admin, relay, ha_admin};
};

// The composition root. Members stand in the order in which they may refer to each other.
class BrokerProcess final : public Broker {
 public:
  BrokerProcess(Env& env, BrokerOptions options) : env_(env), options_(std::move(options)) {}
  ~BrokerProcess() override;

  Status Open();
  Status Serve();

  const Endpoint& local() const override { return local_; }
  const BrokerIdentity& identity() const override { return identity_; }
  std::string boot_line() const override;
  void AwaitRegistration(Duration most) override { (void)registered_.get_future().wait_for(most); }
  void Shutdown(Duration deadline, Completion<Done> done) override;

 private:
  void MakeExecutors();
  Status LoadTables();
  void MakeHandlers();
  void Register(const HandlerRow& row, size_t& reader);
  std::optional<RequestRefusal> RefusalOfRole(RoleRule rule) const;
  Status Listen();
  Status StartReplication();
  void FollowUnknownTopic(const store::Arrival& arrival);
  void AfterCut();
  void FillIdentity(uint16_t port);
  Status ShowFigures();
  void StartTimers();
  void Every(Duration period, UniqueFunction<void()> work);
  std::string ConfigPath(std::string_view name) const;

  // The steps of Shutdown after the first, each started by the one before.
  struct Stopping {
    MonoTime deadline;
    Completion<Done> done;
    Status status;
  };
  void LeaveGroup();
  void AnswerParked();
  void CloseStore();
  void PersistTables();
  void CloseConnections();
  Duration Left() const;

  Env& env_;
  LiveOptions options_;
  BrokerIdentity identity_;
  Endpoint local_;
  std::atomic<bool> refuse_sends_{false};
  RoleGate gate_;
  size_t offsets_lowered_ = 0;  // By this start, to the recovered ends of their queues.

  std::vector<std::unique_ptr<Executor>> io_;
  std::vector<std::unique_ptr<Executor>> read_;
  std::unique_ptr<Executor> house_;
  std::unique_ptr<Executor> disk_;
  std::unique_ptr<Executor> delay_executor_;
  std::unique_ptr<Executor> admin_;

  std::unique_ptr<ParkedPulls> parked_;
  // Set once the delay queues are there, and everything before them; arrivals until then are found by their
  // Start.
  std::atomic<DelayQueues*> arrivals_to_delay_{nullptr};
  std::unique_ptr<BrokerStats> stats_;
  std::unique_ptr<TopicTable> topics_;
  std::unique_ptr<GroupTable> groups_;
  std::unique_ptr<ConsumerOffsets> offsets_;
  std::unique_ptr<ClientTable> clients_;
  std::unique_ptr<QueueLocks> locks_;
  std::unique_ptr<DelayQueues> delay_;
  std::unique_ptr<LeaderClaim> claim_;
  std::unique_ptr<HaService> ha_;  // Goes after the store, whose last answers it gets.
  std::unique_ptr<store::MessageStore> store_;
  std::unique_ptr<HandlerSet> handlers_;
  std::unique_ptr<net::RpcClient> rpc_client_;
  std::unique_ptr<GroupRole> role_;
  std::promise<void> registered_;  // Tried at each NameServer.
  std::unique_ptr<RoutePublisher> publisher_;
  std::unique_ptr<SendRelay> relay_;
  std::unique_ptr<RoleChange> role_change_;
  std::unique_ptr<net::RpcServer> server_;
  std::unique_ptr<BrokerMetrics> metrics_;
  std::unique_ptr<net::HttpServer> metrics_server_;  // Null unless asked for.
  struct Periodic {
    Duration period{};
    UniqueFunction<void()> work;
    Timer timer;
  };
  void Arm(Periodic& periodic);
  std::vector<std::unique_ptr<Periodic>> periodics_;
  std::unique_ptr<Stopping> stopping_;  // Of the step that runs.
  Timer leave_timer_;
};

BrokerProcess::~BrokerProcess() {
  // First nobody comes in, then nothing runs, then what was used goes: the store before what its listener and
  // completions call.
  metrics_server_.reset();
  server_.reset();
  for (auto& executor : io_) executor->Stop();
  for (auto& executor : read_) executor->Stop();
  for (const auto* executor : {&house_, &admin_, &delay_executor_, &disk_}) {
    if (*executor != nullptr) (*executor)->Stop();
  }
  if (ha_ != nullptr) ha_->Stop();
  role_change_.reset();
  relay_.reset();
  publisher_.reset();
  role_.reset();
  rpc_client_.reset();
  store_.reset();
}

void BrokerProcess::MakeExecutors() {
  const int32_t io_count = std::max(1, options_.Get()->server_selector_threads);
  for (int32_t i = 0; i < io_count; ++i) {
    io_.push_back(env_.NewExecutor({StrCat("bk-io", i), ExecutorKind::kIo}));
  }
  for (size_t i = 0; i < kReaders; ++i) {
    read_.push_back(env_.NewExecutor({StrCat("bk-read", i), ExecutorKind::kMayBlock}));
  }
  house_ = env_.NewExecutor({"bk-house", ExecutorKind::kCpu});
  disk_ = env_.NewExecutor({"bk-disk", ExecutorKind::kMayBlock});
  delay_executor_ = env_.NewExecutor({"bk-delay", ExecutorKind::kMayBlock});
  admin_ = env_.NewExecutor({"bk-admin", ExecutorKind::kMayBlock});
}

std::string BrokerProcess::ConfigPath(std::string_view name) const {
  return StrCat(options_.Get()->store_path_root_dir, "/config/", name);
}

void BrokerProcess::FillIdentity(uint16_t port) {
  const auto options = options_.Get();
  identity_.name = options->broker_name;
  identity_.cluster = options->broker_cluster_name;
  identity_.ip = options->broker_ip1;
  identity_.address = Endpoint{options->broker_ip1, port}.ToString();
  int32_t ha = options->ha_listen_port > 0 ? options->ha_listen_port : port + 1;
  if (ha_ != nullptr && ha_->port() != 0) ha = ha_->port();
  identity_.ha_address = Endpoint{options->broker_ip2, static_cast<uint16_t>(ha)}.ToString();
  identity_.store_host = StoreHostOf(*options, env_.identity(), port);
}

// Takes the data directory and everything in it.
Status BrokerProcess::Open() {
  MakeExecutors();
  const auto options = options_.Get();
  FillIdentity(static_cast<uint16_t>(options->listen_port));
  stats_ = std::make_unique<BrokerStats>(env_.clock(), options->broker_cluster_name);
  clients_ = std::make_unique<ClientTable>(env_.clock());
  locks_ = std::make_unique<QueueLocks>(env_.clock());
  parked_ = std::make_unique<ParkedPulls>(
      env_, *house_, [this](uint64_t spread, Task task) { io_[spread % io_.size()]->Post(std::move(task)); });
  // The store locks the directory, so it comes before anything that writes into it.
  auto store = store::MessageStore::Open(env_, ToStoreOptions(*options, identity_.store_host),
                                         [this](const store::Arrival& arrival) {
                                           parked_->Arrived(arrival);
                                           DelayQueues* delay = arrivals_to_delay_.load();
                                           if (delay == nullptr) return;
                                           delay->Arrived(arrival);
                                           FollowUnknownTopic(arrival);
                                         });
  if (!store.ok()) return store.status().Annotate("store");
  store_ = *std::move(store);
  if (Status loaded = LoadTables(); !loaded.ok()) return loaded;
  const bool slave = options_.Get()->broker_role == BrokerRole::kSlave;
  if (slave) gate_.Set(RoleGate::State::kSlave);
  offsets_->SetFollower(slave);
  // A slave's offsets are its master's, and may be ahead of what has come of the log.
  const Result<size_t> clamped = slave ? Result<size_t>(size_t{0}) : offsets_->ClampTo(*store_);
  if (!clamped.ok()) return clamped.status();
  offsets_lowered_ = *clamped;
  env_.log().Info("consumer offsets checked", {{"lowered", static_cast<uint64_t>(offsets_lowered_)}});
  return {};
}

Status BrokerProcess::LoadTables() {
  const std::string config = StrCat(options_.Get()->store_path_root_dir, "/config");
  if (Status made = CreateDirectoriesDurably(env_.files(), config); !made.ok()) return made;
  auto topics = TopicTable::Load({env_, *disk_, options_, ConfigPath("topics.json")});
  if (!topics.ok()) return topics.status();
  topics_ = *std::move(topics);
  auto groups = GroupTable::Load({env_, *disk_, options_, ConfigPath("subscriptionGroup.json")});
  if (!groups.ok()) return groups.status();
  groups_ = *std::move(groups);
  auto offsets = ConsumerOffsets::Load({env_, *disk_, ConfigPath("consumerOffset.json")});
  if (!offsets.ok()) return offsets.status();
  offsets_ = *std::move(offsets);
  auto delay = DelayQueues::Load({env_, *delay_executor_, *disk_, options_, ConfigPath("delayOffset.json")});
  if (!delay.ok()) return delay.status();
  delay_ = *std::move(delay);
  auto claim =
      LeaderClaim::Load({env_, *disk_, StrCat(options_.Get()->store_path_root_dir, "/orbitmq/leader_claim")});
  if (!claim.ok()) return claim.status();
  claim_ = *std::move(claim);
  return {};
}

void BrokerProcess::MakeHandlers() {
  std::vector<Executor*> readers;
  for (const auto& executor : read_) readers.push_back(executor.get());
  const int32_t levels = delay_->level_max();
  // An aggregate, so that each handler says itself what it needs.
  handlers_.reset(new HandlerSet{
      .send = SendHandler({env_, options_, identity_, *topics_, *groups_, *locks_, *store_, *stats_, levels}),
      .pull = PullHandler({env_, options_, *topics_, *groups_, *clients_, *offsets_, *parked_, *store_,
                           *stats_, role_->replicas(), std::move(readers)}),
      .offsets = OffsetHandler({options_, *topics_, *groups_, *offsets_, *store_}),
      .clients = ClientHandler({env_, options_, *topics_, *groups_, *clients_, *locks_}),
      .retry = RetryRouter({env_, options_, identity_, *topics_, *groups_, *store_, *stats_, levels}),
      .query = QueryHandler(options_, *store_),
      .topic_admin = TopicAdmin({env_, identity_, *topics_, *offsets_, *clients_, *store_, *stats_,
                                 [this] {
                                   if (gate_.state() != RoleGate::State::kSlave) return false;
                                   role_->FollowNow();
                                   return true;
                                 }}),
      .group_admin = GroupAdmin({env_, *topics_, *groups_, *offsets_, *clients_, *stats_}),
      .offset_admin = OffsetAdmin(
          {env_, options_, identity_, *topics_, *groups_, *clients_, *offsets_, *delay_, *store_, *stats_}),
      .broker_admin = BrokerAdmin({env_, options_, *topics_, identity_, *clients_, *delay_, *store_, *stats_,
                                   *ha_, *role_change_, env_.clock().Wall(),
                                   [this] { publisher_->Changed(); }, offsets_lowered_}),
      .relay = ClientRelay({env_, identity_, *topics_, *groups_, *clients_, *store_}),
      .ha_admin = HaAdmin({options_, identity_, *ha_, gate_, *store_, *claim_, role_->rivals()})});
  parked_->OnWake(
      [this](PullJob job, ParkedPulls::Reason reason) { handlers_->pull.Wake(std::move(job), reason); });
}

void BrokerProcess::Register(const HandlerRow& row, size_t& reader) {
  Executor* where = nullptr;
  if (row.where == ExecutionClass::kRead) where = read_[reader++ % read_.size()].get();
  if (row.where == ExecutionClass::kAdmin) where = admin_.get();
  server_->Handle(row.code, where, [this, &row](net::ServerRequest request) {
    if (Stores(row.rule) && refuse_sends_.load(std::memory_order_relaxed)) {
      return ReplyError(request, proto::ResponseCode::kServiceNotAvailable, "the broker is shutting down");
    }
    if (gate_.state() != RoleGate::State::kMaster) {
      if (Stores(row.rule) && gate_.HandsOver(env_.clock().Monotonic())) {
        return relay_->Handle(std::move(request));
      }
      auto refusal = RefusalOfRole(row.rule);
      if (refusal) return ReplyError(request, refusal->code, std::move(refusal->remark));
    }
    row.run(handlers_->all, std::move(request));
  });
}

std::optional<RequestRefusal> BrokerProcess::RefusalOfRole(RoleRule rule) const {
  if (gate_.state() == RoleGate::State::kRival) return RefusalOfRival(rule);
  return RefusalOfSlave(rule, *options_.Get(), *role_->replicas().Get(),
                        gate_.HandsOver(env_.clock().Monotonic()));
}

Status BrokerProcess::Listen() {
  const auto options = options_.Get();
  auto tls = net::NewServerTlsContext(options->tls);
  if (!tls.ok()) return tls.status();
  net::RpcServerOptions server;
  server.name = "broker";
  const auto port = static_cast<uint16_t>(options->listen_port);
  server.listen = {{options->bind_address, port}};
  if (port > 2) server.listen_if_free = {{options->bind_address, static_cast<uint16_t>(port - 2)}};
  server.tls_mode = options->tls.mode;
  server.tls = *std::move(tls);
  server.idle_close = std::chrono::seconds(options->server_channel_max_idle_seconds);
  std::vector<Executor*> io;
  for (const auto& executor : io_) io.push_back(executor.get());
  server_ = net::RpcServer::New(env_, std::move(server), std::move(io));
  size_t reader = 0;
  for (const HandlerRow& row : HandlerTable()) Register(row, reader);
  server_->OnPeerClosed(
      [this](const std::shared_ptr<net::Peer>& peer) { handlers_->clients.PeerClosed(*peer); });
  if (Status started = server_->Start(); !started.ok()) return started;
  local_ = server_->local_endpoints().front();
  // Only with port 0 the address was not known before, and then nobody else can know it yet either.
  if (local_.port != port) FillIdentity(local_.port);
  return {};
}

Status BrokerProcess::ShowFigures() {
  const auto options = options_.Get();
  metrics_ = std::make_unique<BrokerMetrics>(
      BrokerMetrics::Parts{env_, identity_, options_, *topics_, *groups_, *clients_, *offsets_, *parked_,
                           *stats_, *store_, *ha_, [this] { return server_->connection_count(); }});
  auto server = net::StartMetricsServer(
      env_, options->metrics,
      {.host = options->bind_address, .io = io_.front().get(), .worker = admin_.get()},
      [this] { return metrics_->Page(); });
  if (!server.ok()) return server.status();
  metrics_server_ = *std::move(server);
  return {};
}

Status BrokerProcess::StartReplication() {
  const auto options = options_.Get();
  ha_ = std::make_unique<HaService>(
      HaService::Parts{env_, options_, *store_, [this] { disk_->Post([this] { AfterCut(); }); }});
  int32_t port = options->ha_listen_port;
  if (port == 0 && options->listen_port != 0) port = options->listen_port + 1;
  if (Status s = ha_->Start(options->bind_address, static_cast<uint16_t>(port)); !s.ok()) return s;
  FillIdentity(static_cast<uint16_t>(options->listen_port));
  return {};
}

// Committed offsets may point beyond what is left of a slave's queues.
void BrokerProcess::AfterCut() {
  const Result<size_t> clamped = offsets_->ClampTo(*store_);
  if (!clamped.ok()) {
    env_.log().Error("consumer offsets could not be lowered", {{"status", clamped.status().ToString()}});
    return;
  }
  env_.log().Warn("consumer offsets checked after the log was cut",
                  {{"lowered", static_cast<uint64_t>(*clamped)}});
}

// The log is quicker than the look at the master's tables every few seconds: without its topic a message
// would be of no use to whoever takes this slave for master in between. Each queue has one first message, so
// that the others cost nothing.
void BrokerProcess::FollowUnknownTopic(const store::Arrival& arrival) {
  if (arrival.queue_offset.value != 0 || gate_.state() != RoleGate::State::kSlave) return;
  if (topics_->Find(arrival.queue.topic) != nullptr) return;
  io_.front()->Post([this] { role_->FollowNow(); });
}

Status BrokerProcess::Serve() {
  if (Status s = StartReplication(); !s.ok()) return s;
  const auto options = options_.Get();
  std::vector<Endpoint> nameservers;
  if (!options->namesrv_addr.empty()) {
    auto parsed = ParseEndpoints(options->namesrv_addr);
    if (!parsed.ok()) return parsed.status().Annotate("namesrvAddr");
    nameservers = *std::move(parsed);
  }
  auto tls = net::NewOutgoingTlsContext(options->tls);
  if (!tls.ok()) return tls.status();
  rpc_client_ =
      net::RpcClient::New(env_, {.backoff_max = kNameserverBackOffMax, .tls = *std::move(tls)}, *io_.front());
  role_ = std::make_unique<GroupRole>(
      GroupRole::Parts{env_, *io_.front(), *admin_, options_, identity_, *rpc_client_, nameservers, *topics_,
                       *groups_, *offsets_, *delay_, *store_, *ha_, *parked_, gate_, *claim_});
  arrivals_to_delay_.store(delay_.get());
  publisher_ = std::make_unique<RoutePublisher>(RoutePublisher::Parts{
      env_, *io_.front(), options_, identity_, *topics_, *rpc_client_, std::move(nameservers),
      [this](const MasterAddresses& master) {
        ha_->SetMaster(master.ha);
        role_->replicas().Registered(master);
      },
      [this](const Endpoint& nameserver, Completion<Done> may) {
        role_->rivals().Look(nameserver, std::move(may));
      }});
  role_->OnLeadChanged([this] { publisher_->Changed(); });
  relay_ = std::make_unique<SendRelay>(
      SendRelay::Parts{env_, *io_.front(), identity_, role_->replicas(), *rpc_client_});
  role_change_ = std::make_unique<RoleChange>(
      RoleChange::Parts{env_, *io_.front(), *admin_, options_, *store_, *ha_, *role_, *publisher_, gate_,
                        *topics_, *groups_, *offsets_, *delay_, *parked_});
  MakeHandlers();
  topics_->OnChange([this] { publisher_->Changed(); });
  role_->replicas().OnChange([this](const ReplicaView& before, const ReplicaView& now) {
    // Only the reply to a registration tells where a master serves its slaves.
    if (now.master_alive() && now.master != before.master && now.master_ha.empty()) publisher_->Changed();
  });
  // From here on requests come in, so everything they touch is there.
  if (Status listening = Listen(); !listening.ok()) return listening;
  if (Status showing = ShowFigures(); !showing.ok()) return showing;
  io_.front()->Post([this] {
    role_->Open([this](const Result<Done>& opened) {
      if (!opened.ok()) return;  // It ends before it began.
      publisher_->Start([this](const Result<Done>&) { registered_.set_value(); });
    });
  });
  StartTimers();
  return {};
}

void BrokerProcess::Arm(Periodic& periodic) {
  periodic.timer = house_->PostAt(env_.clock().Monotonic() + periodic.period, [this, &periodic] {
    periodic.work();
    Arm(periodic);
  });
}

void BrokerProcess::Every(Duration period, UniqueFunction<void()> work) {
  periodics_.push_back(std::make_unique<Periodic>(Periodic{period, std::move(work), {}}));
  Arm(*periodics_.back());
}

void BrokerProcess::StartTimers() {
  const auto options = options_.Get();
  Every(kSampleEvery, [this] { stats_->Sample(); });
  Every(kSweepEvery, [this] { handlers_->clients.Sweep(); });
  Every(options->flush_consumer_offset_interval, [this] { offsets_->Save({}); });
  Every(options->flush_delay_offset_interval, [this] { delay_->Save({}); });
}

std::string BrokerProcess::boot_line() const {
  std::string line =
      StrCat("The broker[", identity_.name, ", ", identity_.address, "] boot success. serializeType=JSON");
  const auto options = options_.Get();
  if (!options->namesrv_addr.empty()) StrAppend(line, " and name server is ", options->namesrv_addr);
  return line;
}

Duration BrokerProcess::Left() const {
  return std::max<Duration>(stopping_->deadline - env_.clock().Monotonic(), std::chrono::milliseconds(1));
}

void BrokerProcess::Shutdown(Duration deadline, Completion<Done> done) {
  refuse_sends_.store(true);
  role_change_->Stop();
  io_.front()->Post([this, deadline, done = std::move(done)]() mutable {
    stopping_ = std::make_unique<Stopping>();
    stopping_->deadline = env_.clock().Monotonic() + deadline;
    stopping_->done = std::move(done);
    env_.log().Info("the broker stops");
    LeaveGroup();
  });
}

// Not in the middle of a change of the role, unless that takes most of the time.
void BrokerProcess::LeaveGroup() {
  const MonoTime now = env_.clock().Monotonic();
  if (role_change_->busy() && stopping_->deadline - now > kLeaveMax) {
    leave_timer_ = io_.front()->PostAt(now + kRoleChangeLook, [this] { LeaveGroup(); });
    return;
  }
  role_->Stop();
  publisher_->Leave(std::min<Duration>(kLeaveMax, Left() / 4), [this](Result<Done>) { AnswerParked(); });
}

void BrokerProcess::AnswerParked() {
  parked_->WakeAll();
  // Behind the end of the delay levels, which the role has posted.
  delay_executor_->Post([this] {
    ha_->BeginStop(std::min<Duration>(kSlavesMax, Left() / 3), [this](const Result<Done>& waited) {
      if (waited.ok()) CloseStore();  // Not when this object goes meanwhile.
    });
  });
}

void BrokerProcess::CloseStore() {
  // Most of the time is the store's; what follows takes milliseconds.
  store_->CloseAsync(Left() - Left() / 4, [this](Result<Done> closed) {
    if (!closed.ok()) stopping_->status = closed.status();
    house_->Post([this] { PersistTables(); });
  });
}

// Offsets last, so that they have what was consumed and delivered until the end.
void BrokerProcess::PersistTables() {
  offsets_->Save([this](Result<Done> saved) {
    if (!saved.ok() && stopping_->status.ok()) stopping_->status = saved.status();
    delay_->Save([this](Result<Done>) {
      topics_->WhenDurable([this](Result<Done>) {
        groups_->Save([this](Result<Done>) { house_->Post([this] { CloseConnections(); }); });
      });
    });
  });
}

void BrokerProcess::CloseConnections() {
  for (auto& periodic : periodics_) periodic->timer.Cancel();
  server_->Shutdown([this](Result<Done>) {
    if (stopping_->status.ok()) {
      env_.log().Info("the broker has stopped");
      return stopping_->done(Done{});
    }
    env_.log().Error("the broker has stopped, but not in order", {{"error", stopping_->status.ToString()}});
    stopping_->done(stopping_->status);
  });
}

}  // namespace

Result<std::unique_ptr<Broker>> Broker::Start(Env& env, BrokerOptions options) {
  if (Status resolved = ResolveDefaults(env.identity(), options); !resolved.ok()) return resolved;
  if (const auto warning = AdvertisedAddressWarning(options, env.identity())) env.log().Warn(*warning);
  auto broker = std::make_unique<BrokerProcess>(env, std::move(options));
  if (Status opened = broker->Open(); !opened.ok()) return opened;
  if (Status serving = broker->Serve(); !serving.ok()) return serving;
  return std::unique_ptr<Broker>(std::move(broker));
}

}  // namespace orbitmq::broker

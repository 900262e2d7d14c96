// SPDX-License-Identifier: Apache-2.0
#include "test/sim/cluster.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers.h"

namespace orbitmq::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kBrokerCount = 2;
constexpr size_t kProducerCount = 2;

broker::BrokerOptions BrokerOptionsFor(size_t number, const std::string& ip, const std::string& namesrvs) {
  broker::BrokerOptions options = SmallBrokerOptions(StrCat("b", number), ip, namesrvs);
  options.register_name_server_period = milliseconds(3000);
  options.flush_consumer_offset_interval = milliseconds(1500);
  options.flush_delay_offset_interval = milliseconds(2000);
  options.message_delay_level = "1s 2s 2s 3s 4s 5s 6s 7s 8s 9s 10s";
  return options;
}

ImageOptions ImageOptionsFor(BrokerNode& broker, uint64_t seed, bool power_lost) {
  ImageOptions options;
  options.broker = broker.options().broker_name;
  options.store = broker::ToStoreOptions(broker.options(), {});
  options.config_dir = StrCat(kBrokerRoot, "/config");
  options.seed = seed;
  options.power_lost = power_lost;
  return options;
}

}  // namespace

std::vector<GroupSpec> WorkloadGroups() {
  std::vector<GroupSpec> groups(3);
  groups[0] = {"billing", {{kOrdersTopic, {}}, {kAutoTopic, {}}}, 2, 3, 0, 0};
  groups[1] = {"audit", {{kOrdersTopic, {}}, {kEventsTopic, {}}}, 2, 2, 30, 3};
  groups[2] = {"reds", {{kEventsTopic, {"red", "scarlet"}}}, 1, 3, 10, 0};
  return groups;
}

Cluster::Cluster(World& world, uint64_t seed)
    : world_(world),
      delivery_((world.facts.seed = seed, world.facts.groups = WorkloadGroups(), world.facts)),
      queue_order_(world.facts),
      offset_(world.facts),
      log_(world.facts),
      consume_random_(world.scheduler.random().Next()),
      probe_(world),
      route_(world, probe_) {
  AddNamesrvs(seed);
  AddBrokers(seed);
  AddClients();
}

Cluster::~Cluster() {
  // Whatever the run left up ends without a look at its disk.
  for (Node* node : nodes()) node->Kill(SimEnv::Loss::kProcess);
}

Duration Cluster::DrawSkew() { return milliseconds(world_.scheduler.random().Between(-400, 400)); }

void Cluster::AddNamesrvs(uint64_t seed) {
  const size_t count = 1 + seed % 2;
  for (size_t i = 0; i < count; ++i) {
    namesrvs_.push_back(std::make_unique<NamesrvNode>(
        world_, NodeSpec{StrCat("ns", i), StrCat("10.0.0.", i + 1), DrawSkew()}));
    namesrv_list_ += (i > 0 ? ";" : "") + namesrvs_.back()->address().ToString();
  }
}

void Cluster::AddBrokers(uint64_t seed) {
  for (size_t i = 0; i < kBrokerCount; ++i) {
    const std::string ip = StrCat("10.0.1.", i + 1);
    broker::BrokerOptions options = BrokerOptionsFor(i, ip, namesrv_list_);
    if (seed % 5 == 0 && i == 1) {
      options.flush_disk_type = store::FlushMode::kAsync;
      // Committed offsets reach the disk long before the messages do.
      options.flush_interval_commit_log = milliseconds(10'000);
    }
    brokers_.push_back(std::make_unique<BrokerNode>(
        world_, NodeSpec{options.broker_name, ip, DrawSkew()}, std::move(options),
        [this](BrokerNode& broker, bool power_lost) { OnBrokerAtRest(broker, power_lost); }));
  }
}

void Cluster::AddClients() {
  for (size_t i = 0; i < kProducerCount; ++i) {
    ProducerOptions options;
    options.client = SmallClientOptions(namesrv_list_);
    options.group = StrCat("makers", i);
    options.send_timeout = milliseconds(3000);
    options.attempt_timeout_max = milliseconds(i == 0 ? 0 : 1200);
    options.latency_fault_avoidance = i == 1;
    producers_.push_back(std::make_unique<ProducerNode>(
        world_, NodeSpec{StrCat("p", i), StrCat("10.0.2.", i + 1), DrawSkew()}, std::move(options)));
  }
  size_t number = 0;
  for (size_t g = 0; g < world_.facts.groups.size(); ++g) {
    const GroupSpec& spec = world_.facts.groups[g];
    for (int member = 0; member < spec.members; ++member, ++number) {
      PushConsumerOptions options;
      options.client = SmallClientOptions(namesrv_list_);
      options.group = spec.name;
      for (const auto& [topic, tags] : spec.subscriptions) {
        const std::vector<std::string> list(tags.begin(), tags.end());
        options.subscriptions.push_back({topic, tags.empty() ? "*" : Join(list, " || ")});
      }
      options.consume_from = ConsumeFrom::kFirstOffset;
      options.consume_threads = 3;
      options.consume_batch_size = g == 0 ? 4 : 1;
      options.queue_messages_max = 200;
      options.reconsume_times_max = spec.reconsume_times_max;
      options.rebalance_interval = milliseconds(4000);
      consumers_.push_back(std::make_unique<ConsumerNode>(
          world_, NodeSpec{StrCat("c", number), StrCat("10.0.3.", number + 1), DrawSkew()},
          std::move(options), [this, g](std::span<const ReceivedMessage> messages, ConsumeContext&) {
            return OnMessages(g, messages);
          }));
    }
  }
}

std::vector<Node*> Cluster::nodes() const {
  std::vector<Node*> all;
  for (const auto& node : namesrvs_) all.push_back(node.get());
  for (const auto& node : brokers_) all.push_back(node.get());
  for (const auto& node : producers_) all.push_back(node.get());
  for (const auto& node : consumers_) all.push_back(node.get());
  return all;
}

bool Cluster::MakeTopic(const char* topic, BrokerNode& broker) {
  proto::CreateTopicRequestHeader header;
  header.topic = topic;
  header.default_topic = "TBW102";
  header.read_queue_nums = header.write_queue_nums = 3;
  header.perm = 6;
  for (int tries = 0; tries < 20; ++tries) {
    auto code = std::make_shared<int32_t>(-1);
    auto ended = std::make_shared<bool>(false);
    probe_.Call(broker.address(), proto::MakeRequest(proto::RequestCode::kUpdateAndCreateTopic, header),
                [code, ended](Result<proto::Command> reply) {
                  *ended = true;
                  if (reply.ok()) *code = reply->code;
                });
    world_.scheduler.RunUntil(world_.scheduler.now() + seconds(3), [&] { return *ended; });
    if (*code == proto::ResponseCode::kSuccess) return true;
    world_.scheduler.RunUntil(world_.scheduler.now() + milliseconds(200));
  }
  world_.facts.findings.Add("start", StrCat(broker.name(), " does not create the topic ", topic));
  return false;
}

bool Cluster::Begin() {
  for (const auto& node : namesrvs_) node->Start();
  for (const auto& node : brokers_) node->Start();
  for (const auto& broker : brokers_) {
    if (!broker->up()) return false;
    if (!MakeTopic(kOrdersTopic, *broker) || !MakeTopic(kEventsTopic, *broker)) return false;
  }
  for (const auto& node : consumers_) node->Start();
  for (const auto& node : producers_) node->Start();
  return world_.facts.findings.empty();
}

ConsumeResult Cluster::OnMessages(size_t group, std::span<const ReceivedMessage> messages) {
  const GroupSpec& spec = world_.facts.groups[group];
  ConsumeResult result = ConsumeResult::kSuccess;
  std::vector<uint32_t> numbers;
  for (const ReceivedMessage& message : messages) {
    const Place place{message.queue().broker_name, {message.queue().topic, message.queue().queue_id}};
    const SentMessage* sent = delivery_.OnDelivered(group, message);
    if (sent == nullptr) continue;
    numbers.push_back(sent->number);
    queue_order_.OnSeen(place, message.queue_offset(), {sent->number, message.log_offset()}, spec.name);
    offset_.OnFinished(group, place, message.queue_offset());
    const uint64_t draw = StableDraw(world_.facts.seed, sent->number, spec.name) % 1000;
    const bool never = draw < spec.never_per_mille;
    const bool later = GivesBack(spec, *sent) && message.reconsume_times() == 0;
    if (never || later) result = ConsumeResult::kReconsumeLater;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const bool last = messages[i].reconsume_times() >= spec.reconsume_times_max;
    delivery_.OnVerdict(group, numbers[i],
                        result == ConsumeResult::kSuccess ? DeliveryChecker::Verdict::kSuccess
                        : last                            ? DeliveryChecker::Verdict::kLaterForTheLastTime
                                                          : DeliveryChecker::Verdict::kLater);
  }
  // A listener does something with what it got.
  world_.scheduler.Spend(std::chrono::microseconds(consume_random_.Between(50, 6000)));
  return result;
}

void Cluster::OnBrokerAtRest(BrokerNode& broker, bool power_lost) {
  StoreImage image =
      TakeStoreImage(broker.host().disk, ImageOptionsFor(broker, world_.facts.seed, power_lost));
  const bool may_lose = power_lost && !broker.sync_flush();
  log_.OnImage(image, may_lose ? LogChecker::Excuse::kLost : LogChecker::Excuse::kNothing);
  if (may_lose) {
    queue_order_.ForgetLost(image);
    ExcuseDetours();
  } else {
    queue_order_.OnImage(image);
    offset_.OnImage(image);
  }
  images_[broker.name()] = std::move(image);
}

// A message that waited in the schedule topic or a retry topic may have been lost there.
void Cluster::ExcuseDetours() {
  for (SentMessage& sent : world_.facts.messages) {
    bool detour = sent.delay_level > 0;
    for (const GroupSpec& spec : world_.facts.groups) detour = detour || GivesBack(spec, sent);
    if (detour) sent.excused = true;
  }
}

bool Cluster::GivesBack(const GroupSpec& spec, const SentMessage& sent) const {
  const uint64_t draw = StableDraw(world_.facts.seed, sent.number, spec.name) % 1000;
  return draw < spec.never_per_mille + spec.later_per_mille;
}

void Cluster::Kill(Node& node, SimEnv::Loss loss) {
  if (node.state() == Node::State::kDown) return;
  node.Kill(loss);
  if (node.kind() != NodeKind::kBroker) return;
  auto& broker = static_cast<BrokerNode&>(node);
  for (const auto& namesrv : namesrvs_) {
    const bool linked = !world_.network.Blocked(namesrv->host().ip, broker.host().ip) &&
                        !world_.network.Blocked(broker.host().ip, namesrv->host().ip);
    if (namesrv->up() && linked) route_.ExpectGone(*namesrv, broker);
  }
}

bool Cluster::AwaitStopped(const std::vector<Node*>& nodes) {
  for (Node* node : nodes) node->Stop();
  return world_.scheduler.RunUntil(world_.scheduler.now() + Node::kStopTimeMax + seconds(5), [&nodes] {
    for (const Node* node : nodes) {
      if (node->state() != Node::State::kDown) return false;
    }
    return true;
  });
}

void Cluster::StopAll() {
  std::vector<Node*> clients;
  for (const auto& node : producers_) clients.push_back(node.get());
  for (const auto& node : consumers_) clients.push_back(node.get());
  AwaitStopped(clients);
  std::vector<Node*> brokers;
  for (const auto& node : brokers_) brokers.push_back(node.get());
  AwaitStopped(brokers);
  std::vector<Node*> namesrvs;
  for (const auto& node : namesrvs_) namesrvs.push_back(node.get());
  AwaitStopped(namesrvs);
}

void Cluster::CheckRoutes() {
  std::vector<NamesrvNode*> namesrvs;
  for (const auto& node : namesrvs_) namesrvs.push_back(node.get());
  std::vector<BrokerNode*> brokers;
  for (const auto& node : brokers_) brokers.push_back(node.get());
  route_.ExpectConverged(namesrvs, brokers, {kOrdersTopic, kEventsTopic});
}

std::vector<StoreImage> Cluster::LastImages() const {
  std::vector<StoreImage> images;
  for (const auto& [name, image] : images_) images.push_back(image);
  return images;
}

}  // namespace orbitmq::sim

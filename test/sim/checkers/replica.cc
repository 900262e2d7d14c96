// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/replica.h"

#include <algorithm>
#include <map>
#include <memory>

#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::sim {

using std::chrono::seconds;

namespace {

std::set<uint32_t> NumbersOf(const StoreImage& image) {
  std::set<uint32_t> there;
  for (const ImageRecord& record : image.records) {
    if (record.number) there.insert(*record.number);
  }
  return there;
}

}  // namespace

bool ReplicaChecker::AwaitInStep(BrokerNode& master, Duration patience, size_t slaves) {
  const MonoTime until = world_.scheduler.now() + patience;
  int64_t goal = 0;
  while (world_.scheduler.now() < until) {
    auto body = std::make_shared<proto::HARuntimeInfo>();
    proto::Command request;
    request.code = proto::RequestCode::kGetBrokerHaStatus;
    probe_.Call(master.address(), std::move(request), [body](Result<proto::Command> reply) {
      if (!reply.ok()) return;
      auto decoded = proto::DecodeBody<proto::HARuntimeInfo>(reply->JoinedBody().view());
      if (decoded.ok()) *body = *std::move(decoded);
    });
    world_.scheduler.RunUntil(world_.scheduler.now() + std::chrono::milliseconds(200));
    size_t in_step = 0;
    for (const auto& replica : body->ha_connection_info) {
      const bool counts = slaves == 1 || replica.caught_up.value_or(false);
      if (replica.in_sync && counts && replica.slave_ack_offset >= goal && goal > 0) ++in_step;
    }
    if (in_step >= slaves) return true;
    if (goal == 0) goal = body->master_commit_log_max_offset;
  }
  world_.facts.findings.Add("liveness", StrCat("the slave is not in step ", patience / seconds(1),
                                               " s after the last fault"));
  return false;
}

StoreImage ReplicaChecker::ImageOf(BrokerNode& node, bool power_lost) {
  ImageOptions options;
  options.broker = node.name();
  options.store = broker::ToStoreOptions(node.options(), {});
  options.config_dir = StrCat(kBrokerRoot, "/config");
  options.seed = world_.facts.seed;
  options.power_lost = power_lost;
  StoreImage image = TakeStoreImage(node.host().disk, options);
  if (!image.opened.ok()) {
    world_.facts.findings.Add("opens", StrCat(node.name(), ": ", image.opened.ToString()));
  }
  return image;
}

void ReplicaChecker::Contains(const StoreImage& image, const std::set<uint32_t>& numbers,
                              std::string_view what) {
  const std::set<uint32_t> there = NumbersOf(image);
  size_t missing = 0;
  uint32_t first = 0;
  for (const uint32_t number : numbers) {
    if (there.contains(number)) continue;
    if (missing++ == 0) first = number;
  }
  if (missing == 0) return;
  world_.facts.findings.Add("acknowledged",
                            StrCat(missing, " messages that were ", what, " (the first is ", first, " of ",
                                   numbers.size(), ") are not on the ", image.broker));
}

void ReplicaChecker::OnMachines(std::span<const StoreImage> images, const std::set<uint32_t>& numbers,
                                size_t least) {
  std::map<uint32_t, size_t> copies;
  for (const StoreImage& image : images) {
    for (const uint32_t number : NumbersOf(image)) ++copies[number];
  }
  for (const uint32_t number : numbers) {
    if (copies[number] >= least) continue;
    world_.facts.findings.Add("acknowledged", StrCat("message ", number, " was answered OK and is on ",
                                                     copies[number], " machines, not on ", least));
    return;
  }
}

void ReplicaChecker::Lacks(const StoreImage& image, const std::set<uint32_t>& numbers) {
  for (const uint32_t number : NumbersOf(image)) {
    if (!numbers.contains(number)) continue;
    world_.facts.findings.Add("refused", StrCat("message ", number, " was refused and is on ", image.broker));
    return;
  }
}

void ReplicaChecker::SameLog(const StoreImage& master, const StoreImage& slave) {
  const size_t count = std::min(master.records.size(), slave.records.size());
  for (size_t i = 0; i < count; ++i) {
    const ImageRecord& one = master.records[i];
    const ImageRecord& two = slave.records[i];
    if (one.log_offset == two.log_offset && one.bytes == two.bytes && one.number == two.number &&
        one.store_ms == two.store_ms && one.queue_offset == two.queue_offset) {
      continue;
    }
    world_.facts.findings.Add(
        "equal-logs", StrCat("record ", i, " is at ", one.log_offset, " on the master and ", two.log_offset,
                             " on the slave, or differs"));
    return;
  }
}

void ReplicaChecker::EndInPeace(BrokerNode& master, const std::vector<BrokerNode*>& slaves,
                                const std::set<uint32_t>& acked, const std::set<uint32_t>& kept) {
  std::vector<BrokerNode*> all = slaves;
  all.push_back(&master);
  for (BrokerNode* node : all) {
    node->Stop();
    world_.scheduler.RunUntil(world_.scheduler.now() + seconds(25),
                              [node] { return node->state() == Node::State::kDown; });
  }
  const StoreImage on_master = ImageOf(master, false);
  Contains(on_master, acked, "acknowledged");
  Contains(on_master, kept, "kept");
  for (BrokerNode* slave : slaves) {
    const StoreImage on_slave = ImageOf(*slave, false);
    Contains(on_slave, acked, "acknowledged");
    SameInPeace(on_master, on_slave);
  }
}

void ReplicaChecker::SameInPeace(const StoreImage& master, const StoreImage& slave) {
  SameLog(master, slave);
  if (master.records.size() != slave.records.size()) {
    world_.facts.findings.Add("equal-logs", StrCat("in peace the master has ", master.records.size(),
                                                   " records and the slave ", slave.records.size()));
  }
  std::set<QueueKey> all;
  for (const auto* image : {&master, &slave}) {
    for (const auto& [key, queue] : image->queues) {
      if (queue.max > queue.min) all.insert(key);
    }
  }
  static const ImageQueue kNone;
  for (const QueueKey& key : all) {
    const auto one = master.queues.find(key);
    const auto two = slave.queues.find(key);
    const ImageQueue& mine = one == master.queues.end() ? kNone : one->second;
    const ImageQueue& other = two == slave.queues.end() ? kNone : two->second;
    if (mine.min == other.min && mine.max == other.max) continue;
    world_.facts.findings.Add("equal-queues",
                              StrCat("in peace ", key.topic, "/", key.queue_id, " is [", mine.min, ", ",
                                     mine.max, ") on the master and [", other.min, ", ", other.max,
                                     ") on the slave"));
    return;
  }
}

}  // namespace orbitmq::sim

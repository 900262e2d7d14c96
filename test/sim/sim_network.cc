// SPDX-License-Identifier: Apache-2.0
#include "test/sim/sim_network.h"

#include <algorithm>
#include <deque>

namespace orbitmq::sim {

class SimConnection;

// Two ends and the bytes between them. Side 0 connected, side 1 accepted.
struct SimNetwork::Link {
  struct Chunk {
    MonoTime arrives;
    std::string bytes;
  };
  struct Side {
    Endpoint address;
    Executor* executor = nullptr;
    SimConnection* object = nullptr;  // Null once its owner destroyed it, or its host was killed.
    std::deque<Chunk> incoming;       // In order; the front may arrive in the future.
    MonoTime last_arrival{};
    bool delivery_scheduled = false;
    bool peer_closed = false;  // The other end will send nothing more after `incoming`.
    Status close_reason;
    bool close_told = false;
    size_t pending_out = 0;  // Written by this side, not yet arrived at the other.
    bool killed = false;
  };
  Side sides[2];
};

struct SimNetwork::Acceptor {
  ListenOptions options;
  AcceptHandler on_accept;
  size_t next_executor = 0;
};

class SimConnection final : public Connection {
 public:
  SimConnection(SimNetwork& network, std::shared_ptr<SimNetwork::Link> link, int side)
      : network_(network), link_(std::move(link)), side_(side) {
    me().object = this;
  }
  ~SimConnection() override {
    me().object = nullptr;
    network_.CloseLink(link_, side_, true, "closed by the peer");
  }

  void Start(ConnectionEvents* events) override {
    events_ = events;
    network_.ScheduleDelivery(link_, side_);
  }
  void Write(BytesChain pieces) override {
    std::string bytes;
    bytes.reserve(ChainBytes(pieces));
    for (const Bytes& piece : pieces) bytes.append(piece.view());
    if (!bytes.empty() && !closing_) network_.Send(link_, side_, std::move(bytes));
  }
  size_t PendingBytes() const override { return link_->sides[side_].pending_out; }
  void PauseReading() override { paused_ = true; }
  void ResumeReading() override {
    paused_ = false;
    network_.ScheduleDelivery(link_, side_);
  }
  void CloseAfterFlush() override {
    closing_ = true;
    paused_ = false;  // The end is told even to an owner that stopped reading.
    network_.CloseLink(link_, side_, true, "closed by the peer");
    me().peer_closed = true;  // Nothing more is read here either.
    me().incoming.clear();
    network_.ScheduleDelivery(link_, side_);
  }
  const Endpoint& local() const override { return link_->sides[side_].address; }
  const Endpoint& remote() const override { return link_->sides[1 - side_].address; }
  Executor& executor() const override { return *link_->sides[side_].executor; }

  bool ready() const { return events_ != nullptr && !paused_; }
  ConnectionEvents* events() const { return events_; }

  // Appends what came and presents it; false when the owner destroyed this object meanwhile.
  bool Present(std::string_view bytes) {
    input_.append(bytes);
    std::shared_ptr<SimNetwork::Link> link = link_;  // `this` may die in OnInput.
    const int side = side_;
    const size_t consumed = events_->OnInput(input_);
    if (link->sides[side].object == nullptr) return false;
    input_.erase(0, consumed);
    return true;
  }

 private:
  SimNetwork::Link::Side& me() { return link_->sides[side_]; }
  SimNetwork& network_;
  std::shared_ptr<SimNetwork::Link> link_;
  int side_;
  ConnectionEvents* events_ = nullptr;
  bool paused_ = false;
  bool closing_ = false;
  std::string input_;
};

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& network, Endpoint address) : network_(network), address_(std::move(address)) {}
  ~SimListener() override { network_.acceptors_.erase(address_); }
  const Endpoint& local() const override { return address_; }

 private:
  SimNetwork& network_;
  Endpoint address_;
};

class SimHostNetwork final : public Network {
 public:
  SimHostNetwork(SimNetwork& network, std::string host) : network_(network), host_(std::move(host)) {}

  Result<std::unique_ptr<Listener>> Listen(const ListenOptions& options, AcceptHandler on_accept) override {
    Endpoint address{host_, options.address.port};
    if (address.port == 0) address.port = network_.next_port_++;
    if (network_.acceptors_.contains(address)) {
      return Status(StatusCode::kAlreadyExists, "listen " + address.ToString() + ": address already in use");
    }
    auto acceptor = std::make_shared<SimNetwork::Acceptor>();
    acceptor->options = options;
    acceptor->on_accept = std::move(on_accept);
    network_.acceptors_[address] = std::move(acceptor);
    return std::unique_ptr<Listener>(std::make_unique<SimListener>(network_, address));
  }

  void Connect(const Endpoint& to, Executor& on, Duration timeout,
               Completion<std::unique_ptr<Connection>> done) override {
    ++network_.counters_.connects;
    const std::string host = network_.Resolve(host_, to.host);
    auto link = std::make_shared<SimNetwork::Link>();
    link->sides[0].address = Endpoint{host_, network_.next_port_++};
    link->sides[0].executor = &on;
    link->sides[1].address = Endpoint{host, to.port};
    const bool stalled = network_.Blocked(host_, host) || network_.Blocked(host, host_);
    const Duration after = stalled ? timeout : network_.DrawDelay() * 2;
    auto finish = [&network = network_, link, stalled, done = std::move(done)]() mutable {
      if (stalled) {
        done(
            Status(StatusCode::kUnavailable, "connect " + link->sides[1].address.ToString() + ": timed out"));
      } else {
        network.FinishConnect(link, std::move(done));
      }
    };
    on.PostAt(network_.scheduler_.now() + after, std::move(finish)).Detach();
  }

 private:
  SimNetwork& network_;
  std::string host_;
};

SimNetwork::SimNetwork(Scheduler& scheduler, NetworkFaults faults)
    : scheduler_(scheduler), faults_(faults), random_(scheduler.random().Next()) {}
SimNetwork::~SimNetwork() = default;

std::unique_ptr<Network> SimNetwork::NewView(const std::string& host, const std::string& name) {
  names_[name] = host;
  return std::make_unique<SimHostNetwork>(*this, host);
}

std::string SimNetwork::Resolve(const std::string& own_host, const std::string& name) const {
  if (name == "127.0.0.1" || name == "localhost" || name == "::1") return own_host;
  const auto it = names_.find(name);
  return it == names_.end() ? name : it->second;
}

Duration SimNetwork::DrawDelay() {
  Duration delay(random_.Between(faults_.delay_min.count(), faults_.delay_max.count()));
  if (faults_.clog_one_in > 0 && random_.Chance(1, faults_.clog_one_in)) {
    ++counters_.clogs;
    delay += Duration(random_.Between(0, faults_.clog_max.count()));
  }
  return delay;
}

void SimNetwork::FinishConnect(const std::shared_ptr<Link>& link,
                               Completion<std::unique_ptr<Connection>> done) {
  const auto it = acceptors_.find(link->sides[1].address);
  if (it == acceptors_.end()) {
    done(Status(StatusCode::kUnavailable,
                "connect " + link->sides[1].address.ToString() + ": Connection refused"));
    return;
  }
  std::shared_ptr<Acceptor> acceptor = it->second;
  const auto& executors = acceptor->options.executors;
  link->sides[1].executor = executors[acceptor->next_executor++ % executors.size()];
  std::erase_if(links_, [](const auto& weak) { return weak.expired(); });
  links_.push_back(link);
  // Both objects exist from now on; the server learns of it when its executor runs.
  auto accepted = std::make_unique<SimConnection>(*this, link, 1);
  link->sides[1].executor->Post(
      [acceptor, accepted = std::move(accepted)]() mutable { (*acceptor->on_accept)(std::move(accepted)); });
  done(std::unique_ptr<Connection>(std::make_unique<SimConnection>(*this, link, 0)));
}

void SimNetwork::Send(const std::shared_ptr<Link>& link, int from_side, std::string bytes) {
  Link::Side& from = link->sides[from_side];
  Link::Side& to = link->sides[1 - from_side];
  if (to.peer_closed) return;
  from.pending_out += bytes.size();
  const uint64_t pieces = 1 + random_.Below(std::max<uint64_t>(1, faults_.chunks_max));
  size_t begin = 0;
  for (uint64_t i = 0; i < pieces && begin < bytes.size(); ++i) {
    const size_t rest = bytes.size() - begin;
    const size_t count = i + 1 == pieces ? rest : 1 + random_.Below(rest);
    // In order within one direction, whatever the draws say.
    to.last_arrival = std::max(to.last_arrival, scheduler_.now() + DrawDelay());
    to.incoming.push_back({to.last_arrival, bytes.substr(begin, count)});
    ++counters_.chunks;
    begin += count;
  }
  ScheduleDelivery(link, 1 - from_side);
}

void SimNetwork::ScheduleDelivery(const std::shared_ptr<Link>& link, int to_side) {
  Link::Side& to = link->sides[to_side];
  if (to.delivery_scheduled || to.object == nullptr || to.killed || !to.object->ready()) return;
  MonoTime when = scheduler_.now();
  if (!to.incoming.empty()) {
    when = to.incoming.front().arrives;
  } else if (!to.peer_closed) {
    return;
  }
  to.delivery_scheduled = true;
  to.executor->PostAt(when, [this, link, to_side] { Deliver(link, to_side); }).Detach();
}

void SimNetwork::Deliver(const std::shared_ptr<Link>& link, int to_side) {
  Link::Side& to = link->sides[to_side];
  Link::Side& from = link->sides[1 - to_side];
  to.delivery_scheduled = false;
  if (to.object == nullptr || to.killed || !to.object->ready()) return;
  const std::string& from_host = from.address.host;
  if (!to.incoming.empty()) {
    if (Blocked(from_host, to.address.host)) return;  // Unblock schedules again.
    if (to.incoming.front().arrives <= scheduler_.now()) {
      Link::Chunk chunk = std::move(to.incoming.front());
      to.incoming.pop_front();
      from.pending_out -= std::min(from.pending_out, chunk.bytes.size());
      if (from.pending_out == 0 && from.object != nullptr && !from.killed) {
        from.executor->Post([link, side = 1 - to_side] {
          SimConnection* object = link->sides[side].object;
          if (object != nullptr && object->events() != nullptr) object->events()->OnDrained();
        });
      }
      if (!to.object->Present(chunk.bytes)) return;
    }
    ScheduleDelivery(link, to_side);
    return;
  }
  if (to.peer_closed && !to.close_told) {
    to.close_told = true;
    to.object->events()->OnClosed(to.close_reason);
  }
}

void SimNetwork::CloseLink(const std::shared_ptr<Link>& link, int by_side, bool in_order, const char* why) {
  Link::Side& other = link->sides[1 - by_side];
  if (!other.peer_closed) {
    other.peer_closed = true;
    other.close_reason = in_order ? Status() : Status(StatusCode::kUnavailable, why);
    if (!in_order) other.incoming.clear();
    // A blocked link tells nothing until it heals, as with real packets.
    if (!Blocked(link->sides[by_side].address.host, other.address.host)) ScheduleDelivery(link, 1 - by_side);
  }
}

void SimNetwork::KillHost(const std::string& host) {
  std::erase_if(acceptors_, [&](const auto& item) { return item.first.host == host; });
  for (const auto& weak : links_) {
    const std::shared_ptr<Link> link = weak.lock();
    if (link == nullptr) continue;
    for (int side = 0; side < 2; ++side) {
      if (link->sides[side].address.host != host || link->sides[side].killed) continue;
      link->sides[side].killed = true;
      CloseLink(link, side, false, "connection reset by peer");
    }
  }
}

void SimNetwork::Block(const std::string& from, const std::string& to) { blocked_.insert({from, to}); }

void SimNetwork::Unblock(const std::string& from, const std::string& to) {
  if (blocked_.erase({from, to}) == 0) return;
  for (const auto& weak : links_) {
    if (const std::shared_ptr<Link> link = weak.lock()) {
      ScheduleDelivery(link, 0);
      ScheduleDelivery(link, 1);
    }
  }
}

void SimNetwork::HealAll() {
  while (!blocked_.empty()) {
    const auto pair = *blocked_.begin();
    Unblock(pair.first, pair.second);
  }
}

bool SimNetwork::ResetRandomConnection() {
  std::vector<std::shared_ptr<Link>> live;
  for (const auto& weak : links_) {
    std::shared_ptr<Link> link = weak.lock();
    if (link == nullptr || link->sides[0].peer_closed || link->sides[1].peer_closed) continue;
    if (link->sides[0].address.host != link->sides[1].address.host) live.push_back(std::move(link));
  }
  if (live.empty()) return false;
  const std::shared_ptr<Link>& link = live[random_.Below(live.size())];
  ++counters_.resets;
  CloseLink(link, 0, false, "connection reset by peer");
  CloseLink(link, 1, false, "connection reset by peer");
  return true;
}

}  // namespace orbitmq::sim

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/memory_budget.h"
#include "remoting/deadline_wheel.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/rpc_client.h"

namespace orbitmq::net {

class ClientLink;

// One call from Call() to its end; a one-way request until it is handed to the connection.
struct ClientCall final : DeadlineWheel::Entry {
  Endpoint to;
  Opaque opaque = 0;
  bool oneway = false;
  MonoTime deadline;
  Completion<proto::Command> done;
  BytesChain frame;
  size_t frame_bytes = 0;
  MemoryBudget::Units units;
  ClientLink* link = nullptr;
  bool handed = false;        // The connection has it: it may leave at any moment.
  uint64_t stream_begin = 0;  // Where in the connection's stream it begins, once handed.
};

// What all links of a client share. Threads: the loop; the budget from any.
struct ClientCore final : std::enable_shared_from_this<ClientCore> {
  ClientCore(Env& environment, RpcClientOptions settings, Executor& executor);
  ClientLink& LinkTo(const Endpoint& endpoint);
  void Submit(std::unique_ptr<ClientCall> call);
  // See RpcClient::Flush.
  void Flush(MonoTime deadline, Completion<Done> done);
  void Shutdown();
  // Runs while there are links: closes idle connections, forgets links that are of no use.
  void ScheduleTick();
  void Tick();

  Env& env;
  const RpcClientOptions options;
  Executor& loop;
  Random random;
  MemoryBudget budget;
  DeadlineWheel deadlines;
  std::map<Endpoint, std::unique_ptr<ClientLink>> links;  // Ordered: the simulator replays runs.
  std::unordered_map<int32_t, UniqueFunction<void(RpcClient::Incoming)>> incoming;
  UniqueFunction<void(const Endpoint&)> on_closed;
  Timer tick;
  bool ticking = false;
  bool shut_down = false;
};

// The connection to one endpoint: opened on demand, kept while it is used. Threads: the loop.
class ClientLink final : public ConnectionEvents {
 public:
  ClientLink(ClientCore& core, Endpoint to) : core_(core), to_(std::move(to)) {}
  ~ClientLink() override;

  void Submit(std::unique_ptr<ClientCall> call);
  // The deadline has passed.
  void Expire(ClientCall& call);
  void Close(const Status& why);
  // One step of the idle watch. False when the link is of no use any more.
  bool Tick();
  // Nothing waits here for a connection or for the socket to take it.
  bool AllSent() const;

  size_t OnInput(std::string_view input) override;
  void OnDrained() override;
  void OnClosed(const Status& why) override;

 private:
  enum class State : uint8_t { kDown, kConnecting, kUp };
  // What a broken link means for its calls.
  enum class Ending : uint8_t { kBroken, kShutdown };

  void Connect();
  void OnConnected(Result<std::unique_ptr<Connection>> result);
  void BackOff(const Status& why);
  void HandOver();
  void ReleaseSent();
  void Down(const Status& why, Ending ending);
  void EndCalls(const Status& why, Ending ending, uint64_t left_bytes);
  Status OnFrame(const proto::FrameView& frame);
  void OnResponse(const proto::CommandView& view);
  void OnRequest(const proto::CommandView& view);
  void SendReply(uint64_t connection_id, proto::SerializeType serialize, proto::Command reply);
  // Fails a call from a task of its own: never inside Call().
  void FailLater(std::unique_ptr<ClientCall> call, Status why);
  std::unique_ptr<ClientCall> Take(Opaque opaque);

  ClientCore& core_;
  const Endpoint to_;
  State state_ = State::kDown;
  std::unique_ptr<Connection> connection_;
  uint64_t connection_id_ = 0;  // Counts attempts, so that late events of old ones are recognised.
  proto::CommandDecoder decoder_;
  std::unordered_map<Opaque, std::unique_ptr<ClientCall>> calls_;
  std::deque<Opaque> waiting_;  // Not handed over yet; ids that are gone from calls_ are skipped.
  uint64_t handed_bytes_ = 0;   // The stream position behind the last frame handed to the connection.
  struct Unsent {
    uint64_t end;
    MemoryBudget::Units units;
  };
  std::deque<Unsent> unsent_;
  MonoTime connected_at_;
  bool heard_ = false;  // The peer sent a frame on this connection.
  bool active_ = true;
  int quiet_ticks_ = 0;
  Duration backoff_{0};
  MonoTime retry_at_;
  Status last_failure_;
};

}  // namespace orbitmq::net

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/env.h"
#include "orbitmq/message_queue.h"
#include "remoting/protocol/headers.h"
#include "remoting/protocol/heartbeat.h"
#include "remoting/protocol/route.h"
#include "remoting/rpc_server.h"

namespace orbitmq::client {

// A NameServer and a broker in one, on real frames over any Env: enough of both for a client, and a script
// for everything that goes wrong.
//
// Threads: public methods from any thread. Scripts run on the server's own executor.
class FakeBroker final {
 public:
  FakeBroker(Env& env, const Endpoint& listen, std::string name);
  ~FakeBroker();

  // Waits for nothing: right for the simulator; a real one is stopped by its destructor.
  const Endpoint& address() const { return server_->local_endpoints().front(); }
  const std::string& name() const { return name_; }

  // What this NameServer answers for a topic; every fake broker in `brokers` gets that many queues.
  void SetRoute(const std::string& topic, const std::vector<FakeBroker*>& brokers, int32_t queue_count);
  void RemoveRoute(const std::string& topic);
  // Like amid a change of the master: this NameServer tells the brokers of the topic as slaves, or as
  // masters.
  void TellAsSlaves(const std::string& topic);
  void TellAsMasters(const std::string& topic);
  void SetPermission(const std::string& topic, int32_t perm);

  // Answers requests of that code instead of the default; nullopt = the default after all.
  using Script = std::function<std::optional<net::Response>(const proto::CommandView&)>;
  void Override(int32_t code, Script script);
  // Before what the scripts refer to goes away.
  void ClearOverrides();
  // Never answers requests of that code.
  void Ignore(int32_t code);
  void Clear(int32_t code);

  // Puts a message into a queue as if it had been sent.
  void Store(const MessageQueue& queue, const std::string& body, const std::string& properties = {});
  // Changes one byte of a stored message's body, so that it does not decode.
  void Damage(const MessageQueue& queue, int64_t offset);
  void SetMinOffset(const MessageQueue& queue, int64_t offset);
  // false = as a slave does it: what a pull says of finished messages is not kept.
  void SetPullsCommit(bool commit);
  void SetCommitted(const std::string& group, const MessageQueue& queue, int64_t offset);

  size_t RequestCount(int32_t code) const;
  std::vector<std::string> StoredBodies(const std::string& topic) const;
  std::vector<proto::SendMessageRequestHeader> sends() const;
  std::vector<proto::ConsumerSendMsgBackRequestHeader> send_backs() const;
  std::optional<int64_t> Committed(const std::string& group, const MessageQueue& queue) const;
  // Every offset that was ever committed for the queue, in order.
  std::vector<int64_t> Commits(const MessageQueue& queue) const;
  std::optional<proto::HeartbeatData> last_heartbeat() const;
  std::set<std::string> Members(const std::string& group) const;
  // Others that are said to be in every group.
  void AddMember(const std::string& client_id);
  void RemoveMember(const std::string& client_id);
  // Server to client.
  void Notify(proto::Command command);
  void Ask(proto::Command command, Completion<proto::Command> done);

 private:
  struct Queue {
    std::vector<std::string> records;  // The record at offset i; those below `min` are gone.
    int64_t min = 0;
    std::vector<int64_t> commits;
    std::map<std::string, int64_t> committed;  // By group.
  };
  using Handler = net::Response (FakeBroker::*)(const proto::CommandView&);

  void Serve(int32_t code, Handler handler);
  void TellWithId(const std::string& topic, BrokerId id);
  net::Response OnRoute(const proto::CommandView& request);
  net::Response OnSend(const proto::CommandView& request);
  net::Response OnPull(const proto::CommandView& request);
  net::Response OnHeartbeat(const proto::CommandView& request);
  net::Response OnUnregister(const proto::CommandView& request);
  net::Response OnMembers(const proto::CommandView& request);
  net::Response OnQueryOffset(const proto::CommandView& request);
  net::Response OnUpdateOffset(const proto::CommandView& request);
  net::Response OnMaxOffset(const proto::CommandView& request);
  net::Response OnMinOffset(const proto::CommandView& request);
  net::Response OnSearchOffset(const proto::CommandView& request);
  net::Response OnSendBack(const proto::CommandView& request);
  struct NewRecord {
    std::string_view topic;
    int32_t queue_id = 0;
    std::string_view body;
    std::string_view properties;
    int32_t sys_flag = 0;
    int32_t reconsume_times = 0;
  };
  int64_t Append(const NewRecord& record);

  Env& env_;
  const std::string name_;
  std::unique_ptr<Executor> io_;
  std::unique_ptr<net::RpcServer> server_;
  mutable std::mutex mutex_;
  bool pulls_commit_ = true;
  std::map<std::string, proto::TopicRouteData> routes_;
  std::map<int32_t, Script> scripts_;
  std::set<int32_t> ignored_;
  std::map<int32_t, size_t> requests_;
  std::map<std::pair<std::string, int32_t>, Queue> queues_;
  std::vector<std::string> log_;
  std::vector<proto::SendMessageRequestHeader> sends_;
  std::vector<proto::ConsumerSendMsgBackRequestHeader> send_backs_;
  std::optional<proto::HeartbeatData> heartbeat_;
  std::map<std::string, std::set<std::string>> groups_;
  std::set<std::string> others_;
  std::shared_ptr<net::Peer> peer_;
};

}  // namespace orbitmq::client

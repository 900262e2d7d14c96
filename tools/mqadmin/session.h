// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "remoting/protocol/route.h"
#include "tools/mqadmin/admin_client.h"
#include "tools/mqadmin/arguments.h"
#include "tools/mqadmin/output.h"
#include "tools/mqadmin/tls_choice.h"

namespace orbitmq::tools {

// What surrounds the process and decides how it behaves; read once in main.
struct Surroundings {
  std::string namesrv_addr;   // $NAMESRV_ADDR.
  std::string contexts_path;  // The file of contexts.
  TlsSettings tls;            // $MQADMIN_TLS, $MQADMIN_TLS_CA, ..
  std::string tls_key_password{};
  bool output_is_terminal = false;
  bool input_is_terminal = false;
  bool errors_are_terminal = false;
  bool colours_allowed = true;  // Not with $NO_COLOR.
  // Whether the user wants an end (SIGINT, SIGTERM). The first call takes these signals over, so that only
  // commands that ask for it end in their own way. Null: nobody can want it.
  bool (*interrupted)() = nullptr;
};

// One run of one command: what it was asked, where it prints, whom it asks.
// Threads: the main thread only.
class Session final {
 public:
  struct Parts {
    Env& env;
    const Surroundings& surroundings;
    const CommandSpec& command;
    Arguments arguments;
    Output& out;
    std::ostream& errors;
    std::istream& input;
  };
  Session(Parts parts, AdminClient& admin);

  const Arguments& args() const { return parts_.arguments; }
  const CommandSpec& command() const { return parts_.command; }
  const Surroundings& surroundings() const { return parts_.surroundings; }
  Output& out() { return parts_.out; }
  Env& env() { return parts_.env; }
  AdminClient& admin() { return admin_; }
  std::istream& input() { return parts_.input; }
  std::ostream& errors() { return parts_.errors; }
  bool Interrupted() const {
    return parts_.surroundings.interrupted != nullptr && parts_.surroundings.interrupted();
  }
  // A line on stderr that does not end the command.
  void Warn(std::string_view text);
  void Warn(const Status& status) { Warn(status.text()); }

  bool dry_run() const { return parts_.arguments.Has("dry-run"); }
  // Calls `method` as AdminClient::Call does, unless --dry-run was given: then `what` is told instead. `what`
  // completes "would ..".
  template <class Method, class... Args>
  Result<AdminClient::ValueOf<Method>> Change(std::string_view what, Method method, const Endpoint& to,
                                              const Args&... args) {
    if (dry_run()) {
      TellPlan(what, to);
      return AdminClient::ValueOf<Method>{};
    }
    return admin_.Call(method, to, args...);
  }
  // The same at many servers, one after the other; goes on after a failure, tells of it, and returns the
  // first.
  // done(server) after each that succeeded.
  template <class Method, class Done, class... Args>
  Status ChangeAll(std::string_view what, const std::vector<Endpoint>& servers, Done done, Method method,
                   const Args&... args) {
    Status first;
    for (const Endpoint& server : servers) {
      const auto result = Change(what, method, server, args...);
      if (result.ok()) {
        done(server);
      } else if (first.ok()) {
        first = result.status();
      } else {
        Warn(result.status());
      }
    }
    return first;
  }
  // Says that something was done; nothing under --dry-run, where it was not.
  void Did(std::string_view message);
  // Before something is deleted or moved: asks when both ends are a terminal and --yes was not given.
  // kCancelled when the answer is no. `what` completes "This will ..".
  Status Confirm(std::string_view what);

  // Runs `once`; with the option `interval` (seconds) again and again, until it fails.
  Status Repeat(Status (*once)(Session& session));

  // ---- where things are
  // How a client of the SDK reaches the same servers.
  ClientOptions SdkOptions() const;
  Result<Endpoint> Address(std::string_view option) const { return ParseEndpoint(args().Text(option)); }
  Result<proto::ClusterInfo> ClusterView();
  Result<proto::TopicRouteData> Route(const std::string& topic);
  // The masters of a cluster, sorted by address. An unknown cluster is kNotFound with Java's text.
  Result<std::vector<Endpoint>> MastersOf(const std::string& cluster);
  Result<std::vector<Endpoint>> MastersAndSlavesOf(const std::string& cluster);
  // What option `broker` (an address) or `cluster` says: that broker, or the masters.
  Result<std::vector<Endpoint>> Targets(std::string_view broker, std::string_view cluster);
  // The master of a broker by its name, from the cluster view.
  Result<Endpoint> MasterOf(const std::string& broker_name);

 private:
  void TellPlan(std::string_view what, const Endpoint& to);
  Parts parts_;
  AdminClient& admin_;
};

// The address that Java's BrokerData.selectBrokerAddr picks: the master, else any replica.
std::optional<Endpoint> SelectAddress(const proto::BrokerData& broker);
std::optional<Endpoint> MasterAddress(const proto::BrokerData& broker);
// That of each broker; those without one are left out.
std::vector<Endpoint> BrokersOfRoute(const proto::TopicRouteData& route);

// A usage error that only the command can see; mqadmin ends with 2.
Status UsageError(std::string_view text);
bool IsUsageError(const Status& status);

}  // namespace orbitmq::tools

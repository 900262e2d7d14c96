// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
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
  bool colours_allowed = true;  // Not with $NO_COLOR or TERM=dumb.
  // Whether the user wants an end (SIGINT, SIGTERM). The first call takes these signals over, so that only
  // commands that ask for it end in their own way. Null: nobody can want it.
  bool (*interrupted)() = nullptr;
  // Gives these signals back: they end the program again. Whether one had come.
  bool (*release_interrupts)() = nullptr;
  // Whether standard input can be read, or has ended; waits so long for it. Null: it always can.
  bool (*input_ready)(Millis wait) = nullptr;
  // How wide the terminal is; 0: not known. Null: there is none.
  size_t (*terminal_columns)() = nullptr;
  size_t columns() const { return terminal_columns == nullptr ? 0 : terminal_columns(); }
};

// Waits in steps that are short for a user. False as soon as an end is wanted; the signals are given back.
bool WaitUnlessInterrupted(const Surroundings& around, AdminClient& admin, Duration span);

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
  // Between two looks of a command that goes on; false when the user wants an end.
  bool Wait(Duration span);
  // A line on stderr that does not end the command.
  void Warn(std::string_view text);
  void Warn(const Status& status) { Warn(status.text()); }

  // What is printed lacks something: a warning, told once, and an element of "incomplete" in JSON.
  void Incomplete(const std::string& what);
  // The same of a server that did not answer. The rows of the others are printed all the same, and the
  // command ends with the first such failure when it ends well otherwise.
  void Unanswered(const Status& status);
  const Status& unanswered() const { return unanswered_; }
  // The next look of a command that goes on lacks nothing yet.
  void BeginLook();

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
  // change(server) returns how it went, at many servers, one after the other; goes on after a failure, tells
  // of it and of who was changed all the same, and returns the first. A broker of the cluster or route that
  // was asked for, but has no master, is a failure too.
  template <class ChangeOne>
  Status AtEach(const std::vector<Endpoint>& servers, ChangeOne change) {
    Changes changes;
    for (const Endpoint& server : servers) Note(server, change(server), changes);
    return Outcome(changes);
  }
  // The same of one call. done(server), or done(server, what it answered), after each that succeeded.
  template <class Method, class Done, class... Args>
  Status ChangeAll(std::string_view what, const std::vector<Endpoint>& servers, Done done, Method method,
                   const Args&... args) {
    return AtEach(servers, [&](const Endpoint& server) -> Status {
      const auto result = Change(what, method, server, args...);
      if (!result.ok()) return result.status();
      if constexpr (std::is_invocable_v<Done&, const Endpoint&, const AdminClient::ValueOf<Method>&>) {
        done(server, *result);
      } else {
        done(server);
      }
      return {};
    });
  }
  // What a server remarked on what it did, such as that a key is unknown to it: a warning, and an element of
  // "remarks" in JSON. Nothing when it is empty.
  void TellRemark(const Endpoint& server, std::string_view remark);
  // Says that something was done; nothing under --dry-run, where it was not.
  void Did(std::string_view message);
  // Writes a file and makes its folder; under --dry-run tells so instead.
  Status WriteFile(const std::string& path, std::string_view content);
  // The same of one that nobody else may read, where others may write (FileSystem::WritePrivateFile).
  Status WritePrivateFile(const std::string& base, const std::string& path, std::string_view content);
  // Before something is deleted or moved: asks unless --yes was given, when a person answers (standard input
  // is a terminal) and reads the question: on standard error, or, where that goes elsewhere, in the output.
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
  // Of every cluster.
  Result<std::vector<Endpoint>> AllMasters();
  Result<std::vector<Endpoint>> MastersAndSlavesOf(const std::string& cluster);
  // In the order of the route.
  std::vector<Endpoint> MastersOfRoute(const proto::TopicRouteData& route);
  // What option `broker` (an address) or `cluster` says: that broker, or the masters.
  Result<std::vector<Endpoint>> Targets(std::string_view broker, std::string_view cluster);
  // The master of a broker by its name, from the cluster view.
  Result<Endpoint> MasterOf(const std::string& broker_name);

 private:
  // What AtEach did.
  struct Changes {
    Status first_failure{};
    std::vector<std::string> done_at{};
    std::vector<std::string> failed_at{};
  };
  void Note(const Endpoint& server, const Status& status, Changes& changes);
  Status Outcome(Changes& changes);
  Result<std::vector<Endpoint>> BrokersOf(const std::string& cluster, bool masters_only);
  void TellPlan(std::string_view what, const Endpoint& to);
  void TellPlannedFile(std::string_view path, std::string_view content);

  Parts parts_;
  AdminClient& admin_;
  std::set<std::string> incomplete_{};  // What was told.
  Status unanswered_{};
  std::vector<std::string> without_master_{};  // Brokers of the cluster or route that was looked up last.
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

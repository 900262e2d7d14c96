// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/session.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/counted.h"

namespace orbitmq::tools {
namespace {

constexpr BrokerId kMasterId = 0;
constexpr Millis kInterruptLook{200};
constexpr char kUnknownCluster[] =
    "[error] Make sure the specified clusterName exists or the name server connected to is correct.";

// The endpoints of one cluster's brokers: of the masters only, or of all replicas.
std::vector<Endpoint> EndpointsOf(const proto::ClusterInfo& view, const std::set<std::string>& names,
                                  bool masters_only) {
  std::set<Endpoint> found;
  for (const std::string& name : names) {
    const auto broker = view.broker_addr_table.find(name);
    if (broker == view.broker_addr_table.end()) continue;
    for (const auto& [id, address] : broker->second.broker_addrs) {
      if (masters_only && id != kMasterId) continue;
      if (auto endpoint = ParseEndpoint(address); endpoint.ok()) found.insert(*std::move(endpoint));
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

bool WaitUnlessInterrupted(const Surroundings& around, AdminClient& admin, Duration span) {
  const Clock& clock = admin.env().clock();
  const MonoTime end = clock.Monotonic() + span;
  while (around.interrupted == nullptr || !around.interrupted()) {
    const Duration left = end - clock.Monotonic();
    if (left <= Duration::zero()) break;
    admin.Pause(std::min<Duration>(left, kInterruptLook));
  }
  return around.release_interrupts == nullptr || !around.release_interrupts();
}

Session::Session(Parts parts, AdminClient& admin) : parts_(std::move(parts)), admin_(admin) {}

bool Session::Wait(Duration span) {
  if (WaitUnlessInterrupted(surroundings(), admin_, span)) return true;
  if (surroundings().errors_are_terminal) errors() << "\n";  // Behind the ^C that the terminal shows.
  return false;
}

void Session::Warn(std::string_view text) {
  parts_.errors << "mqadmin: " << parts_.command.name << ": " << text << "\n";
}

void Session::Incomplete(const std::string& what) {
  if (!incomplete_.insert(what).second) return;
  Warn(what);
  out().Append("incomplete", JsonText(what));
}

void Session::Unanswered(const Status& status) {
  const std::string what(status.text());
  // The first one is told by the command's end.
  if (unanswered_.ok()) {
    unanswered_ = status;
    incomplete_.insert(what);
    out().Append("incomplete", JsonText(what));
  }
  Incomplete(what);
}

void Session::BeginLook() {
  if (!unanswered_.ok()) Warn(unanswered_);
  unanswered_ = Status();
  incomplete_.clear();
  admin_.ForgetMute();
}

void Session::TellPlan(std::string_view what, const Endpoint& to) {
  out().Message(StrCat("would ", what, " at ", to.ToString()));
}

void Session::TellPlannedFile(std::string_view path, std::string_view content) {
  out().Message(StrCat("would write ", CountedBytes(std::ssize(content)), " to ", path));
}

void Session::TellRemark(const Endpoint& server, std::string_view remark) {
  // Remarks are joined with this.
  while (remark.ends_with("; ")) remark.remove_suffix(2);
  if (remark.empty()) return;
  Warn(StrCat(server.ToString(), ": ", Printable(remark)));
  out().Append("remarks",
               StrCat("{\"server\":", JsonText(server.ToString()), ",\"remark\":", JsonText(remark), "}"));
}

void Session::Note(const Endpoint& server, const Status& status, Changes& changes) {
  (status.ok() ? changes.done_at : changes.failed_at).push_back(server.ToString());
  if (status.ok()) return;
  if (!changes.first_failure.ok()) Warn(status);
  if (changes.first_failure.ok()) changes.first_failure = status;
}

Status Session::Outcome(Changes& changes) {
  for (const std::string& name : std::exchange(without_master_, {})) {
    const Status gone(StatusCode::kUnavailable, StrCat("no NameServer knows a master of the broker ",
                                                       Printable(name), " now: nothing was changed there"));
    if (!changes.first_failure.ok()) Warn(gone);
    if (changes.first_failure.ok()) changes.first_failure = gone;
    changes.failed_at.push_back(name);
  }
  if (changes.failed_at.empty() || dry_run()) return changes.first_failure;
  for (const std::string& server : changes.done_at) out().Append("changed", JsonText(server));
  for (const std::string& server : changes.failed_at) out().Append("notChanged", JsonText(server));
  // One that did not answer in time may have done it all the same.
  if (!changes.done_at.empty()) {
    Warn(StrCat("done at ", Join(changes.done_at, ", "), "; not, or not for sure, at ",
                Join(changes.failed_at, ", ")));
  }
  return changes.first_failure;
}

void Session::Did(std::string_view message) {
  if (!dry_run()) out().Message(message);
}

Status Session::WriteFile(const std::string& path, std::string_view content) {
  if (dry_run()) return TellPlannedFile(path, content), Status();
  const Status made = env().files().CreateDirectories(path.substr(0, path.rfind('/')));
  return made.ok() ? WriteFileAtomically(env().files(), path, content) : made;
}

Status Session::WritePrivateFile(const std::string& base, const std::string& path, std::string_view content) {
  if (dry_run()) return TellPlannedFile(StrCat(base, "/", path), content), Status();
  return env().files().WritePrivateFile(base, path, content);
}

Status Session::Confirm(std::string_view what) {
  const Surroundings& around = parts_.surroundings;
  const bool person = around.input_is_terminal && (around.errors_are_terminal || around.output_is_terminal);
  if (args().Has("yes") || dry_run() || !person) return {};
  const std::string question = StrCat("This will ", what, ". Go on? [y/N] ");
  if (around.errors_are_terminal) {
    parts_.errors << question << std::flush;
  } else {
    out().Ask(question);
  }
  std::string answer;
  std::getline(parts_.input, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return {StatusCode::kCancelled, "nothing was changed; --yes goes on without asking"};
}

Status Session::Repeat(Status (*once)(Session& session)) {
  const int64_t seconds = args().Number("interval", 0);
  if (args().Has("interval") && seconds < 1) return UsageError("--interval must be at least 1 second");
  Status status = once(*this);
  while (seconds > 0 && status.ok()) {
    out().Finish();
    if (!Wait(std::chrono::seconds(seconds))) break;
    BeginLook();
    status = once(*this);
  }
  return status;
}

ClientOptions Session::SdkOptions() const {
  std::vector<std::string> names;
  // The SDK begins with any of them, and waits for a silent one longer than a user should.
  for (const Endpoint& server : admin_.PreferredNameServers()) {
    if (names.empty() || !admin_.silent(server)) names.push_back(server.ToString());
  }
  ClientOptions options;
  options.namesrv_addr = Join(names, ";");
  options.tls = admin_.tls();
  return options;
}

Result<proto::ClusterInfo> Session::ClusterView() {
  return admin_.CallNamesrv(&net::NamesrvStub::GetClusterInfo);
}

Result<proto::TopicRouteData> Session::Route(const std::string& topic) {
  return admin_.CallNamesrv(&net::NamesrvStub::GetRoute, topic);
}

Result<std::vector<Endpoint>> Session::BrokersOf(const std::string& cluster, bool masters_only) {
  const auto view = ClusterView();
  if (!view.ok()) return view.status();
  const auto names = view->cluster_addr_table.find(cluster);
  if (names == view->cluster_addr_table.end()) {
    std::vector<std::string> known;
    for (const auto& [name, brokers] : view->cluster_addr_table) known.push_back(name);
    return Status(StatusCode::kNotFound,
                  StrCat(kUnknownCluster, " There is no cluster '", Printable(cluster), "', but ",
                         known.empty() ? std::string("none at all") : Join(known, ", ")));
  }
  without_master_.clear();
  for (const std::string& name : names->second) {
    const auto broker = view->broker_addr_table.find(name);
    if (broker != view->broker_addr_table.end() && !MasterAddress(broker->second)) {
      without_master_.push_back(name);
    }
  }
  return EndpointsOf(*view, names->second, masters_only);
}

Result<std::vector<Endpoint>> Session::MastersOf(const std::string& cluster) {
  return BrokersOf(cluster, true);
}

Result<std::vector<Endpoint>> Session::AllMasters() {
  const auto view = ClusterView();
  if (!view.ok()) return view.status();
  without_master_.clear();
  std::vector<Endpoint> masters;
  for (const auto& [name, broker] : view->broker_addr_table) {
    if (auto master = MasterAddress(broker)) {
      masters.push_back(*std::move(master));
    } else {
      without_master_.push_back(name);
    }
  }
  return masters;
}

std::vector<Endpoint> Session::MastersOfRoute(const proto::TopicRouteData& route) {
  without_master_.clear();
  std::vector<Endpoint> masters;
  for (const proto::BrokerData& broker : route.broker_datas) {
    if (auto master = MasterAddress(broker)) {
      masters.push_back(*std::move(master));
    } else {
      without_master_.push_back(broker.broker_name);
    }
  }
  return masters;
}

Result<std::vector<Endpoint>> Session::MastersAndSlavesOf(const std::string& cluster) {
  return BrokersOf(cluster, false);
}

Result<std::vector<Endpoint>> Session::Targets(std::string_view broker, std::string_view cluster) {
  if (args().Has(broker)) {
    auto address = Address(broker);
    if (!address.ok()) return address.status();
    return std::vector<Endpoint>{*std::move(address)};
  }
  if (args().Has(cluster)) return MastersOf(args().Text(cluster));
  return UsageError(StrCat("give --", broker, " or --", cluster));
}

Result<Endpoint> Session::MasterOf(const std::string& broker_name) {
  const auto view = ClusterView();
  if (!view.ok()) return view.status();
  const auto broker = view->broker_addr_table.find(broker_name);
  const auto master = broker == view->broker_addr_table.end() ? std::nullopt : MasterAddress(broker->second);
  if (master) return *master;
  return Status(StatusCode::kNotFound, StrCat("no NameServer knows a master of the broker '",
                                              Printable(broker_name), "'; see mqadmin clusterList"));
}

std::optional<Endpoint> MasterAddress(const proto::BrokerData& broker) {
  const auto master = broker.broker_addrs.find(kMasterId);
  if (master == broker.broker_addrs.end()) return std::nullopt;
  auto endpoint = ParseEndpoint(master->second);
  return endpoint.ok() ? std::optional(*std::move(endpoint)) : std::nullopt;
}

std::optional<Endpoint> SelectAddress(const proto::BrokerData& broker) {
  if (auto master = MasterAddress(broker)) return master;
  for (const auto& [id, address] : broker.broker_addrs) {
    if (auto endpoint = ParseEndpoint(address); endpoint.ok()) return *std::move(endpoint);
  }
  return std::nullopt;
}

std::vector<Endpoint> BrokersOfRoute(const proto::TopicRouteData& route) {
  std::vector<Endpoint> brokers;
  for (const proto::BrokerData& broker : route.broker_datas) {
    if (auto address = SelectAddress(broker)) brokers.push_back(*std::move(address));
  }
  return brokers;
}

Status UsageError(std::string_view text) { return {StatusCode::kInvalidArgument, text}; }
bool IsUsageError(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument && status.wire_code() < 0;
}

}  // namespace orbitmq::tools

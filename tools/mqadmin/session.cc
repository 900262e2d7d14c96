// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/session.h"

#include <istream>
#include <ostream>

#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::tools {
namespace {

constexpr BrokerId kMasterId = 0;
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

Result<std::vector<Endpoint>> BrokersOf(Session& session, const std::string& cluster, bool masters_only) {
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  const auto names = view->cluster_addr_table.find(cluster);
  if (names == view->cluster_addr_table.end()) {
    std::vector<std::string> known;
    for (const auto& [name, brokers] : view->cluster_addr_table) known.push_back(name);
    return Status(StatusCode::kNotFound,
                  StrCat(kUnknownCluster, " There is no cluster '", Printable(cluster), "', but ",
                         known.empty() ? std::string("none at all") : Join(known, ", ")));
  }
  return EndpointsOf(*view, names->second, masters_only);
}

}  // namespace

Session::Session(Parts parts, AdminClient& admin) : parts_(std::move(parts)), admin_(admin) {}

void Session::Warn(std::string_view text) {
  parts_.errors << "mqadmin: " << parts_.command.name << ": " << text << "\n";
}

void Session::TellPlan(std::string_view what, const Endpoint& to) {
  out().Message(StrCat("would ", what, " at ", to.ToString()));
}

void Session::Did(std::string_view message) {
  if (!dry_run()) out().Message(message);
}

Status Session::Confirm(std::string_view what) {
  const Surroundings& around = parts_.surroundings;
  if (args().Has("yes") || dry_run() || !around.input_is_terminal || !around.output_is_terminal) return {};
  parts_.errors << "This will " << what << ". Go on? [y/N] " << std::flush;
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
    admin_.Pause(std::chrono::seconds(seconds));
    status = once(*this);
  }
  return status;
}

ClientOptions Session::SdkOptions() const {
  std::vector<std::string> names;
  for (const Endpoint& server : admin_.name_servers()) names.push_back(server.ToString());
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

Result<std::vector<Endpoint>> Session::MastersOf(const std::string& cluster) {
  return BrokersOf(*this, cluster, true);
}

Result<std::vector<Endpoint>> Session::MastersAndSlavesOf(const std::string& cluster) {
  return BrokersOf(*this, cluster, false);
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

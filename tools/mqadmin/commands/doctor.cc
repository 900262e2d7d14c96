// SPDX-License-Identifier: Apache-2.0
// Ours: asks every server and tells what is wrong with it, and what to do.
#include "common/strings.h"
#include "tools/mqadmin/cluster_findings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/properties_view.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

NameServerFacts AskNameServer(Session& session, const Endpoint& server, proto::ClusterInfo& view,
                              std::map<std::string, std::string>& lost) {
  NameServerFacts facts{.address = server.ToString()};
  auto info = session.admin().Call(&net::NamesrvStub::GetClusterInfo, server);
  facts.reached = info.ok() ? Status() : info.status();
  if (!info.ok()) return facts;
  for (const auto& [name, broker] : info->broker_addr_table) {
    for (const auto& [id, address] : broker.broker_addrs) facts.brokers[{name, id}] = address;
    proto::BrokerData& known = view.broker_addr_table.emplace(name, broker).first->second;
    known.broker_addrs.insert(broker.broker_addrs.begin(), broker.broker_addrs.end());
  }
  if (info->lost_broker_table) {
    for (const auto& [name, broker] : *info->lost_broker_table) {
      if (!broker.broker_addrs.empty()) lost.emplace(name, broker.broker_addrs.begin()->second);
    }
  }
  const auto config = session.admin().Call(&net::NamesrvStub::GetConfig, server);
  if (config.ok()) facts.config = ParseProperties(*config);
  return facts;
}

// Whether a broker answers is told by the first question; one that does not is asked nothing more, since each
// question would take its whole time again. The others may each be one that it does not know.
void AskBrokers(Session& session, std::vector<BrokerFacts>& brokers) {
  std::vector<Endpoint> servers;
  std::vector<BrokerFacts*> asked;
  for (BrokerFacts& broker : brokers) {
    auto server = ParseEndpoint(broker.address);
    if (!server.ok()) {
      broker.reached = server.status();
      continue;
    }
    servers.push_back(*std::move(server));
    asked.push_back(&broker);
  }
  AdminClient& admin = session.admin();
  const auto runtime = admin.CallAllTimed(&net::AdminStub::GetRuntimeStats, servers);
  std::vector<Endpoint> alive;
  std::vector<BrokerFacts*> answered;
  for (size_t i = 0; i < asked.size(); ++i) {
    BrokerFacts& facts = *asked[i];
    if (!runtime[i].answer.ok()) {
      facts.reached = runtime[i].answer.status();
      continue;
    }
    facts.runtime = runtime[i].answer->table;
    if (const auto clock = BrokerClock(facts.runtime)) {
      facts.clock_ahead_ms = ClockAhead(*clock, runtime[i].asked_ms, runtime[i].answered_ms);
    }
    alive.push_back(servers[i]);
    answered.push_back(&facts);
  }
  const auto configs = admin.CallAll(&net::AdminStub::GetConfig, alive);
  const auto topics = admin.CallAll(&net::AdminStub::GetAllTopics, alive);
  const auto replication = admin.CallAll(&net::AdminStub::GetHaStatus, alive);
  for (size_t i = 0; i < alive.size(); ++i) {
    if (configs[i].ok()) answered[i]->config = ParseProperties(*configs[i]);
    if (topics[i].ok()) answered[i]->topics = topics[i]->topic_config_table;
    if (replication[i].ok()) answered[i]->replication = *replication[i];
  }
}

Status AskRoutes(Session& session, const Endpoint& server, std::vector<RouteFacts>& routes) {
  const auto topics = session.admin().Call(&net::NamesrvStub::GetAllTopics, server);
  if (!topics.ok()) return topics.status();
  std::vector<std::pair<Endpoint, std::string>> questions;
  for (const std::string& topic : topics->topic_list) questions.emplace_back(server, topic);
  const auto answers = session.admin().CallEach(&net::NamesrvStub::GetRoute, questions);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].ok()) continue;  // A topic without a broker has no route.
    RouteFacts facts{.topic = questions[i].second};
    for (const proto::QueueData& data : answers[i]->queue_datas) facts.broker_names.insert(data.broker_name);
    routes.push_back(std::move(facts));
  }
  return {};
}

Result<ClusterFacts> AskAll(Session& session) {
  ClusterFacts facts;
  proto::ClusterInfo view;
  const Endpoint* asked = nullptr;
  for (const Endpoint& server : session.admin().name_servers()) {
    facts.name_servers.push_back(AskNameServer(session, server, view, facts.lost));
    if (asked == nullptr && facts.name_servers.back().reached.ok()) asked = &server;
  }
  if (asked == nullptr) return facts.name_servers.front().reached;
  for (const auto& [name, broker] : view.broker_addr_table) {
    for (const auto& [id, address] : broker.broker_addrs) {
      facts.brokers.push_back({.cluster = broker.cluster, .name = name, .id = id, .address = address});
    }
  }
  AskBrokers(session, facts.brokers);
  if (Status routes = AskRoutes(session, *asked, facts.routes); !routes.ok()) return routes;
  return facts;
}

void Tell(Session& session, const Finding& finding) {
  const bool error = finding.severity == Severity::kError;
  session.out().Line(StrCat(error ? "ERROR    " : "WARNING  ", finding.where, ": ", finding.what));
  session.out().Line(StrCat("         remedy: ", finding.remedy));
}

std::string FindingJson(const Finding& finding) {
  return StrCat("{\"severity\":\"", finding.severity == Severity::kError ? "error" : "warning",
                "\",\"where\":", JsonText(finding.where), ",\"finding\":", JsonText(finding.what),
                ",\"remedy\":", JsonText(finding.remedy), "}");
}

Status RunDoctor(Session& session) {
  const auto facts = AskAll(session);
  if (!facts.ok()) return facts.status();
  int64_t errors = 0;
  const std::vector<Finding> findings = Examine(*facts);
  std::vector<std::string> json;
  for (const Finding& finding : findings) {
    errors += finding.severity == Severity::kError ? 1 : 0;
    Tell(session, finding);
    json.push_back(FindingJson(finding));
  }
  session.out().Member("findings", StrCat("[", Join(json, ","), "]"));
  const int64_t warnings = static_cast<int64_t>(findings.size()) - errors;
  session.out().Line(StrCat("looked at ", Counted(std::ssize(facts->name_servers), "NameServer"), ", ",
                            Counted(std::ssize(facts->brokers), "broker"), " and ",
                            Counted(std::ssize(facts->routes), "topic"), ": ", Counted(errors, "error"), ", ",
                            Counted(warnings, "warning")));
  session.out().Member("errors", StrCat(errors));
  session.out().Member("warnings", StrCat(warnings));
  if (errors == 0) return {};
  return {StatusCode::kFailedPrecondition,
          StrCat(Counted(errors, "error"), errors == 1 ? " was found" : " were found")};
}

constexpr CommandSpec kCommands[] = {
    {"doctor", "cluster", "Asks every server and tells what is wrong, with the remedy", {}, "mqadmin doctor",
     Effect::kReads, Needs::kNameServer, RunDoctor},
};

}  // namespace

std::span<const CommandSpec> DoctorCommands() { return kCommands; }

}  // namespace orbitmq::tools

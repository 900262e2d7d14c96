// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/cluster_findings.h"

#include <algorithm>
#include <cstdlib>

#include "common/strings.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/master_switch.h"
#include "tools/mqadmin/replica_findings.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kClockMillisMax = 5000;
constexpr double kDiskWarning = 0.85;  // From here Apache's brokers and ours delete files before their time.
constexpr double kDiskError = 0.90;    // From here they refuse messages.

using Findings = std::vector<Finding>;
using Table = std::map<std::string, std::string>;

void Error(Findings& to, std::string where, std::string what, std::string remedy) {
  to.push_back({Severity::kError, std::move(where), std::move(what), std::move(remedy)});
}
void Warning(Findings& to, std::string where, std::string what, std::string remedy) {
  to.push_back({Severity::kWarning, std::move(where), std::move(what), std::move(remedy)});
}

std::string ValueOf(const Table& table, const std::string& key) {
  const auto at = table.find(key);
  return at == table.end() ? std::string() : at->second;
}

// Keys that are different on purpose.
bool OfOneServer(std::string_view key) {
  const std::string name = AsciiLower(key);
  for (const std::string_view part : {"path", "port", "home", "address", "dir", "file"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

void ExamineNameServers(const ClusterFacts& facts, Findings& to) {
  const NameServerFacts* first = nullptr;
  for (const NameServerFacts& server : facts.name_servers) {
    if (!server.reached.ok()) {
      Error(to, server.address, StrCat("the NameServer does not answer: ", server.reached.text()),
            "start it, or take its address out of what clients and brokers are given");
      continue;
    }
    if (first == nullptr) {
      first = &server;
      continue;
    }
    std::set<std::string> different;
    for (const auto& [one, other] : {std::pair{first, &server}, std::pair{&server, first}}) {
      for (const auto& [key, address] : one->brokers) {
        const auto at = other->brokers.find(key);
        if (at == other->brokers.end() || at->second != address) {
          different.insert(StrCat(key.first, ":", key.second));
        }
      }
    }
    if (!different.empty()) {
      Error(to, server.address,
            StrCat("it and ", first->address, " know different brokers: ",
                   Join(std::vector<std::string>(different.begin(), different.end()), ", ")),
            "let every broker's namesrvAddr name all NameServers, and look for a network that is cut");
    }
    for (const auto& [key, value] : first->config) {
      const auto at = server.config.find(key);
      if (at == server.config.end() || at->second == value || OfOneServer(key)) continue;
      Warning(to, server.address,
              StrCat(key, " is ", Printable(at->second), " here and ", Printable(value), " at ",
                     first->address),
              StrCat("set one value: mqadmin updateNamesrvConfig -k ", key, " -v VALUE"));
    }
  }
}

void ExamineDisk(const BrokerFacts& broker, Findings& to) {
  double fullest = 0;
  for (const char* key : {"commitLogDiskRatio", "consumeQueueDiskRatio"}) {
    fullest = std::max(fullest, ParseDouble(Trim(ValueOf(broker.runtime, key))).value_or(0));
  }
  const std::string remedy =
      "make room on the disk, shorten fileReservedTime, or move the store to a larger one";
  if (ValueOf(broker.runtime, "storeWritable") == "false") {
    Error(to, PlaceOf(broker),
          StrCat("takes no messages: ", Printable(ValueOf(broker.runtime, "storeWriteRefusal"))), remedy);
  } else if (fullest >= kDiskError) {
    Error(to, PlaceOf(broker), StrCat("its disk is full to ", JavaFixed(fullest * 100, 0), " %"), remedy);
  } else if (fullest >= kDiskWarning) {
    Warning(to, PlaceOf(broker),
            StrCat("its disk is full to ", JavaFixed(fullest * 100, 0), " %; files go before their time"),
            remedy);
  }
}

void ExamineBrokers(const ClusterFacts& facts, Findings& to) {
  std::map<std::string, std::string> versions;  // One broker of each.
  for (const BrokerFacts& broker : facts.brokers) {
    if (!broker.reached.ok()) {
      Error(to, PlaceOf(broker),
            StrCat("clients are told this address, but nobody answers: ", broker.reached.text()),
            "start the broker; if it runs, set brokerIP1 to an address that clients reach");
      continue;
    }
    versions.emplace(ValueOf(broker.runtime, "brokerVersionDesc"), PlaceOf(broker));
    ExamineDisk(broker, to);
    if (const int64_t ahead = broker.clock_ahead_ms.value_or(0); std::abs(ahead) > kClockMillisMax) {
      Warning(to, PlaceOf(broker),
              StrCat("its clock is ", std::abs(ahead) / 1000, " s ", ahead > 0 ? "ahead of" : "behind",
                     " the one here"),
              "synchronise the clocks (chrony or the like); delays and searches by time go wrong");
    }
  }
  if (versions.size() > 1) {
    std::vector<std::string> pieces;
    for (const auto& [version, place] : versions) pieces.push_back(StrCat(version, " (", place, ")"));
    Warning(to, "brokers", StrCat("different versions: ", Join(pieces, ", ")), "finish the upgrade");
  }
}

bool SameTopic(const proto::TopicConfig& a, const proto::TopicConfig& b) {
  return a.perm == b.perm && a.read_queue_nums == b.read_queue_nums && a.order == b.order &&
         a.write_queue_nums == b.write_queue_nums && a.attributes == b.attributes;
}

void ExamineSlave(const BrokerFacts& master, const BrokerFacts& slave, Findings& to) {
  std::vector<std::string> different;
  for (const auto& [topic, config] : master.topics) {
    const auto at = slave.topics.find(topic);
    if (at == slave.topics.end() || !SameTopic(config, at->second)) different.push_back(topic);
  }
  if (different.empty()) return;
  const size_t count = different.size();
  different.resize(std::min<size_t>(count, 3));
  Warning(to, PlaceOf(slave),
          StrCat(Counted(static_cast<int64_t>(count), "topic"), count == 1 ? " is" : " are",
                 " not as on its master, such as ", Join(different, ", ")),
          "wait ten seconds and look again; if they stay, the slave's log tells why it cannot copy them");
}

void ExamineReplication(const BrokerFacts& master, size_t slaves, Findings& to) {
  if (!master.replication) return;
  const auto& connected = master.replication->ha_connection_info;
  if (connected.size() < slaves) {
    Error(to, PlaceOf(master), StrCat(connected.size(), " of ", slaves, " slaves are connected to it"),
          "see the log of the slave that is missing: its haMasterAddress, haListenPort, firewalls");
  }
  for (const proto::HAConnectionRuntimeInfo& slave : connected) {
    if (proto::InStep(slave)) continue;
    Warning(to, PlaceOf(master),
            StrCat("its slave ", slave.addr, " is not in step: ", LagText(slave), " behind"),
            "watch mqadmin haStatus; if it does not catch up, look at the slave's disk and network");
  }
}

void ExamineGroups(const ClusterFacts& facts, Findings& to) {
  std::map<std::string, std::vector<const BrokerFacts*>> groups;
  for (const BrokerFacts& broker : facts.brokers) groups[broker.name].push_back(&broker);
  for (const auto& [name, members] : groups) {
    ExamineReplicas(members, to);
    const auto master = std::find_if(members.begin(), members.end(),
                                     [](const BrokerFacts* one) { return one->id == kMasterId; });
    if (master == members.end()) {
      Error(to, name, "no master is registered: it takes no messages", "start the master");
      continue;
    }
    if (!(*master)->reached.ok()) continue;
    ExamineReplication(**master, members.size() - 1, to);
    for (const BrokerFacts* member : members) {
      if (member != *master && member->reached.ok()) ExamineSlave(**master, *member, to);
    }
  }
}

void ExamineLost(const ClusterFacts& facts, Findings& to) {
  for (const auto& [name, address] : facts.lost) {
    const bool back = std::any_of(facts.brokers.begin(), facts.brokers.end(),
                                  [&name = name](const BrokerFacts& one) { return one.name == name; });
    if (back) continue;
    Error(
        to, name, StrCat("all brokers of this name are gone, the last one seen was ", address),
        "start them; if they are gone for good, NameServers forget the name after 7 days or with a restart");
  }
}

// What brokers and NameServers must both say.
void ExamineActingMasters(const ClusterFacts& facts, Findings& to) {
  std::vector<std::string> brokers;
  for (const BrokerFacts& broker : facts.brokers) {
    if (ValueOf(broker.config, "enableSlaveActingMaster") == "true") brokers.push_back(PlaceOf(broker));
  }
  if (brokers.empty()) return;
  for (const NameServerFacts& server : facts.name_servers) {
    if (!server.reached.ok() || server.config.empty()) continue;
    if (ValueOf(server.config, "supportActingMaster") == "true") continue;
    Warning(to, server.address,
            StrCat("supportActingMaster is false here, but enableSlaveActingMaster is true at ",
                   Counted(std::ssize(brokers), "broker"), ", such as ", brokers.front(),
                   ": no slave will stand in for its master"),
            "set supportActingMaster=true in the NameServer's file: mqadmin updateNamesrvConfig -k "
            "supportActingMaster -v true");
  }
}

void ExamineRoutes(const ClusterFacts& facts, Findings& to) {
  std::set<std::string> alive;
  for (const BrokerFacts& broker : facts.brokers) {
    if (broker.reached.ok()) alive.insert(broker.name);
  }
  std::map<std::string, std::vector<std::string>> dead;  // Broker name to topics.
  for (const RouteFacts& route : facts.routes) {
    for (const std::string& name : route.broker_names) {
      if (!alive.contains(name)) dead[name].push_back(route.topic);
    }
  }
  for (const auto& [name, topics] : dead) {
    Error(to, name,
          StrCat("the routes of ", Counted(std::ssize(topics), "topic"), ", such as ", topics.front(),
                 ", name it, but it is dead"),
          StrCat("start it, or stop clients from sending there: mqadmin wipeWritePerm -b ", name));
  }
}

}  // namespace

std::optional<int64_t> BrokerClock(const std::map<std::string, std::string>& runtime) {
  const auto boot = ParseInt<int64_t>(Trim(ValueOf(runtime, "bootTimestamp")));
  if (!boot) return std::nullopt;
  int64_t seconds = 0;
  size_t figures = 0;
  constexpr int64_t kUnits[] = {86400, 3600, 60, 1};
  const std::string text = ValueOf(runtime, "runtime");
  for (const std::string_view word : Split(text, ' ')) {
    const auto figure = ParseInt<int64_t>(word);
    if (!figure || figures == std::size(kUnits)) continue;
    seconds += *figure * kUnits[figures++];
  }
  if (figures != std::size(kUnits)) return std::nullopt;
  return *boot + seconds * 1000;
}

int64_t ClockAhead(int64_t clock_ms, int64_t asked_ms, int64_t answered_ms) {
  constexpr int64_t kRoundedOffMax = 999;
  if (clock_ms > answered_ms) return clock_ms - answered_ms;
  return std::min<int64_t>(clock_ms + kRoundedOffMax - asked_ms, 0);
}

std::vector<Finding> Examine(const ClusterFacts& facts) {
  Findings findings;
  ExamineNameServers(facts, findings);
  ExamineBrokers(facts, findings);
  ExamineGroups(facts, findings);
  ExamineLost(facts, findings);
  ExamineActingMasters(facts, findings);
  ExamineRoutes(facts, findings);
  if (facts.brokers.empty()) {
    Error(findings, "brokers", "no broker is registered",
          "start a broker with namesrvAddr naming these NameServers");
  }
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.severity != b.severity ? a.severity > b.severity : a.where < b.where;
  });
  return findings;
}

}  // namespace orbitmq::tools

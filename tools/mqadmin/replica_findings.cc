// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/replica_findings.h"

#include <algorithm>

#include "common/strings.h"

namespace orbitmq::tools {
namespace {

using Findings = std::vector<Finding>;

std::string ConfigOf(const BrokerFacts& broker, const std::string& key) {
  const auto at = broker.config.find(key);
  return at == broker.config.end() ? std::string() : std::string(Trim(at->second));
}

int64_t NumberOf(const BrokerFacts& broker, const std::string& key, int64_t otherwise) {
  return ParseInt<int64_t>(ConfigOf(broker, key)).value_or(otherwise);
}

bool SaysMaster(const BrokerFacts& broker) {
  const std::string role = ConfigOf(broker, "brokerRole");
  return role == "SYNC_MASTER" || role == "ASYNC_MASTER";
}

// Whether the server at the address is the one that was registered.
void ExamineIdentity(const BrokerFacts& broker, Findings& to) {
  const std::string name = ConfigOf(broker, "brokerName");
  if (!name.empty() && name != broker.name) {
    to.push_back({Severity::kError, PlaceOf(broker), StrCat("the broker there is called ", Printable(name)),
                  "give each broker an address and a port of its own (brokerIP1, listenPort)"});
    return;
  }
  const auto id = ParseInt<int64_t>(ConfigOf(broker, "brokerId"));
  if (!id || *id == static_cast<int64_t>(broker.id)) return;
  to.push_back({Severity::kError, PlaceOf(broker),
                StrCat("it is registered with the id ", broker.id, ", but its brokerId is ", *id),
                "look again in a minute; if it stays, start the broker anew, and see that no two brokers of "
                "the name have the same brokerId"});
}

void ExamineMasters(std::span<const BrokerFacts* const> replicas, Findings& to) {
  std::vector<std::string> masters;
  for (const BrokerFacts* broker : replicas) {
    if (broker->reached.ok() && SaysMaster(*broker)) masters.push_back(broker->address);
  }
  if (masters.size() < 2) return;
  to.push_back({Severity::kError, replicas.front()->name,
                StrCat(masters.size(), " brokers say that they are its master: ", Join(masters, ", ")),
                "make all but one of them SLAVE, with a brokerId above 0; what only those have is lost "
                "then"});
}

// A rival that gave way is in no route any more: the master alone tells of it.
void ExamineRival(const BrokerFacts& master, Findings& to) {
  if (!master.replication || !master.replication->master || !master.replication->rival) return;
  const std::string rival = Printable(*master.replication->rival);
  to.push_back({Severity::kWarning, PlaceOf(master),
                StrCat("another broker, ", rival, ", served as the master of ", master.name,
                       ", too, until it found this one; what it took meanwhile is in its log only"),
                StrCat("copy its store if that matters, then make it a slave: mqadmin switchMaster -b ",
                       master.name, " --rejoin ", rival)});
}

void ExamineDemand(const BrokerFacts& master, size_t brokers, Findings& to) {
  if (ConfigOf(master, "brokerRole") != "SYNC_MASTER") return;
  const auto there = static_cast<int64_t>(brokers);
  const int64_t wanted = ReplicasDemanded(master);
  const int64_t least = NumberOf(master, "minInSyncReplicas", 1);
  if (wanted > there && there == 1) {
    to.push_back({Severity::kError, PlaceOf(master),
                  StrCat("it is SYNC_MASTER, waits for ", wanted,
                         " brokers and has no slave: sends are answered SLAVE_NOT_AVAILABLE or time out"),
                  "start a slave, or make it an ASYNC_MASTER"});
  } else if (wanted > there) {
    to.push_back({Severity::kError, PlaceOf(master),
                  StrCat("it waits for ", wanted, " brokers (inSyncReplicas), but only ", there,
                         " are registered: no send is answered OK"),
                  "start more slaves, or lower inSyncReplicas"});
  } else if (least > there) {
    to.push_back({Severity::kError, PlaceOf(master),
                  StrCat("minInSyncReplicas is ", least, ", but only ", there,
                         " brokers are registered: it refuses sends"),
                  "start more slaves, or lower minInSyncReplicas"});
  }
}

void ExamineSettings(const BrokerFacts& master, const BrokerFacts& slave, Findings& to) {
  struct Setting {
    const char* key;
    const char* consequence;
  };
  constexpr Setting kEqual[] = {
      {"mappedFileSizeCommitLog", "their log files do not match, and it may stop following"},
      {"messageDelayLevel", "delayed messages come at other times when it stands in for the master"}};
  for (const auto& [key, consequence] : kEqual) {
    const std::string own = ConfigOf(slave, key);
    const std::string masters = ConfigOf(master, key);
    if (own.empty() || masters.empty() || own == masters) continue;
    to.push_back({Severity::kWarning, PlaceOf(slave),
                  StrCat(key, " is ", Printable(own), " here and ", Printable(masters),
                         " at its master: ", consequence),
                  StrCat("set the same ", key, " in the files of both and start them anew")});
  }
  constexpr char kFlush[] = "flushDiskType";
  if (ConfigOf(master, kFlush) == "SYNC_FLUSH" && ConfigOf(slave, kFlush) == "ASYNC_FLUSH") {
    to.push_back({Severity::kWarning, PlaceOf(slave),
                  "flushDiskType is ASYNC_FLUSH here and SYNC_FLUSH at its master: what the slave has is not "
                  "on its disk yet when a send is answered",
                  "set flushDiskType=SYNC_FLUSH at the slave, too"});
  }
}

}  // namespace

std::string PlaceOf(const BrokerFacts& broker) { return StrCat(broker.name, " ", broker.address); }

int64_t ReplicasDemanded(const BrokerFacts& master) {
  if (ConfigOf(master, "enableAutoInSyncReplicas") == "true") return NumberOf(master, "minInSyncReplicas", 1);
  // 0 is our own default and means 2; Apache's is 1.
  const int64_t wanted = NumberOf(master, "inSyncReplicas", 1);
  return wanted == 0 ? 2 : wanted;
}

void ExamineReplicas(std::span<const BrokerFacts* const> replicas, std::vector<Finding>& to) {
  for (const BrokerFacts* broker : replicas) {
    if (broker->reached.ok()) ExamineIdentity(*broker, to);
  }
  ExamineMasters(replicas, to);
  const auto master = std::find_if(replicas.begin(), replicas.end(),
                                   [](const BrokerFacts* one) { return one->id == kMasterId; });
  if (master == replicas.end() || !(*master)->reached.ok()) return;
  ExamineRival(**master, to);
  ExamineDemand(**master, replicas.size(), to);
  for (const BrokerFacts* slave : replicas) {
    if (slave != *master && slave->reached.ok()) ExamineSettings(**master, *slave, to);
  }
}

}  // namespace orbitmq::tools

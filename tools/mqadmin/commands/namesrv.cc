// SPDX-License-Identifier: Apache-2.0
// Commands that talk to NameServers only.
#include "common/strings.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/properties_view.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

const auto kQuiet = [](const Endpoint&) {};

Status RunUpdateKvConfig(Session& session) {
  const proto::PutKVConfigRequestHeader header{session.args().Text("namespace"), session.args().Text("key"),
                                               session.args().Text("value")};
  const Status put =
      session.ChangeAll(StrCat("set ", header.ns, " ", header.key, " to ", header.value),
                        session.admin().name_servers(), kQuiet, &net::NamesrvStub::PutKv, header);
  if (put.ok()) session.Did("create or update kv config to namespace success.");
  return put;
}

Status RunDeleteKvConfig(Session& session) {
  const proto::DeleteKVConfigRequestHeader header{session.args().Text("namespace"),
                                                  session.args().Text("key")};
  const std::string what = StrCat("delete ", header.ns, " ", header.key);
  if (Status agreed = session.Confirm(what); !agreed.ok()) return agreed;
  const Status deleted =
      session.ChangeAll(what, session.admin().name_servers(), kQuiet, &net::NamesrvStub::DeleteKv, header);
  if (deleted.ok()) session.Did("delete kv config from namespace success.");
  return deleted;
}

Status RunGetNamesrvConfig(Session& session) {
  const std::vector<Endpoint>& servers = session.admin().name_servers();
  const auto configs = session.admin().CallAll(&net::NamesrvStub::GetConfig, servers);
  Status failure;
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!configs[i].ok()) {
      if (!failure.ok()) session.Warn(configs[i].status());
      if (failure.ok()) failure = configs[i].status();
      continue;
    }
    session.out().Line(StrCat("============", servers[i].ToString(), "============"));
    PrintProperties(session.out(), servers[i].ToString(), *configs[i]);
  }
  return failure;
}

Status RunUpdateNamesrvConfig(Session& session) {
  const std::string key = session.args().Text("key");
  const std::string value = session.args().Text("value");
  std::vector<Endpoint> unknown_at;
  const auto told = [&](const Endpoint& server, const std::string& remark) {
    session.TellRemark(server, remark);
    if (SaysKeyIsUnknown(remark)) unknown_at.push_back(server);
  };
  const Status changed = session.ChangeAll(StrCat("set ", key, " to ", value), session.admin().name_servers(),
                                           told, &net::NamesrvStub::UpdateConfig, PropertyLine(key, value));
  if (!changed.ok()) return changed;
  std::string list;
  for (const Endpoint& server : session.admin().name_servers()) {
    StrAppend(list, list.empty() ? "" : ", ", server.ToString());
  }
  session.Did(StrCat("update name server config success!", "[", list, "]\n", key, " : ", value));
  return UnknownKey(session, key, unknown_at);
}

// Both write-permission commands: at each NameServer, telling how many topics it was.
Status ChangeWritePerm(Session& session, std::string_view verb,
                       void (net::NamesrvStub::*method)(const Endpoint&, const std::string&, Duration,
                                                        Completion<int32_t>)) {
  const std::string broker = session.args().Text("brokerName");
  Status failure;
  for (const Endpoint& server : session.admin().name_servers()) {
    const std::string what = StrCat(verb, " write perm of broker[", broker, "]");
    const auto topics = session.Change(what, method, server, broker);
    const std::string head = StrCat(what, " in name server[", server.ToString(), "] ");
    if (topics.ok()) {
      session.Did(StrCat(head, "OK, ", *topics));
      continue;
    }
    session.Did(head + "Failed");
    if (!failure.ok()) session.Warn(topics.status());
    if (failure.ok()) failure = topics.status();
  }
  return failure;
}

Status RunWipeWritePerm(Session& session) {
  return ChangeWritePerm(session, "wipe", &net::NamesrvStub::WipeWritePerm);
}
Status RunAddWritePerm(Session& session) {
  return ChangeWritePerm(session, "add", &net::NamesrvStub::AddWritePerm);
}

constexpr OptionSpec kNamespace = {"s", "namespace", ValueKind::kText, Need::kRequired, "the namespace"};
constexpr OptionSpec kKey = {"k", "key", ValueKind::kText, Need::kRequired, "the key"};
constexpr OptionSpec kValue = {"v", "value", ValueKind::kText, Need::kRequired, "the value"};
constexpr OptionSpec kUpdateKvConfig[] = {kNamespace, kKey, kValue};
constexpr OptionSpec kDeleteKvConfig[] = {kNamespace, kKey};
constexpr OptionSpec kUpdateNamesrvConfig[] = {kKey, kValue};
constexpr OptionSpec kBrokerName[] = {
    {"b", "brokerName", ValueKind::kBroker, Need::kRequired, "the broker's name"}};

constexpr CommandSpec kCommands[] = {
    {"updateKvConfig", "namesrv", "Sets a value that the NameServers keep", kUpdateKvConfig,
     "mqadmin updateKvConfig -s ORDER_TOPIC_CONFIG -k orders -v broker-a:4", Effect::kChanges,
     Needs::kNameServer, RunUpdateKvConfig},
    {"deleteKvConfig", "namesrv", "Deletes a value that the NameServers keep", kDeleteKvConfig,
     "mqadmin deleteKvConfig -s ORDER_TOPIC_CONFIG -k orders", Effect::kDestroys, Needs::kNameServer,
     RunDeleteKvConfig},
    {"wipeWritePerm", "namesrv", "Takes the write permission from a broker's routes, before maintenance",
     kBrokerName, "mqadmin wipeWritePerm -b broker-a", Effect::kChanges, Needs::kNameServer,
     RunWipeWritePerm},
    {"addWritePerm", "namesrv", "Gives the write permission back to a broker's routes", kBrokerName,
     "mqadmin addWritePerm -b broker-a", Effect::kChanges, Needs::kNameServer, RunAddWritePerm},
    {"getNamesrvConfig",
     "namesrv",
     "Shows the configuration of each NameServer",
     {},
     "mqadmin getNamesrvConfig -n ns1:9876",
     Effect::kReads,
     Needs::kNameServer,
     RunGetNamesrvConfig},
    {"updateNamesrvConfig", "namesrv", "Changes one key of each NameServer's configuration",
     kUpdateNamesrvConfig, "mqadmin updateNamesrvConfig -k orderMessageEnable -v true", Effect::kChanges,
     Needs::kNameServer, RunUpdateNamesrvConfig},
};

}  // namespace

std::span<const CommandSpec> NamesrvCommands() { return kCommands; }

}  // namespace orbitmq::tools

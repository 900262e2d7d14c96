// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/command_table.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/strings.h"
#include "tools/mqadmin/commands/tables.h"

namespace orbitmq::tools {
namespace {

constexpr OptionSpec kGlobal[] = {
    {"h", "help", ValueKind::kFlag, Need::kOptional, "show this help"},
    {"n", "namesrvAddr", ValueKind::kServers, Need::kOptional,
     "NameServers, separated by ';' (else --context, NAMESRV_ADDR, the current context)"},
    {"", "context", ValueKind::kContext, Need::kOptional, "take the NameServers of this context"},
    {"", "json", ValueKind::kFlag, Need::kOptional,
     "print one JSON object instead of text; a message's body that is no UTF-8 as bodyBase64"},
    {"", "watch", ValueKind::kInt, Need::kOptional, "run again every so many seconds, until interrupted"},
    {"", "yes", ValueKind::kFlag, Need::kOptional, "do not ask before something is deleted or moved"},
    {"", "dry-run", ValueKind::kFlag, Need::kOptional, "tell what would be changed, change nothing"},
    {"", "tls", ValueKind::kFlag, Need::kOptional, "reach the servers over TLS"},
    {"", "tls-ca", ValueKind::kPath, Need::kOptional,
     "PEM file with the authorities to trust, else the system's; implies --tls"},
    {"", "tls-cert", ValueKind::kPath, Need::kOptional,
     "PEM file with the certificate to show; implies --tls"},
    {"", "tls-key", ValueKind::kPath, Need::kOptional,
     "PEM file with its key (its password: MQADMIN_TLS_KEY_PASSWORD)"},
    {"", "tls-insecure", ValueKind::kFlag, Need::kOptional,
     "check neither certificate nor host name; implies --tls"},
    {"", "rpc-timeout", ValueKind::kInt, Need::kOptional, "milliseconds to wait for an answer; 5000"},
    {"", "java-exit", ValueKind::kFlag, Need::kOptional,
     "exit codes of Java's mqadmin: 0 even for failures, 1 for wrong usage"},
};

}  // namespace

std::span<const OptionSpec> GlobalOptions() { return kGlobal; }

const std::vector<const CommandSpec*>& AllCommands() {
  static const std::vector<const CommandSpec*> all = [] {
    std::vector<const CommandSpec*> joined;
    for (const auto& table : {TopicCommands(), TopicChangeCommands(), GroupCommands(), GroupChangeCommands(),
                              WhyCommands(), MonitorCommands(), OffsetCommands(), ConnectionCommands(),
                              BrokerCommands(), ClusterCommands(), DoctorCommands(), ReplicationCommands(),
                              SwitchMasterCommands(), MessageCommands(), PrintCommands(),
                              CompactionCommands(), TraceCommands(),
                              SendCommands(), ProduceCommands(), ConsumeCommands(), BenchCommands(),
                              StatsCommands(), TopCommands(), ExportCommands(), ExportMetricsCommands(),
                              NamesrvCommands(), OwnCommands()}) {
      for (const CommandSpec& command : table) joined.push_back(&command);
    }
    // A subject may have commands in several tables; its heading is to stand once.
    std::vector<std::string_view> subjects;
    const auto place = [&subjects](const CommandSpec* command) {
      return std::find(subjects.begin(), subjects.end(), command->subject) - subjects.begin();
    };
    for (const CommandSpec* command : joined) {
      if (place(command) == std::ssize(subjects)) subjects.push_back(command->subject);
    }
    std::stable_sort(joined.begin(), joined.end(),
                     [&place](const CommandSpec* a, const CommandSpec* b) { return place(a) < place(b); });
    return joined;
  }();
  return all;
}

const CommandSpec* FindCommand(std::string_view name) {
  for (const CommandSpec* command : AllCommands()) {
    if (EqualsIgnoreCase(command->name, name)) return command;
  }
  return nullptr;
}

const CommandSpec* NearestCommand(std::string_view name) {
  std::vector<std::string_view> names;
  for (const CommandSpec* command : AllCommands()) names.push_back(command->name);
  return FindCommand(NearestName(name, names));
}

}  // namespace orbitmq::tools

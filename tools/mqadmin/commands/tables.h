// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "tools/mqadmin/command_table.h"

namespace orbitmq::tools {

// The tables that AllCommands joins, one per file in this folder.
std::span<const CommandSpec> BenchCommands();
std::span<const CommandSpec> BrokerCommands();
std::span<const CommandSpec> ClusterCommands();
std::span<const CommandSpec> ConnectionCommands();
std::span<const CommandSpec> ConsumeCommands();
std::span<const CommandSpec> CompactionCommands();
std::span<const CommandSpec> DoctorCommands();
std::span<const CommandSpec> ExportCommands();
std::span<const CommandSpec> ExportMetricsCommands();
std::span<const CommandSpec> GroupChangeCommands();
std::span<const CommandSpec> GroupCommands();
std::span<const CommandSpec> MessageCommands();
std::span<const CommandSpec> MonitorCommands();
std::span<const CommandSpec> NamesrvCommands();
std::span<const CommandSpec> OffsetCommands();
std::span<const CommandSpec> OwnCommands();
std::span<const CommandSpec> PrintCommands();
std::span<const CommandSpec> ProduceCommands();
std::span<const CommandSpec> ReplicationCommands();
std::span<const CommandSpec> SendCommands();
std::span<const CommandSpec> StatsCommands();
std::span<const CommandSpec> SwitchMasterCommands();
std::span<const CommandSpec> TopCommands();
std::span<const CommandSpec> TopicChangeCommands();
std::span<const CommandSpec> TopicCommands();
std::span<const CommandSpec> TraceCommands();
std::span<const CommandSpec> WhyCommands();

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// What the export commands have in common.

inline constexpr OptionSpec kExportFolder = {"f", "filePath", ValueKind::kPath, Need::kOptional,
                                             "the folder to write to; else that of Java's command"};

// Writes a file into the folder that option filePath names, which is made, and tells its path.
Status WriteExport(Session& session, const std::string& name, std::string_view content);

// What users have made on a broker, by name: neither what the broker says are its own topics nor the groups
// that exist by themselves. `with_special`: retry and dead-letter topics too.
Result<std::map<std::string, proto::TopicConfig>> UserTopics(Session& session, const Endpoint& broker,
                                                           bool with_special);
Result<std::map<std::string, proto::SubscriptionGroupConfig>> UserGroups(Session& session,
                                                                       const Endpoint& broker);

}  // namespace orbitmq::tools

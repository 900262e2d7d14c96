// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/mqadmin/group_verdict.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// Asks brokers and members what `Judge` wants to know of a group. Members that do not answer are warned
// about. kNotFound when no broker has offsets of the group and nobody is online.
Result<GroupFacts> FactsOfGroup(Session& session, const std::string& group);

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tools/mqadmin/output.h"

namespace orbitmq::tools {

// Java properties as servers send them: lines "key=value" with Java's escapes.
std::map<std::string, std::string> ParseProperties(std::string_view text);
// One line, escaped.
std::string PropertyLine(std::string_view key, std::string_view value);

// A line per key as Java's mqadmin prints them, sorted; in JSON an object under the name of the server.
void PrintProperties(Output& out, std::string_view server, std::string_view properties);

}  // namespace orbitmq::tools

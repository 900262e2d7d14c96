// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// Java properties as servers send them: lines "key=value" with Java's escapes.
std::map<std::string, std::string> ParseProperties(std::string_view text);
// One line, escaped.
std::string PropertyLine(std::string_view key, std::string_view value);

// A line per key as Java's mqadmin prints them, sorted; in JSON an object under the name of the server.
void PrintProperties(Output& out, std::string_view server, std::string_view properties);

// Whether a broker or NameServer of ours remarked on a change that it does not know the key. Servers of
// Apache's never say so.
bool SaysKeyIsUnknown(std::string_view remark);
// What a change ends with that these servers took without knowing the key. Ok when there are none.
Status UnknownKey(Session& session, std::string_view key, const std::vector<Endpoint>& servers);

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/properties_view.h"

#include "common/strings.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {
namespace {

// Java's store() writes ':', '=', '#', '!', blanks and backslashes with a backslash before them.
std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    const char c = text[++at];
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
  }
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '=' || c == ':' || c == '#' || c == '!') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

}  // namespace

std::map<std::string, std::string> ParseProperties(std::string_view text) {
  std::map<std::string, std::string> properties;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line);
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    size_t equals = 0;
    while (equals < line.size() && line[equals] != '=' && line[equals] != ':') {
      equals += line[equals] == '\\' ? 2 : 1;
    }
    const std::string key = Unescaped(Trim(line.substr(0, equals)));
    properties[key] = equals < line.size() ? Unescaped(Trim(line.substr(equals + 1))) : std::string();
  }
  return properties;
}

std::string PropertyLine(std::string_view key, std::string_view value) {
  return StrCat(Escaped(key), "=", Escaped(value), "\n");
}

void PrintProperties(Output& out, std::string_view server, std::string_view text) {
  std::string object = "{";
  for (const auto& [key, value] : ParseProperties(text)) {
    const std::string arguments[] = {key, value};
    out.Text(JavaFormat("%-50s=  %s%n", arguments));
    StrAppend(object, object.size() == 1 ? "" : ",", JsonText(key), ":", JsonText(value));
  }
  out.Member(server, object + "}");
}

bool SaysKeyIsUnknown(std::string_view remark) {
  return remark.find(": unknown key, ignored") != std::string_view::npos;
}

Status UnknownKey(Session& session, std::string_view key, const std::vector<Endpoint>& servers) {
  if (servers.empty()) return {};
  std::vector<std::string> names;
  for (const Endpoint& server : servers) {
    session.out().Append("notApplied", JsonText(server.ToString()));
    names.push_back(server.ToString());
  }
  return {StatusCode::kFailedPrecondition, StrCat("the key ", Printable(key), " is unknown at ",
                                                  Join(names, ", "), ": nothing was set there")};
}

}  // namespace orbitmq::tools

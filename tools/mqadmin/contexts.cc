// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/contexts.h"

#include <algorithm>
#include <vector>

#include "common/endpoint.h"
#include "common/strings.h"

namespace orbitmq::tools {
namespace {

constexpr std::string_view kCurrent = "current";
constexpr uint64_t kFileBytesMax = uint64_t{1} << 20;

bool FitsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

// "NAME = ADDRESSES", "current = NAME" or "NAME SETTING = VALUE".
Status TakeLine(std::string_view line, Contexts& contexts) {
  const size_t equals = line.find('=');
  const std::string_view left = Trim(line.substr(0, equals));
  const std::string_view value = equals == std::string_view::npos ? "" : Trim(line.substr(equals + 1));
  if (left == kCurrent) {
    if (Status named = CheckContextName(value); !named.ok()) return named;
    contexts.current = value;
    return {};
  }
  const size_t blank = left.find(' ');
  const std::string name(left.substr(0, blank));
  if (Status named = CheckContextName(name); !named.ok()) return named;
  if (blank == std::string_view::npos) {
    if (const auto servers = ParseEndpoints(value); !servers.ok()) return servers.status();
    contexts.name_servers[name] = value;
    return {};
  }
  const std::string_view setting = Trim(left.substr(blank));
  if (Status sound = CheckTlsSetting(setting, value); !sound.ok()) return sound;
  contexts.tls[name][std::string(setting)] = value;
  return {};
}

}  // namespace

Status CheckContextName(std::string_view name) {
  if (!name.empty() && name != kCurrent && std::all_of(name.begin(), name.end(), FitsName)) return {};
  return {StatusCode::kInvalidArgument,
          StrCat("'", Printable(name), "' is no name of a context; take letters, digits, '-', '_' and '.', ",
                 "but not the word current")};
}

Result<Contexts> Contexts::Load(FileSystem& files, const std::string& path) {
  Contexts contexts;
  if (path.empty() || !files.Exists(path)) return contexts;
  const auto text = ReadWholeFile(files, path, kFileBytesMax);
  if (!text.ok()) return text.status();
  int number = 0;
  for (std::string_view line : Split(*text, '\n')) {
    ++number;
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    if (const Status taken = TakeLine(line, contexts); !taken.ok()) {
      return Status(StatusCode::kCorrupt, StrCat(path, " line ", number, ": ", taken.text()));
    }
  }
  return contexts;
}

Status Contexts::Save(FileSystem& files, const std::string& path) const {
  std::string text = "# Contexts of mqadmin: see mqadmin help context.\n";
  if (!current.empty()) StrAppend(text, kCurrent, " = ", current, "\n");
  for (const auto& [name, servers] : name_servers) {
    StrAppend(text, name, " = ", servers, "\n");
    for (const auto& [setting, value] : TlsOf(name)) {
      StrAppend(text, name, " ", setting, " = ", value, "\n");
    }
  }
  const Status made = files.CreateDirectories(path.substr(0, path.rfind('/')));
  return made.ok() ? WriteFileAtomically(files, path, text) : made;
}

Result<std::string> Contexts::Find(const std::string& name) const {
  if (const auto at = name_servers.find(name); at != name_servers.end()) return at->second;
  std::vector<std::string> known;
  for (const auto& [other, servers] : name_servers) known.push_back(other);
  return Status(StatusCode::kNotFound,
                StrCat("there is no context '", Printable(name), "'; ",
                       known.empty() ? std::string("make one with: mqadmin context set NAME host:port")
                                     : StrCat("there are: ", Join(known, ", "))));
}

TlsSettings Contexts::TlsOf(const std::string& name) const {
  const auto at = tls.find(name);
  return at == tls.end() ? TlsSettings() : at->second;
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/file_system.h"
#include "orbitmq/result.h"
#include "tools/mqadmin/tls_choice.h"

namespace orbitmq::tools {

// Named NameServer lists, so that nobody types addresses.
//
// Format: lines "NAME = host:port;host:port", '#' starts a comment, and one line "current = NAME" that says
// which one counts when neither -n nor NAMESRV_ADDR is given. Names are letters, digits, '-', '_' and '.'.
// Lines "NAME SETTING = VALUE" say how to reach them over TLS (tls_choice.h).
struct Contexts {
  std::map<std::string, std::string> name_servers;
  std::map<std::string, TlsSettings> tls{};  // By name; a context without any is not there.
  std::string current;  // Empty: none.

  // No file is no contexts. kCorrupt names the line.
  static Result<Contexts> Load(FileSystem& files, const std::string& path);
  Status Save(FileSystem& files, const std::string& path) const;
  // kNotFound lists the names that there are.
  Result<std::string> Find(const std::string& name) const;
  TlsSettings TlsOf(const std::string& name) const;
};

// kInvalidArgument says what a name may hold.
Status CheckContextName(std::string_view name);

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "orbitmq/status.h"

namespace orbitmq::process {

// What a program ends with: documented in README.md, the same for all our programs.
inline constexpr int kExitFailed = 1;  // It was asked properly and could not do it.
inline constexpr int kExitUsage = 2;   // Flags, options or configuration file are wrong.

// kExitUsage for kInvalidArgument, else kExitFailed.
int ExitCodeOf(const Status& why);

// Another name of a flag, as Apache's programs call it.
struct FlagAlias {
  std::string_view name;
  std::string_view flag;  // Empty: there is no such flag here, ...
  std::string_view why;   // ... because of this.
};

struct Program {
  const char* name = "";         // For messages: "mqbroker".
  const char* source = "";       // The source file whose flags -h shows: "broker/main".
  const char* description = "";  // Purpose and usage line.
  const char* version = "";
  std::span<const std::string_view> lists =
      {};  // Flags that may be repeated; their values are joined by ','.
  std::span<const FlagAlias> aliases = {};
};

// Sets the gflags of this program from the command line: -name value, -name=value, --name..., and for bools
// also --noname. nullopt = go on; else the exit code: 0 after -h, --help and --version; kExitUsage after one
// line about a flag or value that is wrong, or an argument that is no flag. gflags' own parser ends the
// process with 1 for those, and of a repeated flag keeps the last value only. Main thread, once.
std::optional<int> ReadFlags(const Program& program, int argc, char** argv);

}  // namespace orbitmq::process

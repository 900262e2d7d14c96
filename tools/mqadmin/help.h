// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "tools/mqadmin/command_table.h"

namespace orbitmq::tools {

// Everything that is told about commands, made from the table.

// All commands, a line each as Java's mqadmin prints them, under a heading per subject.
std::string HelpList();
// One command: usage, options, an example.
std::string HelpPage(const CommandSpec& command);

// The same as JSON.
std::string HelpListJson();
std::string HelpPageJson(const CommandSpec& command);

// troff: mqadmin(1) with all commands, or the page of one.
std::string ManPage(std::string_view version);
std::string ManPage(const CommandSpec& command, std::string_view version);

enum class Shell : uint8_t { kBash, kZsh, kFish };
// A script for the shell; names of topics, groups and clusters come from the running cluster.
std::string CompletionScript(Shell shell);

}  // namespace orbitmq::tools

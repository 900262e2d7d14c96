// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"
#include "tools/mqadmin/command_table.h"

namespace orbitmq::tools {

// The options of one command line, checked against the command's table: what is required is there, and every
// value is what its kind says. Values are trimmed as Java's commands trim them.
class Arguments final {
 public:
  // `words` are those behind the command's name. Forms, as commons-cli takes them: -t v, -tv, -t=v, -topic v,
  // --topic v, --topic=v, an unambiguous beginning of a long name, several flags behind one '-'. A letter of
  // the command wins over one of GlobalOptions. kInvalidArgument says what is wrong and what to do.
  static Result<Arguments> Parse(const CommandSpec& command, std::span<const std::string> words);

  // What stood alone, for commands with CommandSpec::words.
  const std::vector<std::string>& words() const { return words_; }
  bool Has(std::string_view name) const { return values_.contains(name); }
  // Of an option that is there or optional: its text, or the default.
  std::string Text(std::string_view name, std::string_view otherwise = {}) const;
  int64_t Number(std::string_view name, int64_t otherwise) const;
  bool Bool(std::string_view name, bool otherwise) const;
  // Milliseconds since 1970.
  int64_t Time(std::string_view name, int64_t otherwise) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> words_;
};

// A command line with the command in front: options of all commands that stood before it follow it, by their
// whole names, as --name=value. Empty: there is no command. kInvalidArgument as Parse.
Result<std::vector<std::string>> CommandFirst(std::span<const std::string> words);

// What help calls the value of an option: "<topic>".
std::string_view ValueName(ValueKind kind);

}  // namespace orbitmq::tools

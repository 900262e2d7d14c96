// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "orbitmq/status.h"

namespace orbitmq::tools {

class Session;

// What an option takes; decides how its value is checked, what help calls it and how a shell completes it.
enum class ValueKind : uint8_t {
  kFlag,     // Nothing.
  kText,     // Anything.
  kTopic,    // A topic's name.
  kGroup,    // A consumer group's name.
  kCluster,  // A cluster's name.
  kBroker,   // A broker's name.
  kAddress,  // "host:port".
  kServers,  // "host:port;host:port".
  kInt,      // 32 bits.
  kLong,     // 64 bits.
  kBool,     // true or false.
  kTime,     // What ParseToolTime takes.
  kPerm,     // 0 to 7: the sum of 4 (read), 2 (write) and 1 (inherit).
  kPath,     // A file or folder.
  kChoice,   // One of OptionSpec::choices.
  kCommand,  // A command's name.
  kContext,  // The name of a context.
};

enum class Need : uint8_t {
  kOptional,
  kRequired,
  kOneOf,  // Of all options of the command that say so, exactly one.
  kAnyOf,  // At least one of them; with several the broker counts and the cluster does not, as in Java's.
};

struct OptionSpec {
  std::string_view letters;  // Without '-'; one letter as a rule; empty: long name only.
  std::string_view name;     // Without "--". Java's names with blanks in them stand here without.
  ValueKind kind = ValueKind::kText;
  Need need = Need::kOptional;
  std::string_view text;       // One sentence without a full stop.
  std::string_view choices{};  // kChoice: separated by '|'.
};

// A word without an option in front, for shells to complete.
struct WordSpec {
  ValueKind kind = ValueKind::kText;
  std::string_view choices{};  // kChoice: separated by '|'.
};

enum class Effect : uint8_t {
  kReads,
  kChanges,   // Changes something that can be changed back.
  kDestroys,  // Deletes something or moves offsets: asks first on a terminal.
};

// What a command needs before it can start.
enum class Needs : uint8_t {
  kNoServer,  // It asks nobody.
  kNothing,   // Servers, but not always a NameServer.
  kNameServer,
};

// One command. The table is all there is to know about it: parsing, help, man pages, completion and "did you
// mean" come from it.
struct CommandSpec {
  std::string_view name;
  std::string_view subject;  // "topic", "broker", ..: the heading in help.
  std::string_view description;
  std::span<const OptionSpec> options;
  std::string_view example;  // A whole command line.
  Effect effect = Effect::kReads;
  Needs needs = Needs::kNameServer;
  Status (*run)(Session& session) = nullptr;
  std::string_view words{};  // How help spells the words that it takes without options; empty: it takes none.
  std::span<const WordSpec> word_values{};  // Of the first, the second, ..
};

// Options that every command takes.
std::span<const OptionSpec> GlobalOptions();

// Every command, subject by subject.
const std::vector<const CommandSpec*>& AllCommands();

// By name, in any letter case; null if there is none.
const CommandSpec* FindCommand(std::string_view name);
// The command that was probably meant, or null.
const CommandSpec* NearestCommand(std::string_view name);

}  // namespace orbitmq::tools

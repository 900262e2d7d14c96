// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <span>
#include <string>

#include "common/env.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;
inline constexpr int kExitDenied = 4;

// One run of mqadmin. Errors go to `errors`, one line each, and never to `out`.
class Driver final {
 public:
  struct Parts {
    Env& env;
    Surroundings surroundings;
    std::ostream& out;
    std::ostream& errors;
    std::istream& input;
  };
  explicit Driver(Parts parts) : parts_(std::move(parts)) {}

  // `words`: the command line without the program's name. Returns the exit code.
  int Run(std::span<const std::string> words);

 private:
  // Run, but for the look whether the output arrived.
  int Dispatch(std::span<const std::string> words);
  int Version();
  int Help(std::span<const std::string> words);
  int ShowHelp(const CommandSpec& command);
  int UnknownCommand(const std::string& name);
  int WrongUsage(const CommandSpec* command, std::string_view text);
  int RunCommand(const CommandSpec& command, const Arguments& arguments);
  int RunOnce(const CommandSpec& command, const Arguments& arguments, AdminClient& admin);
  // Where the servers are and how to reach them.
  Result<AdminClient::Options> Reach(const CommandSpec& command, const Arguments& arguments);
  int Fail(const CommandSpec& command, const Status& why);
  // Fail, before the command printed anything.
  int Refuse(const CommandSpec& command, const Status& why);
  // The failure with what to do about it.
  std::string Explained(const Status& why) const;
  void ErrorObject(std::string_view text);
  void Error(std::string_view text);

  Parts parts_;
  bool json_ = false;       // With --json, wherever it stands.
  bool java_exit_ = false;  // With --java-exit.
  bool tls_ = false;  // Whether this run's connections use TLS.
};

// What a run that ended so ends with.
int ExitCodeOf(const Status& status);

}  // namespace orbitmq::tools

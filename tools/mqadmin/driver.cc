// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/driver.h"

#include <algorithm>
#include <ostream>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/contexts.h"
#include "tools/mqadmin/help.h"

namespace orbitmq::tools {
namespace {

constexpr int kJavaExitUsage = 1;

// What to do about a failure, where the text does not say it already.
std::string Remedy(const Status& status) {
  if (AdminClient::Unreachable(status)) {
    return "; is it running, and is the address right (-n, NAMESRV_ADDR, mqadmin context list)?";
  }
  if (status.wire_code() == proto::ResponseCode::kTopicNotExist) return "; see mqadmin topicList";
  if (status.wire_code() == proto::ResponseCode::kRequestCodeNotSupported) {
    return "; that server does not serve this request";
  }
  return "";
}

}  // namespace

int ExitCodeOf(const Status& status) {
  if (status.ok()) return kExitDone;
  if (IsUsageError(status)) return kExitUsage;
  if (AdminClient::Unreachable(status)) return kExitUnreachable;
  if (status.code() == StatusCode::kPermissionDenied) return kExitDenied;
  return kExitFailed;
}

void Driver::Error(std::string_view text) {
  const bool red = parts_.surroundings.output_is_terminal && parts_.surroundings.colours_allowed;
  parts_.errors << (red ? "\033[31mmqadmin:\033[0m " : "mqadmin: ") << text << "\n";
}

int Driver::Run(std::span<const std::string> words) {
  if (words.empty()) {
    parts_.out << HelpList();
    return kExitDone;
  }
  if (words[0] == "help" || words[0] == "-h" || words[0] == "--help") return Help(words.subspan(1));
  const bool java_exit = std::find(words.begin(), words.end(), "--java-exit") != words.end();
  const CommandSpec* command = FindCommand(words[0]);
  if (command == nullptr) return UnknownCommand(words[0], java_exit);
  const auto arguments = Arguments::Parse(*command, words.subspan(1));
  if (!arguments.ok()) {
    Error(StrCat(command->name, ": ", arguments.status().text()));
    if (java_exit) parts_.out << HelpPage(*command);
    return java_exit ? kJavaExitUsage : kExitUsage;
  }
  if (arguments->Has("help")) {
    parts_.out << HelpPage(*command);
    return kExitDone;
  }
  return RunCommand(*command, *arguments);
}

int Driver::Help(std::span<const std::string> words) {
  if (words.empty()) {
    parts_.out << HelpList();
    return kExitDone;
  }
  const CommandSpec* command = FindCommand(words[0]);
  if (command == nullptr) return UnknownCommand(words[0], false);
  parts_.out << HelpPage(*command);
  return kExitDone;
}

int Driver::UnknownCommand(const std::string& name, bool java_exit) {
  const std::string text = StrCat("The sub command ", Printable(name), " not exist.");
  const CommandSpec* nearest = NearestCommand(name);
  if (java_exit) {
    parts_.out << text << "\n";
    return kExitDone;
  }
  Error(StrCat(text, nearest == nullptr ? std::string() : StrCat(" Did you mean ", nearest->name, "?"),
               " mqadmin help lists all commands."));
  return kExitUsage;
}

Result<std::vector<Endpoint>> Driver::NameServers(const CommandSpec& command, const Arguments& arguments) {
  if (arguments.Has("namesrvAddr")) return ParseEndpoints(arguments.Text("namesrvAddr"));
  const std::string& from_env = parts_.surroundings.namesrv_addr;
  std::string name = arguments.Text("context");
  if (name.empty() && !from_env.empty()) {
    auto servers = ParseEndpoints(from_env);
    if (servers.ok()) return servers;
    return servers.status().Annotate("NAMESRV_ADDR");
  }
  const auto contexts = Contexts::Load(parts_.env.files(), parts_.surroundings.contexts_path);
  if (!contexts.ok()) return contexts.status();
  if (name.empty()) name = contexts->current;
  if (name.empty() && command.needs == Needs::kNothing) return std::vector<Endpoint>{};
  if (name.empty()) return UsageError(kNoNameServer);
  auto servers = contexts->Find(name);
  if (!servers.ok()) return servers.status();
  return ParseEndpoints(*servers);
}

int Driver::RunCommand(const CommandSpec& command, const Arguments& arguments) {
  auto servers = NameServers(command, arguments);
  if (!servers.ok()) return Fail(command, arguments, servers.status());
  const int64_t timeout = arguments.Number("rpc-timeout", 5000);
  const int64_t watch = arguments.Number("watch", 0);
  if (timeout < 1) return Fail(command, arguments, UsageError("--rpc-timeout must be at least 1"));
  if (arguments.Has("watch") && watch < 1) {
    return Fail(command, arguments, UsageError("--watch must be at least 1 second"));
  }
  AdminClient admin(parts_.env, {.name_servers = *servers, .timeout = Millis(timeout)});
  while (true) {
    if (watch > 0 && parts_.surroundings.output_is_terminal && !arguments.Has("json")) {
      parts_.out << "\033[H\033[2J";
    }
    const int code = RunOnce(command, arguments, admin);
    if (watch == 0 || code == kExitUsage) return code;
    admin.Pause(std::chrono::seconds(watch));
  }
}

int Driver::RunOnce(const CommandSpec& command, const Arguments& arguments, AdminClient& admin) {
  Output out(parts_.out, arguments.Has("json") ? OutputForm::kJson : OutputForm::kText);
  if (parts_.surroundings.output_is_terminal && parts_.surroundings.colours_allowed) out.set_bold_heads();
  Session session({.env = parts_.env,
                   .surroundings = parts_.surroundings,
                   .command = command,
                   .arguments = arguments,
                   .out = out,
                   .errors = parts_.errors,
                   .input = parts_.input},
                  admin);
  const Status status = command.run(session);
  out.Finish();
  return status.ok() ? kExitDone : Fail(command, arguments, status);
}

int Driver::Fail(const CommandSpec& command, const Arguments& arguments, const Status& why) {
  Error(StrCat(command.name, ": ", why.text(), Remedy(why)));
  const int code = ExitCodeOf(why);
  if (!arguments.Has("java-exit")) return code;
  return code == kExitUsage ? kJavaExitUsage : kExitDone;
}

}  // namespace orbitmq::tools

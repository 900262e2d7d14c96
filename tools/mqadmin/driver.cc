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

// What to do about a failure, where the text does not say it already. `tls`: connections used TLS.
std::string Remedy(const Status& status, bool tls) {
  if (AdminClient::Unreachable(status)) {
    if (std::string of_tls = TlsRemedy(status.text(), tls); !of_tls.empty()) return of_tls;
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

Result<AdminClient::Options> Driver::Reach(const CommandSpec& command, const Arguments& arguments) {
  if (command.needs == Needs::kNoServer) return AdminClient::Options();
  const Surroundings& around = parts_.surroundings;
  TlsPlaces tls{.options = TlsSettingsOf(arguments),
                .context = {},
                .environment = around.tls,
                .key_password = around.tls_key_password};
  std::string name = arguments.Text("context");
  std::string addresses = arguments.Text("namesrvAddr");
  const bool from_env = addresses.empty() && name.empty() && !around.namesrv_addr.empty();
  if (from_env) addresses = around.namesrv_addr;
  if (addresses.empty() || !name.empty()) {
    const auto contexts = Contexts::Load(parts_.env.files(), around.contexts_path);
    if (!contexts.ok()) return contexts.status();
    if (name.empty()) name = contexts->current;
    if (name.empty() && command.needs != Needs::kNothing) return UsageError(kNoNameServer);
    if (!name.empty()) {
      auto servers = contexts->Find(name);
      if (!servers.ok()) return servers.status();
      if (addresses.empty()) addresses = *std::move(servers);
      tls.context = contexts->TlsOf(name);
    }
  }
  AdminClient::Options options;
  if (!addresses.empty()) {
    auto servers = ParseEndpoints(addresses);
    if (!servers.ok()) return from_env ? servers.status().Annotate("NAMESRV_ADDR") : servers.status();
    for (Endpoint& server : *servers) {
      auto& all = options.name_servers;
      if (std::find(all.begin(), all.end(), server) == all.end()) all.push_back(std::move(server));
    }
  }
  auto chosen = ChooseTls(tls);
  if (!chosen.ok()) return chosen.status();
  auto context = client::NewClientTls(*chosen);
  // A file that cannot be used is no wrong usage: the command line may be right.
  if (!context.ok()) return Status(StatusCode::kFailedPrecondition, context.status().text());
  options.tls = *std::move(chosen);
  options.tls_context = *std::move(context);
  return options;
}

int Driver::RunCommand(const CommandSpec& command, const Arguments& arguments) {
  auto options = Reach(command, arguments);
  if (!options.ok()) return Fail(command, arguments, options.status());
  const int64_t timeout = arguments.Number("rpc-timeout", 5000);
  const int64_t watch = arguments.Number("watch", 0);
  if (timeout < 1) return Fail(command, arguments, UsageError("--rpc-timeout must be at least 1"));
  if (arguments.Has("watch") && watch < 1) {
    return Fail(command, arguments, UsageError("--watch must be at least 1 second"));
  }
  options->timeout = Millis(timeout);
  tls_ = options->tls.enabled;
  AdminClient admin(parts_.env, *std::move(options));
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
  Error(StrCat(command.name, ": ", why.text(), Remedy(why, tls_)));
  const int code = ExitCodeOf(why);
  if (!arguments.Has("java-exit")) return code;
  return code == kExitUsage ? kJavaExitUsage : kExitDone;
}

}  // namespace orbitmq::tools

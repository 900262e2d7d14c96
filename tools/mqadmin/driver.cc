// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/driver.h"

#include <algorithm>
#include <ostream>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/contexts.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/help.h"
#include "tools/mqadmin/java_format.h"

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

// A topic whose brokers are all gone is unknown to NameServers, as one that never was.
Status WithLostBrokers(const Status& status, AdminClient& admin) {
  if (status.wire_code() != proto::ResponseCode::kTopicNotExist || admin.name_servers().empty())
    return status;
  const auto view = admin.CallNamesrv(&net::NamesrvStub::GetClusterInfo);
  const std::vector<std::string> lost = view.ok() ? LostBrokers(*view) : std::vector<std::string>();
  if (lost.empty()) return status;
  return Status(status.code(),
                StrCat(status.text(), "; or it is on a broker that is gone now: ", Join(lost, ", ")))
      .WithWireCode(status.wire_code());
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
  const bool red = parts_.surroundings.errors_are_terminal && parts_.surroundings.colours_allowed;
  parts_.errors << (red ? "\033[31mmqadmin:\033[0m " : "mqadmin: ") << text << "\n";
}

int Driver::Run(std::span<const std::string> words) {
  const auto given = [words](std::string_view flag) {
    return std::find(words.begin(), words.end(), flag) != words.end();
  };
  json_ = given("--json");
  java_exit_ = given("--java-exit");
  const int code = Dispatch(words);
  parts_.out.flush();
  if (!parts_.out.fail()) return code;
  // A command that failed for this reason has told it.
  if (code == kExitDone) Error(kOutputLost);
  return code == kExitDone ? kExitFailed : code;
}

int Driver::Dispatch(std::span<const std::string> words) {
  if (words.empty()) return Help(words);
  const std::string& first = words[0];
  if (first == "help" || first == "-h" || first == "--help") return Help(words.subspan(1));
  if (first == "version" || first == "-v" || first == "-version" || first == "--version") return Version();
  if (first.size() > 1 && first[0] == '-') {
    const auto ordered = CommandFirst(words);
    if (!ordered.ok()) return WrongUsage(nullptr, ordered.status().text());
    if (ordered->empty()) {
      return WrongUsage(nullptr,
                        "there is no command: mqadmin COMMAND OPTIONS; mqadmin help lists all commands");
    }
    return Dispatch(*ordered);
  }
  const CommandSpec* command = FindCommand(first);
  if (command == nullptr) return UnknownCommand(first);
  const auto arguments = Arguments::Parse(*command, words.subspan(1));
  if (!arguments.ok()) return WrongUsage(command, arguments.status().text());
  if (arguments->Has("help")) return ShowHelp(*command);
  return RunCommand(*command, *arguments);
}

int Driver::Version() {
  if (json_) {
    parts_.out << "{\"version\":" << JsonText(ORBITMQ_VERSION) << "}\n";
  } else {
    parts_.out << "mqadmin version " << ORBITMQ_VERSION << "\n";
  }
  return kExitDone;
}

int Driver::Help(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word.starts_with('-')) continue;
    const CommandSpec* command = FindCommand(word);
    return command == nullptr ? UnknownCommand(word) : ShowHelp(*command);
  }
  parts_.out << (json_ ? HelpListJson() : HelpList());
  return kExitDone;
}

int Driver::ShowHelp(const CommandSpec& command) {
  parts_.out << (json_ ? HelpPageJson(command) : HelpPage(command));
  return kExitDone;
}

int Driver::UnknownCommand(const std::string& name) {
  const std::string text = StrCat("The sub command ", Printable(name), " not exist.");
  const CommandSpec* nearest = NearestCommand(name);
  if (java_exit_ && !json_) {
    parts_.out << text << "\n";
    return kExitDone;
  }
  const std::string meant = nearest == nullptr ? std::string() : StrCat(" Did you mean ", nearest->name, "?");
  const int code = WrongUsage(nullptr, StrCat(text, meant, " mqadmin help lists all commands."));
  return java_exit_ ? kExitDone : code;
}

int Driver::WrongUsage(const CommandSpec* command, std::string_view text) {
  Error(command == nullptr ? std::string(text) : StrCat(command->name, ": ", text));
  ErrorObject(text);
  if (java_exit_ && !json_ && command != nullptr) parts_.out << HelpPage(*command);
  return java_exit_ ? kJavaExitUsage : kExitUsage;
}

void Driver::ErrorObject(std::string_view text) {
  if (json_) parts_.out << "{\"error\":" << JsonText(text) << "}\n";
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
  if (!options.ok()) return Refuse(command, options.status());
  const int64_t timeout = arguments.Number("rpc-timeout", 5000);
  const int64_t watch = arguments.Number("watch", 0);
  if (timeout < 1) return Refuse(command, UsageError("--rpc-timeout must be at least 1"));
  if (arguments.Has("watch") && watch < 1) {
    return Refuse(command, UsageError("--watch must be at least 1 second"));
  }
  options->timeout = Millis(timeout);
  options->tell = [this, &command](std::string_view text) { Error(StrCat(command.name, ": ", text)); };
  tls_ = options->tls.enabled;
  AdminClient admin(parts_.env, *std::move(options));
  while (true) {
    const int code = RunOnce(command, arguments, admin);
    if (watch == 0 || code == kExitUsage) return code;
    if (!WaitUnlessInterrupted(parts_.surroundings, admin, std::chrono::seconds(watch))) {
      if (parts_.surroundings.errors_are_terminal) parts_.errors << "\n";  // Behind the ^C shown there.
      return code;
    }
  }
}

int Driver::RunOnce(const CommandSpec& command, const Arguments& arguments, AdminClient& admin) {
  Output out(parts_.out, arguments.Has("json") ? OutputForm::kJson : OutputForm::kText);
  if (parts_.surroundings.output_is_terminal && parts_.surroundings.colours_allowed) out.set_bold_heads();
  if (arguments.Has("watch") && parts_.surroundings.output_is_terminal && !out.json()) {
    out.Text("\033[H\033[2J");
    out.set_columns(parts_.surroundings.columns());
    out.Line(StrCat(HumanSeconds(parts_.env.clock().WallMillis()), "  mqadmin ", command.name, ", every ",
                    arguments.Text("watch"), " s"));
  }
  Session session({.env = parts_.env,
                   .surroundings = parts_.surroundings,
                   .command = command,
                   .arguments = arguments,
                   .out = out,
                   .errors = parts_.errors,
                   .input = parts_.input},
                  admin);
  Status status = command.run(session);
  if (status.ok()) {
    status = session.unanswered();
  } else if (status.text().find(session.unanswered().text()) == std::string_view::npos) {
    session.Warn(session.unanswered());
  }
  if (!status.ok()) {
    status = WithLostBrokers(status, admin);
    out.Member("error", JsonText(Explained(status)));
  }
  out.Finish();
  return status.ok() ? kExitDone : Fail(command, status);
}

std::string Driver::Explained(const Status& why) const { return StrCat(why.text(), Remedy(why, tls_)); }

int Driver::Refuse(const CommandSpec& command, const Status& why) {
  ErrorObject(Explained(why));
  return Fail(command, why);
}

int Driver::Fail(const CommandSpec& command, const Status& why) {
  Error(StrCat(command.name, ": ", Explained(why)));
  const int code = ExitCodeOf(why);
  if (!java_exit_) return code;
  return code == kExitUsage ? kJavaExitUsage : kExitDone;
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
// Commands about mqadmin itself: contexts, completion, man pages.
#include "common/strings.h"
#include "tools/mqadmin/contexts.h"
#include "tools/mqadmin/help.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr char kContextFormat[] = "%-9s %-24s %-40s %s%n";
constexpr TableShape kContexts = {"contexts", kContextFormat, kContextFormat,
                                  "#Current|#Name|#NameServers=nameServers|#TLS"};

Status ListContexts(Session& session, const Contexts& contexts) {
  session.out().Head(kContexts);
  for (const auto& [name, servers] : contexts.name_servers) {
    const bool current = name == contexts.current;
    const std::string tls = TlsSettingsText(contexts.TlsOf(name));
    session.out().Row(kContexts, {Cell(current ? "*" : "", current ? "true" : "false"), name, servers,
                                  tls.empty() ? Cell("-", "null") : Cell(tls)});
  }
  return {};
}

// Whether the settings go together and their files can be used.
Status CheckTls(const TlsSettings& settings) {
  const auto chosen = ChooseTls({.options = settings});
  return chosen.ok() ? client::NewClientTls(*chosen).status() : chosen.status();
}

// What the words ask for; the message that says what was done.
Result<std::string> ChangeContexts(std::span<const std::string> words, const TlsSettings& tls,
                                   Contexts& contexts) {
  if (words[0] == "set" && words.size() == 3) {
    if (Status named = CheckContextName(words[1]); !named.ok()) return named;
    if (const auto servers = ParseEndpoints(words[2]); !servers.ok()) return servers.status();
    if (Status usable = CheckTls(tls); !usable.ok()) return usable;
    contexts.name_servers[words[1]] = words[2];
    contexts.tls.erase(words[1]);
    if (!tls.empty()) contexts.tls[words[1]] = tls;
    if (contexts.current.empty()) contexts.current = words[1];
    return StrCat("context ", words[1], " is ", words[2], tls.empty() ? "" : " ", TlsSettingsText(tls));
  }
  if ((words[0] != "use" && words[0] != "delete") || words.size() != 2) {
    return UsageError("give: list, use NAME, set NAME host:port;.., or delete NAME");
  }
  if (const auto found = contexts.Find(words[1]); !found.ok()) return found.status();
  if (words[0] == "use") {
    contexts.current = words[1];
    return StrCat("context ", words[1], " is the current one");
  }
  contexts.name_servers.erase(words[1]);
  contexts.tls.erase(words[1]);
  if (contexts.current == words[1]) contexts.current.clear();
  return StrCat("context ", words[1], " is deleted");
}

Status RunContext(Session& session) {
  const std::string& path = session.surroundings().contexts_path;
  if (path.empty())
    return UsageError("neither XDG_CONFIG_HOME nor HOME is set: there is no place for contexts");
  auto contexts = Contexts::Load(session.env().files(), path);
  if (!contexts.ok()) return contexts.status();
  const std::vector<std::string>& words = session.args().words();
  if (words.empty() || words[0] == "list") return ListContexts(session, *contexts);
  const auto changed = ChangeContexts(words, TlsSettingsOf(session.args()), *contexts);
  if (!changed.ok()) return changed.status();
  if (!session.dry_run()) {
    if (Status saved = contexts->Save(session.env().files(), path); !saved.ok()) return saved;
  }
  session.out().Message(session.dry_run() ? StrCat("would write ", path, ": ", *changed) : *changed);
  return {};
}

Status RunCompletion(Session& session) {
  const std::vector<std::string>& words = session.args().words();
  if (words.size() != 1 || (words[0] != "bash" && words[0] != "zsh" && words[0] != "fish")) {
    return UsageError("give the shell: bash, zsh or fish");
  }
  const Shell shell = words[0] == "bash" ? Shell::kBash : words[0] == "zsh" ? Shell::kZsh : Shell::kFish;
  session.out().Text(CompletionScript(shell));
  return {};
}

Status RunMan(Session& session) {
  const std::vector<std::string>& words = session.args().words();
  if (words.empty()) {
    session.out().Text(ManPage(ORBITMQ_VERSION));
    return {};
  }
  const CommandSpec* command = FindCommand(words[0]);
  if (command == nullptr) {
    return UsageError(StrCat("there is no command '", Printable(words[0]), "'; mqadmin help lists all"));
  }
  session.out().Text(ManPage(*command, ORBITMQ_VERSION));
  return {};
}

constexpr WordSpec kContextWords[] = {{ValueKind::kChoice, "list|use|set|delete"}, {ValueKind::kContext}};
constexpr WordSpec kCompletionWords[] = {{ValueKind::kChoice, "bash|zsh|fish"}};
constexpr WordSpec kManWords[] = {{ValueKind::kCommand}};

constexpr CommandSpec kCommands[] = {
    {"context",
     "mqadmin itself",
     "Lists, chooses and keeps named NameServer addresses",
     {},
     "mqadmin context set prod 'ns1:9876;ns2:9876' --tls-ca /etc/ssl/mq-ca.pem",
     Effect::kReads,
     Needs::kNoServer,
     RunContext,
     "[list | use NAME | set NAME ADDRESSES [TLS options] | delete NAME]",
     kContextWords},
    {"completion",
     "mqadmin itself",
     "Prints the completion script of a shell",
     {},
     "source <(mqadmin completion bash)",
     Effect::kReads,
     Needs::kNoServer,
     RunCompletion,
     "bash|zsh|fish",
     kCompletionWords},
    {"man",
     "mqadmin itself",
     "Prints the man page, or that of one command",
     {},
     "mqadmin man topicStatus | man -l -",
     Effect::kReads,
     Needs::kNoServer,
     RunMan,
     "[COMMAND]",
     kManWords},
};

}  // namespace

std::span<const CommandSpec> OwnCommands() { return kCommands; }

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
// The scripts with which shells complete command lines of mqadmin.
#include "common/strings.h"
#include "tools/mqadmin/arguments.h"
#include "tools/mqadmin/help.h"

namespace orbitmq::tools {
namespace {

std::string CommandNames() {
  std::string names = "help";
  for (const CommandSpec* command : AllCommands()) StrAppend(names, " ", command->name);
  return names;
}

// What a shell runs to list the values of a kind; empty when there is nothing to list.
std::string_view ValuesCommand(ValueKind kind) {
  switch (kind) {
    case ValueKind::kTopic:
      return "mqadmin topicList 2>/dev/null";
    case ValueKind::kBool:
      return "printf '%s\\n' true false";
    case ValueKind::kPerm:
      return "printf '%s\\n' 2 4 6";
    case ValueKind::kCluster:
      return "mqadmin clusterList 2>/dev/null | awk 'NR>1{print $1}' | sort -u";
    case ValueKind::kBroker:
      return "mqadmin clusterList 2>/dev/null | awk 'NR>1{print $2}' | sort -u";
    case ValueKind::kAddress:
      return "mqadmin clusterList 2>/dev/null | awk 'NR>1{print $4}'";
    case ValueKind::kGroup:
      return "mqadmin consumerProgress 2>/dev/null | awk 'NR>1{print $1}'";
    default:
      return {};
  }
}

std::string Values(const OptionSpec& option) {
  if (option.kind != ValueKind::kChoice) return std::string(ValuesCommand(option.kind));
  std::string values = "printf '%s\\n'";
  for (const std::string_view choice : Split(option.choices, '|')) StrAppend(values, " ", choice);
  return values;
}

// "-t --topic".
std::string OptionWords(const OptionSpec& option, std::string_view separator) {
  return option.letters.empty() ? StrCat("--", option.name)
                                : StrCat("-", option.letters, separator, "--", option.name);
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string Bash() {
  std::string out = StrCat(
      "# bash completion of mqadmin; made by: mqadmin completion bash\n_mqadmin() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local command=\"${COMP_WORDS[1]}\"\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ] || [ \"$before\" = help ]; then\n    mapfile -t COMPREPLY < <(compgen "
      "-W '",
      CommandNames(), "' -- \"$word\")\n    return\n  fi\n  case \"$command $before\" in\n");
  std::string options;
  for (const CommandSpec* command : AllCommands()) {
    std::string words;
    for (const OptionSpec& option : command->options) {
      StrAppend(words, words.empty() ? "" : " ", OptionWords(option, " "));
      const std::string values = Values(option);
      if (values.empty()) continue;
      std::string pattern = StrCat("'", command->name, " --", option.name, "'");
      if (!option.letters.empty()) {
        pattern = StrCat("'", command->name, " -", option.letters, "'|", pattern);
      }
      StrAppend(out, "    ", pattern, ")\n      mapfile -t COMPREPLY < <(compgen -W \"$(", values,
                ")\" -- \"$word\")\n      return ;;\n");
    }
    StrAppend(options, "    ", command->name, ") options='", words, "' ;;\n");
  }
  std::string global;
  for (const OptionSpec& option : GlobalOptions()) StrAppend(global, " ", OptionWords(option, " "));
  StrAppend(out, "  esac\n  local options=''\n  case \"$command\" in\n", options, "  esac\n");
  return StrCat(out, "  mapfile -t COMPREPLY < <(compgen -W \"$options", global,
                "\" -- \"$word\")\n}\ncomplete -o default -F _mqadmin mqadmin\n");
}

// One option of zsh's _arguments: '(-t --topic)'{-t,--topic}'[text]:name:action'.
std::string ZshOption(const OptionSpec& option) {
  std::string text(option.text);
  for (size_t at = 0; (at = text.find_first_of("[]:", at)) != std::string::npos; at += 2)
    text.insert(at, 1, '\\');
  std::string spec = option.letters.empty() ? StrCat("--", option.name)
                                            : StrCat("'(-", option.letters, " --", option.name, ")'{-",
                                                     option.letters, ",--", option.name, "}");
  spec += Quoted("[" + text + "]");
  if (option.kind == ValueKind::kFlag) return spec;
  const std::string values = Values(option);
  if (option.kind == ValueKind::kPath) return spec + "':path:_files'";
  if (values.empty()) return StrCat(spec, Quoted(StrCat(":", option.name, ": ")));
  return StrCat(spec, Quoted(StrCat(":", option.name, ":{compadd -- $(", values, ")}")));
}

std::string Zsh() {
  std::string out =
      "#compdef mqadmin\n# zsh completion of mqadmin; made by: mqadmin completion zsh\n_mqadmin() {\n";
  out += "  local -a commands=(\n";
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "    ", Quoted(StrCat(command->name, ":", command->description)), "\n");
  }
  out +=
      "  )\n  if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then\n    _describe command commands\n    "
      "return\n"
      "  fi\n  local command=$words[2]\n  words=(mqadmin ${words[3,-1]})\n  (( CURRENT-- ))\n"
      "  local -a global=(\n";
  for (const OptionSpec& option : GlobalOptions()) StrAppend(out, "    ", ZshOption(option), "\n");
  out += "  )\n  case $command in\n";
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "    ", command->name, ") _arguments");
    for (const OptionSpec& option : command->options) StrAppend(out, " \\\n      ", ZshOption(option));
    out += " $global ;;\n";
  }
  return out + "  esac\n}\n_mqadmin \"$@\"\n";
}

std::string FishOption(const OptionSpec& option, std::string_view condition) {
  std::string line = "complete -c mqadmin";
  if (!condition.empty()) StrAppend(line, " -n ", Quoted(condition));
  if (!option.letters.empty()) StrAppend(line, option.letters.size() == 1 ? " -s " : " -o ", option.letters);
  StrAppend(line, " -l ", option.name, " -d ", Quoted(option.text));
  if (option.kind == ValueKind::kPath) return line + " -rF\n";
  if (option.kind != ValueKind::kFlag) line += " -x";
  const std::string values = Values(option);
  return values.empty() ? line + "\n" : StrCat(line, " -a ", Quoted(StrCat("(", values, ")")), "\n");
}

std::string Fish() {
  std::string out =
      "# fish completion of mqadmin; made by: mqadmin completion fish\ncomplete -c mqadmin -f\n";
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "complete -c mqadmin -n __fish_use_subcommand -a ", command->name, " -d ",
              Quoted(command->description), "\n");
    const std::string condition = StrCat("__fish_seen_subcommand_from ", command->name);
    for (const OptionSpec& option : command->options) out += FishOption(option, condition);
  }
  for (const OptionSpec& option : GlobalOptions()) out += FishOption(option, "");
  return out;
}

}  // namespace

std::string CompletionScript(Shell shell) {
  switch (shell) {
    case Shell::kBash:
      return Bash();
    case Shell::kZsh:
      return Zsh();
    case Shell::kFish:
      return Fish();
  }
  return {};
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
// The scripts with which shells complete command lines of mqadmin.
#include "common/strings.h"
#include "tools/mqadmin/arguments.h"
#include "tools/mqadmin/help.h"

namespace orbitmq::tools {
namespace {

constexpr char kHelpText[] = "Lists the commands, or shows one with its options";
constexpr char kVersionText[] = "tell the version";

std::string CommandNames() {
  std::string names = "help";
  for (const CommandSpec* command : AllCommands()) StrAppend(names, " ", command->name);
  return names;
}

// Options of all commands that say whom to ask, those with a value first.
constexpr char kReachBefore[] = "-n --namesrvAddr --context --tls-ca --tls-cert --tls-key";
constexpr char kReachWhole[] = "-n*:* --namesrvAddr=* --context=* --tls*";

// Those with a value that say nothing of it.
std::string ValuedOptions(std::string_view between) {
  std::string options;
  for (const OptionSpec& option : GlobalOptions()) {
    if (option.kind == ValueKind::kInt) StrAppend(options, options.empty() ? "" : between, "--", option.name);
  }
  return options;
}

// What a shell runs to list the values of a kind; empty when there is nothing to list. '@' stands for the
// options of the line that say whom to ask.
std::string_view ValuesCommand(ValueKind kind) {
  switch (kind) {
    case ValueKind::kTopic:
      return "mqadmin topicList @ 2>/dev/null";
    case ValueKind::kBool:
      return "printf '%s\\n' true false";
    case ValueKind::kPerm:
      return "printf '%s\\n' 0 2 4 6";
    case ValueKind::kCluster:
      return "mqadmin clusterList @ 2>/dev/null | awk 'NR>1{print $1}' | sort -u";
    case ValueKind::kBroker:
      return "mqadmin clusterList @ 2>/dev/null | awk 'NR>1{print $2}' | sort -u";
    case ValueKind::kAddress:
      return "mqadmin clusterList @ 2>/dev/null | awk 'NR>1{print $4}'";
    case ValueKind::kGroup:
      return "mqadmin consumerProgress @ 2>/dev/null | awk 'NR>1{print $1}'";
    case ValueKind::kContext:
      return "mqadmin context list 2>/dev/null | awk 'NR>1{print $1==\"*\"?$2:$1}'";
    default:
      return {};
  }
}

std::string Replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out(text);
  for (size_t at = 0; (at = out.find(what, at)) != std::string::npos; at += with.size()) {
    out.replace(at, what.size(), with);
  }
  return out;
}

// Of an option, or of a word that stands alone.
template <class Spec>
std::string Values(const Spec& spec, std::string_view reach) {
  if (spec.kind == ValueKind::kCommand) return StrCat("printf '%s\\n' ", CommandNames());
  if (spec.kind != ValueKind::kChoice) return Replaced(ValuesCommand(spec.kind), "@", reach);
  std::string values = "printf '%s\\n'";
  for (const std::string_view choice : Split(spec.choices, '|')) StrAppend(values, " ", choice);
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

// The rest of a case of bash: offers what the command `values` prints.
std::string BashReply(std::string_view values) {
  return StrCat("      _mqadmin_offer \"$word\" < <(", values, ")\n      return ;;\n");
}

// What finds the command, where it stands, and whom it asks. The shell takes '=' and ':' for words of their
// own, so that these are looked for in the line itself.
constexpr char kBashBegin[] = R"(# bash completion of mqadmin; made by: mqadmin completion bash
# Offers the lines of standard input that begin with $1, as words of a command line. Anybody who reaches a
# NameServer gives it names: compgen -W would run what is in them, and so would the line without quotes.
_mqadmin_offer() {
  local name quoted
  COMPREPLY=()
  while IFS= read -r name; do
    printf -v quoted %q "$name"
    case "$name" in "$1"*) COMPREPLY+=("$quoted") ;; *)
      case "$quoted" in "$1"*) COMPREPLY+=("$quoted") ;; esac ;;
    esac
  done
}
_mqadmin() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$word" = = ]; then word=''; elif [ "$before" = = ]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi
  local line="${COMP_LINE:0:COMP_POINT}" command='' position=0 i one
  local -a typed=() reach=()
  read -ra typed <<< "$line"
  case "$line" in *[[:blank:]]) typed+=('') ;; esac
  for ((i = 1; i < ${#typed[@]} - 1; i++)); do
    one="${typed[i]//[\"\']/}"
    case "$one" in
      @BEFORE@) reach+=("$one" "${typed[i+1]//[\"\']/}"); i=$((i + 1)) ;;
      @WHOLE@) reach+=("$one") ;;
      @VALUED@) i=$((i + 1)) ;;
      -*) ;;
      *) if [ -z "$command" ]; then command="$one" position=$i; fi ;;
    esac
  done
  case "$command $before" in
)";

// Options with a value that no command lists: files, which the shell knows, and what only the user knows.
struct Unlisted {
  std::string paths;
  std::string texts;
  void Add(const OptionSpec& option, std::string_view pattern) {
    if (option.kind == ValueKind::kFlag) return;
    std::string& to = option.kind == ValueKind::kPath ? paths : texts;
    StrAppend(to, to.empty() ? "" : "|", pattern);
  }
  std::string Cases() const {
    return StrCat("    ", paths, ")\n      return ;;\n    ", texts,
                  ")\n      compopt +o default 2>/dev/null\n      return ;;\n");
  }
};

std::string Bash() {
  constexpr std::string_view kReach = "\"${reach[@]}\"";
  std::string global;
  std::string cases;
  Unlisted unlisted;
  std::string options;
  for (const CommandSpec* command : AllCommands()) {
    std::string words;
    for (const OptionSpec& option : command->options) {
      StrAppend(words, words.empty() ? "" : " ", OptionWords(option, " "));
      std::string pattern = StrCat("'", command->name, " --", option.name, "'");
      if (!option.letters.empty()) {
        pattern = StrCat("'", command->name, " -", option.letters, "'|", pattern);
      }
      const std::string values = Values(option, kReach);
      if (values.empty()) {
        unlisted.Add(option, pattern);
      } else {
        StrAppend(cases, "    ", pattern, ")\n", BashReply(values));
      }
    }
    StrAppend(options, "    ", command->name, ") options='", words, "' ;;\n");
  }
  for (const OptionSpec& option : GlobalOptions()) {
    StrAppend(global, " ", OptionWords(option, " "));
    std::string pattern = StrCat("*' --", option.name, "'");
    if (!option.letters.empty()) pattern = StrCat("*' -", option.letters, "'|", pattern);
    if (const std::string values = Values(option, kReach); !values.empty()) {
      StrAppend(cases, "    ", pattern, ")\n", BashReply(values));
    } else {
      unlisted.Add(option, pattern);
    }
  }
  std::string out = Replaced(kBashBegin, "@BEFORE@", Replaced(kReachBefore, " ", "|"));
  out = Replaced(Replaced(out, "@WHOLE@", Replaced(kReachWhole, " ", "|")), "@VALUED@", ValuedOptions("|"));
  StrAppend(out, cases, unlisted.Cases(),
            "  esac\n  if [ -z \"$command\" ] || [ \"$command\" = help ]; then\n",
            "    mapfile -t COMPREPLY < <(compgen -W '", CommandNames(), " --version", global,
            "' -- \"$word\")\n    return\n  fi\n",
            "  case \"$command $((${#typed[@]} - position)) $word\" in\n    *' -'*) ;;\n");
  for (const CommandSpec* command : AllCommands()) {
    for (size_t i = 0; i < command->word_values.size(); ++i) {
      StrAppend(out, "    '", command->name, " ", i + 2, " '*)\n",
                BashReply(Values(command->word_values[i], kReach)));
    }
  }
  StrAppend(out, "  esac\n  local options=''\n  case \"$command\" in\n", options, "  esac\n");
  return StrCat(out, "  mapfile -t COMPREPLY < <(compgen -W \"$options", global,
                "\" -- \"$word\")\n}\ncomplete -o default -F _mqadmin mqadmin\n");
}

// What _arguments runs to offer values; there a bare ':' ends an action.
std::string ZshAction(std::string_view values) {
  return StrCat("{compadd -- $(", Replaced(values, ":", "\\:"), ")}");
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
  const std::string values = Values(option, "$reach");
  if (option.kind == ValueKind::kPath) return spec + "':path:_files'";
  if (values.empty()) return StrCat(spec, Quoted(StrCat(":", option.name, ": ")));
  return StrCat(spec, Quoted(StrCat(":", option.name, ":", ZshAction(values))));
}

// As kBashBegin: the command, where it stands, and whom the line asks.
constexpr char kZshFind[] = R"(  local -a reach=()
  local command='' i position=0
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      (@BEFORE@) reach+=($words[i] ${(Q)words[i+1]}); i=$((i + 1)) ;;
      (@WHOLE@) reach+=(${(Q)words[i]}) ;;
      (@VALUED@) i=$((i + 1)) ;;
      (-*) ;;
      (*) if [[ -z $command ]]; then command=$words[i] position=$i; fi ;;
    esac
  done
)";
// Everything in front of the command is over for _arguments.
constexpr char kZshChoose[] = R"(  if [[ -z $command ]]; then
    _arguments $global --version'[tell the version]' '1:command:{_describe command commands}'
    return
  elif [[ $command == help ]]; then
    _describe command commands
    return
  fi
  words=(mqadmin ${words[position+1,-1]})
  CURRENT=$((CURRENT - position + 1))
  case $command in
)";

std::string Zsh() {
  std::string out =
      "#compdef mqadmin\n# zsh completion of mqadmin; made by: mqadmin completion zsh\n_mqadmin() {\n";
  StrAppend(out, "  local -a commands=(\n    ", Quoted(StrCat("help:", kHelpText)), "\n");
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "    ", Quoted(StrCat(command->name, ":", command->description)), "\n");
  }
  std::string find = Replaced(kZshFind, "@BEFORE@", Replaced(kReachBefore, " ", "|"));
  find = Replaced(Replaced(find, "@WHOLE@", Replaced(kReachWhole, " ", "|")), "@VALUED@", ValuedOptions("|"));
  StrAppend(out, "  )\n", find, "  local -a global=(\n");
  for (const OptionSpec& option : GlobalOptions()) StrAppend(out, "    ", ZshOption(option), "\n");
  StrAppend(out, "  )\n", kZshChoose);
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "    ", command->name, ") _arguments");
    for (const OptionSpec& option : command->options) StrAppend(out, " \\\n      ", ZshOption(option));
    for (size_t i = 0; i < command->word_values.size(); ++i) {
      StrAppend(out, " \\\n      ",
                Quoted(StrCat(i + 1, ":word:", ZshAction(Values(command->word_values[i], "$reach")))));
    }
    out += " $global ;;\n";
  }
  return out + "  esac\n}\n_mqadmin \"$@\"\n";
}

constexpr char kFishReach[] = "(__mqadmin_reach)";
// Whether the command is still to come; what prints the options of the line that say whom to ask, and their
// values.
constexpr char kFishNoCommand[] = "__mqadmin_no_command";
constexpr char kFishBegin[] = R"(# fish completion of mqadmin; made by: mqadmin completion fish
function __mqadmin_no_command
  set -l value no
  for word in (commandline -opc)[2..-1]
    if test $value = yes
      set value no
    else
      switch $word
        case @BEFORE@ @VALUED@
          set value yes
        case '-*'
        case '*'
          return 1
      end
    end
  end
end
function __mqadmin_reach
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      printf '%s\n' $word
      set value no
    else
      switch $word
        case @BEFORE@
          printf '%s\n' $word
          set value yes
        case @WHOLE@
          printf '%s\n' $word
      end
    end
  end
end
complete -c mqadmin -f
)";

std::string FishOption(const OptionSpec& option, std::string_view condition) {
  std::string line = "complete -c mqadmin";
  if (!condition.empty()) StrAppend(line, " -n ", Quoted(condition));
  if (!option.letters.empty()) StrAppend(line, option.letters.size() == 1 ? " -s " : " -o ", option.letters);
  StrAppend(line, " -l ", option.name, " -d ", Quoted(option.text));
  if (option.kind == ValueKind::kPath) return line + " -rF\n";
  if (option.kind != ValueKind::kFlag) line += " -x";
  const std::string values = Values(option, kFishReach);
  return values.empty() ? line + "\n" : StrCat(line, " -a ", Quoted(StrCat("(", values, ")")), "\n");
}

// The words of a command. Those behind a choice come once it was made.
std::string FishWords(const CommandSpec& command) {
  std::string out;
  std::string condition = StrCat("__fish_seen_subcommand_from ", command.name);
  for (const WordSpec& word : command.word_values) {
    std::string here = condition;
    if (word.kind == ValueKind::kChoice) {
      std::string choices;
      for (const std::string_view choice : Split(word.choices, '|')) StrAppend(choices, " ", choice);
      StrAppend(here, "; and not __fish_seen_subcommand_from", choices);
      StrAppend(condition, "; and __fish_seen_subcommand_from", choices);
    }
    StrAppend(out, "complete -c mqadmin -n ", Quoted(here), " -a ",
              Quoted(StrCat("(", Values(word, kFishReach), ")")), "\n");
  }
  return out;
}

std::string Fish() {
  std::string out = Replaced(kFishBegin, "@BEFORE@", kReachBefore);
  out = Replaced(out, "@WHOLE@", StrCat("'", Replaced(kReachWhole, " ", "' '"), "'"));
  out = Replaced(out, "@VALUED@", ValuedOptions(" "));
  StrAppend(out, "complete -c mqadmin -n ", kFishNoCommand, " -a help -d ", Quoted(kHelpText),
            "\ncomplete -c mqadmin -n '__fish_seen_subcommand_from help' -a ", Quoted(CommandNames()), "\n",
            "complete -c mqadmin -n ", kFishNoCommand, " -l version -d ", Quoted(kVersionText), "\n");
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(out, "complete -c mqadmin -n ", kFishNoCommand, " -a ", command->name, " -d ",
              Quoted(command->description), "\n");
    const std::string condition = StrCat("__fish_seen_subcommand_from ", command->name);
    for (const OptionSpec& option : command->options) out += FishOption(option, condition);
    out += FishWords(*command);
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

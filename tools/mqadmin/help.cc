// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/help.h"

#include "common/strings.h"
#include "tools/mqadmin/arguments.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/output.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kColumnsMax = 100;

// "-t,--topic <topic>", as commons-cli writes it.
std::string OptionHead(const OptionSpec& option) {
  const std::string_view value = ValueName(option.kind);
  return StrCat(option.letters.empty() ? std::string("   ") : StrCat("-", option.letters, ","), "--",
                option.name, value.empty() ? "" : " ", value);
}

std::string OptionNote(const OptionSpec& option) {
  std::string note(option.text);
  if (!option.choices.empty()) StrAppend(note, " (", option.choices, ")");
  if (option.need == Need::kRequired) note += "; required";
  if (option.need == Need::kOneOf) note += "; exactly one of those marked so";
  if (option.need == Need::kAnyOf) note += "; one of those marked so, the broker counts if both are given";
  return note;
}

// One word of the usage line: "-t <topic>", in brackets when it may be left out.
std::string UsageWord(const OptionSpec& option) {
  const std::string_view value = ValueName(option.kind);
  std::string word = option.letters.empty() ? StrCat("--", option.name) : StrCat("-", option.letters);
  if (!value.empty()) StrAppend(word, " ", value);
  return option.need == Need::kRequired ? word : "[" + word + "]";
}

std::string Wrapped(std::string_view words, size_t indent) {
  std::string out;
  size_t column = indent;
  for (const std::string_view word : Split(words, '\n')) {
    if (column + word.size() + 1 > kColumnsMax && column > indent) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    StrAppend(out, column == indent ? "" : " ", word);
    column += word.size() + 1;
  }
  return out;
}

std::string OptionTable(std::span<const OptionSpec> options) {
  std::string out;
  for (const OptionSpec& option : options) {
    const std::string arguments[] = {OptionHead(option), OptionNote(option)};
    out += JavaFormat("  %-36s  %s%n", arguments);
  }
  return out;
}

// How the command is called; further lines are indented so far.
std::string Synopsis(const CommandSpec& command, size_t indent) {
  std::string words = StrCat("mqadmin ", command.name);
  if (!command.words.empty()) StrAppend(words, "\n", command.words);
  for (const OptionSpec& option : command.options) StrAppend(words, "\n", UsageWord(option));
  return Wrapped(words + "\n[option of all commands]..", indent);
}

// For roff: no line begins with a control character, '-' stays one, backslashes are kept.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      StrAppend(out, "\\&", c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string RoffOptions(std::span<const OptionSpec> options) {
  std::string out;
  for (const OptionSpec& option : options) {
    StrAppend(out, ".TP\n.B ", Roff(Trim(OptionHead(option))), "\n", Roff(OptionNote(option)), ".\n");
  }
  return out;
}

// Words such as lists of addresses are too long for lines of equal length.
constexpr char kNoAdjusting[] = ".ad l\n";

constexpr char kExitCodes[] =
    R"(exit codes: 0 done, 1 failed, 2 wrong usage, 3 a server cannot be reached, 4 permission denied
)";

std::string_view NeedName(Need need) {
  switch (need) {
    case Need::kOptional:
      return "optional";
    case Need::kRequired:
      return "required";
    case Need::kOneOf:
      return "oneOf";
    case Need::kAnyOf:
      return "anyOf";
  }
  return "";
}

std::string OptionsJson(std::span<const OptionSpec> options) {
  std::string list = "[";
  for (const OptionSpec& option : options) {
    StrAppend(list, list.size() == 1 ? "" : ",", "{\"name\":", JsonText(option.name),
              ",\"letters\":", JsonText(option.letters), ",\"value\":", JsonText(ValueName(option.kind)),
              ",\"need\":", JsonText(NeedName(option.need)), ",\"choices\":", JsonText(option.choices),
              ",\"text\":", JsonText(option.text), "}");
  }
  return list + "]";
}

// Without the closing brace.
std::string CommandJson(const CommandSpec& command) {
  return StrCat("{\"name\":", JsonText(command.name), ",\"subject\":", JsonText(command.subject),
                ",\"description\":", JsonText(command.description));
}

}  // namespace

std::string HelpListJson() {
  std::string list;
  for (const CommandSpec* command : AllCommands()) {
    StrAppend(list, list.empty() ? "" : ",", CommandJson(*command), "}");
  }
  return StrCat("{\"commands\":[", list, "]}\n");
}

std::string HelpPageJson(const CommandSpec& command) {
  return StrCat(CommandJson(command), ",\"words\":", JsonText(command.words),
                ",\"example\":", JsonText(command.example), ",\"options\":", OptionsJson(command.options),
                ",\"optionsOfAllCommands\":", OptionsJson(GlobalOptions()), "}\n");
}

std::string HelpList() {
  std::string out = "The most commonly used mqadmin commands are:\n";
  std::string_view subject;
  for (const CommandSpec* command : AllCommands()) {
    if (command->subject != subject) {
      subject = command->subject;
      StrAppend(out, "\n", subject, "\n");
    }
    const std::string arguments[] = {std::string(command->name), std::string(command->description)};
    out += JavaFormat("   %-35s %s%n", arguments);
  }
  return StrCat(out, "\nSee 'mqadmin help <command>' for more information on a specific command.\n",
                "'mqadmin --version' tells the version.\n", kExitCodes);
}

std::string HelpPage(const CommandSpec& command) {
  std::string out = StrCat("usage: ", Synopsis(command, 7), "\n\n", command.description, "\n");
  if (!command.options.empty()) StrAppend(out, "\noptions:\n", OptionTable(command.options));
  StrAppend(out, "\noptions of all commands:\n", OptionTable(GlobalOptions()));
  return StrCat(out, "\nexample:\n  ", command.example, "\n\n", kExitCodes);
}

std::string ManPage(const CommandSpec& command, std::string_view version) {
  std::string out = StrCat(".TH MQADMIN\\-", command.name, " 1 \"\" \"OrbitMQ ", version, "\"\n");
  StrAppend(out, kNoAdjusting, ".SH NAME\nmqadmin\\-", command.name, " \\- ", Roff(command.description),
            "\n");
  StrAppend(out, ".SH SYNOPSIS\n.nf\n", Roff(Synopsis(command, 8)), "\n.fi\n");
  if (!command.options.empty()) StrAppend(out, ".SH OPTIONS\n", RoffOptions(command.options));
  StrAppend(out, ".SH OPTIONS OF ALL COMMANDS\n", RoffOptions(GlobalOptions()));
  StrAppend(out, ".SH EXAMPLE\n.nf\n", Roff(command.example), "\n.fi\n");
  return StrCat(out, ".SH EXIT STATUS\n", Roff(kExitCodes), ".SH SEE ALSO\n.BR mqadmin (1)\n");
}

std::string ManPage(std::string_view version) {
  std::string out = StrCat(".TH MQADMIN 1 \"\" \"OrbitMQ ", version, "\"\n", kNoAdjusting);
  out += ".SH NAME\nmqadmin \\- looks after NameServers, brokers, topics, groups and messages\n";
  out +=
      ".SH SYNOPSIS\n.B mqadmin\n.I command\n[options]\n.br\n.B mqadmin help\n[command]\n.br\n"
      ".B mqadmin \\-\\-version\n.SH DESCRIPTION\n";
  out +=
      "Command names, options and columns are those of Apache RocketMQ's mqadmin 5.5.0.\n"
      "The NameServers come from \\-n, else \\-\\-context, else $NAMESRV_ADDR, else the current context "
      "(see the command context).\n";
  StrAppend(out, ".SH OPTIONS OF ALL COMMANDS\n", RoffOptions(GlobalOptions()));
  std::string_view subject;
  for (const CommandSpec* command : AllCommands()) {
    if (command->subject != subject) {
      subject = command->subject;
      StrAppend(out, ".SH COMMANDS: ", subject, "\n");
    }
    StrAppend(out, ".SS ", command->name, "\n", Roff(command->description), "\n");
    if (!command->words.empty()) {
      StrAppend(out, ".PP\n.B mqadmin ", command->name, "\n", Roff(command->words), "\n");
    }
    out += RoffOptions(command->options);
    StrAppend(out, ".PP\n.nf\n", Roff(command->example), "\n.fi\n");
  }
  return StrCat(out, ".SH EXIT STATUS\n", Roff(kExitCodes),
                ".SH ENVIRONMENT\nNAMESRV_ADDR, NO_COLOR, XDG_CONFIG_HOME (contexts are in "
                "orbitmq/contexts below it), MQADMIN_TLS and MQADMIN_TLS_INSECURE (true or false), "
                "MQADMIN_TLS_CA, MQADMIN_TLS_CERT, MQADMIN_TLS_KEY (paths), MQADMIN_TLS_KEY_PASSWORD\n");
}

}  // namespace orbitmq::tools

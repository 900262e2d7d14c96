// SPDX-License-Identifier: Apache-2.0
#include "common/process/flags.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gflags/gflags.h>

#include "common/strings.h"
#include "orbitmq/result.h"

namespace orbitmq::process {
namespace {

Status Wrong(std::string text) { return Status(StatusCode::kInvalidArgument, std::move(text)); }

// One argument taken apart.
struct Setting {
  gflags::CommandLineFlagInfo flag;
  std::optional<std::string> value;  // Nothing: it is the next argument.
};

// What `--name` or `--name=value` means.
Result<Setting> Understand(const Program& program, std::string_view argument) {
  std::string_view text = argument.substr(argument.starts_with("--") ? 2 : 1);
  const size_t equals = text.find('=');
  std::string name(text.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  for (const FlagAlias& alias : program.aliases) {
    if (alias.name != name) continue;
    if (alias.flag.empty())
      return Wrong(StrCat("'", argument.substr(0, argument.find('=')), "': ", alias.why));
    name = alias.flag;
    break;
  }
  Setting setting;
  if (equals != std::string_view::npos) setting.value = text.substr(equals + 1);
  if (gflags::GetCommandLineFlagInfo(name.c_str(), &setting.flag)) {
    if (setting.flag.type == "bool" && !setting.value) setting.value = "true";
    return setting;
  }
  if (name.starts_with("no") && gflags::GetCommandLineFlagInfo(name.c_str() + 2, &setting.flag) &&
      setting.flag.type == "bool" && !setting.value) {
    setting.value = "false";
    return setting;
  }
  return Wrong(StrCat("unknown flag '", argument.substr(0, argument.find('=')), "'"));
}

Status Set(const Program& program, const Setting& setting) {
  const std::string& name = setting.flag.name;
  std::string value = *setting.value;
  const bool list = std::find(program.lists.begin(), program.lists.end(), name) != program.lists.end();
  if (list && !setting.flag.is_default) value = StrCat(setting.flag.current_value, ",", value);
  if (!gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) return {};
  return Wrong(StrCat("--", name, ": '", *setting.value, "' is no ", setting.flag.type));
}

Status ReadAll(const Program& program, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.size() < 2 || argument[0] != '-' || argument == "--") {
      return Wrong(StrCat("unexpected argument '", argument, "'"));
    }
    auto setting = Understand(program, argument);
    if (!setting.ok()) return setting.status();
    if (!setting->value) {
      if (i + 1 == argc) return Wrong(StrCat("'", argument, "' needs a value"));
      setting->value = argv[++i];
    }
    if (Status set = Set(program, *setting); !set.ok()) return set;
  }
  return {};
}

// As they are typed: one letter behind one hyphen, words behind two.
std::string Typed(const gflags::CommandLineFlagInfo& flag) {
  std::string name = flag.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return StrCat(name.size() == 1 ? "-" : "--", name, flag.type == "bool" ? "" : " VALUE");
}

// What the program is for and what its own flags are; those of gflags are for nobody. gflags would name the
// source file.
void ShowUsage(const Program& program) {
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  std::erase_if(all, [&program](const gflags::CommandLineFlagInfo& flag) {
    return flag.filename.find(program.source) == std::string::npos;
  });
  size_t width = 0;
  for (const auto& flag : all) width = std::max(width, Typed(flag).size());
  std::string text = StrCat(program.name, ": ", program.description, "\n\n");
  for (const auto& flag : all) {
    std::string name = Typed(flag);
    name.resize(width, ' ');
    StrAppend(text, "  ", name, "  ", flag.description);
    if (flag.type != "bool" && !flag.default_value.empty()) StrAppend(text, " [", flag.default_value, "]");
    text += '\n';
  }
  std::fputs(text.c_str(), stdout);
}

bool IsSet(const char* name) {
  std::string value;
  return gflags::GetCommandLineOption(name, &value) && value == "true";
}

}  // namespace

int ExitCodeOf(const Status& why) {
  return why.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

std::optional<int> ReadFlags(const Program& program, int argc, char** argv) {
  gflags::SetUsageMessage(program.description);
  gflags::SetVersionString(program.version);
  gflags::SetArgv(argc, const_cast<const char**>(argv));
  if (const Status read = ReadAll(program, argc, argv); !read.ok()) {
    std::fprintf(stderr, "%s: %s; see %s -h\n", program.name, std::string(read.text()).c_str(), program.name);
    return kExitUsage;
  }
  if (IsSet("h") || IsSet("help")) {
    ShowUsage(program);
    return 0;
  }
  if (IsSet("version")) {
    std::printf("%s %s\n", program.name, program.version);
    return 0;
  }
  gflags::HandleCommandLineHelpFlags();
  return std::nullopt;
}

}  // namespace orbitmq::process

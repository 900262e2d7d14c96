// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/arguments.h"

#include "common/endpoint.h"
#include "common/strings.h"
#include "tools/mqadmin/java_format.h"

namespace orbitmq::tools {
namespace {

Status Wrong(std::string text) { return {StatusCode::kInvalidArgument, text}; }

// "-t/--topic".
std::string Spelled(const OptionSpec& option) {
  return option.letters.empty() ? StrCat("--", option.name) : StrCat("-", option.letters, "/--", option.name);
}

Status CheckChoice(const OptionSpec& option, std::string_view value) {
  for (const std::string_view choice : Split(option.choices, '|')) {
    if (choice == value) return {};
  }
  return Wrong(StrCat("'", Printable(value), "' is none of ", option.choices));
}

// A server has no longer name of anything; and a text should not be filled with one.
constexpr size_t kNameBytesMax = 255;

Status CheckName(std::string_view value) {
  if (Trim(value).empty()) return Wrong("the name is empty");
  if (value.size() <= kNameBytesMax) return {};
  return Wrong(StrCat("'", Printable(value, 40), "' has ", value.size(), " bytes; a name has at most ",
                      kNameBytesMax));
}

// Whether a value is what the option's kind says.
Status CheckValue(const OptionSpec& option, std::string_view value) {
  switch (option.kind) {
    case ValueKind::kInt:
      if (ParseInt<int32_t>(value)) return {};
      return Wrong(StrCat("'", Printable(value), "' is no whole number of 32 bits"));
    case ValueKind::kLong:
      if (ParseInt<int64_t>(value)) return {};
      return Wrong(StrCat("'", Printable(value), "' is no whole number of 64 bits"));
    case ValueKind::kBool:
      if (ParseBool(value)) return {};
      return Wrong(StrCat("'", Printable(value), "' is neither true nor false"));
    case ValueKind::kTime:
      return ParseToolTime(value).status();
    case ValueKind::kPerm:
      if (value.size() == 1 && value[0] >= '0' && value[0] <= '7') return {};
      return Wrong(
          StrCat("'", Printable(value), "' is no permission; 2 is write, 4 read, 6 both, 0 neither"));
    case ValueKind::kAddress:
      return ParseEndpoint(value).status();
    case ValueKind::kServers:
      return ParseEndpoints(value).status();
    case ValueKind::kChoice:
      return CheckChoice(option, value);
    case ValueKind::kText:
    case ValueKind::kPath:
    case ValueKind::kFlag:
    case ValueKind::kCommand:
    case ValueKind::kContext:
      return {};
    case ValueKind::kTopic:
    case ValueKind::kGroup:
    case ValueKind::kCluster:
    case ValueKind::kBroker:
      return CheckName(value);
  }
  return {};
}

// The words of one command line while they are read.
class Reader final {
 public:
  Reader(const CommandSpec& command, std::span<const std::string> words) : command_(command), words_(words) {
    for (const OptionSpec& option : command.options) options_.push_back(&option);
    own_ = options_.size();
    for (const OptionSpec& option : GlobalOptions()) {
      if (ByName(option.name) == nullptr) options_.push_back(&option);
    }
  }

  // Calls keep(option, value) for each option given, and alone(word) for what stands alone.
  template <class Keep, class Alone>
  Status Read(Keep keep, Alone alone) {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word.size() < 2 || word[0] != '-') {
        if (const Status taken = alone(word); !taken.ok()) return taken;
        continue;
      }
      const Status read = word[1] == '-' ? ReadLong(word.substr(2), word, keep) : ReadShort(word, keep);
      if (!read.ok()) return read;
    }
    return {};
  }

  // How many words have been read.
  size_t at() const { return at_; }

 private:
  const OptionSpec* ByName(std::string_view name) const {
    for (const OptionSpec* option : options_) {
      if (option->name == name) return option;
    }
    return nullptr;
  }
  const OptionSpec* ByLetters(std::string_view letters) const {
    for (const OptionSpec* option : options_) {
      if (!letters.empty() && option->letters == letters) return option;
    }
    return nullptr;
  }
  // By name or an unambiguous beginning of one; those of the command come before those of all commands.
  Result<const OptionSpec*> ByLong(std::string_view name, std::string_view word) const {
    if (const OptionSpec* exact = ByName(name)) return exact;
    for (const auto& [first, last] : {std::pair{size_t{0}, own_}, std::pair{own_, options_.size()}}) {
      std::vector<const OptionSpec*> fit;
      for (size_t i = first; i < last; ++i) {
        if (!name.empty() && options_[i]->name.starts_with(name)) fit.push_back(options_[i]);
      }
      if (fit.size() == 1) return fit[0];
      if (fit.size() > 1) {
        return Wrong(StrCat("'", word, "' may be --", fit[0]->name, " or --", fit[1]->name));
      }
    }
    return Unknown(name, word);
  }
  Status Unknown(std::string_view name, std::string_view word) const {
    std::vector<std::string_view> names;
    for (const OptionSpec* option : options_) names.push_back(option->name);
    const std::string_view nearest = NearestName(name, names);
    const std::string meant = nearest.empty() ? std::string() : StrCat("; did you mean --", nearest, "?");
    if (command_.name.empty()) {
      return Wrong(StrCat("unknown option '", Printable(word), "' in front of the command", meant,
                          " There only options of all commands may stand: mqadmin COMMAND OPTIONS"));
    }
    return Wrong(
        StrCat("unknown option '", Printable(word), "'", meant, " See: mqadmin help ", command_.name));
  }

  template <class Keep>
  Status ReadLong(std::string_view text, std::string_view word, Keep& keep) {
    const size_t equals = text.find('=');
    const auto option = ByLong(text.substr(0, equals), word);
    if (!option.ok()) return option.status();
    if (equals == std::string_view::npos) return Take(**option, keep);
    return keep(**option, text.substr(equals + 1));
  }

  // -t v, -t=v, -topic v, -topic=v, -tv, -al.
  template <class Keep>
  Status ReadShort(const std::string& word, Keep& keep) {
    const std::string_view text = std::string_view(word).substr(1);
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const OptionSpec* whole = ByLetters(name);
    if (whole == nullptr && name.size() > 1) whole = ByName(name);
    if (whole != nullptr && equals == std::string_view::npos) return Take(*whole, keep);
    if (whole != nullptr) return keep(*whole, text.substr(equals + 1));
    for (size_t i = 0; i < text.size(); ++i) {
      const OptionSpec* one = ByLetters(text.substr(i, 1));
      if (one == nullptr) return Unknown(name, word);
      const bool flag = one->kind == ValueKind::kFlag;
      const bool last = i + 1 == text.size();
      const Status kept = flag ? keep(*one, "") : last ? Take(*one, keep) : keep(*one, text.substr(i + 1));
      if (!kept.ok() || !flag) return kept;
    }
    return {};
  }

  // The option's value is the next word.
  template <class Keep>
  Status Take(const OptionSpec& option, Keep& keep) {
    if (option.kind == ValueKind::kFlag) return keep(option, "");
    if (at_ == words_.size() || IsOption(words_[at_])) {
      return Wrong(StrCat("option ", Spelled(option), " needs a value: ", option.text));
    }
    return keep(option, words_[at_++]);
  }
  // Whether a word is an option of this command; "-1" is a value.
  bool IsOption(std::string_view word) const {
    if (word.size() < 2 || word[0] != '-') return false;
    word.remove_prefix(word[1] == '-' ? 2 : 1);
    word = word.substr(0, word.find('='));
    return ByName(word) != nullptr || ByLetters(word) != nullptr;
  }

  const CommandSpec& command_;
  std::span<const std::string> words_;
  std::vector<const OptionSpec*> options_;  // The command's own ones first.
  size_t own_ = 0;
  size_t at_ = 0;
};

}  // namespace

std::string_view ValueName(ValueKind kind) {
  switch (kind) {
    case ValueKind::kFlag:
      return "";
    case ValueKind::kText:
      return "<text>";
    case ValueKind::kTopic:
      return "<topic>";
    case ValueKind::kGroup:
      return "<group>";
    case ValueKind::kCluster:
      return "<cluster>";
    case ValueKind::kBroker:
      return "<broker>";
    case ValueKind::kAddress:
      return "<host:port>";
    case ValueKind::kServers:
      return "<host:port;..>";
    case ValueKind::kInt:
    case ValueKind::kLong:
      return "<number>";
    case ValueKind::kBool:
      return "<true|false>";
    case ValueKind::kTime:
      return "<time>";
    case ValueKind::kPerm:
      return "<0..7>";
    case ValueKind::kPath:
      return "<path>";
    case ValueKind::kChoice:
      return "<choice>";
    case ValueKind::kCommand:
      return "<command>";
    case ValueKind::kContext:
      return "<context>";
  }
  return "";
}

Result<std::vector<std::string>> CommandFirst(std::span<const std::string> words) {
  constexpr CommandSpec kNone = {};
  std::vector<std::string> moved;
  const auto keep = [&moved](const OptionSpec& option, std::string_view value) -> Status {
    const bool flag = option.kind == ValueKind::kFlag;
    moved.push_back(flag && value.empty() ? StrCat("--", option.name)
                                          : StrCat("--", option.name, "=", value));
    return {};
  };
  bool found = false;
  Reader reader(kNone, words);
  const auto alone = [&found](const std::string&) -> Status {
    found = true;
    return {StatusCode::kCancelled, "the command"};
  };
  const Status read = reader.Read(keep, alone);
  if (!found) return read.ok() ? Result<std::vector<std::string>>(std::vector<std::string>()) : read;
  const auto command = words.subspan(reader.at() - 1);
  std::vector<std::string> ordered(command.begin(), command.end());
  ordered.insert(ordered.begin() + 1, moved.begin(), moved.end());
  return ordered;
}

Result<Arguments> Arguments::Parse(const CommandSpec& command, std::span<const std::string> words) {
  Arguments arguments;
  const auto keep = [&arguments](const OptionSpec& option, std::string_view value) -> Status {
    if (option.kind == ValueKind::kFlag && !value.empty()) {
      return Wrong(StrCat("option ", Spelled(option), " takes no value"));
    }
    value = Trim(value);
    if (const Status checked = CheckValue(option, value); !checked.ok()) {
      return Wrong(StrCat("option ", Spelled(option), ": ", checked.text()));
    }
    const auto [at, fresh] = arguments.values_.emplace(option.name, value);
    if (!fresh && at->second != value) return Wrong(StrCat("option ", Spelled(option), " is given twice"));
    return {};
  };
  const auto alone = [&](const std::string& word) -> Status {
    if (command.words.empty()) {
      return Wrong(StrCat("'", Printable(word), "' stands alone; every value follows its option"));
    }
    const size_t at = arguments.words_.size();
    if (at < command.word_values.size() && command.word_values[at].kind == ValueKind::kGroup) {
      if (const Status named = CheckName(word); !named.ok()) return named;
    }
    arguments.words_.push_back(word);
    return {};
  };
  if (const Status read = Reader(command, words).Read(keep, alone); !read.ok()) return read;
  if (arguments.Has("help")) return arguments;
  std::vector<std::string> alternatives;
  size_t given = 0;
  bool exactly_one = true;
  for (const OptionSpec& option : command.options) {
    if (option.need == Need::kRequired && !arguments.Has(option.name)) {
      return Wrong(StrCat("option ", Spelled(option), " is missing: ", option.text));
    }
    if (option.need == Need::kOneOf || option.need == Need::kAnyOf) {
      exactly_one = option.need == Need::kOneOf;
      alternatives.push_back(Spelled(option));
      given += arguments.Has(option.name) ? 1 : 0;
    }
  }
  if (alternatives.empty() || given == 1 || (given > 1 && !exactly_one)) return arguments;
  return Wrong(StrCat(exactly_one ? "give exactly one of " : "give one of ", Join(alternatives, " and ")));
}

std::string Arguments::Text(std::string_view name, std::string_view otherwise) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::string(otherwise) : at->second;
}

int64_t Arguments::Number(std::string_view name, int64_t otherwise) const {
  const auto at = values_.find(name);
  return at == values_.end() ? otherwise : ParseInt<int64_t>(at->second).value_or(otherwise);
}

bool Arguments::Bool(std::string_view name, bool otherwise) const {
  const auto at = values_.find(name);
  return at == values_.end() ? otherwise : ParseBool(at->second).value_or(otherwise);
}

int64_t Arguments::Time(std::string_view name, int64_t otherwise) const {
  const auto at = values_.find(name);
  if (at == values_.end()) return otherwise;
  const auto time = ParseToolTime(at->second);
  return time.ok() ? *time : otherwise;
}

}  // namespace orbitmq::tools

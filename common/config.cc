// SPDX-License-Identifier: Apache-2.0
#include "common/config.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/check.h"
#include "common/strings.h"
#include "common/utf8.h"

namespace orbitmq {
namespace {

// --- Java .properties.

bool PropertyBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

std::string_view DropBlanks(std::string_view text) {
  while (!text.empty() && PropertyBlank(text.front())) text.remove_prefix(1);
  return text;
}

// One logical line: natural lines joined where they end in an odd number of backslashes.
struct LogicalLine {
  std::string text;
  size_t number = 0;  // Of its first natural line, from 1.
  size_t begin = 0;   // Where it stands in the text: [begin, end), with its line ends.
  size_t end = 0;
};

class LineReader final {
 public:
  explicit LineReader(std::string_view text) : rest_(text), bytes_(text.size()) {}

  // Comments and blank lines are passed over; false at the end.
  bool Next(LogicalLine& line) {
    line = {};
    while (!done_) {
      const size_t begin = bytes_ - rest_.size();
      std::string_view natural = DropBlanks(TakeNatural());
      if (line.number == 0) {
        if (natural.empty() || natural.front() == '#' || natural.front() == '!') continue;
        line.number = number_;
        line.begin = begin;
      }
      line.end = bytes_ - rest_.size();
      const size_t last = natural.find_last_not_of('\\');
      const size_t slashes = natural.size() - (last == std::string_view::npos ? 0 : last + 1);
      const bool continues = slashes % 2 == 1;
      if (continues) natural.remove_suffix(1);
      line.text.append(natural);
      if (!continues) return true;
    }
    return line.number != 0;
  }

 private:
  std::string_view TakeNatural() {
    ++number_;
    const size_t end = rest_.find_first_of("\r\n");
    const std::string_view natural = rest_.substr(0, end);
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      const bool crlf = rest_.substr(end).starts_with("\r\n");
      rest_.remove_prefix(end + (crlf ? 2 : 1));
    }
    done_ = rest_.empty();
    return natural;
  }

  std::string_view rest_;
  const size_t bytes_;
  size_t number_ = 0;
  bool done_ = false;
};

// Four hex digits after \u; a high surrogate takes a following \u with the low one along.
Result<size_t> TakeUnicodeEscape(std::string_view after_u, std::string& out) {
  const auto unit_at = [](std::string_view digits) -> std::optional<uint32_t> {
    const auto raw = FromHex(digits.substr(0, 4));
    if (!raw || raw->size() != 2) return std::nullopt;
    return static_cast<uint32_t>(static_cast<unsigned char>((*raw)[0]) << 8 |
                                 static_cast<unsigned char>((*raw)[1]));
  };
  const auto first = unit_at(after_u);
  if (!first) return Status(StatusCode::kInvalidArgument, "\\u needs four hex digits");
  if (*first >= 0xD800 && *first < 0xDC00 && after_u.substr(4).starts_with("\\u")) {
    const auto second = unit_at(after_u.substr(6));
    if (second && *second >= 0xDC00 && *second < 0xE000) {
      AppendUtf8(out, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
      return size_t{10};
    }
  }
  AppendUtf8(out, *first);
  return size_t{4};
}

Result<std::string> Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '\\' || text.size() == 1) {
      if (text.front() != '\\') out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const char c = text[1];
    text.remove_prefix(2);
    switch (c) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        const auto used = TakeUnicodeEscape(text, out);
        if (!used) return used.status();
        text.remove_prefix(*used);
        break;
      }
      default:
        out += c;
    }
  }
  return out;
}

// Where the key ends: the first '=', ':' or blank that no backslash escapes.
size_t KeyEnd(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || PropertyBlank(line[i])) {
      return i;
    }
  }
  return line.size();
}

std::string_view DropSeparator(std::string_view text) {
  text = DropBlanks(text);
  if (!text.empty() && (text.front() == '=' || text.front() == ':')) text = DropBlanks(text.substr(1));
  return text;
}

// Blanks at the end go before unescaping, so that an escaped one at the end stays.
std::string_view DropTrailingBlanks(std::string_view text) {
  while (!text.empty() && PropertyBlank(text.back())) {
    const std::string_view before = text.substr(0, text.size() - 1);
    const size_t last = before.find_last_not_of('\\');
    const size_t slashes = before.size() - (last == std::string_view::npos ? 0 : last + 1);
    if (slashes % 2 == 1) break;
    text = before;
  }
  return text;
}

// --- Applying.

std::string RangeText(const OptionSpec& spec) {
  return spec.type == OptionType::kDouble ? StrCat(spec.low_double, "..", spec.high_double)
                                          : StrCat(spec.low, "..", spec.high);
}

// The value, or what is wrong with the text.
Result<OptionValue> ParseOption(const OptionSpec& spec, const std::string& text) {
  const auto bad = [&](std::string_view why) {
    return Status(StatusCode::kInvalidArgument, StrCat('"', Printable(text), "\" ", why));
  };
  switch (spec.type) {
    case OptionType::kText:
      return OptionValue(text);
    case OptionType::kBool: {
      const auto value = ParseBool(text);
      return value ? Result<OptionValue>(*value) : bad("is neither true nor false");
    }
    case OptionType::kInt32:
    case OptionType::kInt64:
    case OptionType::kMillis: {
      const bool digits =
          !text.empty() && text.find_first_not_of("0123456789", text[0] == '-') == std::string::npos;
      const auto value = ParseInt<int64_t>(text);
      if (!value && !(digits && text != "-")) return bad("is no whole number (plain decimal, no unit)");
      if (!value || *value < spec.low || *value > spec.high)
        return bad(StrCat("not in range ", RangeText(spec)));
      return OptionValue(*value);
    }
    case OptionType::kDouble: {
      const auto value = ParseDouble(text);
      if (!value) return bad("is no number");
      if (*value < spec.low_double || *value > spec.high_double) {
        return bad(StrCat("not in range ", RangeText(spec)));
      }
      return OptionValue(*value);
    }
    case OptionType::kChoice: {
      for (size_t i = 0; i < spec.choices.size(); ++i) {
        if (EqualsIgnoreCase(text, spec.choices[i])) return OptionValue(static_cast<int64_t>(i));
      }
      return bad(StrCat("is none of ", Join(spec.choices, ", ")));
    }
  }
  return bad("has an unknown type");
}

// One option that a key means, in one of the bound tables.
struct Target {
  const OptionSpec* spec = nullptr;
  void* object = nullptr;
};

struct KeyIndex {
  std::multimap<std::string_view, Target> targets;
  std::set<std::string_view> ignored;
  std::map<std::string_view, const RefusedKey*> refused;
  std::vector<std::string_view> names;
};

KeyIndex IndexKeys(std::span<const OptionBinding> bindings) {
  KeyIndex index;
  for (const OptionBinding& binding : bindings) {
    std::set<std::string_view> own;
    for (const OptionSpec& spec : binding.rows->options) {
      ORBITMQ_CHECK(own.insert(spec.name).second, "an option table has one name twice");
      index.targets.emplace(spec.name, Target{&spec, binding.object});
      index.names.push_back(spec.name);
    }
    index.ignored.insert(binding.rows->ignored.begin(), binding.rows->ignored.end());
    for (const RefusedKey& key : binding.rows->refused) index.refused.emplace(key.key, &key);
  }
  return index;
}

std::string UnknownKeyText(const KeyIndex& index, const ConfigEntry& entry) {
  std::string text = StrCat(entry.origin, ": ", Printable(entry.key), ": unknown key, ignored");
  const std::string_view nearest = NearestName(entry.key, index.names);
  if (!nearest.empty()) StrAppend(text, "; did you mean ", nearest, "?");
  return text;
}

// A binary file given by mistake must not pass as a list of odd keys.
Status CheckIsText(std::string_view text, std::string_view file_name) {
  size_t line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7F) || c == '\n' || c == '\r' || c == '\t' || c == '\f') continue;
    return Status(StatusCode::kInvalidArgument,
                  StrCat(file_name, ':', line, ": this is no text file: it has a byte of value ",
                         static_cast<int>(byte), "; expected lines of key=value"));
  }
  return {};
}

struct PendingSet {
  Target target;
  OptionValue value;
};

}  // namespace

Result<std::vector<ConfigEntry>> ParseProperties(std::string_view text, std::string_view file_name) {
  std::vector<ConfigEntry> entries;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // Editors on Windows.
  if (Status checked = CheckIsText(text, file_name); !checked.ok()) return checked;
  LineReader reader(text);
  LogicalLine line;
  while (reader.Next(line)) {
    const std::string origin = StrCat(file_name, ':', line.number);
    if (!IsUtf8(line.text)) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat(origin, ": key or value is no UTF-8; save the file as UTF-8 or use \\uXXXX"));
    }
    const size_t key_end = KeyEnd(line.text);
    auto key = Unescape(std::string_view(line.text).substr(0, key_end));
    if (!key) return key.status().Annotate(origin);
    auto value = Unescape(DropTrailingBlanks(DropSeparator(std::string_view(line.text).substr(key_end))));
    if (!value) return value.status().Annotate(StrCat(origin, ": ", Printable(*key)));
    if (key->empty()) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat(origin, ": no key before the separator; expected key=value"));
    }
    entries.push_back({*std::move(key), *std::move(value), origin});
  }
  return entries;
}

std::string EditProperties(std::string_view text, std::span<const ConfigEntry> settings) {
  if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; text.starts_with(kMark)) {
    return StrCat(kMark, EditProperties(text.substr(kMark.size()), settings));
  }
  std::map<std::string_view, std::string_view> wanted;
  for (const ConfigEntry& setting : settings) wanted.insert_or_assign(setting.key, setting.value);
  std::set<std::string_view> written;
  std::string out;
  size_t copied = 0;
  LineReader reader(text);
  LogicalLine line;
  while (reader.Next(line)) {
    const auto key = Unescape(std::string_view(line.text).substr(0, KeyEnd(line.text)));
    const auto found = key.ok() ? wanted.find(*key) : wanted.end();
    if (found == wanted.end()) continue;
    StrAppend(out, text.substr(copied, line.begin - copied), RenderSetting(found->first, found->second));
    copied = line.end;
    written.insert(found->first);
  }
  out += text.substr(copied);
  if (!out.empty() && out.back() != '\n' && out.back() != '\r') out += '\n';
  for (const auto& [key, value] : wanted) {
    if (!written.contains(key)) out += RenderSetting(key, value);
  }
  return out;
}

Result<ConfigEntry> ParseSetting(std::string_view text, std::string_view origin) {
  const size_t equals = text.find('=');
  const std::string_view key = Trim(text.substr(0, equals));
  if (equals == std::string_view::npos || key.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat(origin, ": \"", Printable(text), "\": expected key=value"));
  }
  return ConfigEntry{std::string(key), std::string(Trim(text.substr(equals + 1))), std::string(origin)};
}

Status ConfigReport::status() const {
  if (errors.empty()) return Status::Ok();
  return {StatusCode::kInvalidArgument, Join(errors, "\n")};
}

ConfigReport ApplyConfig(std::span<const OptionBinding> bindings, std::span<const ConfigEntry> entries,
                         ApplyMode mode) {
  const KeyIndex index = IndexKeys(bindings);
  ConfigReport report;
  // The last entry of a key counts; an earlier one with a bad value is still an error, it may come to life
  // again.
  std::map<const OptionSpec*, PendingSet> pending;
  std::map<std::string_view, const ConfigEntry*> seen;
  for (const ConfigEntry& entry : entries) {
    const auto [first, last] = index.targets.equal_range(entry.key);
    if (first == last) {
      if (const auto refused = index.refused.find(entry.key); refused != index.refused.end()) {
        const RefusedKey& key = *refused->second;
        // As Java reads it: whatever is not "true" is false.
        const bool is_false = key.harmless == "false" && !EqualsIgnoreCase(entry.value, "true");
        if (entry.value == key.harmless || is_false) continue;
        report.errors.push_back(StrCat(entry.origin, ": ", entry.key, ": is ", Printable(entry.value),
                                       ", but ", key.why, " (or set ", key.key, "=", key.harmless, ")"));
      } else if (index.ignored.contains(entry.key)) {
        report.notes.push_back(StrCat(entry.origin, ": ", entry.key, ": accepted, has no effect here"));
      } else {
        report.warnings.push_back(UnknownKeyText(index, entry));
      }
      continue;
    }
    const auto [earlier, fresh] = seen.try_emplace(entry.key, &entry);
    if (!fresh) {
      // Overriding a file from the command line is normal; twice in one file is a mistake.
      const auto file = [](const std::string& origin) { return origin.substr(0, origin.rfind(':')); };
      if (file(earlier->second->origin) == file(entry.origin)) {
        report.warnings.push_back(StrCat(entry.origin, ": ", entry.key, ": given before at ",
                                         earlier->second->origin, "; this one counts"));
      }
      earlier->second = &entry;
    }
    for (auto it = first; it != last; ++it) {
      auto value = ParseOption(*it->second.spec, entry.value);
      if (!value) {
        report.errors.push_back(StrCat(entry.origin, ": ", entry.key, ": ", value.status().text()));
        continue;
      }
      pending.insert_or_assign(it->second.spec, PendingSet{it->second, *std::move(value)});
    }
  }
  for (const OptionBinding& binding : bindings) {
    for (const OptionSpec& spec : binding.rows->options) {
      const auto it = pending.find(&spec);
      if (it == pending.end() || spec.get(it->second.target.object) == it->second.value) continue;
      if (mode == ApplyMode::kReload && spec.reload == Reload::kNo) {
        report.errors.push_back(StrCat(seen.at(spec.name)->origin, ": ", spec.name,
                                       ": cannot change while running; restart with the new value"));
      }
      report.changed.emplace_back(spec.name);
    }
  }
  if (!report.errors.empty()) {
    report.changed.clear();
    return report;
  }
  for (auto& [spec, set] : pending) spec->set(set.target.object, std::move(set.value));
  return report;
}

}  // namespace orbitmq

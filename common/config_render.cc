// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/config.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

// What Properties.load would take apart otherwise.
std::string EscapeValue(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    switch (value[i]) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case ' ':
        out += i == 0 || i + 1 == value.size() ? "\\ " : " ";
        break;
      default:
        out += value[i];
    }
  }
  return out;
}

std::string_view TypeName(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "bool";
    case OptionType::kInt32:
      return "int32";
    case OptionType::kInt64:
      return "int64";
    case OptionType::kMillis:
      return "ms";
    case OptionType::kDouble:
      return "double";
    case OptionType::kText:
      return "text";
    case OptionType::kChoice:
      return "choice";
  }
  return "text";
}

std::string RangeCell(const OptionSpec& spec) {
  switch (spec.type) {
    case OptionType::kBool:
      return "true, false";
    case OptionType::kText:
      return "";
    case OptionType::kChoice:
      return Join(spec.choices, ", ");
    case OptionType::kDouble:
      return StrCat(spec.low_double, "..", spec.high_double);
    default:
      break;
  }
  const bool whole = spec.type == OptionType::kInt32 ? spec.low == std::numeric_limits<int32_t>::min() &&
                                                           spec.high == std::numeric_limits<int32_t>::max()
                                                     : spec.low == std::numeric_limits<int64_t>::min() &&
                                                           spec.high == std::numeric_limits<int64_t>::max();
  return whole ? "" : StrCat(spec.low, "..", spec.high);
}

std::string MarkdownCell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string RenderOption(const OptionSpec& spec, const void* object) {
  const OptionValue value = spec.get(object);
  switch (spec.type) {
    case OptionType::kBool:
      return StrCat(std::get<bool>(value));
    case OptionType::kInt32:
    case OptionType::kInt64:
    case OptionType::kMillis:
      return StrCat(std::get<int64_t>(value));
    case OptionType::kDouble:
      return StrCat(std::get<double>(value));
    case OptionType::kText:
      return std::get<std::string>(value);
    case OptionType::kChoice:
      break;
  }
  const auto index = static_cast<size_t>(std::get<int64_t>(value));
  return index < spec.choices.size() ? std::string(spec.choices[index]) : std::string();
}

std::string RenderSetting(std::string_view key, std::string_view value) {
  return StrCat(key, '=', EscapeValue(value), '\n');
}

std::string RenderProperties(std::span<const OptionBinding> bindings) {
  std::string out;
  for (const OptionBinding& binding : bindings) {
    for (const OptionSpec& spec : binding.rows->options) {
      out += RenderSetting(spec.name, RenderOption(spec, binding.object));
    }
  }
  return out;
}

std::string RenderMarkdown(std::string_view heading, const OptionBinding& binding) {
  std::string out =
      StrCat("## ", heading, "\n\n", "| Key | Type | Default | Range | While running | Meaning |\n",
             "|---|---|---|---|---|---|\n");
  for (const OptionSpec& spec : binding.rows->options) {
    const std::string value = RenderOption(spec, binding.object);
    StrAppend(out, "| `", spec.name, "` | ", TypeName(spec.type), " | ",
              value.empty() ? std::string() : StrCat('`', MarkdownCell(value), '`'), " | ",
              MarkdownCell(RangeCell(spec)), " | ", spec.reload == Reload::kYes ? "yes" : "restart", " | ",
              MarkdownCell(spec.doc), " |\n");
  }
  std::vector<std::string_view> ignored = binding.rows->ignored;
  if (!ignored.empty()) {
    std::sort(ignored.begin(), ignored.end());
    StrAppend(out, "\nKeys of Apache RocketMQ that are accepted and have no effect here: `",
              Join(ignored, "`, `"), "`.\n");
  }
  if (!binding.rows->refused.empty()) {
    StrAppend(out, "\nKeys that end the start when they ask for what is not here:\n\n",
              "| Key | Must be | Because |\n|---|---|---|\n");
  }
  for (const RefusedKey& key : binding.rows->refused) {
    StrAppend(out, "| `", key.key, "` | ", key.harmless.empty() ? "empty" : StrCat('`', key.harmless, '`'),
              " | ", MarkdownCell(key.why), " |\n");
  }
  return out;
}

}  // namespace orbitmq

// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/output.h"

#include <algorithm>
#include <cctype>
#include <ostream>

#include "common/strings.h"
#include "common/utf8.h"
#include "remoting/protocol/json.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"

namespace orbitmq::tools {
namespace {

bool Upper(char c) { return c >= 'A' && c <= 'Z'; }
bool Lower(char c) { return c >= 'a' && c <= 'z'; }
bool Digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string JsonText(std::string_view text) {
  proto::JsonWriter writer;
  writer.String(JavaString(text));
  return writer.Take();
}

std::string JsonNameOfHead(std::string_view head) {
  if (const size_t equals = head.find('='); equals != std::string_view::npos) {
    return std::string(head.substr(equals + 1));
  }
  head = head.substr(0, head.find('('));
  std::string name;
  bool first_word = true;
  for (size_t at = 0; at < head.size();) {
    while (at < head.size() && !Upper(head[at]) && !Lower(head[at]) && !Digit(head[at])) ++at;
    const size_t begin = at;
    while (at < head.size() && (Upper(head[at]) || Lower(head[at]) || Digit(head[at]))) ++at;
    std::string word(head.substr(begin, at - begin));
    if (word.empty()) continue;
    const bool shouted = std::none_of(word.begin(), word.end(), Lower);
    if (first_word && shouted) word = AsciiLower(word);
    const int letter = static_cast<unsigned char>(word[0]);
    word[0] = static_cast<char>(first_word ? std::tolower(letter) : std::toupper(letter));
    name += word;
    first_word = false;
  }
  return name;
}

Cell::Cell(std::string_view value) : text(value), json(JsonText(value)) {}
Cell::Cell(bool value) : text(value ? "true" : "false"), json(text) {}
Cell Cell::Number(int64_t value) { return {StrCat(value), StrCat(value)}; }
Cell Cell::Fixed(double value, int digits) {
  return {JavaFixed(value, digits), proto::FormatJavaDouble(value)};
}
Cell Cell::Time(int64_t epoch_ms) {
  return epoch_ms > 0 ? Cell(HumanMillis(epoch_ms), StrCat(epoch_ms)) : Cell(std::string(), "null");
}
Cell Cell::Front(std::string_view value, size_t characters_max) {
  return {FrontCharacters(value, characters_max), JsonText(value)};
}

std::string CutToColumns(std::string_view text, size_t columns) {
  std::string out;
  size_t column = 0;
  for (size_t at = 0; at < text.size();) {
    size_t bytes = 1;
    if (text[at] == '\033') {
      const size_t end = text.find_first_of("ABCDEFGHJKm", at);
      bytes = (end == std::string_view::npos ? text.size() : end + 1) - at;
      out += text.substr(at, bytes);
    } else if (text[at] == '\n') {
      column = 0;
      out += '\n';
    } else {
      bytes = DecodeUtf8(text.substr(at)).bytes;
      if (column++ < columns) out += text.substr(at, bytes);
    }
    at += bytes;
  }
  return out;
}

void Output::Write(std::string_view text) {
  if (columns_ == 0) {
    stream_ << text;
  } else {
    stream_ << CutToColumns(text, columns_);
  }
}

void Output::Text(std::string_view text) {
  if (!json()) Write(text);
}

void Output::Line(std::string_view text) { Text(StrCat(text, "\n")); }

std::vector<std::string>& Output::List(std::string_view name) {
  for (Entry& entry : entries_) {
    if (entry.name == name) return entry.values;
  }
  entries_.push_back({std::string(name), true, {}});
  return entries_.back().values;
}

void Output::Message(std::string_view text) {
  if (json()) {
    List("messages").push_back(JsonText(text));
  } else {
    Line(text);
  }
}

void Output::Member(std::string_view name, std::string json_value) {
  if (!json()) return;
  for (Entry& entry : entries_) {
    if (entry.name == name) {
      entry.values = {std::move(json_value)};
      return;
    }
  }
  entries_.push_back({std::string(name), false, {std::move(json_value)}});
}

void Output::Append(std::string_view name, std::string json_value) {
  if (json()) List(name).push_back(std::move(json_value));
}

void Output::Fact(std::string_view name, const Cell& value, std::string_view text) {
  Member(name, value.json);
  Line(text);
}

void Output::Head(const TableShape& shape) {
  if (json()) {
    List(shape.key);
    return;
  }
  std::vector<std::string> heads;
  for (const std::string_view head : Split(shape.heads, '|')) {
    heads.emplace_back(head.substr(0, head.find('=')));
  }
  const std::string line = JavaFormat(shape.head_format, heads);
  if (!bold_heads_) {
    Write(line);
    return;
  }
  const size_t end = line.find_last_not_of('\n') + 1;
  Write(StrCat("\033[1m", line.substr(0, end), "\033[0m", line.substr(end)));
}

void Output::Row(const TableShape& shape, const std::vector<Cell>& cells) {
  if (!json()) {
    std::vector<std::string> texts;
    for (const Cell& cell : cells) texts.push_back(cell.text);
    Write(JavaFormat(shape.row_format, texts));
    return;
  }
  const std::vector<std::string_view> heads = Split(shape.heads, '|');
  std::string row = "{";
  for (size_t i = 0; i < cells.size() && i < heads.size(); ++i) {
    StrAppend(row, i == 0 ? "" : ",", JsonText(JsonNameOfHead(heads[i])), ":", cells[i].json);
  }
  List(shape.key).push_back(row + "}");
}

void Output::JsonLine(std::string_view object) {
  if (json()) stream_ << object << '\n';
}

Status Output::Flush() {
  stream_.flush();
  if (stream_.good()) return {};
  return {StatusCode::kIoError, kOutputLost};
}

void Output::Finish() {
  if (json() && !lines_) {
    std::string object = "{";
    for (const Entry& entry : entries_) {
      StrAppend(object, object.size() == 1 ? "" : ",", JsonText(entry.name), ":");
      if (!entry.is_list) {
        object += entry.values[0];
        continue;
      }
      StrAppend(object, "[", Join(entry.values, ","), "]");
    }
    stream_ << object << "}\n";
    entries_.clear();
  }
  stream_.flush();
}

}  // namespace orbitmq::tools

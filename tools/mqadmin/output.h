// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orbitmq/status.h"

namespace orbitmq::tools {

// A value of a table: as text for Java's columns, as a JSON value for --json.
struct Cell {
  std::string text;
  std::string json;
  Cell(std::string_view value);                                      // NOLINT: implicit by design
  Cell(const std::string& value) : Cell(std::string_view(value)) {}  // NOLINT
  Cell(const char* value) : Cell(std::string_view(value)) {}         // NOLINT
  template <std::integral T>
  Cell(T value) : Cell(Number(static_cast<int64_t>(value))) {}  // NOLINT
  Cell(bool value);                                             // NOLINT
  Cell(std::string shown, std::string json_value) : text(std::move(shown)), json(std::move(json_value)) {}
  static Cell Number(int64_t value);
  // Shown with so many digits behind the point, exact in JSON.
  static Cell Fixed(double value, int digits);
  // Local time with milliseconds; "" (null in JSON) for 0 and below.
  static Cell Time(int64_t epoch_ms);
  // Cut to Java's column, whole in JSON.
  static Cell Front(std::string_view value, size_t characters_max);
};

// A table as Java's mqadmin prints it. `heads` are its column titles separated by '|'; a member of a row in
// JSON is called after its title ("#Broker Name" becomes brokerName), or by what follows '=' there.
struct TableShape {
  std::string_view key;          // The member of the JSON object that holds the rows.
  std::string_view head_format;  // Java's, for the titles.
  std::string_view row_format;
  std::string_view heads;
};

inline constexpr char kOutputLost[] = "the output cannot be written; is its disk full, or its reader gone?";

enum class OutputForm : uint8_t { kText, kJson };

// What a command prints: in text form at once, in JSON form as one object at its end.
class Output final {
 public:
  Output(std::ostream& stream, OutputForm form) : stream_(stream), form_(form) {}

  bool json() const { return form_ == OutputForm::kJson; }
  // Titles bold: for terminals.
  void set_bold_heads() { bold_heads_ = true; }

  // Cuts lines that are longer: for screens that are shown again. 0: as long as they are.
  void set_columns(size_t columns) { columns_ = columns; }

  // Text form only, as it is.
  void Text(std::string_view text);
  void Line(std::string_view text);
  // A line that says what was done; in JSON an element of "messages".
  void Message(std::string_view text);
  // JSON form only: a member of the object. `json` is finished JSON.
  void Member(std::string_view name, std::string json);
  // JSON form only: an element of the list `name`.
  void Append(std::string_view name, std::string json);
  // A member, and in text form `text` as a line.
  void Fact(std::string_view name, const Cell& value, std::string_view text);

  void Head(const TableShape& shape);
  void Row(const TableShape& shape, const std::vector<Cell>& cells);

  // For what has no end: with --json each object is a line of its own, written at once, and Finish adds none.
  void BeginLines() { lines_ = true; }
  void JsonLine(std::string_view object);
  // A question to the person at the terminal that this is, in either form.
  void Ask(std::string_view question) { stream_ << question << std::flush; }
  // Hands what was written to the reader. kIoError when it could not be written.
  Status Flush();

  // Ends one run of the command.
  void Finish();

 private:
  std::vector<std::string>& List(std::string_view name);
  void Write(std::string_view text);
  std::ostream& stream_;
  OutputForm form_;
  bool bold_heads_ = false;
  size_t columns_ = 0;
  bool lines_ = false;
  struct Entry {
    std::string name;
    bool is_list = false;
    std::vector<std::string> values;  // JSON.
  };
  std::vector<Entry> entries_;  // In the order in which they came.
};

// Each line cut to so many characters; what a terminal does not show (\033[1m) takes none and stays.
std::string CutToColumns(std::string_view text, size_t columns);

// "#Broker Name" -> "brokerName", "#InTPS(LOAD)" -> "inTPS", "#QID" -> "qid", "#Hour=ageHours" -> "ageHours".
std::string JsonNameOfHead(std::string_view head);
std::string JsonText(std::string_view text);

}  // namespace orbitmq::tools

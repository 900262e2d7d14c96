// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/trace_record.h"

#include <utility>

#include "common/strings.h"

namespace orbitmq::tools {
namespace {

constexpr char kRecordEnd = '\x02';
constexpr char kFieldEnd = '\x01';

// Where each kind has what mqadmin shows; 0: nowhere.
struct Layout {
  std::string_view name;
  TraceRecord::Kind kind = TraceRecord::Kind::kPub;
  size_t fields_min = 0;
  size_t id = 0;
  size_t time = 0;
  size_t group = 0;
  size_t cost = 0;
  size_t success = 0;
};
constexpr Layout kLayouts[] = {
    // A producer's success is the 13th field, behind the broker's id of the message the 14th.
    {"Pub", TraceRecord::Kind::kPub, 13, 5, 1, 3, 10, 12},
    {"SubBefore", TraceRecord::Kind::kSubBefore, 6, 5, 1, 3, 0, 0},
    // Time and group came later, so that they stand at the end.
    {"SubAfter", TraceRecord::Kind::kSubAfter, 5, 2, 7, 8, 3, 4},
    {"EndTransaction", TraceRecord::Kind::kEndTransaction, 6, 5, 1, 3, 0, 0},
    {"Recall", TraceRecord::Kind::kRecall, 7, 5, 1, 3, 0, 6},
};

Status Wrong(std::string_view record, std::string_view why) {
  constexpr size_t kShownMax = 60;
  return {StatusCode::kCorrupt,
          StrCat("the trace record '", Printable(record.substr(0, kShownMax)), "' ", why)};
}

Result<TraceRecord> DecodeRecord(std::string_view text) {
  std::vector<std::string_view> fields = Split(text, kFieldEnd);
  // As Java splits: what is empty at the end is not there.
  while (!fields.empty() && fields.back().empty()) fields.pop_back();
  const Layout* layout = nullptr;
  for (const Layout& known : kLayouts) {
    if (!fields.empty() && fields[0] == known.name) layout = &known;
  }
  if (layout == nullptr) return Wrong(text, "is of no known kind");
  if (fields.size() < layout->fields_min) {
    return Wrong(text, StrCat("has ", fields.size(), " fields, not ", layout->fields_min, " or more"));
  }
  const auto has = [&fields](size_t at) { return at > 0 && at < fields.size(); };
  TraceRecord record;
  record.kind = layout->kind;
  record.message_id = fields[layout->id];
  if (has(layout->group)) record.group = fields[layout->group];
  size_t success = layout->success;
  if (layout->kind == TraceRecord::Kind::kPub && fields.size() > layout->fields_min) ++success;
  if (has(success)) record.success = EqualsIgnoreCase(fields[success], "true");
  for (const auto& [at, number] :
       {std::pair{layout->time, &record.time_ms}, std::pair{layout->cost, &record.cost_ms}}) {
    if (!has(at)) continue;
    const auto value = ParseInt<int64_t>(fields[at]);
    if (!value) return Wrong(text, StrCat("has '", Printable(fields[at]), "' where a number must be"));
    *number = *value;
  }
  return record;
}

}  // namespace

Result<std::vector<TraceRecord>> DecodeTrace(std::string_view body) {
  std::vector<TraceRecord> records;
  for (const std::string_view text : Split(body, kRecordEnd)) {
    if (text.empty()) continue;
    auto record = DecodeRecord(text);
    if (!record.ok()) return record.status();
    records.push_back(*std::move(record));
  }
  return records;
}

}  // namespace orbitmq::tools

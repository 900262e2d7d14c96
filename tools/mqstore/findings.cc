// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/findings.h"

#include <utility>

#include "common/strings.h"
#include "remoting/protocol/json.h"

namespace orbitmq::tools {

void Findings::Add(std::string_view kind, Finding finding) {
  (finding.severity == Severity::kDamage ? damage_ : notes_) += 1;
  int64_t& kept = kept_.try_emplace(std::string(kind), 0).first->second;
  if (kept == kKeptPerKind) {
    ++left_out_[std::string(kind)];
    return;
  }
  ++kept;
  list_.push_back(std::move(finding));
}

std::string FindingText(const Finding& finding) {
  std::string text = StrCat(finding.severity == Severity::kDamage ? "DAMAGE " : "note   ", finding.file);
  if (finding.byte >= 0) StrAppend(text, " byte ", finding.byte);
  StrAppend(text, ": ", finding.what, ".");
  if (!finding.remedy.empty()) StrAppend(text, " Remedy: ", finding.remedy, ".");
  return text;
}

std::string FindingJson(const Finding& finding) {
  proto::JsonWriter json;
  json.BeginObject();
  json.Key("severity");
  json.String(finding.severity == Severity::kDamage ? "damage" : "note");
  json.Key("file");
  json.String(finding.file);
  if (finding.byte >= 0) {
    json.Key("byte");
    json.Int(finding.byte);
  }
  json.Key("what");
  json.String(finding.what);
  json.Key("remedy");
  json.String(finding.remedy);
  json.EndObject();
  return json.Take();
}

}  // namespace orbitmq::tools

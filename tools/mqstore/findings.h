// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orbitmq::tools {

enum class Severity : uint8_t {
  kNote,    // Nothing is lost or wrong; the next start sees to it.
  kDamage,  // Data is wrong or lost, or will be missed by readers.
};

// One thing that is not as it should be.
struct Finding {
  Severity severity = Severity::kDamage;
  std::string file;   // Path; a directory where no single file is meant.
  int64_t byte = -1;  // Position in the file; -1 where none is meant.
  std::string what;
  std::string remedy;
};

// Collects findings, prints none. Of one kind of damage (the same `kind`) only the first few are kept with
// their places; the others are counted, so that a ruined store does not give millions of lines.
// Threads: one.
class Findings final {
 public:
  void Add(std::string_view kind, Finding finding);

  const std::vector<Finding>& list() const { return list_; }
  // Kinds of which some are not in the list, with how many.
  const std::map<std::string, int64_t, std::less<>>& left_out() const { return left_out_; }
  int64_t damage_count() const { return damage_; }
  int64_t note_count() const { return notes_; }

 private:
  static constexpr int64_t kKeptPerKind = 20;
  std::vector<Finding> list_;
  std::map<std::string, int64_t, std::less<>> kept_;
  std::map<std::string, int64_t, std::less<>> left_out_;
  int64_t damage_ = 0;
  int64_t notes_ = 0;
};

// "DAMAGE file byte 12: what. Remedy: ...", and the same as a JSON object on one line.
std::string FindingText(const Finding& finding);
std::string FindingJson(const Finding& finding);

}  // namespace orbitmq::tools

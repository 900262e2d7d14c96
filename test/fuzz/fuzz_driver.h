// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"

// Feeds a decoder with mutations of a corpus, without any tool: the same seed gives the same inputs
// everywhere.
//   x_fuzz [--seconds S | --iterations N] [--seed N] [--first N] [FILE...]
// With files it runs those once and mutates nothing. Seconds are of processor time. A crash or a hang prints
// how to repeat that one input.
namespace orbitmq::fuzz {

// Whether the decoder took the input; only counted.
enum class Verdict : uint8_t { kAccepted, kRefused };

struct FuzzCase {
  std::string_view name;
  std::vector<std::string> corpus;  // Not empty: honest inputs, which are mutated.
  // Must neither crash nor hang for any input; what must hold for accepted ones it checks (ORBITMQ_CHECK).
  Verdict (*run)(std::string_view input);
};

// The whole main of a fuzz program; returns its exit code.
int FuzzMain(int argc, char** argv, FuzzCase fuzz_case);

}  // namespace orbitmq::fuzz

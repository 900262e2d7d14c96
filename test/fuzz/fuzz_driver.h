// SPDX-License-Identifier: Apache-2.0
#pragma once

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

// The whole main of a fuzz program; returns its exit code. `corpus` is not empty: honest inputs. `target`
// must neither crash nor hang for any input; what must hold for the accepted ones it checks (ORBITMQ_CHECK).
int RunFuzz(int argc, char** argv, const std::vector<std::string>& corpus, void (*target)(std::string_view));

}  // namespace orbitmq::fuzz

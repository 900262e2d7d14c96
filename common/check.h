// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace orbitmq {
// Prints file, line, expression and message to stderr, then aborts: a programmer error, never a peer's input.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression, const char* message);
}  // namespace orbitmq

// On in every build. The message says which invariant broke.
#define ORBITMQ_CHECK(condition, message)                              \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::orbitmq::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)

#define ORBITMQ_UNREACHABLE(message) ::orbitmq::CheckFailed(__FILE__, __LINE__, "unreachable", message)

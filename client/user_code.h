// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include "orbitmq/status.h"

namespace orbitmq::client {

// Calls code of the application, which may throw; nothing of ours does.
template <class Fn>
Status RunUserCode(Fn&& fn) {
  try {
    fn();
    return {};
  } catch (const std::exception& error) {
    return {StatusCode::kInternal, error.what()};
  } catch (...) {
    return {StatusCode::kInternal, "an exception that is no std::exception"};
  }
}

}  // namespace orbitmq::client

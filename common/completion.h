// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "common/task.h"
#include "orbitmq/result.h"

namespace orbitmq {

// The end of an asynchronous call: called exactly once with a Result. Dropping one without a call delivers
// kCancelled, so that no caller ever waits for nothing. The header of whoever takes one says on which
// executor it is called.
template <class T>
class Completion final {
 public:
  Completion() noexcept = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Completion> && std::is_invocable_v<F&, Result<T>>)
      Completion(F&& f)
      : fn_(std::forward<F>(f)) {}  // NOLINT: implicit by design

  Completion(Completion&&) noexcept = default;
  Completion& operator=(Completion&& other) noexcept {
    if (this != &other) {
      Drop();
      fn_ = std::move(other.fn_);
    }
    return *this;
  }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() { Drop(); }

  explicit operator bool() const noexcept { return static_cast<bool>(fn_); }

  // At most one call; the second one is a programmer error.
  void operator()(Result<T> result) {
    ORBITMQ_CHECK(static_cast<bool>(fn_), "completion called twice or empty");
    auto fn = std::move(fn_);
    fn(std::move(result));
  }

 private:
  void Drop() noexcept {
    if (fn_) (*this)(Status(StatusCode::kCancelled, "the operation was dropped before it ended"));
  }
  UniqueFunction<void(Result<T>)> fn_;
};

// For operations that end with a Status only.
struct Done final {};

}  // namespace orbitmq

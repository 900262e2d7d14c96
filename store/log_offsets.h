// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "common/ids.h"

namespace orbitmq::store {

// Where the records of one draft lie: nearly always one, which then costs no allocation.
class LogOffsets final {
 public:
  LogOffsets() noexcept = default;
  LogOffsets(std::initializer_list<LogOffset> offsets) {
    for (const LogOffset offset : offsets) push_back(offset);
  }

  void push_back(LogOffset offset) {
    if (empty()) {
      first_ = offset;
      has_first_ = true;
    } else {
      more_.push_back(offset);
    }
  }
  void reserve(size_t count) {
    if (count > 1) more_.reserve(count - 1);
  }
  bool empty() const noexcept { return !has_first_; }
  size_t size() const noexcept { return (has_first_ ? 1 : 0) + more_.size(); }
  LogOffset operator[](size_t index) const { return index == 0 ? first_ : more_[index - 1]; }
  LogOffset front() const { return first_; }
  LogOffset back() const { return more_.empty() ? first_ : more_.back(); }

  class Iterator final {
   public:
    Iterator(const LogOffsets& offsets, size_t index) : offsets_(&offsets), index_(index) {}
    LogOffset operator*() const { return (*offsets_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const LogOffsets* offsets_;
    size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  LogOffset first_;
  bool has_first_ = false;
  std::vector<LogOffset> more_;
};

}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "orbitmq/result.h"

namespace orbitmq::tools {

inline constexpr char kInterrupted[] = "interrupted: what the input still holds is not sent";

// Lines of a stream, each at most `bytes_max` long, so that an endless line does not fill the memory.
class LineSource final {
 public:
  // may_read: called before the stream may have to wait for more; false ends the reading. Empty: it may.
  LineSource(std::istream& stream, size_t bytes_max, std::function<bool()> may_read = {})
      : stream_(stream), bytes_max_(bytes_max), may_read_(std::move(may_read)) {}
  // Without the line's end; a last line needs none. Nothing: the stream has ended. kResourceExhausted names a
  // line that is too long; kCancelled: may_read said no; kIoError: the stream cannot be read.
  Result<std::optional<std::string>> Next();
  // Of the line that Next returned last, from 1.
  int64_t number() const { return number_; }

 private:
  Result<std::optional<std::string>> Read();

  std::istream& stream_;
  const size_t bytes_max_;
  const std::function<bool()> may_read_;
  int64_t number_ = 0;
};

// A line that holds a key: what stands before the first `separator` is the key, the rest the body.
// kFailedPrecondition when there is no separator or no key.
struct KeyedLine {
  std::string key;
  std::string body;
};
Result<KeyedLine> SplitKey(const std::string& line, const std::string& separator);

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "orbitmq/result.h"

namespace orbitmq::tools {

// Lines of a stream, each at most `bytes_max` long, so that an endless line does not fill the memory.
class LineSource final {
 public:
  LineSource(std::istream& stream, size_t bytes_max) : stream_(stream), bytes_max_(bytes_max) {}
  // Without the line's end; a last line needs none. Nothing: the stream has ended. kResourceExhausted names a
  // line that is too long.
  Result<std::optional<std::string>> Next();
  // Of the line that Next returned last, from 1.
  int64_t number() const { return number_; }

 private:
  std::istream& stream_;
  const size_t bytes_max_;
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

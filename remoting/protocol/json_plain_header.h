// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "remoting/protocol/command.h"

namespace orbitmq::proto {

// Memory for strings that lose their escapes; kept from header to header. Threads: one user at a time.
class UnescapeBuffer final {
 public:
  // Room for `size` bytes; what was handed out before is lost.
  char* Reserve(size_t size);

 private:
  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
};

// Reads a JSON header of the shape in which all clients write it: one object without white space, integers
// and strings, extFields an object of strings with short escapes. Strings without escapes point into
// `header`, others into `buffer`. False for every other text, valid or not; `view` is then to be thrown away
// and the text to be read by JsonHeaderReader, which decides and words all errors. For what this takes both
// give the same command (test/remoting/protocol_command_test.cc). The entries of extFields go to `ext`, not
// to `view`.
bool ReadPlainJsonHeader(std::string_view header, UnescapeBuffer& buffer, CommandView& view,
                         std::vector<ExtEntry>& ext);

}  // namespace orbitmq::proto

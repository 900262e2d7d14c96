// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "orbitmq/result.h"
#include "remoting/protocol/command.h"

namespace orbitmq::proto {

// Reads the JSON form of a frame's header, in one pass and without a document: the text is copied once into a
// buffer that is reused, in which strings are unescaped in place. What the command's views point into.
class JsonHeaderReader final {
 public:
  // As CommandDecoder::Decode, without the body. The views last until the next Read.
  Result<CommandView> Read(std::string_view header);

 private:
  std::string text_;
};

}  // namespace orbitmq::proto

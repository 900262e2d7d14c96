// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/json_plain_header.h"

namespace orbitmq::proto {

// Reads the JSON form of a frame's header, without a document. The usual shape is read in place
// (json_plain_header.h); any other text is copied once into a buffer that is reused, in which strings are
// unescaped in place. The command's views point into the header or into this reader.
class JsonHeaderReader final {
 public:
  // As CommandDecoder::Decode, without the body; the entries of extFields go to `ext`, which is empty. The
  // views last until the next Read and as long as `header`.
  Result<CommandView> Read(std::string_view header, std::vector<ExtEntry>& ext);

 private:
  UnescapeBuffer unescaped_;
  std::string text_;
};

}  // namespace orbitmq::proto

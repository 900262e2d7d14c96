// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"
#include "tools/mqadmin/message_view.h"

namespace orbitmq::tools {

// Text with what a shell does not pass easily: \n \t \r \0 \\ and \xHH. kInvalidArgument names what is
// none of them.
Result<std::string> Unescape(std::string_view text);

// How `consume` writes a message: text with the escapes above and
//   %t topic   %B broker     %q queue id    %o offset in the queue
//   %k keys    %g tag        %p properties as name=value,name=value (those that clients set themselves)
//   %b body    %d time when it was stored   %s bytes of the body    %i message id    %% a '%'
// A value that a message does not have is empty.
class LineFormat final {
 public:
  // kInvalidArgument names a letter that is none of these.
  static Result<LineFormat> Parse(std::string_view text);
  std::string Apply(const ShownMessage& message) const;

 private:
  struct Piece {
    char letter = 0;  // 0: `text` as it is.
    std::string text;
  };
  std::vector<Piece> pieces_;
};

}  // namespace orbitmq::tools

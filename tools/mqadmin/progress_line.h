// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>

#include "tools/mqadmin/session.h"

namespace orbitmq::tools {

// A line on stderr that replaces itself, for people who watch; nothing when stderr is no terminal.
// Threads: that of the session.
class ProgressLine final {
 public:
  explicit ProgressLine(Session& session)
      : session_(session), shown_(session.surroundings().errors_are_terminal && !session.dry_run()) {}
  // Shows text() unless it was shown a moment ago.
  template <class Text>
  void Update(Text text) {
    if (!shown_) return;
    const MonoTime now = session_.env().clock().Monotonic();
    if (now < next_) return;
    next_ = now + kBetween;
    // One that is as wide as the terminal would already break.
    const size_t columns = session_.surroundings().columns();
    const std::string line = text();
    session_.errors() << "\r" << (columns > 1 ? CutToColumns(line, columns - 1) : line) << "\033[K"
                      << std::flush;
    dirty_ = true;
  }
  void Clear() {
    if (dirty_) session_.errors() << "\r\033[K" << std::flush;
    dirty_ = false;
  }

 private:
  static constexpr Millis kBetween{200};
  Session& session_;
  const bool shown_;
  bool dirty_ = false;
  MonoTime next_ = session_.env().clock().Monotonic() + kBetween;
};

}  // namespace orbitmq::tools

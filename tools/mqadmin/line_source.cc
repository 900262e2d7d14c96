// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/line_source.h"

#include <ios>
#include <istream>

#include "common/strings.h"

namespace orbitmq::tools {

Result<std::optional<std::string>> LineSource::Next() {
  ++number_;
  // The library's buffer of a file throws what read(2) refuses: of a directory, say.
  try {
    return Read();
  } catch (const std::ios_base::failure& refused) {
    return Status(StatusCode::kIoError,
                  StrCat("line ", number_, " of the input cannot be read: ", refused.code().message()));
  }
}

Result<std::optional<std::string>> LineSource::Read() {
  std::string line;
  std::streambuf* buffer = stream_.rdbuf();
  while (true) {
    if (may_read_ && buffer->in_avail() <= 0 && !may_read_()) {
      return Status(StatusCode::kCancelled, kInterrupted);
    }
    const int byte = buffer->sbumpc();
    if (byte == std::char_traits<char>::eof()) {
      if (line.empty()) return std::optional<std::string>();
      return std::optional(std::move(line));
    }
    if (byte == '\n') return std::optional(std::move(line));
    if (line.size() == bytes_max_) {
      return Status(StatusCode::kResourceExhausted,
                    StrCat("line ", number_, " is longer than ", bytes_max_, " bytes, a message's limit"));
    }
    line += static_cast<char>(byte);
  }
}

Result<KeyedLine> SplitKey(const std::string& line, const std::string& separator) {
  const size_t at = line.find(separator);
  if (at == std::string::npos || at == 0) {
    return Status(StatusCode::kFailedPrecondition,
                  StrCat(at == 0 ? "there is no key before the separator '" : "there is no separator '",
                         Printable(separator), "' in '", Printable(line, 40), "'"));
  }
  return KeyedLine{line.substr(0, at), line.substr(at + separator.size())};
}

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/json_plain_header.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "common/limits.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/json_scan.h"

namespace orbitmq::proto {
namespace {

class PlainHeader final {
 public:
  PlainHeader(std::string_view text, UnescapeBuffer& buffer, CommandView& view, std::vector<ExtEntry>& ext)
      : at_(text.data()),
        end_(text.data() + text.size()),
        buffer_(buffer),
        size_(text.size()),
        view_(view),
        ext_(ext) {}

  bool Read() {
    if (!Take('{')) return false;
    bool has_code = false;
    do {
      std::string_view key;
      if (!ReadString(key) || !Take(':')) return false;
      if (key == "code") {
        has_code = true;
        if (!ReadNumber(view_.code)) return false;
      } else if (!ReadField(key)) {
        return false;
      }
    } while (Take(','));
    return Take('}') && at_ == end_ && has_code;
  }

 private:
  bool Take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  bool ReadField(std::string_view key) {
    if (key == "extFields") return ReadExtFields();
    if (key == "flag") return ReadNumber(view_.flag);
    if (key == "opaque") return ReadNumber(view_.opaque);
    if (key == "version") return ReadNumber(view_.version);
    if (key == "remark") return ReadString(view_.remark);
    std::string_view text;
    if (key == "language") {
      if (!ReadString(text)) return false;
      view_.language = LanguageFromName(text);
      return true;
    }
    // A key that only newer peers know: its value is passed over if it is a string.
    return ReadString(text);
  }

  bool ReadExtFields() {
    if (!ext_.empty() || !Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view key;
      std::string_view value;
      if (!ReadExtKey(key) || !ReadString(value)) return false;
      // A second value of one key replaces the first: left to the exact reader.
      if (Seen(key) || ext_.size() >= limits::kExtFieldsMax) return false;
      ext_.push_back({key, value});
    } while (Take(','));
    return Take('}');
  }

  // Together with its colon. A key of one letter, as nearly all in the V2 send header, needs no search.
  bool ReadExtKey(std::string_view& key) {
    if (end_ - at_ >= 4 && at_[0] == '"' && at_[2] == '"' && at_[3] == ':') {
      key = {at_ + 1, 1};
      if (key[0] >= 'a' && key[0] <= 'z') {
        at_ += 4;
        return true;
      }
    }
    return ReadString(key) && Take(':');
  }

  // The one-letter keys of the V2 send header are told apart by a bit each.
  bool Seen(std::string_view key) {
    if (key.size() != 1 || key[0] < '@' || key[0] > '~') {
      return std::any_of(ext_.begin(), ext_.end(), [key](const ExtEntry& e) { return e.first == key; });
    }
    const uint64_t bit = uint64_t{1} << (key[0] - '@');
    const bool seen = (letters_ & bit) != 0;
    letters_ |= bit;
    return seen;
  }

  bool ReadNumber(int32_t& value) {
    const bool negative = Take('-');
    const char* const first = at_;
    int32_t number = 0;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') {
      // Numbers near the limit are left to the exact reader.
      if (number > (INT32_MAX - 9) / 10) return false;
      number = number * 10 + (*at_++ - '0');
    }
    if (at_ == first || (*first == '0' && at_ - first > 1)) return false;
    value = negative ? -number : number;
    return true;
  }

  bool ReadString(std::string_view& text) {
    if (!Take('"')) return false;
    const char* const first = at_;
    at_ += PlainJsonBytes({at_, static_cast<size_t>(end_ - at_)});
    if (at_ == end_) return false;
    if (*at_ == '"') {
      text = {first, static_cast<size_t>(at_++ - first)};
      return true;
    }
    return *at_ == '\\' && ReadEscaped(first, text);
  }

  // A string with escapes, of which the first is at at_. The result is never longer than the source, so the
  // strings of a header fit a buffer of its size.
  bool ReadEscaped(const char* first, std::string_view& text) {
    if (to_ == nullptr) to_ = buffer_.Reserve(size_);
    char* const out = to_;
    for (;;) {
      const auto plain = static_cast<size_t>(at_ - first);
      std::memcpy(to_, first, plain);
      to_ += plain;
      if (at_ == end_) return false;
      if (*at_ == '"') break;
      if (*at_ != '\\' || !ReadEscape()) return false;
      first = at_;
      at_ += PlainJsonBytes({at_, static_cast<size_t>(end_ - at_)});
    }
    ++at_;
    text = {out, static_cast<size_t>(to_ - out)};
    return true;
  }

  bool ReadEscape() {
    if (end_ - at_ < 2) return false;
    const char kind = at_[1];
    if (kind == 'u') return ReadUnicodeEscape();
    constexpr std::string_view kKinds = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const size_t found = kKinds.find(kind);
    if (found == std::string_view::npos) return false;
    *to_++ = kMeant[found];
    at_ += 2;
    return true;
  }

  // \u00XX up to 0x7F: the separators of properties. Anything else is rare.
  bool ReadUnicodeEscape() {
    if (end_ - at_ < 6 || at_[2] != '0' || at_[3] != '0' || at_[4] < '0' || at_[4] > '7') return false;
    const char low = at_[5];
    int digit = 0;
    if (low >= '0' && low <= '9') {
      digit = low - '0';
    } else if (low >= 'a' && low <= 'f') {
      digit = low - 'a' + 10;
    } else if (low >= 'A' && low <= 'F') {
      digit = low - 'A' + 10;
    } else {
      return false;
    }
    *to_++ = static_cast<char>((at_[4] - '0') * 16 + digit);
    at_ += 6;
    return true;
  }

  const char* at_;
  const char* const end_;
  UnescapeBuffer& buffer_;
  const size_t size_;
  char* to_ = nullptr;
  uint64_t letters_ = 0;
  CommandView& view_;
  std::vector<ExtEntry>& ext_;
};

}  // namespace

char* UnescapeBuffer::Reserve(size_t size) {
  if (capacity_ < size) {
    memory_ = std::make_unique_for_overwrite<char[]>(size);
    capacity_ = size;
  }
  return memory_.get();
}

bool ReadPlainJsonHeader(std::string_view header, UnescapeBuffer& buffer, CommandView& view,
                         std::vector<ExtEntry>& ext) {
  return PlainHeader(header, buffer, view, ext).Read();
}

}  // namespace orbitmq::proto

// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/codes.h"

#include <array>
#include <string>

#include "common/strings.h"

namespace orbitmq::proto {
namespace {

constexpr size_t kRemarkBytesMax = 4096;

enum class Retry : bool { kGiveUp, kRetry };

// "kSendMessageV2" becomes "SEND_MESSAGE_V2".
class ApacheName final {
 public:
  consteval explicit ApacheName(std::string_view enumerator) {
    for (char c : enumerator.substr(1)) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper && size_ > 0) text_[size_++] = '_';
      text_[size_++] = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  constexpr std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_{};
  size_t size_ = 0;
};

struct RequestEntry {
  int32_t code;
  ApacheName name;
};
struct ResponseEntry {
  int32_t code;
  ApacheName name;
  StatusCode status;
  Retry retry;
  Persisted persisted;
};

constexpr RequestEntry kRequests[] = {
#define ORBITMQ_REQUEST_CODE(name, value) {value, ApacheName(#name)},
#include "remoting/protocol/codes.def"
};

constexpr ResponseEntry kResponses[] = {
#define ORBITMQ_RESPONSE_CODE(name, value, status, retry, persisted) \
  {value, ApacheName(#name), StatusCode::status, Retry::retry, Persisted::persisted},
#include "remoting/protocol/codes.def"
};

// The tables are sorted by code, so that a lookup is a binary search.
template <class Table>
consteval bool Sorted(const Table& table) {
  for (size_t i = 1; i < std::size(table); ++i) {
    if (table[i - 1].code >= table[i].code) return false;
  }
  return true;
}
static_assert(Sorted(kRequests) && Sorted(kResponses), "codes.def lists codes once, in ascending order");

template <class Table>
auto FindCode(const Table& table, int32_t code) -> decltype(&table[0]) {
  size_t low = 0;
  size_t high = std::size(table);
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (table[middle].code == code) return &table[middle];
    if (table[middle].code < code) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

}  // namespace

std::string_view RequestCodeName(int32_t code) {
  const RequestEntry* entry = FindCode(kRequests, code);
  return entry == nullptr ? "UNKNOWN" : entry->name.view();
}

std::string_view ResponseCodeName(int32_t code) {
  const ResponseEntry* entry = FindCode(kResponses, code);
  return entry == nullptr ? "UNKNOWN" : entry->name.view();
}

Status StatusFromResponse(int32_t code, std::string_view remark) {
  if (code == ResponseCode::kSuccess) return {};
  const ResponseEntry* entry = FindCode(kResponses, code);
  const std::string text =
      StrCat(ResponseCodeName(code), " (", code, "): ", remark.substr(0, kRemarkBytesMax));
  Status status(entry == nullptr ? StatusCode::kInternal : entry->status, text);
  status = status.WithWireCode(code);
  if (entry == nullptr) return status.WithRetriable(false).WithPersisted(Persisted::kMaybe);
  return status.WithRetriable(entry->retry == Retry::kRetry).WithPersisted(entry->persisted);
}

}  // namespace orbitmq::proto

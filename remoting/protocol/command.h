// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/ids.h"

namespace orbitmq::proto {

enum class SerializeType : uint8_t { kJson = 0, kBinary = 1 };

// remoting.md 1.5; kUnknown for what a newer peer may send.
enum class Language : uint8_t {
  kJava = 0,
  kCpp = 1,
  kDotnet = 2,
  kPython = 3,
  kDelphi = 4,
  kErlang = 5,
  kRuby = 6,
  kOther = 7,
  kHttp = 8,
  kGo = 9,
  kPhp = 10,
  kOms = 11,
  kRust = 12,
  kNodeJs = 13,
  kUnknown = 255,
};

inline constexpr int32_t kFlagResponse = 1;
inline constexpr int32_t kFlagOneway = 2;

// The version ordinal that we announce: 5.5.0.
inline constexpr int32_t kProtocolVersion = 513;

// The custom header: few entries, so a flat vector beats a map. Keys are unique; Set replaces.
class ExtFields final {
 public:
  void Set(std::string_view key, std::string value) {
    for (auto& [k, v] : entries_) {
      if (k == key) {
        v = std::move(value);
        return;
      }
    }
    entries_.emplace_back(std::string(key), std::move(value));
  }
  const std::string* Find(std::string_view key) const {
    for (const auto& [k, v] : entries_) {
      if (k == key) return &v;
    }
    return nullptr;
  }
  bool empty() const noexcept { return entries_.empty(); }
  const std::vector<std::pair<std::string, std::string>>& entries() const noexcept { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// A request or response, owning its parts.
struct Command {
  int32_t code = 0;
  int32_t flag = 0;
  Language language = Language::kCpp;
  int32_t version = kProtocolVersion;
  Opaque opaque = 0;  // Set by RpcClient and RpcServer.
  std::string remark;
  ExtFields ext;
  BytesChain body;  // Joined on the wire; empty = no body.

  bool response() const noexcept { return (flag & kFlagResponse) != 0; }
  bool oneway() const noexcept { return (flag & kFlagOneway) != 0; }
  // The body as one piece; copies only when there is more than one.
  Bytes JoinedBody() const {
    if (body.empty()) return {};
    if (body.size() == 1) return body.front();
    std::string joined;
    joined.reserve(ChainBytes(body));
    for (const Bytes& piece : body) joined.append(piece.view());
    return Bytes(std::move(joined));
  }
};

struct ExtEntry {
  std::string_view first;  // The key.
  std::string_view second;
};

// A decoded command whose strings point into the frame it came in (escaped JSON strings and the entries of
// `ext` into the decoder). Valid as long as the frame's bytes and until the next Decode; ToOwned copies.
struct CommandView {
  SerializeType serialize = SerializeType::kJson;
  int32_t code = 0;
  int32_t flag = 0;
  Language language = Language::kJava;
  int32_t version = 0;
  Opaque opaque = 0;
  std::string_view remark;
  std::span<ExtEntry> ext;  // At most limits.h kExtFieldsMax.
  std::string_view body;

  bool response() const noexcept { return (flag & kFlagResponse) != 0; }
  bool oneway() const noexcept { return (flag & kFlagOneway) != 0; }
  std::optional<std::string_view> Ext(std::string_view key) const {
    const size_t at = Find(key, 0);
    if (at == ext.size()) return std::nullopt;
    return ext[at].second;
  }
  // Where the key is, ext.size() without it. Looks from `hint` on first: whoever asks in the order of the
  // wire finds each key at once. Most other keys differ in length or at their ends.
  size_t Find(std::string_view key, size_t hint) const {
    const auto is_key = [key](std::string_view k) {
      return k.size() == key.size() &&
             (k.empty() || (k.front() == key.front() && k.back() == key.back() && k == key));
    };
    for (size_t at = hint; at < ext.size(); ++at) {
      if (is_key(ext[at].first)) return at;
    }
    for (size_t at = 0; at < hint && at < ext.size(); ++at) {
      if (is_key(ext[at].first)) return at;
    }
    return ext.size();
  }
};

Command ToOwned(const CommandView& view);

}  // namespace orbitmq::proto

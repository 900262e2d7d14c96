// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/check.h"

namespace orbitmq {

// An immutable slice of memory that is kept alive by a shared owner (a string, a read buffer, a mapping).
// Copying shares; no bytes move. Thread-safe as a value.
class Bytes final {
 public:
  Bytes() noexcept = default;
  explicit Bytes(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  Bytes(std::shared_ptr<const void> owner, std::string_view view) : owner_(std::move(owner)), view_(view) {}
  static Bytes Copy(std::string_view text) { return Bytes(std::string(text)); }
  // `text` must outlive every copy (string literals).
  static Bytes Static(std::string_view text) { return {nullptr, text}; }

  std::string_view view() const noexcept { return view_; }
  const char* data() const noexcept { return view_.data(); }
  size_t size() const noexcept { return view_.size(); }
  bool empty() const noexcept { return view_.empty(); }
  Bytes Slice(size_t offset, size_t count) const { return {owner_, view_.substr(offset, count)}; }
  // The owner, for code that must pin what the view points into.
  const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

// Pieces that leave a socket one after the other without being joined.
using BytesChain = std::vector<Bytes>;
inline size_t ChainBytes(const BytesChain& chain) {
  size_t total = 0;
  for (const Bytes& piece : chain) total += piece.size();
  return total;
}

// Big-endian loads and stores at unaligned addresses.
template <class T>
inline T LoadBig(const char* from) {
  using U = std::make_unsigned_t<T>;
  U value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<U>((value << 8) | static_cast<unsigned char>(from[i]));
  return static_cast<T>(value);
}
template <>
inline uint8_t LoadBig<uint8_t>(const char* from) {
  return static_cast<uint8_t>(*from);
}
template <>
inline int8_t LoadBig<int8_t>(const char* from) {
  return static_cast<int8_t>(*from);
}
template <class T>
inline void StoreBig(char* to, T value) {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (size_t i = sizeof(T); i-- > 0;) {
    to[i] = static_cast<char>(bits & 0xFF);
    if constexpr (sizeof(T) > 1) bits = static_cast<std::make_unsigned_t<T>>(bits >> 8);
  }
}

// Reads big-endian values from untrusted bytes. The first read past the end makes it fail for good; values
// read after that are zero or empty, so that a decoder may check ok() once at the end of a block.
class ByteReader final {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T Read() {
    const std::string_view raw = ReadBytes(sizeof(T));
    return ok_ ? LoadBig<T>(raw.data()) : T{};
  }
  // Takes int64 so that a negative or huge length from a peer cannot wrap.
  std::string_view ReadBytes(int64_t count) {
    if (!ok_ || count < 0 || static_cast<uint64_t>(count) > bytes_.size() - position_) {
      ok_ = false;
      return {};
    }
    const std::string_view out = bytes_.substr(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return out;
  }
  void Skip(int64_t count) { (void)ReadBytes(count); }
  bool ok() const noexcept { return ok_; }
  size_t position() const noexcept { return position_; }
  size_t remaining() const noexcept { return bytes_.size() - position_; }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

// Appends big-endian values to a string.
class ByteWriter final {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <class T>
  void Write(T value) {
    char raw[sizeof(T)];
    StoreBig<T>(raw, value);
    out_.append(raw, sizeof(T));
  }
  void WriteBytes(std::string_view bytes) { out_.append(bytes); }

 private:
  std::string& out_;
};

}  // namespace orbitmq

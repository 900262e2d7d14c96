// SPDX-License-Identifier: Apache-2.0
#include "common/compression.h"

#include <algorithm>
#include <array>
#include <memory>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "common/strings.h"
#include "common/sys_flag.h"

namespace orbitmq {
namespace {

// Output grows by steps of this, so that a bomb costs at most one step above the bound.
constexpr size_t kStepBytes = size_t{64} << 10;

Status TooLarge(std::string_view what, size_t bytes_max) {
  return {StatusCode::kResourceExhausted, StrCat(what, " body inflates to more than ", bytes_max, " bytes")};
}
Status Damaged(std::string_view what, std::string_view why) {
  return {StatusCode::kCorrupt, StrCat(what, " body does not inflate: ", why)};
}
Status Failed(std::string_view what, std::string_view why) {
  return {StatusCode::kInternal, StrCat(what, " compression failed: ", why)};
}

// An output string that grows in steps and never beyond a bound plus one byte: the extra byte is how a
// decoder shows that there is more.
class BoundedOutput final {
 public:
  BoundedOutput(size_t bytes_max, size_t first_guess) : bytes_max_(bytes_max) {
    text_.resize(std::min(bytes_max_ + 1, std::max<size_t>(first_guess, 256)));
  }
  char* at() { return text_.data() + used_; }
  size_t room() const { return text_.size() - used_; }
  void Use(size_t count) { used_ += count; }
  // Makes room if there is none; false when the bound is passed.
  bool Grow() {
    if (used_ > bytes_max_) return false;
    if (room() > 0) return true;
    text_.resize(std::min(bytes_max_ + 1, text_.size() + std::max(text_.size(), kStepBytes)));
    return true;
  }
  bool too_large() const { return used_ > bytes_max_; }
  std::string Take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  const size_t bytes_max_;
  size_t used_ = 0;
  std::string text_;
};

Result<std::string> CompressZlib(std::string_view plain, int level) {
  uLongf bytes = ::compressBound(static_cast<uLong>(plain.size()));
  std::string out(bytes, '\0');
  const int code =
      ::compress2(reinterpret_cast<Bytef*>(out.data()), &bytes, reinterpret_cast<const Bytef*>(plain.data()),
                  static_cast<uLong>(plain.size()), std::clamp(level, 1, 9));
  if (code != Z_OK) return Failed("ZLIB", ::zError(code));
  out.resize(bytes);
  return out;
}

Result<std::string> CompressLz4(std::string_view plain) {
  LZ4F_preferences_t preferences = {};
  // As LZ4FrameOutputStream writes it: independent blocks of up to 4 MiB, no checksums.
  preferences.frameInfo.blockSizeID = LZ4F_max4MB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  std::string out(::LZ4F_compressFrameBound(plain.size(), &preferences), '\0');
  const size_t bytes = ::LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (::LZ4F_isError(bytes)) return Failed("LZ4", ::LZ4F_getErrorName(bytes));
  out.resize(bytes);
  return out;
}

Result<std::string> CompressZstd(std::string_view plain, int level) {
  std::string out(::ZSTD_compressBound(plain.size()), '\0');
  const size_t bytes =
      ::ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), std::clamp(level, 1, 22));
  if (::ZSTD_isError(bytes)) return Failed("ZSTD", ::ZSTD_getErrorName(bytes));
  out.resize(bytes);
  return out;
}

Result<std::string> DecompressZlib(std::string_view packed, size_t bytes_max) {
  z_stream stream = {};
  if (::inflateInit(&stream) != Z_OK) return Failed("ZLIB", "no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  BoundedOutput out(bytes_max, packed.size() * 4);
  while (true) {
    if (!out.Grow()) return TooLarge("ZLIB", bytes_max);
    const auto room = static_cast<uInt>(std::min<size_t>(out.room(), 1u << 30));
    stream.next_out = reinterpret_cast<Bytef*>(out.at());
    stream.avail_out = room;
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    out.Use(room - stream.avail_out);
    if (code == Z_STREAM_END) break;
    if (code == Z_BUF_ERROR || (code == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
      return Damaged("ZLIB", "it ends too early");
    }
    if (code != Z_OK) return Damaged("ZLIB", stream.msg == nullptr ? ::zError(code) : stream.msg);
  }
  if (out.too_large()) return TooLarge("ZLIB", bytes_max);
  if (stream.avail_in > 0) return Damaged("ZLIB", "bytes follow its end");
  return out.Take();
}

Result<std::string> DecompressLz4(std::string_view packed, size_t bytes_max) {
  LZ4F_dctx* context = nullptr;
  if (::LZ4F_isError(::LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
    return Failed("LZ4", "no memory");
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> guard(context,
                                                                           ::LZ4F_freeDecompressionContext);
  BoundedOutput out(bytes_max, packed.size() * 4);
  size_t wanted = 1;  // What the decoder still expects; 0 between frames.
  while (!packed.empty() || wanted != 0) {
    if (!out.Grow()) return TooLarge("LZ4", bytes_max);
    size_t written = out.room();
    size_t read = packed.size();
    wanted = ::LZ4F_decompress(context, out.at(), &written, packed.data(), &read, nullptr);
    if (::LZ4F_isError(wanted)) return Damaged("LZ4", ::LZ4F_getErrorName(wanted));
    out.Use(written);
    packed.remove_prefix(read);
    if (wanted != 0 && packed.empty() && written == 0) return Damaged("LZ4", "it ends too early");
  }
  if (out.too_large()) return TooLarge("LZ4", bytes_max);
  return out.Take();
}

Result<std::string> DecompressZstd(std::string_view packed, size_t bytes_max) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(::ZSTD_createDCtx(), ::ZSTD_freeDCtx);
  if (context == nullptr) return Failed("ZSTD", "no memory");
  // A frame may ask for a window of up to 2 GiB; what zstd itself makes for our sizes needs 8 MiB at most.
  ::ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 27);
  BoundedOutput out(bytes_max, packed.size() * 4);
  ZSTD_inBuffer input = {packed.data(), packed.size(), 0};
  size_t wanted = 1;
  while (input.pos < input.size || wanted != 0) {
    if (!out.Grow()) return TooLarge("ZSTD", bytes_max);
    ZSTD_outBuffer output = {out.at(), out.room(), 0};
    const size_t read_before = input.pos;
    wanted = ::ZSTD_decompressStream(context.get(), &output, &input);
    if (::ZSTD_isError(wanted)) return Damaged("ZSTD", ::ZSTD_getErrorName(wanted));
    out.Use(output.pos);
    if (wanted != 0 && output.pos == 0 && input.pos == read_before)
      return Damaged("ZSTD", "it ends too early");
  }
  if (out.too_large()) return TooLarge("ZSTD", bytes_max);
  return out.Take();
}

}  // namespace

Result<Compression> CompressionOf(int32_t sys_flag) {
  switch (sys_flag & sys_flag::kCompressionMask) {
    case 0:
    case sys_flag::kCompressionZlib:
      return Compression::kZlib;
    case sys_flag::kCompressionLz4:
      return Compression::kLz4;
    case sys_flag::kCompressionZstd:
      return Compression::kZstd;
    default:
      break;
  }
  return Status(StatusCode::kNotSupported,
                StrCat("compression type ", (sys_flag & sys_flag::kCompressionMask) >> 8, " in sysFlag ",
                       sys_flag, " is unknown; known are 1 (LZ4), 2 (ZSTD), 3 (ZLIB)"));
}

int32_t WithCompression(int32_t sys_flag, Compression compression) {
  return (sys_flag & ~sys_flag::kCompressionMask) | sys_flag::kCompressed |
         static_cast<int32_t>(compression) << 8;
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kLz4:
      return "LZ4";
    case Compression::kZstd:
      return "ZSTD";
    case Compression::kZlib:
      return "ZLIB";
  }
  return "ZLIB";
}

Result<Compression> ParseCompression(std::string_view name) {
  for (const Compression known : {Compression::kLz4, Compression::kZstd, Compression::kZlib}) {
    if (EqualsIgnoreCase(name, CompressionName(known))) return known;
  }
  return Status(StatusCode::kInvalidArgument,
                StrCat("compression \"", Printable(name), "\" is unknown; known are LZ4, ZSTD, ZLIB"));
}

Result<std::string> Compress(std::string_view plain, Compression compression, int level) {
  switch (compression) {
    case Compression::kLz4:
      return CompressLz4(plain);
    case Compression::kZstd:
      return CompressZstd(plain, level);
    case Compression::kZlib:
      return CompressZlib(plain, level);
  }
  return Failed("body", "unknown type");
}

Result<std::string> Decompress(std::string_view packed, Compression compression, size_t plain_bytes_max) {
  // zlib counts in 32 bits; no frame is that large.
  if (packed.size() > (size_t{1} << 30))
    return Damaged(CompressionName(compression), "it is larger than 1 GiB");
  switch (compression) {
    case Compression::kLz4:
      return DecompressLz4(packed, plain_bytes_max);
    case Compression::kZstd:
      return DecompressZstd(packed, plain_bytes_max);
    case Compression::kZlib:
      return DecompressZlib(packed, plain_bytes_max);
  }
  return Damaged("body", "unknown type");
}

}  // namespace orbitmq

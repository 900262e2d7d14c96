// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/command_codec.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/json.h"
#include "remoting/protocol/json_header_reader.h"
#include "remoting/protocol/json_scan.h"
#include "remoting/protocol/shared_tables.h"

namespace orbitmq::proto {
namespace {

constexpr size_t kFrameWords = 8;  // The length word and the header word.

Status Corrupt(std::string_view text) { return {StatusCode::kCorrupt, text}; }

// The entries of extFields in a binary header. An empty value stands for null, as Apache's reader has it.
Status ReadBinaryExt(std::string_view bytes, std::vector<ExtEntry>& ext) {
  ByteReader reader(bytes);
  while (reader.remaining() > 0) {
    const auto key_bytes = reader.Read<int16_t>();
    const std::string_view key = reader.ReadBytes(key_bytes);
    const auto value_bytes = reader.Read<int32_t>();
    const std::string_view value = reader.ReadBytes(value_bytes);
    if (!reader.ok()) {
      return Corrupt(StrCat("extFields entry ", ext.size(), " (key of ", key_bytes, ", value of ",
                            value_bytes, " bytes) does not fit"));
    }
    if (key.empty()) return Corrupt(StrCat("extFields entry ", ext.size(), " has an empty key"));
    if (value.empty()) continue;
    bool replaced = false;
    for (auto& [known, old] : ext) {
      if (known == key) {
        old = value;
        replaced = true;
      }
    }
    if (replaced) continue;
    if (ext.size() >= limits::kExtFieldsMax) {
      return {StatusCode::kResourceExhausted,
              StrCat("the header has more than ", limits::kExtFieldsMax, " extFields")};
    }
    ext.push_back({key, value});
  }
  return {};
}

Result<CommandView> ReadBinaryHeader(std::string_view header, std::vector<ExtEntry>& ext) {
  ByteReader reader(header);
  CommandView view;
  view.code = reader.Read<int16_t>();
  const auto language = reader.Read<uint8_t>();
  view.language = language <= static_cast<uint8_t>(Language::kNodeJs) ? static_cast<Language>(language)
                                                                      : Language::kUnknown;
  view.version = reader.Read<int16_t>();
  view.opaque = reader.Read<int32_t>();
  view.flag = reader.Read<int32_t>();
  const auto remark_bytes = reader.Read<int32_t>();
  view.remark = reader.ReadBytes(remark_bytes);
  if (!reader.ok()) {
    return Corrupt(
        StrCat("binary header of ", header.size(), " bytes is cut (remark of ", remark_bytes, ")"));
  }
  const auto ext_bytes = reader.Read<int32_t>();
  const std::string_view entries = reader.ReadBytes(ext_bytes);
  if (!reader.ok()) {
    return Corrupt(StrCat("extFields of ", ext_bytes, " bytes do not fit a header of ", header.size()));
  }
  if (Status status = ReadBinaryExt(entries, ext); !status.ok()) return status;
  return view;
}

void AppendJsonNumber(std::string& out, std::string_view key, int32_t value) {
  out += key;
  out += header_detail::NumberText(value).view();
}

// "key":"value", neither of which needs an escape.
void AppendPlainField(std::string& out, std::string_view key, std::string_view value) {
  constexpr size_t kPunctuation = 5;
  const size_t at = out.size();
  out.resize(at + key.size() + value.size() + kPunctuation);
  char* to = out.data() + at;
  *to++ = '"';
  to = std::copy(key.begin(), key.end(), to);
  to = std::copy_n("\":\"", 3, to);
  to = std::copy(value.begin(), value.end(), to);
  *to = '"';
}

template <class T>
void AppendBig(std::string& out, T value) {
  ByteWriter(out).Write<T>(value);
}

}  // namespace

struct CommandDecoder::Scratch {
  JsonHeaderReader json;
  std::vector<ExtEntry> ext;
};

CommandDecoder::CommandDecoder() : scratch_(std::make_unique<Scratch>()) {}
CommandDecoder::CommandDecoder(CommandDecoder&&) noexcept = default;
CommandDecoder& CommandDecoder::operator=(CommandDecoder&&) noexcept = default;
CommandDecoder::~CommandDecoder() = default;

Result<CommandView> CommandDecoder::Decode(const FrameView& frame) {
  const bool json = frame.serialize == SerializeType::kJson;
  scratch_->ext.clear();
  Result<CommandView> view = json ? scratch_->json.Read(frame.header, scratch_->ext)
                                  : ReadBinaryHeader(frame.header, scratch_->ext);
  if (!view.ok()) return view;
  view->ext = scratch_->ext;
  view->serialize = frame.serialize;
  view->body = frame.body;
  return view;
}

Command ToOwned(const CommandView& view) {
  Command command;
  command.code = view.code;
  command.flag = view.flag;
  command.language = view.language;
  command.version = view.version;
  command.opaque = view.opaque;
  command.remark = view.remark;
  for (const auto& [key, value] : view.ext) command.ext.Set(key, std::string(value));
  if (!view.body.empty()) command.body.push_back(Bytes::Copy(view.body));
  return command;
}

SerializeType SerializeTypeFor(int32_t code, SerializeType asked) {
  constexpr auto kMin = std::numeric_limits<int16_t>::min();
  constexpr auto kMax = std::numeric_limits<int16_t>::max();
  return code < kMin || code > kMax ? SerializeType::kJson : asked;
}

FrameHeadWriter::FrameHeadWriter(const Command& command, SerializeType serialize)
    : command_(command), serialize_(SerializeTypeFor(command.code, serialize)) {
  out_.reserve(512);
  out_.assign(kFrameWords, '\0');
  if (serialize_ == SerializeType::kJson) {
    AppendJsonNumber(out_, "{\"code\":", command.code);
    return;
  }
  AppendBig(out_, static_cast<int16_t>(command.code));
  // Old readers know no bytes beyond NODE_JS; an unknown language is OTHER.
  const Language language = command.language == Language::kUnknown ? Language::kOther : command.language;
  AppendBig(out_, static_cast<uint8_t>(language));
  AppendBig(out_, static_cast<int16_t>(command.version));
  AppendBig(out_, command.opaque);
  AppendBig(out_, command.flag);
  AppendBig(out_, static_cast<int32_t>(command.remark.size()));
  out_ += command.remark;
  ext_at_ = out_.size();
  AppendBig(out_, int32_t{0});
}

void FrameHeadWriter::Field(std::string_view key, std::string_view value) {
  if (serialize_ == SerializeType::kJson) {
    out_ += any_field_ ? "," : ",\"extFields\":{";
    if (PlainJsonBytes(key) == key.size() && PlainJsonBytes(value) == value.size()) {
      AppendPlainField(out_, key, value);
    } else {
      AppendJsonString(key, JsonWriter::NonAscii::kRaw, out_);
      out_ += ':';
      AppendJsonString(value, JsonWriter::NonAscii::kRaw, out_);
    }
  } else {
    if (key.size() > limits::kExtKeyBytesMax) key_too_long_ = true;
    AppendBig(out_, static_cast<int16_t>(key.size()));
    out_ += key;
    AppendBig(out_, static_cast<int32_t>(value.size()));
    out_ += value;
  }
  any_field_ = true;
}

void FrameHeadWriter::Fields(const ExtFields& fields) {
  for (const auto& [key, value] : fields.entries()) Field(key, value);
}

Result<std::string> FrameHeadWriter::Finish() {
  if (serialize_ == SerializeType::kJson) {
    if (any_field_) out_ += '}';
    AppendJsonNumber(out_, ",\"flag\":", command_.flag);
    out_ += ",\"language\":\"";
    out_ += LanguageName(command_.language);
    AppendJsonNumber(out_, "\",\"opaque\":", command_.opaque);
    if (!command_.remark.empty()) {
      out_ += ",\"remark\":";
      AppendJsonString(command_.remark, JsonWriter::NonAscii::kRaw, out_);
    }
    out_ += ",\"serializeTypeCurrentRPC\":\"JSON\"";
    AppendJsonNumber(out_, ",\"version\":", command_.version);
    out_ += '}';
  } else {
    StoreBig<int32_t>(out_.data() + ext_at_, static_cast<int32_t>(out_.size() - ext_at_ - 4));
  }
  const size_t header_bytes = out_.size() - kFrameWords;
  const size_t frame_bytes = out_.size() + ChainBytes(command_.body);
  if (key_too_long_ || header_bytes > limits::kHeaderBytesMax || frame_bytes > limits::kFrameBytesMax) {
    return Status(StatusCode::kResourceExhausted,
                  StrCat("command ", command_.code, " is too large to send: header of ", header_bytes,
                         " bytes (at most ", limits::kHeaderBytesMax, "), frame of ", frame_bytes,
                         " bytes (at most ", limits::kFrameBytesMax, ")"));
  }
  StoreBig<int32_t>(out_.data(), static_cast<int32_t>(frame_bytes - 4));
  const uint32_t type = static_cast<uint32_t>(serialize_) << 24;
  StoreBig<uint32_t>(out_.data() + 4, type | static_cast<uint32_t>(header_bytes));
  return std::move(out_);
}

Result<std::string> EncodeFrameHead(const Command& command, SerializeType serialize) {
  FrameHeadWriter writer(command, serialize);
  writer.Fields(command.ext);
  return writer.Finish();
}

Result<BytesChain> EncodeFrame(const Command& command, SerializeType serialize) {
  Result<std::string> head = EncodeFrameHead(command, serialize);
  if (!head.ok()) return head.status();
  BytesChain chain;
  chain.reserve(1 + command.body.size());
  chain.emplace_back(*std::move(head));
  for (const Bytes& piece : command.body) {
    if (!piece.empty()) chain.push_back(piece);
  }
  return chain;
}

std::string_view LanguageName(Language language) {
  const std::string_view name = EnumName(language);
  return name.empty() ? "OTHER" : name;
}

Language LanguageFromName(std::string_view name) {
  return EnumFromName<Language>(name).value_or(Language::kUnknown);
}

}  // namespace orbitmq::proto

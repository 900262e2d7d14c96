// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "orbitmq/result.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/frame_decoder.h"

namespace orbitmq::proto {

// Decodes headers. One per connection: it keeps the memory that JSON strings are unescaped into.
//
// Lenient as Apache's peers need it (docs/WIRE_FORMAT.md "Header"): unknown keys are skipped, null counts as
// absent, numbers and booleans in extFields become their text, white space may follow the object, of
// duplicate keys the last one wins, and a binary entry with an empty value counts as absent. `code` is the
// only key that must be there; an absent language is JAVA, an unknown one kUnknown.
// Errors: kCorrupt, naming the field and what is wrong with it; kResourceExhausted above
// limits::kExtFieldsMax. After either nothing can be answered: close the connection.
//
// Threads: none of its own; one user at a time.
class CommandDecoder final {
 public:
  CommandDecoder();
  CommandDecoder(CommandDecoder&&) noexcept;
  CommandDecoder& operator=(CommandDecoder&&) noexcept;
  ~CommandDecoder();

  // The result's strings and entries live in the frame or in this decoder: they last until the next Decode
  // and as long as the frame's bytes. Moving the decoder keeps them valid.
  Result<CommandView> Decode(const FrameView& frame);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

// A code outside int16 (the POP family) does not fit a binary header: such commands are written with a JSON
// header whatever was asked for.
SerializeType SerializeTypeFor(int32_t code, SerializeType asked);

// Length word and header for `command`, whose body pieces follow on the wire unchanged.
// kResourceExhausted when the header or the whole frame would exceed what peers accept.
Result<std::string> EncodeFrameHead(const Command& command, SerializeType serialize);

// The whole frame as pieces: the head, then command.body by reference.
Result<BytesChain> EncodeFrame(const Command& command, SerializeType serialize);

// Writes a frame head field by field, without an ExtFields in between: the hot paths' way (headers.h has the
// form that takes a typed header).
class FrameHeadWriter final {
 public:
  // The command's own fields; its `ext` is not written unless it is handed to Fields().
  FrameHeadWriter(const Command& command, SerializeType serialize);
  void Field(std::string_view key, std::string_view value);
  void Fields(const ExtFields& fields);
  // Call once, last.
  Result<std::string> Finish();

 private:
  const Command& command_;
  SerializeType serialize_;
  std::string out_;
  size_t ext_at_ = 0;  // Where the binary length of extFields stands.
  bool any_field_ = false;
  bool key_too_long_ = false;
};

// The language's name in JSON headers and bodies: "CPP". kUnknown is "OTHER".
std::string_view LanguageName(Language language);
// kUnknown for a name that we do not know.
Language LanguageFromName(std::string_view name);

}  // namespace orbitmq::proto

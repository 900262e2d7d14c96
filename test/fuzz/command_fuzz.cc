// SPDX-License-Identifier: Apache-2.0
// Both header forms: what decodes must encode, and decode again to the same command.
#include "common/check.h"
#include "remoting/protocol/command_codec.h"
#include "remoting/protocol/headers.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/golden_corpus.h"

namespace orbitmq::proto {
namespace {

void CheckSame(const CommandView& a, const CommandView& b) {
  ORBITMQ_CHECK(a.code == b.code && a.flag == b.flag && a.opaque == b.opaque, "numbers survive");
  ORBITMQ_CHECK(a.remark == b.remark && a.body == b.body, "remark and body survive");
  for (const auto& [key, value] : a.ext) {
    // A binary header has no empty values.
    ORBITMQ_CHECK(value.empty() || b.Ext(key) == value, "extFields survive");
  }
}

// The typed headers read whatever extFields came.
void ReadTyped(const CommandView& view) {
  (void)DecodeHeader<SendMessageRequestHeaderView>(view, SendNameForm(view.code));
  (void)DecodeHeader<SendMessageResponseHeader>(view);
  (void)DecodeHeader<PullMessageRequestHeaderView>(view);
  (void)DecodeHeader<PullMessageResponseHeader>(view);
  (void)DecodeHeader<RegisterBrokerRequestHeader>(view);
  (void)DecodeHeader<CreateTopicRequestHeader>(view);
  (void)DecodeHeader<SearchOffsetRequestHeader>(view);
}

fuzz::Verdict ReadCommand(std::string_view input) {
  const auto next = NextFrame(input);
  if (!next.ok() || !*next) return fuzz::Verdict::kRefused;
  CommandDecoder decoder;
  const Result<CommandView> view = decoder.Decode(**next);
  if (!view.ok()) {
    ORBITMQ_CHECK(!view.status().text().empty(), "a refused header must say why");
    return fuzz::Verdict::kRefused;
  }
  ReadTyped(*view);
  for (SerializeType serialize : {SerializeType::kJson, SerializeType::kBinary}) {
    const Command command = ToOwned(*view);
    Result<std::string> frame = EncodeFrameHead(command, serialize);
    if (!frame.ok()) continue;
    *frame += command.JoinedBody().view();
    const auto again = NextFrame(*frame);
    ORBITMQ_CHECK(again.ok() && *again, "what we write is a frame");
    CommandDecoder other;
    const Result<CommandView> decoded = other.Decode(**again);
    // An empty key cannot be written to a binary header; JSON allows it.
    if (!decoded.ok() && serialize == SerializeType::kBinary && view->Ext("").has_value()) continue;
    ORBITMQ_CHECK(decoded.ok(), "what we write decodes");
    CheckSame(*view, *decoded);
  }
  return fuzz::Verdict::kAccepted;
}

}  // namespace
}  // namespace orbitmq::proto

int main(int argc, char** argv) {
  return orbitmq::fuzz::FuzzMain(argc, argv,
                                 {"command", orbitmq::fuzz::GoldenFrames(), orbitmq::proto::ReadCommand});
}

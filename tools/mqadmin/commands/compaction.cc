// SPDX-License-Identifier: Apache-2.0
// Files of Apache's brokers that lie on this machine.
#include <algorithm>

#include "common/strings.h"
#include "tools/mqadmin/message_view.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

// Whether the records end here: with the zeros of a file that is not full yet, or with filler.
bool IsEnd(const RecordPeek& peek) {
  return peek.total_bytes == 0 || peek.magic == static_cast<uint32_t>(RecordMagic::kBlank);
}

Status DumpRecords(Session& session, std::string_view records) {
  const size_t all = records.size();
  while (!records.empty()) {
    const std::string place = StrCat("at byte ", all - records.size());
    const auto peek = PeekRecord(records);
    if (!peek.ok()) return peek.status().Annotate(place);
    if (IsEnd(*peek)) return {};
    const auto bytes = static_cast<size_t>(std::max(peek->total_bytes, 0));
    const auto messages = DecodeMessages(records.substr(0, bytes == 0 ? records.size() : bytes), {});
    if (!messages.ok()) return messages.status().Annotate(place);
    for (const ShownMessage& message : *messages) {
      session.out().JsonLine(MessageJson(message));
      session.out().Line(MessageText(message, TextForm::kRecord));
    }
    records.remove_prefix(bytes);
  }
  return {};
}

Status RunDumpCompactionLog(Session& session) {
  session.out().BeginLines();
  const std::string path = session.args().Text("file");
  FileSystem& files = session.env().files();
  if (!files.Exists(path)) return {StatusCode::kNotFound, StrCat("file ", path, " not exist.")};
  if (files.List(path).ok()) {
    return {StatusCode::kFailedPrecondition, StrCat("file ", path, " is a directory.")};
  }
  const auto file = files.Open(path, OpenMode::kReadOnly);
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size == 0) return {};
  const auto mapping = (*file)->Map(*size, MapMode::kReadOnly);
  if (!mapping.ok()) return mapping.status();
  const Status dumped = DumpRecords(session, {(*mapping)->data(), (*mapping)->size()});
  return dumped.ok() ? session.out().Flush() : dumped.Annotate(path);
}

constexpr OptionSpec kDumpCompactionLog[] = {
    {"f", "file", ValueKind::kPath, Need::kRequired, "a file of a compacted topic's log"}};

constexpr CommandSpec kCommands[] = {
    {"dumpCompactionLog", "message", "Prints the messages of a file of a compaction log, without bodies",
     kDumpCompactionLog,
     "mqadmin dumpCompactionLog -f store/compaction/compactionLog/orders/0/00000000000000000000",
     Effect::kReads, Needs::kNoServer, RunDumpCompactionLog},
};

}  // namespace

std::span<const CommandSpec> CompactionCommands() { return kCommands; }

}  // namespace orbitmq::tools

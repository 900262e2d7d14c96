// SPDX-License-Identifier: Apache-2.0
// Records, batches and compressed bodies: whatever a decoder accepts must be encoded again to the same bytes.
#include <string>
#include <vector>

#include "common/check.h"
#include "common/compression.h"
#include "common/message_codec.h"
#include "common/message_id.h"
#include "common/sys_flag.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/golden/golden.h"
#include "test/golden/record_fields.h"

namespace orbitmq {
namespace {

constexpr size_t kPlainBytesMax = 1 << 20;

void CheckRecord(std::string_view bytes, const MessageView& view) {
  const auto size = static_cast<size_t>(view.total_bytes);
  ORBITMQ_CHECK(size <= bytes.size(), "a record is longer than its bytes");
  const RecordFields fields = golden::FieldsOf(view);
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
  const Status status = AppendRecord(fields, draft);
  // Long topics exist in both versions' reach of the decoder, short ones are written as V1 only.
  const bool v2 = view.topic.size() > kTopicBytesMaxV1;
  if (!status.ok() || v2 != (view.magic == RecordMagic::kV2)) return;
  PatchRecord(draft.bytes.data(), {view.queue_offset, view.log_offset, view.store_time}, draft.crc);
  std::string expected(bytes.substr(0, size));
  // The CRC of an empty body is not checked on reading.
  if (view.body.empty()) expected.replace(8, 4, draft.bytes, 8, 4);
  ORBITMQ_CHECK(draft.bytes == expected, "a record reads back differently");
}

void CheckBatch(std::string_view bytes, const std::vector<BatchEntry>& entries) {
  std::string again;
  for (const BatchEntry& entry : entries) {
    const size_t at = again.size();
    AppendBatchEntry(entry, again);
    again.replace(at + 4, 8, bytes.substr(at + 4, 8));  // Magic and CRC are not looked at.
  }
  ORBITMQ_CHECK(again == bytes, "a batch reads back differently");
}

fuzz::Verdict Run(std::string_view input) {
  bool accepted = false;
  if (const auto view = DecodeMessage(input, BodyCheck::kTrust)) {
    accepted = true;
    if (DecodeMessage(input, BodyCheck::kVerifyCrc)) CheckRecord(input, *view);
  }
  if (const auto entries = DecodeBatch(input, 1000)) {
    accepted = true;
    CheckBatch(input, *entries);
  }
  for (const Compression type : {Compression::kLz4, Compression::kZstd, Compression::kZlib}) {
    if (const auto plain = Decompress(input, type, kPlainBytesMax)) {
      accepted = true;
      ORBITMQ_CHECK(plain->size() <= kPlainBytesMax, "a body inflates beyond its bound");
    }
  }
  if (const auto id = DecodeOffsetMessageId(input)) {
    ORBITMQ_CHECK(*DecodeOffsetMessageId(EncodeOffsetMessageId(*id)) == *id,
                  "a message id reads back differently");
  }
  (void)DecodeUniqueId(input);
  return accepted ? fuzz::Verdict::kAccepted : fuzz::Verdict::kRefused;
}

// The records of a real broker's log, one by one.
void AddGoldenRecords(std::string_view log, std::vector<std::string>& corpus) {
  while (const auto view = DecodeMessage(log, BodyCheck::kVerifyCrc)) {
    const auto size = static_cast<size_t>(view->total_bytes);
    corpus.emplace_back(log.substr(0, size));
    log.remove_prefix(size);
  }
}

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus;
  AddGoldenRecords(golden::LoadGolden("store/commitlog/00000000000000000000"), corpus);
  ORBITMQ_CHECK(corpus.size() >= 5, "the golden log has too few records");
  const std::string long_topic(200, 't');
  RecordFields fields;
  fields.topic = long_topic;
  fields.body = "body";
  fields.properties = "KEYS\x01k\x02";
  fields.born_host = *ParseHostAddress("::1", 1);
  fields.store_host = *ParseHostAddress("127.0.0.1", 10911);
  RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
  ORBITMQ_CHECK(AppendRecord(fields, draft).ok(), "the corpus must be well formed");
  corpus.push_back(draft.bytes);
  std::string batch;
  for (int i = 0; i < 3; ++i) AppendBatchEntry({i, "entry", "TAGS\x01TagA\x02"}, batch);
  corpus.push_back(batch);
  for (const Compression type : {Compression::kLz4, Compression::kZstd, Compression::kZlib}) {
    corpus.push_back(*Compress(std::string(3000, 'c') + "not all the same", type));
  }
  corpus.emplace_back("7F00000100002A9F00000000000004D2");
  return corpus;
}

}  // namespace
}  // namespace orbitmq

int main(int argc, char** argv) {
  return orbitmq::fuzz::FuzzMain(argc, argv, {"record", orbitmq::Corpus(), orbitmq::Run});
}

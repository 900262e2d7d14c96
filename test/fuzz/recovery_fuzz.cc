// SPDX-License-Identifier: Apache-2.0
// Opens stores whose files were mutated: log, queues, index, both checkpoints; byte by byte, or field by
// field with the lengths and CRCs around made right again. Whatever the bytes, Open ends with a store that
// works or with a clear refusal.
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/store_fields.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

// An input that begins so is a script of MutateFields.
constexpr std::string_view kScript = "fields:";

void SetSmall(StoreHarness& harness) {
  harness.options.segment_bytes = 4096;
  harness.options.queue_file_units = 10;
  harness.options.index_slots = 10;
  harness.options.index_entries = 20;
}

FileSet MakeStore(StoreHarness::Loss loss) {
  StoreHarness harness(7);
  SetSmall(harness);
  harness.Open();
  for (int i = 0; i < 25; ++i) {
    harness.Append({.topic = StrCat("topic", i % 2),
                    .body = std::string(static_cast<size_t>(i * 9), 'b'),
                    .tags = "Tag",
                    .keys = StrCat("key", i % 3)});
  }
  harness.Pass(std::chrono::seconds(6));
  for (int i = 0; i < 6; ++i)
    harness.Append({.topic = "topic0", .body = "after the checkpoint", .keys = "key0"});
  harness.Pass(std::chrono::seconds(2));
  harness.Crash(loss);
  harness.Boot();
  FileSet files;
  for (const std::string& path : harness.disk().Files()) {
    auto content = ReadWholeFile(harness.files(), path, uint64_t{1} << 20);
    ORBITMQ_CHECK(content.ok(), "a file of the corpus cannot be read");
    files[path] = *std::move(content);
  }
  return files;
}

const FileSet& Original() {
  static const FileSet files = MakeStore(StoreHarness::Loss::kProcess);
  return files;
}

// The input is the content of all files one after the other; one that is too short leaves the last ones
// short.
std::string Joined(const FileSet& files) {
  std::string all;
  for (const auto& [path, content] : files) all += content;
  return all;
}

void ReadEverything(StoreHarness& harness) {
  MessageStore& store = harness.store();
  for (const QueueKey& key : store.Queues()) {
    const auto range = store.Range(key);
    ORBITMQ_CHECK(range.has_value(), "a listed queue has no range");
    int64_t reads = 0;
    for (QueueOffset at = range->min; at < range->max && reads < 1000; ++reads) {
      const QueueSlice slice = store.Read(key, at, {}, nullptr);
      ORBITMQ_CHECK(slice.next_begin > at, "a read inside the queue did not advance");
      ORBITMQ_CHECK(slice.records.size() == static_cast<size_t>(slice.record_count),
                    "records are miscounted");
      at = slice.next_begin;
    }
    (void)store.OffsetAtTime(key, FromEpochMillis(1), TimeBoundary::kUpper);
    (void)store.Query(
        {.topic = key.topic, .key = "key1", .begin = FromEpochMillis(0), .end = FromEpochMillis(INT64_MAX)});
  }
  for (int64_t at = 0; at < 8192; at += 64) (void)store.ReadAt({at});
  (void)store.EarliestStoreTime();
}

fuzz::Verdict Run(std::string_view input) {
  StoreHarness harness(1);
  SetSmall(harness);
  harness.Boot();
  // The last byte chooses how the store's last user ended.
  const bool clean = !input.empty() && (static_cast<unsigned char>(input.back()) & 1) != 0;
  FileSet files = Original();
  if (input.starts_with(kScript)) {
    MutateFields(files, input.substr(kScript.size()));
  } else {
    std::string_view rest = input;
    for (auto& [path, content] : files) {
      content = rest.substr(0, content.size());
      rest.remove_prefix(content.size());
    }
  }
  for (const auto& [path, content] : files) {
    const std::string_view piece[] = {content};
    if (clean && path.ends_with("/abort")) continue;
    (void)harness.files().CreateDirectories(path.substr(0, path.rfind('/')));
    auto file = harness.files().Open(path, OpenMode::kCreate);
    ORBITMQ_CHECK(file.ok() && (*file)->WriteAt(0, piece).ok(), "a mutated file cannot be written");
  }
  if (const Status opened = harness.TryOpen(); !opened.ok()) {
    ORBITMQ_CHECK(!opened.text().empty(), "a refusal without a reason");
    return fuzz::Verdict::kRefused;
  }
  ReadEverything(harness);
  const auto receipt = harness.Await(harness.Send({.topic = "fresh", .body = "works"}));
  ORBITMQ_CHECK(receipt.ok(), "a recovered store takes no message");
  harness.Settle();
  const auto record = harness.store().ReadAt(receipt->log_offsets[0]);
  ORBITMQ_CHECK(record.ok(), "a message stored after recovery cannot be read");
  (void)harness.Close();
  return fuzz::Verdict::kAccepted;
}

// All files as they are, and scripts that change one field of each kind of file.
std::vector<std::string> Corpus() {
  std::vector<std::string> corpus{Joined(Original())};
  for (char kind = 0; kind < 6; ++kind) {
    for (char field = 0; field < 17; field += 2) {
      std::string script(kScript);
      // With both CRCs made right; the number is small.
      for (const char byte : {kind, char{3}, char{0}, static_cast<char>(field + 5), field, char{1}, char{0},
          char{0},
                              char{0}, char{3}}) {
        script.push_back(byte);
      }
      corpus.push_back(std::move(script));
    }
  }
  return corpus;
}

}  // namespace
}  // namespace orbitmq::store

int main(int argc, char** argv) {
  return orbitmq::fuzz::FuzzMain(
      argc, argv, {.name = "recovery", .corpus = orbitmq::store::Corpus(), .run = orbitmq::store::Run});
}

// SPDX-License-Identifier: Apache-2.0
#include "test/sim/store_image.h"

#include <algorithm>
#include <limits>

#include "common/compression.h"
#include "common/message_codec.h"
#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "remoting/protocol/offset_bodies.h"
#include "test/sim/facts.h"
#include "test/sim/sim_env.h"

namespace orbitmq::sim {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;
constexpr size_t kUnitsAtOnce = 4096;

std::string Property(const MessageView& view, std::string_view name) {
  return std::string(FindProperty(view.properties, name).value_or(""));
}

ImageRecord DescribeRecord(const MessageView& view, int64_t log_offset, uint64_t seed) {
  ImageRecord record;
  record.log_offset = log_offset;
  record.bytes = view.total_bytes;
  record.queue = {std::string(view.topic), view.queue_id};
  record.queue_offset = view.queue_offset.value;
  record.reconsume_times = view.reconsume_times;
  record.unique_key = Property(view, property::kUniqueKey);
  record.tag = Property(view, property::kTags);
  record.store_ms = ToEpochMillis(view.store_time);
  const std::string keys = Property(view, property::kKeys);
  for (const std::string_view key : Split(keys, property::kKeySeparator)) {
    if (!key.empty()) record.keys.emplace_back(key);
  }
  std::string plain(view.body);
  if ((view.sys_flag & sys_flag::kCompressed) != 0) {
    const Result<Compression> compression = CompressionOf(view.sys_flag);
    Result<std::string> unpacked = compression.ok() ? Decompress(view.body, *compression, kFileBytesMax)
                                                    : Result<std::string>(compression.status());
    if (unpacked.ok()) plain = *std::move(unpacked);
  }
  record.number = ReadBody(seed, plain);
  return record;
}

// The body CRC does not cover topic and properties; those of our workload are text, so a zero byte in them is
// a sector that a power cut took, and the record was never whole on disk.
bool LostSector(const MessageView& view) {
  return view.topic.find('\0') != std::string_view::npos ||
         view.properties.find('\0') != std::string_view::npos;
}

// Walks the segments until something is no record.
void WalkLog(FileSystem& files, const ImageOptions& options, StoreImage& image) {
  const std::string directory = options.store.root + "/commitlog";
  const auto entries = files.List(directory);
  if (!entries.ok()) return;
  bool first = true;
  for (const DirEntry& entry : *entries) {
    const std::optional<int64_t> begin = ParseInt<int64_t>(entry.name);
    if (!begin || entry.is_directory) continue;
    if (first) image.log_begin = image.log_end = *begin;
    if (!first && *begin != image.log_end) return;  // A gap; what lies behind it is not part of the log.
    first = false;
    const Result<std::string> text = ReadWholeFile(files, directory + "/" + entry.name, kFileBytesMax);
    if (!text.ok()) return;
    const std::string_view bytes = *text;
    size_t at = 0;
    while (at < bytes.size()) {
      const Result<RecordPeek> peek = PeekRecord(bytes.substr(at));
      if (!peek.ok()) return;
      if (peek->magic == static_cast<uint32_t>(RecordMagic::kBlank)) {
        at = bytes.size();
        break;
      }
      const Result<MessageView> view = DecodeMessage(bytes.substr(at), BodyCheck::kVerifyCrc);
      const int64_t log_offset = *begin + static_cast<int64_t>(at);
      if (!view.ok() || view->log_offset.value != log_offset || LostSector(*view)) return;
      image.records.push_back(DescribeRecord(*view, log_offset, options.seed));
      at += static_cast<size_t>(view->total_bytes);
      image.log_end = *begin + static_cast<int64_t>(at);
    }
    image.log_end = *begin + static_cast<int64_t>(at);
  }
}

// The log's position of the first byte behind its end that is not zero; -1 if there is none.
int64_t BytesBehindEnd(FileSystem& files, const ImageOptions& options, int64_t end) {
  const std::string directory = options.store.root + "/commitlog";
  const auto entries = files.List(directory);
  if (!entries.ok()) return -1;
  for (const DirEntry& entry : *entries) {
    const std::optional<int64_t> begin = ParseInt<int64_t>(entry.name);
    if (!begin || entry.is_directory || *begin + static_cast<int64_t>(entry.size) <= end) continue;
    const Result<std::string> text = ReadWholeFile(files, directory + "/" + entry.name, kFileBytesMax);
    if (!text.ok()) continue;
    const size_t at = text->find_first_not_of('\0', static_cast<size_t>(std::max<int64_t>(0, end - *begin)));
    if (at != std::string::npos) return *begin + static_cast<int64_t>(at);
  }
  return -1;
}

void CutBack(StoreImage& image) {
  const int64_t end = image.watermarks.appended.value;
  if (end >= image.log_end) return;
  image.log_end = end;
  while (!image.records.empty() && image.records.back().log_offset >= end) image.records.pop_back();
}

void ReadQueues(store::MessageStore& messages, StoreImage& image) {
  for (const QueueKey& key : messages.Queues()) {
    const std::optional<store::OffsetRange> range = messages.Range(key);
    if (!range) continue;
    ImageQueue queue;
    queue.min = range->min.value;
    queue.max = range->max.value;
    for (QueueOffset from = range->min; from < range->max;) {
      std::vector<store::QueueUnit> units = messages.ReadUnits(key, from, kUnitsAtOnce);
      if (units.empty()) break;
      from += static_cast<int64_t>(units.size());
      queue.units.insert(queue.units.end(), units.begin(), units.end());
    }
    image.queues[key] = std::move(queue);
  }
}

bool FindsRecord(store::MessageStore& messages, const ImageRecord& record, const std::string& key,
                 store::KeyType type) {
  store::QueryRequest query;
  query.topic = record.queue.topic;
  query.key = key;
  query.type = type;
  query.messages_max = 64;
  // All times: entries carry whole seconds since their file began, which a clock that was set back spoils.
  query.begin = FromEpochMillis(0);
  query.end = FromEpochMillis(std::numeric_limits<int64_t>::max());
  const Result<store::QueryReply> reply = messages.Query(query);
  if (!reply.ok()) return false;
  for (const Bytes& piece : reply->records) {
    std::string_view rest = piece.view();
    while (!rest.empty()) {
      const Result<MessageView> view = DecodeMessage(rest, BodyCheck::kTrust);
      if (!view.ok()) return false;
      if (view->log_offset.value == record.log_offset) return true;
      rest.remove_prefix(static_cast<size_t>(view->total_bytes));
    }
  }
  return false;
}

// A sample is enough for the index, whose entries share their way in; reading every record back is cheap.
void ReadRecords(store::MessageStore& messages, StoreImage& image) {
  for (size_t i = 0; i < image.records.size(); ++i) {
    const ImageRecord& record = image.records[i];
    const Result<Bytes> bytes = messages.ReadAt(LogOffset{record.log_offset});
    const Result<MessageView> view = bytes.ok() ? DecodeMessage(bytes->view(), BodyCheck::kVerifyCrc)
                                                : Result<MessageView>(bytes.status());
    if (!view.ok() || view->total_bytes != record.bytes || view->queue_offset.value != record.queue_offset ||
        view->topic != record.queue.topic) {
      image.unreadable.push_back(i);
    }
    if (i % 7 != 0) continue;
    const bool by_id = record.unique_key.empty() ||
                       FindsRecord(messages, record, record.unique_key, store::KeyType::kUnique);
    const bool by_key =
        record.keys.empty() || FindsRecord(messages, record, record.keys.front(), store::KeyType::kKey);
    if (!by_id || !by_key) image.missing_in_index.push_back(i);
  }
}

void ReadCommitted(FileSystem& files, const ImageOptions& options, StoreImage& image) {
  const Result<std::string> text =
      ReadFileOrBackup(files, options.config_dir + "/consumerOffset.json", kFileBytesMax);
  if (!text.ok()) return;
  const auto table = proto::DecodeBody<proto::ConsumerOffsetSerializeWrapper>(*text);
  if (!table.ok()) return;
  for (const auto& [key, offsets] : table->offset_table) {
    const size_t at = key.find('@');
    if (at == std::string::npos) continue;
    for (const auto& [queue_id, offset] : offsets) {
      image.committed[key.substr(at + 1)][QueueKey{key.substr(0, at), queue_id}] = offset;
    }
  }
}

}  // namespace

StoreImage TakeStoreImage(const SimDisk& disk, const ImageOptions& options) {
  StoreImage image;
  image.broker = options.broker;
  Scheduler scheduler(options.seed);
  SimNetwork network(scheduler, {});
  SimLog log;
  SimHost host("image", "10.9.9.9", options.seed, {});
  SimEnv env(scheduler, network, host, log);
  host.disk.CopyFilesFrom(disk);
  WalkLog(env.files(), options, image);
  ReadCommitted(env.files(), options, image);
  Result<std::unique_ptr<store::MessageStore>> messages =
      store::MessageStore::Open(env, options.store, [](const store::Arrival&) {});
  image.opened = messages.ok() ? Status() : messages.status();
  if (messages.ok()) {
    // Whatever recovery left to the dispatcher is done within moments.
    scheduler.RunUntil(scheduler.now() + std::chrono::seconds(2));
    image.watermarks = (*messages)->watermarks();
    if (options.power_lost) CutBack(image);
    image.bytes_behind_end = BytesBehindEnd(env.files(), options, image.watermarks.appended.value);
    ReadQueues(**messages, image);
    ReadRecords(**messages, image);
  }
  env.MarkKilled();
  if (messages.ok()) (*messages).reset();
  env.FinishKill(SimEnv::Loss::kProcess);
  return image;
}

}  // namespace orbitmq::sim

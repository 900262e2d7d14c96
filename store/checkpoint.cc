// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/replaced_file.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr uint64_t kApacheFileBytes = 4096;
constexpr int64_t kApacheSlackMs = 3000;
constexpr Millis kClockSlack = std::chrono::hours(24);

constexpr std::string_view kMagic = "OMQCKPT";
constexpr uint8_t kVersion = 2;  // 1: one frame, without length.
constexpr size_t kFramesAt = 8;
constexpr size_t kFrameOverhead = 8;  // Length and CRC.
// Later frames of this much are not worth a new file, however small the first is.
constexpr uint64_t kLaterBytesMin = uint64_t{256} << 10;
constexpr uint64_t kExactBytesMax = uint64_t{256} << 20;

std::string ApachePath(const std::string& root) { return root + "/checkpoint"; }
std::string ExactPath(const std::string& root) { return root + "/orbitmq/checkpoint"; }

void WriteText(ByteWriter& writer, std::string_view text) {
  writer.Write<uint16_t>(static_cast<uint16_t>(text.size()));
  writer.WriteBytes(text);
}

std::string_view ReadText(ByteReader& reader) { return reader.ReadBytes(reader.Read<uint16_t>()); }

Status Damaged() { return {StatusCode::kCorrupt, "the checkpoint is damaged"}; }

Result<QueueEnds> ReadEnds(ByteReader& reader) {
  QueueEnds ends;
  ends.queue.topic = ReadText(reader);
  ends.queue.queue_id = reader.Read<int32_t>();
  ends.min = {reader.Read<int64_t>()};
  ends.max = {reader.Read<int64_t>()};
  ends.end_log_offset = {reader.Read<int64_t>()};
  if (!reader.ok() || ends.min.value < 0 || ends.max < ends.min) return Damaged();
  return ends;
}

Result<ExactCheckpoint> DecodePayload(std::string_view payload) {
  ByteReader reader(payload);
  ExactCheckpoint out;
  out.log_min = {reader.Read<int64_t>()};
  out.dispatched = {reader.Read<int64_t>()};
  out.last_record = {reader.Read<int64_t>()};
  out.last_store_time_ms = reader.Read<int64_t>();
  out.apache_crcs[0] = reader.Read<uint32_t>();
  out.apache_crcs[1] = reader.Read<uint32_t>();
  out.index.file = ReadText(reader);
  const std::string_view header = reader.ReadBytes(kIndexHeaderBytes);
  if (reader.ok()) out.index.header = IndexHeader::Decode(header);
  const auto removed = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < removed && reader.ok(); ++i) out.removed_topics.emplace_back(ReadText(reader));
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    auto ends = ReadEnds(reader);
    if (!ends.ok()) return ends.status();
    out.queues.push_back(*std::move(ends));
  }
  if (!reader.ok() || reader.remaining() != 0) return Damaged();
  return out;
}

// The payload of the frame at the front, or nothing.
std::optional<std::string_view> FirstFrame(std::string_view bytes) {
  if (bytes.size() < kFrameOverhead) return std::nullopt;
  const uint64_t count = LoadBig<uint32_t>(bytes.data());
  if (count > bytes.size() - kFrameOverhead) return std::nullopt;
  const std::string_view covered = bytes.substr(0, 4 + static_cast<size_t>(count));
  if (LoadBig<uint32_t>(bytes.data() + covered.size()) != Crc32(covered)) return std::nullopt;
  return covered.substr(4);
}

// Puts later frames on top of the first, one by one; queues end up in the order of their keys.
class Merge final {
 public:
  explicit Merge(ExactCheckpoint first) : out_(std::move(first)) {
    for (size_t i = 0; i < out_.queues.size(); ++i) places_.emplace(out_.queues[i].queue, i);
  }
  void Apply(ExactCheckpoint later) {
    const std::unordered_set<std::string> gone(later.removed_topics.begin(), later.removed_topics.end());
    if (!gone.empty()) {
      for (const QueueEnds& ends : out_.queues) {
        if (gone.contains(ends.queue.topic)) places_.erase(ends.queue);
      }
    }
    for (QueueEnds& ends : later.queues) {
      const auto [it, added] = places_.try_emplace(ends.queue, out_.queues.size());
      if (added) {
        out_.queues.push_back(std::move(ends));
      } else {
        out_.queues[it->second] = std::move(ends);
      }
    }
    later.queues = std::move(out_.queues);
    out_ = std::move(later);
  }
  ExactCheckpoint Finish() {
    std::vector<QueueEnds> kept;
    kept.reserve(places_.size());
    for (size_t i = 0; i < out_.queues.size(); ++i) {
      const auto it = places_.find(out_.queues[i].queue);
      if (it != places_.end() && it->second == i) kept.push_back(std::move(out_.queues[i]));
    }
    std::sort(kept.begin(), kept.end(),
              [](const QueueEnds& a, const QueueEnds& b) { return a.queue < b.queue; });
    out_.queues = std::move(kept);
    out_.removed_topics.clear();
    return std::move(out_);
  }

 private:
  ExactCheckpoint out_;
  std::unordered_map<QueueKey, size_t, QueueKeyHash> places_;  // Those in out_.queues that count.
};

}  // namespace

// Apache indexes a record after it has its queue unit, so only our lead puts the index time ahead.
int64_t ApacheCheckpoint::SafeIndexTimeMs() const {
  return index_time_ms > logics_time_ms ? index_time_ms - kIndexLeadMs : index_time_ms;
}

int64_t ApacheCheckpoint::SafeTimeMs() const {
  return std::max<int64_t>(0, std::min(physic_time_ms, logics_time_ms) - kApacheSlackMs);
}

std::string ApacheCheckpoint::Encode() const {
  std::string out;
  ByteWriter writer(out);
  for (const int64_t field : {physic_time_ms, logics_time_ms, index_time_ms, master_flushed_offset,
                              confirm_log_offset, logics_log_offset}) {
    writer.Write<int64_t>(field);
  }
  return out;
}

ApacheCheckpoint ApacheCheckpoint::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  ApacheCheckpoint out;
  out.physic_time_ms = reader.Read<int64_t>();
  out.logics_time_ms = reader.Read<int64_t>();
  out.index_time_ms = reader.Read<int64_t>();
  out.master_flushed_offset = reader.Read<int64_t>();
  out.confirm_log_offset = reader.Read<int64_t>();
  out.logics_log_offset = reader.Read<int64_t>();
  return out;
}

Result<ApacheCheckpoint> LoadApacheCheckpoint(FileSystem& files, Logger& log, WallTime now,
                                              const std::string& root) {
  ApacheCheckpoint out;
  const ReplacedFile file{
      .path = ApachePath(root), .bytes_max = kApacheFileBytes, .damaged = DamagedFile::kLeave};
  const auto version = LoadReplacedFile(files, log, file, [&out, now](std::string_view bytes) -> Status {
    if (bytes.size() != kApacheFileBytes) {
      return {StatusCode::kCorrupt, StrCat("it has ", bytes.size(), " bytes and not ", kApacheFileBytes)};
    }
    const ApacheCheckpoint read = ApacheCheckpoint::Decode(bytes);
    const int64_t latest = ToEpochMillis(now + kClockSlack);
    for (const int64_t time : {read.physic_time_ms, read.logics_time_ms, read.index_time_ms}) {
      if (time < 0 || time > latest) return {StatusCode::kCorrupt, StrCat("the time ", time, " cannot be")};
    }
    out = read;
    return {};
  });
  if (version.ok()) return out;
  if (version.status().code() != StatusCode::kCorrupt) return version.status();
  log.Error("no version of Apache's checkpoint is whole; after a crash everything is scanned",
            {{"why", version.status().ToString()}});
  return ApacheCheckpoint{};
}

// Apache maps this file, but never while we run: it can be replaced like every other.
Status SaveApacheCheckpoint(FileSystem& files, const std::string& root, const ApacheCheckpoint& checkpoint) {
  std::string content = checkpoint.Encode();
  content.resize(kApacheFileBytes, '\0');
  return WriteFileAtomically(files, ApachePath(root), content);
}

uint32_t CheckpointCrc(const ApacheCheckpoint& checkpoint) { return Crc32(checkpoint.Encode()); }

std::string ExactCheckpoint::EncodeFrame() const {
  std::string out(4, '\0');
  ByteWriter writer(out);
  writer.Write<int64_t>(log_min.value);
  writer.Write<int64_t>(dispatched.value);
  writer.Write<int64_t>(last_record.value);
  writer.Write<int64_t>(last_store_time_ms);
  writer.Write<uint32_t>(apache_crcs[0]);
  writer.Write<uint32_t>(apache_crcs[1]);
  WriteText(writer, index.file);
  writer.WriteBytes(index.header.Encode());
  writer.Write<uint32_t>(static_cast<uint32_t>(removed_topics.size()));
  for (const std::string& topic : removed_topics) WriteText(writer, topic);
  writer.Write<uint32_t>(static_cast<uint32_t>(queues.size()));
  for (const QueueEnds& ends : queues) {
    WriteText(writer, ends.queue.topic);
    writer.Write<int32_t>(ends.queue.queue_id);
    writer.Write<int64_t>(ends.min.value);
    writer.Write<int64_t>(ends.max.value);
    writer.Write<int64_t>(ends.end_log_offset.value);
  }
  StoreBig<uint32_t>(out.data(), static_cast<uint32_t>(out.size() - 4));
  writer.Write<uint32_t>(Crc32(out));
  return out;
}

std::string ExactCheckpoint::Encode() const {
  std::string out(kMagic);
  out.push_back(static_cast<char>(kVersion));
  return out + EncodeFrame();
}

Result<ExactCheckpoint> ExactCheckpoint::Decode(std::string_view bytes) {
  if (bytes.size() < kFramesAt || !bytes.starts_with(kMagic)) return Damaged();
  const auto version = static_cast<uint8_t>(bytes[kMagic.size()]);
  if (version > kVersion) {
    return Status(
        StatusCode::kNotSupported,
        StrCat("the store was written by a newer version (checkpoint format ", static_cast<int>(version),
               ", this program knows ", static_cast<int>(kVersion), "); use that version"));
  }
  if (version < kVersion) return Status(StatusCode::kCorrupt, "the checkpoint is of an older format");
  std::string_view rest = bytes.substr(kFramesAt);
  std::optional<Merge> merge;
  for (auto payload = FirstFrame(rest); payload; payload = FirstFrame(rest)) {
    auto frame = DecodePayload(*payload);
    if (!frame.ok()) return frame.status();  // Its CRC is right: this is no crash.
    rest.remove_prefix(kFrameOverhead + payload->size());
    if (!merge && rest.empty()) return frame;
    if (!merge) {
      merge.emplace(*std::move(frame));
    } else {
      merge->Apply(*std::move(frame));
    }
  }
  if (!merge) return Damaged();
  return merge->Finish();
}

Status SaveExactCheckpoint(FileSystem& files, const std::string& root, const ExactCheckpoint& checkpoint) {
  if (Status s = CreateDirectoriesDurably(files, root + "/orbitmq"); !s.ok()) return s;
  return WriteFileAtomically(files, ExactPath(root), checkpoint.Encode());
}

Status DropExactCheckpoint(FileSystem& files, const std::string& root) {
  bool removed = false;
  for (const std::string& path : {ExactPath(root), ExactPath(root) + ".bak"}) {
    if (!files.Exists(path)) continue;
    if (Status s = files.Remove(path); !s.ok()) return s;
    removed = true;
  }
  return removed ? files.SyncDirectory(root + "/orbitmq") : Status();
}

bool ExactCheckpointFile::wants_whole() const {
  return file_ == nullptr || bytes_ - whole_bytes_ > std::max(whole_bytes_, kLaterBytesMin);
}

Status ExactCheckpointFile::SaveWhole(const ExactCheckpoint& checkpoint) {
  file_.reset();
  if (Status s = SaveExactCheckpoint(files_, root_, checkpoint); !s.ok()) return s;
  auto file = files_.Open(ExactPath(root_), OpenMode::kReadWrite);
  if (!file.ok()) return {};  // It is saved; the next will be a whole one again.
  auto size = (*file)->Size();
  if (!size.ok()) return {};
  whole_bytes_ = bytes_ = *size;
  file_ = *std::move(file);
  return {};
}

Status ExactCheckpointFile::Append(const ExactCheckpoint& changes) {
  const std::string frame = changes.EncodeFrame();
  const std::string_view pieces[] = {frame};
  Status s = file_->WriteAt(bytes_, pieces);
  if (s.ok()) s = file_->Sync();
  if (!s.ok()) {
    Spoil();
    return s.Annotate(ExactPath(root_));
  }
  bytes_ += frame.size();
  return {};
}

Result<ExactCheckpoint> LoadExactCheckpoint(FileSystem& files, Logger& log, const std::string& root) {
  ExactCheckpoint out;
  const ReplacedFile file{
      .path = ExactPath(root), .bytes_max = kExactBytesMax, .damaged = DamagedFile::kLeave};
  const auto version = LoadReplacedFile(files, log, file, [&out](std::string_view bytes) -> Status {
    auto decoded = ExactCheckpoint::Decode(bytes);
    if (!decoded.ok()) return decoded.status();
    out = *std::move(decoded);
    return {};
  });
  if (!version.ok()) return version.status();
  if (*version == FileVersion::kNone) return Status(StatusCode::kNotFound, "there is no checkpoint of ours");
  return out;
}

}  // namespace orbitmq::store

// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint.h"

#include <algorithm>

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
constexpr uint8_t kVersion = 1;
constexpr uint64_t kExactBytesMax = uint64_t{256} << 20;

std::string ApachePath(const std::string& root) { return root + "/checkpoint"; }
std::string ExactPath(const std::string& root) { return root + "/orbitmq/checkpoint"; }

void WriteText(ByteWriter& writer, std::string_view text) {
  writer.Write<uint16_t>(static_cast<uint16_t>(text.size()));
  writer.WriteBytes(text);
}

std::string_view ReadText(ByteReader& reader) { return reader.ReadBytes(reader.Read<uint16_t>()); }

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

std::string ExactCheckpoint::Encode() const {
  std::string out(kMagic);
  ByteWriter writer(out);
  writer.Write<uint8_t>(kVersion);
  writer.Write<int64_t>(log_min.value);
  writer.Write<int64_t>(dispatched.value);
  writer.Write<int64_t>(last_record.value);
  writer.Write<int64_t>(last_store_time_ms);
  writer.Write<uint32_t>(apache_crcs[0]);
  writer.Write<uint32_t>(apache_crcs[1]);
  WriteText(writer, index.file);
  writer.WriteBytes(index.header.Encode());
  writer.Write<uint32_t>(static_cast<uint32_t>(queues.size()));
  for (const QueueEnds& ends : queues) {
    WriteText(writer, ends.queue.topic);
    writer.Write<int32_t>(ends.queue.queue_id);
    writer.Write<int64_t>(ends.min.value);
    writer.Write<int64_t>(ends.max.value);
    writer.Write<int64_t>(ends.end_log_offset.value);
  }
  writer.Write<uint32_t>(Crc32(out));
  return out;
}

Result<ExactCheckpoint> ExactCheckpoint::Decode(std::string_view bytes) {
  const Status corrupt(StatusCode::kCorrupt, "the checkpoint is damaged");
  if (bytes.size() < kMagic.size() + 1 + 4 || !bytes.starts_with(kMagic)) return corrupt;
  const auto version = static_cast<uint8_t>(bytes[kMagic.size()]);
  if (version > kVersion) {
    return Status(
        StatusCode::kNotSupported,
        StrCat("the store was written by a newer version (checkpoint format ", static_cast<int>(version),
               ", this program knows ", static_cast<int>(kVersion), "); use that version"));
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - 4);
  if (LoadBig<uint32_t>(bytes.data() + covered.size()) != Crc32(covered)) return corrupt;
  ByteReader reader(covered.substr(kMagic.size() + 1));
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
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    QueueEnds ends;
    ends.queue.topic = ReadText(reader);
    ends.queue.queue_id = reader.Read<int32_t>();
    ends.min = {reader.Read<int64_t>()};
    ends.max = {reader.Read<int64_t>()};
    ends.end_log_offset = {reader.Read<int64_t>()};
    if (ends.min.value < 0 || ends.max < ends.min) return corrupt;
    out.queues.push_back(std::move(ends));
  }
  if (!reader.ok() || reader.remaining() != 0) return corrupt;
  return out;
}

Status SaveExactCheckpoint(FileSystem& files, const std::string& root, const ExactCheckpoint& checkpoint) {
  if (Status s = files.CreateDirectories(root + "/orbitmq"); !s.ok()) return s;
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

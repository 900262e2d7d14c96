// SPDX-License-Identifier: Apache-2.0
#include "store/deleted_topics.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/replaced_file.h"
#include "common/strings.h"

namespace orbitmq::store {
namespace {

constexpr std::string_view kMagic = "OMQDELT";
constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 8;
constexpr size_t kCrcBytes = 4;
constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;

std::string PathIn(const std::string& root) { return root + "/orbitmq/deleted_topics"; }

}  // namespace

Result<DeletedTopics> DeletedTopics::Load(FileSystem& files, Logger& log, const std::string& root) {
  DeletedTopics out;
  const ReplacedFile file{
      .path = PathIn(root), .bytes_max = kFileBytesMax, .damaged = DamagedFile::kLeave};
  const auto version = LoadReplacedFile(files, log, file, [&out](std::string_view bytes) -> Status {
    auto decoded = Decode(bytes);
    if (!decoded.ok()) return decoded.status();
    out = *std::move(decoded);
    return {};
  });
  if (version.ok()) return out;
  if (version.status().code() != StatusCode::kCorrupt) return version.status();
  log.Error("which topics were deleted is not known: messages of theirs may come back; delete them again",
            {{"why", version.status().ToString()}});
  return DeletedTopics();
}

bool DeletedTopics::Covers(const MessageView& record) const {
  if (record.log_offset >= highest_) return false;
  const auto it = topics_.find(record.topic);
  return it != topics_.end() && record.log_offset < it->second.below &&
         record.store_time <= it->second.not_after;
}

std::vector<std::string> DeletedTopics::Topics() const {
  std::vector<std::string> names;
  names.reserve(topics_.size());
  for (const auto& [topic, deletion] : topics_) names.push_back(topic);
  return names;
}

LogOffset DeletedTopics::Below(std::string_view topic) const {
  const auto it = topics_.find(topic);
  return it == topics_.end() ? LogOffset{0} : it->second.below;
}

Status DeletedTopics::Add(FileSystem& files, const std::string& root, const std::string& topic,
                          const Deletion& deletion, LogOffset log_min) {
  DeletedTopics next = *this;
  std::erase_if(next.topics_, [&](const auto& entry) { return entry.second.below <= log_min; });
  next.topics_[topic] = deletion;
  next.Raise();
  if (Status s = next.Save(files, root); !s.ok()) return s;
  *this = std::move(next);
  return {};
}

Status DeletedTopics::Clip(FileSystem& files, const std::string& root, LogOffset min, LogOffset end) {
  DeletedTopics next = *this;
  for (auto& [topic, deletion] : next.topics_) deletion.below = std::min(deletion.below, end);
  std::erase_if(next.topics_, [&](const auto& entry) { return entry.second.below <= min; });
  if (next == *this) return {};
  next.Raise();
  if (Status s = next.Save(files, root); !s.ok()) return s;
  *this = std::move(next);
  return {};
}

void DeletedTopics::Raise() {
  highest_ = {0};
  for (const auto& [topic, deletion] : topics_) highest_ = std::max(highest_, deletion.below);
}

Status DeletedTopics::Save(FileSystem& files, const std::string& root) const {
  const std::string directory = root + "/orbitmq";
  if (!files.Exists(directory)) {
    if (Status s = CreateDirectoriesDurably(files, directory); !s.ok()) return s;
  }
  return WriteFileAtomically(files, PathIn(root), Encode());
}

std::string DeletedTopics::Encode() const {
  std::string out(kMagic);
  ByteWriter writer(out);
  writer.Write<uint8_t>(kVersion);
  writer.Write<uint32_t>(static_cast<uint32_t>(topics_.size()));
  for (const auto& [topic, deletion] : topics_) {
    writer.Write<uint16_t>(static_cast<uint16_t>(topic.size()));
    writer.WriteBytes(topic);
    writer.Write<int64_t>(deletion.below.value);
    writer.Write<int64_t>(ToEpochMillis(deletion.not_after));
  }
  writer.Write<uint32_t>(Crc32(out));
  return out;
}

Result<DeletedTopics> DeletedTopics::Decode(std::string_view bytes) {
  const Status corrupt(StatusCode::kCorrupt, "it is damaged");
  if (bytes.size() < kHeadBytes + kCrcBytes || !bytes.starts_with(kMagic)) return corrupt;
  const auto version = static_cast<uint8_t>(bytes[kMagic.size()]);
  if (version > kVersion) {
    return Status(StatusCode::kNotSupported,
                  StrCat("written by a newer version (format ", static_cast<int>(version),
                         ", this program knows ", static_cast<int>(kVersion), "); use that version"));
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - kCrcBytes);
  if (LoadBig<uint32_t>(bytes.data() + covered.size()) != Crc32(covered)) return corrupt;
  ByteReader reader(covered.substr(kHeadBytes));
  DeletedTopics out;
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    std::string topic(reader.ReadBytes(reader.Read<uint16_t>()));
    const LogOffset below{reader.Read<int64_t>()};
    const int64_t not_after_ms = reader.Read<int64_t>();
    if (topic.empty() || below.value < 0) return corrupt;
    out.topics_[std::move(topic)] = {below, FromEpochMillis(not_after_ms)};
  }
  if (!reader.ok() || reader.remaining() != 0) return corrupt;
  out.Raise();
  return out;
}

}  // namespace orbitmq::store

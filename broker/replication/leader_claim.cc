// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/leader_claim.h"

#include <algorithm>
#include <utility>

#include "common/crc32.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

constexpr std::string_view kMagic = "OMQLEAD";
constexpr std::string_view kVersion = "1";

}  // namespace

LeaderClaim::LeaderClaim(Parts parts)
    : parts_(std::move(parts)), file_(parts_.env, parts_.disk, parts_.path, [this] { return Render(); }) {}

Result<std::unique_ptr<LeaderClaim>> LeaderClaim::Load(Parts parts) {
  auto claim = std::make_unique<LeaderClaim>(std::move(parts));
  const Status read = PersistedFile::Load(claim->parts_.env, claim->parts_.path,
                                          [&claim](std::string_view text) { return claim->Read(text); });
  if (read.ok()) return claim;
  if (read.code() != StatusCode::kCorrupt) return read;
  claim->parts_.env.log().Error(
      "since when this broker leads is not known; it gives way to any other master of its name",
      {{"why", read.ToString()}});
  return claim;
}

Status LeaderClaim::Read(std::string_view text) {
  const size_t crc_at = text.rfind(' ');
  const std::vector<std::string_view> words = Split(Trim(text), ' ');
  if (crc_at == text.npos || words.size() != 5 || words[0] != kMagic || words[1] != kVersion) {
    return {StatusCode::kCorrupt, "no claim of version 1"};
  }
  const auto since = ParseInt<int64_t>(words[2]);
  const auto heard = ParseInt<int64_t>(words[3]);
  const auto crc = ParseInt<uint32_t>(words[4]);
  if (!since || !heard || !crc || *since < 0 || *heard < 0 || *crc != Crc32(text.substr(0, crc_at))) {
    return {StatusCode::kCorrupt, "the claim is damaged"};
  }
  const MutexLock lock(mutex_);
  since_ms_ = *since;
  heard_ms_ = *heard;
  kept_ = since_ms_ != 0;
  return {};
}

std::string LeaderClaim::Render() const {
  std::string line;
  {
    const MutexLock lock(mutex_);
    line = StrCat(kMagic, " ", kVersion, " ", since_ms_, " ", heard_ms_);
  }
  return StrCat(line, " ", Crc32(line), "\n");
}

int64_t LeaderClaim::since_ms() const {
  const MutexLock lock(mutex_);
  return since_ms_;
}

void LeaderClaim::Begin() {
  {
    const MutexLock lock(mutex_);
    if (since_ms_ != 0) return;
    since_ms_ = std::max(ToEpochMillis(parts_.env.clock().Wall()), heard_ms_ + 1);
  }
  file_.Save();
}

void LeaderClaim::End() {
  {
    const MutexLock lock(mutex_);
    if (since_ms_ == 0) return;
    heard_ms_ = std::max(heard_ms_, since_ms_);  // The next one of its own is later, too.
    since_ms_ = 0;
    kept_ = false;
  }
  file_.Save();
}

void LeaderClaim::RenewKept() {
  {
    const MutexLock lock(mutex_);
    if (!kept_) return;
  }
  End();
  Begin();
}

void LeaderClaim::Heard(int64_t since_ms) {
  {
    const MutexLock lock(mutex_);
    if (since_ms <= heard_ms_) return;
    heard_ms_ = since_ms;
  }
  file_.Save();
}

}  // namespace orbitmq::broker

// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/ha_pieces.h"

#include <algorithm>

#include "common/message_codec.h"

namespace orbitmq::broker {
namespace {

constexpr size_t kPeekBytes = 8;

bool IsRecord(const Result<RecordPeek>& peek) {
  if (!peek.ok() || peek->total_bytes < static_cast<int32_t>(kPeekBytes)) return false;
  switch (static_cast<RecordMagic>(peek->magic)) {
    case RecordMagic::kV1:
    case RecordMagic::kV2:
    case RecordMagic::kBlank:
      return true;
  }
  return false;
}

}  // namespace

size_t HaPieces::Read(LogOffset at, LogOffset end, size_t batch) const {
  const auto left = static_cast<size_t>(std::max<int64_t>(0, end - at));
  if (record_end_ <= at) return std::min(left, batch);
  const auto rest = std::min(left, static_cast<size_t>(record_end_ - at));
  return rest <= kWholeRecordBytesMax ? rest : std::min(rest, batch);
}

size_t HaPieces::Ship(LogOffset at, LogOffset end, size_t asked, std::string_view bytes) {
  const bool ends_a_record =
      bytes.size() < asked || at + static_cast<int64_t>(bytes.size()) == end || at < record_end_;
  if (ends_a_record) return bytes.size();
  size_t whole = 0;
  while (bytes.size() - whole >= kPeekBytes) {
    const auto peek = PeekRecord(bytes.substr(whole));
    if (!IsRecord(peek)) return bytes.size();
    const auto record = static_cast<size_t>(peek->total_bytes);
    if (record > bytes.size() - whole) {
      if (whole == 0) {
        record_end_ = at + static_cast<int64_t>(record);
        return record <= kWholeRecordBytesMax ? 0 : bytes.size();
      }
      break;
    }
    whole += record;
  }
  return whole;
}

}  // namespace orbitmq::broker

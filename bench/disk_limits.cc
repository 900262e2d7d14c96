// SPDX-License-Identifier: Apache-2.0
#include "bench/disk_limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace orbitmq::bench {
namespace {

constexpr int64_t kPiece = int64_t{1} << 20;

Status Prepare(File& file, Prepared prepared, int64_t bytes) {
  if (Status s = file.Truncate(static_cast<uint64_t>(bytes)); !s.ok()) return s;
  if (prepared == Prepared::kAllocated) {
    if (Status s = file.Allocate(static_cast<uint64_t>(bytes)); !s.ok()) return s;
  }
  if (prepared == Prepared::kZeroed) {
    const std::string zeros(static_cast<size_t>(kPiece), '\0');
    for (int64_t at = 0; at < bytes; at += kPiece) {
      const std::string_view piece =
          std::string_view(zeros).substr(0, static_cast<size_t>(std::min(kPiece, bytes - at)));
      if (Status s = file.WriteAt(static_cast<uint64_t>(at), {&piece, 1}); !s.ok()) return s;
    }
  }
  return file.Sync();
}

}  // namespace

const char* NameOf(Prepared prepared) {
  switch (prepared) {
    case Prepared::kSparse:
      return "sparse";
    case Prepared::kAllocated:
      return "allocated";
    case Prepared::kZeroed:
      return "zeroed";
  }
  return "";
}

void SyncCost::Merge(const SyncCost& other) {
  write_us.Merge(other.write_us);
  sync_us.Merge(other.sync_us);
  rounds += other.rounds;
  both_us += other.both_us;
}

double DiskLimits::Micros(MonoTime since) const {
  return std::chrono::duration<double, std::micro>(clock_.Monotonic() - since).count();
}

Result<SyncCost> DiskLimits::MeasureSync(Prepared prepared, int64_t bytes, int rounds) {
  const std::string path = directory_ + "/limit";
  auto file = files_.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status s = Prepare(**file, prepared, bytes * rounds); !s.ok()) return s;
  if (Status s = files_.SyncDirectory(directory_); !s.ok()) return s;
  const std::string record(static_cast<size_t>(bytes), 'r');
  const std::string_view piece(record);
  SyncCost cost;
  for (; cost.rounds < rounds; ++cost.rounds) {
    const MonoTime begin = clock_.Monotonic();
    if (Status s = (*file)->WriteAt(static_cast<uint64_t>(cost.rounds * bytes), {&piece, 1}); !s.ok())
      return s;
    const MonoTime written = clock_.Monotonic();
    cost.write_us.Add((written - begin).count());
    if (Status s = (*file)->Sync(); !s.ok()) return s;
    cost.sync_us.Add((clock_.Monotonic() - written).count());
    cost.both_us += Micros(begin);
  }
  file->reset();
  if (Status s = files_.Remove(path); !s.ok()) return s;
  return cost;
}

Result<double> DiskLimits::SequentialWrite(int64_t bytes) {
  const std::string path = directory_ + "/limit";
  auto file = files_.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status s = (*file)->Truncate(static_cast<uint64_t>(bytes)); !s.ok()) return s;
  const std::string block(static_cast<size_t>(kPiece), 'r');
  const std::string_view piece(block);
  const MonoTime begin = clock_.Monotonic();
  for (int64_t at = 0; at + kPiece <= bytes; at += kPiece) {
    if (Status s = (*file)->WriteAt(static_cast<uint64_t>(at), {&piece, 1}); !s.ok()) return s;
  }
  if (Status s = (*file)->Sync(); !s.ok()) return s;
  const double micros = Micros(begin);
  file->reset();
  if (Status s = files_.Remove(path); !s.ok()) return s;
  return static_cast<double>(bytes) / micros;
}

double DiskLimits::MemoryCopy(int64_t bytes) {
  constexpr size_t kBuffer = size_t{64} << 20;
  const std::string from(kBuffer, 'f');
  std::string to(kBuffer, 't');
  const MonoTime begin = clock_.Monotonic();
  int64_t copied = 0;
  for (; copied < bytes; copied += static_cast<int64_t>(kBuffer)) {
    std::memcpy(to.data(), from.data(), kBuffer);
    to[static_cast<size_t>(copied / static_cast<int64_t>(kBuffer)) % kBuffer] = 'x';
  }
  return static_cast<double>(copied) / Micros(begin);
}

}  // namespace orbitmq::bench

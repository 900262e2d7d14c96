// SPDX-License-Identifier: Apache-2.0
#include "test/sim/file_damage.h"

#include <algorithm>

#include "common/check.h"

namespace orbitmq::sim {
namespace {
constexpr uint64_t kFileBytesMax = uint64_t{1} << 20;
constexpr uint64_t kPageBytes = 4096;
}  // namespace

FileDamage DamageFile(FileSystem& files, const std::string& path, Random& random) {
  FileDamage damage;
  auto content = ReadWholeFile(files, path, kFileBytesMax);
  ORBITMQ_CHECK(content.ok(), "a file to be damaged cannot be read");
  // Mostly where there is something.
  uint64_t used = content->find_last_not_of('\0') + 1;
  if (used == 0 || random.Chance(1, 8)) used = content->size();
  const uint64_t at = used == 0 ? 0 : random.Below(used);
  std::string spoilt = *content;
  switch (used == 0 ? 4 : random.Below(6)) {
    case 0:
    case 1:
      damage.what = "one bit flipped";
      damage.begin = at;
      damage.end = at + 1;
      spoilt[at] = static_cast<char>(spoilt[at] ^ (1 << random.Below(8)));
      break;
    case 2:
      damage.what = "some bytes overwritten";
      damage.begin = at;
      damage.end = std::min<uint64_t>(at + 1 + random.Below(16), spoilt.size());
      for (uint64_t i = at; i < damage.end; ++i) spoilt[i] = static_cast<char>(random.Below(256));
      break;
    case 3:
      damage.what = "a page zeroed";
      damage.begin = at / kPageBytes * kPageBytes;
      damage.end = std::min<uint64_t>(damage.begin + kPageBytes, spoilt.size());
      std::fill(spoilt.begin() + static_cast<std::ptrdiff_t>(damage.begin),
                spoilt.begin() + static_cast<std::ptrdiff_t>(damage.end), '\0');
      break;
    case 4:
      damage.what = "removed";
      damage.end = UINT64_MAX;
      break;
    default:
      damage.what = "cut short";
      damage.begin = at;
      damage.end = UINT64_MAX;
      spoilt.resize(at);
  }
  if (damage.what == "removed") {
    (void)files.Remove(path);
    return damage;
  }
  auto file = files.Open(path, OpenMode::kReadWrite);
  const std::string_view pieces[] = {spoilt};
  ORBITMQ_CHECK(file.ok() && (*file)->Truncate(0).ok() && (*file)->WriteAt(0, pieces).ok(),
                "a file cannot be damaged");
  return damage;
}

}  // namespace orbitmq::sim

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/strings.h"

namespace orbitmq::golden {

// Returns the bytes of a golden file, e.g. LoadGolden("frames/send_v2.request.bin"); README.md lists them.
// Ends the test program with a message when the file cannot be read: without it the test proves nothing.
// A test gets the folder by linking the target orbitmq_golden (DEPS golden).
inline std::string LoadGolden(std::string_view name) {
  const std::string path = StrCat(ORBITMQ_GOLDEN_DIR "/", name);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    std::fprintf(stderr, "golden file %s cannot be opened; test/golden/capture.sh makes it\n", path.c_str());
    std::abort();
  }
  std::string bytes;
  char piece[4096];
  for (std::size_t size = 0; (size = std::fread(piece, 1, sizeof piece, file)) > 0;) {
    bytes.append(piece, size);
  }
  std::fclose(file);
  return bytes;
}

}  // namespace orbitmq::golden

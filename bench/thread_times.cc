// SPDX-License-Identifier: Apache-2.0
#include "bench/thread_times.h"

#include <dirent.h>

#include <cinttypes>
#include <cstdio>
#include <memory>

namespace orbitmq::bench {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

std::string FirstLine(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  char line[128] = "";
  if (file == nullptr || std::fgets(line, sizeof(line), file.get()) == nullptr) return {};
  std::string text(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

ThreadTimes ReadThreadTimes() {
  ThreadTimes times;
  const std::string root = "/proc/self/task/";
  const std::unique_ptr<DIR, CloseDirectory> tasks(opendir(root.c_str()));
  if (tasks == nullptr) return times;
  while (const dirent* task = readdir(tasks.get())) {
    if (task->d_name[0] == '.') continue;
    const std::string folder = root + task->d_name;
    int64_t nanos = 0;
    if (std::sscanf(FirstLine(folder + "/schedstat").c_str(), "%" SCNd64, &nanos) != 1) continue;
    times[FirstLine(folder + "/comm")] += nanos;
  }
  return times;
}

ThreadTimes Spent(const ThreadTimes& before, const ThreadTimes& after) {
  ThreadTimes spent;
  for (const auto& [name, nanos] : after) {
    const auto it = before.find(name);
    const int64_t more = nanos - (it == before.end() ? 0 : it->second);
    if (more > 0) spent[name] = more;
  }
  return spent;
}

int64_t Total(const ThreadTimes& times) {
  int64_t total = 0;
  for (const auto& [name, nanos] : times) total += nanos;
  return total;
}

}  // namespace orbitmq::bench

// SPDX-License-Identifier: Apache-2.0
#include "common/file_system.h"

#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr char kBackupSuffix[] = ".bak";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  auto file = files.Open(path, OpenMode::kReadOnly);
  if (!file) return file.status();
  const auto size = (*file)->Size();
  if (!size) return size.status();
  if (*size > bytes_max) {
    return Status(StatusCode::kResourceExhausted,
                  StrCat("file ", path, " has ", *size, " bytes; at most ", bytes_max, " are read"));
  }
  std::string content(static_cast<size_t>(*size), '\0');
  const auto got = (*file)->ReadAt(0, content);
  if (!got) return got.status();
  content.resize(*got);
  return content;
}

Result<std::string> ReadFileOrBackup(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  auto content = ReadWholeFile(files, path, bytes_max);
  if (content || content.status().code() != StatusCode::kNotFound) return content;
  auto backup = ReadWholeFile(files, path + kBackupSuffix, bytes_max);
  if (backup || backup.status().code() != StatusCode::kNotFound) return backup;
  return content;
}

Status CreateDirectoriesDurably(FileSystem& files, const std::string& directory) {
  std::vector<std::string> parents;  // The deepest first.
  for (std::string at = directory; at != "/" && at != "." && !files.Exists(at); at = DirectoryOf(at)) {
    parents.push_back(DirectoryOf(at));
  }
  if (Status status = files.CreateDirectories(directory); !status.ok()) return status;
  const bool stood = parents.empty();
  if (stood) parents.push_back(DirectoryOf(directory));
  for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent) {
    const Status synced = files.SyncDirectory(*parent);
    if (!synced.ok() && !stood) return synced;
  }
  return {};
}

Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view content) {
  const std::string temp = path + ".tmp";
  const std::string backup = path + kBackupSuffix;
  const std::string directory = DirectoryOf(path);
  {
    auto file = files.Open(temp, OpenMode::kCreate);
    if (!file) return file.status();
    // A longer one may be left over from a crash.
    if (Status status = (*file)->Truncate(0); !status.ok()) return status;
    if (Status status = (*file)->WriteAt(0, std::span(&content, 1)); !status.ok()) return status;
    if (Status status = (*file)->Sync(); !status.ok()) return status;
  }
  // Between the two renames only `path`.bak exists; readers fall back to it, as Apache's do.
  if (Status status = files.Rename(path, backup); status.ok()) {
    // Without this the second rename could reach the disk alone and the old version be gone.
    if (Status synced = files.SyncDirectory(directory); !synced.ok()) return synced;
  } else if (status.code() != StatusCode::kNotFound) {
    return status;
  }
  if (Status status = files.Rename(temp, path); !status.ok()) return status;
  return files.SyncDirectory(directory);
}

}  // namespace orbitmq

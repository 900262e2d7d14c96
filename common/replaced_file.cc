// SPDX-License-Identifier: Apache-2.0
#include "common/replaced_file.h"

#include "common/strings.h"

namespace orbitmq {
namespace {

// OK = taken; kNotFound = not there; kCorrupt = there and of no use.
Status TryVersion(FileSystem& files, const std::string& path, uint64_t bytes_max,
                  UniqueFunction<Status(std::string_view)>& take) {
  const auto content = ReadWholeFile(files, path, bytes_max);
  if (!content.ok()) return content.status();
  if (content->empty()) return {StatusCode::kCorrupt, "it is empty"};
  return take(*content);
}

bool TriesTheOther(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kCorrupt;
}

void SetAside(FileSystem& files, Logger& log, const std::string& path) {
  const std::string aside = path + ".damaged";
  if (Status s = files.Rename(path, aside); !s.ok()) {
    log.Warn("a damaged file stays in its place", {{"file", path}, {"why", s.ToString()}});
    return;
  }
  log.Warn("a damaged file was set aside", {{"file", path}, {"as", aside}});
}

}  // namespace

Result<FileVersion> LoadReplacedFile(FileSystem& files, Logger& log, const ReplacedFile& file,
                                     UniqueFunction<Status(std::string_view)> take) {
  const std::string backup = file.path + ".bak";
  const Status current = TryVersion(files, file.path, file.bytes_max, take);
  if (current.ok()) {
    log.Info("file read", {{"file", file.path}, {"version", "current"}});
    return FileVersion::kCurrent;
  }
  if (!TriesTheOther(current)) return current.Annotate(file.path);
  const bool damaged = current.code() == StatusCode::kCorrupt;
  if (damaged) log.Error("a file is damaged", {{"file", file.path}, {"why", current.ToString()}});
  const Status previous = TryVersion(files, backup, file.bytes_max, take);
  if (previous.ok()) {
    log.Warn("file read from the version before; what changed since is lost",
             {{"file", backup}, {"version", "previous"}, {"because", damaged ? "damaged" : "missing"}});
    if (damaged && file.damaged == DamagedFile::kSetAside) SetAside(files, log, file.path);
    return FileVersion::kPrevious;
  }
  if (!TriesTheOther(previous)) return previous.Annotate(backup);
  if (!damaged && previous.code() == StatusCode::kNotFound) {
    log.Info("file not there yet; starting without", {{"file", file.path}, {"version", "none"}});
    return FileVersion::kNone;
  }
  const auto said = [](const Status& status) {
    return status.code() == StatusCode::kNotFound ? std::string("missing") : std::string(status.text());
  };
  return Status(StatusCode::kCorrupt,
                StrCat(file.path, " cannot be used (", said(current), "), nor can ", backup, " (",
                       said(previous), "); put a good copy in the place of the first, or move both away to ",
                       "start without what they held"));
}

}  // namespace orbitmq

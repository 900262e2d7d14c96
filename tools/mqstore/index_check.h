// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "store/index_file.h"
#include "tools/mqstore/findings.h"
#include "tools/mqstore/store_directory.h"

namespace orbitmq::tools {

// Compares the index files with the log: both have the order of arrival, so one walk over each suffices.
// Threads: one.
class IndexCheck final {
 public:
  IndexCheck(StoreDirectory& store, Findings& findings) : store_(store), findings_(findings) {}

  Status Load();
  void Look(const MessageView& record);
  void Finish(LogOffset log_end);
  int64_t entries_checked() const { return checked_; }

 private:
  struct Entry {
    int32_t hash = 0;
    LogOffset log_offset;
    int32_t previous = 0;
    int32_t number = 0;
    std::string file;
  };
  struct IndexPlace {
    std::string path;
    store::IndexHeader header;
  };
  // The entry at the front; false when there is none left.
  bool Peek();
  void Take() { buffered_at_ += 1; }
  bool Refill();
  void CheckSlots(const IndexPlace& file);
  void Wrong(std::string_view kind, const Entry& entry, std::string what);

  StoreDirectory& store_;
  Findings& findings_;
  std::vector<IndexPlace> index_files_;
  size_t file_ = 0;
  int32_t next_number_ = 1;
  std::vector<Entry> buffered_;
  size_t buffered_at_ = 0;
  int64_t checked_ = 0;
  int64_t missing_ = 0;
  LogOffset first_missing_;
  LogOffset newest_indexed_{-1};
  LogOffset newest_missing_{-1};
};

}  // namespace orbitmq::tools

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "test/sim/file_damage.h"
#include "test/store/store_story.h"

namespace orbitmq::store {

// Stores of known content with one file damaged: a bit flipped, a few bytes overwritten, a page zeroed, the
// end cut off, the file gone. Whatever was hit:
//
//  1. The store opens, or refuses and names a file and the reason.
//  2. No reader is given a record whose body is not what was sent, and says so by a right CRC.
//  3. Every record whose own bytes, queue unit and index entries were spared is still delivered by every way,
//     unless the log ends before it now; then the log file says so, loudly, and recovery reports the bytes.
//  4. What opened takes new messages.
class BitRot final {
 public:
  explicit BitRot(uint64_t seed);
  // One damage, drawn from its number. Empty when all is well.
  std::vector<std::string> Try(uint64_t number);

  struct Tally {
    uint64_t tried = 0;
    uint64_t refused = 0;
    uint64_t cut = 0;          // Opened with less log, and said so.
    uint64_t undelivered = 0;  // Records that some way of reading does not give any more.
  };
  const std::map<std::string, Tally>& tally() const { return tally_; }

 private:
  struct Damage : sim::FileDamage {
    std::string path;
    std::string kind;     // Of the file.
    LogOffset last_byte;  // What is left of the log ends here, zeros aside.
  };
  Damage Spoil(StoreHarness& image, Random& random) const;
  void CheckOpened(StoreHarness& image, const Damage& damage, Tally& tally);
  void CheckQueues(StoreHarness& image, const Damage& damage, const std::set<int64_t>& readable,
                   Tally& tally);
  bool InLogDamage(const LogRecord& record, const Damage& damage) const;
  void Complain(std::string text) { complaints_.push_back(std::move(text)); }

  struct Original {
    std::unique_ptr<StoreHarness> host;  // Holds the disk.
    Journal journal;
    LogWalk walk;
    std::map<QueueKey, OffsetRange> queues;
    bool clean = false;
  };
  std::vector<Original> originals_;
  const Original* original_ = nullptr;
  std::map<std::string, Tally> tally_;
  std::vector<std::string> complaints_;
};

}  // namespace orbitmq::store

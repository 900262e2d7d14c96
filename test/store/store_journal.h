// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/store/store_fixture.h"

namespace orbitmq::store {

// The message with a number: everything but its queue follows from the number, so that whoever finds a
// record can tell whether it is the one that was sent.
TestMessage MessageOf(int64_t number, const QueueKey& queue);
// The number in a body that MessageOf made; -1 for any other.
int64_t NumberOf(std::string_view body);

enum class Outcome : uint8_t {
  kOpen,     // No answer (yet); for ever when the process died.
  kAcked,    // Answered with a receipt.
  kRefused,  // Answered: certainly not stored.
  kMaybe,    // Answered: stored or not.
};

struct Sent {
  int64_t first = 0;  // Number of its first record; the others follow.
  int32_t count = 1;  // Records of a batch; a batch is in the log wholly or, at a cut, with its first ones.
  QueueKey queue;
  bool in_queue = true;        // False for a prepared transaction record.
  bool promises_disk = false;  // An acknowledgement means that it is on the disk.
  Outcome outcome = Outcome::kOpen;
  Status why{};  // Of kRefused and kMaybe.
  AppendReceipt receipt{};
  int32_t kept = 1;  // Of its records, the first ones; the others a crash took, as it may, for ever.
};

struct Deletion {
  std::string topic;
  int64_t before = 0;    // Numbers below are older.
  Ending ending{};       // The store's answer; null once nothing can come.
  bool settled = false;  // The store said that it is done: no crash brings anything of the topic back.
  bool lapsed = false;   // A crash came first: it happened, or not, or for some queues, and stays so.
};

// What was asked of a store and what it answered, in the order of asking, which is the log's order: the
// plain model that stores are compared with. A value: copy it to compare an image of this moment.
class Journal final {
 public:
  // Sends one request of `count` records; several are a batch.
  struct Ask {
    QueueKey queue;
    int32_t count = 1;
    Durability durability = Durability::kStoreDefault;
    bool prepared = false;
  };
  void Send(StoreHarness& harness, const Ask& ask);
  // Takes in the answers that came since.
  void Collect();
  // Waits for every answer; false when one did not come in time (a hang).
  bool AwaitAll(StoreHarness& harness, Duration limit = std::chrono::seconds(20));
  Status DeleteTopic(StoreHarness& harness, const std::string& topic);
  // The process died: who has no answer gets none.
  void ProcessDied();
  // Raises what is known to be on the disk; to be called whenever something happened.
  void NoteFlushed(const StoreHarness& harness);

  std::vector<Sent>& sent() { return sent_; }
  const std::vector<Sent>& sent() const { return sent_; }
  std::vector<Deletion>& deletions() { return deletions_; }
  const std::vector<Deletion>& deletions() const { return deletions_; }
  // The request of a record; null for a number that was never sent.
  const Sent* Find(int64_t number) const;
  LogOffset flushed() const { return flushed_; }
  int64_t next_number() const { return next_number_; }
  size_t acked_records() const;

 private:
  std::vector<Sent> sent_;
  std::vector<Deletion> deletions_;
  std::map<size_t, Pending> open_;  // By index in sent_.
  LogOffset flushed_{0};
  int64_t next_number_ = 0;
};

}  // namespace orbitmq::store

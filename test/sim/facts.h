// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"

namespace orbitmq::sim {

// One queue of one broker.
struct Place {
  std::string broker;
  QueueKey queue;
  friend auto operator<=>(const Place&, const Place&) = default;
  std::string ToString() const;
};

// What the sender was told.
enum class Fate : uint8_t {
  kPending,
  kAcked,      // Stored, the broker says.
  kMaybe,      // A failure after which it can be stored, or a one-way send.
  kNotStored,  // A failure that promises that it is not stored.
};

struct SentMessage {
  uint32_t number = 0;  // Its index in Facts::messages.
  std::string topic;
  std::string tag;
  std::vector<std::string> keys;
  size_t body_bytes = 0;
  int32_t delay_level = 0;
  Fate fate = Fate::kPending;
  // When acknowledged; the queue is unknown (empty topic) for delayed messages, which wait elsewhere first.
  Place place;
  int64_t queue_offset = -1;
  int64_t log_offset = -1;
  std::string message_id;
  // Acknowledged by a broker without synchronous flush that lost power before it was on disk.
  bool excused = false;
};

// A consumer group of the workload.
struct GroupSpec {
  std::string name;
  // Topic to tags; no tags = everything.
  std::map<std::string, std::set<std::string>> subscriptions;
  int members = 1;
  int32_t reconsume_times_max = 3;
  // Of a thousand messages so many are given back now and then, and so many always.
  uint64_t later_per_mille = 0;
  uint64_t never_per_mille = 0;

  bool Wants(const SentMessage& message) const;
};

// The violations that checkers found; the first ones are kept as text.
class Findings final {
 public:
  void Add(std::string_view checker, std::string text);
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  const std::vector<std::string>& texts() const { return texts_; }
  // The checker that found the first one.
  const std::string& first_checker() const { return first_checker_; }

 private:
  uint64_t count_ = 0;
  std::vector<std::string> texts_;
  std::string first_checker_;
};

// What the simulation did and may hold the system to.
struct Facts {
  uint64_t seed = 0;
  std::vector<SentMessage> messages;
  std::vector<GroupSpec> groups;
  Findings findings;
};

// A body that is a function of seed, number and size, so that a receiver can tell which message it is and
// that every byte of it is right. `bytes` is at least kBodyBytesMin.
inline constexpr size_t kBodyBytesMin = 18;
std::string MakeBody(uint64_t seed, uint32_t number, size_t bytes);
// The number, when the body is one of MakeBody's, unchanged.
std::optional<uint32_t> ReadBody(uint64_t seed, std::string_view body);

// The same choice for the same message, group and purpose in every run.
uint64_t StableDraw(uint64_t seed, uint32_t number, std::string_view purpose);

}  // namespace orbitmq::sim

// SPDX-License-Identifier: Apache-2.0
#include "test/sim/checkers/delivery.h"

#include <algorithm>

#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr char kName[] = "delivery";

std::string Describe(const SentMessage& message) {
  return StrCat("message ", message.number, " of ", message.topic, " (", message.place.ToString(), " offset ",
                message.queue_offset, ", log ", message.log_offset, ", delay level ", message.delay_level,
                ")");
}

}  // namespace

DeliveryChecker::DeliveryChecker(Facts& facts) : facts_(facts), progress_(facts.groups.size()) {}

const SentMessage* DeliveryChecker::OnDelivered(size_t group, const ReceivedMessage& message) {
  const std::string& group_name = facts_.groups[group].name;
  const std::string where =
      StrCat(group_name, " got ", message.queue().broker_name, "/", message.queue().topic, "/",
             message.queue().queue_id, " offset ", message.queue_offset());
  const std::optional<uint32_t> number = ReadBody(facts_.seed, message.body());
  if (!number || *number >= facts_.messages.size()) {
    facts_.findings.Add(
        kName, StrCat(where, ": a body that nobody sent, or a damaged one: ", Printable(message.body(), 40)));
    return nullptr;
  }
  const SentMessage& sent = facts_.messages[*number];
  const std::string keys = Join(sent.keys, " ");
  if (message.topic() != sent.topic || message.tag() != sent.tag || message.keys() != keys) {
    facts_.findings.Add(kName, StrCat(where, ": message ", *number, " came with topic '", message.topic(),
                                      "', tag '", message.tag(), "', keys '", message.keys(), "'"));
  }
  if (sent.fate == Fate::kAcked && message.message_id() != sent.message_id) {
    facts_.findings.Add(kName, StrCat(where, ": message ", *number, " came with the id ",
                                      message.message_id(), ", the sender was told ", sent.message_id));
  }
  if (!facts_.groups[group].Wants(sent)) {
    facts_.findings.Add(kName, StrCat(where, ": message ", *number, " with tag '", sent.tag,
                                      "', to which the group did not subscribe"));
  }
  if (sent.fate == Fate::kNotStored) {
    facts_.findings.Add(kName,
                        StrCat(where, ": message ", *number, ", of which the sender was told: not stored"));
  }
  ++delivered_count_;
  auto& progress = progress_[group];
  if (progress.size() <= *number) progress.resize(facts_.messages.size());
  progress[*number] = std::max(progress[*number], Progress::kDelivered);
  return &sent;
}

void DeliveryChecker::OnVerdict(size_t group, uint32_t number, Verdict verdict) {
  auto& progress = progress_[group][number];
  if (verdict == Verdict::kSuccess) progress = Progress::kSucceeded;
  if (verdict == Verdict::kLaterForTheLastTime) progress = std::max(progress, Progress::kGivenUp);
}

DeliveryChecker::Progress DeliveryChecker::ProgressOf(size_t group, uint32_t number) const {
  return number < progress_[group].size() ? progress_[group][number] : Progress::kNothing;
}

size_t DeliveryChecker::Owed() const {
  size_t owed = 0;
  for (const SentMessage& sent : facts_.messages) {
    if (sent.fate != Fate::kAcked || sent.excused) continue;
    for (size_t group = 0; group < facts_.groups.size(); ++group) {
      if (!facts_.groups[group].Wants(sent)) continue;
      if (ProgressOf(group, sent.number) < Progress::kGivenUp) ++owed;
    }
  }
  return owed;
}

std::string DeliveryChecker::DescribeUnseen() const {
  for (const SentMessage& sent : facts_.messages) {
    if (sent.fate != Fate::kAcked || sent.excused) continue;
    for (size_t group = 0; group < facts_.groups.size(); ++group) {
      if (!facts_.groups[group].Wants(sent) || ProgressOf(group, sent.number) != Progress::kNothing) continue;
      return StrCat(Describe(sent), " to ", facts_.groups[group].name);
    }
  }
  return "";
}

std::string DeliveryChecker::DescribeOwed() const {
  for (const SentMessage& sent : facts_.messages) {
    if (sent.fate != Fate::kAcked || sent.excused) continue;
    for (size_t group = 0; group < facts_.groups.size(); ++group) {
      if (!facts_.groups[group].Wants(sent)) continue;
      const Progress progress = ProgressOf(group, sent.number);
      if (progress >= Progress::kGivenUp) continue;
      return StrCat(Owed(), " acknowledged deliveries are owed, the first: ", Describe(sent), " to ",
                    facts_.groups[group].name,
                    progress == Progress::kNothing ? ", never delivered" : ", given back and not seen again");
    }
  }
  return "nothing is owed";
}

void DeliveryChecker::AtEnd(const std::vector<StoreImage>& images) {
  std::map<std::string, std::set<uint32_t>> dead;  // By group.
  for (const StoreImage& image : images) {
    for (const ImageRecord& record : image.records) {
      if (!IsDlqTopic(record.queue.topic) || !record.number) continue;
      dead[std::string(GroupOfRetryOrDlqTopic(record.queue.topic))].insert(*record.number);
    }
  }
  if (Owed() > 0) facts_.findings.Add(kName, DescribeOwed());
  for (const SentMessage& sent : facts_.messages) {
    if (sent.fate != Fate::kAcked || sent.excused) continue;
    for (size_t group = 0; group < facts_.groups.size(); ++group) {
      if (!facts_.groups[group].Wants(sent) || ProgressOf(group, sent.number) != Progress::kGivenUp) continue;
      if (dead[facts_.groups[group].name].contains(sent.number)) continue;
      facts_.findings.Add(kName, StrCat(Describe(sent), " was given back by ", facts_.groups[group].name,
                                        " for the last time and is not in the dead letter queue"));
    }
  }
}

}  // namespace orbitmq::sim

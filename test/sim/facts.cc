// SPDX-License-Identifier: Apache-2.0
#include "test/sim/facts.h"

#include <cstdio>

#include "common/check.h"
#include "common/random.h"
#include "common/strings.h"

namespace orbitmq::sim {
namespace {

constexpr size_t kTextsMax = 12;

std::string BodyHead(uint32_t number, size_t bytes) {
  char head[kBodyBytesMin + 1];
  std::snprintf(head, sizeof(head), "m%08x/%06x/.", number, static_cast<unsigned>(bytes));
  return head;
}

}  // namespace

std::string Place::ToString() const { return StrCat(broker, "/", queue.topic, "/", queue.queue_id); }

bool GroupSpec::Wants(const SentMessage& message) const {
  const auto found = subscriptions.find(message.topic);
  if (found == subscriptions.end()) return false;
  return found->second.empty() || found->second.contains(message.tag);
}

void Findings::Add(std::string_view checker, std::string text) {
  if (count_++ == 0) first_checker_ = checker;
  if (texts_.size() < kTextsMax) texts_.push_back(StrCat(checker, ": ", text));
}

std::string MakeBody(uint64_t seed, uint32_t number, size_t bytes) {
  ORBITMQ_CHECK(bytes >= kBodyBytesMin, "a body has room for its head");
  std::string body = BodyHead(number, bytes);
  body.reserve(bytes);
  Random random(seed * 0x9E3779B97F4A7C15ULL + number);
  while (body.size() < bytes) {
    uint64_t bits = random.Next();
    for (int i = 0; i < 16 && body.size() < bytes; ++i, bits >>= 4) body += "0123456789abcdef"[bits & 15];
  }
  return body;
}

std::optional<uint32_t> ReadBody(uint64_t seed, std::string_view body) {
  unsigned number = 0;
  unsigned bytes = 0;
  const std::string head(body.substr(0, kBodyBytesMin));
  if (std::sscanf(head.c_str(), "m%08x/%06x/.", &number, &bytes) != 2 || bytes != body.size()) return {};
  if (bytes < kBodyBytesMin || MakeBody(seed, number, bytes) != body) return {};
  return number;
}

uint64_t StableDraw(uint64_t seed, uint32_t number, std::string_view purpose) {
  uint64_t mixed = seed * 1000003 + number;
  for (const char c : purpose) mixed = mixed * 131 + static_cast<unsigned char>(c);
  return Random(mixed).Next();
}

}  // namespace orbitmq::sim

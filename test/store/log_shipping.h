// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/message_codec.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {

// Hands everything that `to`, a follower, does not have of the log of `from` over, as a master's stream does.
inline void Ship(StoreHarness& from, StoreHarness& to) {
  ReplicatedLog& source = from.store().replication();
  for (;;) {
    const LogOffset begin = to.store().watermarks().appended;
    const auto bytes = source.ReadLog(begin, size_t{1} << 20);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    if (bytes->view().empty()) break;
    ReplicaChunk chunk{.begin = begin, .last_record = begin, .bytes = std::string(bytes->view())};
    for (size_t at = 0; at < chunk.bytes.size();) {
      const auto peek = PeekRecord(std::string_view(chunk.bytes).substr(at));
      ASSERT_TRUE(peek.ok()) << peek.status().ToString();
      chunk.last_record = begin + static_cast<int64_t>(at);
      at += static_cast<size_t>(peek->total_bytes);
    }
    std::optional<Result<LogOffset>> end;
    to.store().replication().AppendReplica(std::move(chunk), [&end](Result<LogOffset> got) { end = got; });
    to.scheduler().RunUntil(to.scheduler().now() + std::chrono::seconds(10),
                            [&end] { return end.has_value(); });
    ASSERT_TRUE(end && end->ok()) << (end ? end->status().ToString() : "no answer");
  }
  to.Settle();
}

// How a call of a ReplicatedLog ends that is given a Completion<Done>.
template <class Call>
Status EndOf(StoreHarness& harness, Call call) {
  std::optional<Status> ended;
  call(harness.store().replication(), [&ended](const Result<Done>& done) { ended = done.status(); });
  harness.scheduler().RunUntil(harness.scheduler().now() + std::chrono::seconds(20),
                               [&ended] { return ended.has_value(); });
  return ended.value_or(Status(StatusCode::kTimeout, "it did not end"));
}

inline Status ChangeRole(StoreHarness& harness, LogRole role) {
  return EndOf(harness, [role](ReplicatedLog& log, Completion<Done> done) {
    log.ChangeRole(role, std::move(done));
  });
}

inline Status DropTopic(StoreHarness& harness, const std::string& topic, LogOffset below) {
  return EndOf(harness, [&](ReplicatedLog& log, Completion<Done> done) {
    log.DropTopic(topic, below, std::move(done));
  });
}

}  // namespace orbitmq::store

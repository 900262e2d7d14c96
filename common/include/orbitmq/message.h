// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orbitmq {

// User-defined names and values that travel with a message. Neither may be empty or contain the bytes 0x01
// and 0x02; names that the protocol uses itself (KEYS, TAGS, DELAY, ...) are refused by the producer. All
// properties of a message together may take 32,767 bytes.
using Properties = std::map<std::string, std::string, std::less<>>;

// A message to send: a plain value. The producer checks it; what is wrong comes back as kInvalidArgument with
// the field's name and the allowed range.
struct Message {
  // 1..127 characters of [A-Za-z0-9_%|-]. Topics that the broker keeps for itself are refused.
  std::string topic;
  // 1 byte .. ProducerOptions::message_bytes_max (4 MiB). Any bytes.
  std::string body;
  // At most one tag; consumers may subscribe to a choice of tags. Empty = none.
  std::string tag;
  // Words by which the message can be found later (`mqadmin queryMsgByKey`); no spaces inside a key.
  std::vector<std::string> keys;
  Properties properties;
  // Carried unchanged; its meaning belongs to the application.
  int32_t flag = 0;
  // 0 = deliver at once; 1..18 = the broker's delay table ("1s 5s 10s 30s 1m 2m ... 2h").
  int32_t delay_level = 0;
  // False: under synchronous flush or replication the broker need not wait before it answers.
  bool wait_store_ok = true;

  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace orbitmq

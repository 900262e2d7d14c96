// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "orbitmq/producer.h"

namespace orbitmq::e2e {

struct JournalOptions {
  std::string topic;
  int64_t first = 0;  // The first number; the others follow.
  int window = 32;    // Sends under way at the same time.
  int rate = 0;       // New messages a second at most; 0 = as fast as it goes.
  std::string path;   // Of the journal.
};

// What message `number` consists of; journals.py knows it too.
std::string JournalBody(int64_t number);

// Sends numbered messages until standard input ends and all are acknowledged, and writes down what it does
// as it does it: "try N" before each try, then "acked N QUEUE OFFSET BROKER", or "failed N why" or, when it
// is stored but not as safely as asked for, "kept:STATUS N QUEUE OFFSET BROKER", after both of which it tries
// the same number again. The producer must make one request of one send (retries = 0), so that the journal
// knows every request. Prints "progress N" now and then.
int RunJournalSender(const JournalOptions& options, Producer& producer);

}  // namespace orbitmq::e2e

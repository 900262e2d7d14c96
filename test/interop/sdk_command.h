// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "orbitmq/client_options.h"

namespace orbitmq::interop {

// One line of input, "ID NAME KEY=VALUE ...", and the JSON lines that answer it.
// Threads: all methods from any thread.
class Command final {
 public:
  using Value = std::variant<int64_t, std::string>;
  struct Pair {
    std::string_view key;
    Value value;
  };

  explicit Command(const std::string& line);

  const std::string& id() const { return id_; }
  const std::string& name() const { return name_; }
  std::string Text(const std::string& key, const std::string& otherwise = "") const;
  int64_t Number(const std::string& key, int64_t otherwise) const;

  // Writes {"id":..,"event":event, pairs}.
  void Print(std::string_view event, std::initializer_list<Pair> pairs) const;
  void Fail(const std::string& text) const;

  void Stop();
  // True when it was stopped within the time.
  bool WaitStopped(std::chrono::milliseconds timeout);
  void End();
  void WaitEnded();

  // The options that both clients take from namesrv=, tls= and ca=; `role` makes the client id unique.
  ClientOptions Client(const std::string& role) const;

 private:
  std::string id_;
  std::string name_;
  std::map<std::string, std::string> values_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  bool ended_ = false;
};

// send namesrv= group= topic= prefix= [mode=sync|async|oneway|batch|compressed] [compression=ZLIB|LZ4|ZSTD]
// [count=] [tag=] [tls=on ca=]
void Send(Command& command);
// consume namesrv= group= topic= [expression=] [expect=] [timeout_ms=] [fail=on] [max_reconsume=] [tls=on
// ca=]
void Consume(Command& command);

}  // namespace orbitmq::interop

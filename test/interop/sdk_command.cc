// SPDX-License-Identifier: Apache-2.0
#include "test/interop/sdk_command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace orbitmq::interop {
namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

Command::Command(const std::string& line) {
  std::istringstream words(line);
  words >> id_ >> name_;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos) values_[word.substr(0, equals)] = word.substr(equals + 1);
  }
}

std::string Command::Text(const std::string& key, const std::string& otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : found->second;
}

int64_t Command::Number(const std::string& key, int64_t otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : std::strtoll(found->second.c_str(), nullptr, 10);
}

void Command::Print(std::string_view event, std::initializer_list<Pair> pairs) const {
  std::string line = "{\"id\":" + Quoted(id_) + ",\"event\":" + Quoted(event);
  for (const Pair& pair : pairs) {
    line += "," + Quoted(pair.key) + ":";
    const auto* number = std::get_if<int64_t>(&pair.value);
    line += number != nullptr ? std::to_string(*number) : Quoted(std::get<std::string>(pair.value));
  }
  line += "}\n";
  // One call per line: stdio locks the stream for each.
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

void Command::Fail(const std::string& text) const { Print("error", {{"text", text}}); }

void Command::Stop() {
  const std::lock_guard<std::mutex> guard(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool Command::WaitStopped(std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return stopped_; });
}

void Command::End() {
  const std::lock_guard<std::mutex> guard(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Command::WaitEnded() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return ended_; });
}

ClientOptions Command::Client(const std::string& role) const {
  ClientOptions options;
  options.namesrv_addr = Text("namesrv");
  options.instance_name = role + "-" + id_ + "-" + std::to_string(getpid());
  options.route_poll_interval = Millis(1000);
  options.offset_persist_interval = Millis(1000);
  options.tls.enabled = Text("tls") == "on";
  options.tls.trusted_ca_path = Text("ca");
  options.log_level = ClientLogLevel::kWarn;
  options.log = [](ClientLogLevel, std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  return options;
}

}  // namespace orbitmq::interop

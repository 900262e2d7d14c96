// SPDX-License-Identifier: Apache-2.0
// Our SDK behind the line protocol that java/src/Peer.java describes.
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "test/interop/sdk_command.h"

namespace orbitmq::interop {
namespace {

// Commands by id. One thread per command: the peer lives as long as a test run.
class Commands {
 public:
  void Begin(const std::string& line) {
    auto command = std::make_shared<Command>(line);
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      all_[command->id()] = command;
    }
    std::thread([this, command] { Run(*command); }).detach();
  }

 private:
  void Run(Command& command) {
    if (command.name() == "send") {
      Send(command);
    } else if (command.name() == "consume") {
      Consume(command);
    } else if (command.name() == "stop") {
      if (const std::shared_ptr<Command> other = Find(command.Text("of"))) {
        other->Stop();
        other->WaitEnded();
      }
      command.Print("done", {});
    } else {
      command.Fail("unknown command " + command.name());
    }
    command.End();
  }

  std::shared_ptr<Command> Find(const std::string& id) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : found->second;
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Command>> all_;
};

}  // namespace
}  // namespace orbitmq::interop

int main() {
  orbitmq::interop::Command("0 start").Print("ready", {});
  // Never destroyed: command threads may outlive main, which ends the process without waiting for them.
  auto* commands = new orbitmq::interop::Commands;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find(' ') != std::string::npos) commands->Begin(line);
  }
  std::fflush(stdout);
  std::_Exit(0);
}

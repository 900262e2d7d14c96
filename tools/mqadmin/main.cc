// SPDX-License-Identifier: Apache-2.0
// mqadmin: looks after NameServers, brokers, topics, groups and messages.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "common/log.h"
#include "remoting/real_env.h"
#include "tools/mqadmin/driver.h"

namespace orbitmq::tools {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::atomic<bool> stop_wanted{false};  // Set by a signal handler; lock-free.

// The second signal ends the program whatever it waits for.
bool Interrupted() {
  [[maybe_unused]] static const bool taken = [] {
    struct sigaction action = {};
    action.sa_handler = [](int) { stop_wanted = true; };
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    return sigaction(SIGINT, &action, nullptr) == 0 && sigaction(SIGTERM, &action, nullptr) == 0;
  }();
  return stop_wanted;
}

Surroundings ReadSurroundings() {
  Surroundings around;
  around.namesrv_addr = FromEnvironment("NAMESRV_ADDR");
  constexpr std::pair<std::string_view, const char*> kTls[] = {{"tls", "MQADMIN_TLS"},
                                                              {"tls-ca", "MQADMIN_TLS_CA"},
                                                              {"tls-cert", "MQADMIN_TLS_CERT"},
                                                              {"tls-key", "MQADMIN_TLS_KEY"},
                                                              {"tls-insecure", "MQADMIN_TLS_INSECURE"}};
  for (const auto& [setting, variable] : kTls) {
    if (std::string value = FromEnvironment(variable); !value.empty()) around.tls.emplace(setting, value);
  }
  around.tls_key_password = FromEnvironment("MQADMIN_TLS_KEY_PASSWORD");
  std::string config = FromEnvironment("XDG_CONFIG_HOME");
  const std::string home = FromEnvironment("HOME");
  if (config.empty() && !home.empty()) config = home + "/.config";
  if (!config.empty()) around.contexts_path = config + "/orbitmq/contexts";
  around.output_is_terminal = isatty(STDOUT_FILENO) == 1;
  around.input_is_terminal = isatty(STDIN_FILENO) == 1;
  around.errors_are_terminal = isatty(STDERR_FILENO) == 1;
  around.interrupted = Interrupted;
  around.colours_allowed = FromEnvironment("NO_COLOR").empty();
  return around;
}

}  // namespace
}  // namespace orbitmq::tools

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::unique_ptr<orbitmq::Env> env = orbitmq::net::NewRealEnv(orbitmq::NullLogger());
  orbitmq::tools::Driver driver({.env = *env,
                                 .surroundings = orbitmq::tools::ReadSurroundings(),
                                 .out = std::cout,
                                 .errors = std::cerr,
                                 .input = std::cin});
  const int code = driver.Run(words);
  std::cout.flush();
  return std::cout.fail() ? orbitmq::tools::kExitFailed : code;
}

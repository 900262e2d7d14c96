// SPDX-License-Identifier: Apache-2.0
// mqadmin: looks after NameServers, brokers, topics, groups and messages.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
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

constexpr int kEndSignals[] = {SIGINT, SIGTERM};
bool signals_taken = false;                                       // The main thread's.
std::array<struct sigaction, std::size(kEndSignals)> own_before;  // What they did before they were taken.

// The second signal ends the program whatever it waits for.
bool Interrupted() {
  if (!signals_taken) {
    signals_taken = true;
    struct sigaction action = {};
    action.sa_handler = [](int) { stop_wanted = true; };
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    for (size_t i = 0; i < own_before.size(); ++i) sigaction(kEndSignals[i], &action, &own_before[i]);
  }
  return stop_wanted;
}

bool ReleaseInterrupts() {
  if (signals_taken) {
    for (size_t i = 0; i < own_before.size(); ++i) sigaction(kEndSignals[i], &own_before[i], nullptr);
    signals_taken = false;
  }
  return stop_wanted;
}

bool InputReady(Millis wait) {
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  // What cannot be waited for is for the reader to find.
  return poll(&input, 1, static_cast<int>(wait.count())) != 0 && !stop_wanted;
}

size_t TerminalColumns() {
  winsize size = {};
  for (const int terminal : {STDOUT_FILENO, STDERR_FILENO}) {
    if (ioctl(terminal, TIOCGWINSZ, &size) == 0) return size.ws_col;
  }
  return 0;
}

// One that was closed would be the next file or socket that is opened: input would be read from it, and lines
// written to it. Opened the other way round, it refuses both, as a closed one does.
void OccupyClosedStreams() {
  struct Stream {
    int descriptor;
    std::FILE* file;
    const char* mode;
  };
  for (const Stream& one : {Stream{STDIN_FILENO, stdin, "w"}, Stream{STDOUT_FILENO, stdout, "r"},
                            Stream{STDERR_FILENO, stderr, "r"}}) {
    if (fcntl(one.descriptor, F_GETFD) == -1) (void)std::freopen("/dev/null", one.mode, one.file);
  }
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
  around.release_interrupts = ReleaseInterrupts;
  around.input_ready = InputReady;
  around.terminal_columns = TerminalColumns;
  around.colours_allowed = FromEnvironment("NO_COLOR").empty() && FromEnvironment("TERM") != "dumb";
  return around;
}

}  // namespace
}  // namespace orbitmq::tools

int main(int argc, char** argv) {
  orbitmq::tools::OccupyClosedStreams();
  std::ios::sync_with_stdio(false);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::unique_ptr<orbitmq::Env> env = orbitmq::net::NewRealEnv(orbitmq::NullLogger());
  orbitmq::tools::Driver driver({.env = *env,
                                 .surroundings = orbitmq::tools::ReadSurroundings(),
                                 .out = std::cout,
                                 .errors = std::cerr,
                                 .input = std::cin});
  return driver.Run(words);
}

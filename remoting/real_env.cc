// SPDX-License-Identifier: Apache-2.0
#include "remoting/real_env.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include "common/posix_file_system.h"
#include "remoting/event_loop.h"
#include "remoting/tcp_network.h"

namespace orbitmq::net {
namespace {

class SystemClock final : public Clock {
 public:
  MonoTime Monotonic() const override { return SteadyNow(); }
  WallTime Wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

// Sets ip and bridge_ips.
void FindAddresses(ProcessIdentity& identity) {
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) interfaces = nullptr;
  for (const ifaddrs* one = interfaces; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof(text));
    const std::string_view name = one->ifa_name;
    if (name.starts_with("docker") || name.starts_with("br-")) identity.bridge_ips.emplace_back(text);
    if ((one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) continue;
    if (identity.ip.empty()) identity.ip = text;
  }
  if (interfaces != nullptr) freeifaddrs(interfaces);
  if (identity.ip.empty()) identity.ip = "127.0.0.1";
}

ProcessIdentity Identify() {
  ProcessIdentity identity;
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) == 0) identity.host_name = name;
  if (identity.host_name.empty()) identity.host_name = "localhost";
  FindAddresses(identity);
  identity.pid = getpid();
  return identity;
}

class RealEnv final : public Env {
 public:
  explicit RealEnv(Logger& log) : log_(log) {}

  Clock& clock() override { return clock_; }
  Random NewRandom(std::string_view) override {
    uint64_t seed = 0;
    // Fails only before the kernel's pool is ready, at early boot; time and address still differ then.
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != static_cast<ssize_t>(sizeof(seed)))
      seed = static_cast<uint64_t>(SteadyNow().time_since_epoch().count()) + next_seed_.fetch_add(0x9E3779B9);
    return Random(seed);
  }
  FileSystem& files() override { return *files_; }
  Network& network() override { return *network_; }
  std::unique_ptr<Executor> NewExecutor(ExecutorOptions options) override {
    return std::make_unique<ThreadExecutor>(std::move(options));
  }
  Logger& log() override { return log_; }
  const ProcessIdentity& identity() const override { return identity_; }

 private:
  Logger& log_;
  const ProcessIdentity identity_ = Identify();
  SystemClock clock_;
  std::atomic<uint64_t> next_seed_{0};
  std::unique_ptr<FileSystem> files_ = NewPosixFileSystem();
  std::unique_ptr<Network> network_ = NewTcpNetwork();
};

}  // namespace

std::unique_ptr<Env> NewRealEnv(Logger& log) { return std::make_unique<RealEnv>(log); }

}  // namespace orbitmq::net

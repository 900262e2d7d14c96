// SPDX-License-Identifier: Apache-2.0
// mqnamesrv: the NameServer process.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gflags/gflags.h>

#include "common/process/file_logger.h"
#include "common/process/signals.h"
#include "common/strings.h"
#include "namesrv/namesrv.h"
#include "remoting/real_env.h"

DEFINE_string(c, "", "configuration file, Apache's namesrv.conf unchanged");
DEFINE_bool(h, false, "print this help, then exit");
DEFINE_bool(p, false, "print every option with its value, then exit");
DEFINE_string(set, "", "options that win over the file: key=value, several separated by commas");
DEFINE_string(log, "", "log file; empty: standard error");
DEFINE_string(log_level, "info", "debug, info, warn, error or off");
DEFINE_string(n, "", "accepted as Apache's mqnamesrv does; a name server asks no other");

namespace orbitmq::namesrv {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;
constexpr int kExitUsage = 2;
constexpr int kExitFailed = 1;

int Fail(int code, const Status& why) {
  std::fprintf(stderr, "mqnamesrv: %.*s\n", static_cast<int>(why.text().size()), why.text().data());
  return code;
}

// Default < file < command line.
Result<NamesrvOptions> ReadOptions(Env& env, Logger& log) {
  std::vector<ConfigEntry> entries;
  if (!FLAGS_c.empty()) {
    auto text = ReadWholeFile(env.files(), FLAGS_c, kConfigBytesMax);
    if (!text.ok()) return text.status().Annotate("-c " + FLAGS_c);
    auto parsed = ParseProperties(*text, FLAGS_c);
    if (!parsed.ok()) return parsed.status();
    entries = *std::move(parsed);
  }
  for (const std::string_view setting : Split(FLAGS_set, ',')) {
    if (setting.empty()) continue;
    auto entry = ParseSetting(setting, "--set");
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  NamesrvOptions options;
  if (const char* home = std::getenv("ROCKETMQ_HOME")) options.home = home;
  const ConfigReport report =
      ApplyConfig({NamesrvOptionTable().Bind(options), net::TlsServerOptionTable().Bind(options.tls)},
                  entries, ApplyMode::kStart);
  for (const std::string& warning : report.warnings) log.Warn(warning);
  for (const std::string& note : report.notes) log.Info(note);
  if (Status s = report.status(); !s.ok()) return s;
  return options;
}

// Serves until a signal says stop; a second one does not wait for pending replies.
int Run() {
  auto level = process::ParseLogLevel(FLAGS_log_level);
  if (!level.ok()) return Fail(kExitUsage, level.status());
  process::BlockSignals();
  auto log = process::FileLogger::Open({FLAGS_log, *level});
  if (!log.ok()) return Fail(kExitFailed, log.status());
  const std::unique_ptr<Env> env = net::NewRealEnv(**log);
  auto options = ReadOptions(*env, **log);
  if (!options.ok()) return Fail(kExitUsage, options.status());
  if (FLAGS_p) {
    std::fputs(RenderProperties(
                   {NamesrvOptionTable().Bind(*options), net::TlsServerOptionTable().Bind(options->tls)})
                   .c_str(),
               stdout);
    return 0;
  }
  auto namesrv = Namesrv::Start(*env, *std::move(options));
  if (!namesrv.ok()) return Fail(kExitFailed, namesrv.status());
  // Scripts wait for this line, which is Apache's.
  std::printf("The Name Server boot success. serializeType=JSON, address %s\n",
              (*namesrv)->local().ToString().c_str());
  std::fflush(stdout);

  for (;;) {
    const auto signal = process::WaitForSignal(std::chrono::hours(24));
    if (signal == process::Signal::kStop) break;
    if (signal != process::Signal::kReopenLogs) continue;
    if (Status s = (*log)->Reopen(); !s.ok()) (*log)->Error(s.text());
  }
  (*log)->Info("stopping on a signal");
  auto stopped = std::make_shared<std::atomic<bool>>(false);
  (*namesrv)->Shutdown([stopped](Result<Done>) { stopped->store(true); });
  const MonoTime deadline = env->clock().Monotonic() + std::chrono::seconds(5);
  while (!stopped->load() && env->clock().Monotonic() < deadline) {
    if (process::WaitForSignal(Millis(20)) == process::Signal::kStop) break;
  }
  return 0;
}

}  // namespace
}  // namespace orbitmq::namesrv

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "a NameServer: tells clients which brokers serve a topic\n\n  mqnamesrv [-c namesrv.conf] [-p] [--set "
      "key=value,...]");
  gflags::SetVersionString("OrbitMQ " ORBITMQ_VERSION);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (FLAGS_h) {
    gflags::ShowUsageWithFlagsRestrict(argv[0], "namesrv/main");
    return 0;
  }
  if (argc > 1) {
    std::fprintf(stderr, "mqnamesrv: unexpected argument '%s'; see mqnamesrv --help\n", argv[1]);
    return 2;
  }
  return orbitmq::namesrv::Run();
}

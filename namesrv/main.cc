// SPDX-License-Identifier: Apache-2.0
// mqnamesrv: the NameServer process.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gflags/gflags.h>

#include "common/posix_file_system.h"
#include "common/process/file_logger.h"
#include "common/process/flags.h"
#include "common/process/serving.h"
#include "common/process/signals.h"
#include "namesrv/namesrv.h"
#include "remoting/real_env.h"

DEFINE_string(c, "", "configuration file, Apache's namesrv.conf unchanged");
DEFINE_bool(h, false, "print this help, then exit");
DEFINE_bool(p, false, "print every option with its value, then exit");
DEFINE_string(set, "",
              "options that win over the file: key=value, several separated by commas, or --set again");
DEFINE_string(log, "", "log file; empty or -: standard error");
DEFINE_string(log_level, "info", "debug, info, warn, error or off");
DEFINE_string(n, "", "accepted as Apache's mqnamesrv does; a name server asks no other");

namespace orbitmq::namesrv {
namespace {

constexpr Duration kStopWithin = std::chrono::seconds(5);

int Fail(const Status& why) {
  std::fprintf(stderr, "mqnamesrv: %.*s\n", static_cast<int>(why.text().size()), why.text().data());
  return process::ExitCodeOf(why);
}

// Default < file < command line.
Result<NamesrvOptions> ReadOptions(Env& env, Logger& log) {
  auto entries = process::ReadConfigEntries(env.files(), FLAGS_c, FLAGS_set);
  if (!entries.ok()) return entries.status();
  NamesrvOptions options;
  if (const char* home = std::getenv("ROCKETMQ_HOME")) options.home = home;
  const ConfigReport report =
      ApplyConfig(BindNamesrvOptions(options), *entries, ApplyMode::kStart);
  for (const std::string& warning : report.warnings) log.Warn(warning);
  for (const std::string& note : report.notes) log.Info(note);
  if (Status s = report.status(); !s.ok()) return s;
  options.config_file = FLAGS_c;
  return options;
}

// Serves until a signal says stop; a second one does not wait for pending replies.
int Run() {
  process::BlockSignals();
  const auto files = NewPosixFileSystem();
  auto log = process::OpenLog(*files, FLAGS_log, FLAGS_log_level);
  if (!log.ok()) return Fail(log.status());
  const std::unique_ptr<Env> env = net::NewRealEnv(**log);
  auto options = ReadOptions(*env, **log);
  if (!options.ok()) return Fail(options.status());
  if (FLAGS_p) {
    std::fputs(RenderProperties(BindNamesrvOptions(*options)).c_str(), stdout);
    return 0;
  }
  auto namesrv = Namesrv::Start(*env, *std::move(options));
  if (!namesrv.ok()) return Fail(namesrv.status());
  // Scripts wait for this line, which is Apache's.
  std::printf("The Name Server boot success. serializeType=JSON, address %s\n",
              (*namesrv)->local().ToString().c_str());
  std::fflush(stdout);

  process::WaitForStop(**log);
  (*log)->Info("stopping on a signal");
  process::StopAndWait(*env, kStopWithin,
                       [&](Completion<Done> done) { (*namesrv)->Shutdown(std::move(done)); });
  return 0;
}

}  // namespace
}  // namespace orbitmq::namesrv

int main(int argc, char** argv) {
  constexpr std::string_view kLists[] = {"set"};
  // Apache's long names.
  constexpr orbitmq::process::FlagAlias kAliases[] = {
      {"configFile", "c", ""}, {"printConfigItem", "p", ""}, {"namesrvAddr", "n", ""}};
  const auto ended = orbitmq::process::ReadFlags(
      {.name = "mqnamesrv",
       .source = "namesrv/main",
       .description = "a NameServer: tells clients which brokers serve a topic\n\n"
                      "  mqnamesrv [-c namesrv.conf] [-p] [--set key=value,...]",
       .version = "OrbitMQ " ORBITMQ_VERSION,
       .lists = kLists,
       .aliases = kAliases},
      argc, argv);
  return ended ? *ended : orbitmq::namesrv::Run();
}

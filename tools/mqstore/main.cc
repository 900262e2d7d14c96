// SPDX-License-Identifier: Apache-2.0
// mqstore: looks at, checks and mends a message store while no broker runs on it.
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>

#include <gflags/gflags.h>

#include "common/log_sinks.h"
#include "common/posix_file_system.h"
#include "common/strings.h"
#include "remoting/protocol/json.h"
#include "remoting/real_env.h"
#include "tools/mqstore/dump.h"
#include "tools/mqstore/repair.h"
#include "tools/mqstore/verify.h"

DECLARE_bool(help);
DECLARE_bool(version);
DEFINE_string(topic, "", "dump: only this topic");
DEFINE_int32(queue, -1, "dump: only this queue id");
DEFINE_string(from, "", "dump: only records stored at or after this time");
DEFINE_string(to, "", "dump: only records stored before this time");
DEFINE_int64(from_offset, -1, "dump: only records at or behind this log offset");
DEFINE_int64(to_offset, -1, "dump: only records before this log offset");
DEFINE_string(key, "", "dump: only records with this key or unique key");
DEFINE_int64(limit, -1, "dump: at most so many records");
DEFINE_bool(text, false, "dump: bodies as text, decompressed, where they are UTF-8");
DEFINE_bool(no_body, false, "dump: without bodies");
DEFINE_bool(json, false, "verify: one JSON object per finding, and one with the sums");
DEFINE_bool(dry_run, false, "repair: tell what would be done, change nothing");
DEFINE_bool(yes, false, "repair: do not ask");
DEFINE_bool(rebuild, false, "repair: derive queues and index again even if they look sound");
DEFINE_string(commit_log, "", "storePathCommitLog, if it is not DIR/commitlog");
DEFINE_int64(segment_bytes, 0, "mappedFileSizeCommitLog; 0: the length of the first log file");
DEFINE_int32(index_slots, 0, "maxHashSlotNum, if maxIndexNum is not four times as much");
DEFINE_bool(no_lock, false,
            "dump, verify: look although a broker runs; what it writes meanwhile may look wrong");

namespace orbitmq::tools {
namespace {

constexpr int kExitDamage = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotRead = 3;

constexpr char kHelp[] =
    R"(mqstore: looks at, checks and mends a message store, OrbitMQ's or Apache RocketMQ's (4.9, 5.x with the
default file formats). The broker must not run; DIR is its storePathRootDir.

  mqstore dump DIR     prints records as JSON, one per line, in the order of the log
    --topic T  --queue N  --key K     only of this topic, queue, key or unique key
    --from TIME  --to TIME            only stored in this span: epoch ms, or UTC as 2026-01-31T13:45:10
    --from_offset N  --to_offset N    only in this part of the log
    --limit N                         at most so many
    --text | --no_body                bodies as decompressed text, or left out (default: base64 as stored)
  mqstore verify DIR   checks every record, queues, index, checkpoints and config/*.json; changes nothing
    --json                            findings as JSON lines
  mqstore repair DIR   cuts a torn tail, steps over damage, derives queues and index from the log again;
                       drops no readable record, keeps a copy of all it changes in DIR/orbitmq/repair-TIME
    --dry_run  --yes  --rebuild       only tell; do not ask; derive queues and index in any case

  all: --commit_log DIR  --segment_bytes N  --index_slots N   if the files alone do not tell
  dump, verify: --no_lock                                     look while a broker runs

exit code: 0 all is well, 1 damage was found (repair: is left), 2 wrong usage, 3 cannot read or in use

examples:
  mqstore dump ./data --topic orders --key 4711 --text
  mqstore dump ./data --from '2026-01-31 12:00' --no_body | wc -l
  mqstore verify ./data --json > findings.jsonl
  mqstore repair ./data --dry_run
)";

int Fail(int code, const Status& why) {
  std::fprintf(stderr, "mqstore: %.*s\n", static_cast<int>(why.text().size()), why.text().data());
  return code;
}

int Usage(std::string_view what) {
  std::fprintf(stderr, "mqstore: %.*s; see mqstore --help\n", static_cast<int>(what.size()), what.data());
  return kExitUsage;
}

Result<DumpFilter> FilterFromFlags() {
  DumpFilter filter;
  if (!FLAGS_topic.empty()) filter.topic = FLAGS_topic;
  if (FLAGS_queue >= 0) filter.queue = FLAGS_queue;
  if (FLAGS_from_offset >= 0) filter.from_offset = LogOffset{FLAGS_from_offset};
  if (FLAGS_to_offset >= 0) filter.to_offset = LogOffset{FLAGS_to_offset};
  if (!FLAGS_key.empty()) filter.key = FLAGS_key;
  if (FLAGS_limit >= 0) filter.limit = FLAGS_limit;
  for (const auto& [flag, target] :
       {std::pair{&FLAGS_from, &filter.from}, std::pair{&FLAGS_to, &filter.to}}) {
    if (flag->empty()) continue;
    auto time = ParseDumpTime(*flag);
    if (!time.ok()) return time.status();
    *target = *time;
  }
  if (FLAGS_text && FLAGS_no_body)
    return Status(StatusCode::kInvalidArgument, "--text and --no_body exclude each other");
  return filter;
}

int Dump(StoreDirectory& store, const DumpFilter& filter) {
  const BodyForm form = FLAGS_no_body ? BodyForm::kNone : FLAGS_text ? BodyForm::kText : BodyForm::kBase64;
  auto dumped = DumpStore(store, filter, form, stdout);
  if (!dumped.ok()) return Fail(kExitCannotRead, dumped.status());
  return dumped->damaged_ranges > 0 ? kExitDamage : 0;
}

void PrintJsonSums(const VerifyResult& result) {
  proto::JsonWriter json;
  json.BeginObject();
  const std::pair<std::string_view, int64_t> sums[] = {
      {"records", result.records},
      {"queues", result.queues},
      {"queueEntries", result.queue_entries},
      {"indexEntries", result.index_entries},
      {"logBegin", result.log_begin.value},
      {"logEnd", result.log_end.value},
      {"damage", result.findings.damage_count()},
      {"notes", result.findings.note_count()},
  };
  for (const auto& [name, value] : sums) {
    json.Key(name);
    json.Int(value);
  }
  json.EndObject();
  std::printf("%s\n", json.Take().c_str());
}

void PrintFindings(const VerifyResult& result) {
  for (const Finding& finding : result.findings.list()) {
    std::printf("%s\n", (FLAGS_json ? FindingJson(finding) : FindingText(finding)).c_str());
  }
  if (FLAGS_json) {
    PrintJsonSums(result);
    return;
  }
  for (const auto& [kind, count] : result.findings.left_out()) {
    std::printf("and %" PRId64 " more of: %s\n", count, kind.c_str());
  }
  std::printf("%" PRId64 " records from log offset %" PRId64 " to %" PRId64 ", %" PRId64
              " queues with %" PRId64 " entries, %" PRId64 " index entries: %" PRId64 " damaged, %" PRId64
              " to note%s\n",
              result.records, result.log_begin.value, result.log_end.value, result.queues,
              result.queue_entries, result.index_entries, result.findings.damage_count(),
              result.findings.note_count(), result.crashed ? " (the broker did not end in order)" : "");
}

int Verify(StoreDirectory& store) {
  auto result = VerifyStore(store);
  if (!result.ok()) return Fail(kExitCannotRead, result.status());
  PrintFindings(*result);
  return result->findings.damage_count() > 0 ? kExitDamage : 0;
}

bool Agreed() {
  if (FLAGS_yes) return true;
  std::printf("Do this? [y/N] ");
  std::fflush(stdout);
  char answer[16] = {};
  return std::fgets(answer, sizeof(answer), stdin) != nullptr && (answer[0] == 'y' || answer[0] == 'Y');
}

int Repair(Env& env, std::unique_ptr<StoreDirectory> store, const StorePlace& place) {
  auto found = VerifyStore(*store);
  if (!found.ok()) return Fail(kExitCannotRead, found.status());
  PrintFindings(*found);
  StoreRepair repair(env, place, *found);
  auto plan =
      repair.Plan(*store, FLAGS_rebuild ? StoreRepair::Rebuild::kAlways : StoreRepair::Rebuild::kIfNeeded);
  if (!plan.ok()) return Fail(kExitDamage, plan.status());
  if (plan->empty()) {
    std::printf("nothing that repair could mend\n");
    return found->findings.damage_count() > 0 ? kExitDamage : 0;
  }
  std::printf("repair will\n");
  for (const std::string& step : *plan) std::printf("  - %s\n", step.c_str());
  if (FLAGS_dry_run) return found->findings.damage_count() > 0 ? kExitDamage : 0;
  if (!FLAGS_yes && isatty(STDIN_FILENO) != 1)
    return Usage("repair asks before it changes anything: give --yes");
  if (!Agreed()) {
    std::printf("nothing was changed\n");
    return found->findings.damage_count() > 0 ? kExitDamage : 0;
  }
  Status done = repair.Run(*store);
  store.reset();
  if (!done.ok()) return Fail(kExitCannotRead, done.Annotate("repair stopped; run it again"));
  std::printf("done; what was changed is kept in %s\n", repair.kept_in().c_str());
  auto again = StoreDirectory::Open(env.files(), env.log(), place);
  if (!again.ok()) return Fail(kExitCannotRead, again.status());
  return Verify(**again);
}

int Run(std::string_view command, std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  if (command != "dump" && command != "verify" && command != "repair") {
    return Usage(StrCat("unknown command '", command, "'; there are dump, verify and repair"));
  }
  auto filter = FilterFromFlags();
  if (!filter.ok()) return Usage(filter.status().text());
  if (FLAGS_no_lock && command == "repair")
    return Usage("repair needs the lock, --no_lock is for dump and verify");
  CallbackLogger log(LogLevel::kWarn, [](LogLevel, std::string_view line) {
    std::fprintf(stderr, "mqstore: %.*s\n", static_cast<int>(line.size()), line.data());
  });
  const std::unique_ptr<Env> env = net::NewRealEnv(log);
  StorePlace place;
  place.root = std::move(directory);
  place.commit_log_dir = FLAGS_commit_log;
  place.segment_bytes = FLAGS_segment_bytes;
  place.index_slots = FLAGS_index_slots;
  if (FLAGS_no_lock) place.locking = StorePlace::Locking::kNone;
  auto store = StoreDirectory::Open(env->files(), log, place);
  if (!store.ok()) return Fail(kExitCannotRead, store.status());
  if (command == "dump") return Dump(**store, *filter);
  if (command == "verify") return Verify(**store);
  return Repair(*env, *std::move(store), place);
}

// gflags would end the process with 1.
bool FlagsAreKnown(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (!name.starts_with("-") || name == "-") continue;
    name.erase(0, name.find_first_not_of('-'));
    name.resize(std::min(name.find('='), name.size()));
    std::replace(name.begin(), name.end(), '-', '_');
    gflags::CommandLineFlagInfo info;
    const bool negated =
        name.starts_with("no") && gflags::GetCommandLineFlagInfo(name.substr(2).c_str(), &info);
    if (negated || name == "h" || gflags::GetCommandLineFlagInfo(name.c_str(), &info)) continue;
    Usage(StrCat("unknown option '", argv[i], "'"));
    return false;
  }
  return true;
}

}  // namespace
}  // namespace orbitmq::tools

int main(int argc, char** argv) {
  if (!orbitmq::tools::FlagsAreKnown(argc, argv)) return 2;
  if (argc == 2 && std::string_view(argv[1]) == "-h") {
    std::fputs(orbitmq::tools::kHelp, stdout);
    return 0;
  }
  gflags::SetVersionString("OrbitMQ " ORBITMQ_VERSION);
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, true);
  if (FLAGS_help) {
    std::fputs(orbitmq::tools::kHelp, stdout);
    return 0;
  }
  gflags::HandleCommandLineHelpFlags();
  if (argc != 3) return orbitmq::tools::Usage("give a command and the store's directory");
  return orbitmq::tools::Run(argv[1], argv[2]);
}

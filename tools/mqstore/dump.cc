// SPDX-License-Identifier: Apache-2.0
#include "tools/mqstore/dump.h"

#include <cinttypes>

#include "common/base64.h"
#include "common/compression.h"
#include "common/message_properties.h"
#include "common/strings.h"
#include "common/sys_flag.h"
#include "common/time_text.h"
#include "common/utf8.h"
#include "remoting/protocol/json.h"
#include "tools/mqstore/log_walk.h"
#include "tools/mqstore/progress.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kPlainBodyBytesMax = size_t{256} << 20;
constexpr int64_t kRecordsPerStep = 1024;

std::string_view TransactionName(TransactionType type) {
  switch (type) {
    case TransactionType::kNone:
      return "none";
    case TransactionType::kPrepared:
      return "prepared";
    case TransactionType::kCommit:
      return "commit";
    case TransactionType::kRollback:
      return "rollback";
  }
  return "none";
}

// Bytes from the log that should be text; what is none stays readable.
std::string SafeText(std::string_view text) {
  return IsUtf8(text) ? std::string(text) : Printable(text, text.size() * 4);
}

void WriteBody(const MessageView& record, BodyForm form, proto::JsonWriter& json) {
  json.Key("bodyBytes");
  json.Int(static_cast<int64_t>(record.body.size()));
  json.Key("compressed");
  json.Bool((record.sys_flag & sys_flag::kCompressed) != 0);
  if (form == BodyForm::kNone) return;
  if (form == BodyForm::kText) {
    Result<std::string> plain = std::string(record.body);
    if ((record.sys_flag & sys_flag::kCompressed) != 0) {
      const auto compression = CompressionOf(record.sys_flag);
      plain = compression.ok() ? Decompress(record.body, *compression, kPlainBodyBytesMax)
                               : Result<std::string>(compression.status());
    }
    if (plain.ok() && IsUtf8(*plain)) {
      json.Key("bodyText");
      json.String(*plain);
      return;
    }
  }
  json.Key("body");
  json.String(Base64(record.body));
}

bool HasKey(const MessageView& record, std::string_view wanted) {
  if (FindProperty(record.properties, property::kUniqueKey) == wanted) return true;
  for (const std::string_view key :
       Split(FindProperty(record.properties, property::kKeys).value_or(""), property::kKeySeparator)) {
    if (key == wanted) return true;
  }
  return false;
}

bool Matches(const MessageView& record, const DumpFilter& filter) {
  if (filter.topic && record.topic != *filter.topic) return false;
  if (filter.queue && record.queue_id != *filter.queue) return false;
  if (filter.from && record.store_time < *filter.from) return false;
  if (filter.to && record.store_time >= *filter.to) return false;
  if (filter.from_offset && record.log_offset < *filter.from_offset) return false;
  if (filter.to_offset && record.log_offset >= *filter.to_offset) return false;
  return !filter.key || HasKey(record, *filter.key);
}

}  // namespace

Result<WallTime> ParseDumpTime(std::string_view text) {
  if (const auto millis = ParseInt<int64_t>(text); millis && text.size() > 4) return FromEpochMillis(*millis);
  if (const auto time = ParseTimeText(text, BareTime::kUtc); time.ok()) return FromEpochMillis(*time);
  return Status(StatusCode::kInvalidArgument, StrCat("'", Printable(text),
                                                     "' is no time; write epoch milliseconds, or UTC as "
                                                     "2026-01-31, 2026-01-31 13:45 or 2026-01-31T13:45:10, "
                                                     "or with a zone as 2026-01-31T13:45:10+02:00"));
}

std::string RecordJson(const MessageView& record, BodyForm form) {
  proto::JsonWriter json;
  json.BeginObject();
  const auto number = [&json](std::string_view name, int64_t value) {
    json.Key(name);
    json.Int(value);
  };
  const auto text = [&json](std::string_view name, std::string_view value) {
    json.Key(name);
    json.String(value);
  };
  text("topic", SafeText(record.topic));
  number("queueId", record.queue_id);
  number("queueOffset", record.queue_offset.value);
  number("logOffset", record.log_offset.value);
  number("size", record.total_bytes);
  text("format", record.magic == RecordMagic::kV2 ? "V2" : "V1");
  number("bornTime", ToEpochMillis(record.born_time));
  text("bornHost", record.born_host.ToString());
  number("storeTime", ToEpochMillis(record.store_time));
  text("storeHost", record.store_host.ToString());
  number("flag", record.flag);
  number("sysFlag", record.sys_flag);
  text("transaction", TransactionName(TransactionTypeOf(record.sys_flag)));
  number("preparedTransactionOffset", record.prepared_transaction_offset);
  number("reconsumeTimes", record.reconsume_times);
  for (const auto& [name, key] : {std::pair{"uniqueKey", property::kUniqueKey},
                                  std::pair{"keys", property::kKeys}, std::pair{"tags", property::kTags}}) {
    if (const auto value = FindProperty(record.properties, key)) text(name, SafeText(*value));
  }
  json.Key("properties");
  json.BeginObject();
  for (const auto& [name, value] : PropertiesToMap(record.properties)) text(SafeText(name), SafeText(value));
  json.EndObject();
  number("bodyCrc", record.body_crc);
  WriteBody(record, form, json);
  json.EndObject();
  return json.Take();
}

Result<DumpResult> DumpStore(StoreDirectory& store, const DumpFilter& filter, BodyForm form, std::FILE* out) {
  DumpResult result;
  const auto segments = store.log().segments();
  const LogOffset begin = store.log_begin();
  ProgressBar bar("dump", segments->empty() ? 0 : segments->back()->end() - begin);
  LogWalk walk(store);
  for (int64_t seen = 0; result.printed < filter.limit;) {
    const auto step = walk.Next();
    if (step == LogWalk::Step::kEnd) break;
    if (step == LogWalk::Step::kFailed) return walk.why().Annotate("read the log");
    if (step == LogWalk::Step::kDamage) {
      ++result.damaged_ranges;
      std::fprintf(stderr, "mqstore: log offsets %" PRId64 "..%" PRId64 " hold no readable record: %s\n",
                   walk.damage().begin.value, walk.damage().end.value, walk.damage().why.c_str());
      continue;
    }
    if (++seen % kRecordsPerStep == 0) bar.Show(walk.position() - begin);
    if (filter.to_offset && walk.record().log_offset >= *filter.to_offset) break;
    if (!Matches(walk.record(), filter)) continue;
    const std::string line = RecordJson(walk.record(), form) + "\n";
    if (std::fputs(line.c_str(), out) < 0) {
      return Status(StatusCode::kIoError,
                    "the output cannot be written (is the disk full, or the reader gone?)");
    }
    ++result.printed;
  }
  if (std::fflush(out) != 0) return Status(StatusCode::kIoError, "the output cannot be written");
  return result;
}

}  // namespace orbitmq::tools

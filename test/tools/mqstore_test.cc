// SPDX-License-Identifier: Apache-2.0
// mqstore on real files: stores that our own store wrote, Apache's golden one, and damaged ones.
#include <cstdio>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/base64.h"
#include "common/log_sinks.h"
#include "common/message_properties.h"
#include "common/strings.h"
#include "remoting/real_env.h"
#include "store/consume_queue.h"
#include "store/message_store.h"
#include "test/common/temp_directory.h"
#include "tools/mqstore/dump.h"
#include "tools/mqstore/repair.h"
#include "tools/mqstore/verify.h"

namespace orbitmq::tools {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSegmentBytes = 16 * 1024;

class MqstoreTest : public testing::Test {
 protected:
  MqstoreTest() : env_(net::NewRealEnv(log_)) {
    options_.root = folder_ / "store";
    options_.segment_bytes = kSegmentBytes;
    options_.queue_file_units = 30;
    options_.index_slots = 100;
    options_.index_entries = 400;
    options_.disk_ratio_refuse = options_.disk_ratio_force = options_.disk_ratio_max = 1.0;
    place_.root = options_.root;
  }

  void OpenStore() {
    auto opened = store::MessageStore::Open(*env_, options_, nullptr);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = *std::move(opened);
  }
  void CloseStore() {
    const Status closed = store_->Close(std::chrono::seconds(30));
    ASSERT_TRUE(closed.ok()) << closed.ToString();
    store_.reset();
  }
  void DeleteTopic(const std::string& topic) {
    auto done = std::make_shared<std::promise<Status>>();
    store_->DeleteTopic(topic, [done](const Result<Done>& result) { done->set_value(result.status()); });
    const Status deleted = done->get_future().get();
    EXPECT_TRUE(deleted.ok()) << deleted.ToString();
  }
  LogOffset Append(const std::string& topic, QueueId queue, const std::string& body,
                   const std::string& key = "") {
    std::string properties;
    AppendProperty(properties, property::kTags, "tag");
    if (!key.empty()) AppendProperty(properties, property::kKeys, key);
    RecordFields fields;
    fields.topic = topic;
    fields.queue_id = queue;
    fields.born_time = FromEpochMillis(1700000000000);
    fields.born_host = *ParseHostAddress("10.1.2.3", 50000);
    fields.store_host = *ParseHostAddress("127.0.0.1", 10911);
    fields.body = body;
    fields.properties = properties;
    RecordDraft draft;
    EXPECT_TRUE(AppendRecord(fields, draft).ok());
    auto done = std::make_shared<std::promise<LogOffset>>();
    store_->Append({.queue = {topic, queue}, .draft = std::move(draft), .done = [done](auto result) {
                      done->set_value(result.ok() ? result->log_offsets[0] : LogOffset{-1});
                    }});
    const LogOffset at = done->get_future().get();
    EXPECT_GE(at.value, 0);
    return at;
  }
  // Three log files, two topics, keys; closed in order.
  void MakeStore() {
    OpenStore();
    for (int i = 0; i < 120; ++i) {
      offsets_.push_back(Append(i % 3 == 0 ? "Alpha" : "Beta", i % 2,
                                StrCat("body-", i, std::string(200, 'x')), StrCat("key", i)));
    }
    CloseStore();
  }
  std::vector<std::string> Bodies(const std::string& topic, QueueId queue) {
    std::vector<std::string> bodies;
    const auto range = store_->Range({topic, queue});
    for (QueueOffset at = range ? range->min : QueueOffset{0}; range && at < range->max;) {
      const auto slice = store_->Read({topic, queue}, at, {}, nullptr);
      for (const auto& record : slice.records) {
        const auto view = DecodeMessage(record.view(), BodyCheck::kVerifyCrc);
        if (view.ok()) bodies.emplace_back(view->body.substr(0, view->body.find('x')));
      }
      at = std::max(slice.next_begin, at + 1);
    }
    return bodies;
  }

  std::string SegmentPath(LogOffset at) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020lld",
                  static_cast<long long>(at.value / kSegmentBytes * kSegmentBytes));
    return options_.root + "/commitlog/" + name;
  }
  void Overwrite(const std::string& path, uint64_t at, std::string_view bytes) {
    auto file = env_->files().Open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const std::string_view pieces[] = {bytes};
    ASSERT_TRUE((*file)->WriteAt(at, pieces).ok());
  }
  void OverwriteLog(LogOffset at, std::string_view bytes) {
    Overwrite(SegmentPath(at), static_cast<uint64_t>(at.value % kSegmentBytes), bytes);
  }

  std::unique_ptr<StoreDirectory> Look() {
    auto opened = StoreDirectory::Open(env_->files(), log_, place_);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  VerifyResult Verify() {
    const auto directory = Look();
    auto result = VerifyStore(*directory);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return *std::move(result);
  }
  static std::string Told(const VerifyResult& result) {
    std::string text;
    for (const Finding& finding : result.findings.list()) text += FindingText(finding) + "\n";
    return text;
  }
  // Verifies, repairs, and returns what the plan was.
  std::string Repair(StoreRepair::Rebuild rebuild = StoreRepair::Rebuild::kIfNeeded) {
    auto directory = Look();
    auto found = VerifyStore(*directory);
    EXPECT_TRUE(found.ok());
    StoreRepair repair(*env_, place_, *found);
    auto plan = repair.Plan(*directory, rebuild);
    if (!plan.ok()) return plan.status().ToString();
    if (plan->empty()) return "";
    const Status done = repair.Run(*directory);
    EXPECT_TRUE(done.ok()) << done.ToString();
    kept_in_ = repair.kept_in();
    return Join(*plan, "\n");
  }
  std::string DumpText(const DumpFilter& filter, BodyForm form = BodyForm::kText) {
    const std::string path = folder_ / "dump.jsonl";
    std::FILE* out = std::fopen(path.c_str(), "w");
    const auto directory = Look();
    const auto result = DumpStore(*directory, filter, form, out);
    std::fclose(out);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return *ReadWholeFile(env_->files(), path, 1 << 24);
  }
  static int64_t Lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  RingLogger log_;
  TempDirectory folder_;
  std::unique_ptr<Env> env_;
  store::StoreOptions options_;
  StorePlace place_;
  std::unique_ptr<store::MessageStore> store_;
  std::vector<LogOffset> offsets_;
  std::string kept_in_;
};

TEST_F(MqstoreTest, Base64) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64(std::string("\xff\x00\xfe", 3)), "/wD+");
}

TEST_F(MqstoreTest, ParseDumpTime_FormsAndNonsense) {
  EXPECT_EQ(ToEpochMillis(*ParseDumpTime("1700000000123")), 1700000000123);
  EXPECT_EQ(ToEpochMillis(*ParseDumpTime("2023-11-14T22:13:20")), 1700000000000);
  EXPECT_EQ(ToEpochMillis(*ParseDumpTime("2023-11-14 22:13")), 1699999980000);
  EXPECT_EQ(ToEpochMillis(*ParseDumpTime("2023-11-14")), 1699920000000);
  for (const char* text : {"", "yesterday", "2023-13-01", "2023-11-14 22:13:20 and more"}) {
    EXPECT_EQ(ParseDumpTime(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST_F(MqstoreTest, Dump_FiltersByEverything) {
  MakeStore();
  EXPECT_EQ(Lines(DumpText({})), 120);
  EXPECT_EQ(Lines(DumpText({.topic = "Alpha"})), 40);
  EXPECT_EQ(Lines(DumpText({.topic = "Alpha", .queue = 1})), 20);
  EXPECT_EQ(Lines(DumpText({.limit = 7})), 7);
  EXPECT_EQ(Lines(DumpText({.from_offset = offsets_[100], .to_offset = offsets_[110]})), 10);
  EXPECT_EQ(Lines(DumpText({.from = FromEpochMillis(int64_t{1} << 42)})), 0);
  EXPECT_EQ(Lines(DumpText({.to = FromEpochMillis(1)})), 0);
  const std::string one = DumpText({.key = "key77"});
  EXPECT_EQ(Lines(one), 1);
  for (const char* part : {"\"topic\":\"Beta\"", "\"queueId\":1", "\"keys\":\"key77\"", "\"tags\":\"tag\"",
                           "\"bodyText\":\"body-77xxx", "\"bornHost\":\"10.1.2.3:50000\"",
                           "\"bornTime\":1700000000000", "\"properties\":{"}) {
    EXPECT_NE(one.find(part), std::string::npos) << part << " is not in " << one;
  }
  EXPECT_NE(DumpText({.key = "key77"}, BodyForm::kBase64).find("\"body\":\"Ym9keS03N3h4"), std::string::npos);
  EXPECT_EQ(DumpText({.key = "key77"}, BodyForm::kNone).find("\"body\""), std::string::npos);
}

TEST_F(MqstoreTest, Verify_SoundStore_FindsNothingAndChangesNothing) {
  MakeStore();
  std::map<std::string, fs::file_time_type> before;
  for (const auto& entry : fs::recursive_directory_iterator(options_.root)) {
    before[entry.path().string()] = entry.last_write_time();
  }
  const VerifyResult result = Verify();
  EXPECT_EQ(Told(result), "");
  EXPECT_EQ(result.records, 120);
  EXPECT_EQ(result.queues, 4);
  EXPECT_EQ(result.queue_entries, 120);
  EXPECT_EQ(result.index_entries, 240) << "a key and a tag each";
  for (const auto& entry : fs::recursive_directory_iterator(options_.root)) {
    EXPECT_EQ(before.at(entry.path().string()), entry.last_write_time()) << entry.path();
  }
  EXPECT_EQ(Repair(), "") << "there is nothing to repair";
}

TEST_F(MqstoreTest, Verify_ApachesGoldenStore_FindsNoDamage) {
  fs::copy(fs::path(ORBITMQ_GOLDEN_DIR) / "store", options_.root, fs::copy_options::recursive);
  const VerifyResult result = Verify();
  EXPECT_EQ(result.findings.damage_count(), 0) << Told(result);
  EXPECT_GT(result.records, 20);
  EXPECT_GT(result.queue_entries, 10);
  EXPECT_GT(result.index_entries, 10);
}

TEST_F(MqstoreTest, RunningStore_IsRefused) {
  OpenStore();
  const auto opened = StoreDirectory::Open(env_->files(), log_, place_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(opened.status().text().find("a broker runs"), std::string_view::npos);
  place_.locking = StorePlace::Locking::kNone;
  EXPECT_TRUE(StoreDirectory::Open(env_->files(), log_, place_).ok());
  CloseStore();
}

TEST_F(MqstoreTest, NoStore_SaysWhatIsMissing) {
  for (const std::string& root : {folder_ / "nowhere", folder_.path()}) {
    place_.root = root;
    const auto opened = StoreDirectory::Open(env_->files(), log_, place_);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.status().code(), StatusCode::kNotFound);
    EXPECT_NE(opened.status().text().find(root), std::string_view::npos) << opened.status().ToString();
  }
}

TEST_F(MqstoreTest, DamageInTheMiddle_IsLocatedAndRepairKeepsTheRest) {
  MakeStore();
  OverwriteLog(offsets_[50] + 100, "rotten");
  OverwriteLog(offsets_[55] + 4, std::string(80, '\0'));
  const VerifyResult found = Verify();
  EXPECT_EQ(found.records, 118);
  ASSERT_EQ(found.log_damage.size(), 2u) << Told(found);
  EXPECT_EQ(found.log_damage[0].begin, offsets_[50]);
  EXPECT_EQ(found.log_damage[0].end, offsets_[51]);
  EXPECT_EQ(found.log_damage[1].begin, offsets_[55]);
  EXPECT_EQ(found.log_damage[1].end, offsets_[56]);
  const std::string where = StrCat(SegmentPath(offsets_[50]), " byte ", offsets_[50].value % kSegmentBytes);
  EXPECT_NE(Told(found).find(where), std::string::npos) << Told(found);
  EXPECT_EQ(Lines(DumpText({})), 118);

  EXPECT_NE(Repair().find("step over damage"), std::string::npos);
  const VerifyResult after = Verify();
  EXPECT_EQ(after.log_damage.size(), 0u) << Told(after);
  EXPECT_GE(after.records, 119);
  const std::string kept = StrCat(kept_in_, "/commitlog-", offsets_[50].value, "-", offsets_[51].value);
  EXPECT_EQ(fs::file_size(kept), static_cast<uintmax_t>(offsets_[51] - offsets_[50]));

  OpenStore();
  std::vector<std::string> all;
  for (const char* topic : {"Alpha", "Beta"}) {
    for (const QueueId queue : {0, 1}) {
      for (std::string& body : Bodies(topic, queue)) all.push_back(std::move(body));
    }
  }
  EXPECT_EQ(all.size(), 118u);
  for (int i = 0; i < 120; ++i) {
    EXPECT_EQ(std::count(all.begin(), all.end(), StrCat("body-", i)), i == 50 || i == 55 ? 0 : 1) << i;
  }
  CloseStore();
}

TEST_F(MqstoreTest, DamageUpToTheEndOfAFile_IsSteppedOver) {
  MakeStore();
  int last = 0;
  while (offsets_[static_cast<size_t>(last) + 1].value < kSegmentBytes) ++last;
  const LogOffset from = offsets_[static_cast<size_t>(last)];
  OverwriteLog(from, std::string(static_cast<size_t>(kSegmentBytes - from.value), 'z'));
  EXPECT_NE(Repair().find("step over damage"), std::string::npos);
  const VerifyResult after = Verify();
  EXPECT_EQ(after.log_damage.size(), 0u) << Told(after);
  EXPECT_EQ(after.records, 119);
}

TEST_F(MqstoreTest, TornTail_IsCutAndKept) {
  MakeStore();
  const LogOffset last = offsets_.back();
  OverwriteLog(last + 150, "torn");
  const VerifyResult found = Verify();
  ASSERT_EQ(found.log_damage.size(), 1u) << Told(found);
  EXPECT_FALSE(found.log_damage[0].records_behind);
  EXPECT_EQ(found.log_end, last);
  EXPECT_NE(Repair().find("cut the torn tail"), std::string::npos);
  const VerifyResult after = Verify();
  EXPECT_EQ(after.records, 119);
  EXPECT_EQ(after.log_damage.size(), 0u) << Told(after);
  const std::string kept = StrCat(kept_in_, "/commitlog-", last.value, "-", found.log_damage[0].end.value);
  EXPECT_EQ(fs::file_size(kept), static_cast<uintmax_t>(found.log_damage[0].end - last));
}

TEST_F(MqstoreTest, WrongQueueEntry_IsLocatedAndRebuilt) {
  MakeStore();
  const std::string file = options_.root + "/consumequeue/Beta/1/00000000000000000000";
  Overwrite(file, 5 * 20 + 7, "\x01");
  const VerifyResult found = Verify();
  EXPECT_EQ(found.findings.damage_count(), 1) << Told(found);
  EXPECT_NE(Told(found).find(file + " byte 100: the entry of queue offset 5"), std::string::npos)
      << Told(found);
  EXPECT_NE(Repair().find("derive them from the log"), std::string::npos);
  EXPECT_EQ(Told(Verify()), "");
  EXPECT_TRUE(fs::exists(kept_in_ + "/consumequeue/Beta/1/00000000000000000000"));
  OpenStore();
  EXPECT_EQ(Bodies("Beta", 1).size(), 40u);
  CloseStore();
}

TEST_F(MqstoreTest, EntriesMissingOrBehindTheEnd_AreDamageAfterAnOrderlyEnd) {
  MakeStore();
  const std::string queue = options_.root + "/consumequeue/Alpha/0/00000000000000000000";
  Overwrite(queue, 19 * 20, std::string(20, '\0'));
  EXPECT_NE(Told(Verify()).find("queue offset 19 has no entry"), std::string::npos) << Told(Verify());
  std::string unit;
  store::EncodeUnit({{5}, 100, 0}, unit);
  Overwrite(options_.root + "/consumequeue/Alpha/1/00000000000000000000", 20 * 20, unit);
  EXPECT_NE(Told(Verify()).find("the entry of queue offset 20 points to log offset 5"), std::string::npos)
      << Told(Verify());
  (void)Repair();
  EXPECT_EQ(Told(Verify()), "");
}

TEST_F(MqstoreTest, WrongIndexEntry_IsLocatedAndRebuilt) {
  MakeStore();
  const std::string file = fs::directory_iterator(options_.root + "/index")->path().string();
  Overwrite(file, 40 + 400 + 20 * 9, "\x7f\x00\x00\x01");
  const VerifyResult found = Verify();
  EXPECT_GT(found.findings.damage_count(), 0);
  EXPECT_NE(Told(found).find(file + " byte 620: entry 9"), std::string::npos) << Told(found);
  (void)Repair();
  EXPECT_EQ(Told(Verify()), "");
}

TEST_F(MqstoreTest, QueuesDeleted_AreNotedAndRebuilt) {
  MakeStore();
  fs::remove_all(options_.root + "/consumequeue/Alpha/1");
  EXPECT_GT(Verify().findings.damage_count(), 0);
  (void)Repair();
  const VerifyResult after = Verify();
  EXPECT_EQ(after.queues, 4);
  EXPECT_EQ(Told(after), "");
}

TEST_F(MqstoreTest, TopicMadeAnew_ItsOldRecordsAreNoDamage) {
  MakeStore();
  OpenStore();
  DeleteTopic("Alpha");
  for (int i = 0; i < 3; ++i) (void)Append("Alpha", 0, "new");
  CloseStore();
  const VerifyResult result = Verify();
  EXPECT_EQ(result.findings.damage_count(), 0) << Told(result);
}

TEST_F(MqstoreTest, TopicDeleted_StaysDeletedWhenQueuesAreRebuilt) {
  MakeStore();
  OpenStore();
  DeleteTopic("Alpha");
  for (int i = 0; i < 3; ++i) (void)Append("Alpha", 0, "new");
  CloseStore();
  fs::remove_all(options_.root + "/consumequeue/Beta/1");
  EXPECT_GT(Verify().findings.damage_count(), 0);
  (void)Repair();
  const VerifyResult after = Verify();
  EXPECT_EQ(Told(after), "");
  EXPECT_EQ(after.queues, 3) << "Alpha's one, which was made anew, and Beta's";
}

TEST_F(MqstoreTest, ConfigThatIsNoJson_IsDamage_OffsetsAheadAreANote) {
  MakeStore();
  fs::create_directories(options_.root + "/config");
  const auto write = [this](const std::string& name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(env_->files(), options_.root + "/config/" + name, text).ok());
  };
  write("topics.json", "{\"topicConfigTable\":{\"Alpha\":{}, \"Beta\":{}");
  const VerifyResult found = Verify();
  EXPECT_EQ(found.findings.damage_count(), 1) << Told(found);
  EXPECT_NE(Told(found).find("topics.json"), std::string::npos);
  write("topics.json", "{\"topicConfigTable\":{\"Alpha\":{}}}");
  write("consumerOffset.json", "{\"offsetTable\":{\"Beta@group\":{0:40,1:41}}}");
  const VerifyResult noted = Verify();
  EXPECT_EQ(noted.findings.damage_count(), 0) << Told(noted);
  EXPECT_EQ(noted.findings.note_count(), 2) << Told(noted);
  EXPECT_NE(Told(noted).find("Beta@group queue 1 was consumed up to 41"), std::string::npos) << Told(noted);
}

TEST_F(MqstoreTest, Findings_OfOneKindAreCountedNotKept) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.Add("kind", {Severity::kDamage, "f", i, "w", "r"});
  findings.Add("other", {Severity::kNote, "g", -1, "w", ""});
  EXPECT_EQ(findings.list().size(), 21u);
  EXPECT_EQ(findings.damage_count(), 100);
  EXPECT_EQ(findings.note_count(), 1);
  EXPECT_EQ(findings.left_out().at("kind"), 80);
  EXPECT_EQ(FindingJson(findings.list()[1]),
            "{\"severity\":\"damage\",\"file\":\"f\",\"byte\":1,\"what\":\"w\",\"remedy\":\"r\"}");
}

}  // namespace
}  // namespace orbitmq::tools

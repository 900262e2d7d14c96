// SPDX-License-Identifier: Apache-2.0
#include "store/crc_ranges.h"
#include "test/store/store_fixture.h"

namespace orbitmq::store {
namespace {

using std::chrono::seconds;

constexpr char kSegment[] = "/store/commitlog/00000000000000000000";
constexpr char kMarker[] = "/store/orbitmq/record_crc";
constexpr char kAbort[] = "/store/abort";

CrcRanges Opened(int64_t begin, uint64_t token) {
  CrcRanges ranges;
  ranges.Open({begin}, token);
  return ranges;
}

TEST(CrcRanges, OpenCloseClip_KeepWhatIsOurs) {
  CrcRanges ranges = Opened(100, 7);
  EXPECT_FALSE(ranges.Covers({99}));
  EXPECT_TRUE(ranges.Covers({100}));
  EXPECT_TRUE(ranges.Covers({int64_t{1} << 50}));
  ranges.Close({200}, {150});
  EXPECT_FALSE(ranges.Covers({200}));
  ranges.Open({200}, 8);  // Adjacent: one range.
  EXPECT_EQ(ranges.ranges().size(), 1u);
  ranges.Clip({0}, {300}, {250});
  EXPECT_EQ(ranges.ranges(), (std::vector<CrcRanges::Range>{{{100}, {300}, {250}}}));
  ranges.Open({400}, 9);
  EXPECT_EQ(ranges.ranges().size(), 2u);
  EXPECT_FALSE(ranges.Covers({350}));
  ranges.Close({400}, {250});  // Nothing was written.
  EXPECT_EQ(ranges.ranges().size(), 1u);
  ranges.Clip({300}, {400}, {0});  // Retention took all of it.
  EXPECT_TRUE(ranges.empty());
}

TEST(CrcRanges, EncodeDecode_EveryFlippedByteIsFound) {
  CrcRanges ranges = Opened(100, 7);
  ranges.Clip({0}, {300}, {250});
  ranges.Open({400}, 9);
  const std::string bytes = ranges.Encode();
  EXPECT_EQ(*CrcRanges::Decode(bytes), ranges);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(CrcRanges::Decode(bad).ok()) << at;
    EXPECT_FALSE(CrcRanges::Decode(std::string_view(bytes).substr(0, at)).ok()) << at;
  }
  std::string newer = bytes;
  newer[7] = 2;
  EXPECT_EQ(CrcRanges::Decode(newer).status().code(), StatusCode::kNotSupported);
}

class RecordCrcTest : public StoreTest {
 protected:
  std::string Content(const std::string& path) {
    auto content = ReadWholeFile(files(), path, uint64_t{1} << 30);
    EXPECT_TRUE(content.ok()) << content.status().ToString();
    return content.ok() ? *content : "";
  }
  void Write(const std::string& path, uint64_t at, std::string_view bytes) {
    auto file = files().Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const std::string_view pieces[] = {bytes};
    ASSERT_TRUE((*file)->WriteAt(at, pieces).ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  void Replace(const std::string& path, std::string_view content) {
    (void)files().Remove(path);
    Write(path, 0, content);
  }
  // What Apache's broker leaves when it works in the directory after ours was killed: an abort file of its
  // own, and records without our CRC, one of them with the CRC of another message (a retry that was stored
  // again).
  LogOffset AppendAsApache(LogOffset at, QueueOffset queue_offset, const std::string& body, bool stale_crc) {
    RecordDraft draft{.bytes = {}, .record_count = 0, .crc = RecordCrc::kNone};
    TestMessage message{.body = body};
    if (stale_crc)
      message.extra_properties =
          "__CRC32#\x01"
          "1234567890\x02";
    AddToDraft(message, draft);
    PatchRecord(draft.bytes.data(), {queue_offset, at, FromEpochMillis(1700000000001)}, RecordCrc::kNone);
    Write(kSegment, static_cast<uint64_t>(at.value), draft.bytes);
    return at + static_cast<int64_t>(draft.bytes.size());
  }
  std::vector<CrcRanges::Range> Marked() { return CrcRanges::Decode(Content(kMarker))->ranges(); }
  bool Logged(std::string_view text) {
    for (const std::string& line : log_.lines()) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(RecordCrcTest, EveryStoredRecordEndsInItsCrc) {
  Open();
  AppendMany(20, {.tags = "A"});
  AppendMany(20, {});
  Settle();
  for (int64_t i = 0; i < 40; ++i) {
    const auto slice = store().Read({"T", 0}, {i}, {.messages_max = 1}, nullptr);
    ASSERT_EQ(slice.status, ReadStatus::kFound);
    const auto view = DecodeMessage(slice.records[0].view(), BodyCheck::kVerifyCrc);
    EXPECT_EQ(CheckRecordCrc(slice.records[0].view(), *view), RecordCrcCheck::kMatches);
  }
  ASSERT_TRUE(Close().ok());
  Boot();
  ASSERT_EQ(Marked().size(), 1u);
  EXPECT_EQ(Marked()[0].begin.value, 0);
  EXPECT_NE(Marked()[0].end, CrcRanges::kOpen);
}

TEST_F(RecordCrcTest, TornHeader_IsFoundWithTheMarkerOnly) {
  for (const bool marker : {true, false}) {
    options.root = marker ? "/store" : "/store2";
    const std::string segment = options.root + "/commitlog/00000000000000000000";
    Open();
    AppendMany(3, {});
    const LogOffset end = store().watermarks().appended;
    Crash(Loss::kProcess);
    Boot();
    const auto last = static_cast<uint64_t>(end.value) / 3 * 2;
    Write(segment, last + 40, "\x01");  // Born time: nothing of Apache's format covers it.
    if (!marker) {
      ASSERT_TRUE(files().Remove(options.root + "/orbitmq/record_crc").ok());
    }
    Open();
    EXPECT_EQ(Bodies("T", 0).size(), marker ? 2u : 3u);
    ASSERT_TRUE(Close().ok());
  }
}

TEST_F(RecordCrcTest, ApacheWorkedAfterOurCrash_ItsRecordsStay) {
  Open();
  AppendMany(5, {});
  Pass(seconds(6));  // A checkpoint.
  AppendMany(5, {}, "late");
  LogOffset at = store().watermarks().appended;
  Crash(Loss::kProcess);
  Boot();
  Replace(kAbort, "77");
  at = AppendAsApache(at, {10}, "apache0", false);
  at = AppendAsApache(at, {11}, "apache1", true);
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 12u);
  EXPECT_EQ(store().recovery().truncated_bytes, 0);
  // What we wrote before stays checked, what follows is checked anew.
  const auto ranges = Marked();
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].begin.value, 0);
  EXPECT_EQ(ranges[1].begin, at);
  EXPECT_EQ(Append({.body = "ours"}).queue_offset.value, 12);
  Crash(Loss::kPower);
  Open();
  EXPECT_GE(Bodies("T", 0).size(), 12u);
}

// 4.9.7 leaves an abort file that is there as it is; only `lock` tells of it.
TEST_F(RecordCrcTest, OldApacheWorkedAfterOurKill_ItsRecordsStay) {
  Open();
  AppendMany(5, {});
  LogOffset at = store().watermarks().appended;
  Crash(Loss::kProcess);
  Boot();
  at = AppendAsApache(at, {5}, "apache0", false);
  at = AppendAsApache(at, {6}, "apache1", true);
  Write("/store/lock", 0, "lock");
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 7u);
  EXPECT_EQ(store().recovery().truncated_bytes, 0);
  EXPECT_EQ(Marked().back().begin, at);
}

TEST_F(RecordCrcTest, ApacheWorkedAfterOurOrderlyExit_ItsRecordsStay) {
  Open();
  AppendMany(5, {});
  LogOffset at = store().watermarks().appended;
  ASSERT_TRUE(Close().ok());
  Boot();
  const LogOffset ours = at;
  at = AppendAsApache(at, {5}, "apache0", true);
  Replace(kAbort, "77");
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 6u);
  const auto ranges = Marked();
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].end, ours);
  EXPECT_EQ(ranges[1].begin, at);
}

TEST_F(RecordCrcTest, ApacheCutTheLogBelowOurEnd_TheRangeIsForgotten) {
  Open();
  AppendMany(6, {});
  const LogOffset end = store().watermarks().appended;
  ASSERT_TRUE(Close().ok());
  Boot();
  // It found the last record rotten, and went on before it; its record is as long as ours was.
  const LogOffset cut{end.value / 6 * 5};
  AppendAsApache(cut, {5}, "apache" + std::string(16, 'x'), false);
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 6u);
  EXPECT_TRUE(Logged("record CRCs of a part of the log are not checked"));
  ASSERT_EQ(Marked().size(), 1u);
  EXPECT_EQ(Marked()[0].begin, end);
}

TEST_F(RecordCrcTest, SwitchedOffAndOn_TheMarkerFollows) {
  Open();
  AppendMany(3, {});
  const LogOffset first = store().watermarks().appended;
  ASSERT_TRUE(Close().ok());
  options.record_crc = RecordCrc::kNone;
  Open();
  AppendMany(3, {}, "plain");
  const LogOffset second = store().watermarks().appended;
  EXPECT_EQ(Content(kAbort), StrCat(env().identity().pid));
  Crash(Loss::kProcess);
  options.record_crc = RecordCrc::kWhole;
  Open();
  AppendMany(3, {}, "again");
  Crash(Loss::kProcess);
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 9u);
  ASSERT_EQ(Marked().size(), 2u);
  EXPECT_EQ(Marked()[0].end, first);
  EXPECT_EQ(Marked()[1].begin, second);
}

TEST_F(RecordCrcTest, PowerCutAtTheStart_OldRecordsStayReadable) {
  // The marker is replaced before `abort` is: at any cut the older records are not misjudged.
  Open();
  AppendMany(5, {});
  ASSERT_TRUE(Close().ok());
  for (int round = 0; round < 10; ++round) {
    Open();
    Crash(Loss::kPower);
    Open();
    Append({.body = StrCat("r", round)});
    Settle();
    EXPECT_EQ(Bodies("T", 0).size(), static_cast<size_t>(6 + round));
    ASSERT_TRUE(Close().ok());
  }
}

TEST_F(RecordCrcTest, DamagedMarker_FallsBackAndSaysSo) {
  Open();
  AppendMany(3, {});
  ASSERT_TRUE(Close().ok());
  Boot();
  Write(kMarker, 9, "garbage");
  Open();
  EXPECT_EQ(Bodies("T", 0).size(), 3u);
  EXPECT_TRUE(Logged("a file is damaged file=/store/orbitmq/record_crc"));
}

TEST_F(RecordCrcTest, NewerMarker_IsRefused) {
  Open();
  ASSERT_TRUE(Close().ok());
  Boot();
  Write(kMarker, 7, "\x09");
  const Status opened = TryOpen();
  EXPECT_EQ(opened.code(), StatusCode::kNotSupported) << opened.ToString();
  EXPECT_NE(opened.text().find("record_crc"), std::string_view::npos) << opened.ToString();
  EXPECT_NE(opened.text().find("newer version (format 9"), std::string_view::npos) << opened.ToString();
}

}  // namespace
}  // namespace orbitmq::store

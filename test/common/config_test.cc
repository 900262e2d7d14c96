// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/config.h"
#include "common/random.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

enum class Flush : uint8_t { kAsync, kSync };
inline constexpr std::string_view kFlushNames[] = {"ASYNC_FLUSH", "SYNC_FLUSH"};
inline constexpr std::string_view kIgnored[] = {"useEpollNativeSelector", "aclEnable"};

struct Options {
  int32_t listen_port = 10911;
  int64_t segment_bytes = 1 << 30;
  bool auto_create = true;
  double ratio = 0.75;
  std::string name = "b0";
  Millis period{30000};
  Flush flush = Flush::kAsync;
};

struct OtherOptions {
  int32_t listen_port = 0;
  std::string root = "/data";
};

const OptionTable<Options>& Table() {
  static const OptionTable<Options> table(
      {
          IntOption<&Options::listen_port>("listenPort", {0, 65535}, Reload::kNo, "The port | of clients."),
          IntOption<&Options::segment_bytes>("segmentBytes", {1, int64_t{1} << 40}, Reload::kNo, "Bytes."),
          BoolOption<&Options::auto_create>("autoCreateTopicEnable", Reload::kYes, "Makes topics."),
          DoubleOption<&Options::ratio>("ratio", {0, 1}, Reload::kYes, "A part."),
          TextOption<&Options::name>("brokerName", Reload::kNo, "The name."),
          MillisOption<&Options::period>("period", {1000, 60000}, Reload::kYes, "How often, ms."),
          ChoiceOption<&Options::flush>("flushDiskType", kFlushNames, Reload::kNo, "When to sync."),
      },
      kIgnored);
  return table;
}

const OptionTable<OtherOptions>& OtherTable() {
  static const OptionTable<OtherOptions> table({
      IntOption<&OtherOptions::listen_port>("listenPort", {}, Reload::kNo, "The same key."),
      TextOption<&OtherOptions::root>("root", Reload::kNo, "A path."),
  });
  return table;
}

ConfigReport Apply(Options& options, std::string_view file, ApplyMode mode = ApplyMode::kStart) {
  const auto entries = ParseProperties(file, "broker.conf");
  EXPECT_TRUE(entries.ok()) << entries.status().text();
  return ApplyConfig({Table().Bind(options)}, *entries, mode);
}

TEST(ParseProperties, JavaText_GivesWhatAJvmGives) {
  // Checked with java.util.Properties of OpenJDK 17, apart from the blanks after "2".
  const auto entries = ParseProperties(
      "# c\n! c\n\nplain=1\n  indented = 2  \ncolon:3\nblank 4\nkey\\ with\\=odd=5\nlong=a\\\n   b\\\n   c\n"
      "even=x\\\\\nnext=y\nuni=\\u4e2d\\u0041\ntab=\\tq\nempty=\nnovalue\nmulti==6\nlastslash=z\\",
      "f");
  ASSERT_TRUE(entries.ok()) << entries.status().text();
  std::map<std::string, std::string> map;
  for (const ConfigEntry& entry : *entries) map[entry.key] = entry.value;
  const std::map<std::string, std::string> expected = {{"blank", "4"},
                                                       {"colon", "3"},
                                                       {"empty", ""},
                                                       {"even", "x\\"},
                                                       {"indented", "2"},
                                                       {"key with=odd", "5"},
                                                       {"lastslash", "z"},
                                                       {"long", "abc"},
                                                       {"multi", "=6"},
                                                       {"next", "y"},
                                                       {"novalue", ""},
                                                       {"plain", "1"},
                                                       {"tab", "\tq"},
                                                       {"uni",
                                                        "\xE4\xB8\xAD"
                                                        "A"}};
  EXPECT_EQ(map, expected);
}

TEST(ParseProperties, Origins_CountNaturalLines) {
  const auto entries = ParseProperties("\xEF\xBB\xBF# x\r\na=1\r\nlong=1\\\r\n 2\r\n\r\nb=2", "f.conf");
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].origin, "f.conf:2");
  EXPECT_EQ((*entries)[1].origin, "f.conf:3");
  EXPECT_EQ((*entries)[1].value, "12");
  EXPECT_EQ((*entries)[2].origin, "f.conf:6");
}

TEST(ParseProperties, SurrogatePair_BecomesOneCodePoint) {
  EXPECT_EQ((*ParseProperties("a=\\ud83d\\ude00", "f"))[0].value, "\xF0\x9F\x98\x80");
  EXPECT_EQ((*ParseProperties("a=\\ud83dx", "f"))[0].value, "\xEF\xBF\xBDx");
}

TEST(ParseProperties, BadText_NamesFileAndLine) {
  EXPECT_EQ(ParseProperties("a=1\nb=\\u12", "x.conf").status().text(),
            "x.conf:2: b: \\u needs four hex digits");
  EXPECT_EQ(ParseProperties("a=1\n=1", "x.conf").status().text(),
            "x.conf:2: no key before the separator; expected key=value");
  EXPECT_TRUE(ParseProperties("", "f")->empty());
}

TEST(ParseProperties, RandomBytes_NeverCrashAndNeverGiveEmptyKeys) {
  Random random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t n = random.Below(40); n > 0; --n) text += "a= :\\\n\r\tu0#!\xFF"[random.Below(13)];
    const auto entries = ParseProperties(text, "f");
    if (!entries.ok()) continue;
    for (const ConfigEntry& entry : *entries) EXPECT_FALSE(entry.key.empty());
  }
}

TEST(ParseSetting, Argument_NeedsAKeyAndEquals) {
  const auto entry = ParseSetting(" listenPort = 5=6 ", "--set");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->key, "listenPort");
  EXPECT_EQ(entry->value, "5=6");
  EXPECT_EQ(ParseSetting("listenPort", "--set").status().text(), "--set: \"listenPort\": expected key=value");
  EXPECT_FALSE(ParseSetting("=1", "--set").ok());
}

TEST(ApplyConfig, EveryType_IsSet) {
  Options options;
  const ConfigReport report = Apply(options,
                                    "listenPort=1\nsegmentBytes=2\nautoCreateTopicEnable=FALSE\nratio=0.5\n"
                                    "brokerName=my broker\nperiod=1000\nflushDiskType=sync_flush\n");
  EXPECT_TRUE(report.status().ok()) << report.status().text();
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(report.changed.size(), 7u);
  EXPECT_EQ(options.listen_port, 1);
  EXPECT_EQ(options.segment_bytes, 2);
  EXPECT_FALSE(options.auto_create);
  EXPECT_EQ(options.ratio, 0.5);
  EXPECT_EQ(options.name, "my broker");
  EXPECT_EQ(options.period, Millis(1000));
  EXPECT_EQ(options.flush, Flush::kSync);
}

TEST(ParseProperties, WhatIsNoText_IsRefusedWithItsLine) {
  const auto refusal = [](std::string_view text) {
    const auto entries = ParseProperties(text, "broker.conf");
    EXPECT_EQ(entries.status().code(), StatusCode::kInvalidArgument);
    return std::string(entries.status().text());
  };
  EXPECT_NE(refusal({"a=1\nb=\0\n", 8}).find("broker.conf:2: this is no text file"), std::string::npos);
  EXPECT_NE(refusal("\x7F"
                    "ELF\x02\x01")
                .find("broker.conf:1: this is no text file"),
            std::string::npos);
  EXPECT_NE(refusal("# \x01\n").find("broker.conf:1:"), std::string::npos) << "in comments too";
  EXPECT_NE(refusal("a=1\n\nb=\xC3\x28\n").find("broker.conf:3: key or value is no UTF-8"),
            std::string::npos);
  // Comments in other encodings are met in the wild.
  EXPECT_EQ(ParseProperties("# \xD6\xD0\na=1\n", "broker.conf")->size(), 1u);
}

TEST(EditProperties, Settings_ReplaceTheirLinesAndKeepTheRest) {
  const std::string text = "# head\r\na = 1\r\n\n  b: two \\\n   words\n! end\nc=3";
  const auto edit = [&](std::vector<ConfigEntry> settings) { return EditProperties(text, settings); };
  EXPECT_EQ(edit({}), text + "\n");
  EXPECT_EQ(edit({{"a", "9", ""}}), "# head\r\na=9\n\n  b: two \\\n   words\n! end\nc=3\n");
  EXPECT_EQ(edit({{"b", "x", ""}, {"d", "4", ""}, {"b", " y", ""}}),
            "# head\r\na = 1\r\n\nb=\\ y\n! end\nc=3\nd=4\n");
  EXPECT_EQ(edit({{"c", "33", ""}}), "# head\r\na = 1\r\n\n  b: two \\\n   words\n! end\nc=33\n");
  EXPECT_EQ(EditProperties("", std::vector<ConfigEntry>{{"a", "1", ""}}), "a=1\n");
  EXPECT_EQ(EditProperties("\xEF\xBB\xBF"
                           "a=1\n",
                           std::vector<ConfigEntry>{{"a", "2", ""}}),
            "\xEF\xBB\xBF"
            "a=2\n");
  EXPECT_EQ(EditProperties("a=1\na=2\n", std::vector<ConfigEntry>{{"a", "3", ""}}), "a=3\na=3\n");
}

TEST(ApplyConfig, BadValues_NameOriginKeyValueAndRange) {
  Options options;
  const ConfigReport report =
      Apply(options,
            "listenPort=65536\nsegmentBytes=1g\nautoCreateTopicEnable=yes\nratio=1.5\n"
            "period=99999999999999999999\nflushDiskType=NEVER\nlistenPort=\n");
  EXPECT_EQ(report.errors,
            (std::vector<std::string>{
                "broker.conf:1: listenPort: \"65536\" not in range 0..65535",
                "broker.conf:2: segmentBytes: \"1g\" is no whole number (plain decimal, no unit)",
                "broker.conf:3: autoCreateTopicEnable: \"yes\" is neither true nor false",
                "broker.conf:4: ratio: \"1.5\" not in range 0..1",
                "broker.conf:5: period: \"99999999999999999999\" not in range 1000..60000",
                "broker.conf:6: flushDiskType: \"NEVER\" is none of ASYNC_FLUSH, SYNC_FLUSH",
                "broker.conf:7: listenPort: \"\" is no whole number (plain decimal, no unit)",
            }));
  EXPECT_EQ(report.status().code(), StatusCode::kInvalidArgument);
}

TEST(ApplyConfig, OneError_ChangesNothing) {
  Options options;
  const ConfigReport report = Apply(options, "brokerName=other\nlistenPort=x\n");
  EXPECT_FALSE(report.status().ok());
  EXPECT_EQ(options.name, "b0");
  EXPECT_TRUE(report.changed.empty());
}

TEST(ApplyConfig, UnknownKeys_WarnWithTheNearestName) {
  Options options;
  const ConfigReport report = Apply(options, "listenport=1\nwhatIsThis=2\n");
  EXPECT_TRUE(report.status().ok());
  EXPECT_EQ(report.warnings, (std::vector<std::string>{
                                 "broker.conf:1: listenport: unknown key, ignored; did you mean listenPort?",
                                 "broker.conf:2: whatIsThis: unknown key, ignored"}));
  EXPECT_EQ(options.listen_port, 10911);
}

TEST(ApplyConfig, AcceptedKeysOfApache_AreNotedNotWarned) {
  Options options;
  const ConfigReport report = Apply(options, "aclEnable=true\n");
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(report.notes, std::vector<std::string>{"broker.conf:1: aclEnable: accepted, has no effect here"});
}

TEST(ApplyConfig, TwiceInOneFile_WarnsAndTheLastCounts) {
  Options options;
  const ConfigReport report = Apply(options, "listenPort=1\nlistenPort=2\n");
  EXPECT_EQ(options.listen_port, 2);
  EXPECT_EQ(
      report.warnings,
      std::vector<std::string>{"broker.conf:2: listenPort: given before at broker.conf:1; this one counts"});
}

TEST(ApplyConfig, CommandLine_OverridesTheFileSilently) {
  Options options;
  auto entries = *ParseProperties("listenPort=1\n", "broker.conf");
  entries.push_back(*ParseSetting("listenPort=2", "--set"));
  const ConfigReport report = ApplyConfig({Table().Bind(options)}, entries, ApplyMode::kStart);
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(options.listen_port, 2);
}

TEST(ApplyConfig, KeyOfTwoTables_SetsBoth) {
  Options options;
  OtherOptions other;
  const auto entries = *ParseProperties("listenPort=7\nroot=/x\n", "broker.conf");
  const ConfigReport report =
      ApplyConfig({Table().Bind(options), OtherTable().Bind(other)}, entries, ApplyMode::kStart);
  EXPECT_TRUE(report.status().ok());
  EXPECT_EQ(options.listen_port, 7);
  EXPECT_EQ(other.listen_port, 7);
  EXPECT_EQ(other.root, "/x");
}

TEST(ApplyConfig, Reload_RefusesOnlyRealChangesOfFixedOptions) {
  Options options;
  ConfigReport report = Apply(options, "listenPort=10911\nratio=0.25\n", ApplyMode::kReload);
  EXPECT_TRUE(report.status().ok()) << report.status().text();
  EXPECT_EQ(report.changed, std::vector<std::string>{"ratio"});
  EXPECT_EQ(options.ratio, 0.25);
  report = Apply(options, "listenPort=1\nratio=0.5\n", ApplyMode::kReload);
  EXPECT_EQ(report.errors,
            std::vector<std::string>{
                "broker.conf:1: listenPort: cannot change while running; restart with the new value"});
  EXPECT_EQ(options.ratio, 0.25);
}

TEST(RenderProperties, Text_ReadsBackTheSame) {
  Options options;
  options.name = " two\\lines\n\ttab = x ";
  options.flush = Flush::kSync;
  options.ratio = 0.1;
  const std::string text = RenderProperties({Table().Bind(options)});
  EXPECT_NE(text.find("listenPort=10911\n"), std::string::npos);
  EXPECT_NE(text.find("flushDiskType=SYNC_FLUSH\n"), std::string::npos);
  Options back;
  EXPECT_TRUE(Apply(back, text).status().ok());
  EXPECT_EQ(back.name, options.name);
  EXPECT_EQ(back.flush, options.flush);
  EXPECT_EQ(back.ratio, 0.1);
}

TEST(RenderMarkdown, Table_ShowsDefaultsAndRanges) {
  Options options;
  const std::string text = RenderMarkdown("Broker", Table().Bind(options));
  EXPECT_TRUE(text.starts_with("## Broker\n\n| Key |"));
  EXPECT_NE(text.find("| `listenPort` | int32 | `10911` | 0..65535 | restart | The port \\| of clients. |\n"),
            std::string::npos);
  EXPECT_NE(text.find("| `flushDiskType` | choice | `ASYNC_FLUSH` | ASYNC_FLUSH, SYNC_FLUSH | restart |"),
            std::string::npos);
  EXPECT_NE(text.find("| `autoCreateTopicEnable` | bool | `true` | true, false | yes |"), std::string::npos);
  EXPECT_NE(text.find("`aclEnable`, `useEpollNativeSelector`"), std::string::npos);
}

TEST(OptionTableDeathTest, OneNameTwice_Aborts) {
  const OptionTable<Options> twice({BoolOption<&Options::auto_create>("x", Reload::kNo, ""),
                                    TextOption<&Options::name>("x", Reload::kNo, "")});
  Options options;
  EXPECT_DEATH(ApplyConfig({twice.Bind(options)}, {}, ApplyMode::kStart), "one name twice");
}

}  // namespace
}  // namespace orbitmq

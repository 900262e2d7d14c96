// SPDX-License-Identifier: Apache-2.0
// Texts that users and peers write: message properties, .properties files, tag expressions, addresses, names.
#include <string>
#include <vector>

#include "common/check.h"
#include "common/config.h"
#include "common/delay_levels.h"
#include "common/endpoint.h"
#include "common/log.h"
#include "common/message_properties.h"
#include "common/names.h"
#include "common/strings.h"
#include "common/tag_filter.h"
#include "common/utf8.h"
#include "test/fuzz/fuzz_driver.h"

namespace orbitmq {
namespace {

struct Options {
  int32_t number = 5;
  std::string text;
  bool flag = false;
};

const OptionTable<Options>& Table() {
  static const OptionTable<Options> table({IntOption<&Options::number>("number", {0, 9}, Reload::kYes, ""),
                                           TextOption<&Options::text>("text", Reload::kNo, ""),
                                           BoolOption<&Options::flag>("flag", Reload::kNo, "")});
  return table;
}

void CheckMessageProperties(std::string_view input) {
  PropertyMap map = PropertiesToMap(input);
  ORBITMQ_CHECK(PropertiesToMap(PropertiesFromMap(map)) == map, "properties read back differently");
  for (const auto& [name, value] : map) {
    ORBITMQ_CHECK(FindProperty(input, name) == value, "FindProperty and the map disagree");
  }
  std::string edited(input);
  SetProperty(edited, "TAGS", "x");
  RemoveProperty(edited, "KEYS");
  map["TAGS"] = "x";
  map.erase("KEYS");
  ORBITMQ_CHECK(PropertiesToMap(edited) == map, "the editors and the map disagree");
}

bool CheckConfig(std::string_view input) {
  const auto entries = ParseProperties(input, "f");
  if (!entries) return false;
  Options options;
  const ConfigReport report = ApplyConfig({Table().Bind(options)}, *entries, ApplyMode::kStart);
  if (!report.status().ok()) return true;
  ORBITMQ_CHECK(options.number >= 0 && options.number <= 9, "a value out of range got through");
  const std::string rendered = RenderProperties({Table().Bind(options)});
  const auto again = ParseProperties(rendered, "again");
  ORBITMQ_CHECK(again.ok(), "rendered properties do not parse");
  Options back;
  ORBITMQ_CHECK(ApplyConfig({Table().Bind(back)}, *again, ApplyMode::kStart).status().ok(), "nor apply");
  ORBITMQ_CHECK(back.text == options.text && back.number == options.number, "rendered properties differ");
  return true;
}

fuzz::Verdict Run(std::string_view input) {
  CheckMessageProperties(input);
  const bool accepted = CheckConfig(input);
  if (const auto subscription = BuildSubscription("T", input)) {
    const TagFilter filter(*subscription);
    for (const std::string& tag : subscription->tags_set) {
      ORBITMQ_CHECK(filter.MatchesCode(TagsCode(tag)) && MatchesTag(*subscription, tag),
                    "a tag misses its filter");
    }
  }
  if (const auto endpoint = ParseEndpoint(input)) {
    const auto again = ParseEndpoint(endpoint->ToString());
    ORBITMQ_CHECK(again.ok() && *again == *endpoint, "an address reads back differently");
  }
  if (const auto levels = ParseDelayLevels(input)) ORBITMQ_CHECK(!levels->empty(), "no delay level");
  ORBITMQ_CHECK(IsUtf8(Printable(input)), "a printable text is no UTF-8");
  ORBITMQ_CHECK(FormatLogLine(input, {{"k", input}}).find('\n') == std::string::npos,
                "a log line was broken");
  (void)CheckTopicName(input);
  (void)CheckGroupName(input);
  return accepted ? fuzz::Verdict::kAccepted : fuzz::Verdict::kRefused;
}

}  // namespace
}  // namespace orbitmq

int main(int argc, char** argv) {
  const std::vector<std::string> corpus = {
      "KEYS\x01k1 k2\x02TAGS\x01TagA\x02UNIQ_KEY\x01"
      "7F000001\x02WAIT\x01true\x02",
      "# comment\nnumber=7\ntext = some \\u4e2d text\\\n  continued\nflag:true\n",
      "TagA || TagB || \xE4\xB8\xAD\xE6\x96\x87",
      "[fe80::1]:10911",
      "localhost:9876",
      "1s 5s 10s 30s 1m 2h 1d",
      "%RETRY%group_name-1|x",
  };
  return orbitmq::fuzz::FuzzMain(argc, argv, {"properties", corpus, orbitmq::Run});
}

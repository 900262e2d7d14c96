// SPDX-License-Identifier: Apache-2.0
// Ours: lines of standard input become messages.
#include <condition_variable>
#include <mutex>

#include "common/strings.h"
#include "orbitmq/producer.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/line_format.h"
#include "tools/mqadmin/line_source.h"
#include "tools/mqadmin/progress_line.h"
#include "tools/mqadmin/sending.h"
#include "tools/mqadmin/session.h"

namespace orbitmq::tools {
namespace {

constexpr size_t kBodyBytesMax = size_t{4} << 20;
constexpr Millis kInterruptLook{200};
constexpr int64_t kRateMax = 1'000'000;

// What is the same for every line.
struct Recipe {
  Message message;        // Without a body.
  std::string separator;  // Not empty: each line begins with its key.
  bool by_key = false;
  int64_t rate = 0;  // Messages per second; 0: as fast as it goes.
};

struct Totals {
  int64_t sent = 0;
  int64_t sent_bytes = 0;
  int64_t failed = 0;
  int64_t not_safe = 0;  // Of those sent: stored, but not flushed or copied in time.
};

// The sends under way, bounded. Threads: any.
class Flight final {
 public:
  // Waits for a free place. False: a send has failed, no more are wanted.
  bool Enter() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return flying_ < kFlyingMax || !failure_.ok(); });
    if (!failure_.ok()) return false;
    ++flying_;
    return true;
  }
  void Ended(int64_t line, size_t bytes, const Result<SendResult>& result) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --flying_;
    if (result.ok()) {
      ++totals_.sent;
      totals_.sent_bytes += static_cast<int64_t>(bytes);
      totals_.not_safe += result->status == SendStatus::kOk ? 0 : 1;
    } else {
      ++totals_.failed;
      if (failure_.ok()) failure_ = result.status().Annotate(StrCat("line ", line));
    }
    changed_.notify_all();
  }
  // Waits until none is under way. The first failure.
  Status Land() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return flying_ == 0; });
    return failure_;
  }
  Totals totals() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return totals_;
  }

 private:
  static constexpr int kFlyingMax = 512;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int flying_ = 0;
  Totals totals_;
  Status failure_;
};

double SecondsSince(Session& session, MonoTime begin) {
  return std::chrono::duration<double>(session.env().clock().Monotonic() - begin).count();
}

Status AddProperties(std::string_view text, Properties& properties) {
  for (const std::string_view piece : Split(text, ',')) {
    const size_t equals = piece.find('=');
    if (equals == std::string_view::npos) {
      return UsageError(StrCat("--properties: '", Printable(piece), "' is no name=value"));
    }
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value = piece.substr(equals + 1);
    if (Status fits = CheckUserProperty(name, value); !fits.ok()) return fits;
    if (!properties.emplace(name, value).second) {
      return UsageError(StrCat("--properties: ", Printable(name), " is given twice"));
    }
  }
  return {};
}

Result<Recipe> ReadRecipe(const Arguments& args) {
  Recipe recipe;
  recipe.message.topic = args.Text("topic");
  recipe.message.tag = args.Text("tags");
  const std::string keys = args.Text("key");
  for (const std::string_view key : Split(keys, ' ')) {
    if (!key.empty()) recipe.message.keys.emplace_back(key);
  }
  if (args.Has("properties")) {
    if (Status added = AddProperties(args.Text("properties"), recipe.message.properties); !added.ok()) {
      return added;
    }
  }
  const int64_t delay = args.Number("delay", 0);
  if (delay < 0 || delay > 18) return UsageError("--delay must be 0 to 18");
  recipe.message.delay_level = static_cast<int32_t>(delay);
  auto separator = Unescape(args.Text("key-separator"));
  if (!separator.ok()) return separator.status().Annotate("--key-separator");
  if (args.Has("key-separator") && separator->empty()) {
    return UsageError("--key-separator is empty; blanks are written \\x20 and \\t");
  }
  recipe.separator = *std::move(separator);
  if (args.Has("key") && !recipe.separator.empty()) {
    return UsageError("give --key or --key-separator, not both");
  }
  recipe.by_key = args.Has("by-key");
  if (recipe.by_key && recipe.separator.empty() && recipe.message.keys.empty()) {
    return UsageError("--by-key needs --key-separator or --key");
  }
  recipe.rate = args.Number("rate", 0);
  if (args.Has("rate") && (recipe.rate < 1 || recipe.rate > kRateMax)) {
    return UsageError(StrCat("--rate must be 1 to ", kRateMax, " messages per second"));
  }
  return recipe;
}

// The message that a line becomes.
Result<Message> MessageOf(const Recipe& recipe, std::string line) {
  Message message = recipe.message;
  if (recipe.separator.empty()) {
    message.body = std::move(line);
    return message;
  }
  auto keyed = SplitKey(line, recipe.separator);
  if (!keyed.ok()) return keyed.status();
  if (keyed->body.empty()) {
    return Status(StatusCode::kFailedPrecondition, "there is nothing behind the key to send");
  }
  message.keys = {std::move(keyed->key)};
  message.body = std::move(keyed->body);
  return message;
}

// One run: reads lines and hands them to `send` (message, line number; false: no more) until the input ends.
class LineFeed final {
 public:
  LineFeed(Session& session, const Recipe& recipe)
      : session_(session),
        recipe_(recipe),
        lines_(session.input(), kBodyBytesMax, [this] { return MayRead(); }) {}

  template <class Send>
  Status Run(Send send) {
    while (true) {
      if (session_.Interrupted()) return {StatusCode::kCancelled, kInterrupted};
      auto line = lines_.Next();
      if (!line.ok()) return line.status();
      if (!line->has_value()) return {};
      if ((*line)->empty()) {
        ++empty_;
        continue;
      }
      auto message = MessageOf(recipe_, **std::move(line));
      if (!message.ok()) return message.status().Annotate(StrCat("line ", lines_.number()));
      if (!session_.dry_run()) KeepPace();
      if (!send(*std::move(message), lines_.number())) return {};
    }
  }
  // Lines without anything on them: a message needs a body.
  int64_t empty() const { return empty_; }

 private:
  // Waits for input, and for the user's wish to end.
  bool MayRead() {
    const auto ready = session_.surroundings().input_ready;
    while (!session_.Interrupted()) {
      if (ready == nullptr || ready(kInterruptLook)) return true;
    }
    return false;
  }
  // Waits until the next message is due.
  void KeepPace() {
    const int64_t number = taken_++;
    if (recipe_.rate == 0) return;
    const MonoTime due = begin_ + std::chrono::nanoseconds(number * 1'000'000'000 / recipe_.rate);
    const Duration wait = due - session_.env().clock().Monotonic();
    if (wait > Duration::zero()) session_.admin().Pause(wait);
  }

  Session& session_;
  const Recipe& recipe_;
  LineSource lines_;
  const MonoTime begin_ = session_.env().clock().Monotonic();
  int64_t taken_ = 0;
  int64_t empty_ = 0;
};

void TellTotals(Session& session, const Totals& totals, int64_t empty, double seconds) {
  Output& out = session.out();
  const double rate = seconds > 0 ? static_cast<double>(totals.sent) / seconds : 0;
  out.Line(StrCat("sent ", Counted(totals.sent, "message"), ", ", CountedBytes(totals.sent_bytes), " in ",
                  JavaFixed(seconds, 2), " s (", JavaFixed(rate, 0), " msgs/s)",
                  totals.failed > 0 ? StrCat(", ", totals.failed, " failed") : std::string(),
                  empty > 0 ? StrCat(", ", Counted(empty, "empty line"), " left out") : std::string()));
  out.Member("sent", StrCat(totals.sent));
  out.Member("bytes", StrCat(totals.sent_bytes));
  out.Member("failed", StrCat(totals.failed));
  TellNotSafe(session, totals.not_safe);
  out.Member("emptyLines", StrCat(empty));
  out.Member("seconds", Cell::Fixed(seconds, 3).json);
  out.Member("messagesPerSecond", Cell::Fixed(rate, 0).json);
}

Status TellPlan(Session& session, const Recipe& recipe) {
  Totals totals;
  LineFeed feed(session, recipe);
  const Status read = feed.Run([&totals](const Message& message, int64_t) {
    ++totals.sent;
    totals.sent_bytes += static_cast<int64_t>(message.body.size());
    return true;
  });
  session.out().Message(StrCat("would send ", Counted(totals.sent, "message"), ", ",
                               CountedBytes(totals.sent_bytes), " to the topic ", recipe.message.topic));
  return read;
}

// What the SDK refuses of one line is a failure of that line, not wrong usage.
Status OfLine(const Status& status) {
  if (!IsUsageError(status)) return status;
  return {StatusCode::kFailedPrecondition, status.text()};
}

Status RunProduce(Session& session) {
  const auto recipe = ReadRecipe(session.args());
  if (!recipe.ok()) return recipe.status();
  // Says what is wrong with the topic or the NameServer before the first line is waited for.
  const auto queues = WritableQueues(session, recipe->message.topic);
  if (!queues.ok()) return queues.status();
  if (session.dry_run()) return TellPlan(session, *recipe);
  ProducerOptions options;
  options.client = session.SdkOptions();
  options.group = "CLI_PRODUCER";
  options.send_timeout = std::chrono::duration_cast<Millis>(session.admin().timeout());
  options.message_bytes_max = kBodyBytesMax;
  auto producer = Producer::Start(std::move(options));
  if (!producer.ok()) return producer.status();
  Flight flight;
  ProgressLine progress(session);
  LineFeed feed(session, *recipe);
  const MonoTime begin = session.env().clock().Monotonic();
  const Status read = feed.Run([&](Message message, int64_t number) {
    if (!flight.Enter()) return false;
    SendOptions chosen;
    if (recipe->by_key) chosen.sharding_key = message.keys.front();
    const size_t bytes = message.body.size();
    producer->SendAsync(std::move(message), std::move(chosen),
                        [&flight, number, bytes](const Result<SendResult>& result) {
                          flight.Ended(number, bytes, result);
                        });
    progress.Update([&] {
      const int64_t sent = flight.totals().sent;
      return StrCat(sent, " sent, ", JavaFixed(static_cast<double>(sent) / SecondsSince(session, begin), 0),
                    " msgs/s");
    });
    return true;
  });
  const Status sent = flight.Land();
  progress.Clear();
  TellTotals(session, flight.totals(), feed.empty(), SecondsSince(session, begin));
  return sent.ok() ? read : OfLine(sent);
}

constexpr OptionSpec kProduce[] = {
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"},
    {"k", "key", ValueKind::kText, Need::kOptional, "the keys of every message, separated by blanks"},
    {"s", "key-separator", ValueKind::kText, Need::kOptional,
     "each line is KEY, this text, BODY; \\t and \\x20 are understood"},
    {"", "by-key", ValueKind::kFlag, Need::kOptional, "messages with the same key go to the same queue"},
    {"c", "tags", ValueKind::kText, Need::kOptional, "the tag of every message"},
    {"p", "properties", ValueKind::kText, Need::kOptional, "of every message: name=value,name=value"},
    {"d", "delay", ValueKind::kInt, Need::kOptional, "deliver later: a level of the broker's table, 1 to 18"},
    {"r", "rate", ValueKind::kLong, Need::kOptional, "at most so many messages per second"}};

constexpr CommandSpec kCommands[] = {
    {"produce", "message", "Sends each line of standard input as a message", kProduce,
     "seq 1000 | mqadmin produce -t orders -c test -r 100", Effect::kChanges, Needs::kNameServer, RunProduce},
};

}  // namespace

std::span<const CommandSpec> ProduceCommands() { return kCommands; }

}  // namespace orbitmq::tools

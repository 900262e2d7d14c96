// SPDX-License-Identifier: Apache-2.0
// The main job in one program: streams a text file, line by line, through a producer into a topic, lets a
// consumer group of two members read it, and proves that every line arrived.
//
//   orbitmq_quickstart --namesrv 127.0.0.1:9876 --file /var/lib/dpkg/status
//
// Exit codes: 0 all lines arrived, 1 something failed or a line is missing or changed, 2 wrong usage.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orbitmq/producer.h"
#include "orbitmq/push_consumer.h"

namespace {

// FIPS 180-4, so that the quickstart needs no library for its proof.
namespace sha256 {

using Digest = std::array<uint32_t, 8>;

constexpr std::array<uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void Block(Digest& state, const unsigned char* block) {
  std::array<uint32_t, 64> w;
  for (size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<uint32_t>(block[4 * i]) << 24 | static_cast<uint32_t>(block[4 * i + 1]) << 16 |
           static_cast<uint32_t>(block[4 * i + 2]) << 8 | block[4 * i + 3];
  }
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  Digest v = state;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
    const uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + kRounds[i] + w[i];
    const uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
    const uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    v = {t1 + t2, v[0], v[1], v[2], v[3] + t1, v[4], v[5], v[6]};
  }
  for (size_t i = 0; i < 8; ++i) state[i] += v[i];
}

Digest Of(std::string_view text) {
  Digest state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t at = 0;
  for (; at + 64 <= text.size(); at += 64) Block(state, bytes + at);
  std::array<unsigned char, 128> last{};
  const size_t rest = text.size() - at;
  for (size_t i = 0; i < rest; ++i) last[i] = bytes[at + i];
  last[rest] = 0x80;
  const size_t size = rest + 9 <= 64 ? 64 : 128;
  const uint64_t bits = uint64_t{text.size()} * 8;
  for (size_t i = 0; i < 8; ++i) last[size - 1 - i] = static_cast<unsigned char>(bits >> (8 * i));
  Block(state, last.data());
  if (size == 128) Block(state, last.data() + 64);
  return state;
}

// A sum over the digests of many texts (mod 2^256) does not depend on their order: two multisets of lines
// with equal counts and equal sums are the same.
void AddTo(Digest& sum, const Digest& digest) {
  uint64_t carry = 0;
  for (size_t i = 8; i-- > 0;) {
    carry += uint64_t{sum[i]} + digest[i];
    sum[i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
}

std::string Hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const uint32_t word : digest) {
    for (int shift = 28; shift >= 0; shift -= 4) out.push_back(kDigits[(word >> shift) & 0xF]);
  }
  return out;
}

}  // namespace sha256

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr size_t kInFlightMax = 2000;  // Sends under way; more are faster only until the broker is busy.
constexpr auto kStallLimit = std::chrono::seconds(30);
constexpr auto kServerStartLimit = std::chrono::seconds(5);

struct Arguments {
  std::string namesrv;
  std::string file;
  std::string topic;
  int32_t queues = 8;
};

// What went in, what came out, and when. The line's number is its index.
class Journal {
 public:
  explicit Journal(size_t line_count) : sent_at_(line_count), seen_(line_count) {}

  void Sending(size_t line, std::string_view text) {
    const sha256::Digest digest = sha256::Of(text);
    const std::lock_guard<std::mutex> lock(mutex_);
    sha256::AddTo(sent_sum_, digest);
    sent_at_[line] = std::chrono::steady_clock::now();
    ++under_way_;
  }

  void Sent(size_t line, const orbitmq::Status& status) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const std::lock_guard<std::mutex> lock(mutex_);
    --under_way_;
    if (status.ok()) {
      ++acknowledged_;
      send_latency_.push_back(Micros(now - sent_at_[line]));
    } else if (failure_.empty()) {
      failure_ = "line " + std::to_string(line + 1) + ": " + status.ToString();
    }
    changed_.notify_all();
  }

  // A message may come twice (delivery is at least once): only the first one counts.
  void Received(size_t line, std::string_view text) {
    const sha256::Digest digest = sha256::Of(text);
    const SteadyTime now = std::chrono::steady_clock::now();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (line >= seen_.size()) {
      failure_ = "a message with an unknown line number arrived";
    } else if (seen_[line]) {
      ++duplicates_;
    } else {
      seen_[line] = true;
      ++received_;
      sha256::AddTo(received_sum_, digest);
      end_to_end_.push_back(Micros(now - sent_at_[line]));
      last_received_ = now;
    }
    changed_.notify_all();
  }

  // Waits a moment at most, until less than `limit` sends are under way; false = not yet.
  bool WaitForRoom(size_t limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return under_way_ < limit; });
  }
  bool WaitForAll() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(100), [&] {
      return !failure_.empty() || (under_way_ == 0 && received_ == seen_.size());
    });
  }

  struct Snapshot {
    size_t lines = 0, acknowledged = 0, received = 0, duplicates = 0;
    std::string failure;
    sha256::Digest sent_sum{}, received_sum{};
    std::vector<uint32_t> send_latency, end_to_end;
    SteadyTime last_received;
    size_t progress() const { return acknowledged + received; }
  };
  enum class Detail { kCounts, kAll };
  Snapshot Read(Detail detail) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    Snapshot snapshot{seen_.size(), acknowledged_, received_, duplicates_, failure_,
                      sent_sum_,    received_sum_, {},        {},          last_received_};
    if (detail == Detail::kAll) {
      snapshot.send_latency = send_latency_;
      snapshot.end_to_end = end_to_end_;
    }
    return snapshot;
  }

 private:
  static uint32_t Micros(std::chrono::steady_clock::duration d) {
    return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<SteadyTime> sent_at_;
  std::vector<bool> seen_;
  size_t under_way_ = 0, acknowledged_ = 0, received_ = 0, duplicates_ = 0;
  std::string failure_;
  sha256::Digest sent_sum_{}, received_sum_{};
  std::vector<uint32_t> send_latency_, end_to_end_;
  SteadyTime last_received_{};
};

// A bar on a terminal, a line every two seconds elsewhere.
class ProgressBar {
 public:
  void Show(const Journal::Snapshot& now) {
    const SteadyTime time = std::chrono::steady_clock::now();
    const auto period = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(2000);
    if (time - shown_ < period) return;
    shown_ = time;
    const size_t percent = now.lines == 0 ? 100 : now.received * 100 / now.lines;
    if (!terminal_) {
      std::printf("%3zu %%  sent %zu, received %zu of %zu lines\n", percent, now.acknowledged, now.received,
                  now.lines);
    } else {
      std::string bar(40, '.');
      std::fill_n(bar.begin(), percent * bar.size() / 100, '#');
      std::printf("\r[%s] %3zu %%  sent %zu  received %zu  of %zu", bar.c_str(), percent, now.acknowledged,
                  now.received, now.lines);
    }
    std::fflush(stdout);
  }
  void End(const Journal::Snapshot& now) {
    if (!terminal_) return;
    shown_ = {};
    Show(now);
    std::printf("\n");
  }

 private:
  const bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  SteadyTime shown_{};
};

// Lines without their ends; an empty one is its end, for a message needs a body.
bool NextLine(std::ifstream& file, std::string& line) {
  if (!std::getline(file, line)) return false;
  if (line.empty() && !file.eof()) line = '\n';
  return !line.empty();
}

size_t CountLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  size_t count = 0;
  while (NextLine(file, line)) ++count;
  return count;
}

double Percentile(std::vector<uint32_t>& micros, double fraction) {
  if (micros.empty()) return 0;
  const auto at = static_cast<size_t>(fraction * static_cast<double>(micros.size() - 1));
  std::nth_element(micros.begin(), micros.begin() + static_cast<ptrdiff_t>(at), micros.end());
  return micros[at] / 1000.0;
}

orbitmq::Result<orbitmq::PushConsumer> StartMember(const Arguments& arguments, const std::string& name,
                                                   Journal& journal, std::atomic<size_t>& share) {
  orbitmq::PushConsumerOptions options;
  options.client.namesrv_addr = arguments.namesrv;
  options.client.instance_name = name;
  options.group = "quickstart-" + arguments.topic;
  options.subscriptions = {{arguments.topic, "*"}};
  options.consume_from = orbitmq::ConsumeFrom::kFirstOffset;
  options.consume_threads = 2;
  options.consume_batch_size = 32;
  return orbitmq::PushConsumer::Start(
      options,
      [&journal, &share](std::span<const orbitmq::ReceivedMessage> messages, orbitmq::ConsumeContext&) {
        share += messages.size();  // Before the journal knows that all are there.
        for (const orbitmq::ReceivedMessage& message : messages) {
          const std::string_view key = message.keys();
          size_t line = SIZE_MAX;
          std::from_chars(key.data(), key.data() + key.size(), line);
          journal.Received(line, message.body());
        }
        return orbitmq::ConsumeResult::kSuccess;
      });
}

orbitmq::Message LineMessage(const std::string& topic, size_t line, std::string text) {
  orbitmq::Message message;
  message.topic = topic;
  message.body = std::move(text);
  message.keys = {std::to_string(line)};
  return message;
}

int Fail(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "\nerror: %s\n", what.c_str());
  return 1;
}

bool SendFile(const Arguments& arguments, orbitmq::Producer& producer, std::ifstream& file, size_t first_line,
              Journal& journal, ProgressBar& bar) {
  std::string text;
  for (size_t line = first_line; NextLine(file, text); ++line) {
    while (!journal.WaitForRoom(kInFlightMax)) bar.Show(journal.Read(Journal::Detail::kCounts));
    if (line % 256 == 0) {
      const auto now = journal.Read(Journal::Detail::kCounts);
      bar.Show(now);
      if (!now.failure.empty()) return false;
    }
    journal.Sending(line, text);
    producer.SendAsync(LineMessage(arguments.topic, line, text), {},
                       [&journal, line](const orbitmq::Result<orbitmq::SendResult>& result) {
                         journal.Sent(line, result.status());
                       });
  }
  return true;
}

int Report(const Journal::Snapshot& done, SteadyTime began, size_t share_a, size_t share_b) {
  const double seconds = std::chrono::duration<double>(done.last_received - began).count();
  auto send = done.send_latency;
  auto through = done.end_to_end;
  std::printf("lines      sent %zu, received %zu (member 1: %zu, member 2: %zu), duplicates %zu\n",
              done.acknowledged, done.received, share_a, share_b, done.duplicates);
  std::printf("sha-256    sent     %s\n           received %s\n", sha256::Hex(done.sent_sum).c_str(),
              sha256::Hex(done.received_sum).c_str());
  std::printf("rate       %.0f msgs/s over %.2f s\n",
              seconds > 0 ? static_cast<double>(done.received) / seconds : 0.0, seconds);
  std::printf("latency    send p50 %.2f ms, p99 %.2f ms; end to end p50 %.2f ms, p99 %.2f ms\n",
              Percentile(send, 0.5), Percentile(send, 0.99), Percentile(through, 0.5),
              Percentile(through, 0.99));
  if (done.received != done.lines || done.sent_sum != done.received_sum) {
    return Fail("what arrived is not what was sent");
  }
  std::printf("OK: every line arrived\n");
  return 0;
}

int Run(const Arguments& arguments) {
  const size_t line_count = CountLines(arguments.file);
  std::ifstream file(arguments.file, std::ios::binary);
  if (!file) return Fail("cannot read '" + arguments.file + "'; give another --file");
  if (line_count == 0) return Fail("'" + arguments.file + "' has no lines; give another --file");
  Journal journal(line_count);
  std::atomic<size_t> share_a{0};
  std::atomic<size_t> share_b{0};
  std::printf("%zu lines of %s into topic %s (%d queues)\n", line_count, arguments.file.c_str(),
              arguments.topic.c_str(), arguments.queues);

  orbitmq::ProducerOptions options;
  options.client.namesrv_addr = arguments.namesrv;
  options.group = "quickstart-producer";
  options.default_topic_queue_count = arguments.queues;
  options.send_timeout = std::chrono::seconds(10);
  auto producer = orbitmq::Producer::Start(options);
  if (!producer.ok()) return Fail(producer.status().ToString());

  // The first line makes the topic, so that both members find it at once.
  const SteadyTime began = std::chrono::steady_clock::now();
  std::string text;
  NextLine(file, text);
  journal.Sending(0, text);
  auto first = producer->Send(LineMessage(arguments.topic, 0, text));
  // A server that is just starting is waited for.
  while (!first.ok() && first.status().retriable() && first.status().persisted() == orbitmq::Persisted::kNo &&
         std::chrono::steady_clock::now() - began < kServerStartLimit) {
    (void)journal.WaitForRoom(0);  // A pause: nothing else is under way.
    first = producer->Send(LineMessage(arguments.topic, 0, text));
  }
  journal.Sent(0, first.status());
  if (!first.ok()) return Fail("line 1: " + first.status().ToString());

  const std::string name = "quickstart-" + std::to_string(::getpid());
  auto member_a = StartMember(arguments, name + "-1", journal, share_a);
  auto member_b = StartMember(arguments, name + "-2", journal, share_b);
  if (!member_a.ok()) return Fail(member_a.status().ToString());
  if (!member_b.ok()) return Fail(member_b.status().ToString());

  ProgressBar bar;
  SendFile(arguments, *producer, file, 1, journal, bar);
  size_t progress = 0;
  SteadyTime moved = std::chrono::steady_clock::now();
  while (!journal.WaitForAll()) {
    const auto now = journal.Read(Journal::Detail::kCounts);
    bar.Show(now);
    if (std::exchange(progress, now.progress()) != now.progress()) moved = std::chrono::steady_clock::now();
    if (std::chrono::steady_clock::now() - moved > kStallLimit) {
      return Fail("nothing moved for 30 s; received " + std::to_string(now.received) + " of " +
                  std::to_string(now.lines) + " lines. Does the broker at " + arguments.namesrv +
                  " still run?");
    }
  }
  const auto done = journal.Read(Journal::Detail::kAll);
  bar.End(done);
  if (!done.failure.empty()) return Fail(done.failure);
  return Report(done, began, share_a, share_b);
}

int Usage(const char* why) {
  std::fprintf(
      stderr,
      "%s\nusage: orbitmq_quickstart --namesrv HOST:PORT --file FILE [--topic NAME] [--queues 1..128]\n",
      why);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  // A fresh topic for every run, so that a second one starts from nothing.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Arguments arguments;
  arguments.topic =
      "quickstart-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--help" || name == "-h")
      return Usage("Streams a file through OrbitMQ and proves that it arrived.") - 2;
    if (i + 1 == argc) return Usage(("no value for " + std::string(name)).c_str());
    const std::string_view value = argv[++i];
    if (name == "--namesrv") {
      arguments.namesrv = value;
    } else if (name == "--file") {
      arguments.file = value;
    } else if (name == "--topic") {
      arguments.topic = value;
    } else if (name == "--queues") {
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), arguments.queues);
      const bool whole = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
      if (!whole || arguments.queues < 1 || arguments.queues > 128) return Usage("--queues must be 1..128");
    } else {
      return Usage(("unknown option " + std::string(name)).c_str());
    }
  }
  if (arguments.namesrv.empty() || arguments.file.empty()) return Usage("--namesrv and --file are needed");
  return Run(arguments);
}

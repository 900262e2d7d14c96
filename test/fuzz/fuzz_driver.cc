// SPDX-License-Identifier: Apache-2.0
#include "test/fuzz/fuzz_driver.h"

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>

#include "common/bytes.h"
#include "common/random.h"
#include "common/strings.h"

// Present in programs built with a sanitizer, which end without a signal.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace orbitmq::fuzz {
namespace {

constexpr size_t kInputBytesMax = size_t{64} << 10;

// What a dying program prints; plain globals because a signal handler reads them.
char repeat_line[512];
size_t repeat_prefix_bytes = 0;
volatile uint64_t current_iteration = 0;

void SayHowToRepeat() {
  char digits[32];
  size_t count = 0;
  uint64_t left = current_iteration;
  do {
    digits[count++] = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left > 0);
  char line[sizeof(repeat_line) + 64];
  size_t size = 0;
  for (; size < repeat_prefix_bytes; ++size) line[size] = repeat_line[size];
  while (count > 0) line[size++] = digits[--count];
  for (const char c : std::string_view(" --iterations 1\n0 passed, 1 failed\n")) line[size++] = c;
  if (::write(STDERR_FILENO, line, size) < 0) return;
}

void OnSignal(int number) {
  SayHowToRepeat();
  ::signal(number, SIG_DFL);
  ::raise(number);
}

struct Flags {
  double seconds = 5;
  uint64_t iterations = std::numeric_limits<uint64_t>::max();
  uint64_t seed = 1;
  uint64_t first = 0;
  std::vector<std::string> files;
  std::string error;
};

// Takes "--name value" and "--name=value".
Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      flags.files.emplace_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    const auto number = ParseInt<uint64_t>(value);
    if (name == "--seconds" && ParseDouble(value)) {
      flags.seconds = *ParseDouble(value);
    } else if (name == "--iterations" && number) {
      flags.iterations = *number;
    } else if (name == "--seed" && number) {
      flags.seed = *number;
    } else if (name == "--first" && number) {
      flags.first = *number;
    } else {
      flags.error = StrCat("cannot understand ", argument);
    }
  }
  return flags;
}

// Numbers at which length checks tend to break.
int64_t TrickyNumber(Random& random) {
  static constexpr int64_t kNumbers[] = {
      0,     1,       -1,      2,         127,       128, 255, 256,       32767,     32768,        65535,
      65536, 1 << 24, 1 << 20, INT32_MAX, INT32_MIN, 7,   8,   INT64_MAX, INT64_MIN, INT32_MAX - 7};
  const int64_t number = kNumbers[random.Below(std::size(kNumbers))];
  return random.Chance(1, 4) ? static_cast<int64_t>(static_cast<uint64_t>(number) + random.Below(9) - 4)
                             : number;
}

template <class T>
void Overwrite(std::string& input, Random& random) {
  if (input.size() < sizeof(T)) return;
  StoreBig<T>(input.data() + random.Below(input.size() - sizeof(T) + 1),
              static_cast<T>(TrickyNumber(random)));
}

// What texts trip over.
std::string_view TrickyText(Random& random) {
  static constexpr std::string_view kTexts[] = {
      "{",     "}",  "[",    "]",    "\"", ":",       ",",      "{{",   "\\u",  "{\"$ref\":", "null",
      "1e999", "-0", "\x01", "\x02", "\\", "\\ud800", "999999", "true", "\xC3", "\n"};
  return kTexts[random.Below(std::size(kTexts))];
}

void MutateOnce(std::string& input, const std::vector<std::string>& corpus, Random& random) {
  const size_t at = random.Below(input.size() + 1);
  switch (random.Below(11)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
      break;
    case 1:
      if (at < input.size()) input[at] = static_cast<char>(random.Below(256));
      break;
    case 2:
      return Overwrite<uint16_t>(input, random);
    case 3:
      return Overwrite<uint32_t>(input, random);
    case 4:
      return Overwrite<uint64_t>(input, random);
    case 5:
      input.resize(at);
      break;
    case 6:
      input.erase(at, random.Below(16));
      break;
    case 7:
      input.insert(at, random.Below(16), static_cast<char>(random.Below(256)));
      break;
    case 8: {  // A piece of itself again, elsewhere.
      const std::string piece = input.substr(at, random.Below(64));
      input.insert(random.Below(input.size() + 1), piece);
      break;
    }
    case 9:
      input.insert(at, TrickyText(random));
      break;
    default: {  // The end of another one.
      const std::string& other = corpus[random.Below(corpus.size())];
      input.resize(at);
      input.append(other, random.Below(other.size() + 1));
    }
  }
}

// Each iteration has a stream of its own, so that one can be repeated alone.
std::string MakeInput(const std::vector<std::string>& corpus, uint64_t seed, uint64_t iteration) {
  Random random(seed * 0x9E3779B97F4A7C15u + iteration);
  std::string input;
  if (random.Chance(1, 50)) {
    input.resize(random.Below(512));
    for (char& c : input) c = static_cast<char>(random.Below(256));
    return input;
  }
  input = corpus[random.Below(corpus.size())];
  const uint64_t rounds = random.Chance(1, 20) ? 0 : 1 + random.Below(6);
  for (uint64_t i = 0; i < rounds; ++i) MutateOnce(input, corpus, random);
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  return input;
}

// A copy of exactly the right size, so that a sanitizer sees a read of one byte too many.
Verdict RunExactly(const FuzzCase& fuzz_case, const std::string& input) {
  const std::vector<char> exact(input.begin(), input.end());
  return fuzz_case.run(std::string_view(exact.data(), exact.size()));
}

int RunFiles(const FuzzCase& fuzz_case, const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot open %s\n0 passed, 1 failed\n", path.c_str());
      return 1;
    }
    const std::string input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const bool accepted = RunExactly(fuzz_case, input) == Verdict::kAccepted;
    std::printf("%s: %s\n", path.c_str(), accepted ? "accepted" : "refused");
  }
  std::printf("1 passed, 0 failed\n");
  return 0;
}

void InstallCrashMessage(const char* program, const Flags& flags) {
  const int size = std::snprintf(repeat_line, sizeof(repeat_line), "\nto repeat: %s --seed %llu --first ",
                                 program, static_cast<unsigned long long>(flags.seed));
  repeat_prefix_bytes = std::min(static_cast<size_t>(size), sizeof(repeat_line) - 1);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) ::signal(number, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(SayHowToRepeat);
  // A hang is a finding too: no input may keep a decoder busy for long.
  ::alarm(static_cast<unsigned>(flags.seconds * 4) + 60);
}

}  // namespace

int FuzzMain(int argc, char** argv, FuzzCase fuzz_case) {
  const Flags flags = ParseFlags(argc, argv);
  if (!flags.error.empty()) {
    std::fprintf(stderr, "%s\nusage: %s [--seconds S] [--iterations N] [--seed N] [--first N] [FILE...]\n",
                 flags.error.c_str(), argv[0]);
    return 2;
  }
  if (!flags.files.empty()) return RunFiles(fuzz_case, flags.files);
  ORBITMQ_CHECK(!fuzz_case.corpus.empty(), "a fuzz case needs a corpus");
  InstallCrashMessage(argv[0], flags);
  const std::clock_t begin = std::clock();
  uint64_t accepted = 0;
  uint64_t done = 0;
  for (; done < flags.iterations; ++done) {
    const double spent = static_cast<double>(std::clock() - begin) / static_cast<double>(CLOCKS_PER_SEC);
    if (done % 64 == 0 && spent > flags.seconds) break;
    current_iteration = flags.first + done;
    const std::string input = MakeInput(fuzz_case.corpus, flags.seed, current_iteration);
    if (RunExactly(fuzz_case, input) == Verdict::kAccepted) ++accepted;
  }
  std::printf("fuzz %.*s: seed %llu, %llu inputs from %zu, %llu accepted\n1 passed, 0 failed\n",
              static_cast<int>(fuzz_case.name.size()), fuzz_case.name.data(),
              static_cast<unsigned long long>(flags.seed), static_cast<unsigned long long>(done),
              fuzz_case.corpus.size(), static_cast<unsigned long long>(accepted));
  return 0;
}

}  // namespace orbitmq::fuzz

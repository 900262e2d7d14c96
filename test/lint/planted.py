# SPDX-License-Identifier: Apache-2.0
"""Planted offences, innocent look-alikes and tricky braces: what tidy_test.py proves the rules with."""

C = "// SPDX-License-Identifier: Apache-2.0\n"
H = C + "#pragma once\n"


def _source(line):
    """A production file with one line of code."""
    return {"store/a.cc": C + line + "\n"}


# Rule -> planted trees. Each tree holds exactly one offence, in its first file.
OFFENCES = {
    "include-edges": [
        {"store/a.cc": C + '#include "remoting/b.h"\n', "remoting/b.h": H},
        {"common/a.h": H + '#include "store/b.h"\n', "store/b.h": H},
        {"broker/a.cc": C + '#include "namesrv/namesrv.h"\n', "namesrv/namesrv.h": H},
        {"broker/a.cc": C + '#include "client/b.h"\n', "client/b.h": H},
        {"store/a.cc": C + '#include "orbitmq/producer.h"\n', "client/include/orbitmq/producer.h": H},
        {"store/a.cc": C + '#include "b.h"\n', "store/b.h": H},
        {"client/include/orbitmq/a.h": H + '#include "common/b.h"\n', "common/b.h": H},
        {"example/a.cc": C + '#include "common/b.h"\n', "common/b.h": H},
        {"broker/state/a.cc": C + '#include "broker/admin/b.h"\n', "broker/admin/b.h": H},
        {"broker/a.cc": C + '#include "broker/state/b.h"\n', "broker/state/b.h": H},
        {"broker/admin/a.cc": C + '#include "namesrv/b.h"\n', "namesrv/b.h": H},
    ],
    "simulation-stays-in-tests": [
        {"bench/a.cc": C + '#include "test/sim/sim_env.h"\n', "test/sim/sim_env.h": H},
    ],
    "third-party-includes": [
        {"remoting/rpc_client.cc": C + "#include <event2/event.h>\n"},
        {"broker/broker.cc": C + '#include "common/process/file_logger.h"\n'},
        {"remoting/protocol/route.cc": C + "#include <rapidjson/reader.h>\n"},
        {"broker/a.cc": C + "#include <openssl/ssl.h>\n"},
        {"store/a.cc": C + "#include <gflags/gflags.h>\n"},
        {"store/a.cc": C + "#include <zlib.h>\n"},
        {"store/a.cc": C + "#include <gtest/gtest.h>\n"},
        {"common/include/orbitmq/a.h": H + "#include <lz4.h>\n"},
    ],
    "include-cycles": [
        {"store/b.h": H + '#include "store/a.h"\n', "store/a.h": H + '#include "store/c.h"\n',
         "store/c.h": H + '#include "store/b.h"\n'},
    ],
    "own-header-first": [
        {"store/a.cc": C + '#include <string>\n\n#include "store/a.h"\n', "store/a.h": H},
    ],
    "pragma-once": [{"store/a.h": C + "int a;\n"}, {"store/a.h": C + "// #pragma once\n"}],
    "light-headers": [{"store/a.h": H + "#include <iostream>\n"}],
    "registered-sources": [
        {"test/store/a_test.cc": C, "test/store/CMakeLists.txt": "SRCS b_test.cc"},
        {"store/a.cc": C, "store/CMakeLists.txt": "SRCS aa.cc x/a.cc"},
        {"store/a.cc": C, "broker/CMakeLists.txt": "SRCS a.cc"},
    ],
    "packages-listed": [
        {"CMakeLists.txt": "find_package(Boost REQUIRED)\n"},
        {"CMakeLists.txt": "pkg_check_modules(X REQUIRED IMPORTED_TARGET libfoo)\n"},
        {"CMakeLists.txt": "find_package(spdlog)\n", "cmake/deps.sh": "libspdlog-dev"},
        {"CMakeLists.txt": "find_package(spdlog)\n", "docs/DEPENDENCIES.md": "libspdlog-dev"},
    ],
    "no-globbing": [{"store/CMakeLists.txt": "file(GLOB sources *.cc)\n"}],
    "file-length": [{"store/a.cc": C + "\n" * 600}, {"test/x.py": "#\n" * 601}],
    "function-length": [
        {"store/a.cc": C + "int F() {\n" + "  G();\n" * 69 + "}\n"},
        {"store/a.h": H + "class A {\n public:\n  void F() const {\n" + "\n" * 69 + "  }\n};\n"},
        {"test/x.py": "def f():\n" + "    g()\n" * 70},
        {"store/a.cc": C + "int F() {\n#if X\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n}\n"},
    ],
    "line-length": [{"store/a.cc": C + "x" * 111 + "\n"}],
    "banned-calls": [_source(line) for line in (
        "std::thread t;", "std::jthread t;", "auto f = std::async(G);", "pthread_create(&t, 0, F, 0);",
        "std::this_thread::sleep_for(x);", "usleep(3);", "  ::sleep(1);", "  sleep(1);",
        "auto t = std::chrono::system_clock::now();", "std::chrono::steady_clock::time_point p;",
        "clock_gettime(CLOCK_REALTIME, &t);", "auto t = ::time(nullptr);", "auto t = time(NULL);",
        "int r = rand();", "srand(3);", "long r = ::random();", "std::random_device d;", "std::mt19937_64 r;",
        "int fd = ::open(p, 0);", "auto* f = fopen(p, m);", "std::ifstream in(p);",
        "std::filesystem::remove(p);", "if (::fdatasync(fd)) {}", "fsync(fd);",
        "void* p = mmap(0, 1, 2, 3, 4, 0);", "::munmap(p, 1);",
        "int s = ::socket(a, b, c);", "::connect(s, a, n);", "getaddrinfo(h, p, &x, &y);",
    )] + [{"test/sim/a.cc": C + "std::thread t;\n"}],
    "sleeps-in-tests": [{"test/store/a_test.cc": C + "std::this_thread::sleep_for(x);\n"},
                        {"test/e2e/a.cc": C + "  sleep(1);\n"}],
    "no-exceptions": [_source('throw Error("x");')],
    "no-using-namespace": [_source("using namespace std;"), {"test/a.cc": C + "using namespace orbitmq;\n"}],
    "type-suffixes": [_source(line) for line in (
        "class TopicManager {};", "struct RouteInfo;", "class StringUtil {};",
        "class ORBITMQ_EXPORT FooImpl {};",
        "enum class TestData { kA };", "using RowData = int;", "class [[nodiscard]] ReadHelper {};",
        "class QueueBase {};")],
    "spdx-line": [{"store/a.cc": "int a;\n"}, {"x.sh": "#!/bin/sh\necho\n"},
                  {"store/a.h": "#pragma once\n" + C},
                  {"store/CMakeLists.txt": "project(x)\n"}],
    "unfinished-work": [_source("// " + word + ": later") for word in ("TODO", "FIXME", "XXX", "HACK")]
    + [{"README.md": "TODO\n"}],
    "switched-off-tests": [
        {"test/a_test.cc": C + "GTEST_SKIP();\n"}, {"test/a_test.cc": C + "TEST(A, DISABLED_B) {}\n"},
        {"test/A.java": "@Disabled\n"}, {"test/a.go": "t.Skip()\n"}, {"test/a.py": "@unittest.skip\n"},
    ],
    "machine-paths": [{"x.sh": "cd /work/main\n"}, {"docs/A.md": "see /root/notes\n"},
                      {"store/a.cc": 'Open("/tmp/store");\n'}, {"x.py": "'/home/me'\n"}],
    "registry-hosts": [{"pom.xml": "<url>https://mirror.corp.internal/maven</url>\n"},
                       {"x.sh": "curl http://10.1.2.3:8081/pypi\n"},
                       {"x.md": "https://notapache.org/\n"}],
}

# Snippets that look like offences to a careless rule.
INNOCENT = [
    ("words in comments and strings", {
        "store/a.cc": C + '#include "store/a.h"\n// std::thread and rand() and ::open() are banned here.\n'
        'const char* kText = "using namespace std; mmap(";\n/* throw\n sleep(1) */\n',
        "store/a.h": H, "store/CMakeLists.txt": C.replace("//", "#") + "orbitmq_module(SRCS a.cc)\n"}),
    ("methods with the names of system calls", {
        "store/a.cc": C + "int F() { return file->open() + Store::open(p) + net.connect(x) + brand(3); }\n"
        "auto t = clock.time(x); Duration timeout(0); files.rename(a, b); poll.rand(); operand(1);\n"
        "Random& random();\n",
        "store/CMakeLists.txt": C.replace("//", "#") + "orbitmq_module(SRCS a.cc)\n"}),
    ("the seam itself", {
        "common/posix_file_system.cc": C + "int fd = ::open(p, 0);\n",
        "remoting/event_loop.cc": C + "#include <event2/event.h>\nstd::thread t;\n",
        "common/CMakeLists.txt": C.replace("//", "#") + "SRCS posix_file_system.cc\n",
        "remoting/CMakeLists.txt": C.replace("//", "#") + "SRCS event_loop.cc\n"}),
    ("allowed edges", {
        "broker/main.cc": C + '#include <gflags/gflags.h>\n\n#include "namesrv/namesrv.h"\n'
        '#include "store/b.h"\n',
        "namesrv/namesrv.h": H + '#include "orbitmq/status.h"\n', "store/b.h": H,
        "common/include/orbitmq/status.h": H + "#include <string>\n",
        "example/e.cc": C + '#include "orbitmq/status.h"\n#include <orbitmq/status.h>\n',
        "broker/admin/a.cc": C + '#include "broker/options.h"\n#include "broker/state/t.h"\n'
        '#include "store/b.h"\n',
        "broker/options.h": H, "broker/state/t.h": H,
        "bench/b.cc": C + '#include "broker/state/t.h"\n',
        "CMakeLists.txt": C.replace("//", "#") + "broker/main.cc broker/admin/a.cc bench/b.cc "
        "example/e.cc\n"}),
    ("wire names, plain nouns and lower-case library types", {
        "store/a.h": H + "struct TopicRouteData;\nclass Database;\nstruct event_base;\nusing Base = int;\n"}),
    ("exact limits", {
        "store/a.cc": C + "int F() {\n" + "  G();\n" * 68 + "}\n" + "x" * 110 + "\n",
        "store/CMakeLists.txt": C.replace("//", "#") + "SRCS a.cc\n"}),
    ("listed from another folder", {
        "test/a.cc": C, "bench/CMakeLists.txt": C.replace("//", "#") + "${PROJECT_SOURCE_DIR}/test/a.cc\n"}),
    ("threads and paths in tests", {
        "test/a.cc": C + 'std::thread t; auto p = "data/tmp/x";\n',
        "CMakeLists.txt": C.replace("//", "#") + "test/a.cc\n"}),
    ("public and loopback hosts", {
        "docs/A.md": "http://www.apache.org/licenses https://repo.maven.apache.org/x http://127.0.0.1:80\n"}),
    ("mktemp template and lower case", {"x.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"
                                        "mktemp -d ./a.XXXXXX # todo\n"}),
]

# Text -> the lengths of its functions in the order of their closing braces.
FUNCTIONS = [
    ("int F() { return 1; }\n", [1]),
    ("int\nF(int a,\n  int b)\n{\n}\n", [5]),
    ("namespace a {\nclass B {\n  void F() {\n  }\n  int x = 3;\n  void G() const { if (x) { } }\n};\n}\n",
     [2, 1]),
    ("A::A(int b) : b_{b}, c_{\n  2} {\n  G();\n}\n", [4]),
    ("A::A(int b)\n    : b_(b),\n      c_(2) {\n}\n", [4]),
    ("constexpr int kTable[] = {\n 1,\n 2};\nint F() {\n}\n", [2]),
    ("bool A::operator==(const A& o) const {\n}\nA& operator=(A&&) {\n}\n", [2, 2]),
    ("void F(int a = 3) {\n  auto f = [](int x) {\n    return x;\n  };\n}\n", [5]),
    ("auto F() -> std::vector<int> {\n}\n", [2]),
    ("TEST(A, B) {\n  const char* s = \"}{\";\n  char c = '{';\n  int n = 1'000;\n}\n", [5]),
    ('const char* s = R"x({ " )y" {)x";\nint F() {\n}\n', [2]),
    ("#define M(x) { x\nint F() {\n}\n", [2]),
    ("enum class E { kA, kB };\nstruct S { int a = 1; };\n", []),
    ("template <class T, class = void>\nint F(T t) {\n}\n", [3]),
    ("extern \"C\" {\nint F() {\n}\n}\n", [2]),
    ("class A {\n public:\n  explicit A(int x) noexcept : x_(x) {}\n  ~A() override {\n  }\n};\n", [1, 2]),
    ("struct alignas(64) S {\n  int F() {\n  }\n};\n", [2]),
]

UNBALANCED = ["int F() {\n", "int F() { } }\n"]

# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/STYLE.md that a program can check. Each takes a Tree and yields Offences."""

import ast
import collections
import re

import cxx_text
from tree import CODE_ENDINGS, is_code, is_cxx, matches

Offence = collections.namedtuple("Offence", "rule path line text")

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 110

RULES = []


def rule(function):
    """Registers a rule; its name is the function's name with dashes."""
    def run(tree):
        name = run.rule_name
        return [Offence(name, path, line, text) for path, line, text in function(tree)]
    run.rule_name = function.__name__.replace("_", "-")
    run.__doc__ = function.__doc__
    RULES.append(run)
    return run


def grep(tree, paths, pattern, code_only=True):
    """Every match of a pattern, as (path, line number, match)."""
    regex = re.compile(pattern)
    for path in paths:
        text = tree.code(path) if code_only and is_cxx(path) else tree.files[path]
        for number, line in enumerate(text.split("\n"), 1):
            match = regex.search(line)
            if match:
                yield path, number, match


def module_of(path):
    """The top folder."""
    return path.split("/", 1)[0]


def layer_of(tree, path):
    """The innermost folder with a row in layering.table: a module, or a part of one."""
    folder = path
    while "/" in folder:
        folder = folder.rsplit("/", 1)[0]
        if folder in tree.layering.sections["modules"]:
            return folder
    return module_of(path)


def production(tree):
    """The C++ files that must reach the outside world through Env: the modules, and the simulator."""
    folders = ("common", "remoting", "store", "namesrv", "broker", "client", "tools")
    return [path for path in tree.cxx() if module_of(path) in folders or path.startswith("test/sim/")]


def includes(tree, path):
    """The includes of a file, as (line number, name, quoted?)."""
    for number, line in enumerate(tree.files[path].split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


# ---- structure

@rule
def include_edges(tree):
    """A module includes only what layering.table allows, by its path from the root."""
    modules = tree.layering.sections["modules"]
    for path in tree.cxx():
        own = layer_of(tree, path)
        allowed = set(modules.get(own, [])) | {own} | set(tree.layering.sections["files"].get(path, []))
        for number, name, quoted in includes(tree, path):
            target = tree.resolve(name)
            if target is None:
                if quoted:
                    yield path, number, f'"{name}" is no file of ours (name it by its path from the root)'
                continue
            public = name in tree.public_headers
            other = layer_of(tree, target)
            if module_of(target) != module_of(path):
                other = module_of(target)
            if "/include/orbitmq/" in path and not public:
                yield path, number, f'a public header includes "{name}"; it may include only std and orbitmq/'
            elif other not in allowed and not (public and "public" in allowed):
                yield path, number, f'{own} includes "{name}"; allowed: {" ".join(sorted(allowed))}'


@rule
def simulation_stays_in_tests(tree):
    """Nothing outside test/ includes a test file."""
    for path in tree.cxx():
        if module_of(path) != "test":
            for number, name, _ in includes(tree, path):
                if name.startswith("test/"):
                    yield path, number, f'"{name}" is test code'


@rule
def third_party_includes(tree):
    """A library's headers are included only by the files that wrap it."""
    for path in tree.cxx():
        for number, name, _ in includes(tree, path):
            for prefix, patterns in tree.layering.sections["libraries"].items():
                if not name.startswith(prefix):
                    continue
                public = "/include/orbitmq/" in path
                if public or not (matches(path, patterns) or module_of(path) == "test"):
                    yield path, number, f"<{name}> belongs into: {' '.join(patterns)}"


@rule
def include_cycles(tree):
    """No header includes itself through others."""
    edges = {path: [target for _, name, _ in includes(tree, path) if (target := tree.resolve(name))]
             for path in tree.cxx()}
    state = {}

    def visit(path, trail):
        state[path] = "open"
        for target in edges.get(path, []):
            if state.get(target) == "open":
                yield target, 1, "include cycle: " + " -> ".join([*trail[trail.index(target):], target])
            elif target not in state:
                yield from visit(target, [*trail, target])
        state[path] = "done"

    for path in edges:
        if path not in state:
            yield from visit(path, [path])


@rule
def own_header_first(tree):
    """x.cc includes x.h before anything else, which proves that the header stands alone."""
    for path in tree.cxx():
        header = path[:-3] + ".h"
        if path.endswith(".cc") and header in tree.files:
            first = next(includes(tree, path), None)
            if first is None or tree.resolve(first[1]) != header:
                yield path, first[0] if first else 1, f'the first include must be "{header}"'


@rule
def pragma_once(tree):
    """Every header has #pragma once."""
    for path in tree.cxx():
        if path.endswith(".h") and not re.search(r"^#pragma once$", tree.files[path], re.MULTILINE):
            yield path, 1, "no `#pragma once`"


@rule
def light_headers(tree):
    """Headers stay cheap to include."""
    for path in tree.cxx():
        if path.endswith(".h"):
            for number, name, _ in includes(tree, path):
                if name in ("iostream", "regex", "fstream", "sstream", "filesystem"):
                    yield path, number, f"<{name}> does not belong into a header"


@rule
def registered_sources(tree):
    """Every .cc file is listed in a CMakeLists.txt; an unlisted test would never run."""
    lists = {path: set(re.findall(r"[\w./${}+-]+\.cc\b", text)) for path, text in tree.files.items()
             if path.endswith("CMakeLists.txt")}
    for path in tree.cxx():
        if not path.endswith(".cc"):
            continue
        found = False
        for list_path, words in lists.items():
            folder = list_path[:-len("CMakeLists.txt")]
            names = {f"${{PROJECT_SOURCE_DIR}}/{path}", f"${{CMAKE_SOURCE_DIR}}/{path}"}
            if path.startswith(folder):
                relative = path[len(folder):]
                names |= {relative, f"${{CMAKE_CURRENT_SOURCE_DIR}}/{relative}"}
            found = found or bool(names & words)
        if not found:
            kind = "test is never built or run" if path.endswith("_test.cc") else "source is never built"
            yield path, 1, f"no CMakeLists.txt lists it: this {kind}"


@rule
def no_globbing(tree):
    """Sources are listed, never globbed."""
    paths = [path for path in tree.files if path.endswith(("CMakeLists.txt", ".cmake"))]
    for path, number, _ in grep(tree, paths, r"^[^#]*\bfile\s*\(\s*GLOB", code_only=False):
        yield path, number, "list the files"


@rule
def packages_listed(tree):
    """What CMake looks for is installed by cmake/deps.sh and explained in docs/DEPENDENCIES.md."""
    known = tree.layering.sections["packages"]
    pattern = r"^\s*(?:find_package\s*\(\s*(\w+)|pkg_check_modules\s*\(([^)]*)\))"
    paths = [path for path in tree.files
             if path.endswith(("CMakeLists.txt", ".cmake")) and not path.startswith("test/install/consumer/")]
    words = ("REQUIRED", "QUIET", "IMPORTED_TARGET", "GLOBAL")
    for path, number, match in grep(tree, paths, pattern, code_only=False):
        names = [match.group(1)] if match.group(1) else \
            [name for name in match.group(2).split()[1:] if name not in words]
        for name in names:
            package = known.get(name, [""])[0]
            if not package:
                yield path, number, f"{name} is not in the [packages] of test/lint/layering.table"
            elif package != "-":
                for other in ("cmake/deps.sh", "docs/DEPENDENCIES.md"):
                    if package not in tree.files.get(other, ""):
                        yield path, number, f"{package} is missing in {other}"


# ---- sizes

@rule
def file_length(tree):
    """A file has at most 600 lines."""
    for path, text in tree.files.items():
        count = text.count("\n")
        if is_code(path) and count > FILE_LINES_MAX:
            yield path, count, f"{count} lines, at most {FILE_LINES_MAX}"


@rule
def function_length(tree):
    """A function has at most 70 lines."""
    for path in tree.cxx():
        found, problem = cxx_text.functions(tree.code(path))
        if problem:
            yield path, 1, f"cannot follow the braces ({problem}); do not split one with #if"
        for function in found:
            length = function.last - function.first + 1
            if length > FUNCTION_LINES_MAX:
                yield (path, function.first,
                       f"{length} lines, at most {FUNCTION_LINES_MAX}: {function.head[:60]}")
    for path, text in tree.files.items():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text, path)):
                if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX:
                    yield path, node.lineno, f"{node.name} is over {FUNCTION_LINES_MAX} lines"


@rule
def line_length(tree):
    """A line has at most 110 columns."""
    for path, text in tree.files.items():
        if is_code(path):
            for number, line in enumerate(text.split("\n"), 1):
                if len(line) > LINE_COLUMNS_MAX:
                    yield path, number, f"{len(line)} columns, at most {LINE_COLUMNS_MAX}"


# ---- the outside world

BANNED_CALLS = {
    r"\bstd::(thread|jthread|async)\b|\bpthread_create\b": "an executor of Env",
    r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])(::)?sleep\s*\(":
        "Executor::PostAt",
    r"\b(system_clock|steady_clock|high_resolution_clock)\b|\b(clock_gettime|gettimeofday)\b"
    r"|(?<![\w.>:])(std::|::)?time\s*\(\s*(nullptr|NULL|0)\s*\)": "Env::clock()",
    r"(?<![\w.>:])(std::|::)?s?rand\s*\(|(?<![\w>])::s?random\s*\(|\brandom_device\b|\bmt19937":
        "Env::NewRandom()",
    r"(?<![\w>])::(open|openat|creat|unlink|rename|stat|fstat|mkdir|rmdir|read|write|pread|pwrite|readv"
    r"|writev|pwritev|preadv|fsync|fdatasync|ftruncate|fallocate|flock|opendir)\s*\("
    r"|(?<![\w.>:])(std::|::)?(fopen|fwrite|fread|fdatasync|fsync)\s*\(|\bstd::([io]?fstream|filesystem)\b":
        "Env::files()",
    r"(?<![\w.>:])(::)?(mmap|munmap|msync|mremap|madvise|mincore)\s*\(": "Env::files()",
    r"(?<![\w>])::(socket|bind|listen|accept|accept4|connect|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll"
    r"|select|epoll_create1?|setsockopt|getsockopt)\s*\(|\bgetaddrinfo\b": "Env::network()",
}


@rule
def banned_calls(tree):
    """Time, randomness, threads, files and sockets come from Env; only the seam files call the system."""
    paths = [path for path in production(tree) if not tree.layering.is_seam(path)]
    for pattern, instead in BANNED_CALLS.items():
        for path, number, match in grep(tree, paths, pattern):
            yield path, number, f"`{match.group().strip()}` outside the seam files; use {instead}"


@rule
def sleeps_in_tests(tree):
    """A test waits for an event with a deadline, it never sleeps."""
    paths = [path for path in tree.cxx() if module_of(path) == "test" and not path.startswith("test/sim/")]
    for path, number, match in grep(
            tree, paths, r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])(::)?sleep\s*\("):
        yield path, number, f"`{match.group().strip()}` in a test"


# ---- language and words

@rule
def no_exceptions(tree):
    """Our code does not throw; only Result::value() in the SDK's public headers does."""
    paths = [path for path in production(tree) if "/include/orbitmq/" not in path]
    for path, number, _ in grep(tree, paths, r"\bthrow\b"):
        yield path, number, "return a Status"


@rule
def no_using_namespace(tree):
    """Names say where they come from."""
    for path, number, _ in grep(tree, tree.cxx(), r"\busing\s+namespace\b"):
        yield path, number, "`using namespace`"


@rule
def type_suffixes(tree):
    """A type is named by its domain's noun, not by Manager, Helper and the like."""
    pattern = (r"\b(?:class|struct|union|enum(?:\s+class)?|using|concept)\s+"
               r"(?:ORBITMQ_\w+\s+|\[\[[^\]]*\]\]\s*)*"
               r"(\w*[a-z0-9](?:Manager|Helper|Util|Utils|Impl|Base|Abstract|Data|Info))\b(?!\s*::)")
    for path, number, match in grep(tree, tree.cxx(), pattern):
        if match.group(1) not in tree.wire_names:
            yield (path, number,
                   f"{match.group(1)}: find the domain's noun (wire names: test/lint/wire_names.txt)")


@rule
def spdx_line(tree):
    """The first line (the second after #!) names the licence."""
    for path, text in tree.files.items():
        if is_code(path):
            head = text.split("\n", 2)
            line = head[1] if head[0].startswith("#!") and len(head) > 1 else head[0]
            if not re.fullmatch(r"(//|#) SPDX-License-Identifier: Apache-2\.0", line):
                yield path, 1, "no SPDX line"


def plain_text(tree):
    """Everything except the linter, whose own tests plant offences, and captured frames."""
    return [path for path in tree.files if not path.startswith("test/lint/") and path != "LICENSE"
            and not (path.startswith("test/golden/") and not path.endswith(CODE_ENDINGS + (".md",)))]


@rule
def unfinished_work(tree):
    """Nothing is left for later."""
    for path, number, match in grep(tree, plain_text(tree), r"\b(TODO|FIXME|XXX|HACK)\b", code_only=False):
        yield path, number, f"{match.group()}: finish it or file an issue"


@rule
def switched_off_tests(tree):
    """No test is skipped or disabled."""
    paths = [path for path in plain_text(tree) if path.startswith("test/") and path.endswith(CODE_ENDINGS)]
    pattern = r"\bGTEST_SKIP\b|\bDISABLED_\w|@Disabled\b|\bt\.Skip\(|\bunittest\.skip|\bskipTest\("
    for path, number, match in grep(tree, paths, pattern):
        yield path, number, f"{match.group()}: a skipped test is a failure"


@rule
def machine_paths(tree):
    """No path of somebody's machine is committed."""
    paths = [path for path in plain_text(tree) if path != ".gitignore"]
    for path, number, match in grep(tree, paths, r"""(?<![\w./$}])/(work|root|home|tmp|Users)/[\w.]+""",
                                    code_only=False):
        yield path, number, f"{match.group()}: use a relative path, an option or mktemp"


PUBLIC_HOSTS = (
    "apache.org", "debian.org", "github.com", "golang.org", "w3.org", "spdx.org", "keepachangelog.com",
    "semver.org", "ietf.org", "rfc-editor.org", "cmake.org", "gnu.org", "llvm.org", "maven.org",
    "example", "example.com", "example.org", "example.net", "invalid", "localhost",
)


@rule
def registry_hosts(tree):
    """A URL names a well-known public host; mirrors and registries are the machine's business."""
    for path, number, match in grep(tree, plain_text(tree), r"\b(?:https?|ftp|git|ssh)://([\w.-]*[\w])",
                                    code_only=False):
        host = match.group(1).lower()
        public = any(host == name or host.endswith("." + name) for name in PUBLIC_HOSTS)
        if not public and not re.fullmatch(r"127(\.\d+){3}|0\.0\.0\.0", host):
            yield path, number, f"host {host} is not on the list of public hosts in test/lint/rules.py"

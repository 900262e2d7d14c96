#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of ./test.sh, counts the test cases and prints the result.

A failing stage shows the end of its log and the next stage still runs. The whole run fails when a stage
fails, when any test is skipped, or when a stage ran fewer cases than test/expected_counts demands.
The last line is `N passed, N failed`.
"""

import argparse
import collections
import ctypes
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

from failure_reasons import reasons  # noqa: E402
from test_counts import CountedRun, count_ctest_log, read_expected_counts, shortfall  # noqa: E402

TAIL_LINES = 60
REASON_LINES = 25
MINUTE = 60

# A command of a stage: the words, and a limit after which it counts as hanging.
Command = collections.namedtuple("Command", "words limit")


class Stage:
    """What one stage runs: commands that must succeed, then perhaps the tests of some labels."""

    def __init__(self, name, commands=(), labels=(), tree="release", jobs=1, limit=25 * MINUTE):
        self.name = name
        self.commands = commands
        self.labels = labels
        self.tree = tree
        self.sanitized = tree != "release"
        self.jobs = jobs
        self.limit = limit


# Stages that leave much of the processors unused: they wait for servers, virtual machines and clocks.
WAITING = ("e2e", "golden", "interop", "dropin")


def build(preset, *targets):
    """Configures a preset (quick when nothing changed) and builds the targets, or all."""
    words = ["cmake", "--build", f"build/{preset}"]
    if targets:
        words += ["--target", *targets]
    return [Command(["cmake", "--preset", preset], 5 * MINUTE), Command(words, 40 * MINUTE)]


def stages():
    """Every stage, in the order of a whole run: what fails fast and often comes first."""
    in_release = [("lint", 2, 5), ("unit", 2, 10), ("sim", 2, 20), ("e2e", 1, 20), ("install", 1, 15),
                  ("fuzz", 2, 10), ("golden", 1, 10), ("interop", 1, 20), ("dropin", 1, 10),
                  ("bench-smoke", 1, 5)]
    result = [Stage("build", build("release"))]
    for label, jobs, minutes in in_release:
        result.append(Stage(label, labels=[label], jobs=jobs, limit=minutes * MINUTE))
    result.append(Stage("clang", [Command([sys.executable, "cmake/clang_syntax.py", "build/release"],
                                          20 * MINUTE)]))
    # The planted bugs are compiled into the tree of "asan".
    for name, labels, tree in [("asan", ["unit", "sim"], "asan"), ("planted", ["planted"], "asan"),
                               ("tsan", ["tsan"], "tsan")]:
        result.append(Stage(name, build(tree, *("tests_" + label for label in labels)), labels=labels,
                            tree=tree, jobs=2))
    return result


class BuildAhead:
    """Builds the sanitized trees with what is left of the processors while other stages wait for something.

    Their own stages end it and finish the work, so that a failure is theirs.
    """

    def __init__(self, chosen):
        self.process = None
        self._commands = [command for stage in chosen if stage.sanitized for command in stage.commands]

    def before(self, stage, log_path):
        """Starts with the first stage that mostly waits, ends before the first that needs the trees."""
        if stage.sanitized:
            self.stop()
        elif self.process is None and self._commands and stage.name in WAITING:
            words = " && ".join(shlex.join(command.words) for command in self._commands)
            with open(log_path, "wb") as log:
                self.process = subprocess.Popen(["nice", "-n", "19", "sh", "-c", words], cwd=ROOT, stdout=log,
                                                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                                start_new_session=True)
            try:  # Linux shares the processors among sessions first: the session must be a meek one too.
                pathlib.Path(f"/proc/{self.process.pid}/autogroup").write_text("19")
            except OSError:
                pass

    def stop(self):
        """Ends it, if it still runs; ninja leaves no half-written file that it would take for whole."""
        self._commands = []
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGINT)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None


def adopt_orphans():
    """Makes this process the parent of orphaned descendants, so that reap_orphans() finds them all."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def children_of(pid):
    """The direct children of a process, as (pid, command line)."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                found.append((int(child), b" ".join(words).decode(errors="replace").strip()))
        except OSError:
            continue  # It ended while we looked.
    return found


def descendants_of(pid):
    """All processes below a process."""
    found = []
    for child, words in children_of(pid):
        found += [(child, words), *descendants_of(child)]
    return found


def reap_orphans(ahead):
    """Ends every process that a finished stage left running, BuildAhead's aside; returns their commands."""
    left = {}
    spared = set()
    if ahead.process is not None:
        spared = {ahead.process.pid, *(pid for pid, _ in descendants_of(ahead.process.pid))}
    for pid, words in descendants_of(os.getpid()):
        if not words or pid in spared:
            continue  # Already dead, only not yet waited for.
        left[pid] = words
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        while (os.waitpid(-1, os.WNOHANG)[0] != 0
               or any(pathlib.Path(f"/proc/{pid}").exists() for pid in left)):
            time.sleep(0.001)
    except ChildProcessError:
        pass
    return list(left.values())


def run_logged(command, log_path):
    """Runs one command with its output in the log. Returns None, or what went wrong."""
    words = " ".join(command.words)
    with open(log_path, "ab") as log:
        log.write(f"$ {words}\n".encode())
        log.flush()
        try:
            process = subprocess.Popen(command.words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            return f"cannot start '{words}': {error}"
        try:
            status = process.wait(command.limit)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(stop, KeyboardInterrupt):
                raise
            return f"'{words}' did not end within {command.limit // MINUTE} minutes"
    return None if status == 0 else f"'{words}' ended with status {status}"


def labelled_tests(stage):
    """The ctest names with the labels of the stage; fixtures that come along do not count."""
    pattern = "^(" + "|".join(stage.labels) + ")$"
    listing = subprocess.run(["ctest", "--test-dir", f"build/{stage.tree}", "-L", pattern,
                              "--show-only=json-v1"], cwd=ROOT, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        return pattern, None
    names = set()
    for test in json.loads(listing.stdout)["tests"]:
        for entry in test.get("properties", []):
            if entry["name"] == "LABELS" and set(entry["value"]) & set(stage.labels):
                names.add(test["name"])
    return pattern, names


def run_stage(stage, log_path):
    """Runs one stage; returns its CountedRun, whose problems are empty when all is well."""
    run = CountedRun()
    log_path.unlink(missing_ok=True)
    for command in stage.commands:
        problem = run_logged(command, log_path)
        if problem:
            run.problems.append(problem)
            return run
    if not stage.labels:
        return run
    pattern, names = labelled_tests(stage)
    if names is None:
        run.problems.append(f"build/{stage.tree} holds no test list; run ./test.sh build first")
        return run
    if not names:
        return run
    problem = run_logged(
        Command(["ctest", "--test-dir", f"build/{stage.tree}", "-V", "-L", pattern, "-j", str(stage.jobs)],
                stage.limit), log_path)
    run = count_ctest_log(log_path.read_text(errors="replace"), names)
    if problem and not run.problems and run.failed == 0:
        run.problems.append(problem)
    return run


def show_failure(stage, run, log_path):
    """Prints why the stage failed and the end of its log."""
    print(f"--- {stage.name} failed: {len(run.problems)} problem(s), {run.failed} failed case(s)")
    for problem in run.problems:
        print(f"    {problem}")
    if log_path.exists():
        lines = log_path.read_text(errors="replace").splitlines()
        hints = [line for line in lines if re.search(r"\[  FAILED  \]|FAILED:|\berror:|\bFAIL\b", line)]
        print(f"--- marked lines of {log_path.relative_to(ROOT)}")
        print("\n".join(hints[:TAIL_LINES]))
        print(f"--- its last {TAIL_LINES} lines")
        print("\n".join(lines[-TAIL_LINES:]))
    sys.stdout.flush()


def print_reasons(results, logs):
    """Says at the very end why stages failed: of a long run often only the end is seen."""
    for stage, run, _ in results:
        log_path = logs / f"{stage.name}.log"
        if (run.problems or run.failed) and log_path.exists():
            print(f"--- {stage.name}: what its failures say")
            print("\n".join(reasons(log_path.read_text(errors="replace"), REASON_LINES)))


def print_table(results, expected):
    """Prints one row per stage; returns the sums of passed and failed."""
    print(f"\n{'stage':<12} {'result':<7} {'minutes':>8} {'passed':>7} {'failed':>7} {'least':>7}")
    passed = failed = 0
    for stage, run, seconds in results:
        ok = not run.problems and run.failed == 0
        # A stage without test cases (build, clang) that fails, or an uncounted problem, is one failure.
        stage_failed = max(run.failed, 0 if ok else 1)
        least = expected.get(stage.name, "-")
        print(f"{stage.name:<12} {'ok' if ok else 'FAILED':<7} {seconds / MINUTE:>8.1f} {run.passed:>7} "
              f"{stage_failed:>7} {least:>7}")
        passed += run.passed
        failed += stage_failed
    for stage, run, _ in results:
        for problem in run.problems:
            print(f"{stage.name}: {problem}")
    return passed, failed


def chosen_stages(names):
    """The stages to run; exits with a clear text for a name that does not exist."""
    known = stages()
    unknown = [name for name in names if name not in [stage.name for stage in known]]
    if unknown:
        sys.exit(f"error: no stage named {', '.join(unknown)}; there are: "
                 + " ".join(stage.name for stage in known))
    chosen = [stage for stage in known if not names or stage.name in names]
    needs_release = any(stage.tree == "release" and stage.name != "build" for stage in chosen)
    if needs_release and not (ROOT / "build/release/CTestTestfile.cmake").exists() \
            and "build" not in [stage.name for stage in chosen]:
        if [stage.name for stage in chosen] == ["lint"]:
            subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        else:
            chosen.insert(0, known[0])
    return chosen


def main():
    """Parses the command line and runs the stages."""
    parser = argparse.ArgumentParser(prog="./test.sh", description="Builds and tests OrbitMQ.")
    parser.add_argument("--list", action="store_true", help="name the stages and stop")
    parser.add_argument("stage", nargs="*", help="the stages to run; all when none is given")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(stage.name for stage in stages()))
        return 0
    expected = read_expected_counts(ROOT / "test/expected_counts", [stage.name for stage in stages()])
    adopt_orphans()
    logs = ROOT / "build/logs"
    logs.mkdir(parents=True, exist_ok=True)
    results = []
    chosen = chosen_stages(arguments.stage)
    ahead = BuildAhead(chosen)
    for stage in chosen:
        print(f"=== {stage.name}", flush=True)
        start = time.monotonic()
        log_path = logs / f"{stage.name}.log"
        ahead.before(stage, logs / "build-ahead.log")
        run = run_stage(stage, log_path)
        for words in reap_orphans(ahead):
            run.problems.append(f"left a process running, ended now: {words[:200]}")
        run.problems += shortfall(stage.name, run, expected)
        seconds = time.monotonic() - start
        results.append((stage, run, seconds))
        if run.problems or run.failed:
            show_failure(stage, run, log_path)
        print(f"=== {stage.name}: {run.passed} passed, {run.failed} failed, {seconds / MINUTE:.1f} minutes",
              flush=True)
    ahead.stop()
    print_reasons(results, logs)
    passed, failed = print_table(results, expected)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

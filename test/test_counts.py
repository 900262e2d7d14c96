# SPDX-License-Identifier: Apache-2.0
"""Counts real test cases in the output of ctest, for test/stages.py (tested by test/lint/counts_test.py)."""

import collections
import re
import sys

OUTPUT_LINE = re.compile(r"^(\d+): (.*)$")
RESULT_LINE = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): (\S+) \.*\s*(\**[A-Za-z][A-Za-z ]*)")
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed$")
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.")
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below")
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?")
GTEST_DISABLED = re.compile(r"^\s*YOU HAVE (\d+) DISABLED TESTS?")


class CountedRun:
    """The sums of a stage. `problems` are failures that are no failed test case."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.problems = []


def count_one_test(name, lines, run):
    """Adds the cases of one ctest test to `run`. Returns True if it told how many there were."""
    closing = [line.strip() for line in lines if line.strip()]
    script = CLOSING_LINE.match(closing[-1]) if closing else None
    if script:
        run.passed += int(script.group(1))
        run.failed += int(script.group(2))
        return True
    counted = False
    for line in lines:
        for pattern, field in ((GTEST_PASSED, "passed"), (GTEST_FAILED, "failed")):
            match = pattern.match(line)
            if match:
                setattr(run, field, getattr(run, field) + int(match.group(1)))
                counted = True
        for pattern, word in ((GTEST_SKIPPED, "skipped"), (GTEST_DISABLED, "disabled")):
            match = pattern.match(line)
            if match:
                run.problems.append(f"{name}: {match.group(1)} test case(s) {word}; none may be")
    return counted


def count_ctest_log(text, names):
    """Counts the log of `ctest -V`. `names` are the tests whose cases count, the others are fixtures."""
    run = CountedRun()
    output = collections.defaultdict(list)
    results = {}
    for line in text.splitlines():
        match = OUTPUT_LINE.match(line)
        if match:
            output[match.group(1)].append(match.group(2))
            continue
        match = RESULT_LINE.match(line)
        if match:
            results[match.group(2)] = (match.group(1), match.group(3).strip())
    for name in sorted(set(names) - set(results)):
        run.problems.append(f"{name}: ctest never finished it")
    for name, (number, result) in sorted(results.items()):
        failed_before = run.failed
        problems_before = len(run.problems)
        counted = name not in names or count_one_test(name, output[number], run)
        if result == "Passed":
            if not counted:
                run.problems.append(f"{name}: told neither gtest totals nor a closing line "
                                    "`N passed, N failed`")
            elif run.failed != failed_before:
                run.problems.append(f"{name}: reports failed cases but ended with status 0")
        elif run.failed == failed_before and len(run.problems) == problems_before:
            # It crashed, hung, was skipped or was not run: its own totals do not show that.
            run.problems.append(f"{name}: {result.strip('*')}")
    return run


def read_expected_counts(path, stage_names):
    """Reads test/expected_counts into a dictionary; exits with file:line for a bad line."""
    expected = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) != 2 or not words[1].isdigit() or words[0] not in stage_names or words[0] in expected:
            sys.exit(f"error: {path}:{number}: expected one `stage count` for a stage of ./test.sh, "
                     f"got '{line.strip()}'")
        expected[words[0]] = int(words[1])
    return expected


def shortfall(stage_name, run, expected):
    """The problem, if the stage ran fewer cases than it must."""
    least = expected.get(stage_name, 0)
    ran = run.passed + run.failed
    if ran >= least:
        return []
    return [f"ran {ran} test case(s), but test/expected_counts demands at least {least}"]

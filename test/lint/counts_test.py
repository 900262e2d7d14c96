#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of test_counts.py and failure_reasons.py: what ./test.sh counts, must not overlook, and says."""

import pathlib
import subprocess
import sys
import tempfile

TEST_FOLDER = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEST_FOLDER))

from failure_reasons import reasons  # noqa: E402
from test_counts import count_ctest_log, read_expected_counts, shortfall  # noqa: E402

GTEST = "3: [==========] 5 tests from 1 test suite ran.\n3: [  PASSED  ] 5 tests.\n"
OK = "1/1 Test  #3: store_test ...................   Passed    0.12 sec\n"
BAD = "1/1 Test  #3: store_test ...................***Failed    0.12 sec\n"

# (name, log, tests that count, passed, failed, words of the problems)
CASES = [
    ("gtest totals", GTEST + OK, ["store_test"], 5, 0, []),
    ("one gtest case", "3: [  PASSED  ] 1 test.\n" + OK, ["store_test"], 1, 0, []),
    ("gtest failures", "3: [  PASSED  ] 4 tests.\n3: [  FAILED  ] 1 test, listed below:\n" + BAD,
     ["store_test"], 4, 1, []),
    ("closing line of a script", "3: noise\n3: 7 passed, 0 failed\n3: \n" + OK, ["store_test"], 7, 0, []),
    ("closing line wins over gtest output before it", GTEST + "3: 2 passed, 0 failed\n" + OK,
     ["store_test"], 2, 0, []),
    ("closing line that is not last", "3: 7 passed, 0 failed\n3: more\n" + OK, ["store_test"], 0, 0,
     ["neither gtest totals"]),
    ("script failures", "3: 6 passed, 2 failed\n" + BAD, ["store_test"], 6, 2, []),
    ("failures reported with status 0", "3: 6 passed, 2 failed\n" + OK, ["store_test"], 6, 2, ["status 0"]),
    ("silent test", "3: done\n" + OK, ["store_test"], 0, 0, ["neither gtest totals"]),
    ("crash after the totals", GTEST + BAD, ["store_test"], 5, 0, ["Failed"]),
    ("time-out", "1/1 Test  #3: store_test ...................***Timeout  9.00 sec\n", ["store_test"], 0, 0,
     ["Timeout"]),
    ("segmentation fault", "1/1 Test  #3: store_test ........***Exception: SegFault  0.12 sec\n",
     ["store_test"], 0, 0, ["Exception"]),
    ("skipped by ctest", "1/1 Test  #3: store_test ...................***Skipped   0.00 sec\n",
     ["store_test"], 0, 0, ["Skipped"]),
    ("not run", "1/1 Test  #3: store_test ...................***Not Run   0.00 sec\n", ["store_test"], 0, 0,
     ["Not Run"]),
    ("skipped by gtest", "3: [  PASSED  ] 4 tests.\n3: [  SKIPPED ] 1 test, listed below:\n" + OK,
     ["store_test"], 4, 0, ["skipped"]),
    ("disabled in gtest", GTEST + "3:   YOU HAVE 2 DISABLED TESTS\n" + OK, ["store_test"], 5, 0,
     ["disabled"]),
    ("missing from the log", OK.replace("store", "other"), ["store_test"], 0, 0, ["never finished"]),
    ("fixture without counts", GTEST + OK + "2/2 Test  #4: peers_install .....   Passed    0.12 sec\n",
     ["store_test"], 5, 0, []),
    ("failed fixture", GTEST + OK + "2/2 Test  #4: peers_install .....***Failed    0.12 sec\n",
     ["store_test"], 5, 0, ["peers_install"]),
    ("two tests interleaved", "3: [  PASSED  ] 4 tests.\n4: 2 passed, 0 failed\n" + OK
     + "2/2 Test  #4: tidy .....   Passed    0.12 sec\n", ["store_test", "tidy"], 6, 0, []),
]


def check_case(name, log, names, passed, failed, words):
    """Returns None, or what is wrong."""
    run = count_ctest_log(log, names)
    if (run.passed, run.failed) != (passed, failed):
        return f"{name}: counted {run.passed} and {run.failed}, expected {passed} and {failed}"
    if len(run.problems) != len(words):
        return f"{name}: problems {run.problems}, expected {words}"
    for problem, word in zip(run.problems, words):
        if word not in problem:
            return f"{name}: '{problem}' does not mention '{word}'"
    return None


def check_expected(text, good):
    """Whether reading this file of least counts ends as it should."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "expected_counts"
        path.write_text(text)
        try:
            result = read_expected_counts(path, ["unit", "sim"])
        except SystemExit as stop:
            return not good and "expected_counts:1" in str(stop)
        return good and result == {"unit": 3}


def check_shortfall():
    """Fewer cases than demanded is a problem, failed ones count as run."""
    run = count_ctest_log("3: 6 passed, 2 failed\n" + BAD, ["store_test"])
    return (shortfall("unit", run, {"unit": 8}) == [] and len(shortfall("unit", run, {"unit": 9})) == 1
            and shortfall("sim", run, {"unit": 9}) == [])


def check_reasons():
    """The lines of a failure are those of its program, without its neighbour's, and not too many."""
    log = ("3: [ RUN      ] A.B\n3: ../a_test.cc:7: Failure\n4: [       OK ] C.D (0 ms)\n3: Value of: x\n"
           "4: ==9==ERROR: AddressSanitizer: heap-use-after-free\n3:   Actual: false\n4: #0 in F a.cc:1\n")
    told = ["../a_test.cc:7: Failure", "Value of: x", "  Actual: false",
            "==9==ERROR: AddressSanitizer: heap-use-after-free", "#0 in F a.cc:1"]
    return (reasons(log, 40) == told and reasons(log, 2) == told[:2]
            and reasons("FAILED: x.o \ng++ x.cc\nx.cc:1:2: error: no\n", 9) ==
            ["FAILED: x.o ", "g++ x.cc", "x.cc:1:2: error: no"] and reasons(GTEST + OK, 9) == [])


def check_unknown_stage():
    """./test.sh refuses a stage that does not exist and says which there are."""
    result = subprocess.run([sys.executable, str(TEST_FOLDER / "stages.py"), "unti"], capture_output=True,
                            text=True, check=False)
    return result.returncode != 0 and "unti" in result.stderr and "unit" in result.stderr


def main():
    """Runs all cases."""
    problems = [check_case(*case) for case in CASES]
    problems += [None if check_expected(text, good) else f"least counts {text!r}" for text, good in (
        ("unit 3 # three\n\n# comment\n", True), ("unti 3\n", False), ("unit\n", False), ("unit x\n", False),
        ("unit -1\n", False))]
    problems.append(None if check_shortfall() else "shortfall")
    problems.append(None if check_reasons() else "reasons of failures")
    problems.append(None if check_unknown_stage() else "unknown stage is not refused")
    failed = [problem for problem in problems if problem]
    for problem in failed:
        print(f"FAILED: {problem}")
    print(f"{len(problems) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

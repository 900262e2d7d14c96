#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lint test: first proves that every rule catches a planted offence, then checks the repository.

usage: tidy_test.py [--rule NAME]...   (without options: everything; the last line is `N passed, N failed`)
"""

import argparse
import collections
import pathlib
import sys

import planted
import rules
import tree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Score:
    """Counts checks and prints those that fail."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, ok, text):
        """One test case."""
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {text}")


def planted_tree(files):
    """A small tree of planted files that follows every rule but the planted one."""
    layering = tree.Layering((HERE / "layering.table").read_text())
    return tree.Tree(dict(files), layering, tree.read_list(HERE / "wire_names.txt"))


def check_planted(score, chosen):
    """Each rule finds exactly the planted offences and nothing in the innocent snippets."""
    for run in chosen:
        cases = planted.OFFENCES.get(run.rule_name, [])
        score.check(cases, f"{run.rule_name}: no planted offence proves that it can fail")
        for files in cases:
            offences = run(planted_tree(files))
            score.check(len(offences) == 1 and offences[0].path == next(iter(files)),
                        f"{run.rule_name}: expected one offence in {next(iter(files))}, got {offences}")
    for description, files in planted.INNOCENT:
        for run in chosen:
            offences = run(planted_tree(files))
            score.check(not offences, f"innocent ({description}): {offences}")


def check_functions(score):
    """The brace reader finds the functions of tricky text, with the right lengths."""
    for text, expected in planted.FUNCTIONS:
        found, problem = rules.cxx_text.functions(rules.cxx_text.strip(text))
        lengths = [function.last - function.first + 1 for function in found]
        score.check(problem is None and lengths == expected,
                    f"functions of {text!r}: expected {expected}, got {lengths}, problem {problem}")
    for text in planted.UNBALANCED:
        _, problem = rules.cxx_text.functions(rules.cxx_text.strip(text))
        score.check(problem is not None, f"unbalanced braces not noticed: {text!r}")


def read_ratchet():
    """(rule, path) -> how many offences are known."""
    known = {}
    for line in tree.read_list(HERE / "ratchet.txt"):
        name, path, count = line.split()
        known[name, path] = int(count)
    return known


def check_repository(score, chosen):
    """One test case per rule: the repository has no offence beyond the ratchet."""
    files = tree.read_tree(ROOT, HERE)
    score.check(len(files.cxx()) > 0, "found no C++ file in the repository")
    known = read_ratchet()
    for run in chosen:
        offences = run(files)
        per_path = collections.Counter(offence.path for offence in offences)
        shown = [offence for offence in offences if per_path[offence.path] > known.get((run.rule_name,
                                                                                       offence.path), 0)]
        lines = "".join(f"\n  {offence.path}:{offence.line}: {offence.text}" for offence in shown)
        score.check(not shown, f"{run.rule_name}: {run.__doc__}{lines}")
        for (name, path), count in known.items():
            if name == run.rule_name and per_path[path] < count:
                score.check(False, f"ratchet.txt: {name} {path} shrank from {count} to {per_path[path]}; "
                                   "lower it")


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rule", action="append", help="only this rule", metavar="NAME",
                        choices=[run.rule_name for run in rules.RULES])
    arguments = parser.parse_args()
    chosen = [run for run in rules.RULES if not arguments.rule or run.rule_name in arguments.rule]
    score = Score()
    check_planted(score, chosen)
    check_functions(score)
    check_repository(score, chosen)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


if __name__ == "__main__":
    sys.exit(main())

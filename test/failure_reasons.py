# SPDX-License-Identifier: Apache-2.0
"""Finds in the log of a stage what its failures say of themselves."""

import collections
import re

# What begins an explanation, and how many of the following lines of the same program belong to it.
BEGINNINGS = [(re.compile(r"\S+:\d+: Failure$|^unknown file: Failure$"), 5),
              (re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: "), 12),
              (re.compile(r"^FAIL\b|\bFAILED:|^\[  FAILED  \] \S+\.\S+ \("), 3),
              (re.compile(r"\berror: |^Traceback |terminate called"), 4)]
NUMBERED = re.compile(r"^(\d+): ?(.*)$")


def reasons(text, lines_max):
    """The explanations in a log of `ctest -V` or of a build, at most so many lines, first ones first.

    Programs that ran side by side have their lines mixed: each is followed by its ctest number.
    """
    found = collections.defaultdict(list)
    open_for = collections.Counter()
    taken = 0
    for line in text.splitlines():
        match = NUMBERED.match(line)
        number, words = match.groups() if match else ("", line)
        for pattern, more in BEGINNINGS:
            if pattern.search(words):
                open_for[number] = max(open_for[number], more + 1)
                break
        if open_for[number] and taken < lines_max:
            open_for[number] -= 1
            found[number].append(words)
            taken += 1
    return [line for lines in found.values() for line in lines]

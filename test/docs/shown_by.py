# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/COMPATIBILITY.md, and the tests that they name.

A name is looked up in the sources, so that it needs no build. A `*` stands for any letters.

  Suite.Case        a case of a gtest program
  script.case       a function of a script that ctest knows by that name: mqadmin_program.files_are_exported
  interop SUITE     a part of test/interop/run.py
  dropin [CHAIN]    test/dropin/run.py, or a part of it
"""

import collections
import fnmatch
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
COMPATIBILITY = os.path.join(ROOT, 'docs', 'COMPATIBILITY.md')
sys.path[:0] = [os.path.join(ROOT, 'test', part) for part in ('interop', 'golden', 'dropin')]

from chains import CHAINS  # noqa: E402
from suites import SUITES  # noqa: E402

COLUMN = 'shown by'
# In the paragraph above a table, in place of a column.
EVERY_ROW = re.compile(r'every row is shown by `([^`]+)`:$', re.IGNORECASE)
CMAKE_CALL = re.compile(r'(?m)^\s*(orbitmq_test|orbitmq_script_test)\(\s*NAME\s+(\S+)([^)]*)\)')
GTEST_CASE = re.compile(r'(?m)^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)')
SCRIPT_CASE = re.compile(r'(?m)^@case\ndef (\w+)\(')

# section: the heading above. cells: by the words of the table's head. tests: the names.
Row = collections.namedtuple('Row', 'section line cells tests')


def read(*path):
    with open(os.path.join(ROOT, *path), encoding='utf-8') as file:
        return file.read()


def rows_of(text):
    """The rows of all tables, in their order."""
    rows, section, head, paragraph, ended, for_every_row = [], '', None, '', True, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith('|'):
            head = None
            if line.startswith('#'):
                section = line.lstrip('# ')
            if line:
                paragraph = line if ended else paragraph + ' ' + line
            ended = not line
            continue
        cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
        if head is None:
            head = cells
            for_every_row = EVERY_ROW.findall(paragraph)
        elif set(line) - set('|-'):
            named = dict(zip(head, cells, strict=True))
            tests = for_every_row + re.findall('`([^`]+)`', named.get(COLUMN, ''))
            rows.append(Row(section, number, named, tests))
    return rows


class Tests:
    """What can be run: the tests of the CMake files, and their cases in the sources."""

    def __init__(self):
        self._programs, self._scripts = {}, {}  # By case: the gtest program, the script.
        for folder, _, files in os.walk(os.path.join(ROOT, 'test')):
            if 'CMakeLists.txt' in files:
                for kind, name, words in CMAKE_CALL.findall(read(folder, 'CMakeLists.txt')):
                    if kind == 'orbitmq_test':
                        self._add_program(folder, name, words)
                    else:
                        self._add_script(folder, name, words)

    def _add_program(self, folder, name, words):
        for source in re.findall(r'[\w/]+\.cc', words):
            for case in GTEST_CASE.findall(read(folder, source)):
                self._programs['.'.join(case)] = name

    def _add_script(self, folder, name, words):
        script = re.search(r'\$\{CMAKE_CURRENT_SOURCE_DIR\}/(\w+\.py)', words)
        if script:
            for case in SCRIPT_CASE.findall(read(folder, script.group(1))):
                self._scripts[name + '.' + case] = name

    def commands(self, name, build):
        """What runs the test of that name; nothing when there is none."""
        suite, *parts = name.split()
        for known, all_parts in (('interop', SUITES), ('dropin', CHAINS)):
            if suite == known:
                there = set(parts) <= set(all_parts)
                return [['python3', 'test/%s/run.py' % suite, '--build', build, *parts]] if there else []
        programs = {self._programs[case] for case in fnmatch.filter(self._programs, name)}
        scripts = {self._scripts[case] for case in fnmatch.filter(self._scripts, name)}
        return [
            [os.path.join(build, 'test-bin', one), '--gtest_filter=' + name] for one in sorted(programs)
        ] + [['ctest', '--test-dir', build, '-R', '^%s$' % one, '-V'] for one in sorted(scripts)]

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the rows of docs/COMPATIBILITY.md that have TEXT in them.

python3 test/docs/row.py 'empty body'

They must have been built (`./test.sh build`). The exit status is 0 when all of them passed.
"""

import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

import shown_by  # noqa: E402


def found_rows(text):
    text = text.lower()
    for row in shown_by.rows_of(shown_by.read(shown_by.COMPATIBILITY)):
        if any(text in cell.lower() for cell in (*row.cells.values(), *row.tests)):
            yield row


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('text', metavar='TEXT', help='a part of a row, or of the name of a test')
    parser.add_argument('--build', default='build/release', help='the build folder (%(default)s)')
    parser.add_argument('--list', action='store_true', help='print what would be run')
    options = parser.parse_args()
    tests, commands = shown_by.Tests(), []
    for row in found_rows(options.text):
        print('%d: %s' % (row.line, ' | '.join(row.cells.values())))
        for name in row.tests:
            commands += [one for one in tests.commands(name, options.build) if one not in commands]
    if not commands:
        parser.error('no row has "%s" in it' % options.text)
    failed = 0
    for command in commands:
        print('$ ' + ' '.join(command), flush=True)
        if not options.list:
            failed += subprocess.run(command, cwd=shown_by.ROOT, check=False).returncode != 0
    if not options.list:
        print('%d of %d commands failed' % (failed, len(commands)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/COMPATIBILITY.md promises nothing that no test shows: its tables name suites, files, forms that exist.

The last line is `N passed, N failed`.
"""

import collections
import os
import re
import sys

sys.dont_write_bytecode = True
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'test', 'interop'))

import mqadmin_compare  # noqa: E402
import run  # noqa: E402
from report import Report, check  # noqa: E402

TABLE_HEAD = '| ours | with Apache\'s | supported | shown by |'
LEAST_FORMS = 3


def promises(text):
    """The rows under TABLE_HEAD, each as its cells."""
    rows = []
    for line in text.split(TABLE_HEAD + '\n', 1)[1].splitlines()[1:]:
        if not line.startswith('|'):
            return rows
        rows.append([cell.strip() for cell in line.split('|')[1:-1]])
    return rows


def check_promise(row):
    commands = re.findall('`([^`]+)`', row[3])
    check(commands or row[2].startswith('no'), 'nothing shows this line', row)
    for command in commands:
        program, *words = command.split()
        check(os.path.exists(os.path.join(ROOT, program)), 'there is no ' + program, row)
        if program == 'test/interop/run.py':
            suites = words[2:]
            check(suites, 'no suite is named', row)
            check(set(suites) <= set(run.SUITES), 'no such suite', suites, list(run.SUITES))


def check_forms(forms):
    names = [(form.command, form.name) for form in forms if form.command]
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    check(not twice, 'forms of the same name', twice)
    counts = collections.Counter(command for command, _ in names)
    few = [command for command, count in counts.items() if count < LEAST_FORMS]
    check(not few, 'fewer than %d forms' % LEAST_FORMS, few)
    down = {form.command for form in forms if 'down' in form.name}
    check(down == set(counts), 'never asked with a server down', set(counts) - down)


def check_listed(forms, row):
    names = {(form.command, form.name) for form in forms}
    wanted = [name for name in names if row.command in ('*', name[0]) and row.form in ('*', name[1])]
    check(wanted, 'no form of suite mqadmin is meant by this line', row)
    check(row.why, 'no reason is given', row)


def main():
    report = Report()
    with open(mqadmin_compare.COMPATIBILITY) as file:
        rows = promises(file.read())
    report.case('there are promises', check, rows, 'no table')
    for row in rows:
        report.case('shown: %s, %s' % (row[0], row[1][:60]), check_promise, row)
    forms = mqadmin_compare.read_forms()
    report.case('forms of mqadmin', check_forms, forms)
    for head in (mqadmin_compare.SERVERS_HEAD, mqadmin_compare.TOOLS_HEAD):
        for row in mqadmin_compare.read_listed(head):
            report.case('listed: %s, %s' % (row.command, row.form), check_listed, forms, row)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())

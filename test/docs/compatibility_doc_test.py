#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/COMPATIBILITY.md promises nothing that no test shows: each row of each table names tests that exist.

Its lists of request codes are those of the sources. The last line is `N passed, N failed`.
"""

import collections
import os
import re
import sys

sys.dont_write_bytecode = True

import shown_by  # noqa: E402
import mqadmin_compare  # noqa: E402
from report import Report, check  # noqa: E402

LEAST_FORMS = 3
BROKER, NAMESRV = 'Request codes of the broker', 'Request codes of the NameServer'
CODE = re.compile(r'ORBITMQ_REQUEST_CODE\((k\w+), (\d+)\)')
# Example tables: what must be found, and what must not be.
PLANTED = """
## One

A first line,
and every row is shown by `Suite.All*`:

| what | why |
|---|---|
| a | b |

No table follows at once.

| what | shown by |
|---|---|
| a \\| b | `Suite.One`, `interop tls` |
| c | no test |
"""


def check_tables():
    found = [(row.section, row.line, row.tests) for row in shown_by.rows_of(PLANTED)]
    check(
        found == [('One', 9, ['Suite.All*']), ('One', 15, ['Suite.One', 'interop tls']), ('One', 16, [])],
        'other rows',
        found,
    )


def check_names(tests):
    there = ('interop tls mqadmin', 'dropin', 'dropin 4.9.7', 'ErrataTest.Row7*', 'mqadmin_tls.everything*')
    missing = ('interop nosuch', 'dropin 1', 'ErrataTest.Row7', 'NoTest.*', 'mqadmin_tls.nothing', 'tls')
    for name in there:
        check(tests.commands(name, 'b'), 'not found: ' + name)
    for name in missing:
        check(not tests.commands(name, 'b'), 'found: ' + name)


def check_row(tests, row):
    check(row.tests, 'nothing shows this row', row)
    for name in row.tests:
        check(tests.commands(name, 'b'), 'there is no test ' + name, row)


def check_once(rows):
    what = collections.Counter((row.section, *list(row.cells.values())[:-1]) for row in rows)
    twice = [cells for cells, count in what.items() if count > 1]
    check(not twice, 'rows that say the same', twice)


def listed_codes(rows, head, known):
    """The numbers of one column; "1..3" stands for those between that have a name."""
    listed = []
    for row in rows:
        cell = row.cells['codes'] if head in row.cells else ''
        for first, last in re.findall(r'(\d+)(?:\.\.(\d+))?', cell):
            codes = range(int(first), int(last or first) + 1)
            listed += [code for code in codes if not last or code in known.values()]
    return listed


def check_codes(rows, head, known, names):
    listed = listed_codes(rows, head, known)
    check(len(listed) == len(set(listed)), 'codes listed twice', sorted(listed))
    there = {known[name] for name in names}
    check(there, 'no codes in the sources')
    check(set(listed) == there, 'listed, and not so', set(listed) - there, 'not listed', there - set(listed))


def handler_table():
    for folder, _, files in os.walk(os.path.join(shown_by.ROOT, 'broker')):
        if 'handler_table.cc' in files:
            return shown_by.read(folder, 'handler_table.cc')
    raise LookupError('broker has no handler_table.cc')


def report_codes(report, rows):
    known = {
        name: int(code) for name, code in CODE.findall(shown_by.read('remoting', 'protocol', 'codes.def'))
    }
    served, refused = handler_table().split('kRefused[] = {', 1)
    of_broker = [row for row in rows if row.section == BROKER]
    of_namesrv = [row for row in rows if row.section == NAMESRV]
    served = re.findall(r'ROW\((k\w+),', served)
    report.case('codes that the broker serves', check_codes, of_broker, 'served', known, served)
    refused = re.findall(r'Code::(k\w+)', refused.split('};', 1)[0])
    report.case('codes that the broker refuses', check_codes, of_broker, 'refused today', known, refused)
    handlers = shown_by.read('namesrv', 'route_handlers.cc') + shown_by.read('namesrv', 'config_handlers.cc')
    # What it sends is no answer.
    names = re.findall(r'(?<!MakeRequest\()RequestCode::(k\w+)', handlers)
    report.case('codes that the NameServer serves', check_codes, of_namesrv, 'served', known, names)


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
    report.case('tables are read', check_tables)
    tests = shown_by.Tests()
    report.case('names of tests are looked up', check_names, tests)
    rows = shown_by.rows_of(shown_by.read(shown_by.COMPATIBILITY))
    for row in rows:
        name = 'shown: line %d, %s' % (row.line, next(iter(row.cells.values()))[:60])
        report.case(name, check_row, tests, row)
    report.case('no row says the same as another', check_once, rows)
    report_codes(report, rows)
    forms = mqadmin_compare.read_forms()
    report.case('forms of mqadmin', check_forms, forms)
    for head in (mqadmin_compare.SERVERS_HEAD, mqadmin_compare.TOOLS_HEAD):
        for row in mqadmin_compare.read_listed(head):
            report.case('listed: %s, %s' % (row.command, row.form), check_listed, forms, row)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())

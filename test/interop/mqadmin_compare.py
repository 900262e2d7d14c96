# SPDX-License-Identifier: Apache-2.0
"""The forms in which suite `mqadmin` asks, the differences that are meant, and the comparison of two runs.

The forms stand in mqadmin_forms.txt, the differences in two tables of docs/COMPATIBILITY.md.
"""

import collections
import difflib
import json
import os
import re
import shlex

from mqadmin_mask import mask
from report import CheckFailed

HERE = os.path.dirname(os.path.abspath(__file__))
FORMS = os.path.join(HERE, 'mqadmin_forms.txt')
COMPATIBILITY = os.path.join(HERE, '..', '..', 'docs', 'COMPATIBILITY.md')
SERVERS_HEAD = '| mqadmin command | form | lines that differ | why |'
TOOLS_HEAD = '| command of ours | form | lines that differ | why |'
TABLE = re.compile(r'\{([^{}=]+=[^{}]*)\}')
KEY_AND_VALUE = re.compile(r'\S+ +=')

Form = collections.namedtuple('Form', 'command name words options')
Listed = collections.namedtuple('Listed', 'command form lines why')
# What a command wrote to both streams, its exit status, and the file that its form names (None: no file).
Output = collections.namedtuple('Output', 'out err exit file')


def read_forms(path=FORMS):
    """Forms in their order; an "await" line is a Form without a command."""
    forms = []
    with open(path) as file:
        for line in file:
            line = line.strip()
            if line.startswith('await '):
                forms.append(Form('', '', line.split()[1:], {}))
            elif line and not line.startswith('#'):
                parts = line.split(' | ', 3)
                options = dict(part.split('=', 1) for part in parts[3:])
                forms.append(Form(parts[0], parts[1], parts[2].split(), options))
    return forms


def read_listed(head, path=COMPATIBILITY):
    """The rows of the table that begins with `head`."""
    with open(path) as file:
        lines = file.read().split(head + '\n', 1)[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith('|'):
            break
        command, form, pattern, why = (cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1])
        pattern = re.compile(pattern.strip('`').replace('\\|', '|'))
        rows.append(Listed(command.strip('`'), form, pattern, why))
    return rows


def server_lines(form, output, names):
    """All of it: the same program wrote it, whatever differs comes from the servers."""
    text = output.out + ''.join('stderr: %s\n' % line for line in output.err.splitlines())
    text += 'exit %d\n' % output.exit if output.exit else ''
    if 'file' in form.options:
        text += 'no file\n' if output.file is None else '\n' + output.file
    return mask(text, names)


def tool_lines(form, output, names):
    """Of two programs: what is printed, whether it fails, the exit status, and what a file of JSON says.

    How a failure is told is each program's own affair: Java prints a stack trace, ours a line.
    """
    text = TABLE.sub(sorted_table, output.out)
    text += '' if text.endswith('\n') or not text else '\n'
    text += 'FAILURE\n' if output.err else ''
    text += 'exit %d\n' % output.exit if output.exit else ''
    if 'file' in form.options:
        text += 'no file\n' if output.file is None else ''.join(
            line + '\n' for line in leaves(json.loads(output.file), '')
        )
    return mask(text, names)


def sorted_table(found):
    """"{b=2, a=1}" as Java's maps print themselves, in the order of a hash table."""
    return '{' + ', '.join(sorted(found.group(1).split(', '))) + '}'


def leaves(value, path):
    """A line per value of JSON: where it stands and what it is."""
    if isinstance(value, dict) and value:
        return [line for key in sorted(value) for line in leaves(value[key], path + '.' + key)]
    if isinstance(value, list) and value:
        return sorted(line for one in value for line in leaves(one, path + '[]'))
    return [path[1:] + ' ' + json.dumps(value)]


class Comparison:
    """Holds one run against another, form by form. A run has the lines of each form by (command, name)."""

    def __init__(self, forms, listed, theirs, ours, tools=False):
        """tools: of two programs, not of one at two servers."""
        self._forms = [form for form in forms if form.command]
        self._tools = tools
        self._listed, self._used = listed, set()
        self._theirs, self._ours = theirs, ours
        self.verdicts = {}

    def check_command(self, command):
        bad = []
        for form in self._forms:
            if form.command == command:
                verdict, text = self._verdict(form)
                self.verdicts[command, form.name] = verdict
                if verdict == 'MISMATCH':
                    bad.append('%s, %s: mqadmin %s\n%s' % (command, form.name, shlex.join(form.words), text))
        if bad:
            raise CheckFailed('not the same output:\n' + '\n'.join(bad))

    def unused(self):
        return [row for row in self._listed if row not in self._used]

    def _verdict(self, form):
        options = dict(form.options)
        if self._tools and 'tools' in options:
            options['order'] = options['tools']
        theirs, ours = arranged(
            options,
            self._theirs[form.command, form.name],
            self._ours[form.command, form.name],
        )
        if theirs == ours:
            return 'same', ''
        rows = [
            row
            for row in self._listed
            if row.command in ('*', form.command) and row.form in ('*', form.name)
        ]

        def kept(lines):
            left = []
            for line in lines:
                matching = [row for row in rows if row.lines.fullmatch(line)]
                self._used.update(matching)
                if not matching:
                    left.append(line)
            return left

        if kept(theirs) == kept(ours):
            return 'listed', ''
        return 'MISMATCH', difference(kept(theirs), kept(ours))


def arranged(options, theirs, ours):
    """Both outputs as the form's options want them compared."""
    if options.get('keys') == 'common':

        def key(line):
            return KEY_AND_VALUE.match(line) and line.split('=')[0].strip()

        common = {key(line) for line in theirs} & {key(line) for line in ours}
        theirs, ours = ([line for line in lines if key(line) in common] for lines in (theirs, ours))
    if options.get('order') == 'any' or 'keys' in options:
        return sorted(theirs), sorted(ours)
    return theirs, ours


def difference(theirs, ours):
    return '\n'.join(list(difflib.unified_diff(theirs, ours, 'Apache', 'ours', lineterm='', n=1))[:60])

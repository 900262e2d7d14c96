# SPDX-License-Identifier: Apache-2.0
"""mqadmin's commands, form by form, at our servers and at Apache's: the same text, or a listed reason.

The forms stand in mqadmin_forms.txt, the differences that are meant in docs/COMPATIBILITY.md.
"""

import collections
import difflib
import os
import re
import shlex
import threading
import time

import peers
from mqadmin_mask import mask
from mqadmin_stage import Stage
from report import CheckFailed

HERE = os.path.dirname(os.path.abspath(__file__))
FORMS = os.path.join(HERE, 'mqadmin_forms.txt')
COMPATIBILITY = os.path.join(HERE, '..', '..', 'docs', 'COMPATIBILITY.md')
LIST_HEAD = '| mqadmin command | form | lines that differ | why |'
FORM_SECONDS = 300
ATTEMPTS = 5
KEY_AND_VALUE = re.compile(r'\S+ +=')

Form = collections.namedtuple('Form', 'command name words options')
Listed = collections.namedtuple('Listed', 'command form lines why')


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


def read_listed(path=COMPATIBILITY):
    """The rows of the table that begins with LIST_HEAD."""
    with open(path) as file:
        lines = file.read().split(LIST_HEAD + '\n', 1)[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith('|'):
            break
        command, form, pattern, why = (cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1])
        pattern = re.compile(pattern.strip('`').replace('\\|', '|'))
        rows.append(Listed(command.strip('`'), form, pattern, why))
    return rows


class Run:
    """The output of every form of one mqadmin against the servers of one kind."""

    def __init__(self, context, kind, role):
        self.title = '%s servers' % kind
        self.work = os.path.join(context.work, 'mqadmin-' + role)
        self.stage = Stage(context, kind, self.work)
        self._peers, self._peer = context.peer_directory, None
        self.lines, self.seconds, self.error = {}, {}, None

    def prepare(self):
        """One run after the other: every JVM that starts keeps a core busy for seconds."""
        self.stage.start()
        self._peer = peers.java('5.5.0', self._peers, self.work)
        self.stage.prepare(self._peer.ready())
        run_java(self._peer, 'topicList', ['-n', self.stage.pair.namesrv])  # Loads classes, starts the logs.

    def perform(self, forms):
        """Called on a thread of its own; an error is kept for the one who joins it."""
        try:
            for form in forms:
                self._perform(form)
        except BaseException as error:
            self.error = error

    def close(self):
        if self._peer:
            self._peer.kill()
        self.stage.close()

    def _perform(self, form):
        if not form.command:
            self.stage.await_route(form.words[1], form.words[0] == 'route')
            return
        words = [word.format(**self.stage.names) for word in form.words]
        began = time.monotonic()
        for _ in range(ATTEMPTS):  # A busy machine may miss a time-out of the client's.
            text = run_java(self._peer, form.command, words, form.options.get('until'))
            if 'RemotingTimeoutException' not in text:
                break
        if 'file' in form.options:
            path = form.options['file'].format(**self.stage.names)
            if os.path.exists(path):
                with open(path) as file:
                    text += '\n' + file.read()
                os.remove(path)
            else:
                text += 'no file\n'
        self.lines[form.command, form.name] = mask(text, self.stage.names)
        self.seconds[form.command, form.name] = time.monotonic() - began


def run_java(peer, command, words, until=None):
    """What a command printed, then its errors, then its exit status if that is not 0."""
    before = ['until=' + until] if until else []
    events = peer.run('admin', *before, command, *words, seconds=FORM_SECONDS)
    output = [event for event in events if event['event'] == 'output'][0]
    text = output['out'] + ''.join('stderr: %s\n' % line for line in output['err'].splitlines())
    return text + ('exit %d\n' % output['exit'] if output['exit'] else '')


class Comparison:
    """Holds one run against another, form by form."""

    def __init__(self, forms, listed, theirs, ours):
        self._forms = [form for form in forms if form.command]
        self._listed, self._used = listed, set()
        self._theirs, self._ours = theirs, ours
        self.table = []

    def commands(self):
        return list(dict.fromkeys(form.command for form in self._forms))

    def check_command(self, command):
        bad = []
        for form in self._forms:
            if form.command == command:
                verdict, text = self._verdict(form)
                self.table.append((command, form.name, verdict))
                if verdict == 'MISMATCH':
                    bad.append('%s, %s: mqadmin %s\n%s' % (command, form.name, shlex.join(form.words), text))
        if bad:
            raise CheckFailed('not the same output:\n' + '\n'.join(bad))

    def unused(self):
        return [row for row in self._listed if row not in self._used]

    def _verdict(self, form):
        theirs, ours = arranged(
            form.options,
            self._theirs.lines[form.command, form.name],
            self._ours.lines[form.command, form.name],
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


def mqadmin(context, report):
    forms, listed = read_forms(), read_listed()
    runs = [Run(context, 'apache', 'theirs'), Run(context, context.kind, 'tested')]
    try:
        perform(runs, forms)
    finally:
        for run in runs:
            run.close()
    for run in runs:
        if not report.case(run.title + ': every form ran', raise_error, run.error):
            return
    comparison = Comparison(forms, listed, *runs)
    for command in comparison.commands():
        report.case('mqadmin %s: as against Apache\'s servers' % command, comparison.check_command, command)
    for row in comparison.table:
        print('%-26s %-28s %s' % row)
    for run in runs:
        slowest = sorted(run.seconds.items(), key=lambda item: -item[1])[:5]
        total = sum(run.seconds.values())
        print('%s: %d forms in %.0f s; the slowest:' % (run.title, len(run.seconds), total))
        for (command, name), seconds in slowest:
            print('  %s, %s: %.1f s' % (command, name, seconds))
    for row in comparison.unused():
        print('not needed in docs/COMPATIBILITY.md: %s, %s, %s' % (row.command, row.form, row.lines.pattern))


def perform(runs, forms):
    for run in runs:
        run.prepare()
    threads = [threading.Thread(target=run.perform, args=(forms,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def raise_error(error):
    if error:
        raise error

# SPDX-License-Identifier: Apache-2.0
"""mqadmin's commands, form by form: Java's at Apache's servers, Java's at ours, and ours at Apache's.

Java's must show the same of both servers, ours must print what Java's prints, or docs/COMPATIBILITY.md lists
the difference with its reason.
"""

import os
import re
import subprocess
import threading
import time

import peers
from mqadmin_compare import (
    SERVERS_HEAD,
    TOOLS_HEAD,
    Comparison,
    Output,
    read_forms,
    read_listed,
    server_lines,
    tool_lines,
)
from mqadmin_stage import Stage
from report import check

FORM_SECONDS = 300
ATTEMPTS = 5
# A busy machine may miss a time-out of the client's; two clients may start in the same millisecond.
TRY_AGAIN = re.compile('RemotingTimeoutException|has created already|did not answer in time')
HELP_OPTION = re.compile(r'^ +(?:-(\w+),)? *--(\S+)', re.MULTILINE)


class Run:
    """The output of every form of one mqadmin against the servers of one kind."""

    def __init__(self, context, kind, role, ask):
        self.title = role
        self.work = os.path.join(context.work, 'mqadmin-' + role.replace(' ', '-'))
        self.stage = Stage(context, kind, self.work)
        self._ask = ask
        self.outputs, self.seconds, self.error = {}, {}, None

    def perform(self, forms, peer):
        """Called on a thread of its own; an error is kept for the one who joins it."""
        try:
            self.stage.start()
            self.stage.prepare(peer.ready(180))
            for form in forms:
                self._perform(form)
        except BaseException as error:
            self.error = error

    def lines(self, forms, of_output):
        return {
            (form.command, form.name): of_output(
                form, self.outputs[form.command, form.name], self.stage.names
            )
            for form in forms
            if form.command
        }

    def _perform(self, form):
        if not form.command:
            return self.stage.await_line(*form.words)
        words = [word.format(**self.stage.names) for word in form.words]
        began = time.monotonic()
        for _ in range(ATTEMPTS):
            output = self._ask(self.work, form.command, words, form.options.get('until'))
            if not TRY_AGAIN.search(output.out + output.err):
                break
        if 'file' in form.options:
            output = output._replace(file=taken(form.options['file'].format(**self.stage.names)))
        self.outputs[form.command, form.name] = output
        self.seconds[form.command, form.name] = time.monotonic() - began


def taken(path):
    """The text of a file, which is removed; None if there is none."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        text = file.read()
    os.remove(path)
    return text


def java_tool(peer):
    def ask(_, command, words, until=None):
        before = ['until=' + until] if until else []
        events = peer.run('admin', *before, command, *words, seconds=FORM_SECONDS)
        output = [event for event in events if event['event'] == 'output'][0]
        return Output(output['out'], output['err'], output['exit'], None)

    return ask


def our_tool(build):
    program = os.path.join(build, 'bin', 'mqadmin')
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if name != 'NAMESRV_ADDR' and not name.startswith('MQADMIN_')
    }

    def ask(work, command, words, until=None):
        child = subprocess.Popen(
            [program, command, *words, '--java-exit'],
            cwd=work,
            env=dict(surroundings, XDG_CONFIG_HOME=work or ''),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors='replace',
        )
        guard = threading.Timer(FORM_SECONDS, child.kill)
        guard.start()
        try:
            seen = ''
            while until and until not in seen:  # It would go on for ever.
                line = child.stdout.readline()
                if not line:
                    break
                seen += line
            if until:
                child.kill()
            out, err = child.communicate()
        finally:
            guard.cancel()
        return Output(seen + out, err, 0 if until else child.returncode, None)

    return ask


def check_options(java, ours, command):
    """Ours takes every option that Java's help tells of."""

    def options(text):
        return {(letters, name) for letters, name in HELP_OPTION.findall(text)}

    theirs = options(java(None, 'help', [command]).out)
    check(theirs, 'Java tells of no options')
    missing = theirs - options(ours(None, 'help', [command]).out)
    check(not missing, 'options of Java\'s that ours does not know', sorted(missing))


def mqadmin(context, report):
    forms = read_forms()
    commands = list(dict.fromkeys(form.command for form in forms if form.command))
    java_peers = [
        peers.java('5.5.0', context.peer_directory, os.path.join(context.work, 'mqadmin-java-%d' % number))
        for number in range(2)
    ]
    theirs = Run(context, 'apache', 'Java at Apache\'s', java_tool(java_peers[0]))
    tested = Run(context, context.kind, 'Java at ours', java_tool(java_peers[1]))
    own = Run(context, 'apache', 'ours at Apache\'s', our_tool(context.build))
    runs = [theirs, tested, own]
    try:
        perform(runs, forms, [java_peers[0], java_peers[1], java_peers[0]])
        for run in runs:
            if not report.case('%s servers: every form ran' % run.title, raise_error, run.error):
                return
        for command in commands:
            report.case(
                'mqadmin %s: ours takes Java\'s options' % command,
                check_options,
                java_tool(java_peers[0]),
                our_tool(context.build),
                command,
            )
    finally:
        for peer in java_peers:
            peer.kill()
        for run in runs:
            run.stage.close()
    servers = Comparison(
        forms, read_listed(SERVERS_HEAD), theirs.lines(forms, server_lines), tested.lines(forms, server_lines)
    )
    tools = Comparison(
        forms,
        read_listed(TOOLS_HEAD),
        theirs.lines(forms, tool_lines),
        own.lines(forms, tool_lines),
        tools=True,
    )
    for command in commands:
        report.case('mqadmin %s: our servers as Apache\'s' % command, servers.check_command, command)
        report.case('mqadmin %s: our tool as Java\'s' % command, tools.check_command, command)
    print_tables(forms, servers, tools)
    print_times(runs)


def perform(runs, forms, consumers):
    threads = [
        threading.Thread(target=run.perform, args=(forms, peer))
        for run, peer in zip(runs, consumers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def print_tables(forms, servers, tools):
    print('%-26s %-28s %-10s %s' % ('command', 'form', 'servers', 'tools'))
    for form in forms:
        if form.command:
            key = form.command, form.name
            print('%-26s %-28s %-10s %s' % (*key, servers.verdicts[key], tools.verdicts[key]))
    for title, comparison in (('servers', servers), ('tools', tools)):
        for row in comparison.unused():
            text = 'not needed in docs/COMPATIBILITY.md, %s: %s, %s, %s'
            print(text % (title, row.command, row.form, row.lines.pattern))


def print_times(runs):
    for run in runs:
        slowest = sorted(run.seconds.items(), key=lambda item: -item[1])[:5]
        total = sum(run.seconds.values())
        print('%s: %d forms in %.0f s; the slowest:' % (run.title, len(run.seconds), total))
        for (command, name), seconds in slowest:
            print('  %s, %s: %.1f s' % (command, name, seconds))


def raise_error(error):
    if error:
        raise error

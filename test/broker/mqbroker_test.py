#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqbroker as its user meets it: one clear line for each mistake, and an exit code.

usage: mqbroker_test.py PATH_OF_MQBROKER
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

WAIT = 60


class Broker:
    """A running mqbroker on a free port."""

    def __init__(self, program, directory, *arguments):
        self.process = subprocess.Popen(
            [program, '--data-dir=' + directory, '--set=listenPort=0,brokerIP1=127.0.0.1', *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if 'The broker[' in line:
                break
        self.port = int(re.search(r'127\.0\.0\.1:(\d+)\] boot success', self.lines[-1]).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT)
        self.process.stdout.close()
        return code


def refused(program, *arguments):
    """Runs a start that must fail; its exit code and what it said."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=WAIT, check=False)
    return done.returncode, done.stderr.strip()


def port_in_use(program, directory):
    broker = Broker(program, directory + '/a')
    code, said = refused(
        program, '--data-dir=' + directory + '/b', '--set=brokerIP1=127.0.0.1,listenPort=%d' % broker.port
    )
    assert code == 1 and str(broker.port) in said and 'in use' in said, said
    assert broker.stop() == 0


def directory_in_use(program, directory):
    broker = Broker(program, directory + '/a')
    code, said = refused(program, '--data-dir=' + directory + '/a', '--set=listenPort=0,brokerIP1=127.0.0.1')
    assert code == 1 and directory + '/a/lock' in said, said
    assert broker.stop() == 0


def directory_unwritable(program, directory):
    path = directory + '/file'
    with open(path, 'w', encoding='ascii') as file:
        file.write('no directory')
    code, said = refused(program, '--data-dir=' + path + '/data', '--set=listenPort=0')
    assert code == 1 and path in said, (code, said)


def bad_value(program, directory):
    path = directory + '/broker.conf'
    with open(path, 'w', encoding='ascii') as file:
        file.write('brokerName=x\nlistenPort=70000\n')
    code, said = refused(program, '-c', path)
    assert code == 2 and path + ':2: listenPort' in said and '0..65535' in said, said


def missing_file(program, directory):
    code, said = refused(program, '-c', directory + '/none.conf')
    assert code == 2 and 'none.conf' in said, said


def unknown_argument(program, _):
    code, said = refused(program, 'start')
    assert code == 2 and "'start'" in said, said


def standalone(program, directory):
    broker = Broker(program, directory + '/a', '--standalone', '--namesrv_port=0')
    assert any('The Name Server boot success' in line for line in broker.lines), broker.lines
    assert 'and name server is 127.0.0.1:' in broker.lines[-1], broker.lines
    assert broker.stop() == 0
    assert not os.path.exists(directory + '/a/abort'), 'stopped in order'
    assert os.path.exists(directory + '/a/config/topics.json')


def killed(program, directory):
    broker = Broker(program, directory + '/a')
    broker.process.kill()
    broker.process.wait(WAIT)
    broker.process.stdout.close()
    assert os.path.exists(directory + '/a/abort')
    assert Broker(program, directory + '/a').stop() == 0


def main():
    program = sys.argv[1]
    failed = 0
    cases = (
        port_in_use,
        directory_in_use,
        directory_unwritable,
        bad_value,
        missing_file,
        unknown_argument,
        standalone,
        killed,
    )
    for case in cases:
        with tempfile.TemporaryDirectory() as directory:
            try:
                case(program, directory)
                print('ok      ' + case.__name__)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print('FAILED  %s: %s' % (case.__name__, error))
    print('%d passed, %d failed' % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

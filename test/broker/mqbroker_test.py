#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqbroker and mqnamesrv as their user meets them: one clear line for each mistake, and an exit code.

Exit codes: 1 = it was asked properly and could not, 2 = flags, options or configuration file are wrong.
usage: mqbroker_test.py PATH_OF_MQBROKER PATH_OF_MQNAMESRV
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

WAIT = 60


class Broker:
    """A running mqbroker on a free port."""

    running = []

    def __init__(self, program, directory, *arguments):
        self.process = subprocess.Popen(
            [program, '--data-dir=' + directory, '--set=listenPort=0,brokerIP1=127.0.0.1', *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        Broker.running.append(self.process)
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


def second_standalone(program, directory):
    """The lock is named although the ports are taken too, and no boot line comes first."""
    place = ('--standalone', '--data-dir=' + directory + '/a', '--set=brokerIP1=127.0.0.1')
    broker = Broker(program, directory + '/a', '--standalone', '--namesrv_port=0')
    namesrv = re.search(r'name server is 127\.0\.0\.1:(\d+)', broker.lines[-1]).group(1)
    done = subprocess.run(
        [program, *place, '--namesrv_port=' + namesrv, '--set=listenPort=%d' % broker.port],
        capture_output=True, text=True, timeout=WAIT, check=False,
    )
    assert done.returncode == 1 and 'another broker is running on it' in done.stderr, done.stderr
    assert directory + '/a/lock' in done.stderr and 'boot success' not in done.stdout, done
    assert broker.stop() == 0


def standalone_port_in_use(program, directory):
    """The broker's port is taken: nothing says that anything serves."""
    broker = Broker(program, directory + '/a')
    done = subprocess.run(
        [program, '--standalone', '--namesrv_port=0', '--data-dir=' + directory + '/b',
         '--set=listenPort=%d' % broker.port],
        capture_output=True, text=True, timeout=WAIT, check=False,
    )
    assert done.returncode == 1 and 'in use' in done.stderr and done.stdout == '', done
    assert broker.stop() == 0


def directory_unwritable(program, directory):
    path = directory + '/file'
    with open(path, 'w', encoding='ascii') as file:
        file.write('no directory')
    code, said = refused(program, '--data-dir=' + path + '/data', '--set=listenPort=0')
    assert code == 1 and 'data directory ' + path + '/data' in said and '--data-dir' in said, (code, said)
    assert 'log file' not in said, said


def log_directory_missing(program, directory):
    path = directory + '/no/such/broker.log'
    code, said = refused(program, '--data-dir=' + directory + '/a', '--log', path, '--set=listenPort=0')
    assert code == 2 and path in said and 'there is no directory' in said, (code, said)
    assert not os.path.exists(directory + '/no')


def binary_config(program, directory):
    path = directory + '/broker.conf'
    with open(path, 'wb') as file:
        file.write(b'brokerName=x\n\x00\x01\xfe\xff=\x7f\n')
    code, said = refused(program, '-c', path)
    assert code == 2 and path + ':2: this is no text file' in said, (code, said)


def bad_flags(program, directory):
    data = '--data-dir=' + directory + '/a'
    for arguments, text in (
        (['--no_such_flag=1'], "unknown flag '--no_such_flag'"),
        (['-x'], "unknown flag '-x'"),
        (['--enable-proxy'], "'--enable-proxy': there is no proxy"),
        (['--set=aclEnable=true', data], '--set: aclEnable: is true, but there is no access control here'),
        (['-c'], "'-c' needs a value"),
        (['--namesrv_port=many'], "--namesrv_port: 'many' is no int32"),
        (['--namesrv_port=70000'], '0..65535'),
        (['--standalone=perhaps'], "'perhaps' is no bool"),
        (['-n', 'nowhere', data], '-n: '),
        (['--log_level=loud', data], "'loud'"),
        (['--set=listenPort', data], 'expected key=value'),
        (['--set=storePathCommitLog=/a', '--set', 'listenPort=x', data], 'listenPort'),
        (['--set=namesrvAddr=nowhere', data], 'namesrvAddr'),
        (['start'], "unexpected argument 'start'"),
    ):
        code, said = refused(program, *arguments)
        assert code == 2 and text in said, (arguments, code, said)


def repeated_set(program, directory):
    done = subprocess.run(
        [program, '-p', '--set=listenPort=1', '--set', 'brokerName=b7,fileReservedTime=5',
         '--set=listenPort=2', '--data-dir', directory],
        capture_output=True, text=True, timeout=WAIT, check=False,
    )
    assert done.returncode == 0, done
    lines = done.stdout.split('\n')
    for line in ('listenPort=2', 'brokerName=b7', 'fileReservedTime=5'):
        assert line in lines, done.stdout


def apaches_names_of_flags(program, directory):
    path = directory + '/broker.conf'
    with open(path, 'w', encoding='ascii') as file:
        file.write('brokerName=b7\n')
    for flags in (['--configFile', path], ['--configFile=' + path], ['-c', path]):
        done = subprocess.run(
            [program, *flags, '--namesrvAddr', '127.0.0.1:9', '-d', directory, '--printConfigItem'],
            capture_output=True, text=True, timeout=WAIT, check=False)
        lines = done.stdout.split('\n')
        assert done.returncode == 0 and 'brokerName=b7' in lines, done
        assert 'namesrvAddr=127.0.0.1\\:9' in lines or 'namesrvAddr=127.0.0.1:9' in lines, done.stdout
        assert 'storePathRootDir=' + directory in lines, done.stdout
    done = subprocess.run([program, '--printImportantConfig'], capture_output=True, text=True, timeout=WAIT,
                          check=False)
    assert done.returncode == 0 and 'flushDelayOffsetInterval=10000' not in done.stdout, done


def important_options(program, _):
    """-m prints those that an operator looks at first; -p all of them, also together with -m."""
    for flags, whole in ((['-m'], False), (['-p'], True), (['-m', '-p'], True)):
        done = subprocess.run([program, *flags, '--set=brokerName=b7'], capture_output=True, text=True,
                              timeout=WAIT, check=False)
        lines = done.stdout.split('\n')
        assert done.returncode == 0 and 'brokerName=b7' in lines and 'listenPort=10911' in lines, done
        assert ('flushDelayOffsetInterval=10000' in lines) == whole, (flags, done.stdout)


def service_manager_is_told(program, directory):
    """Ready after the boot line, stopping at the signal: what systemd's Type=notify waits for."""
    path = directory + '/notify'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(WAIT)
        os.environ['NOTIFY_SOCKET'] = path
        try:
            broker = Broker(program, directory + '/a')
        finally:
            del os.environ['NOTIFY_SOCKET']
        assert manager.recv(100) == b'READY=1'
        assert broker.stop() == 0
        assert manager.recv(100) == b'STOPPING=1'


def unreachable_address(program, directory):
    """Loopback told to a NameServer elsewhere is warned of; what is no address at all is refused."""
    broker = Broker(program, directory + '/a', '-n', '203.0.113.9:9876')
    warned = [line for line in broker.lines if '203.0.113.9:9876' in line and 'set brokerIP1' in line]
    assert warned and ' W ' in warned[0], broker.lines
    assert broker.stop() == 0
    code, said = refused(program, '--data-dir=' + directory + '/b', '--set=listenPort=0,brokerIP1=10.0.0')
    assert code == 2 and "brokerIP1: '10.0.0' is neither" in said, (code, said)


def host_name_is_told(program, directory):
    process = subprocess.Popen([program, '--data-dir=' + directory + '/a',
                                '--set=listenPort=0,brokerIP1=localhost'], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    Broker.running.append(process)
    assert re.search(r', localhost:\d+\] boot success', process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0
    process.stdout.close()


def help_and_version(program, _):
    for flag in ('-h', '--help', '--version'):
        done = subprocess.run([program, flag], capture_output=True, text=True, timeout=WAIT, check=False)
        assert done.returncode == 0 and done.stdout and not done.stderr, (flag, done)
        assert 'main.cc' not in done.stdout, done.stdout
        row = r'\n  --log-level VALUE +debug, info, .* \[info\]\n'
        assert flag == '--version' or re.search(row, done.stdout), done.stdout


def standalone_elsewhere(program, directory):
    """Who registers at another NameServer too is told so."""
    broker = Broker(program, directory + '/a', '--standalone', '--namesrv_port=0', '-n', '127.0.0.1:1')
    warned = [line for line in broker.lines if 'registers with its own NameServer and also with' in line]
    assert warned and '127.0.0.1:1 (from -n)' in warned[0], broker.lines
    assert broker.stop() == 0


def namesrv_mistakes(program, directory):
    """The same rules in mqnamesrv; `program` is its path."""
    path = directory + '/n.conf'
    with open(path, 'wb') as file:
        file.write(b'\x00')
    for arguments, code_wanted, text in (
        (['--no_such_flag'], 2, "unknown flag '--no_such_flag'"),
        (['--log_level=loud'], 2, "'loud'"),
        (['--set=listenPort=70000'], 2, '0..65535'),
        (['--configFile', path], 2, path + ':1: this is no text file'),
        (['-c', path], 2, path + ':1: this is no text file'),
        (['-c', directory + '/none'], 2, 'none'),
        (['--log', directory + '/no/n.log'], 2, 'there is no directory'),
        (['--set', 'bindAddress=203.0.113.7', '--set=listenPort=0'], 1, '203.0.113.7'),
    ):
        code, said = refused(program, *arguments)
        assert code == code_wanted and text in said, (arguments, code, said)


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
    broker, namesrv = sys.argv[1:3]
    failed = 0
    cases = (
        port_in_use,
        directory_in_use,
        second_standalone,
        standalone_port_in_use,
        directory_unwritable,
        log_directory_missing,
        binary_config,
        bad_flags,
        repeated_set,
        apaches_names_of_flags,
        important_options,
        service_manager_is_told,
        unreachable_address,
        host_name_is_told,
        help_and_version,
        standalone_elsewhere,
        namesrv_mistakes,
        bad_value,
        missing_file,
        unknown_argument,
        standalone,
        killed,
    )
    for case in cases:
        with tempfile.TemporaryDirectory() as directory:
            try:
                case(namesrv if case is namesrv_mistakes else broker, directory)
                print('ok      ' + case.__name__)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print('FAILED  %s: %s' % (case.__name__, error))
            finally:
                # Only a case that failed leaves one behind.
                for process in Broker.running:
                    process.kill()
                    process.wait(WAIT)
                Broker.running.clear()
    print('%d passed, %d failed' % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

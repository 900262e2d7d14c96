# SPDX-License-Identifier: Apache-2.0
"""Starts a NameServer and a broker, Apache's or ours, with the same configuration file."""

import os
import random
import signal
import socket
import subprocess
import time

import wire

BOOT_SECONDS = 180
EXPORTS = [
    '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
    '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
    '--add-opens=java.base/java.nio=ALL-UNNAMED',
    '--add-exports=java.base/sun.security.action=ALL-UNNAMED',
]
JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto']


class BootError(Exception):
    """A server did not come up; the text holds the end of its output."""


def free_ports(count, host='127.0.0.1'):
    """The first of `count` neighbouring ports nobody listens on, below the range the kernel hands out."""
    for _ in range(200):
        first = random.randrange(11000, 31000)
        # Outputs are compared with ports masked (mqadmin_mask.py): none may look like a time or a size.
        if any(port % 100 == 0 or port == 16384 for port in range(first - 2, first + count + 1)):
            continue
        probes = []
        try:
            for port in range(first, first + count):
                probe = socket.socket()
                probes.append(probe)
                probe.bind((host, port))
            return first
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise BootError('no %d free neighbouring ports on %s' % (count, host))


def tail(path, lines=40):
    try:
        with open(path, errors='replace') as log:
            return ''.join(log.readlines()[-lines:])
    except OSError as error:
        return '(no output: %s)\n' % error


class Program:
    """A child process with its output in a file."""

    def __init__(self, name, command, work, stdin=subprocess.DEVNULL, stdout=None):
        os.makedirs(work, exist_ok=True)
        self.name, self.log = name, os.path.join(work, name + '.out')
        with open(self.log, 'wb') as output:
            self._child = subprocess.Popen(
                command, cwd=work, stdin=stdin, stdout=stdout or output, stderr=output
            )
        self.stdin, self.stdout = self._child.stdin, self._child.stdout

    def running(self):
        return self._child.poll() is None

    def wait_for(self, text, seconds=BOOT_SECONDS):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with open(self.log, errors='replace') as log:
                if text in log.read():
                    return
            if not self.running():
                break
            time.sleep(0.05)
        state = 'still runs' if self.running() else 'ended with %s' % self._child.returncode
        raise BootError(
            '%s did not print "%s" within %d s (it %s); its output ends:\n%s'
            % (self.name, text, seconds, state, tail(self.log))
        )

    def stop(self, seconds=20):
        """SIGTERM and, after the deadline, SIGKILL, to this process only. Returns the exit status."""
        self.terminate()
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def terminate(self):
        self.signal(signal.SIGTERM)

    def signal(self, number):
        if self.running():
            self._child.send_signal(number)

    def wait(self, seconds):
        """Returns the exit status, or None after the deadline."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.running():
            self._child.kill()
        return self._child.wait()


def write_properties(path, pairs):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.writelines('%s=%s\n' % pair for pair in pairs.items())
    return path


class Servers:
    """A NameServer and one broker on loopback. All paths in their files are relative: they run in `work`.

    kind: 'apache' or 'ours'. conf: further broker keys. namesrv_conf: further NameServer keys.
    jvm: further JVM flags of Apache's. registrar: where the broker registers, if not at the NameServer.
    """

    def __init__(self, kind, build, peers, work, conf=None, namesrv_conf=None, jvm=None, registrar=None):
        self.kind, self.build, self.peers, self.work = kind, build, peers, work
        self.registrar = registrar
        self.namesrv_jvm, self.broker_jvm = list(jvm or []), list(jvm or [])
        self.namesrv_port = free_ports(1)
        # listenPort - 2 is the broker's second port, listenPort + 1 its replication port.
        self.broker_port = free_ports(4) + 2
        self.namesrv = '127.0.0.1:%d' % self.namesrv_port
        self.broker = '127.0.0.1:%d' % self.broker_port
        self.namesrv_conf = {
            'listenPort': self.namesrv_port,
            'bindAddress': '127.0.0.1',
            'kvConfigPath': 'namesrv/kvConfig.json',
        }
        self.namesrv_conf.update(namesrv_conf or {})
        self.conf = {
            'brokerClusterName': 'DefaultCluster',
            'brokerName': 'broker-a',
            'brokerId': 0,
            'listenPort': self.broker_port,
            'bindAddress': '127.0.0.1',
            'brokerIP1': '127.0.0.1',
            'brokerIP2': '127.0.0.1',
            'haListenPort': self.broker_port + 1,
            'namesrvAddr': registrar or self.namesrv,
            'storePathRootDir': 'store',
            'storePathCommitLog': 'store/commitlog',
            'autoCreateTopicEnable': 'true',
            'mappedFileSizeCommitLog': 16 << 20,
        }
        self.conf.update(conf or {})
        self.trust = None  # An SSLContext when the NameServer enforces TLS.
        self.name_server = self.broker_process = None

    def start(self):
        try:
            if not self.name_server:
                self.start_namesrv()
            self.start_broker()
            self._await_registration()
        except BaseException:
            self.stop()
            raise
        return self

    def start_namesrv(self):
        write_properties(os.path.join(self.work, 'namesrv.conf'), self.namesrv_conf)
        self.name_server = self._launch(
            'namesrv', 'org.apache.rocketmq.namesrv.NamesrvStartup', ['-c', 'namesrv.conf']
        )

    def start_broker(self):
        write_properties(os.path.join(self.work, 'broker.conf'), self.conf)
        main = 'org.apache.rocketmq.broker.BrokerStartup'
        self.broker_process = self._launch('broker', main, ['-c', 'broker.conf'], EXPORTS)

    def _launch(self, name, main, arguments, exports=()):
        if self.kind == 'ours':
            return Program(name, [os.path.join(self.build, 'bin', 'mq' + name)] + arguments, self.work)
        home = ['-Drocketmq.home.dir=.', '-Duser.home=.', '-Drocketmq.log.root.level=WARN']
        flags = self.broker_jvm if name == 'broker' else self.namesrv_jvm
        command = ['java', *JVM, *home, *exports, *flags, '-cp', self.peers + '/java-5.5.0/*', main]
        return Program(name, command + arguments, self.work)

    def _await_registration(self):
        self.name_server.wait_for('boot success')
        self.broker_process.wait_for('boot success')
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            try:
                with wire.Connection(self.namesrv, trust=self.trust) as connection:
                    if self.conf['brokerName'].encode() in connection.call(106).body:
                        return
            except (OSError, EOFError):
                pass
            time.sleep(0.1)
        raise BootError(
            '%s is not registered after %d s; the broker says:\n%s'
            % (self.conf['brokerName'], BOOT_SECONDS, tail(self.broker_process.log))
        )

    def stop(self):
        """Stops both, the broker first, and returns their exit statuses."""
        statuses = []
        for program in (self.broker_process, self.name_server):
            if program:
                statuses.append(program.stop())
        return statuses

    def kill(self):
        """Ends both at once; Apache's broker would take 18 s to stop."""
        for program in (self.broker_process, self.name_server):
            if program:
                program.kill()

    def outputs(self):
        return ''.join(
            '--- %s\n%s' % (program.name, tail(program.log, 15))
            for program in (self.name_server, self.broker_process)
            if program
        )

# SPDX-License-Identifier: Apache-2.0
"""Client programs behind the line protocol that java/src/Peer.java describes."""

import itertools
import json
import os
import subprocess
import threading
import time
import zlib

import servers

COMPRESSED_BODY_SIZE = 8192
HERE = os.path.dirname(os.path.abspath(__file__))


class PeerError(Exception):
    """A peer failed or missed its deadline; the text names the command and holds the end of its output."""


def install(directory):
    """Makes sure that the official peers are in `directory`; fails loudly."""
    result = subprocess.run(
        [os.path.join(HERE, 'peers.sh'), directory],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    if result.returncode != 0:
        raise PeerError('the official peers cannot be installed:\n' + result.stdout[-4000:])


def body_of(key, mode='sync'):
    """The body that every peer gives the message with this key."""
    if mode == 'compressed':
        return ((key + ' ') * (COMPRESSED_BODY_SIZE // (len(key) + 1) + 1))[:COMPRESSED_BODY_SIZE].encode()
    return ('body of ' + key).encode()


class Job:
    """One running command of a peer."""

    def __init__(self, peer, number, line):
        self.peer, self.number, self.line = peer, number, line
        self.events, self._changed = [], threading.Condition()

    def add(self, event):
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, name):
        with self._changed:
            return [event for event in self.events if event['event'] == name]

    def wait(self, seconds=60):
        """Waits for the end of the command and returns its events; an error or a missed deadline raises."""
        self.until(lambda job: job.of('done') or job.of('error'), seconds, 'its end')
        if self.of('error'):
            raise PeerError(
                '%s: "%s" failed: %s\n%s'
                % (self.peer.name, self.line, self.of('error')[0]['text'], self.peer.tail())
            )
        return self.events

    def until(self, condition, seconds, what):
        end = time.monotonic() + seconds
        with self._changed:
            while not condition(self):
                left = end - time.monotonic()
                if left <= 0 or self.peer.ended:
                    state = 'ended' if self.peer.ended else 'is late (%d s)' % seconds
                    raise PeerError(
                        '%s %s; waited for %s of "%s"; last events %s\n%s'
                        % (self.peer.name, state, what, self.line, self.events[-3:], self.peer.tail())
                    )
                self._changed.wait(min(left, 0.5))
        return self

    def stop(self, seconds=40):
        self.peer.run('stop', of=self.number, seconds=seconds)
        return self.wait(seconds)


class Peer:
    """A client program that takes commands on its input; one process for many commands."""

    def __init__(self, name, command, work):
        self.name, self.ended = name, False
        self._jobs, self._numbers, self._lock = {}, itertools.count(1), threading.Lock()
        self._jobs['0'] = self._boot = Job(self, 0, 'start')
        self._program = servers.Program(name, command, work, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._program.stdout:
            self._lines = self._lines[-40:] + [line.decode('utf-8', 'replace')]
            try:
                event = json.loads(line)
                job = self._jobs[event['id']]
            except (ValueError, KeyError, TypeError):
                continue  # A log line of the client library.
            job.add(event)
        self.ended = True

    def ready(self, seconds=30):
        self._boot.until(lambda job: job.of('ready'), seconds, 'its first line')
        return self

    def begin(self, name, *words, **values):
        """Starts a command and returns its job."""
        number = str(next(self._numbers))
        line = ' '.join([number, name, *map(str, words)] + ['%s=%s' % pair for pair in values.items()])
        job = self._jobs[number] = Job(self, number, line)
        with self._lock:
            try:
                self._program.stdin.write(line.encode() + b'\n')
                self._program.stdin.flush()
            except OSError:
                raise PeerError('%s is gone before "%s"\n%s' % (self.name, line, self.tail())) from None
        return job

    def run(self, name, *words, seconds=60, **values):
        """Runs a command to its end and returns its events."""
        return self.begin(name, *words, **values).wait(seconds)

    def tail(self):
        return '--- last lines of %s\n%s%s' % (
            self.name,
            ''.join(self._lines[-12:]),
            servers.tail(self._program.log, 15),
        )

    def kill(self):
        self._program.kill()
        self._reader.join(5)


def java(version, peers, work, flags=()):
    home = os.path.join(work, 'java-' + version)
    classpath = '%s/java-peer:%s/java-%s/*' % (peers, peers, version)
    # Without the last one a retry topic that is new waits up to 20 s for the next rebalance.
    options = [
        '-Duser.home=' + home,
        '-Drocketmq.home.dir=' + home,
        '-Drocketmq.client.logLevel=WARN',
        '-Drocketmq.client.rebalance.waitInterval=1000',
    ]
    name = 'java-' + version
    return Peer(name, ['java', *servers.JVM, *options, *flags, '-cp', classpath, 'Peer'], work)


def go(peers, work):
    return Peer('go', [os.path.join(peers, 'go-peer')], work)


def sdk(build, work):
    return Peer('sdk', [os.path.join(build, 'bin', 'sdk_peer')], work)


def crc(body):
    return zlib.crc32(body)

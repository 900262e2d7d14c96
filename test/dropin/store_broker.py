# SPDX-License-Identifier: Apache-2.0
"""One broker, ours or Apache's, on a store directory that others have written or will open."""

import json
import os
import shutil
import signal
import struct
import subprocess

import lenient_json
import servers
import wire
from report import check, wait_until

SEGMENT = 128 << 10
# Level 1 is delivered while a broker lives, level 2 falls due in the next one, level 3 stays pending.
DELAYS = '1s 25s 2h'
OFFSET_FILES = ('consumerOffset.json', 'delayOffset.json')


class StoreBroker:
    """kind: 'ours', 'apache-5.5.0' or 'apache-4.9.7'. No NameServer: requests go to the broker itself."""

    def __init__(self, context, kind, store, conf=None):
        self.kind, self.store, self._context = kind, store, context
        self.work = context.folder(kind)
        port = servers.free_ports(4) + 2
        self.address = '127.0.0.1:%d' % port
        self.conf = {
            'brokerClusterName': 'DefaultCluster',
            'brokerName': 'dropin',
            'brokerId': 0,
            'listenPort': port,
            'bindAddress': '127.0.0.1',
            'brokerIP1': '127.0.0.1',
            'brokerIP2': '127.0.0.1',
            'haListenPort': port + 1,
            'storePathRootDir': store,
            'storePathCommitLog': os.path.join(store, 'commitlog'),
            'mappedFileSizeCommitLog': SEGMENT,
            'mappedFileSizeConsumeQueue': 600,
            'maxHashSlotNum': 200,
            'maxIndexNum': 800,
            'maxMessageSize': 60000,
            'messageDelayLevel': DELAYS,
            'flushConsumerOffsetInterval': 1000,
            'flushDelayOffsetInterval': 1000,
            'transactionCheckInterval': 3600000,
            # The defaults reach into the hour of the day and the fill of the machine's disk.
            'deleteWhen': '04',
            'fileReservedTime': 100000,
            'diskMaxUsedSpaceRatio': 95,
            'diskSpaceCleanForciblyRatio': 85,
        }
        self.conf.update(conf or {})
        self.program = None

    @property
    def is_ours(self):
        return self.kind == 'ours'

    def start(self):
        self.begin()
        return self.ready()

    def begin(self):
        """Starts the process; ready() waits for it."""
        servers.write_properties(os.path.join(self.work, 'broker.conf'), self.conf)
        if self.is_ours:
            command = [os.path.join(self._context.build, 'bin', 'mqbroker')]
        else:
            command = self._java()
        self.program = servers.Program('broker', command + ['-c', 'broker.conf'], self.work)
        self._context.started(self.program)

    def _java(self):
        version = self.kind.split('-', 1)[1]
        jars = {'5.5.0': 'java-5.5.0', '4.9.7': 'server-4.9.7'}[version]
        home = ['-Drocketmq.home.dir=.', '-Duser.home=.', '-Drocketmq.log.root.level=WARN']
        # 4.9 does not start without a configuration of its log.
        folder = os.path.join(self.work, 'conf')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'logback_broker.xml'), 'w') as file:
            file.write('<configuration><root level="OFF"/></configuration>\n')
        opens = ['--add-opens=java.base/%s=ALL-UNNAMED' % package for package in ('sun.nio.ch', 'java.lang')]
        main = 'org.apache.rocketmq.broker.BrokerStartup'
        classes = '%s/%s/*' % (self._context.peer_directory, jars)
        return ['java', *servers.JVM, *home, *servers.EXPORTS, *opens, '-cp', classes, main]

    def ready(self):
        self.program.wait_for('boot success', 90)
        wait_until(self._answers, 20, 'the broker answers')
        return self

    def _answers(self):
        try:
            with self.connect() as connection:
                return connection.call(28, {}).code == 0
        except (OSError, EOFError):
            return False

    def connect(self):
        return wire.Connection(self.address)

    def image(self, target):
        """What kill -9 would leave at this moment, beside a broker that lives on."""
        self.program.signal(signal.SIGSTOP)
        try:
            copy(self.store, target)
        finally:
            self.program.signal(signal.SIGCONT)
        left = os.path.join(target, 'abort')
        check(os.path.exists(left), 'the image of a running broker lacks the abort file')
        return target

    def terminate(self):
        self.program.terminate()

    def stop(self, seconds=90):
        """An orderly stop. Apache's takes 18 s."""
        self.terminate()
        status = self.program.wait(seconds)
        check(status is not None, '%s did not stop within %d s' % (self.kind, seconds), self.output())
        left = os.path.join(self.store, 'abort')
        check(not os.path.exists(left), '%s left the abort file of a crash' % self.kind, self.output())
        return self

    def kill(self):
        self.program.kill()
        check(os.path.exists(os.path.join(self.store, 'abort')), 'a killed broker left no abort file')
        return self

    def saved(self, name, accepts):
        """Waits until a file of the folder config says what it must."""

        def holds():
            try:
                with open(os.path.join(self.store, 'config', name)) as file:
                    return accepts(lenient_json.loads(file.read()))
            except (OSError, ValueError, LookupError):
                return False  # Between two renames.

        wait_until(holds, 30, '%s writes %s' % (self.kind, name))

    def output(self):
        return '--- %s\n%s' % (self.kind, servers.tail(self.program.log, 30))


def copy(source, target):
    """Keeps holes: most of Apache's files are empty space."""
    result = subprocess.run(
        ['cp', '-a', '--sparse=always', source, target],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    check(result.returncode == 0, 'cannot copy ' + source, result.stdout)
    return target


def segments(store):
    return sorted(os.listdir(os.path.join(store, 'commitlog')))


def remove_head(store):
    """Takes away what retention would: the first log file, and queue files that point only into it.

    Returns the log's new begin.
    """
    names = segments(store)
    check(len(names) > 3, 'there are only %d log files' % len(names))
    os.remove(os.path.join(store, 'commitlog', names[0]))
    head, removed = int(names[1]), 0
    for folder, _, files in os.walk(os.path.join(store, 'consumequeue')):
        for name in sorted(files)[:-1]:
            path = os.path.join(folder, name)
            with open(path, 'rb') as file:
                file.seek(-20, os.SEEK_END)
                if struct.unpack('>q', file.read(8))[0] >= head:
                    break
            os.remove(path)
            removed += 1
    check(removed > 0, 'no queue file points into the first log file only')
    return head


def prepare(store, groups):
    """A new store with groups that no request can make: names of more than 120 characters."""
    os.makedirs(os.path.join(store, 'config'))
    table = {
        name: {'groupName': name, 'consumeEnable': True, 'retryQueueNums': 1, 'retryMaxTimes': 16}
        for name in groups
    }
    value = {
        'dataVersion': {'counter': 1, 'stateVersion': 0, 'timestamp': 1700000000000},
        'forbiddenTable': {},
        'subscriptionGroupTable': table,
    }
    with open(os.path.join(store, 'config', 'subscriptionGroup.json'), 'w') as file:
        json.dump(value, file)
    return store


def remove(store):
    shutil.rmtree(store, ignore_errors=True)

# SPDX-License-Identifier: Apache-2.0
"""Our slave behind Apache's master, and Apache's slave behind ours: under load, with either side killed,
until both logs are the same bytes. Then the same two as SYNC_MASTER and slave (sync_replication.py)."""

import os
import threading

import servers
import wire
from logs import first_difference, log_end
from report import check, wait_until
from sync_replication import SyncReplication

PAIRS = (('apache', 'ours'), ('ours', 'apache'), ('ours', 'ours'))
NAMES = {'ours': 'our', 'apache': "Apache's"}
TOPIC, QUEUES = 'Replicated', 4
SENDERS = 2
FILE_BYTES = 1 << 20
ROUND = 900  # About a log file of FILE_BYTES.
CATCH_UP_SECONDS = 90
PAUSE_SECONDS = 0.002  # After each message of a sender: waiting must not fill the disk.


def replication(context, report):
    context.begin_peers('java-5.5.0')
    for master, slave in PAIRS:
        Replication(context, report, master, slave).run()
    # Most of their time is Apache's, which boots and looks for its master again.
    threads = [
        threading.Thread(target=SyncReplication(context, report, master, slave).run)
        for master, slave in PAIRS[:2]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end_of(address):
    found = []
    wait_until(lambda: found.append(log_end(address)) or found[-1] is not None, 60, 'the broker answers')
    return found[-1]


class Load:
    """Sends until it is told to stop; goes on when the broker is back."""

    def __init__(self, address):
        self._address, self._stopped, self._lock = address, threading.Event(), threading.Lock()
        self._acknowledged = set()
        self._threads = [threading.Thread(target=self._send, args=(at,)) for at in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def count(self):
        with self._lock:
            return len(self._acknowledged)

    def grows(self, by):
        wanted = self.count() + by
        wait_until(lambda: self.count() >= wanted, 90, '%d messages are acknowledged' % wanted)

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, sender):
        number = 0
        while not self._stopped.is_set():
            try:
                with wire.Connection(self._address) as connection:
                    while not self._stopped.is_set():
                        number += 1
                        self._one(connection, '%d-%d' % (sender, number), number % QUEUES)
            except (OSError, EOFError):
                self._stopped.wait(0.2)

    def _one(self, connection, key, queue):
        ext = {'a': 'Replicator', 'b': TOPIC, 'c': 'TBW102', 'd': QUEUES, 'e': queue, 'f': 0, 'g': 1, 'h': 0}
        ext.update(i=wire.properties({'KEYS': key}), j=0, k='false', m='false')
        reply = connection.call(310, ext, (key + ' ' + 'r' * (len(key) * 97 % 1700)).encode())
        if reply.code in (0, 10, 11, 12):
            with self._lock:
                self._acknowledged.add(key)
            self._stopped.wait(PAUSE_SECONDS)
        else:
            self._stopped.wait(0.1)


class Replication:
    def __init__(self, context, report, master_kind, slave_kind):
        self.report = report
        self.title = '%s slave behind %s master: ' % (NAMES[slave_kind], NAMES[master_kind])
        work = os.path.join(context.work, 'replication-%s-%s' % (master_kind, slave_kind))
        conf = {'mappedFileSizeCommitLog': FILE_BYTES, 'maxMessageSize': 65536, 'brokerName': 'broker-r'}
        build, directory = context.build, context.peer_directory
        self.master = servers.Servers(
            master_kind, build, directory, work + '/master', conf=dict(conf, brokerRole='ASYNC_MASTER')
        )
        ha_address = '127.0.0.1:%d' % self.master.conf['haListenPort']
        conf.update(brokerRole='SLAVE', brokerId=1)
        if slave_kind == 'ours':
            conf['haMasterAddress'] = ha_address
        # Apache's forgets the option before its HA client is made and then asks nobody ("connect to master
        # null"); without it, it takes what the NameServer says, as most do.
        self.slave = servers.Servers(
            slave_kind, build, directory, work + '/slave', conf=conf, registrar=self.master.namesrv
        )

    def run(self):
        case, load = self.report.case, None
        try:
            if not case(self.title + 'the master starts', self.master.start):
                return
            load = Load(self.master.broker)
            case(self.title + 'messages before there is a slave', load.grows, ROUND)
            if not case(self.title + 'the slave starts', self._start_slave):
                return
            case(self.title + 'it catches up under load', self._catches_up, load)
            case(self.title + 'killed and started under load', self._slave_killed, load)
            case(self.title + 'the master killed and started under load', self._master_killed, load)
            load.stop()
            load = None
            if case(self.title + 'it has everything', self._everything):
                case(self.title + 'queues end where the master has them end', self._queues)
                case(self.title + 'the logs are equal, byte for byte', self._equal)
        finally:
            if load:
                load.stop()
            self.slave.kill()
            self.master.kill()

    def _start_slave(self):
        self.slave.start_broker()
        self.slave.broker_process.wait_for('boot success')

    def _catches_up(self, load):
        load.grows(ROUND)
        goal = end_of(self.master.broker)
        self._reaches(goal)

    def _reaches(self, goal):
        def reached():
            end = log_end(self.slave.broker)
            return end is not None and end >= goal

        wait_until(reached, CATCH_UP_SECONDS, 'the slave has the log up to %d' % goal)

    def _slave_killed(self, load):
        self.slave.broker_process.kill()
        load.grows(ROUND // 2)
        self._start_slave()
        self._reaches(end_of(self.master.broker))

    def _master_killed(self, load):
        self.master.broker_process.kill()
        self.master.start_broker()
        self.master.broker_process.wait_for('boot success')
        load.grows(ROUND // 2)
        self._reaches(end_of(self.master.broker))

    def _everything(self):
        self.end = end_of(self.master.broker)
        self._reaches(self.end)
        check(end_of(self.slave.broker) == self.end, 'the slave goes on where the master ends', self.end)

    def _queues(self):
        def ends(address):
            with wire.Connection(address) as connection:
                wheres = ({'topic': TOPIC, 'queueId': queue} for queue in range(QUEUES))
                return [connection.call(30, where).ext.get('offset') for where in wheres]

        wanted = ends(self.master.broker)
        check(all(int(end) > 0 for end in wanted), 'queues of the master are empty', wanted)
        wait_until(
            lambda: ends(self.slave.broker) == wanted,
            CATCH_UP_SECONDS,
            lambda: 'queues end at %s, not at %s' % (wanted, ends(self.slave.broker)),
        )

    def _equal(self):
        self.slave.broker_process.kill()
        self.master.broker_process.kill()
        check(self.end > 2 * FILE_BYTES, 'the log is too short to prove anything', self.end)
        logs = [os.path.join(side.work, 'store', 'commitlog') for side in (self.master, self.slave)]
        # An empty slave of Apache's asks for the last file and what follows; ours has all of them.
        first = min(int(name) for name in os.listdir(logs[1]))
        check(first == 0 or self.slave.kind == 'apache', 'our slave lacks the begin of the log', first)
        check(self.end - first > FILE_BYTES, 'the slave has too little to prove anything', first, self.end)
        wrong = first_difference(logs, first, self.end, FILE_BYTES)
        check(wrong is None, 'the logs differ from byte %s on' % wrong, self.end)

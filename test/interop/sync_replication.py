# SPDX-License-Identifier: Apache-2.0
"""A SYNC_MASTER and a slave of the other kind: what OK promises, and what Java is told without it."""

import os
import signal
import threading

import servers
import wire
from logs import first_difference, log_end
from report import check, wait_until

NAMES = {'ours': 'our', 'apache': "Apache's"}
TOPIC, QUEUES = 'Promised', 4
FILE_BYTES = 1 << 20
SENDERS = 4
UNDER_LOAD = 600  # Messages that are acknowledged before the slave is killed.
TELLING = 3  # Sends that must all be told the same.
SLAVE_TIMEOUT_MS = 1500
OK, NO_SLAVE, LATE = 'SEND_OK', 'SLAVE_NOT_AVAILABLE', 'FLUSH_SLAVE_TIMEOUT'


class SyncReplication:
    def __init__(self, context, report, master_kind, slave_kind):
        self.report, self.context, self.number = report, context, 0
        self.title = '%s SYNC_MASTER, %s slave: ' % (NAMES[master_kind], NAMES[slave_kind])
        # Apache's says the latter only to clusters with a controller or acting masters.
        self.alone = (NO_SLAVE,) if master_kind == 'ours' else (NO_SLAVE, LATE)
        self.told = {}  # Of every send of Java's: key -> status.
        work = os.path.join(context.work, 'sync-%s-%s' % (master_kind, slave_kind))
        conf = {
            'brokerName': 'broker-s',
            'mappedFileSizeCommitLog': FILE_BYTES,
            'maxMessageSize': 65536,
            'slaveTimeout': SLAVE_TIMEOUT_MS,
            # A slave that is stopped stays connected while Java is told so.
            'haHousekeepingInterval': 60000,
        }
        sync = dict(conf, brokerRole='SYNC_MASTER', inSyncReplicas=2)
        build, directory = context.build, context.peer_directory
        self.master = servers.Servers(master_kind, build, directory, work + '/master', conf=sync)
        conf.update(brokerRole='SLAVE', brokerId=1)
        self.slave = servers.Servers(
            slave_kind, build, directory, work + '/slave', conf=conf, registrar=self.master.namesrv
        )

    def run(self):
        case = self.report.case
        try:
            if not case(self.title + 'both start, Java is told SEND_OK', self._start):
                return
            case(self.title + 'what is OK under load is in the log of a slave that is killed', self._promise)
            case(self.title + 'without a slave Java is told a status', self._without_slave)
            case(self.title + 'the slave is back, Java is told SEND_OK', self._slave_returns)
            case(self.title + 'with a slave that hangs Java is told FLUSH_SLAVE_TIMEOUT', self._slave_hangs)
            case(self.title + 'Java consumes what was sent, whatever it was told', self._consumed)
            case(self.title + 'the logs are equal, byte for byte', self._equal)
        finally:
            self.slave.kill()
            self.master.kill()

    def _start(self):
        self.master.start()
        with wire.Connection(self.master.broker) as connection:
            reply = wire.create_topic(connection, TOPIC, QUEUES)
        check(reply.code == 0, 'the topic was not made', reply)
        self._start_slave()
        self._becomes_ok()

    def _start_slave(self):
        self.slave.start_broker()
        self.slave.broker_process.wait_for('boot success')

    def _send(self, count):
        """By Java's producer as it is by default; what it is told, each of it a SendResult."""
        self.number += 1
        events = self.context.peer('java-5.5.0').run(
            'send',
            namesrv=self.master.namesrv,
            group='SyncProducer',
            topic=TOPIC,
            prefix='told-%d' % self.number,
            count=count,
            timeout_ms=10000,
        )
        told = {event['key']: event['status'] for event in events if event['event'] == 'sent'}
        check(len(told) == count, 'sends ended otherwise than with a status', events)
        self.told.update(told)
        return list(told.values())

    def _becomes_ok(self):
        """Nobody says when a slave is in step; from then on every send is OK."""
        wait_until(lambda: self._send(1) == [OK], 60, 'a send is answered SEND_OK')
        told = self._send(20)
        check(set(told) == {OK}, 'the slave is there, but Java was told', told)

    def _promise(self):
        load = Load(self.master.broker)
        try:
            wait_until(lambda: load.count(0) >= UNDER_LOAD, 90, 'messages are acknowledged under load')
            self.slave.broker_process.kill()
            wait_until(lambda: load.count(10, 11, 12) > 0, 90, 'a send is told of the slave\'s end')
        finally:
            load.stop()
        log = os.path.join(self.slave.work, 'store', 'commitlog')
        bytes_there = b''.join(read(os.path.join(log, name)) for name in sorted(os.listdir(log)))
        promised = load.keys(0)
        missing = [key for key in promised if b' %s ' % key.encode() not in bytes_there]
        check(not missing, 'of %d that were OK the slave lacks %d' % (len(promised), len(missing)), missing)

    def _without_slave(self):
        # One that was there a moment ago may be waited for.
        wait_until(lambda: self._send(1)[0] in self.alone, 60, 'a send is told that there is no slave')
        told = self._send(TELLING)
        check(set(told) <= set(self.alone), 'without a slave Java was told', told)

    def _slave_returns(self):
        self._start_slave()
        self._becomes_ok()

    def _slave_hangs(self):
        self.slave.broker_process.signal(signal.SIGSTOP)
        try:
            told = self._send(TELLING)
        finally:
            self.slave.broker_process.signal(signal.SIGCONT)
        check(set(told) == {LATE}, 'with a slave that hangs Java was told', told)
        self._becomes_ok()

    def _consumed(self):
        job = self.context.peer('java-5.5.0').begin(
            'consume', namesrv=self.master.namesrv, group='SyncConsumer', topic=TOPIC, timeout_ms=120000
        )
        missing = set(self.told)

        def everything(one):
            missing.difference_update(event['key'] for event in one.of('received'))
            return not missing

        try:
            job.until(everything, 60, 'what Java sent')
        finally:
            job.stop()
        check(len(set(self.told.values())) > 1, 'every send was OK, which proves nothing', self.told)

    def _equal(self):
        end = log_end(self.master.broker)
        wait_until(lambda: log_end(self.slave.broker) == end, 60, 'the slave has everything up to %d' % end)
        self.slave.broker_process.kill()
        self.master.broker_process.kill()
        logs = [os.path.join(side.work, 'store', 'commitlog') for side in (self.master, self.slave)]
        first = min(int(name) for name in os.listdir(logs[1]))
        wrong = first_difference(logs, first, end, FILE_BYTES)
        check(wrong is None, 'the logs differ from byte %s on' % wrong, end)


class Load:
    """Sends until it is told to stop, each message once, and keeps what was answered."""

    def __init__(self, address):
        self._address, self._stopped, self._lock = address, threading.Event(), threading.Lock()
        self._codes = {}
        self._threads = [threading.Thread(target=self._send, args=(at,)) for at in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def keys(self, *codes):
        with self._lock:
            return [key for key, code in self._codes.items() if code in codes]

    def count(self, *codes):
        return len(self.keys(*codes))

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, sender):
        with wire.Connection(self._address) as connection:
            number = 0
            while not self._stopped.is_set():
                number += 1
                key = 'load-%d-%d' % (sender, number)
                ext = {'a': 'Load', 'b': TOPIC, 'c': 'TBW102', 'd': QUEUES, 'e': number % QUEUES}
                ext.update(f=0, g=1, h=0, i='', j=0, k='false', m='false')
                reply = connection.call(310, ext, b' %s ' % key.encode() + b'p' * (number * 97 % 1700))
                with self._lock:
                    self._codes[key] = reply.code


def read(path):
    with open(path, 'rb') as file:
        return file.read()

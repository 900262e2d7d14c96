# SPDX-License-Identifier: Apache-2.0
"""The scene that mqadmin is asked about: the same topics, messages, groups and clients on any servers.

The broker has a slave for a few commands; the others show what a lone master answers. It comes before tools
send messages, so that the log ends at the same place everywhere.
"""

import json
import os
import threading
import time

import servers
import wire
from report import check, wait_until

BORN_MS = 1700000000000
TAGS = ('TagA', 'TagB')
QUEUED = (3, 2, 1, 0)  # Messages in each queue of Orders.
BILLED = (2, 1, 1, 0)  # What Billing has consumed of them.
TOPICS = {'Orders': 4, 'Empty': 2, 'Single': 1, 'Traces': 1}
CONNECT_ATTEMPTS = 4
WAIT = 120  # Seconds; three stages are set up at once.
TRACE = '\x01'.join(
    ['Pub', str(BORN_MS), 'DefaultRegion', 'Sales', 'Orders', '{unique}', 'TagA', 'order-0']
    + ['10.0.0.9:1', '5', '12', '0', '{offset}', 'true']
)
CONSUMED = '\x01'.join(
    ['SubAfter', 'request-1', '{unique}', '3', 'true', 'order-0', '0', str(BORN_MS + 40), 'Shipping']
)
BROKER = {
    'autoCreateTopicEnable': 'false',
    'fileReservedTime': 72,
    'deleteWhen': '04',
    'enabledAppendPropCRC': 'true',  # Our default, not Apache's; records are of one size then.
}


def unique_id(number):
    """A client's message id as the Java client makes them: address, process, loader, time, counter."""
    return '7F0000010001AAAABBBB00000000%04X' % number


class Stage:
    """A NameServer and a broker of one kind with everything on them. For one thread."""

    def __init__(self, context, kind, work):
        self.work, self.kind = work, kind
        self.pair = servers.Servers(kind, context.build, context.peer_directory, work, conf=BROKER)
        slave = dict(BROKER, brokerId=1, brokerRole='SLAVE')
        self.slave = servers.Servers(
            kind,
            context.build,
            context.peer_directory,
            os.path.join(work, 'slave'),
            conf=slave,
            registrar=self.pair.namesrv,
        )
        self.down = '127.0.0.1:%d' % servers.free_ports(1)
        self._ended, self._beat = threading.Event(), None
        self._connection = None
        self.names = {}

    def start(self):
        self.pair.start()

    def prepare(self, peer):
        """After start. peer: the Java client that plays the consumer."""
        self._connection = wire.Connection(self.pair.broker)
        for topic, queues in TOPICS.items():
            self._make_topic(topic, queues)
        for topic in TOPICS:
            self.await_route(topic, True)
        offset_id = self._send_orders()
        self._bill()
        self._connect_producer()
        self._connect_consumer(peer)
        wait_until(self._shipped, WAIT, 'the offsets of Shipping are stored')
        wait_until(self._indexed, WAIT, 'the keys are indexed')
        wait_until(self._rated, WAIT, 'the broker has rates')
        self._write_lists()
        self.names = {
            'ns': self.pair.namesrv,
            'broker': self.pair.broker,
            'slave': self.slave.broker,
            'down': self.down,
            'work': self.work,
            'client': self._client(),
            'offset_id': offset_id,
            'unique_id': unique_id(0),
        }

    def _call(self, code, ext=None, body=b'', version=513):
        reply = self._connection.call(code, ext, body, version=version)
        check(reply.code == 0, 'request %d was refused' % code, reply)
        return reply

    def _make_topic(self, topic, queues):
        reply = wire.create_topic(self._connection, topic, queues)
        check(reply.code == 0, 'topic %s was refused' % topic, reply)

    def await_line(self, what, topic=None):
        """What follows "await" in the forms."""
        if what == 'slave':
            return self._await_slave()
        if what == 'no-slave':
            return self._await_no_slave()
        return self.await_route(topic, what == 'route')

    def await_route(self, topic, wanted):
        def known():
            with wire.Connection(self.pair.namesrv) as connection:
                return (connection.call(105, {'topic': topic}).code == 0) == wanted

        wait_until(known, WAIT, 'the NameServer %s %s' % ('knows' if wanted else 'has forgotten', topic))

    def _await_slave(self):
        """Until it has the log and the master knows, and nothing moves any more."""
        self.slave.start_broker()
        self.slave.broker_process.wait_for('boot success')

        def at_rest():
            told = json.loads(self._call(907).body)
            replicas = told['haConnectionInfo']
            end = told['masterCommitLogMaxOffset']
            return replicas and all(
                one['slaveAckOffset'] == end and not one['transferredByteInSecond'] for one in replicas
            )

        wait_until(at_rest, WAIT, 'the slave has the log')

        def follows():
            with wire.Connection(self.slave.broker) as connection:
                return json.loads(connection.call(907).body)['haClientRuntimeInfo']['lastWriteTimestamp'] > 0

        wait_until(follows, WAIT, 'the slave has told its master')

    def _await_no_slave(self):
        self.slave.kill()

        def gone():
            with wire.Connection(self.pair.namesrv) as connection:
                told = connection.call(901, {'clusterName': 'DefaultCluster', 'brokerName': 'broker-a'})
            return self.slave.broker.encode() not in told.body

        wait_until(gone, WAIT, 'the NameServer has forgotten the slave')

    def _send(self, topic, queue, body, properties):
        ext = {
            'producerGroup': 'Sales',
            'topic': topic,
            'defaultTopic': 'TBW102',
            'defaultTopicQueueNums': 4,
            'queueId': queue,
            'sysFlag': 0,
            'bornTimestamp': BORN_MS,
            'flag': 0,
            'properties': wire.properties(properties),
            'reconsumeTimes': 0,
        }
        return self._call(10, ext, body).ext

    def _send_orders(self):
        """Returns the broker's id of the first message."""
        first, number = None, 0
        for queue, count in enumerate(QUEUED):
            for _ in range(count):
                properties = {
                    'KEYS': 'order-%d shared' % number,
                    'UNIQ_KEY': unique_id(number),
                    'TAGS': TAGS[number % 2],
                    'color': 'red',
                }
                sent = self._send('Orders', queue, b'body of order-%d' % number, properties)
                first = first or sent['msgId']
                number += 1
        trace = ''.join(
            record.format(unique=unique_id(0), offset=first) + '\x02' for record in (TRACE, CONSUMED)
        )
        self._send('Traces', 0, trace.encode(), {'KEYS': unique_id(0), 'UNIQ_KEY': unique_id(100)})
        return first

    def _heartbeat(self, connection, client, producers=(), consumers=()):
        body = {
            'clientID': client,
            'producerDataSet': [{'groupName': group} for group in producers],
            'consumerDataSet': [
                {
                    'groupName': group,
                    'consumeType': 'CONSUME_PASSIVELY',
                    'messageModel': 'CLUSTERING',
                    'consumeFromWhere': 'CONSUME_FROM_FIRST_OFFSET',
                    'unitMode': False,
                    'subscriptionDataSet': [
                        {
                            'topic': 'Orders',
                            'subString': '*',
                            'subVersion': 1,
                            'classFilterMode': False,
                            'tagsSet': [],
                            'codeSet': [],
                            'expressionType': 'TAG',
                        }
                    ],
                }
                for group in consumers
            ],
        }
        return connection.call(34, {}, json.dumps(body).encode(), language='JAVA')

    def _bill(self):
        """A group that was connected once: it has a retry topic and offsets, and nobody is there."""
        with wire.Connection(self.pair.broker) as connection:
            reply = self._heartbeat(connection, 'billing@1', consumers=['Billing'])
            check(reply.code == 0, 'the heartbeat was refused', reply)
        for queue, offset in enumerate(BILLED):
            ext = {'consumerGroup': 'Billing', 'topic': 'Orders', 'queueId': queue, 'commitOffset': offset}
            self._call(15, ext)

        def left():
            return self._connection.call(203, {'consumerGroup': 'Billing'}).code != 0

        wait_until(left, WAIT, 'Billing has gone')
        self.await_route('%RETRY%Billing', True)

    def _connect_producer(self):
        connection = wire.Connection(self.pair.broker)

        def beat():
            with connection:
                while True:
                    self._heartbeat(connection, 'sales@1', producers=['Sales'])
                    if self._ended.wait(20):
                        return

        reply = self._heartbeat(connection, 'sales@1', producers=['Sales'])
        check(reply.code == 0, 'the heartbeat was refused', reply)
        self._beat = threading.Thread(target=beat, daemon=True)
        self._beat.start()

    def _connect_consumer(self, peer):
        """Again if need be: the Java client gives up when a busy machine makes its first request fail."""
        for attempt in range(CONNECT_ATTEMPTS):
            job = peer.begin(
                'consume', namesrv=self.pair.namesrv, group='Shipping', topic='Orders', timeout_ms=600000
            )
            job.until(
                lambda job: job.of('error') or len(job.of('received')) >= sum(QUEUED), WAIT, 'all messages'
            )
            if not job.of('error'):
                return
            check(attempt + 1 < CONNECT_ATTEMPTS, 'the consumer cannot start', job.events)

    def _shipped(self):
        """Also in queues without messages, where the first pull must end for it, after 15 s."""

        def offset(topic, queue):
            ext = {'consumerGroup': 'Shipping', 'topic': topic, 'queueId': queue}
            ext['setZeroIfNotFound'] = 'false'
            reply = self._connection.call(14, ext)
            return int(reply.ext['offset']) if reply.code == 0 else None

        orders = [offset('Orders', queue) for queue in range(len(QUEUED))]
        return orders == list(QUEUED) and offset('%RETRY%Shipping', 0) == 0

    def _indexed(self):
        def found(topic, key):
            now = int(time.time() * 1000)
            ext = {'topic': topic, 'key': key, 'maxNum': 32, 'beginTimestamp': 0, 'endTimestamp': now + 60000}
            return self._connection.call(12, ext).code == 0

        last = sum(QUEUED) - 1
        return found('Orders', 'order-%d' % last) and found('Traces', unique_id(0))

    def _rated(self):
        """Apache's broker knows none in its first ten seconds; clusterList shows nothing of it then."""
        table = json.loads(self._call(28).body)['table']
        return all(table[name].strip() for name in ('putTps', 'getTransferredTps', 'getTotalTps'))

    def _client(self):
        reply = self._call(203, {'consumerGroup': 'Shipping'})
        return json.loads(reply.body)['connectionSet'][0]['clientId']

    def _write_lists(self):
        topic = {'topicName': 'Listed-1', 'readQueueNums': 3, 'writeQueueNums': 3, 'perm': 6}
        group = {'groupName': 'ListedGroup', 'retryMaxTimes': 3}
        for name, entries in (('topics', [topic]), ('groups', [group])):
            with open(os.path.join(self.work, name + '.json'), 'w') as file:
                json.dump(entries, file)

    def close(self):
        self._ended.set()
        if self._beat:
            self._beat.join(5)
        if self._connection:
            self._connection.close()
        self.slave.kill()
        self.pair.kill()

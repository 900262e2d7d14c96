# SPDX-License-Identifier: Apache-2.0
"""Masters and slaves, ours and Apache's: tables follow, consumers go on at a slave, sends get through."""

import collections
import json
import os
import re
import threading

import servers
import wire
from logs import log_end
from report import check, wait_until

# Apache's slave looks at its master's tables 60 s after its start for the first time, and every 60 s then.
APACHE_SYNC_SECONDS = 100
QUEUES = 4
HELD = 200  # Messages that wait for a consumer when the master is killed.
MORE = 40  # Messages that come when it is back.
JAVA_TIMEOUT_MS = 3000  # What Java's producer gives a send, with its tries, by default.
LOAD = 3000
FAR = 1000  # Old messages of a consumer that is far behind.
PULLED = 32  # Messages of a queue that it gets with its first pull, from the master.
FILLER_BYTES = 1 << 20


def cluster(context, report):
    Cluster(context).run(report)


class Cluster:
    def __init__(self, context):
        self.context, self.programs = context, []
        work = os.path.join(context.work, 'cluster')
        self.namesrv = servers.Servers('ours', context.build, context.peer_directory, work)
        self.address = self.namesrv.namesrv

    def run(self, report):
        try:
            self.namesrv.start_namesrv()
            self.namesrv.name_server.wait_for('boot success')
            self.context.begin_peers('java-5.5.0', 'sdk')
            crossed = [
                Follow(self, 'cross-a', 'apache', 'ours'),
                Follow(self, 'cross-b', 'ours', 'apache'),
            ]
            for one in crossed:
                one.start()
            report.case('a slave of ours follows an Apache master\'s tables', crossed[0].tables, 30)
            # Waits for Apache's slave while the others run.
            waiting = threading.Thread(
                target=report.case,
                args=(
                    'an Apache slave follows our master\'s tables',
                    crossed[1].tables,
                    APACHE_SYNC_SECONDS,
                ),
            )
            waiting.start()
            report.case('a Java consumer goes on at our slave and returns to our master', self._java_moves)
            report.case('a Java consumer far behind reads at our slave, where it is sent', self._far_behind)
            report.case('a master is killed under load: no send of the SDK or of Java fails', self._load)
            waiting.join()
            report.case('our consumer goes on at an Apache slave', self._sdk_moves, crossed[1])
        finally:
            self.stop()

    def broker(self, kind, name, number, **conf):
        work = os.path.join(self.namesrv.work, '%s-%d' % (name, number))
        more = {
            'brokerName': name,
            'brokerId': number,
            'brokerRole': 'SLAVE' if number else 'ASYNC_MASTER',
            'slaveReadEnable': 'true',
        }
        more.update(conf)
        pair = servers.Servers(
            kind, self.context.build, self.context.peer_directory, work, conf=more, registrar=self.address
        )
        pair.number, pair.name = number, name
        self.programs.append(pair)
        self.boot(pair)
        return pair

    def boot(self, pair):
        pair.start_broker()
        pair.broker_process.wait_for('boot success')
        wait_until(
            lambda: self.members(pair.name).get(str(pair.number)) == pair.broker,
            30,
            '%s-%d is registered' % (pair.name, pair.number),
        )

    def members(self, name):
        with wire.Connection(self.address) as connection:
            reply = connection.call(901, {'clusterName': 'DefaultCluster', 'brokerName': name})
        return table(reply.body)['brokerMemberGroup']['brokerAddrs']

    def stop(self):
        for pair in self.programs + [self.namesrv]:
            pair.kill()

    def _java_moves(self):
        master = self.broker('ours', 'ours-a', 0)
        slave = self.broker('ours', 'ours-a', 1)
        Failover(self, master, slave, 'JavaMoves').run('java-5.5.0')

    def _sdk_moves(self, follow):
        Failover(self, follow.master, follow.slave, 'SdkMoves').run('sdk')

    def _far_behind(self):
        """Behind by more of the log than is taken to be in memory."""
        least = {'accessMessageInMemoryMaxRatio': 1}  # Percent.
        pair = [self.broker('ours', 'far-a', number, **least) for number in (0, 1)]
        topic = 'FarBehind'
        make_topic(pair[0].broker, topic)
        wait_until(lambda: route(self.address, topic), 20, 'the topic is known')
        self.context.peer('sdk').run(
            'send', namesrv=self.address, group='FarProducer', topic=topic, count=FAR, prefix='far'
        )
        fill(pair[0].broker, os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 90)
        end = log_end(pair[0].broker)
        wait_until(lambda: log_end(pair[1].broker) == end, 120, 'the slave has the log up to %d' % end)
        wait_until(lambda: topic_known(pair[1], topic), 30, 'the slave has the topic')
        before = [got(one) for one in pair]
        events = self.context.peer('java-5.5.0').run(
            'consume',
            namesrv=self.address,
            group='FarGroup',
            topic=topic,
            expect=FAR,
            timeout_ms=60000,
            seconds=90,
        )
        keys = [event['key'] for event in events if event['event'] == 'received']
        check(len(keys) == FAR == len(set(keys)), 'messages are missing or came twice', len(keys))
        read = [got(one) - old for one, old in zip(pair, before, strict=True)]
        check(read[1] >= FAR - QUEUES * PULLED, 'read at the master and at the slave', read)

    def _load(self):
        """Two masters share a topic; one is killed when both senders are under way."""
        pairs = [self.broker('ours', 'load-a', 0), self.broker('ours', 'load-b', 0)]
        for pair in pairs:
            make_topic(pair.broker, 'Load')
        wait_until(lambda: len(route(self.address, 'Load')['brokerDatas']) == 2, 20, 'both serve the topic')
        jobs = {
            name: self.context.peer(name).begin(
                'send',
                namesrv=self.address,
                group='Load' + prefix,
                topic='Load',
                count=LOAD,
                prefix=prefix,
                timeout_ms=JAVA_TIMEOUT_MS,
            )
            for name, prefix in (('java-5.5.0', 'java'), ('sdk', 'sdk'))
        }
        for job in jobs.values():
            job.until(lambda one: len(one.of('sent')) > 100, 60, 'the first messages')
        under_way = {name: len(job.of('sent')) for name, job in jobs.items()}
        pairs[1].kill()
        for name, job in jobs.items():
            job.wait(120)
            check(under_way[name] < LOAD, '%s had sent everything before the kill' % name)
            keys = {event['key'] for event in job.of('sent')}
            check(len(keys) == LOAD, '%s: not every send succeeded' % name, len(keys))


class Follow:
    """A master and a slave, whose tables are to become the same."""

    def __init__(self, cluster, name, master_kind, slave_kind):
        self.cluster, self.name, self.kinds = cluster, name, (master_kind, slave_kind)
        self.master = self.slave = None

    def start(self):
        self.master = self.cluster.broker(self.kinds[0], self.name, 0)
        self.slave = self.cluster.broker(self.kinds[1], self.name, 1)

    def tables(self, seconds):
        topic, group = 'Follow-' + self.name, 'FollowGroup-' + self.name
        make_topic(self.master.broker, topic)
        with wire.Connection(self.master.broker) as connection:
            config = {'groupName': group, 'retryMaxTimes': 7, 'retryQueueNums': 2}
            reply = connection.call(200, {}, json.dumps(config).encode())
            check(reply.code == 0, 'the group was not made', reply)
            commit = {'consumerGroup': group, 'topic': topic, 'queueId': 1, 'commitOffset': 5}
            check(connection.call(15, commit).code == 0, 'the offset was not taken')
        seen = {}

        def followed():
            with wire.Connection(self.slave.broker) as connection:
                seen['topics'] = table(connection.call(21).body)['topicConfigTable']
                seen['groups'] = table(connection.call(201).body)['subscriptionGroupTable']
                seen['offsets'] = table(connection.call(43).body)['offsetTable']
            return (
                seen['topics'].get(topic, {}).get('readQueueNums') == QUEUES
                and seen['groups'].get(group, {}).get('retryMaxTimes') == 7
                and seen['offsets'].get(topic + '@' + group, {}).get('1') == 5
            )

        wait_until(followed, seconds, lambda: 'the slave has the tables: %s' % json.dumps(seen)[:1500])


class Failover:
    """A consumer finds its messages at the slave while the master is down, and never one twice afterwards."""

    def __init__(self, cluster, master, slave, topic):
        self.cluster, self.master, self.slave, self.topic = cluster, master, slave, topic
        self.group = topic + 'Group'

    def run(self, consumer):
        make_topic(self.master.broker, self.topic)
        wait_until(lambda: route(self.cluster.address, self.topic), 20, 'the topic is known')
        self._send(HELD, 'held')
        wait_until(
            lambda: sum(ends(self.slave, self.topic)) == HELD,
            90,
            lambda: 'the slave has the log: %s' % ends(self.slave, self.topic),
        )
        wait_until(
            lambda: topic_known(self.slave, self.topic), APACHE_SYNC_SECONDS, 'the slave has the topic'
        )
        self.master.kill()
        wait_until(lambda: '0' not in self.cluster.members(self.master.name), 30, 'the master is gone')
        job = self.cluster.context.peer(consumer).begin(
            'consume',
            namesrv=self.cluster.address,
            group=self.group,
            topic=self.topic,
            timeout_ms=300000,
        )
        try:
            job.until(lambda one: len(one.of('received')) >= HELD, 60, 'the messages that the slave has')
            wait_until(lambda: self._committed(self.slave) == HELD, 30, 'the slave has the commits')
            self.cluster.boot(self.master)
            wait_until(
                lambda: self._committed(self.master) == HELD,
                30,
                lambda: 'the commits came back to the master: %s' % self._committed(self.master),
            )
            self._send(MORE, 'more')
            job.until(lambda one: len(one.of('received')) >= HELD + MORE, 60, 'what came after the return')
            wait_until(lambda: self._committed(self.master) == HELD + MORE, 30, 'the last commits')
        finally:
            job.stop()
        times = collections.Counter(event['key'] for event in job.of('received'))
        check(len(times) == HELD + MORE, 'messages are missing', len(times))
        check(set(times.values()) == {1}, 'messages came twice', [k for k, n in times.items() if n > 1][:20])

    def _send(self, count, prefix):
        events = self.cluster.context.peer('sdk').run(
            'send',
            namesrv=self.cluster.address,
            group='FailoverProducer',
            topic=self.topic,
            count=count,
            prefix='%s-%s' % (self.topic, prefix),
        )
        check(len([e for e in events if e['event'] == 'sent']) == count, 'not everything was sent')

    def _committed(self, pair):
        total = 0
        with wire.Connection(pair.broker) as connection:
            for queue in range(QUEUES):
                reply = connection.call(
                    14, {'consumerGroup': self.group, 'topic': self.topic, 'queueId': queue}
                )
                total += int(reply.ext.get('offset', 0)) if reply.code == 0 else 0
        return total


def table(body):
    """Apache writes numbers as keys without quotes."""
    return json.loads(re.sub(rb'([{,])(-?\d+):', rb'\1"\2":', body))


def make_topic(broker, topic):
    with wire.Connection(broker) as connection:
        reply = wire.create_topic(connection, topic, QUEUES)
    check(reply.code == 0, 'topic %s was not made' % topic, reply)


def fill(broker, size):
    """Makes the log longer by this many bytes."""
    with wire.Connection(broker) as connection:
        check(wire.create_topic(connection, 'Filler', 1).code == 0, 'topic Filler was not made')
        ext = {'a': 'Filler', 'b': 'Filler', 'c': 'TBW102', 'd': 1, 'e': 0, 'f': 0, 'g': 1, 'h': 0, 'i': ''}
        ext.update(j=0, k='false', m='false')
        for _ in range(size // FILLER_BYTES + 1):
            reply = connection.call(310, ext, bytes(FILLER_BYTES))
            check(reply.code == 0, 'the log was not filled', reply)


def got(pair):
    """Messages that a broker gave to consumers."""
    with wire.Connection(pair.broker) as connection:
        return int(json.loads(connection.call(28).body)['table']['msgGetTotalTodayNow'])


def route(namesrv, topic):
    with wire.Connection(namesrv) as connection:
        reply = connection.call(105, {'topic': topic})
    return table(reply.body) if reply.code == 0 else None


def topic_known(pair, topic):
    with wire.Connection(pair.broker) as connection:
        return topic in table(connection.call(21).body)['topicConfigTable']


def ends(pair, topic):
    with wire.Connection(pair.broker) as connection:
        return [
            int(connection.call(30, {'topic': topic, 'queueId': queue}).ext.get('offset', 0))
            for queue in range(QUEUES)
        ]

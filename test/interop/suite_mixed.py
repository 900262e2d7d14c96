# SPDX-License-Identifier: Apache-2.0
"""One consumer group of different clients: the queues are shared, none twice, none by nobody."""

import collections
import itertools
import json

import wire
from report import check, wait_until

QUEUES = 8
COUNT = 80


def mixed(context, report):
    Mixed(context).run(report)


class Mixed:
    def __init__(self, context):
        self.pair, self.context = context.servers(), context
        self.topic, self.group = 'Mixed', 'MixedGroup'
        self.jobs, self._rounds = {}, itertools.count(1)

    def run(self, report):
        self.context.begin_peers('java-5.5.0', 'sdk', 'java-4.9.7')
        with wire.Connection(self.pair.broker) as connection:
            reply = wire.create_topic(connection, self.topic, QUEUES)
        check(reply.code == 0, 'the topic was not made', reply)
        wait_until(self._routed, 15, 'the NameServer knows the topic')
        try:
            report.case(
                'mixed group: Java 5.5.0 and the SDK share the queues', self._join, 'java-5.5.0', 'sdk'
            )
            report.case('mixed group: two members get every message once', self._exchange)
            report.case('mixed group: Java 4.9.7 joins', self._join, 'java-4.9.7')
            report.case('mixed group: three members get every message once', self._exchange)
            report.case('mixed group: Java 5.5.0 leaves', self._leave, 'java-5.5.0')
            report.case('mixed group: the others get every message once', self._exchange)
            report.case('mixed group: the SDK leaves', self._leave, 'sdk')
            report.case('mixed group: the last one gets every message once', self._exchange)
            report.case('mixed group: nothing is left unconsumed', self._committed)
        finally:
            for job in self.jobs.values():
                job.stop()

    def _routed(self):
        with wire.Connection(self.pair.namesrv) as connection:
            return connection.call(105, {'topic': self.topic}).code == 0

    def _join(self, *names):
        for name in names:
            self.jobs[name] = self.context.peer(name).begin(
                'consume', namesrv=self.pair.namesrv, group=self.group, topic=self.topic, timeout_ms=300000
            )
        self._balanced()

    def _leave(self, name):
        self.jobs.pop(name).stop()
        self._balanced()

    def _assigned(self):
        def latest(job):
            events = job.of('assigned')
            return [queue for queue in events[-1]['queues'].split(',') if queue] if events else []

        return {name: latest(job) for name, job in self.jobs.items()}

    def _balanced(self):
        """Waits until the members' queues are all queues, each once, in shares that differ by one at most."""

        def is_balanced():
            shares = self._assigned().values()
            sizes = [len(share) for share in shares]
            every = [queue for share in shares for queue in share]
            return (
                sorted(every) == ['broker-a:%d' % at for at in range(QUEUES)] and max(sizes) - min(sizes) <= 1
            )

        wait_until(is_balanced, 45, lambda: 'the queues are shared: %s' % self._assigned())

    def _exchange(self):
        prefix = 'round%d' % next(self._rounds)
        before = {name: len(job.of('received')) for name, job in self.jobs.items()}
        self.context.peer('java-5.5.0').run(
            'send',
            namesrv=self.pair.namesrv,
            group='MixedProducer',
            topic=self.topic,
            count=COUNT,
            prefix=prefix,
        )

        def received():
            return {name: job.of('received')[before[name] :] for name, job in self.jobs.items()}

        wait_until(
            lambda: sum(map(len, received().values())) >= COUNT,
            30,
            lambda: 'all arrived: %s' % {name: len(events) for name, events in received().items()},
        )
        times = collections.Counter(event['key'] for events in received().values() for event in events)
        check(
            len(times) == COUNT and set(times.values()) == {1},
            'not each message once',
            [item for item in times.items() if item[1] != 1],
        )
        for name, events in received().items():
            queues = {'broker-a:%d' % event['queue'] for event in events}
            check(
                events and queues <= set(self._assigned()[name]), '%s got messages of others' % name, queues
            )
        # A queue that moves before its owner's next periodic commit is rightly delivered again from the one
        # before: what the next round sees must not depend on who is quicker.
        self._committed()

    def _committed(self):
        """The members' commits reach the end of every queue."""

        def lag():
            with wire.Connection(self.pair.broker) as connection:
                reply = connection.call(208, {'consumerGroup': self.group, 'topic': self.topic})
                ends = [
                    int(connection.call(30, {'topic': self.topic, 'queueId': at}).ext['offset'])
                    for at in range(QUEUES)
                ]
                offsets = [
                    int(
                        connection.call(
                            14, {'consumerGroup': self.group, 'topic': self.topic, 'queueId': at}
                        ).ext.get('offset', -1)
                    )
                    for at in range(QUEUES)
                ]
            check(reply.code == 0, 'the broker does not tell the group\'s progress', reply)
            return json.dumps([end - offset for end, offset in zip(ends, offsets)])

        wait_until(lambda: lag() == json.dumps([0] * QUEUES), 20, lambda: 'the lag is zero: ' + lag())

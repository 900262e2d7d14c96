# SPDX-License-Identifier: Apache-2.0
"""Apache's broker at our NameServer, and our broker at Apache's, each with clients that find it there."""

import os

import servers
import suite_clients
import wire
from report import check, wait_until

CLIENTS = ('java-5.5.0', 'sdk')
OTHER = {'ours': 'apache', 'apache': 'ours'}
NAMES = {'ours': 'our', 'apache': "Apache's"}


def crossed(context, report):
    for registry_kind in ('ours', 'apache'):
        Crossed(context, report, registry_kind).run()


class Crossed:
    def __init__(self, context, report, registry_kind):
        self.context, self.report, self.kind = context, report, registry_kind
        self.title = '%s broker at %s NameServer: ' % (NAMES[OTHER[registry_kind]], NAMES[registry_kind])
        work = os.path.join(context.work, 'crossed-' + registry_kind)
        self.registry = servers.Servers(
            registry_kind, context.build, context.peer_directory, work + '/registry'
        )
        self.pair = servers.Servers(
            OTHER[registry_kind],
            context.build,
            context.peer_directory,
            work + '/broker',
            conf={'registerNameServerPeriod': 10000},
            registrar=self.registry.namesrv,
        )

    def run(self):
        self.context.begin_peers(*CLIENTS)
        pair, registry, case = self.pair, self.registry, self.report.case
        try:
            registry.start_namesrv()
            pair.namesrv, pair.name_server = registry.namesrv, registry.name_server
            if not case(self.title + 'it registers', pair.start):
                return
            case(self.title + 'its topics have routes', self._routed, 'TBW102', 8)
            self._exchange()
            case(self.title + 'a NameServer that was killed knows everything again', self._restarted)
            self._exchange('again-')
            case(self.title + 'a killed broker is out of the routes', self._gone)
        finally:
            pair.kill()
            registry.kill()

    def _exchange(self, prefix=''):
        topic, expected = 'Crossed%s-%s' % (prefix, self.kind), {}
        for name in CLIENTS:
            self.report.case(
                '%s%s%s sends' % (self.title, prefix, name),
                suite_clients.send,
                self.context,
                self.pair,
                name,
                topic,
                'sync',
                expected,
            )
        for name in CLIENTS:
            self.report.case(
                '%s%s%s consumes' % (self.title, prefix, name),
                suite_clients.consume,
                self.context,
                self.pair,
                name,
                topic,
                '%sCrossed-%s' % (prefix, name.replace('.', '-')),
                dict(expected),
            )

    def _route(self, topic):
        with wire.Connection(self.registry.namesrv) as connection:
            return connection.call(105, {'topic': topic})

    def _routed(self, topic, queues):
        reply = wait_until(
            lambda: self._route(topic).code == 0 and self._route(topic), 20, 'the NameServer knows ' + topic
        )
        check(self.pair.broker.encode() in reply.body, 'the route names another broker', reply)
        check(b'"readQueueNums":%d' % queues in reply.body, 'the route has other queues', reply)

    def _restarted(self):
        """NameServers keep nothing; the broker tells it all again."""
        topic = 'Crossed-' + self.kind
        self.registry.name_server.kill()
        self.registry.start_namesrv()
        self.registry.name_server.wait_for('boot success')
        self.pair.name_server = self.registry.name_server
        wait_until(lambda: self._route(topic).code == 0, 45, 'the route of %s is back' % topic)
        self._routed(topic, 4)

    def _gone(self):
        check(self._route('TBW102').code == 0, 'there is no route to begin with')
        self.pair.broker_process.kill()
        wait_until(lambda: self._route('TBW102').code == 17, 15, 'the route is gone')

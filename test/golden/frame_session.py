# SPDX-License-Identifier: Apache-2.0
"""The frames that Apache's client, broker and NameServer exchange in a small scenario."""

import os
import time

import peers
import probes
import recording_proxy
import servers
import wire
from recording_proxy import TO_CLIENT, TO_SERVER

TOPIC, GROUP = 'GoldenTopic', 'GoldenGroup'


def without_batch(frame):
    """A reply with messages, none of the batch: which queue has that, and which comes first, is chance."""
    return frame.code == 0 and b'batch-' not in frame.body


class FrameSession:
    """A NameServer and a broker of Apache behind recording proxies.

    The broker listens on 127.0.0.1 but registers 127.0.0.2, where the proxy listens: clients that follow the
    route pass through it without one byte being changed.
    """

    def __init__(self, peer_directory, work, out):
        self.peer_directory, self.work, self.out = peer_directory, work, out
        self.manifest = []

    def run(self):
        pair = servers.Servers('apache', '', self.peer_directory, os.path.join(self.work, 'frames'))
        self.names = recording_proxy.Proxy('namesrv', ('127.0.0.1', 0), ('127.0.0.1', pair.namesrv_port))
        self.broker = recording_proxy.Proxy(
            'broker', ('127.0.0.2', pair.broker_port), ('127.0.0.1', pair.broker_port)
        )
        pair.conf.update(
            {
                'brokerIP1': '127.0.0.2',
                'namesrvAddr': self.names.address,
                'traceTopicEnable': 'false',
                'useServerSideResetOffset': 'false',
                'messageDelayLevel': '1s 1s 1s 1s 1s',
            }
        )
        self.pair, self.clients = pair, []
        try:
            pair.start()
            self._json_client()
            self._binary_client()
            self._replies()
        except peers.PeerError as error:
            raise SystemExit('capture: %s\n%s' % (error, pair.outputs())) from None
        finally:
            for client in self.clients:
                client.kill()
            self.name_server_address = pair.namesrv
            for program in (pair.broker_process, pair.name_server):
                if program:
                    program.kill()

    def _client(self, work, *flags):
        client = peers.java('5.5.0', self.peer_directory, os.path.join(self.work, work), flags)
        self.clients.append(client)
        return client.ready()

    def _json_client(self):
        """What the Java client sends by default: JSON headers."""
        client = self._client('client-json')
        at = {'namesrv': self.names.address, 'topic': TOPIC}
        for mode in ('sync', 'oneway', 'batch', 'compressed'):
            # Four, one after the other: one for each queue.
            count = 4 if mode == 'sync' else 2
            client.run('send', group='GoldenProducer', prefix=mode, mode=mode, count=count, **at)
        client.run('consume', group=GROUP, expect=10, **at)
        client.run('consume', group='GoldenRetry', expect=20, fail='on', max_reconsume=1, **at)
        client.run('consume', group='GoldenOrdered', expect=10, ordered='on', **at)
        member = client.begin('consume', group=GROUP, timeout_ms=60000, **at)
        other = client.begin('consume', group=GROUP, timeout_ms=60000, **at)
        for job in (member, other):
            job.until(
                lambda job: [event for event in job.of('assigned') if event['queues'].count(',') == 1],
                40,
                'two queues',
            )
        self._admin(client)
        other.stop()
        member.stop()
        self._take_json()

    def _admin(self, client):
        names, broker = self.names.address, self.pair.conf['brokerIP1'] + ':%d' % self.pair.broker_port
        with wire.Connection(self.pair.broker) as connection:
            ids = wire.json.loads(connection.call(38, {'consumerGroup': GROUP}).body)['consumerIdList']
            record = wire.parse_records(connection.call(11, probes.pull_header(TOPIC, GROUP)).body)[0][0]
        key = record['properties']['UNIQ_KEY']
        commands = [
            ('clusterList',),
            ('topicList', '-c'),
            ('topicRoute', '-t', TOPIC),
            ('topicStatus', '-t', TOPIC),
            ('updateTopic', '-b', broker, '-t', 'GoldenMade', '-r', 4, '-w', 4),
            ('updateSubGroup', '-b', broker, '-g', 'GoldenMadeGroup'),
            ('consumerProgress', '-g', GROUP),
            ('consumerConnection', '-g', GROUP),
            ('brokerStatus', '-b', broker),
            ('queryMsgById', '-t', TOPIC, '-i', key),
            ('queryMsgByKey', '-t', TOPIC, '-k', 'sync-0'),
            ('queryMsgById', '-t', TOPIC, '-i', key, '-g', GROUP, '-d', ids[0]),
            ('consumerStatus', '-g', GROUP, '-i', ids[0], '-s'),
            ('getBrokerConfig', '-b', broker),
            ('resetOffsetByTime', '-g', GROUP, '-t', TOPIC, '-s', 'now', '-f', 'true'),
            ('updateKvConfig', '-s', 'GOLDEN', '-k', 'color', '-v', 'red'),
            ('topicClusterList', '-t', TOPIC),
            ('wipeWritePerm', '-b', 'broker-a'),
            ('addWritePerm', '-b', 'broker-a'),
            ('deleteKvConfig', '-s', 'GOLDEN', '-k', 'color'),
            ('statsAll', '-t', TOPIC),
            ('deleteSubGroup', '-b', broker, '-g', 'GoldenMadeGroup'),
            ('deleteTopic', '-c', 'DefaultCluster', '-t', 'GoldenMade'),
        ]
        for command in commands:
            client.run('admin', *command, '-n', names)

    def _binary_client(self):
        """The same client told to write binary headers: the servers answer in kind."""
        client = self._client('client-binary', '-Drocketmq.serialize.type=ROCKETMQ')
        at = {'namesrv': self.names.address, 'topic': TOPIC}
        client.run('send', group='GoldenBinary', prefix='binary', count=1, **at)
        client.run('consume', group='GoldenBinary', expect=11, **at)
        binary = {'serialize': wire.BINARY}
        self._keep(
            'binary_route', self.names, TO_SERVER, 105, lambda f: f.ext.get('topic') == TOPIC, **binary
        )
        self._keep('binary_send', self.broker, TO_SERVER, 310, **binary)
        self._keep(
            'binary_heartbeat',
            self.broker,
            TO_SERVER,
            34,
            lambda f: b'"consumerDataSet":[{' in f.body,
            **binary
        )
        self._keep(
            'binary_pull',
            self.broker,
            TO_SERVER,
            11,
            lambda f: f.ext['topic'] == TOPIC,
            reply=without_batch,
            **binary
        )
        self._keep(
            'binary_query_offset', self.broker, TO_SERVER, 14, lambda f: f.ext['topic'] == TOPIC, **binary
        )

    def _take_json(self):
        def in_group(group):
            return lambda f: f.ext.get('consumerGroup', f.ext.get('group')) == group

        names, broker = self.names, self.broker
        self._keep('register_broker', names, TO_SERVER, 103)
        self._keep(
            'route', names, TO_SERVER, 105, lambda f: f.ext['topic'] == TOPIC, reply=lambda f: f.code == 0
        )
        self._keep(
            'route_missing',
            names,
            TO_SERVER,
            105,
            lambda f: f.ext['topic'] == TOPIC,
            reply=lambda f: f.code == 17,
        )
        for name, code in (
            ('cluster', 106),
            ('topic_list', 206),
            ('kv_put', 100),
            ('kv_delete', 102),
            ('wipe_write_perm', 205),
            ('add_write_perm', 327),
            ('delete_topic_in_namesrv', 216),
        ):
            self._keep(name, names, TO_SERVER, code)
        self._keep('send_v2', broker, TO_SERVER, 310, lambda f: f.ext.get('m') != 'true' and not f.flag & 2)
        self._keep('send_v2_oneway', broker, TO_SERVER, 310, lambda f: f.flag & 2)
        self._keep('send_v2_compressed', broker, TO_SERVER, 310, lambda f: int(f.ext.get('f', 0)) & 1)
        self._keep('send_batch', broker, TO_SERVER, 320)
        self._keep('heartbeat_producer', broker, TO_SERVER, 34, lambda f: b'"consumerDataSet":[]' in f.body)
        self._keep('heartbeat_consumer', broker, TO_SERVER, 34, lambda f: GROUP.encode() in f.body)
        self._keep('heartbeat_ordered', broker, TO_SERVER, 34, lambda f: b'GoldenOrdered' in f.body)
        self._keep('unregister_producer', broker, TO_SERVER, 35, lambda f: f.ext.get('producerGroup'))
        self._keep('unregister_consumer', broker, TO_SERVER, 35, in_group(GROUP))
        self._keep('consumer_list', broker, TO_SERVER, 38, in_group(GROUP))
        self._keep('pull_found', broker, TO_SERVER, 11, in_group(GROUP), reply=without_batch)
        self._keep('query_offset', broker, TO_SERVER, 14, in_group(GROUP), reply=lambda f: f.code == 0)
        self._keep('update_offset', broker, TO_SERVER, 15, in_group(GROUP))
        self._keep('send_back', broker, TO_SERVER, 36)
        self._keep('lock_queues', broker, TO_SERVER, 41, lambda f: TOPIC.encode() in f.body)
        self._keep('unlock_queues', broker, TO_SERVER, 42, lambda f: TOPIC.encode() in f.body)
        for name, code in (
            ('topic_stats', 202),
            ('consumer_connection', 203),
            ('consume_stats', 208),
            ('runtime_info', 28),
            ('update_topic', 17),
            ('update_group', 200),
            ('query_message', 12),
            ('get_config', 26),
            ('delete_group', 207),
            ('delete_topic', 215),
            ('consume_directly_by_broker', 309),
            ('running_info_by_broker', 307),
            ('reset_offset_by_broker', 222),
            ('topic_group_list', 300),
            ('stats_view', 315),
        ):
            self._keep(name, broker, TO_SERVER, code)
        self._keep('notify_ids_changed', broker, TO_CLIENT, 40)
        for name, code in (('reset_offset', 220), ('running_info', 307), ('consume_directly', 309)):
            self._keep('client_' + name, broker, TO_CLIENT, code)

    def _keep(self, name, proxy, way, code, accepts=None, reply=None, serialize=wire.JSON):
        """Writes the first exchange that fits."""
        found = None
        end = time.monotonic() + 8
        while found is None and time.monotonic() < end:
            found = self._first(proxy, way, code, accepts, reply, serialize)
            if found is None:
                time.sleep(0.2)
        if found is None:
            raise SystemExit('capture: nobody sent %s (code %d)' % (name, code))
        sender = {
            ('namesrv', TO_SERVER): 'client or broker to NameServer',
            ('broker', TO_SERVER): 'client to broker',
            ('broker', TO_CLIENT): 'broker to client',
        }[(proxy.name, way)]
        self.save(name, sender, *found)

    @staticmethod
    def _first(proxy, way, code, accepts, reply, serialize):
        with_reply = {}
        with proxy._lock:
            passed = list(proxy.passed)
        for item in passed:
            if item.frame.is_response and item.way != way:
                with_reply.setdefault((item.connection, item.frame.opaque), item.frame)
        for item in passed:
            frame = item.frame
            if item.way != way or frame.is_response or frame.code != code or frame.serialize != serialize:
                continue
            if accepts and not accepts(frame):
                continue
            answer = with_reply.get((item.connection, frame.opaque))
            if frame.flag & 2 or (answer and (not reply or reply(answer))):
                return frame, None if frame.flag & 2 else answer
        return None

    def save(self, name, sender, request, reply):
        for kind, frame in (('request', request), ('response', reply)):
            if frame is None:
                continue
            file = 'frames/%s.%s.bin' % (name, kind)
            with open(os.path.join(self.out, file), 'wb') as output:
                output.write(frame.raw)
            self.manifest.append(
                {
                    'file': file,
                    'sender': sender,
                    'kind': kind,
                    'code': frame.code,
                    'header': 'binary' if frame.serialize else 'json',
                    'size': len(frame.raw),
                }
            )

    def _replies(self):
        """Replies to requests written by hand: errors, and codes that no command above sends."""
        self._ask(self.pair.broker, 'our probe to broker', probes.broker_errors(TOPIC, GROUP))
        self._ask(self.pair.broker, 'our probe to broker', probes.broker_requests(TOPIC, GROUP))
        self._ask(self.pair.namesrv, 'our probe to NameServer', probes.namesrv_requests())

    def _ask(self, address, sender, questions):
        with wire.Connection(address) as connection:
            for name, (code, ext, body) in questions.items():
                reply = connection.call(code, ext, body)
                self.save(name, sender, wire.Frame(connection.last_request), reply)

# SPDX-License-Identifier: Apache-2.0
"""The files that Apache's broker leaves after a small, fixed sequence of requests, and its binary frames."""

import json
import os
import shutil
import socket
import struct
import time
import zlib

import recording_proxy
import servers
import wire
from recording_proxy import TO_SERVER

TOPIC, GROUP, LONG_GROUP = 'GoldenStore', 'GoldenStoreGroup', 'GoldenLong' * 15
BORN = 1700000000000
COMPRESSED, PREPARED, COMMIT = 0x1 | 0x3 << 8, 0x4, 0x8
FILES = (
    'checkpoint',
    'commitlog',
    'consumequeue',
    'index',
    'config/topics.json',
    'config/subscriptionGroup.json',
    'config/consumerOffset.json',
    'config/delayOffset.json',
    'config/consumerFilter.json',
    'config/consumerOrderInfo.json',
)


class StoreSession:
    """A broker with small files, told to write binary headers, registering through a recording proxy."""

    def __init__(self, peer_directory, work, out, save):
        self.work, self.out, self.save = os.path.join(work, 'store-session'), out, save
        self.pair = servers.Servers('apache', '', peer_directory, self.work)
        self.proxy = recording_proxy.Proxy('namesrv', ('127.0.0.1', 0), ('127.0.0.1', self.pair.namesrv_port))
        self.pair.conf.update(
            {
                'brokerName': 'golden-store',
                'namesrvAddr': self.proxy.address,
                'compressedRegister': 'true',
                'registerNameServerPeriod': 10000,
                'mappedFileSizeCommitLog': 16384,
                'mappedFileSizeConsumeQueue': 600,
                'maxHashSlotNum': 100,
                'maxIndexNum': 400,
                'messageDelayLevel': '1s 2h',
                'timerWheelEnable': 'false',
                'transactionCheckInterval': 3600000,
                'traceTopicEnable': 'false',
            }
        )
        self.pair.namesrv_jvm = self.pair.broker_jvm = ['-Drocketmq.serialize.type=ROCKETMQ']

    def run(self):
        """Does everything and tells the broker to stop; collect() waits for that."""
        try:
            self._write_long_group()
            self.pair.start_namesrv()
            self._ipv6_records()
            self.pair.start_broker()
            self.pair.broker_process.wait_for('boot success')
            with wire.Connection(self.pair.broker) as self.connection:
                self._records()
                self._binary_replies()
            wait_until(
                lambda: self.proxy.find(TO_SERVER, full_registration),
                60,
                'the broker registers all its topics',
            )
            self.pair.broker_process.terminate()
        except BaseException:
            self.close()
            raise

    def close(self):
        for program in (self.pair.broker_process, self.pair.name_server):
            if program:
                program.kill()

    def collect(self):
        self.pair.broker_process.stop(60)
        self._keep_registrations()
        self.close()
        for name in FILES:
            source, target = os.path.join(self.work, 'store', name), os.path.join(self.out, 'store', name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)

    def _write_long_group(self):
        """A group whose retry topic needs a two-byte length (V2); requests stop at 120 characters."""
        path = os.path.join(self.work, 'store', 'config', 'subscriptionGroup.json')
        os.makedirs(os.path.dirname(path))
        group = {'groupName': LONG_GROUP, 'consumeEnable': True, 'retryQueueNums': 1, 'retryMaxTimes': 16}
        with open(path, 'w') as file:
            json.dump(
                {
                    'dataVersion': {'counter': 1, 'stateVersion': 0, 'timestamp': BORN},
                    'forbiddenTable': {},
                    'subscriptionGroupTable': {LONG_GROUP: group},
                },
                file,
            )

    def _ipv6_records(self):
        """A first life of the broker under an IPv6 address: records with 16-byte hosts. Ends with a kill."""
        saved = dict(self.pair.conf)
        host = '::1' if ipv6_loopback() else '127.0.0.1'
        self.pair.conf.update({'brokerIP1': '::1', 'bindAddress': host})
        self.pair.start_broker()
        self.pair.broker_process.wait_for('boot success')
        self.pair.name_server.wait_for('boot success')
        with wire.Connection('[%s]:%d' % (host, self.pair.broker_port)) as self.connection:
            self._make_topic()
            self._send('an IPv6 store host', {'UNIQ_KEY': unique(0), 'KEYS': 'v6'})
            self._await(0, 1)
        self.pair.broker_process.kill()
        self.pair.conf.clear()
        self.pair.conf.update(saved)

    def _make_topic(self):
        self._call(
            17,
            {
                'topic': TOPIC,
                'defaultTopic': 'TBW102',
                'readQueueNums': 2,
                'writeQueueNums': 2,
                'perm': 6,
                'topicFilterType': 'SINGLE_TAG',
                'topicSysFlag': 0,
                'order': 'false',
            },
        )
        self._call(
            200, None, json.dumps({'groupName': GROUP, 'retryMaxTimes': 1, 'retryQueueNums': 1}).encode()
        )

    def _call(self, code, ext, body=b''):
        reply = self.connection.call(code, ext, body, language='JAVA')
        if reply.code != 0:
            raise SystemExit('capture: request %d was refused: %s' % (code, reply))
        return reply

    def _send(self, body, properties=None, code=310, queue=0, sys_flag=0, flag=0, batch=False):
        body = body.encode() if isinstance(body, str) else body
        return self._call(
            code,
            {
                'a': 'GoldenProducer',
                'b': TOPIC,
                'c': 'TBW102',
                'd': 4,
                'e': queue,
                'f': sys_flag,
                'g': BORN,
                'h': flag,
                'i': wire.properties(properties or {}),
                'j': 0,
                'k': 'false',
                'm': 'true' if batch else 'false',
            },
            body,
        )

    def _await(self, queue, count, topic=TOPIC):
        """Waits until the consume queue has `count` entries."""

        def has_them():
            reply = self.connection.call(30, {'topic': topic, 'queueId': queue})
            return reply.code == 0 and int(reply.ext['offset']) >= count

        wait_until(has_them, 20, '%s queue %d has %d entries' % (topic, queue, count))

    def _records(self):
        self._send('no properties')
        tagged = self._send(
            'tags and keys', {'KEYS': 'red green', 'UNIQ_KEY': unique(1), 'TAGS': 'TagA', 'WAIT': 'true'}
        )
        self._send(
            'a flag', {'UNIQ_KEY': unique(2), 'user': 'na\u00efve \u6d88\u606f \U0001f680'}, flag=7, queue=1
        )
        self._send(
            zlib.compress(b'compressed ' * 500, 5),
            {'UNIQ_KEY': unique(3), 'TAGS': 'TagB'},
            sys_flag=COMPRESSED,
        )
        batch = b''.join(
            batch_entry('batch %d' % at, {'UNIQ_KEY': unique(4 + at), 'TAGS': 'TagC'}) for at in range(3)
        )
        self._send(batch, {'UNIQ_KEY': unique(7)}, code=320, queue=1, batch=True)
        self._send('one second late', {'UNIQ_KEY': unique(8), 'DELAY': '1', 'TAGS': 'TagD'})
        self._await(0, 5)
        self._send('two hours late', {'UNIQ_KEY': unique(9), 'DELAY': '2'})
        offset = int(tagged.ext['msgId'][16:], 16)
        for group in (GROUP, LONG_GROUP):
            self._send_back(group, offset, 1)
            self._await(0, 1, '%RETRY%' + group)
        self._send_back(GROUP, offset, -1)
        self._await(0, 1, '%DLQ%' + GROUP)
        half = self._send(
            'half',
            {'UNIQ_KEY': unique(10), 'TRAN_MSG': 'true', 'PGROUP': 'GoldenProducer'},
            sys_flag=PREPARED,
        )
        self._call(
            37,
            {
                'producerGroup': 'GoldenProducer',
                'tranStateTableOffset': half.ext['queueOffset'],
                'commitLogOffset': int(half.ext['msgId'][16:], 16),
                'commitOrRollback': COMMIT,
                'fromTransactionCheck': 'false',
                'msgId': unique(10),
                'transactionId': unique(10),
            },
        )
        self._await(0, 6)
        for at in range(11, 80):  # Into the second log file, and the third file of a consume queue.
            self._send(
                'filler %d' % at,
                {'KEYS': 'filler-%d' % at, 'UNIQ_KEY': unique(at), 'TAGS': 'Tag%d' % (at % 3)},
            )
        self._await(0, 75)
        self._call(15, {'consumerGroup': GROUP, 'topic': TOPIC, 'queueId': 0, 'commitOffset': 9})
        self._call(15, {'consumerGroup': GROUP, 'topic': TOPIC, 'queueId': 1, 'commitOffset': 2})

    def _send_back(self, group, offset, level):
        self._call(
            36,
            {
                'offset': offset,
                'group': group,
                'delayLevel': level,
                'originMsgId': unique(1),
                'originTopic': TOPIC,
                'unitMode': 'false',
                'maxReconsumeTimes': 16,
            },
        )

    def _binary_replies(self):
        """This broker answers in binary whatever the request's header is."""
        for name, code, ext in (
            (
                'binary_reply_pull',
                11,
                {
                    'consumerGroup': GROUP,
                    'topic': TOPIC,
                    'queueId': 1,
                    'queueOffset': 0,
                    'maxMsgNums': 8,
                    'sysFlag': 4,
                    'commitOffset': 0,
                    'suspendTimeoutMillis': 0,
                    'subscription': '*',
                    'subVersion': 0,
                    'expressionType': 'TAG',
                },
            ),
            ('binary_reply_max_offset', 30, {'topic': TOPIC, 'queueId': 1}),
            ('binary_reply_unknown_code', 9999, {}),
            ('binary_reply_topic_list', 21, {}),
        ):
            reply = self.connection.call(code, ext, binary=True)
            self.save(name, 'our probe to broker', wire.Frame(self.connection.last_request), reply)

    def _keep_registrations(self):
        """The second life's: an IPv4 address, a compressed body."""
        refused = self._keep('binary_register_broker_mislabelled', full_registration)
        self._keep('binary_unregister_broker', lambda frame: frame.code == 104)
        self._register_compressed(refused)

    def _keep(self, name, accepts):
        found = self.proxy.find(TO_SERVER, accepts)
        if not found:
            raise SystemExit('capture: the broker never sent %s' % name)
        self.save(name, 'broker to NameServer', *found)
        return found[0]

    def _register_compressed(self, refused):
        """5.5.0's broker says compressed=false of a compressed body and is refused; here it is said right."""
        with wire.Connection(self.pair.namesrv) as connection:
            reply = connection.call(
                103, dict(refused.ext, compressed='true'), refused.body, version=refused.version
            )
            if reply.code != 0:
                raise SystemExit('capture: the compressed registration was refused: %s' % reply)
            self.save(
                'register_broker_compressed',
                'our probe to NameServer',
                wire.Frame(connection.last_request),
                reply,
            )


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit('capture: waited %d s in vain until %s' % (seconds, what))
        time.sleep(0.05)


def full_registration(frame):
    """A registration of all topics, after the requests have made the last one."""
    if frame.code != 103 or '127.0.0.1' not in frame.ext['brokerAddr']:
        return False
    body = zlib.decompress(frame.body)
    return b'TBW102' in body and b'%DLQ%' in body


def unique(number):
    return '7F0000010000000000000000%08X' % number


def batch_entry(text, properties):
    body, pairs = text.encode(), wire.properties(properties).encode()
    rest = (
        struct.pack('>iiii', 0, wire.crc(body), 0, len(body)) + body + struct.pack('>h', len(pairs)) + pairs
    )
    return struct.pack('>i', 4 + len(rest)) + rest


def ipv6_loopback():
    try:
        with socket.create_server(('::1', 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False

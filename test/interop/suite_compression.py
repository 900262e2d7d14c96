# SPDX-License-Identifier: Apache-2.0
"""Bodies compressed with each algorithm: what one client packs, the others unpack."""

import peers
import suite_clients
import wire
from report import check

# sysFlag: bit 0 and the algorithm in bits 8 to 10.
FLAGS = {'ZLIB': 0x301, 'LZ4': 0x101, 'ZSTD': 0x201}
NAMES = ('java-5.5.0', 'sdk', 'java-4.9.7')
COUNT = 3


def compression(context, report):
    pair, topic, expected = context.servers(), 'Interop-compression', {}
    context.begin_peers(*NAMES)
    for name in NAMES:
        for algorithm in FLAGS:
            report.case(
                'compression: %s packs with %s' % (name, algorithm),
                pack,
                context,
                pair,
                name,
                topic,
                algorithm,
                expected,
            )
    report.case('compression: the records say what they are', stored, pair, topic, expected)
    for name in NAMES:
        report.case(
            'compression: %s unpacks what all have packed' % name,
            suite_clients.consume,
            context,
            pair,
            name,
            topic,
            'compression-' + name.replace('.', '-'),
            dict(expected),
        )


def pack(context, pair, name, topic, algorithm, expected):
    prefix = '%s-%s' % (name, algorithm)
    events = context.peer(name).run(
        'send',
        namesrv=pair.namesrv,
        group='Packers',
        topic=topic,
        mode='compressed',
        compression=algorithm,
        count=COUNT,
        prefix=prefix,
    )
    check(events[-1]['event'] == 'done' and events[-1]['sent'] == COUNT, 'not all were sent', events)
    for at in range(COUNT):
        key = '%s-%d' % (prefix, at)
        expected[key] = (peers.body_of(key, 'compressed'), 'TagA')


def stored(pair, topic, expected):
    """The broker keeps the compressed bytes: without this a peer that packs nothing would pass."""
    seen = {}
    with wire.Connection(pair.broker) as connection:
        for queue in range(4):
            at, end = 0, int(connection.call(30, {'topic': topic, 'queueId': queue}).ext['offset'])
            while at < end:
                reply = connection.call(11, header(topic, queue, at))
                check(reply.code == 0, 'queue %d has no message at %d' % (queue, at), reply)
                for record in wire.parse_records(reply.body)[0]:
                    seen[record['properties']['KEYS']] = record
                at = int(reply.ext['nextBeginOffset'])
    check(set(seen) == set(expected), 'other messages are stored', sorted(seen))
    for key, record in seen.items():
        algorithm = next(name for name in FLAGS if name in key)
        check(record['sysFlag'] & 0x701 == FLAGS[algorithm], '%s has sysFlag' % key, hex(record['sysFlag']))
        check(len(record['body']) < peers.COMPRESSED_BODY_SIZE // 4, '%s is not compressed' % key)


def header(topic, queue, offset):
    return {
        'consumerGroup': 'Unpackers',
        'topic': topic,
        'queueId': queue,
        'queueOffset': offset,
        'maxMsgNums': 32,
        'sysFlag': 4,
        'commitOffset': 0,
        'suspendTimeoutMillis': 0,
        'subscription': '*',
        'subVersion': 0,
        'expressionType': 'TAG',
    }

# SPDX-License-Identifier: Apache-2.0
"""Sending in every mode, consuming, and retries to the dead letter queue, with any clients and servers."""

import collections

import peers
import wire
from report import check, wait_until

MODES = ('sync', 'async', 'oneway', 'batch', 'compressed')
COUNT = 8
SERVERS = {'ours': 'our servers', 'apache': 'Apache servers'}
TAGGED = 4
RETRY_MESSAGES, RETRY_TIMES = 2, 2


def clients(context, report):
    """The official clients against the servers under test."""
    matrix(context, report, context.servers(), 'clients', ('java-5.5.0', 'java-4.9.7', 'go'))


def sdk(context, report):
    """Our SDK against Apache's servers, exchanging messages with the official client there."""
    matrix(context, report, context.servers('apache'), 'sdk', ('sdk', 'java-5.5.0'))


def matrix(context, report, pair, suite, names):
    """Every client sends to one topic and consumes what all of them sent to it."""
    context.begin_peers(*names)
    topic, expected = 'Interop-' + suite, {}
    for name in names:
        title = '%s, %s: ' % (SERVERS[pair.kind], name)
        for mode in MODES:
            report.case(title + 'send ' + mode, send, context, pair, name, topic, mode, expected)
        report.case(
            title + 'send with another tag', send, context, pair, name, topic, 'sync', expected, 'TagB'
        )
    for name in names:
        title, group = '%s, %s: ' % (SERVERS[pair.kind], name), '%s-%s' % (suite, name.replace('.', '-'))
        report.case(
            title + 'consume everything once', consume, context, pair, name, topic, group, dict(expected)
        )
        report.case(
            title + 'consume one tag', consume_tag, context, pair, name, topic, group + '-tag', dict(expected)
        )
        report.case(title + 'retry to the dead letter queue', retry, context, pair, name, group)


def send(context, pair, name, topic, mode, expected, tag='TagA'):
    """Sends and checks every result; adds what must arrive to `expected` (key -> body and tag)."""
    count = TAGGED if tag == 'TagB' else COUNT
    prefix = '%s-%s-%s' % (name, mode, tag)
    events = context.peer(name).run(
        'send',
        namesrv=pair.namesrv,
        group='P-' + name.replace('.', '-'),
        topic=topic,
        mode=mode,
        count=count,
        prefix=prefix,
        tag=tag,
    )
    keys = ['%s-%d' % (prefix, at) for at in range(count)]
    expected.update({key: (peers.body_of(key, mode), tag) for key in keys})
    check(not [event for event in events if event['event'] == 'failed'], 'a send failed', events)
    done = events[-1]
    check(done['event'] == 'done' and done['sent'] == count, '%d messages were not all sent' % count, events)
    if mode == 'batch':
        batch = [event for event in events if event['event'] == 'batch']
        check(len(batch) == 1 and batch[0]['status'] == 'SEND_OK', 'the batch was not stored', events)
        ids = batch[0]['offsetMsgId'].split(',')
        check(
            len(set(ids)) == count,
            'the reply names %d offset ids for %d messages' % (len(set(ids)), count),
            ids,
        )
    elif mode != 'oneway':
        sent = [event for event in events if event['event'] == 'sent']
        check(sorted(event['key'] for event in sent) == sorted(keys), 'not one result for each message', sent)
        check(all(event['status'] == 'SEND_OK' for event in sent), 'not every status is SEND_OK', sent)
        check(len({event['offsetMsgId'] for event in sent}) == count, 'offset ids are not unique', sent)
        check(
            len({(event['queue'], event['offset']) for event in sent}) == count,
            'two results share a place',
            sent,
        )


def consume(context, pair, name, topic, group, expected):
    check(expected, 'nothing was sent')
    events = context.peer(name).run(
        'consume', namesrv=pair.namesrv, group=group, topic=topic, expect=len(expected), timeout_ms=40000
    )
    check_received(events, expected)


def consume_tag(context, pair, name, topic, group, expected):
    wanted = {key: value for key, value in expected.items() if value[1] == 'TagB'}
    check(wanted, 'nothing was sent')
    events = context.peer(name).run(
        'consume',
        namesrv=pair.namesrv,
        group=group,
        topic=topic,
        expression='TagB',
        expect=len(wanted),
        timeout_ms=40000,
    )
    check_received(events, wanted)


def check_received(events, expected):
    received = [event for event in events if event['event'] == 'received']
    times = collections.Counter(event['key'] for event in received)
    missing, more = set(expected) - set(times), [key for key, count in times.items() if count > 1]
    check(
        not missing, '%d of %d messages did not arrive' % (len(missing), len(expected)), sorted(missing)[:10]
    )
    check(not more, 'delivered twice', more[:10])
    check(set(times) == set(expected), 'delivered, but not sent', sorted(set(times) - set(expected))[:10])
    for event in received:
        body, tag = expected[event['key']]
        check(
            event['crc'] == peers.crc(body) and event['size'] == len(body), 'a body changed on its way', event
        )
        check(event['tag'] == tag and event['reconsume'] == 0, 'a tag or a count of tries is wrong', event)


def retry(context, pair, name, group):
    """Every delivery asks for another one, until the message lies in the dead letter queue.

    The group has consumed before: a client finds a new retry topic only when it polls its routes (30 s).
    """
    client, topic = context.peer(name), 'Retry-' + group
    client.run(
        'send',
        namesrv=pair.namesrv,
        group='P-' + name.replace('.', '-'),
        topic=topic,
        count=RETRY_MESSAGES,
        prefix='retry-' + name,
    )
    job = client.begin(
        'consume',
        namesrv=pair.namesrv,
        group=group,
        topic=topic,
        fail='on',
        max_reconsume=RETRY_TIMES,
        timeout_ms=60000,
    )
    total = RETRY_MESSAGES * (RETRY_TIMES + 1)
    job.until(lambda job: len(job.of('received')) >= total, 50, '%d deliveries' % total)
    dead = wait_until(
        lambda: dead_letters(pair.broker, group), 20, 'the dead letter queue of %s is full' % group
    )
    job.stop()
    tries = collections.Counter((event['key'], event['reconsume']) for event in job.of('received'))
    keys = ['retry-%s-%d' % (name, at) for at in range(RETRY_MESSAGES)]
    expected = collections.Counter((key, at) for key in keys for at in range(RETRY_TIMES + 1))
    check(tries == expected, 'the deliveries are not 0, 1, 2 for each message', dict(tries))
    check(
        sorted(record['properties'].get('KEYS') for record in dead) == keys, 'other messages are dead', dead
    )
    for record in dead:
        check(
            record['body'] == peers.body_of(record['properties']['KEYS']),
            'a dead message has another body',
            record,
        )
        check(record['properties'].get('RETRY_TOPIC') == topic, 'a dead message lost its topic', record)


def dead_letters(broker, group):
    """The records in the dead letter queue, once all of them are there."""
    header = {
        'consumerGroup': group,
        'topic': '%DLQ%' + group,
        'queueId': 0,
        'queueOffset': 0,
        'maxMsgNums': 32,
        'sysFlag': 4,
        'commitOffset': 0,
        'suspendTimeoutMillis': 0,
        'subscription': '*',
        'subVersion': 0,
        'expressionType': 'TAG',
    }
    with wire.Connection(broker) as connection:
        reply = connection.call(11, header)
    records = wire.parse_records(reply.body)[0] if reply.code == 0 else []
    return records if len(records) >= RETRY_MESSAGES else None

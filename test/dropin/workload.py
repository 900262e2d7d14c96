# SPDX-License-Identifier: Apache-2.0
"""What is written into a store, by whichever broker has it at the moment, and what must come of it later."""

import json
import struct
import time
import zlib

import flood
import interview
import wire
from report import check, wait_until

MIX, FILL, LATE = 'DropMix', 'DropFill', 'DropLate'
GONE = 'DropGone'  # Made, filled and deleted by each broker that works on the store.
GROUP, OTHER = 'DropGroup', 'DropOther'
LONG = 'DropLong' * 20  # Its retry topic has more than 127 bytes, so its records are V2.
BORN = 1700000000000
ENDED = 'RMQ_SYS_TRANS_OP_HALF_TOPIC'
COMPRESSED = {'ZLIB': 0x301, 'LZ4': 0x101, 'ZSTD': 0x201}
MULTI_TAGS, PREPARED, COMMIT = 0x2, 0x4, 0x8
# The body's size makes a segment of 128 KiB out of sixty of them.
FILLER = 2000


class Workload:
    """The history of one store. features: what its first writer has of v2, half, timer, compressions."""

    def __init__(self, features):
        self.features, self._unique = features, 0
        self.delivered, self.pending = [], []  # Keys of delayed messages: what arrived, what must arrive.
        self.half, self.timed = None, []
        self.committed, self._retries = {}, {}
        self.flooded = {}  # Acknowledged while a broker was being killed: key -> place.

    def populate(self, broker):
        """The first writer's part: more than three segments with everything in them that a store can hold."""
        with broker.connect() as self._connection:
            self._make(MIX, 4)
            self._make(FILL, 2)
            self._make(LATE, 1)
            self._make(flood.TOPIC, flood.QUEUES)
            for group, times in ((GROUP, 1), (OTHER, 16)):
                body = {'groupName': group, 'retryMaxTimes': times, 'retryQueueNums': 1}
                self._call(200, None, json.dumps(body).encode())
            self._fill('first', 90)
            self._make_and_delete('first')
            first = self._mixture('first')
            self._delay('first', 1)
            for group in [GROUP, OTHER] + ([LONG] if 'v2' in self.features else []):
                self._send_back(group, first, 1)
            self._send_back(GROUP, first, -1)
            if 'half' in self.features:
                self._half()
            self._fill('second', 110)
            self._await_retries([GROUP, OTHER] + ([LONG] if 'v2' in self.features else []), 1)
            self._commit(MIX, 0, GROUP, 3)
            self._commit(MIX, 1, GROUP, 1)
            self._commit(FILL, 0, GROUP, 60)
            self._commit(FILL, 1, OTHER, 99)
            self._arrived(self.delivered)
            self._settle(broker)
            self._delay('second', 2)
            self._delay('third', 3)
            if 'timer' in self.features:
                self._timer()

    def go_on(self, broker, name):
        """A later broker's part: it consumes on, sends to old and new queues, rolls over to a new file."""
        with broker.connect() as self._connection:
            self._consume_on()
            first = self._mixture(name)
            self._delay(name, 1)
            self._send('one more', {'UNIQ_KEY': self._id(), 'KEYS': 'new-' + name}, topic='DropNew-' + name)
            self._send_back(GROUP, first, 1)
            self._await_retries([GROUP], 1)
            self._make_and_delete(name)
            self._fill(name, 70)
            self._arrived(self.delivered)
            self._settle(broker)

    def gone(self, broker):
        """The topic that the broker before deleted is in no table, and nothing can be read of it."""
        with broker.connect() as connection:
            reply = connection.call(11, interview.pull_header(GONE, 0, 0))
            check(reply.code == 17, 'a deleted topic is served', reply)
            check(GONE not in interview.ask(connection, interview.Question(21, {})), 'it is in the table')

    def anew(self, broker, name, exactly):
        """Made anew, the topic has what is sent to it; exactly: and nothing of what was deleted."""
        with broker.connect() as self._connection:
            self._make(GONE, 2)
            sent = {}
            for at in range(4):
                body = 'anew %s %d' % (name, at)
                reply = self._send(body, {'UNIQ_KEY': self._id()}, topic=GONE, queue=at % 2)
                sent[int(reply.ext['queueId']), int(reply.ext['queueOffset'])] = body.encode()
            for (queue, offset), body in sent.items():
                wait_until(lambda: self._max(GONE, queue) > offset, 20, 'a message enters its queue')
                record = self._record(GONE, queue, offset)
                check(record['body'] == body, 'another message', record)
            ends = [(self._min(GONE, queue), self._max(GONE, queue)) for queue in range(2)]
            check(not exactly or ends == [(0, 2), (0, 2)], 'there is more than what was sent', ends)
            self._call(215, {'topic': GONE})

    def image_under_load(self, broker, target):
        """An image of the store amid arriving messages; returns also those of the broker that lives on."""
        rising = flood.Flood(broker, 'image')
        try:
            self.flooded.update(rising.rises())
            broker.image(target)
        finally:
            everything = rising.stop()
        return target, everything

    def kill_under_load(self, broker, name):
        rising = flood.Flood(broker, name)
        try:
            rising.rises()
            broker.kill()
        finally:
            self.flooded.update(rising.stop())

    def due(self, broker):
        """Level 2, sent by the first writer, was delivered by whoever was there when its time came."""
        with broker.connect() as self._connection:
            self._arrived(self.delivered + self.pending, 45)

    def timers_end(self, broker):
        """Apache delivers what its timer wheel held, once it has the store again."""
        with broker.connect() as self._connection:
            wait_until(lambda: set(self.timed) <= set(self._late()), 40, 'the timer message arrives')

    def commit_half(self, broker):
        """Apache ends the transaction that it began before we had the store."""
        queue, offset, identity = self.half
        with broker.connect() as self._connection:
            before = self._max(MIX, 3)
            ended = self._max(ENDED)
            ext = {'producerGroup': 'DropProducer', 'tranStateTableOffset': queue, 'commitLogOffset': offset}
            ext.update({'commitOrRollback': COMMIT, 'fromTransactionCheck': 'false'})
            self._call(37, dict(ext, msgId=identity, transactionId=identity))
            wait_until(lambda: self._max(MIX, 3) == before + 1, 20, 'the half message is committed')
            record = self._record(MIX, 3, before)
            check(record['body'] == b'half', 'another message was committed', record)
            # Written in batches, seconds later: a question asked before would get another answer afterwards.
            wait_until(lambda: self._max(ENDED) == ended + 1, 30, 'the end of the transaction is stored')

    # What it is made of.

    def _mixture(self, name):
        """Returns the log offset of a tagged message, for send-backs."""
        self._send('without properties', queue=0)
        ident = self._id()
        tagged = self._send(
            'tags and keys',
            {'UNIQ_KEY': ident, 'KEYS': 'red green-%s' % name, 'TAGS': 'TagA', 'WAIT': 'true'},
        )
        text = 'na\u00efve \u6d88\u606f \U0001f680'
        self._send('a flag', {'UNIQ_KEY': self._id(), 'user': text}, flag=7, queue=1)
        for kind, bits in COMPRESSED.items():
            if kind == 'ZLIB' or 'compressions' in self.features:
                body = zlib.compress(b'compressed ' * 500, 5)  # To a broker all bodies are only bytes.
                self._send(body, {'UNIQ_KEY': self._id(), 'TAGS': 'TagB', 'KEYS': kind}, bits=bits, queue=2)
        batch = b''.join(
            batch_entry('batch %d' % at, {'UNIQ_KEY': self._id(), 'TAGS': 'TagC', 'KEYS': 'in-batch'})
            for at in range(5)
        )
        self._send(batch, {'UNIQ_KEY': self._id()}, code=320, queue=1, batch=True)
        for at in range(6):
            properties = {'UNIQ_KEY': self._id(), 'TAGS': 'Tag%s' % 'ABCDEF'[at], 'KEYS': 'red'}
            self._send('tag %d' % at, properties, queue=at % 4)
        self._send('two tags', {'UNIQ_KEY': self._id(), 'TAGS': 'TagX || TagY'}, bits=MULTI_TAGS)
        return int(tagged.ext['msgId'][16:], 16)

    def _fill(self, name, count):
        for at in range(count):
            key = 'fill-%s-%d' % (name, at)
            properties = {'UNIQ_KEY': self._id(), 'KEYS': key, 'TAGS': 'Tag%s' % 'AB'[at % 2]}
            self._send(key * (FILLER // len(key)), properties, topic=FILL, queue=at % 2)

    def _make_and_delete(self, name):
        """What is sent next lies in the log behind it."""
        self._make(GONE, 2)
        ends = [int(self._send('gone %s %d' % (name, at), {'UNIQ_KEY': self._id(), 'KEYS': 'gone-' + name},
                               topic=GONE, queue=at % 2).ext['queueOffset']) + 1 for at in range(6)]
        for queue in range(2):
            wait_until(lambda: self._max(GONE, queue) >= ends[4 + queue], 20, 'messages enter their queue')
        self._call(215, {'topic': GONE})

    def _delay(self, name, level):
        key = 'late-%s-%d' % (name, level)
        properties = {'UNIQ_KEY': self._id(), 'KEYS': key, 'TAGS': 'TagL', 'DELAY': str(level)}
        self._send('delayed ' + key, properties, topic=LATE)
        if level == 1:
            self.delivered.append(key)
        elif level == 2:
            self.pending.append(key)

    def _timer(self):
        """A message for Apache's timer wheel, which ours does not turn; due while ours has the store."""
        before = self._max('rmq_sys_wheel_timer')
        properties = {'UNIQ_KEY': self._id(), 'KEYS': 'late-timer', 'TIMER_DELAY_SEC': '12'}
        self._send('delayed late-timer', properties, topic=LATE)
        wait_until(lambda: self._max('rmq_sys_wheel_timer') == before + 1, 20, 'the timer message waits')
        self.timed.append('late-timer')

    def _half(self):
        ident = self._id()
        properties = {'UNIQ_KEY': ident, 'TRAN_MSG': 'true', 'PGROUP': 'DropProducer', 'TAGS': 'TagH'}
        reply = self._send('half', properties, bits=PREPARED, queue=3)
        self.half = (reply.ext['queueOffset'], int(reply.ext['msgId'][16:], 16), ident)

    def _id(self):
        self._unique += 1
        return '7F00000100000000000000%010X' % self._unique

    def _call(self, code, ext, body=b''):
        end = time.monotonic() + 20
        while True:
            reply = self._connection.call(code, ext, body, language='JAVA')
            # A cold JVM refuses now and then; 2 and 14 say that nothing was stored.
            if reply.code not in (2, 14) or time.monotonic() > end:
                break
            time.sleep(0.05)
        check(reply.code == 0, 'request %d was refused' % code, reply)
        return reply

    def _make(self, topic, queues):
        ext = {'topic': topic, 'defaultTopic': 'TBW102', 'readQueueNums': queues, 'writeQueueNums': queues}
        ext.update({'perm': 6, 'topicFilterType': 'SINGLE_TAG', 'topicSysFlag': 0, 'order': 'false'})
        self._call(17, ext)

    def _send(self, body, properties=None, code=310, topic=MIX, queue=0, bits=0, flag=0, batch=False):
        body = body.encode() if isinstance(body, str) else body
        ext = {'a': 'DropProducer', 'b': topic, 'c': 'TBW102', 'd': 4, 'e': queue, 'f': bits, 'g': BORN}
        ext.update({'h': flag, 'i': wire.properties(properties or {}), 'j': 0, 'k': 'false'})
        return self._call(code, dict(ext, m='true' if batch else 'false'), body)

    def _send_back(self, group, offset, level):
        ext = {'offset': offset, 'group': group, 'delayLevel': level, 'originTopic': MIX, 'unitMode': 'false'}
        self._call(36, dict(ext, originMsgId='7F000001', maxReconsumeTimes=16))

    def _commit(self, topic, queue, group, offset):
        ext = {'consumerGroup': group, 'topic': topic, 'queueId': queue, 'commitOffset': offset}
        self._call(15, ext)
        self.committed[topic, queue, group] = offset

    def _max(self, topic, queue=0):
        reply = self._connection.call(30, {'topic': topic, 'queueId': queue})
        return int(reply.ext['offset']) if reply.code == 0 else 0

    def _min(self, topic, queue=0):
        return int(self._call(31, {'topic': topic, 'queueId': queue}).ext['offset'])

    def _record(self, topic, queue, offset):
        reply = self._connection.call(11, interview.pull_header(topic, queue, offset))
        check(reply.code == 0, 'nothing at %s:%d@%d' % (topic, queue, offset), reply)
        record = wire.parse_records(reply.body)[0][0]
        place = (record['topic'], record['queueId'], record['queueOffset'])
        check(place == (topic, queue, offset), 'a pull gave another message', place)
        return record

    # What must come of it.

    def _consume_on(self):
        """Each group goes on where it was, reads what is there and commits that."""
        for (topic, queue, group), offset in sorted(self.committed.items()):
            where = {'consumerGroup': group, 'topic': topic, 'queueId': queue}
            told = int(self._call(14, where).ext['offset'])
            check(told == offset, '%s in %s:%d was at %d' % (group, topic, queue, offset), told)
            begin, end = max(told, self._min(topic, queue)), self._max(topic, queue)
            check(begin < end, '%s has nothing to consume in %s:%d' % (group, topic, queue), begin, end)
            step = max(1, (end - begin) // 3)
            for at in range(begin, end - 1, step):
                self._record(topic, queue, at)
            self._commit(topic, queue, group, end - 1)

    def _await_retries(self, groups, more):
        for group in groups:
            topic = '%RETRY%' + group
            count = self._retries.get(topic, 0) + more
            wait_until(lambda: self._max(topic) >= count, 20, 'the retry topic of %s has %d' % (group, count))
            check(self._max(topic) == count, 'the retry topic has too many', self._max(topic))
            self._retries[topic] = count

    def _arrived(self, keys, seconds=20):
        """The delayed messages that are due lie in their topic, each once, with their bodies."""

        def there():
            return set(keys) <= set(self._late())

        wait_until(there, seconds, lambda: 'the delayed messages arrive: %s' % self._late())
        late = self._late()
        for key in self.delivered:
            check(late.count(key) == 1, 'delivered more than once: %s' % key, late)
        check(set(late) <= set(self.delivered + self.pending + self.timed), 'delivered too early', late)

    def _late(self):
        begin, end = self._min(LATE), self._max(LATE)
        return [self._record(LATE, 0, at)['properties'].get('KEYS') for at in range(begin, end)]

    def _settle(self, broker):
        """Waits until the files hold what a kill -9 may not take: consumer offsets, delay offsets."""

        def offsets(value):
            table = value['offsetTable']
            return all(
                int(table['%s@%s' % (topic, group)][str(queue)]) == offset
                for (topic, queue, group), offset in self.committed.items()
            )

        broker.saved('consumerOffset.json', offsets)
        scheduled = self._max('SCHEDULE_TOPIC_XXXX', 0)
        broker.saved('delayOffset.json', lambda value: int(value['offsetTable']['1']) == scheduled)


def batch_entry(text, properties):
    body, pairs = text.encode(), wire.properties(properties).encode()
    head = struct.pack('>iiii', 0, wire.crc(body), 0, len(body))
    rest = head + body + struct.pack('>h', len(pairs)) + pairs
    return struct.pack('>i', 4 + len(rest)) + rest

# SPDX-License-Identifier: Apache-2.0
"""What a broker answers about everything in its store, and how the answers of two brokers compare.

An interview of the broker that wrote a store finds the questions: every queue, offset, key, time, group. The
broker that opens the store later is asked the same ones, with raw requests, and must answer the same bytes.
"""

import collections
import json
import struct

import lenient_json
import wire

FOREVER = (1 << 63) - 1
HOUR = 3600 * 1000
QUEUES_MAX = 4  # Of system topics with many; ours have at most as many.
TIMES_MAX = 12
ASKER = 'DropinAsker'  # Known to nobody: its pulls commit nothing.

Question = collections.namedtuple('Question', 'code ext')


def pull_header(topic, queue, offset, count=1, subscription='*'):
    return {
        'consumerGroup': ASKER,
        'topic': topic,
        'queueId': queue,
        'queueOffset': offset,
        'maxMsgNums': count,
        'sysFlag': 4,
        'commitOffset': 0,
        'suspendTimeoutMillis': 0,
        'subscription': subscription,
        'subVersion': 0,
        'expressionType': 'TAG',
    }


class Interview:
    """questions: name -> Question. answers: name -> comparable value. records: place -> record."""

    def __init__(self, connection, excluded=(), with_tags=True):
        self.questions, self.answers, self.records = {}, {}, {}
        self._connection, self._excluded, self._with_tags = connection, excluded, with_tags
        self._tables()
        for topic in sorted(self.answers['topics']):
            if topic not in excluded:
                self._topic(topic)
        self._log()
        self._keys()
        self._groups()

    def _ask(self, name, code, ext):
        self.questions[name] = Question(code, ext)
        self.answers[name] = ask(self._connection, self.questions[name])
        return self.answers[name]

    def _tables(self):
        self._ask('topics', 21, {})
        self._ask('groups', 201, {})
        self._ask('offsets of all groups', 43, {})
        self._ask('offsets of all delay levels', 45, {})

    def _topic(self, topic):
        config = self.answers['topics'][topic]
        for queue in range(min(config['readQueueNums'], QUEUES_MAX)):
            where, place = {'topic': topic, 'queueId': queue}, '%s:%d' % (topic, queue)
            end = int(self._ask('max ' + place, 30, where)[1]['offset'])
            begin = int(self._ask('min ' + place, 31, where)[1]['offset'])
            self._ask('earliest ' + place, 32, where)
            for offset in range(begin, end):
                _, _, body = self._ask('pull %s@%d' % (place, offset), 11, pull_header(topic, queue, offset))
                found = wire.parse_records(body)[0]
                if found:
                    self.records[topic, queue, offset] = found[0]
            if end > begin:
                self._edges(topic, queue, begin, end)
                self._times(topic, queue, begin, end)
        if any(place[0] == topic for place in self.records):
            self._ask('statistics ' + topic, 202, {'topic': topic})
            self._ask('consumers ' + topic, 300, {'topic': topic})

    def _edges(self, topic, queue, begin, end):
        place = '%s:%d' % (topic, queue)
        for offset in {0, begin - 1, end, end + 1, end + 100} - set(range(begin, end)) - {-1}:
            self._ask('pull %s@%d' % (place, offset), 11, pull_header(topic, queue, offset))
        for count, tags in ((8, '*'), (32, 'TagA'), (32, 'TagA || TagB'), (32, 'NoSuchTag')):
            name = 'pull %d of %s %s@%d' % (count, tags, place, begin)
            self._ask(name, 11, pull_header(topic, queue, begin, count, tags))

    def _times(self, topic, queue, begin, end):
        stored = [
            self.records[topic, queue, offset]['storeTimestamp']
            for offset in range(begin, end)
            if (topic, queue, offset) in self.records
        ]
        if not stored:
            return
        step = max(1, len(stored) // TIMES_MAX)
        times = {0, stored[0] - HOUR, stored[0] - 1, stored[-1], stored[-1] + 1, stored[-1] + HOUR}
        for time in stored[::step]:
            times |= {time - 1, time, time + 1}
        for time in sorted(times):
            for boundary in ('LOWER', 'UPPER'):
                ext = {'topic': topic, 'queueId': queue, 'timestamp': time, 'boundaryType': boundary}
                self._ask('%s at %d %s:%d' % (boundary, time, topic, queue), 29, ext)

    def _log(self):
        for record in self.records.values():
            self._view(record['physicalOffset'])
        self._view(1 << 40)

    def _view(self, offset):
        self._ask('view %d' % offset, 33, {'offset': offset})

    def _keys(self):
        for topic, unique, keys, tag in sorted(map(words, self.records.values())):
            for key in keys.split():
                self._key('key', topic, key)
            if unique:
                self._key('unique key', topic, unique, _UNIQUE_KEY_QUERY='true')
            if tag and self._with_tags:
                self._key('tag', topic, tag, indexType='T')
        for topic in sorted({place[0] for place in self.records}):
            self._key('key', topic, 'no-such-key')

    def _key(self, kind, topic, key, **more):
        name = '%s %s#%s' % (kind, topic, key)
        if name not in self.questions:
            header = {'topic': topic, 'key': key, 'maxNum': 32, 'beginTimestamp': 0, 'endTimestamp': FOREVER}
            self._ask(name, 12, dict(header, **more))

    def _groups(self):
        for place, queues in sorted(self.answers['offsets of all groups'].items()):
            topic, group = place.split('@', 1)
            for queue in queues:
                ext = {'consumerGroup': group, 'topic': topic, 'queueId': queue}
                self._ask('offset of %s in %s:%s' % (group, topic, queue), 14, ext)
            self._ask('progress of %s in %s' % (group, topic), 208, {'consumerGroup': group, 'topic': topic})

    def by_model(self):
        """What searches by time should give, from the records alone; UPPER as 5.5.0 does it."""
        expected, times = {}, collections.defaultdict(list)
        for (topic, queue, offset), record in sorted(self.records.items()):
            times[topic, queue].append((offset, record['storeTimestamp']))
        for name, (code, ext) in self.questions.items():
            if code != 29:
                continue
            stored, time = times[ext['topic'], ext['queueId']], ext['timestamp']
            if ext['boundaryType'] == 'LOWER':
                found = [offset for offset, at in stored if at >= time][:1] or [stored[-1][0] + 1]
            else:
                found = [offset for offset, at in stored if at <= time][-1:] or [stored[0][0]]
            expected[name] = (0, {'offset': str(found[0])}, b'')
        return expected

    def repeat(self, connection):
        """The answers of another broker, or of this one later, to the same questions."""
        return {name: ask(connection, question) for name, question in self.questions.items()}

    def without(self, head):
        """What remains once the log begins at `head`: names of questions, and the answers then."""
        kept = {}
        gone = {place for place, record in self.records.items() if record['physicalOffset'] < head}
        for name, (code, ext) in self.questions.items():
            if code in (14, 21, 30, 43, 45, 201, 300):
                kept[name] = self.answers[name]
            elif code == 11 and ext['maxMsgNums'] == 1:
                place = (ext['topic'], ext['queueId'], ext['queueOffset'])
                if place in self.records and place not in gone:
                    kept[name] = without_begin(self.answers[name])
            elif code == 12:
                kept[name] = (0, {}, records_from(self.answers[name][2], head))
                if not kept[name][2]:
                    kept[name] = (22, {}, b'')
            elif code == 33 and self.answers[name][0] == 0 and ext['offset'] >= head:
                kept[name] = self.answers[name]
            elif code == 31:
                kept[name] = self._begin(ext['topic'], ext['queueId'], gone)
        return kept

    def _begin(self, topic, queue, gone):
        alive = [place[2] for place in self.records if place[:2] == (topic, queue) and place not in gone]
        end = self.answers['max %s:%d' % (topic, queue)][1]['offset']
        return 0, {'offset': str(min(alive)) if alive else end}, b''


def words(record):
    properties = record['properties']
    return (
        record['topic'],
        properties.get('UNIQ_KEY', ''),
        properties.get('KEYS', ''),
        properties.get('TAGS', ''),
    )


def split(body):
    """The records of a body, as bytes each."""
    pieces = []
    while body:
        size = struct.unpack('>i', body[:4])[0]
        pieces.append(body[:size])
        body = body[size:]
    return pieces


def without_begin(answer):
    """A pull's answer but for the queue's begin, which moves when the log's head is deleted."""
    code, ext, body = answer
    return code, {key: value for key, value in ext.items() if key != 'minOffset'}, body


def records_from(body, head):
    return b''.join(piece for piece in split(body) if wire.parse_record(piece)['physicalOffset'] >= head)


def ask(connection, question):
    return answer(question.code, connection.call(question.code, question.ext))


PULL_FIELDS = ('nextBeginOffset', 'minOffset', 'maxOffset')
TABLES = {
    21: 'topicConfigTable',
    201: 'subscriptionGroupTable',
    43: 'offsetTable',
    45: 'offsetTable',
    202: 'offsetTable',
    208: 'offsetTable',
    300: 'groupList',
}


def answer(code, reply):
    """What counts of a reply: the code, named fields, the whole body."""
    if code in TABLES:
        if reply.code != 0:
            return {'code': reply.code}
        value = lenient_json.loads(reply.body.decode())[TABLES[code]]
        if code == 45:  # A level that has delivered nothing may be missing; 2 falls due at any time.
            value = {level: offset for level, offset in value.items() if offset and level != '2'}
        if code == 208:  # What was pulled lives in memory only, and 4.9 does not tell it.
            for progress in value.values():
                progress.pop('pullOffset', None)
        return sorted(value) if isinstance(value, list) else value
    if code == 11:
        fields = {key: reply.ext.get(key) for key in PULL_FIELDS}
    elif code in (14, 29, 30, 31):
        fields = {'offset': reply.ext.get('offset')}
    elif code == 32:
        fields = {'timestamp': reply.ext.get('timestamp')}
    else:
        fields = {}
    return reply.code, fields, reply.body


def compare(expected, seen, known=()):
    """Texts of what differs; known: functions (name, expected, seen) that say which differences are known."""
    differences = []
    for name, value in expected.items():
        other = seen.get(name)
        if name == 'topics' or name == 'groups':
            differences += compare_tables(name, value, other)
        elif value != other and not any(knows(name, value, other) for knows in known):
            differences.append('%s: %s, then %s' % (name, show(value), show(other)))
    return differences


def compare_tables(name, value, other):
    """Every topic or group is still there with every field; a newer broker may know more of both."""
    differences = []
    for key, fields in value.items():
        later = other.get(key)
        if later is None:
            differences.append('%s: %s is gone' % (name, key))
            continue
        changed = {
            field: value for field, value in fields.items() if later.get(field, value) != value
        }
        if changed:
            differences.append('%s: %s had %s, has %s' % (name, key, json.dumps(changed), json.dumps(later)))
    return differences


def show(value):
    if isinstance(value, tuple) and value[2]:
        try:
            places = [
                (record['topic'], record['queueId'], record['queueOffset'], record['physicalOffset'])
                for record in wire.parse_records(value[2])[0]
            ]
        except (ValueError, LookupError):
            places = 'no records'
        return '(%s %s %d bytes %s)' % (value[0], value[1], len(value[2]), places)
    return str(value)[:300]


# The known differences; each stands in docs/COMPATIBILITY.md with its reason.


def ends_with_queue_file(name, expected, seen):
    """Apache ends a pull at the end of a consume queue file; ours goes on to the asked number of messages."""
    if not name.startswith(('pull 32 of', 'pull 8 of')) or {expected[0], seen[0]} - {0, 20}:
        return False
    short, long = sorted((expected, seen), key=lambda value: int(value[1]['nextBeginOffset']))
    return long[2].startswith(short[2])


def before_the_first(name, expected, seen):
    """Apache's UPPER search before the first message gives 0, also when message 0 was deleted."""
    return name.startswith('UPPER at') and '0' in (expected[1]['offset'], seen[1]['offset'])


def indexed_twice(name, expected, seen):
    """After a crash Apache puts the last record of a kept index file into it once more."""
    if not name.startswith(('key ', 'unique key ', 'tag ')) or expected[0] or seen[0]:
        return False
    one, other = sorted((list(dict.fromkeys(split(answer[2]))) for answer in (expected, seen)), key=len)
    both = len(split(expected[2])) + len(split(seen[2]))
    return both - len(one) - len(other) == 1 and other[-len(one) :] == one and len(other) - len(one) <= 1


def tags(name, expected, seen):
    """4.9 has no index of tags."""
    return name.startswith('tag ')


def any_time(name, expected, seen):
    """4.9 knows no boundary and rounds to the nearer message; ours is held against by_model() instead."""
    return name.startswith(('LOWER at', 'UPPER at'))


def half_messages(name, expected, seen):
    """On its way out Apache looks at its half messages and stores them anew, after it was interviewed."""
    if name == 'offsets of all groups':
        return {key: value for key, value in seen.items() if 'RMQ_SYS_TRANS' not in key} == expected
    return 'RMQ_SYS_TRANS_HALF_TOPIC' in name

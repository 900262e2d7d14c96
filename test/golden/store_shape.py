# SPDX-License-Identifier: Apache-2.0
"""Checks a captured store folder against itself and reduces it to what two captures share."""

import json
import os
import struct

import frame_shape
import lenient_json
import wire

UNIT = 20
INDEX_HEADER, INDEX_SLOT, INDEX_ENTRY = 40, 4, 20
BORN = 1700000000000  # What the requests of store_session.py say.
SCHEDULE = 'SCHEDULE_TOPIC_XXXX'
VOLATILE = ('crc', 'physicalOffset', 'storeTimestamp', 'preparedOffset', 'size', 'sysFlag')


def read_log(folder):
    """All records by physical offset, each proven to lie where it says and to have the right CRC."""
    records = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as file:
            stream = file.read()
        found, at = wire.parse_records(stream)
        filler = struct.unpack('>iI', stream[at : at + 8])
        if filler not in ((0, 0), (len(stream) - at, wire.MAGIC_BLANK)):
            raise ValueError('%s holds neither filler nor nothing at %d: %s' % (name, at, filler))
        offset = int(name)
        for record in found:
            if record['physicalOffset'] != offset or record['crc'] != wire.crc(record['body']):
                raise ValueError(
                    'the record at %d has offset %d, crc %d'
                    % (offset, record['physicalOffset'], record['crc'])
                )
            records[offset] = record
            offset += record['size']
    return records


def record_shape(record):
    shape = {key: value for key, value in record.items() if key not in VOLATILE}
    shape['body'] = record['body'].hex()
    shape['sysFlag'] = record['sysFlag'] & ~0x30  # Whether hosts are IPv6 depends on the machine.
    shape['properties'] = {key: frame_shape.mask_text(value) for key, value in record['properties'].items()}
    if record['bornTimestamp'] != BORN:
        shape['bornTimestamp'] = '<time>'  # Made by the broker itself.
    for host in ('bornHost', 'storeHost'):
        shape[host] = 'set' if record[host] else 'unset'
    return shape


def check_queue(topic, units, records):
    """Every entry points at a record of the topic and carries the hash of its tag (delayed: a time)."""
    for at, (offset, size, code) in enumerate(units):
        record = records.get(offset)
        if not record or record['size'] != size or record['topic'] != topic or record['queueOffset'] != at:
            raise ValueError('%s entry %d points at %d, %d bytes: %s' % (topic, at, offset, size, record))
        tag = record['properties'].get('TAGS')
        if topic == SCHEDULE:
            if not 0 < code - record['storeTimestamp'] <= 7200 * 1000:
                raise ValueError('%s entry %d is due at %d' % (topic, at, code))
        elif topic.startswith('RMQ_SYS_TRANS_OP') is False and code != (wire.java_hash(tag) if tag else 0):
            raise ValueError('%s entry %d has tag code %d for %s' % (topic, at, code, tag))


def read_queues(folder, records):
    counts = {}
    for topic in sorted(os.listdir(folder)):
        for queue in sorted(os.listdir(os.path.join(folder, topic))):
            stream = b''
            for name in sorted(os.listdir(os.path.join(folder, topic, queue))):
                with open(os.path.join(folder, topic, queue, name), 'rb') as file:
                    stream += file.read()
            units = [struct.unpack('>qiq', stream[at : at + UNIT]) for at in range(0, len(stream), UNIT)]
            units = [unit for unit in units if unit[1] > 0]
            check_queue(topic, units, records)
            counts['%s:%s' % (topic, queue)] = len(units)
    if sum(counts.values()) != len(records):
        raise ValueError('%d entries for %d records' % (sum(counts.values()), len(records)))
    return counts


def index_keys(record):
    properties, topic = record['properties'], record['topic']
    if properties.get('UNIQ_KEY'):
        yield '%s#%s' % (topic, properties['UNIQ_KEY'])
    for key in properties.get('KEYS', '').split():
        yield '%s#%s' % (topic, key)
    if properties.get('TAGS'):
        yield '%s#T#%s' % (topic, properties['TAGS'])


def check_index(path, records):
    """Every entry's hash is that of a key of the record it points at. Returns how many entries there are."""
    with open(path, 'rb') as file:
        stream = file.read()
    slots = 100
    _, _, begin, end, _, count = struct.unpack('>qqqqii', stream[:INDEX_HEADER])
    first = INDEX_HEADER + slots * INDEX_SLOT
    for at in range(1, count):
        entry = stream[first + at * INDEX_ENTRY : first + (at + 1) * INDEX_ENTRY]
        code, offset, _, _ = struct.unpack('>iqii', entry)
        hashes = [abs(wire.java_hash(key)) for key in index_keys(records[offset])]
        if code not in hashes or not begin <= offset <= end:
            raise ValueError('index entry %d has hash %d for the record at %d' % (at, code, offset))
    expected = sum(1 for record in records.values() for _ in index_keys(record))
    return {'entries': count - 1, 'keys': expected}


def shapes(folder):
    """A comparable value for each part of a store folder; ValueError: it contradicts itself."""
    records = read_log(os.path.join(folder, 'commitlog'))
    index = os.path.join(folder, 'index')
    result = {
        'commitlog': [record_shape(record) for _, record in sorted(records.items())],
        'consumequeue': read_queues(os.path.join(folder, 'consumequeue'), records),
        'index': [check_index(os.path.join(index, name), records) for name in sorted(os.listdir(index))],
    }
    with open(os.path.join(folder, 'checkpoint'), 'rb') as file:
        words = struct.unpack('>8q', file.read(64))
    # Word 5 (a log offset, written by 5.5.0 only) depends on when the last flush was.
    result['checkpoint'] = ['set' if word else 'zero' for word in words[:5] + words[6:]]
    for name in sorted(os.listdir(os.path.join(folder, 'config'))):
        with open(os.path.join(folder, 'config', name)) as file:
            value = frame_shape.mask(lenient_json.loads(file.read()))
        result['config/' + name] = json.loads(json.dumps(value))
    return result

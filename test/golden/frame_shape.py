# SPDX-License-Identifier: Apache-2.0
"""What stays of a frame when everything is masked that differs from one capture to the next."""

import json
import re
import struct
import zlib

import lenient_json
import wire

# Numbers that depend on chance (which queue a producer starts with, what came first) or on the clock.
CHANCE = re.compile(
    r'(?i)offset|queueId|queuetotime|timestamp|^e$|^g$|subVersion|fingerprint|bodyCrc32|count|'
    r'opaque|spentTime|tps|rt$|stateVersion|^delayLevel$|clientAddr|inflight|mqTable|TopicCount'
)
MASKS = (
    (re.compile(r'\b\d{1,3}(\.\d{1,3}){3}(:\d+)?'), '<address>'),
    (re.compile(r'(::1|[0-9a-f:]+::[0-9a-f:]*):\d{4,5}\b'), '<address>'),
    (re.compile(r'\b[0-9A-F]{32,60}\b'), '<id>'),
    (re.compile(r'\b1[6-9]\d{11}\b'), '<time>'),
    (re.compile(r'@(sender|receiver)-[\d-]+'), '@<client>'),
    (re.compile(r'(sync|oneway|batch|compressed)-\d'), '<key>'),
    (re.compile(r'(?m)queueId":? ?\d+'), '<queue>'),
    (re.compile(r'_\d{1,3}$'), '_<number>'),
)
# Bodies full of measurements: only the names in them are compared.
NAMES_ONLY = re.compile(
    r'runtime_info|running_info|stats|get_config|namesrv_config|all_offsets|delay_offsets'
)


def mask_text(text):
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text


def mask_key(name):
    """Tables by queue become one row: who has which queue is chance."""
    return '<queue>' if name.startswith('{') else mask_text(name)


def mask(value, key='', names_only=False):
    """A copy of a JSON value without what chance decides; lists become sorted sets."""
    if isinstance(value, dict):
        if key == 'offsetTable':
            # Whether a consumer that ends soon had its retry queue long enough to commit is chance.
            value = {name: inner for name, inner in value.items() if not name.startswith('%RETRY%')}
        return {mask_key(name): mask(inner, name, names_only) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        texts = {json.dumps(mask(inner, key, names_only), sort_keys=True) for inner in value}
        return sorted(texts)
    if names_only:
        return type(value).__name__.replace('int', 'number').replace('float', 'number')
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return '<number>' if CHANCE.search(key) or value > 10**12 else value
    if isinstance(value, str):
        if CHANCE.search(key) and re.fullmatch(r'-?\d+', value):
            return '<number>'
        return mask_text(value)
    return value


def record_shape(record):
    return {'magic': record['magic'], 'topic': record['topic'], 'properties': sorted(record['properties'])}


def body_shape(name, body, ext):
    if not body:
        return ''
    names_only = bool(NAMES_ONLY.search(name))
    if body[:1] in b'{[':
        return mask(lenient_json.loads(body.decode()), '', names_only)
    if len(body) > 8 and struct.unpack('>I', body[4:8])[0] in (wire.MAGIC_V1, wire.MAGIC_V2):
        records, used = wire.parse_records(body)
        if used != len(body):
            return 'records and %d bytes more' % (len(body) - used)
        return sorted({json.dumps(record_shape(record)) for record in records})
    if name.startswith('send_batch'):
        return [
            {
                key: item[key] if isinstance(item[key], int) else sorted(item[key])
                for key in ('magic', 'crc', 'flag', 'properties')
            }
            for item in wire.parse_batch(body)
        ]
    if body[:2] in (b'\x78\x9c', b'\x78\x5e', b'\x78\xda', b'\x78\x01'):
        text = zlib.decompress(body)
        if 'register' in name:
            return sorted(mask_text(text[4:].decode('latin-1')).split('\x00\x00\x00'))
        return 'zlib of %d bytes' % len(text)
    text = body.decode()
    if '=' in text and '\n' in text:
        return sorted(line.split('=', 1)[0] for line in text.splitlines() if '=' in line)
    return mask_text(text)


def properties_shape(text):
    return sorted(wire.parse_properties(text.encode()))


def shape(name, raw):
    """A comparable value for one frame file."""
    frame = wire.Frame(raw)
    ext = {
        key: properties_shape(value) if key in ('i', 'properties') else mask(value, key)
        for key, value in frame.ext.items()
    }
    return {
        'serialize': frame.serialize,
        'code': frame.code,
        'flag': frame.flag,
        'language': frame.language,
        'version': frame.version,
        'fields': frame.others,
        'remark': mask_text(frame.remark or ''),
        'ext': ext,
        'body': body_shape(name, frame.body, frame.ext),
    }

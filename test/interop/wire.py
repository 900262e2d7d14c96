# SPDX-License-Identifier: Apache-2.0
"""The remoting protocol and the record layout, as little of them as the tests need.

Written apart from the C++ code on purpose: a fact that both got wrong in the same way would pass unseen.
"""

import itertools
import json
import socket
import struct
import time
import zlib

JSON, BINARY = 0, 1
LANGUAGES = {'JAVA': 0, 'CPP': 1, 'DOTNET': 2, 'PYTHON': 3}
MAGIC_V1, MAGIC_V2, MAGIC_BLANK = 0xDAA320A7, 0xDAA320AB, 0xCBD43194
_opaque = itertools.count(1)


class Frame:
    """One decoded command; `raw` keeps the bytes, the leading length included."""

    def __init__(self, raw):
        self.raw = raw
        total, word = struct.unpack('>iI', raw[:8])
        if total + 4 != len(raw):
            raise ValueError('frame says %d bytes, has %d' % (total, len(raw) - 4))
        self.serialize, length = word >> 24, word & 0xFFFFFF
        self.header = raw[8 : 8 + length]
        self.body = raw[8 + length :]
        if self.serialize == JSON:
            fields = json.loads(self.header)
            self.code, self.flag = fields['code'], fields.get('flag', 0)
            self.opaque, self.version = fields.get('opaque'), fields.get('version')
            self.language, self.remark = fields.get('language'), fields.get('remark')
            self.ext = fields.get('extFields') or {}
            self.others = sorted(fields)
        else:
            self._binary()

    def _binary(self):
        header = self.header
        self.code, language, self.version, self.opaque, self.flag, size = struct.unpack(
            '>hBhiii', header[:17]
        )
        names = {number: name for name, number in LANGUAGES.items()}
        self.language = names.get(language, str(language))
        at = 17 + size
        self.remark = header[17:at].decode() if size else None
        end = at + 4 + struct.unpack('>i', header[at : at + 4])[0]
        at, self.ext, self.others = at + 4, {}, ['binary']
        while at < end:
            size = struct.unpack('>h', header[at : at + 2])[0]
            key, at = header[at + 2 : at + 2 + size].decode(), at + 2 + size
            size = struct.unpack('>i', header[at : at + 4])[0]
            self.ext[key], at = header[at + 4 : at + 4 + size].decode(), at + 4 + size

    @property
    def is_response(self):
        return bool(self.flag & 1)

    def __repr__(self):
        return 'Frame(code=%s flag=%s ext=%s remark=%s body=%r)' % (
            self.code,
            self.flag,
            self.ext,
            self.remark,
            self.body[:200],
        )


def encode(code, ext=None, body=b'', flag=0, opaque=None, version=513, language='CPP', binary=False):
    """The bytes of one command and its opaque."""
    opaque = next(_opaque) if opaque is None else opaque
    if binary:
        fields = b''
        for key, value in (ext or {}).items():
            key, value = key.encode(), str(value).encode()
            fields += struct.pack('>h', len(key)) + key + struct.pack('>i', len(value)) + value
        header = struct.pack('>hBhii', code, LANGUAGES[language], version, opaque, flag)
        header += struct.pack('>ii', 0, len(fields)) + fields
    else:
        fields = {'code': code, 'flag': flag, 'language': language, 'opaque': opaque, 'version': version}
        if ext is not None:
            fields['extFields'] = {key: str(value) for key, value in ext.items()}
        header = json.dumps(fields, separators=(',', ':'), ensure_ascii=False).encode()
    kind = BINARY if binary else JSON
    return struct.pack('>iI', 4 + len(header) + len(body), kind << 24 | len(header)) + header + body, opaque


def split_frames(stream):
    """Whole frames at the front of `stream`, and the bytes left over."""
    frames, at = [], 0
    while len(stream) - at >= 4:
        size = 4 + struct.unpack('>i', stream[at : at + 4])[0]
        if len(stream) - at < size:
            break
        frames.append(bytes(stream[at : at + size]))
        at += size
    return frames, stream[at:]


class Connection:
    """A raw client of one server; for one thread."""

    def __init__(self, address, timeout=5.0, trust=None):
        """`trust`: an SSLContext, for servers that enforce TLS."""
        host, port = address.rsplit(':', 1)
        self._socket = socket.create_connection((host.strip('[]'), int(port)), timeout)
        if trust:
            self._socket = trust.wrap_socket(self._socket, server_hostname=host.strip('[]'))
        self._rest = b''
        self.pushed = []

    def read(self, timeout=10.0):
        end = time.monotonic() + timeout
        while True:
            frames, _ = split_frames(self._rest)
            if frames:
                self._rest = self._rest[len(frames[0]) :]
                return Frame(frames[0])
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            piece = self._socket.recv(65536)
            if not piece:
                raise EOFError('the server closed the connection')
            self._rest += piece

    def call(self, code, ext=None, body=b'', timeout=10.0, **options):
        """Sends one request and returns its reply; what the server asks meanwhile goes to `pushed`."""
        frame, opaque = encode(code, ext, body, **options)
        self.last_request = frame
        self._socket.sendall(frame)
        end = time.monotonic() + timeout
        while True:
            reply = self.read(max(0.01, end - time.monotonic()))
            if reply.is_response and reply.opaque == opaque:
                return reply
            self.pushed.append(reply)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def java_hash(text):
    """String.hashCode of Java: over UTF-16 units, 32 bits with sign."""
    units = text.encode('utf-16-be')
    value = 0
    for at in range(0, len(units), 2):
        value = (31 * value + (units[at] << 8 | units[at + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def crc(body):
    return zlib.crc32(body) & 0x7FFFFFFF


def properties(pairs):
    return ''.join('%s\x01%s\x02' % pair for pair in pairs.items())


def parse_properties(raw):
    pairs = (piece.split(b'\x01', 1) for piece in raw.split(b'\x02') if b'\x01' in piece)
    return {key.decode(): value.decode('utf-8', 'replace') for key, value in pairs}


def parse_records(stream):
    """The message records at the front of `stream` (a log or a pull body), up to filler or the end."""
    records, at = [], 0
    while at + 8 <= len(stream):
        size, magic = struct.unpack('>iI', stream[at : at + 8])
        if magic not in (MAGIC_V1, MAGIC_V2):
            break
        if size < 91 or at + size > len(stream):
            raise ValueError('record at %d says %d bytes of %d' % (at, size, len(stream) - at))
        records.append(parse_record(stream[at : at + size]))
        at += size
    return records, at


def parse_record(raw):
    record = {'size': len(raw), 'magic': '%08X' % struct.unpack('>I', raw[4:8])[0]}
    fields = ('crc', 'queueId', 'flag', 'queueOffset', 'physicalOffset', 'sysFlag')
    record.update(zip(fields, struct.unpack('>iiiqqi', raw[8:40])))
    record['bornTimestamp'], at = struct.unpack('>q', raw[40:48])[0], 48
    record['bornHost'], at = _host(raw, at, record['sysFlag'] & 16)
    record['storeTimestamp'], at = struct.unpack('>q', raw[at : at + 8])[0], at + 8
    record['storeHost'], at = _host(raw, at, record['sysFlag'] & 32)
    record['reconsumeTimes'], record['preparedOffset'], size = struct.unpack('>iqi', raw[at : at + 16])
    record['body'], at = raw[at + 16 : at + 16 + size], at + 16 + size
    if record['magic'] == '%08X' % MAGIC_V2:
        size, at = struct.unpack('>h', raw[at : at + 2])[0], at + 2
    else:
        size, at = raw[at], at + 1
    record['topic'], at = raw[at : at + size].decode(), at + size
    size, at = struct.unpack('>h', raw[at : at + 2])[0], at + 2
    record['properties'] = parse_properties(raw[at : at + size])
    if at + size != len(raw):
        raise ValueError(
            'record of %s has %d bytes after its properties' % (record['topic'], len(raw) - at - size)
        )
    return record


def _host(raw, at, is_v6):
    family, size = (socket.AF_INET6, 16) if is_v6 else (socket.AF_INET, 4)
    host = socket.inet_ntop(family, raw[at : at + size])
    return '%s:%d' % (host, struct.unpack('>i', raw[at + size : at + size + 4])[0]), at + size + 4


def create_topic(connection, topic, queues):
    """Sends UPDATE_AND_CREATE_TOPIC as Java's mqadmin does; returns the reply."""
    return connection.call(
        17,
        {
            'topic': topic,
            'defaultTopic': 'TBW102',
            'readQueueNums': queues,
            'writeQueueNums': queues,
            'perm': 6,
            'topicFilterType': 'SINGLE_TAG',
            'topicSysFlag': 0,
            'order': 'false',
        },
    )


def parse_batch(body):
    """The messages of a batch body: size, magic, crc, flag, body, properties each."""
    messages, at = [], 0
    while at < len(body):
        size, magic, body_crc, flag, length = struct.unpack('>iiiii', body[at : at + 20])
        text = body[at + 20 : at + 20 + length]
        start = at + 22 + length
        length = struct.unpack('>h', body[start - 2 : start])[0]
        messages.append(
            {
                'size': size,
                'magic': magic,
                'crc': body_crc,
                'flag': flag,
                'body': text,
                'properties': parse_properties(body[start : start + length]),
            }
        )
        at += size
    return messages

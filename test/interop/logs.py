# SPDX-License-Identifier: Apache-2.0
"""Commit logs: where a broker's ends, and those at rest compared."""

import json
import os

import wire

PIECE = 1 << 20


def first_difference(logs, begin, end, file_bytes):
    """The first byte from `begin` to `end` (log offsets; `begin` is a file's) in which two folders of log
    files differ; None when there is none. A file that ends too early differs where it ends."""
    for file_begin in range(begin, end, file_bytes):
        left = min(file_bytes, end - file_begin)
        files = [open(os.path.join(log, '%020d' % file_begin), 'rb') for log in logs]
        try:
            for at in range(0, left, PIECE):
                count = min(PIECE, left - at)
                one, two = (file.read(count) for file in files)
                if one == two and len(one) == count:
                    continue
                same = next((i for i, (a, b) in enumerate(zip(one, two)) if a != b), min(len(one), len(two)))
                return file_begin + at + same
        finally:
            for file in files:
                file.close()
    return None


def log_end(address):
    """The end of a broker's log; None while it does not answer (Apache's says boot success before it can)."""
    try:
        with wire.Connection(address) as connection:
            reply = connection.call(28)
    except (OSError, EOFError):
        return None
    return int(json.loads(reply.body)['table']['commitLogMaxOffset']) if reply.code == 0 else None

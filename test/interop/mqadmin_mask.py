# SPDX-License-Identifier: Apache-2.0
"""What differs from run to run in mqadmin's output is replaced by its name; the rest can be compared."""

import re

FRAME = re.compile(r'^(stderr: )?\s+(at |\.\.\. \d+ more)')
# Of brokerStatus: what is waited for at the moment.
MOMENTARY = (
    'ThreadPoolQueueHeadWaitTimeMills',
    'ThreadPoolQueueSize',
    'pageCacheLockTimeMills',
    'MessageEntireTimeMax',
    'timerReadBehind',
    'timerOffsetBehind',
)
# In this order. A value in a column takes the blanks around it along: its width is not the same in two runs.
KINDS = (
    ('TIME', r'\d{4}-\d\d-\d\d[ #T]\d\d:\d\d:\d\d(?:[.,:]\d{1,3})?'),
    ('CLIENT', r'[\w.:-]+@(?:receiver-\d+-\d+|\d+#\d+)'),
    ('ADDRESS', r'/?\d+\.\d+\.\d+\.\d+:\d+'),
    ('ID', r'\b(?!7F0000010001AAAABBBB)(?:[0-9A-F]{56}|[0-9A-F]{32})\b'),
    ('MS', r'\b1[789]\d{11}\b|\b20\d{12}(?:\d{3})?\b'),
    ('CRC', r'__CRC32#=\d{10}'),
    ('INSTANCE', r'\breceiver-\d+-\d+'),
    ('LAMBDA', r'\$\$Lambda\$\d+/0x[0-9a-f]+'),
    ('SPENT', r'\bspentTimeMills=\d+'),
    ('COUNTER', r'"counter":\d+'),
    ('UPTIME', r'\[ \d+ days, \d+ hours, \d+ minutes, \d+ seconds \]'),
    ('MOMENT', r'(?:%s) *: +\d+$' % '|'.join('(?<=%s)' % key for key in MOMENTARY)),
    ('LOAD', r'\b\d+,\d+ms'),
    ('PCWAIT', r'(?<=\)) +\d+(?= +\d+\.\d+ +\d\.\d+ +(?:true|false))'),
    ('TIMER', r'\b\d+-\d+\((?=[^)]*w, )'),
    ('HASH', r'(?<=@)[0-9a-f]{5,8}\b'),
    ('RT', r'\brt=\d+ms|(?<=true ) +\d+$|(?<=false ) +\d+$|(?<=\|broker-a\|)\d+$'),
    ('STATISTICS', r'\d+\.\d+ +\d+\.\d+ +\d+ +\d+$|\d+\.\d+ +\d+ +NO_CONSUMER$'),
    ('FLOAT', r'(?<![\d.])-?\d+\.\d+(?:E-?\d+)?(?![\d.])'),
)
PATTERN = re.compile('|'.join('(?P<%s> *(?:%s) *)' % kind for kind in KINDS))


def mask(text, names):
    """The lines of one command's output; names: what mqadmin_stage filled in, name -> value."""
    for name in ('ns', 'broker', 'slave', 'down', 'work', 'client', 'offset_id'):
        text = re.sub(' *' + re.escape(names[name]) + ' *', ' {%s} ' % name, text)
    for name in ('ns', 'broker', 'slave'):
        port = int(names[name].rpartition(':')[2])
        for there, near in enumerate((port - 2, port, port + 1)):
            text = re.sub(r'\b%d\b' % near, '{%s port %d}' % (name, there), text)
    lines = [line.rstrip() for line in text.splitlines() if not FRAME.match(line)]
    return [PATTERN.sub(lambda found: ' <%s> ' % found.lastgroup, line).rstrip() for line in lines]

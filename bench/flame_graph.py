#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Profiles the broker under load with perf and draws where its CPU time goes, as one SVG.

    bench/flame_graph.py --build build/release --load send --out docs/profiles/send.svg
    bench/flame_graph.py --folded stacks.txt --title "any stacks" --out picture.svg

Loads: send (async flush, 8 x 64 in flight, 1 KiB), sync (the same with sync flush), pull (batches of 32).
`--text` prints the call tree instead. Width is time; threads stand at the bottom, callees on top of callers;
frames narrower than the least share are left out, which keeps a picture below 200 KiB. Needs perf (Debian:
linux-perf) and the right to use it (root, or kernel.perf_event_paranoid at most 1).
"""

import argparse
import collections
import html
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'test' / 'interop'))
import servers  # noqa: E402  (found by the line above)

WIDTH, ROW, TOP = 1200, 17, 40
KERNEL, OURS, OTHER = '#e8a35c', '#7fb2e5', '#b5d99c'
LOADS = {
    'send': ('ASYNC_FLUSH', ['--mode', 'produce']),
    'sync': ('SYNC_FLUSH', ['--mode', 'produce']),
    'pull': ('ASYNC_FLUSH', ['--mode', 'consume', '--from', 'loop', '--backlog', '100000']),
}


class Node:
    def __init__(self):
        self.count = 0
        self.below = {}

    def add(self, frames, count):
        self.count += count
        if frames:
            self.below.setdefault(frames[0], Node()).add(frames[1:], count)


def drop_brackets(name, opening, closing):
    """The text without what stands between the outermost brackets."""
    out, depth = [], 0
    for at, char in enumerate(name):
        if char == opening:
            depth += 1
        elif char == closing and depth and name[at - 1] != '-':
            depth -= 1
        elif depth == 0:
            out.append(char)
    return ''.join(out)


def plain(symbol):
    """A symbol without parameters, template arguments and our namespace."""
    symbol = re.sub(r'\+0x[0-9a-f]+$', '', symbol)
    symbol = symbol.replace('(anonymous namespace)::', '').replace('non-virtual thunk to ', '')
    symbol = re.sub(r'operator(<=>|<<|>>|<=|>=|<|>|\(\))', 'operator', symbol)
    symbol = drop_brackets(drop_brackets(drop_brackets(symbol, '<', '>'), '(', ')'), '{', '}')
    symbol = re.sub(r'\[abi:\w+\]|\s*\bconst\b', '', symbol).replace('orbitmq::', '')
    return symbol.split(' ')[-1] or symbol


def fold(script):
    """{(thread, frame, ...): samples} of `perf script -F comm,ip,sym,dso`."""
    stacks = collections.Counter()
    for block in script.split('\n\n'):
        lines = block.strip('\n').splitlines()
        if not lines:
            continue
        frames = []
        for line in lines[1:]:
            match = re.match(r'\s*[0-9a-f]+ (.*) \((.*)\)$', line)
            if not match or match.group(1) == '[unknown]':
                continue
            kind = 'k:' if '[kernel' in match.group(2) else ''
            frames.append(kind + plain(match.group(1)))
        thread = re.sub(r'\d+$', '', lines[0].strip())
        stacks[(thread, *reversed(frames))] += 1
    return stacks


def tree_of(stacks):
    root = Node()
    for frames, count in stacks.items():
        root.add(list(frames), count)
    return root


def colour(name):
    if name.startswith('k:'):
        return KERNEL
    return OURS if '::' in name else OTHER


def draw(root, title, least):
    boxes, deepest = [], 0

    def place(node, name, x, depth):
        nonlocal deepest
        share = node.count / root.count
        if share < least:
            return
        deepest = max(deepest, depth)
        boxes.append((name, x, share, depth))
        for below, child in sorted(node.below.items()):
            place(child, below, x, depth + 1)
            x += child.count / root.count

    place(root, 'all', 0.0, 0)
    height = TOP + (deepest + 1) * ROW + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           f'<text x="8" y="18" font-size="14">{html.escape(title)}</text>',
           '<text x="8" y="33" fill="#555">blue: OrbitMQ, orange: kernel, green: libraries and threads; '
           'hover for shares</text>']
    for name, x, share, depth in boxes:
        left, width = x * WIDTH, share * WIDTH
        y = height - 10 - (depth + 1) * ROW
        label = name.removeprefix('k:')
        told = html.escape(f'{label}: {share * 100:.1f} %')
        shown = max(width - 0.4, 0.2)
        out.append(f'<g><title>{told}</title><rect x="{left:.1f}" y="{y}" width="{shown:.1f}" '
                   f'height="{ROW - 1}" fill="{colour(name)}"/>')
        room = int(width / 6.8)
        if room >= 4:
            text = label if len(label) <= room else label.split('::')[-1]
            text = text if len(text) <= room else text[: room - 1] + '…'
            out.append(f'<text x="{left + 3:.1f}" y="{y + 12}">{html.escape(text)}</text>')
        out.append('</g>')
    out.append('</svg>')
    return '\n'.join(out) + '\n'


def text_tree(node, least, total, depth=0):
    lines = []
    for name, child in sorted(node.below.items(), key=lambda entry: -entry[1].count):
        share = child.count / total
        if share >= least:
            lines.append(f'{share * 100:5.1f} %  {"  " * depth}{name}')
            lines += text_tree(child, least, total, depth + 1)
    return lines


def record(options, work):
    """Stacks of a broker under one of the loads."""
    flush, words = LOADS[options.load]
    port = servers.free_ports(4) + 2
    folder = os.path.join(work, 'broker')
    servers.write_properties(os.path.join(folder, 'broker.conf'), {
        'listenPort': port, 'bindAddress': '127.0.0.1', 'brokerIP1': '127.0.0.1', 'flushDiskType': flush,
        'storePathRootDir': 'store', 'brokerName': 'broker-a'})
    bins = options.build.resolve() / 'bin'
    program = servers.Program('broker', [str(bins / 'mqbroker'), '-c', 'broker.conf'], folder)
    perf = [str(bins / 'mqperf'), '--broker', f'127.0.0.1:{port}', '--broker_name', 'broker-a',
            '--warmup_seconds', '0']
    data = os.path.join(work, 'perf.data')
    try:
        program.wait_for('boot success')
        subprocess.run([*perf, '--mode', 'produce', '--count', '200000'], check=True,
                       stdout=subprocess.DEVNULL)
        with subprocess.Popen([*perf, *words, '--seconds', str(options.seconds + 1)],
                              stdout=subprocess.DEVNULL) as load:
            subprocess.run(['perf', 'record', '--call-graph', 'fp', '-F', '1997', '-o', data, '-p',
                            str(program._child.pid), '--', 'sleep', str(options.seconds)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            load.wait()
    finally:
        program.kill()
    script = subprocess.run(['perf', 'script', '-i', data, '-F', 'comm,ip,sym,dso'], check=True,
                            capture_output=True, text=True).stdout
    return fold(script)


def read_folded(path):
    stacks = collections.Counter()
    for line in path.read_text().splitlines():
        frames, _, count = line.rpartition(' ')
        stacks[tuple(frames.split(';'))] += int(count)
    return stacks


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=pathlib.Path, help='build folder with bin/')
    parser.add_argument('--load', choices=LOADS, default='send')
    parser.add_argument('--folded', type=pathlib.Path, help='lines of `frame;frame;frame count` instead')
    parser.add_argument('--seconds', type=int, default=5)
    parser.add_argument('--title')
    parser.add_argument('--least', type=float, default=0.003, help='smallest share that is shown')
    parser.add_argument('--text', action='store_true', help='print the call tree')
    parser.add_argument('--out', type=pathlib.Path)
    options = parser.parse_args()
    if not options.folded and not options.build:
        parser.error('give --build or --folded')
    if options.folded:
        stacks = read_folded(options.folded)
    else:
        with tempfile.TemporaryDirectory() as work:
            stacks = record(options, work)
    root = tree_of(stacks)
    if root.count == 0:
        print('no samples', file=sys.stderr)
        return 1
    title = options.title or f'mqbroker, {options.load}: {root.count} samples of CPU time'
    if options.text or not options.out:
        print('\n'.join(text_tree(root, options.least, root.count)))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(draw(root, title, options.least))
    return 0


if __name__ == '__main__':
    sys.exit(main())

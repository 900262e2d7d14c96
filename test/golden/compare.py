# SPDX-License-Identifier: Apache-2.0
"""Compares two folders of goldens; prints each difference and `N passed, N failed`."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'interop'))
sys.dont_write_bytecode = True

import frame_shape  # noqa: E402
import store_shape  # noqa: E402


def differences(expected, actual, path=''):
    """Yields a line for each place where two values differ."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(set(expected) | set(actual)):
            if key not in actual:
                yield '%s/%s is missing' % (path, key)
            elif key not in expected:
                yield '%s/%s is new: %s' % (path, key, str(actual[key])[:200])
            else:
                yield from differences(expected[key], actual[key], '%s/%s' % (path, key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for at, pair in enumerate(zip(expected, actual)):
            yield from differences(*pair, '%s[%d]' % (path, at))
    elif expected != actual:
        yield '%s was %s, is %s' % (path, json.dumps(expected)[:400], json.dumps(actual)[:400])


def frame_shapes(folder):
    shapes = {}
    for name in sorted(os.listdir(os.path.join(folder, 'frames'))):
        if name.endswith('.bin'):
            with open(os.path.join(folder, 'frames', name), 'rb') as file:
                shapes['frames/' + name] = frame_shape.shape(name, file.read())
    return shapes


def load(folder):
    shapes = frame_shapes(folder)
    shapes.update(
        {'store/' + name: value for name, value in store_shape.shapes(os.path.join(folder, 'store')).items()}
    )
    return shapes


def compare(committed, fresh):
    """Prints what differs; returns how many goldens agree and how many do not."""
    expected, actual = load(committed), load(fresh)
    failed = 0
    for name in sorted(set(expected) | set(actual)):
        found = list(
            differences(
                {name: expected[name]} if name in expected else {},
                {name: actual[name]} if name in actual else {},
            )
        )
        failed += bool(found)
        for line in found:
            print('differs: ' + line)
    return len(set(expected) | set(actual)) - failed, failed


if __name__ == '__main__':
    PASSED, FAILED = compare(sys.argv[1], sys.argv[2])
    print('%d passed, %d failed' % (PASSED, FAILED))
    sys.exit(1 if FAILED else 0)

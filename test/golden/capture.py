# SPDX-License-Identifier: Apache-2.0
"""Captures every golden from Apache 5.5.0 into a folder; capture.sh calls it."""

import argparse
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'interop'))
sys.dont_write_bytecode = True

import peers  # noqa: E402
from frame_session import FrameSession  # noqa: E402
from store_session import StoreSession  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--peers', required=True, help='folder that peers.sh filled')
    parser.add_argument('--out', required=True, help='folder to write frames/ and store/ into')
    options = parser.parse_args()
    peers.install(options.peers)
    work = tempfile.mkdtemp(prefix='orbitmq-golden-')
    try:
        fresh = os.path.join(work, 'out')
        capture(os.path.abspath(options.peers), work, fresh)
        # Only a complete capture replaces what was there.
        os.makedirs(options.out, exist_ok=True)
        for part in ('frames', 'store'):
            target = os.path.join(options.out, part)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(os.path.join(fresh, part), target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def capture(directory, work, out):
    os.makedirs(os.path.join(out, 'frames'))
    frames = FrameSession(directory, work, out)
    store = StoreSession(directory, work, out, frames.save)
    try:
        store.run()
        frames.run()  # While the other broker takes its time to stop.
        store.collect()
    finally:
        store.close()
    manifest = sorted(frames.manifest, key=lambda entry: entry['file'])
    with open(os.path.join(out, 'frames', 'manifest.json'), 'w') as file:
        json.dump(manifest, file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    main()

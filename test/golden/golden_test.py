# SPDX-License-Identifier: Apache-2.0
"""Captures all goldens anew and compares them with the committed ones; counted as one test per golden."""

import argparse
import os
import subprocess
import sys
import tempfile

import compare

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--peers', required=True, help='folder for the official peers')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='orbitmq-golden-') as fresh:
        captured = subprocess.run(
            [os.path.join(HERE, 'capture.sh'), fresh],
            timeout=900,
            check=False,
            env=dict(os.environ, ORBITMQ_PEERS=os.path.abspath(options.peers)),
        )
        if captured.returncode != 0:
            print('the capture failed\n0 passed, 1 failed')
            return 1
        passed, failed = compare.compare(HERE, fresh)
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

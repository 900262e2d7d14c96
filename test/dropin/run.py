# SPDX-License-Identifier: Apache-2.0
"""Drop-in tests: a store goes from Apache's broker to ours and back, after orderly stops and after kill -9.

Each broker is asked for everything in the store before it ends; the next one must answer the same, then goes
on with the store. The last line is `N passed, N failed`.
"""

import os
import shutil
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'interop'), os.path.join(HERE, '..', 'golden')]

import command_line  # noqa: E402
import peers  # noqa: E402
from chains import CHAINS  # noqa: E402
from report import Report  # noqa: E402


class Context:
    """Folders and processes of one run; for several threads."""

    def __init__(self, build, peer_directory, work):
        self.build, self.peer_directory, self.work = build, peer_directory, work
        self._lock, self._programs, self._folders = threading.Lock(), [], 0

    def folder(self, name):
        with self._lock:
            self._folders += 1
            path = os.path.join(self.work, '%02d-%s' % (self._folders, name))
        os.makedirs(path)
        return path

    def started(self, program):
        with self._lock:
            self._programs.append(program)

    def close(self):
        with self._lock:
            for program in self._programs:
                program.kill()


def main():
    options = command_line.read(command_line.parser(__doc__, 'chain', CHAINS))
    report = Report()
    if not report.case('the official peers are there', peers.install, options.peers):
        return report.finish()
    context = Context(options.build, options.peers, tempfile.mkdtemp(prefix='orbitmq-dropin-'))
    threads = [
        threading.Thread(target=CHAINS[name](context, report, name).run, name=name)
        for name in options.parts
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        context.close()
        if options.keep:
            print('stores and logs are in ' + context.work)
        else:
            shutil.rmtree(context.work, ignore_errors=True)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())

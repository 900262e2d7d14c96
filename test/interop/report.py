# SPDX-License-Identifier: Apache-2.0
"""Named cases: each runs to its end, whatever happened to the one before."""

import threading
import time
import traceback

import peers
import servers


class CheckFailed(Exception):
    """A case saw something else than it should have."""


def check(condition, text, *seen):
    if not condition:
        raise CheckFailed(text + ''.join('\n  ' + str(item)[:2000] for item in seen))


def wait_until(condition, seconds, what):
    """Polls until `condition` gives something true and returns it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise CheckFailed('waited %d s in vain until %s' % (seconds, what() if callable(what) else what))
        time.sleep(0.1)


class Report:
    """For several threads: each runs cases of its own."""

    def __init__(self):
        self.passed, self.failed, self._lock = 0, [], threading.Lock()

    def case(self, name, function, *arguments):
        """Runs one case; returns whether it passed."""
        began = time.monotonic()
        try:
            function(*arguments)
        except (
            CheckFailed,
            peers.PeerError,
            servers.BootError,
            OSError,
            EOFError,
            ValueError,
            LookupError,
        ) as error:
            with self._lock:
                self.failed.append('%s: %s' % (name, error))
                print('FAILED  %s (%.1f s)\n%s' % (name, time.monotonic() - began, error), flush=True)
                if not isinstance(error, (CheckFailed, peers.PeerError, servers.BootError)):
                    traceback.print_exc()
            return False
        with self._lock:
            self.passed += 1
            print('passed  %s (%.1f s)' % (name, time.monotonic() - began), flush=True)
        return True

    def finish(self):
        # With the reasons: of a long run only the end may be at hand.
        for failure in self.failed:
            print('failed: ' + failure[:1500])
        print('%d passed, %d failed' % (self.passed, len(self.failed)))
        return 1 if self.failed or not self.passed else 0

# SPDX-License-Identifier: Apache-2.0
"""Servers and peers of one run: each is started when first asked for, and once."""

import os
import threading

import peers
import servers

# Retries come after a second, not after the ten of the default table.
QUICK_RETRIES = '1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s'


class Context:
    def __init__(self, build, peer_directory, work, kind, sdk):
        self.build, self.peer_directory, self.work, self.kind, self.sdk_program = (
            build,
            peer_directory,
            work,
            kind,
            sdk,
        )
        self._servers, self._peers, self._lock = {}, {}, threading.Lock()

    def servers(self, kind=None):
        """The plain NameServer and broker; kind: 'apache' or 'ours', default: what is under test."""
        kind = kind or self.kind
        if kind not in self._servers:
            work = os.path.join(self.work, 'servers-' + kind)
            pair = servers.Servers(
                kind, self.build, self.peer_directory, work, conf={'messageDelayLevel': QUICK_RETRIES}
            )
            self._servers[kind] = pair
            pair.start()
        return self._servers[kind]

    def peer(self, name):
        """'java-5.5.0', 'java-4.9.7', 'go' or 'sdk'."""
        if name not in self._peers:
            self.begin_peers(name)
        return self._peers[name].ready()

    def begin_peers(self, *names):
        """Starts several without waiting for one after the other."""
        for name in names:
            if name in self._peers:
                continue
            if name == 'go':
                self._peers[name] = peers.go(self.peer_directory, self.work)
            elif name == 'sdk' and self.sdk_program == 'ours':
                self._peers[name] = peers.sdk(self.build, self.work)
            else:
                version = '5.5.0' if name == 'sdk' else name.split('-', 1)[1]
                work = os.path.join(self.work, name)
                self._peers[name] = peers.java(version, self.peer_directory, work)

    def outputs(self):
        return ''.join('%s servers:\n%s' % (kind, pair.outputs()) for kind, pair in self._servers.items())

    def close(self):
        for peer in self._peers.values():
            peer.kill()
        for pair in self._servers.values():
            pair.kill()

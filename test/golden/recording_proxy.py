# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that hands bytes on unchanged and keeps every remoting frame that passed."""

import socket
import threading

import wire

TO_SERVER, TO_CLIENT = 'to_server', 'to_client'


class Passed:
    """One frame: which proxy, which connection, which way."""

    def __init__(self, proxy, connection, way, frame):
        self.proxy, self.connection, self.way, self.frame = proxy, connection, way, frame


class Proxy:
    """Listens on `listen` (a host and port) and connects each client to `target`."""

    def __init__(self, name, listen, target):
        self.name, self._target = name, target
        self.passed, self._lock, self._count = [], threading.Lock(), 0
        self._server = socket.create_server(listen)
        self.address = '%s:%d' % self._server.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, 5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            self._count += 1
            for source, sink, way in ((client, server, TO_SERVER), (server, client, TO_CLIENT)):
                threading.Thread(
                    target=self._pump, args=(source, sink, way, self._count), daemon=True
                ).start()

    def _pump(self, source, sink, way, connection):
        rest = b''
        try:
            while True:
                piece = source.recv(65536)
                if not piece:
                    break
                # Recorded before it is handed on, so that a reply never stands before its request.
                frames, rest = wire.split_frames(rest + piece)
                with self._lock:
                    for raw in frames:
                        self.passed.append(Passed(self, connection, way, wire.Frame(raw)))
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def find(self, way, accepts):
        """The first request that went `way` and that `accepts`, with its reply (None when there is none)."""
        with self._lock:
            passed = list(self.passed)
        for at, item in enumerate(passed):
            if item.way != way or item.frame.is_response or not accepts(item.frame):
                continue
            for later in passed[at + 1 :]:
                if (
                    later.connection == item.connection
                    and later.way != way
                    and later.frame.is_response
                    and later.frame.opaque == item.frame.opaque
                ):
                    return item.frame, later.frame
            if item.frame.flag & 2:
                return item.frame, None
        return None

    def close(self):
        self._server.close()

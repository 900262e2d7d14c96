# SPDX-License-Identifier: Apache-2.0
"""TLS on the ordinary ports: permissive and enforcing servers, the Java client, raw clients and our SDK."""

import os
import socket
import ssl

import peers
import servers
import wire
from certificates import make_certificates
from report import check, wait_until

COUNT = 6


def tls(context, report):
    Tls(context).run(report)


class Tls:
    def __init__(self, context):
        self.context, self.folder = context, os.path.join(context.work, 'certificates')
        make_certificates(self.folder)
        self.ca = os.path.join(self.folder, 'ca.pem')

    def run(self, report):
        flags = [
            '-Dtls.test.mode.enable=false',
            '-Dtls.client.authServer=true',
            '-Dtls.client.trustCertPath=' + self.ca,
        ]
        self.java = peers.java(
            '5.5.0', self.context.peer_directory, os.path.join(self.context.work, 'tls-client'), flags
        )
        try:
            for mode in ('permissive', 'enforcing'):
                pair = self._servers('tls-' + mode, mode, mode)
                if mode == 'enforcing':
                    pair.trust = ssl.create_default_context(cafile=self.ca)
                try:
                    pair.start()
                    self._with_servers(report, pair, mode)
                finally:
                    pair.kill()
            report.case('TLS: an enforcing NameServer refuses plain clients', self._enforcing_namesrv)
            report.case('TLS: the SDK refuses a certificate of another host', self._wrong_host)
        finally:
            self.java.kill()

    def _settings(self, mode, certificate):
        return {
            'tls.server.mode': mode,
            'tls.test.mode.enable': 'false',
            'tls.server.certPath': os.path.join(self.folder, certificate + '.pem'),
            'tls.server.keyPath': os.path.join(self.folder, certificate + '.key'),
        }

    def _servers(self, name, namesrv_mode, broker_mode, certificate='server'):
        """Apache takes the settings as system properties of each JVM, ours in its files."""
        context = self.context
        work = os.path.join(context.work, name)
        namesrv, broker = self._settings(namesrv_mode, certificate), self._settings(broker_mode, certificate)
        if namesrv_mode == 'enforcing':
            # The broker's own connections: without TLS it could not register.
            broker['tls.enable'] = 'true'
            broker['tls.client.authServer'] = 'true'
            broker['tls.client.trustCertPath'] = self.ca
        if context.kind == 'ours':
            return servers.Servers(
                'ours', context.build, context.peer_directory, work, conf=broker, namesrv_conf=namesrv
            )
        pair = servers.Servers('apache', context.build, context.peer_directory, work)
        pair.namesrv_jvm = ['-D%s=%s' % item for item in namesrv.items()]
        pair.broker_jvm = ['-D%s=%s' % item for item in broker.items()]
        return pair

    def _with_servers(self, report, pair, mode):
        java = self.java.ready()
        report.case(
            'TLS %s: Java sends and consumes over TLS' % mode, self._exchange, java, pair, 'on', 'Tls' + mode
        )
        if mode == 'permissive':
            report.case(
                'TLS permissive: Java sends and consumes in plain', self._exchange, java, pair, 'off', 'Plain'
            )
        else:
            report.case(
                'TLS enforcing: the broker refuses a plain Java client', self._plain_refused, java, pair
            )
        report.case('TLS %s: raw clients, verified and plain' % mode, self._raw, pair.broker, mode)
        sdk = self.context.peer('sdk')
        if self.context.sdk_program == 'ours':
            report.case(
                'TLS %s: the SDK sends and consumes over TLS' % mode,
                self._exchange,
                sdk,
                pair,
                'on',
                'Sdk' + mode,
            )

    def _exchange(self, client, pair, tls, topic):
        where = {'namesrv': pair.namesrv, 'topic': topic, 'tls': tls, 'ca': self.ca}
        events = client.run('send', group='P' + topic, prefix=topic, count=COUNT, **where)
        check(events[-1]['sent'] == COUNT, 'not all sent', events)
        events = client.run('consume', group='C' + topic, expect=COUNT, **where)
        keys = [event['key'] for event in events if event['event'] == 'received']
        check(sorted(keys) == ['%s-%d' % (topic, at) for at in range(COUNT)], 'other messages arrived', keys)

    def _plain_refused(self, java, pair):
        try:
            java.run(
                'send',
                namesrv=pair.namesrv,
                group='PRefused',
                topic='Tlsenforcing',
                prefix='refused',
                count=1,
                retries=0,
                timeout_ms=4000,
            )
        except peers.PeerError:
            pass
        else:
            check(False, 'a plain client could send')
        with self._secured(pair.broker) as secured:
            frame, _ = wire.encode(30, {'topic': 'Tlsenforcing', 'queueId': 0})
            secured.sendall(frame)
            check(wire.Frame(read_frame(secured)).code == 0, 'the broker is out of order')

    def _secured(self, address):
        host, port = address.rsplit(':', 1)
        trust = ssl.create_default_context(cafile=self.ca)
        return trust.wrap_socket(socket.create_connection((host, int(port)), 5), server_hostname=host)

    def _raw(self, address, mode):
        with self._secured(address) as secured:
            frame, opaque = wire.encode(9999)
            secured.sendall(frame)
            reply = wire.Frame(read_frame(secured))
            check(reply.code == 3 and reply.opaque == opaque, 'another reply over TLS', reply)
            check(secured.version() in ('TLSv1.2', 'TLSv1.3'), 'an old protocol', secured.version())
        check(plain_answered(address) == (mode == 'permissive'), 'a plain connection is treated otherwise')

    def _enforcing_namesrv(self):
        pair = self._servers('tls-namesrv', 'enforcing', 'enforcing')
        try:
            pair.start_namesrv()
            pair.name_server.wait_for('boot success')
            self._raw(pair.namesrv, 'enforcing')
        finally:
            pair.kill()

    def _wrong_host(self):
        """The chain is good, the name is not: a Python client proves that first."""
        pair = self._servers('tls-other', 'enforcing', 'enforcing', 'other')
        try:
            pair.start_namesrv()
            pair.name_server.wait_for('boot success')
            try:
                self._secured(pair.namesrv).close()
            except ssl.SSLCertVerificationError:
                pass
            else:
                check(False, 'the certificate is not of another host')
            if self.context.sdk_program != 'ours':
                return  # Java does not look at the name.
            try:
                self.context.peer('sdk').run(
                    'send',
                    namesrv=pair.namesrv,
                    group='POther',
                    topic='Other',
                    prefix='other',
                    count=1,
                    retries=0,
                    timeout_ms=4000,
                    tls='on',
                    ca=self.ca,
                )
            except peers.PeerError as error:
                check(
                    'certificate' in str(error) or 'host' in str(error),
                    'the text does not name the reason',
                    error,
                )
            else:
                check(False, 'the SDK took the certificate of another host')
        finally:
            pair.kill()


def read_frame(stream):
    data = b''
    stream.settimeout(10)
    while True:
        frames, _ = wire.split_frames(data)
        if frames:
            return frames[0]
        piece = stream.recv(65536)
        check(piece, 'the server closed the connection')
        data += piece


def plain_answered(address):
    """Whether a plain request gets an answer (true) or a closed connection (false)."""

    def ask():
        with wire.Connection(address) as connection:
            return connection.call(9999, timeout=10).code == 3

    try:
        return wait_until(ask, 5, 'an answer')
    except (EOFError, ConnectionError):
        return False

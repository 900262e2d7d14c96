# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests of TLS, made by openssl."""

import os
import subprocess

# Each signed by the CA; what it may be used for by its name.
SIGNED = {
    'server': 'IP:127.0.0.1,DNS:localhost',
    'other': 'DNS:elsewhere.invalid',
    'client': 'DNS:client.invalid',
}


def make_certificates(folder):
    """ca.pem, and NAME.pem with NAME.key of each in SIGNED: "other" is for another host than this."""
    os.makedirs(folder)

    def openssl(*words):
        result = subprocess.run(
            ['openssl', *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if result.returncode != 0:
            raise OSError('openssl %s failed: %s' % (words[0], result.stdout))

    request = ['req', '-newkey', 'rsa:2048', '-nodes']
    openssl(*request, '-x509', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=OrbitMQ CA')
    for name, names in SIGNED.items():
        with open(os.path.join(folder, name + '.ext'), 'w') as file:
            file.write('subjectAltName=%s\n' % names)
        openssl(*request, '-keyout', name + '.key', '-out', name + '.csr', '-subj', '/CN=' + name)
        signing = ['x509', '-req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
        openssl(*signing, '-in', name + '.csr', '-extfile', name + '.ext', '-out', name + '.pem')

# SPDX-License-Identifier: Apache-2.0
"""Interop tests: official clients with our servers, our SDK with Apache's servers.

The last line is `N passed, N failed`. `--servers=apache --sdk=java` runs the same cases with Apache's servers
and the Java client in our place: that proves the cases.
"""

import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

import command_line  # noqa: E402
import peers  # noqa: E402
import servers  # noqa: E402
from context import Context  # noqa: E402
from report import Report  # noqa: E402
from suites import SUITES  # noqa: E402


def main():
    parser = command_line.parser(__doc__, 'suite', SUITES)
    parser.add_argument('--servers', choices=('ours', 'apache'), default='ours')
    parser.add_argument('--sdk', choices=('ours', 'java'), default='ours')
    options = command_line.read(parser)
    report = Report()
    if not report.case('the official peers are there', peers.install, options.peers):
        return report.finish()
    work = tempfile.mkdtemp(prefix='orbitmq-interop-')
    context = Context(options.build, options.peers, work, options.servers, options.sdk)
    try:
        for name in options.parts:
            failures = len(report.failed)
            try:
                SUITES[name](context, report)
            except (servers.BootError, peers.PeerError) as error:
                text = str(error)
                report.case('suite ' + name, fail, text)
            if len(report.failed) > failures:
                print(context.outputs())
    finally:
        context.close()
        if options.keep:
            print('logs are in ' + work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    return report.finish()


def fail(text):
    raise peers.PeerError(text)


if __name__ == '__main__':
    sys.exit(main())

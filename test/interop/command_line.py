# SPDX-License-Identifier: Apache-2.0
"""The command line of the programs that run parts against the official peers."""

import argparse
import os


def parser(doc, kind, parts):
    """Has --build, --peers, --keep and the names of `parts`, each a `kind`; the caller may add more."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument('--build', required=True, help='build folder with bin/')
    made.add_argument(
        '--peers', default=os.environ.get('ORBITMQ_PEERS'), help='folder for the official peers'
    )
    made.add_argument('--keep', action='store_true', help='leave what the run wrote')
    made.add_argument('parts', nargs='*', metavar=kind.upper(), help=', '.join(parts))
    made.set_defaults(kind=kind, known=parts)
    return made


def read(made):
    """The options; paths are absolute, and without names `parts` has all."""
    options = made.parse_args()
    unknown = set(options.parts) - set(options.known)
    if unknown:
        text = 'no such %s: %s; there are %s'
        made.error(text % (options.kind, ', '.join(unknown), ', '.join(options.known)))
    options.parts = options.parts or list(options.known)
    options.build = os.path.abspath(options.build)
    options.peers = os.path.abspath(options.peers or os.path.join(options.build, 'peers'))
    return options

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds OrbitMQ and runs every test: ./test.sh, or chosen stages: ./test.sh lint unit.
# `./test.sh --list` names the stages; docs/TESTING.md explains them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=cmake/deps.sh
. cmake/deps.sh

for argument in "$@"; do
  case "$argument" in
    -h | --help)
      echo "Usage: ./test.sh [--list] [STAGE...]   (no stage: all of them; details in docs/TESTING.md)"
      exit 0
      ;;
  esac
done

orbitmq_install_packages all
orbitmq_provide_go || echo "warning: without a newer Go the interop stage will fail" >&2
export PATH
exec python3 test/stages.py "$@" </dev/null

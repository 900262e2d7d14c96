#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Captures every golden anew from Apache RocketMQ 5.5.0, in one to two minutes.
#   capture.sh [FOLDER]
# writes FOLDER/frames and FOLDER/store; default: this folder, which replaces the committed ones.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
peers=${ORBITMQ_PEERS:-$here/../../build/peers}
exec python3 "$here/capture.py" --peers "$peers" --out "${1:-$here}"

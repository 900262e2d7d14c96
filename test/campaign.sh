#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long runs of what ./test.sh runs in slices (docs/TESTING.md, "The store under attack").
#
#   test/campaign.sh power-cut [IMAGES]   images of a store cut after its disk operations (100000)
#   test/campaign.sh errors [FLUSH]       every call to the file system fails once, and from then on
#   test/campaign.sh rot [COUNT]          damage to every kind of file (100000)
#   test/campaign.sh kill [CYCLES]        kill -9 of a broker under load (1000)
#   test/campaign.sh fuzz [SECONDS]       recovery of mutated stores (600)
#
# Uses build/release, which it brings up to date. SEED=n chooses other random streams.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '3,11s/^# \{0,1\}//p' "$0"
  exit 2
}

[ $# -ge 1 ] || usage
command=$1
number=${2:-}
seed=${SEED:-1}
tree=build/release

build() {
  [ -f "$tree/build.ninja" ] || cmake --preset release > /dev/null
  cmake --build "$tree" --target "$@" > /dev/null
}

case $command in
  power-cut)
    build store_campaign
    exec "$tree/test-bin/store_campaign" power-cut --images "${number:-100000}" --seed "$seed"
    ;;
  errors)
    build store_campaign
    exec "$tree/test-bin/store_campaign" errors ${number:+--flush "$number"}
    ;;
  rot)
    build store_campaign
    exec "$tree/test-bin/store_campaign" rot --count "${number:-100000}" --seed "$seed"
    ;;
  kill)
    build mqnamesrv mqbroker e2e_client
    exec python3 test/e2e/kill_loop.py "$tree/bin/mqnamesrv" "$tree/bin/mqbroker" \
      "$tree/test-bin/e2e_client" --cycles "${number:-1000}" --seed "$seed"
    ;;
  fuzz)
    build recovery_fuzz
    exec "$tree/test-bin/recovery_fuzz" --seconds "${number:-600}" --seed "$seed"
    ;;
  *) usage ;;
esac

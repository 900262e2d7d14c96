#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to messages that went producer -> broker -> consumer group:
#   ./quickstart.sh [FILE]
# installs what is missing (Debian 12, root), builds, starts a standalone server on free loopback ports,
# streams FILE (default: the package status of this machine) through it line by line, proves that every
# line arrived, and stops the server.
set -euo pipefail

file=${1-/var/lib/dpkg/status}
case "$file" in
  -h | --help)
    sed -n '3,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  -*)
    echo "error: unknown option '$file'; usage: ./quickstart.sh [FILE]" >&2
    exit 2
    ;;
esac

fail() {
  echo "error: $1" >&2
  exit 1
}

[ "$#" -le 1 ] || fail "expected at most one FILE, got $# arguments; usage: ./quickstart.sh [FILE]"
[ -e "$file" ] || fail "there is no file '$file'; usage: ./quickstart.sh [FILE]"
[ -f "$file" ] || fail "'$file' is not a regular file"
[ -r "$file" ] || fail "'$file' cannot be read by $(id -un)"
[ -s "$file" ] || fail "'$file' is empty, so there is nothing to send"
file=$(realpath -- "$file")

cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=cmake/deps.sh
. cmake/deps.sh

build=build/release
log=build/logs/quickstart-build.log
data=data/quickstart
marker=$data/.made-by-quickstart
server_pid=
client_pid=

# Shows `[done/total] ...` lines of ninja as a bar on a terminal, else as one line per tenth.
show_progress() {
  local terminal=0
  [ -t 1 ] && terminal=1
  awk -v terminal="$terminal" '
    match($0, /^\[[0-9]+\/[0-9]+\]/) {
      split(substr($0, 2, RLENGTH - 2), n, "/")
      percent = int(100 * n[1] / n[2])
      if (terminal) {
        bar = sprintf("%*s", int(percent / 2.5), ""); gsub(/ /, "#", bar)
        printf "\rBuilding [%-40s] %3d %% (%d of %d)", bar, percent, n[1], n[2]
        shown = 1
      } else if (int(percent / 10) > tenth) {
        tenth = int(percent / 10)
        printf "Building: %d %% (%d of %d)\n", percent, n[1], n[2]
      }
      fflush()
    }
    END { if (shown) print "" }'
}

build_programs() {
  mkdir -p build/logs
  if [ ! -e "$build/build.ninja" ]; then
    echo "Configuring $build"
    cmake --preset release >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "cannot configure; see $log"; }
  fi
  if ! NINJA_STATUS='[%f/%t] ' cmake --build "$build" --target mqbroker orbitmq_quickstart 2>&1 |
    tee "$log" | show_progress; then
    grep -E -A 8 'error:|FAILED' "$log" | tail -n 40 >&2 || tail -n 40 "$log" >&2
    fail "the build failed; see $log"
  fi
}

stop_client() {
  local pid=$client_pid
  client_pid=
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

stop_server() {
  local pid=$server_pid try
  server_pid=
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  # The server's own deadline for a clean stop is 10 s.
  for ((try = 0; try < 120; try++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$pid" 2>/dev/null; then
    echo "warning: the server (process $pid) did not stop within 12 s and is killed" >&2
    kill -KILL "$pid"
  fi
  wait "$pid" 2>/dev/null || true
}

server_failed() {
  echo "--- what the server said" >&2
  tail -n 20 "$data.out" >&2
  fail "$1"
}

# Starts the server and sets `namesrv` to the NameServer's address once both boot lines are there.
start_server() {
  local try
  mkdir -p "$(dirname "$data")"
  # Two runs would share the folder: the second waits for nothing and says so.
  exec 9>"$data.lock"
  flock -n 9 || fail "another quickstart.sh is running here; wait for its end"
  rm -f "$data.out"  # Or the last run's boot lines could be taken for this one's.
  if [ -e "$data" ]; then
    [ -e "$marker" ] || fail "'$data' exists but was not made by quickstart.sh; move it away"
    rm -rf "$data"
  fi
  if ! { mkdir -p "$data" && : >"$marker"; }; then
    fail "cannot write to '$data'; is the disk full or read-only?"
  fi
  "$build/bin/mqbroker" --standalone --data-dir "$data" --namesrv_port 0 --set listenPort=0 \
    >"$data.out" 2>&1 </dev/null 9>&- &
  server_pid=$!
  for ((try = 0; try < 600; try++)); do
    if grep -qs '^The broker\[.*boot success' "$data.out"; then
      namesrv=$(sed -n 's/^The Name Server boot success.*address \([^ ]*\).*/\1/p' "$data.out" | head -n 1)
      [ -n "$namesrv" ] || server_failed "the server did not say where its NameServer listens"
      return 0
    fi
    kill -0 "$server_pid" 2>/dev/null || { server_pid=; server_failed "the server ended at once"; }
    sleep 0.05
  done
  server_failed "the server was not ready within 30 s"
}

trap 'stop_client; stop_server' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

orbitmq_install_packages build
build_programs
start_server
echo "Server: process $server_pid, NameServer at $namesrv"
status=0
# In the background, so that a signal to this script is heard at once.
"$build/bin/orbitmq_quickstart" --namesrv "$namesrv" --file "$file" </dev/null 9>&- &
client_pid=$!
wait "$client_pid" || status=$?
client_pid=
stop_server
[ "$status" -eq 0 ] || server_failed "orbitmq_quickstart ended with status $status"

cat <<END

The server has stopped; its data lies in $data (the next run starts afresh).
Three commands to try next:
  $build/bin/mqbroker --standalone --data-dir data/mine &
  $build/bin/orbitmq_quickstart --namesrv 127.0.0.1:9876 --file $(printf '%q' "$file"); kill %1
  ./test.sh unit
END

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches and builds the official peers of the interop and golden tests; quick when everything is there.
#   peers.sh [DIRECTORY]   default: $ORBITMQ_PEERS, else build/peers in the repository
# Needs a JDK 17, Maven and Go >= 1.19 (Debian 12: openjdk-17-jdk-headless maven golang-go), Maven Central and
# the Go module proxy. Leaves there java-5.5.0/, java-4.9.7/ and server-4.9.7/ (official jars), java-peer/
# (classes of java/src) and go-peer.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${1:-${ORBITMQ_PEERS:-$here/../../build/peers}}
mkdir -p "$target"
target=$(cd "$target" && pwd)
export PATH="$PATH:/usr/local/go/bin"
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

fail() {
  echo "peers.sh: $*" >&2
  exit 1
}

for tool in java javac mvn go flock sha256sum; do
  command -v "$tool" >/dev/null ||
    fail "$tool is missing; Debian 12: apt-get install openjdk-17-jdk-headless maven golang-go"
done

# Two test suites may start at once.
exec 9>"$target/.lock"
flock 9

# stamp NAME FILE...: whether the last complete build of NAME was made from these files.
stamp() {
  local name=$1
  shift
  wanted=$(cat "$@" | sha256sum)
  [ -f "$target/.stamp-$name" ] && [ "$(cat "$target/.stamp-$name")" = "$wanted" ]
}

stamped() {
  echo "$wanted" >"$target/.stamp-$1"
}

# attempt COMMAND...: registries fail now and then.
attempt() {
  local try
  for try in 1 2 3 4; do
    if "$@"; then
      return 0
    fi
    echo "peers.sh: attempt $try failed: $*" >&2
    sleep $((try * 5))
  done
  fail "gave up: $*"
}

# jars NAME VERSION [MAVEN OPTION...]
jars() {
  local name=$1 version=$2
  shift 2
  if stamp "$name" "$here/java/pom.xml"; then
    return
  fi
  rm -rf "${target:?}/$name"
  attempt mvn -B -q -f "$here/java/pom.xml" "$@" "-Drocketmq.version=$version" \
    "$plugin:copy-dependencies" "-DoutputDirectory=$target/$name"
  stamped "$name"
}

jars java-5.5.0 5.5.0 -P servers
jars java-4.9.7 4.9.7
# Apart from the client's, whose logging would change beside them.
jars server-4.9.7 4.9.7 -P servers

# One set of classes, compiled against 5.5.0, runs with both versions.
if ! stamp java-peer "$here"/java/pom.xml "$here"/java/src/*.java; then
  rm -rf "$target/java-peer"
  mkdir -p "$target/java-peer"
  javac -Xlint:all,-classfile -Werror --release 17 -cp "$target/java-5.5.0/*" -d "$target/java-peer" \
    "$here"/java/src/*.java
  stamped java-peer
fi

if ! stamp go-peer "$here"/go/go.mod "$here"/go/go.sum "$here"/go/*.go; then
  cd "$here/go"
  attempt env GOFLAGS=-mod=readonly GOTOOLCHAIN=local go mod download
  GOFLAGS=-mod=readonly GOTOOLCHAIN=local go build -o "$target/go-peer" .
  stamped go-peer
fi
echo "peers are in $target"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of a build tree into a Debian that has nothing else (debootstrap), lets apt
# find what they depend on, and uses all four of them there: servers, tools, library, headers. Needs root,
# debootstrap and a Debian mirror, and takes minutes, so it is a command of its own, no stage of ./test.sh.
# usage: clean_root.sh BUILD_DIR [MIRROR]     MIRROR: default is the one of this machine's apt
set -euo pipefail

build=$(cd "$1" && pwd)
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source=$(cd "$here/../.." && pwd)
. /etc/os-release
mirror=${2:-$(apt-get indextargets --format "\$(REPO_URI)" "Codename: $VERSION_CODENAME" | head -n 1)}
[ -n "$mirror" ] || { echo "error: apt knows no mirror of $VERSION_CODENAME; name one" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "error: debootstrap and chroot need root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "error: apt-get install debootstrap" >&2; exit 2; }

scratch=$(mktemp -d "$build/clean-root.XXXXXX")
root=$scratch/root
# shellcheck source=test/install/checks.sh
. "$here/checks.sh"

leave() {
  inside mqshutdown broker >/dev/null 2>&1 || true
  ! mountpoint -q "$root/proc" || umount "$root/proc"
  rm -rf "$scratch"
}
trap leave EXIT

inside() {
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

empty_debian() {
  debootstrap --variant=minbase "$VERSION_CODENAME" "$root" "$mirror"
  mount -t proc proc "$root/proc" # mqshutdown and mqcluster look for their processes there.
  mkdir "$root/packages"
}

into_it() {
  (cd "$build" && cpack -G DEB -B "$scratch/made")
  cp "$scratch"/made/*.deb "$root/packages/"
  inside apt-get update
  inside sh -c 'apt-get install -y --no-install-recommends /packages/*.deb'
}

a_message_goes_through() {
  local namesrv
  inside mqcluster start standalone --dir /srv/cluster || return 1
  namesrv=$(inside mqcluster status standalone --dir /srv/cluster --json |
    sed 's/.*"namesrvAddr":"\([^"]*\)".*/\1/')
  inside mqadmin clusterList -n "$namesrv" | grep DefaultCluster || return 1
  inside mqadmin updateTopic -n "$namesrv" -c DefaultCluster -t clean || return 1
  printf 'first\nsecond\n' | inside mqadmin produce -n "$namesrv" -t clean || return 1
  [ "$(inside mqadmin consume -n "$namesrv" -t clean -e -f '%b\n' | sort | xargs)" = "first second" ] ||
    return 1
  inside mqperf --mode e2e --rate 200 --seconds 1 --namesrv "$namesrv"
}

a_program_is_built() {
  inside apt-get install -y --no-install-recommends g++ pkg-config || return 1
  cp "$source/example/simple_producer.cc" "$root/srv/" || return 1
  # shellcheck disable=SC2016 # To be expanded in there.
  inside sh -c 'cd /srv && g++ -std=c++20 simple_producer.cc -o producer \
    $(pkg-config --cflags --libs orbitmq-client)'
}

stops() {
  inside mqcluster stop standalone --dir /srv/cluster
}

store_is_whole() {
  inside mqstore verify /srv/cluster/broker-a/data || inside sh -c 'mqstore verify /srv/cluster/*/data'
}

is_purged() {
  inside apt-get purge -y orbitmq-server orbitmq-tools liborbitmq liborbitmq-dev || return 1
  [ -z "$(find "$root/usr" "$root/etc" -name '*orbitmq*')" ]
}

check "a Debian with nothing else" empty_debian
check "apt installs the packages and what they need" into_it
check "a message goes through" a_message_goes_through
check "a program is built with the headers and the library" a_program_is_built
check "stops" stops
check "the store is whole" store_is_whole
check "is purged" is_purged
finish

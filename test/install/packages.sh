#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian packages of a build tree, installs them with dpkg into an empty folder with a package
# database of its own, and uses what is there; checks the systemd units. Nothing outside the folder changes.
# usage: packages.sh CPACK BUILD_DIR
set -euo pipefail

cpack=$1
build=$(cd "$2" && pwd)
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
scratch=$(mktemp -d "$build/packages-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
# shellcheck source=test/install/checks.sh
. "$here/checks.sh"

make_packages() {
  "$cpack" -G DEB --config "$build/CPackConfig.cmake" -B "$scratch/made"
}

into_root() {
  dpkg --root="$root" --force-not-root --force-depends --force-script-chrootless "$@"
}

install_all() {
  mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
  : >"$root/var/lib/dpkg/status"
  into_root --log="$scratch/dpkg.log" -i "$scratch"/made/*.deb
}

# Everything that a package says it needs is installed here, where the programs run.
dependencies_are_real() {
  local package name
  for package in "$scratch"/made/*.deb; do
    for name in $(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/[ (|].*//;/^$/d' | sort -u); do
      case "$name" in liborbitmq*) continue ;; esac
      [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
        { echo "$package needs $name"; return 1; }
    done
  done
  dpkg-deb -f "$scratch"/made/orbitmq-server_*.deb Depends | grep -q libevent
}

holds() {
  local path
  for path in "$@"; do [ -e "$root/$path" ] || { echo "no $path"; return 1; }; done
}

serves() {
  local namesrv
  "$root/usr/bin/mqcluster" start standalone --dir "$scratch/cluster" || return 1
  namesrv=$("$root/usr/bin/mqcluster" status standalone --dir "$scratch/cluster" --json |
    sed 's/.*"namesrvAddr":"\([^"]*\)".*/\1/')
  "$root/usr/bin/mqadmin" clusterList -n "$namesrv" | grep DefaultCluster || return 1
  "$root/usr/bin/mqperf" --mode e2e --rate 200 --seconds 1 --namesrv "$namesrv"
}

configuration_stays() {
  echo "brokerName=mine" >"$root/etc/orbitmq/broker-a.conf"
  into_root --log="$scratch/dpkg.log" -i "$scratch"/made/orbitmq-server_*.deb
  [ "$(cat "$root/etc/orbitmq/broker-a.conf")" = "brokerName=mine" ]
}

removes_everything() {
  into_root --log="$scratch/dpkg.log" --purge orbitmq-server orbitmq-tools liborbitmq liborbitmq-dev
  [ -z "$(find "$root/usr" "$root/etc" -type f 2>/dev/null)" ]
}

# calls_of SCRIPT WORD...: what the server package's script calls when it is run with these words on a machine
# whose systemd runs (without: MACHINE=bare). Both programs fail, which must end no removal. In a namespace of
# its own, so that /etc and /run are not this machine's.
calls_of() {
  local script=$1 name
  shift
  mkdir -p "$scratch/control" "$scratch/fake"
  dpkg-deb -e "$scratch"/made/orbitmq-server_*.deb "$scratch/control"
  for name in systemctl deb-systemd-invoke; do
    printf '#!/bin/sh\necho "%s $*" >>"%s"\nexit 1\n' "$name" "$scratch/calls" >"$scratch/fake/$name"
    chmod +x "$scratch/fake/$name"
  done
  : >"$scratch/calls"
  # shellcheck disable=SC2016 # For the shell in there.
  unshare --mount sh -c '
    set -e
    mount -t tmpfs none /run
    [ "$1" = bare ] || mkdir -p /run/systemd/system
    mount --bind "$2" /etc
    PATH=$3:$PATH
    shift 3
    exec "$@"
  ' script "${MACHINE:-systemd}" "$root/etc" "$scratch/fake" "$scratch/control/$script" "$@" || return 1
  cat "$scratch/calls"
}

upgrade_restarts() {
  [ "$(calls_of postinst configure 0.0.9)" = "systemctl --system daemon-reload
deb-systemd-invoke try-restart orbitmq-namesrv.service orbitmq-broker@*.service" ]
}

installation_starts_nothing() {
  [ "$(calls_of postinst configure '')" = "systemctl --system daemon-reload" ]
}

removal_stops_and_disables() {
  [ "$(calls_of prerm remove)" = "deb-systemd-invoke stop orbitmq-namesrv.service orbitmq-broker@*.service
systemctl --no-reload disable orbitmq-namesrv.service orbitmq-broker@.service" ] || return 1
  [ "$(calls_of postrm remove)" = "systemctl --system daemon-reload" ] || return 1
  [ -z "$(calls_of prerm upgrade 9.9)" ]
}

# The links that the administrator made, by systemctl itself, which needs no systemd for it.
removal_leaves_no_links() {
  local units="orbitmq-namesrv.service orbitmq-broker@broker-a.service orbitmq-broker@broker-b.service"
  # shellcheck disable=SC2086 # One word for each unit.
  systemctl --root="$root" enable $units || return 1
  [ "$(find "$root/etc/systemd" -type l | wc -l)" -eq 3 ] || return 1
  calls_of prerm remove | sed -n 's/^systemctl //p' | xargs systemctl --root="$root" || return 1
  [ "$(find "$root/etc/systemd" -type l | wc -l)" -eq 0 ]
}

scripts_work_without_systemd() {
  local script
  for script in "postinst configure 0.0.9" "prerm remove" "postrm remove"; do
    # shellcheck disable=SC2086 # The script and its words.
    MACHINE=bare calls_of $script >"$scratch/called" || return 1
    ! grep -E 'daemon-reload|deb-systemd-invoke' "$scratch/called" || return 1
  done
}

# What the units run beside the servers is in every Debian system.
reloading_needs_no_package() {
  ! grep -E '^Exec(Reload|Stop|StartP)[a-zA-Z]*=' "$root"/usr/lib/systemd/system/*.service |
    grep -v '=sh -c "kill ' || return 1
  [ "$(dpkg-deb -f "$scratch"/made/orbitmq-server_*.deb Recommends)" = orbitmq-tools ]
}

# The units' programs are looked for in the system's PATH, so they get paths for this check.
units_are_right() {
  local unit
  mkdir -p "$scratch/units"
  for unit in "$root"/usr/lib/systemd/system/*.service; do
    sed "s#^ExecStart=mq#ExecStart=$root/usr/bin/mq#" "$unit" >"$scratch/units/$(basename "$unit")"
  done
  cp "$scratch/units/orbitmq-broker@.service" "$scratch/units/orbitmq-broker@broker-a.service"
  systemd-analyze verify --man=no --recursive-errors=no "$scratch/units/orbitmq-namesrv.service" \
    "$scratch/units/orbitmq-broker@broker-a.service"
}

units_are_tight() {
  # 10 is open, 0 closed; the threshold is ten times that.
  local unit
  for unit in orbitmq-namesrv orbitmq-broker@broker-a; do
    systemd-analyze security --offline=true --no-pager --threshold=20 "$scratch/units/$unit.service" ||
      return 1
  done
}

check "cpack" make_packages
check "four packages" test "$(find "$scratch/made" -maxdepth 1 -name '*.deb' | wc -l)" -eq 4
check "dependencies" dependencies_are_real
check "dpkg -i" install_all
check "server" holds usr/bin/mqbroker usr/bin/mqnamesrv usr/bin/mqshutdown usr/share/orbitmq/bin/mqbroker \
  usr/share/orbitmq/conf/2m-noslave etc/orbitmq/broker-a.conf etc/orbitmq/namesrv.conf
check "tools" holds usr/bin/mqadmin usr/bin/mqstore usr/bin/mqperf usr/share/man/man1/mqadmin.1 \
  usr/share/bash-completion/completions/mqadmin
check "library and headers" holds usr/lib/liborbitmq.so usr/include/orbitmq/producer.h \
  usr/lib/pkgconfig/orbitmq-client.pc
check "configuration of the package" "$root/usr/bin/mqbroker" -c "$root/etc/orbitmq/broker-a.conf" -m
check "a message goes through" serves
check "stops" "$root/usr/bin/mqcluster" stop standalone --dir "$scratch/cluster"
check "an edited configuration stays" configuration_stays
check "an installation starts nothing" installation_starts_nothing
check "an upgrade restarts what runs" upgrade_restarts
check "a removal stops and disables" removal_stops_and_disables
check "a removal leaves no links" removal_leaves_no_links
check "scripts without systemd" scripts_work_without_systemd
check "reloading" reloading_needs_no_package
check "units" units_are_right
check "units are tight" units_are_tight
check "purge" removes_everything
finish

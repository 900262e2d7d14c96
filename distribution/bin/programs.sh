# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Sourced by the launchers with `orbitmq_home` set to the folder that holds their bin/: finds the programs of
# the same installation. They are in $ORBITMQ_BIN when that is set, in build/release/bin of a source tree, and
# in PREFIX/bin when this is PREFIX/share/orbitmq.

orbitmq_bin_folder() {
  if [ -n "${ORBITMQ_BIN:-}" ]; then
    printf '%s\n' "$ORBITMQ_BIN"
  elif [ -e "$orbitmq_home/../CMakePresets.json" ]; then
    printf '%s\n' "$(dirname "$orbitmq_home")/build/release/bin"
  else
    printf '%s\n' "$(dirname "$(dirname "$orbitmq_home")")/bin"
  fi
}

# orbitmq_program NAME: prints its path; without it, says what to do and fails.
orbitmq_program() {
  orbitmq_folder=$(orbitmq_bin_folder)
  if [ -x "$orbitmq_folder/$1" ] && [ ! -d "$orbitmq_folder/$1" ]; then
    printf '%s\n' "$orbitmq_folder/$1"
    return 0
  fi
  if [ -n "${ORBITMQ_BIN:-}" ]; then
    echo "error: there is no program $1 in $orbitmq_folder (ORBITMQ_BIN): set it to its folder" >&2
  elif [ -e "$orbitmq_home/../CMakePresets.json" ]; then
    echo "error: there is no program $1 in $orbitmq_folder; build it:" \
      "cmake --preset release && cmake --build build/release --target $1" >&2
  else
    echo "error: there is no program $1 in $orbitmq_folder; install it, or set ORBITMQ_BIN to its folder" >&2
  fi
  return 1
}

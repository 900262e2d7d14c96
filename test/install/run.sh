#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build tree into a fresh prefix and uses it as a stranger would: with find_package, with
# pkg-config, and by looking at what was installed. usage: run.sh BUILD_DIR SOURCE_DIR
set -euo pipefail

build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
scratch=$(mktemp -d "$build/install-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
cxx=${CXX:-g++}
# shellcheck source=test/install/checks.sh
. "$source/test/install/checks.sh"

only_own_symbols() {
  local library=$1 foreign
  foreign=$(nm -D --defined-only -C "$library" | cut -d' ' -f3- |
    grep -vE '(^|^(typeinfo|typeinfo name|vtable|VTT|guard variable) for )orbitmq::' || true)
  [ -z "$foreign" ] || { printf 'exported but not in namespace orbitmq:\n%s\n' "$foreign"; return 1; }
  # Not grep -q: it would end early, and pipefail would take nm's broken pipe for a failure.
  nm -D --defined-only -C "$library" | grep ' orbitmq::' >/dev/null
}

all_libraries_found() {
  local missing
  missing=$(ldd "$1" | grep 'not found' || true)
  [ -z "$missing" ] || { printf '%s\n' "$missing"; return 1; }
}

nothing_else_installed() {
  local extra expected
  expected='include/orbitmq/[a-z_]+\.h|lib.*/liborbitmq\.so[0-9.]*|lib.*/cmake/OrbitMQ/.*\.cmake'
  expected+='|lib.*/pkgconfig/orbitmq-client\.pc|bin/mq[a-z]+|share/(doc|man)/.*'
  expected+='|share/orbitmq/(bin|conf)/.*|lib/systemd/system/.*\.service'
  expected+='|share/(bash-completion|zsh|fish)/.*/_?mqadmin(\.fish)?'
  extra=$(find "$prefix" \( -type f -o -type l \) -printf '%P\n' | grep -vE "^($expected)\$" || true)
  [ -z "$extra" ] || { printf 'not expected in the package:\n%s\n' "$extra"; return 1; }
}

no_build_paths() {
  ! grep -rIlF -e "$source" -e "$build" "$prefix" | grep -v '\.so' || return 1
}

compile_header() {
  printf '#include "%s"\n' "$1" |
    "$cxx" -std=c++20 -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror -I"$prefix/include" \
      -fsyntax-only -x c++ -
}

build_with_pkg_config() {
  local name
  name=$(basename "$1" .cc)
  # shellcheck disable=SC2046 # The flags are several words.
  "$cxx" -std=c++20 "$1" -o "$scratch/pkg-config-$name" $(pkg-config --cflags --libs orbitmq-client)
}

starts() {
  # A program that cannot load its libraries ends with 127.
  local status=0
  LD_LIBRARY_PATH=$libdir timeout 10 "$@" </dev/null || status=$?
  [ "$status" -ne 127 ] && [ "$status" -lt 128 ]
}

check "cmake --install" cmake --install "$build" --prefix "$prefix"
library=$(find "$prefix" -name liborbitmq.so)
if [ -z "$library" ]; then
  failed=$((failed + 1))
  echo "FAILED: no liborbitmq.so in the installed tree"
  finish
fi
libdir=$(dirname "$library")
export PKG_CONFIG_PATH=$libdir/pkgconfig

check "only our symbols are exported" only_own_symbols "$library"
check "the library finds its libraries" all_libraries_found "$library"
check "nothing unexpected is installed" nothing_else_installed
check "no path of the build machine is installed" no_build_paths
check "pkg-config knows the package" pkg-config --exists --print-errors orbitmq-client

for header in "$prefix"/include/orbitmq/*.h; do
  check "header alone: $(basename "$header")" compile_header "orbitmq/$(basename "$header")"
done

mapfile -t examples < <(find "$source/example" -name '*.cc' | sort)
list=$(IFS=';' && echo "${examples[*]}")
check "find_package" cmake -G Ninja -S "$source/test/install/consumer" -B "$scratch/consumer" \
  -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" "-DEXAMPLES=$list"
for example in "${examples[@]}"; do
  name=$(basename "$example" .cc)
  check "find_package: $name" cmake --build "$scratch/consumer" --target "$name"
  check "pkg-config: $name" build_with_pkg_config "$example"
  check "loads: $name" all_libraries_found "$scratch/consumer/$name"
done
for program in mqnamesrv mqbroker mqperf; do
  check "installed program: $program" starts "$prefix/bin/$program" -h
done
for program in mqnamesrv mqbroker mqadmin; do
  check "launcher: $program" sh "$prefix/share/orbitmq/bin/$program" -h
done
check "mqshutdown" "$prefix/bin/mqshutdown" -h
check "mqcluster finds its programs" "$prefix/bin/mqcluster" start standalone --dir "$scratch/cluster"
check "mqcluster stops" "$prefix/bin/mqcluster" stop standalone --dir "$scratch/cluster"

# The tree still works after it was moved.
mv "$prefix" "$scratch/moved"
prefix=$scratch/moved
export PKG_CONFIG_PATH=${libdir/#"$scratch/prefix"/"$prefix"}/pkgconfig
if [ "${#examples[@]}" -gt 0 ]; then
  check "pkg-config after a move" build_with_pkg_config "${examples[0]}"
fi
finish

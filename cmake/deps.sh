# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by test.sh and quickstart.sh: finds out which Debian packages are missing and installs them.
# docs/DEPENDENCIES.md says what each is for.

# A tool counts as present when its command answers, wherever it came from: "command package".
ORBITMQ_BUILD_TOOLS=(
  "g++ g++" "cmake cmake" "ninja ninja-build" "pkg-config pkg-config" "ccache ccache"
  "ld.lld lld" "python3 python3"
)
ORBITMQ_TEST_TOOLS=(
  "git git" "clang++ clang" "openssl openssl" "javac openjdk-17-jdk-headless" "mvn maven"
  "shellcheck shellcheck" "dpkg-shlibdeps dpkg-dev" "systemd-analyze systemd"
  "zsh zsh" "fish fish"
)
# Libraries are asked for by package name.
ORBITMQ_BUILD_LIBRARIES=(
  libevent-dev rapidjson-dev libssl-dev zlib1g-dev liblz4-dev libzstd-dev libdeflate-dev libgflags-dev
  libspdlog-dev libgtest-dev libmimalloc-dev
)
# Maven Central and the Go module proxy are asked over TLS.
ORBITMQ_TEST_LIBRARIES=(ca-certificates)

# A Go that is not in PATH yet may stand where its own installer puts it.
if ! command -v go >/dev/null 2>&1 && [ -x /usr/local/go/bin/go ]; then
  PATH="$PATH:/usr/local/go/bin"
fi

# orbitmq_missing_packages build|all: prints the missing packages, one a line.
orbitmq_missing_packages() {
  local tools=("${ORBITMQ_BUILD_TOOLS[@]}") libraries=("${ORBITMQ_BUILD_LIBRARIES[@]}") pair package
  if [ "$1" = all ]; then
    tools+=("${ORBITMQ_TEST_TOOLS[@]}")
    libraries+=("${ORBITMQ_TEST_LIBRARIES[@]}")
    # Debian 12's Go is too old for the Go peer, but it can fetch a newer one as a Go module.
    tools+=("go golang-go")
  fi
  for pair in "${tools[@]}"; do
    command -v "${pair%% *}" >/dev/null 2>&1 || printf '%s\n' "${pair##* }"
  done
  for package in "${libraries[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      printf '%s\n' "$package"
  done
}

# orbitmq_retry TRIES COMMAND...: package mirrors fail for seconds at a time.
orbitmq_retry() {
  local tries=$1 try
  shift
  for ((try = 1; try <= tries; try++)); do
    "$@" && return 0
    if [ "$try" -lt "$tries" ]; then
      echo "'$*' failed (try $try of $tries), trying again in $((try * 5)) s" >&2
      sleep $((try * 5))
    fi
  done
  return 1
}

# orbitmq_install_packages build|all: installs what is missing; quick when nothing is.
orbitmq_install_packages() {
  local missing
  if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "error: this is no Debian system (no dpkg-query), so nothing can be installed for you." >&2
    echo "       docs/DEPENDENCIES.md lists what is needed." >&2
    return 1
  fi
  mapfile -t missing < <(orbitmq_missing_packages "$1")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "error: packages are missing and only root can install them. Run:" >&2
    echo "       sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    return 1
  fi
  echo "Installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  if ! orbitmq_retry 4 apt-get -q update </dev/null; then
    echo "error: 'apt-get update' failed; is the network or the Debian mirror reachable?" >&2
    return 1
  fi
  if ! orbitmq_retry 3 apt-get -q install -y --no-install-recommends "${missing[@]}" </dev/null; then
    echo "error: could not install: ${missing[*]}" >&2
    return 1
  fi
  mapfile -t missing < <(orbitmq_missing_packages "$1")
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "error: still missing after the installation: ${missing[*]}" >&2
    return 1
  fi
}

# orbitmq_go_is_new_enough: whether `go` can build the Go peer, which needs 1.22.
orbitmq_go_is_new_enough() {
  local version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
  [[ "$version" =~ ^go([0-9]+)\.([0-9]+) ]] || return 1
  ((BASH_REMATCH[1] > 1 || BASH_REMATCH[2] >= 22))
}

# orbitmq_provide_go: puts a Go that is new enough first in PATH. Debian 12 has 1.19 only, which knows
# nothing of newer toolchains, but these are Go modules, and their sums are checked like any module's.
orbitmq_provide_go() {
  local version folder
  orbitmq_go_is_new_enough && return 0
  version=v0.0.1-go1.22.12.linux-$(dpkg --print-architecture)
  echo "Fetching the Go toolchain $version as a Go module"
  folder=$(go env GOMODCACHE)/golang.org/toolchain@$version
  if ! (cd / && orbitmq_retry 3 env GOFLAGS=-modcacherw GO111MODULE=on \
    go mod download "golang.org/toolchain@$version"); then
    echo "error: cannot fetch golang.org/toolchain@$version; is the Go module proxy reachable?" >&2
    return 1
  fi
  # Module archives carry no permissions.
  chmod -R +x "$folder/bin" "$folder/pkg/tool"
  PATH="$folder/bin:$PATH"
  unset GOROOT
  orbitmq_go_is_new_enough
}

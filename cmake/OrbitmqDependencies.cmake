# SPDX-License-Identifier: Apache-2.0
# Every third-party library we link, found once; reasons stand in docs/DEPENDENCIES.md. A new one also goes
# into the package list of cmake/deps.sh, or a fresh machine cannot build.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent libevent_pthreads)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
find_package(RapidJSON REQUIRED)
find_package(gflags REQUIRED)
find_package(mimalloc 2.0 REQUIRED)

# SPDX-License-Identifier: Apache-2.0
# The functions with which every folder declares what it builds. Sources are listed, never globbed.
include(CMakeParseArguments)
include(GNUInstallDirs)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this ccache does not keep what was compiled with a precompiled header.
  set(_ccache "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE_PROGRAM}")
  set(CMAKE_C_COMPILER_LAUNCHER "${_ccache}" CACHE STRING "" FORCE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${_ccache}" CACHE STRING "" FORCE)
endif()

# Flags shared by every target of ours.
add_library(orbitmq_flags INTERFACE)
target_include_directories(orbitmq_flags INTERFACE
  "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/common/include"
  "${PROJECT_SOURCE_DIR}/client/include")
target_compile_options(orbitmq_flags INTERFACE
  -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow=local -fno-omit-frame-pointer
  -ffunction-sections -fdata-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang knows one -Wshadow only; ours is GCC's local form.
  get_target_property(_flags orbitmq_flags INTERFACE_COMPILE_OPTIONS)
  list(REMOVE_ITEM _flags -Wshadow=local)
  set_target_properties(orbitmq_flags PROPERTIES INTERFACE_COMPILE_OPTIONS "${_flags}")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 reports overlapping copies inside std::string that cannot happen (GCC bug 105651).
    target_compile_options(orbitmq_flags INTERFACE -Wno-restrict)
  endif()
  if(ORBITMQ_SANITIZE)
    # GCC's own manual: the sanitizers' instrumentation makes this warning unreliable.
    target_compile_options(orbitmq_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(ORBITMQ_WERROR)
  target_compile_options(orbitmq_flags INTERFACE -Werror)
endif()
if(ORBITMQ_SANITIZE)
  target_compile_options(orbitmq_flags INTERFACE -fsanitize=${ORBITMQ_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(orbitmq_flags INTERFACE -fsanitize=${ORBITMQ_SANITIZE})
  if(ORBITMQ_SANITIZE MATCHES "undefined")
    # 40 % of the compiler's time for what AddressSanitizer stops too, or our code never does (decision 0062).
    target_compile_options(orbitmq_flags INTERFACE -fno-sanitize=null,object-size,alignment,vptr)
  endif()
endif()
target_link_libraries(orbitmq_flags INTERFACE Threads::Threads)

# Linking is most of an incremental build: take the fastest linker that this compiler accepts.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=lld ORBITMQ_HAVE_LLD)
if(ORBITMQ_HAVE_LLD)
  target_link_options(orbitmq_flags INTERFACE -fuse-ld=lld)
elseif(NOT ORBITMQ_SANITIZE)
  check_linker_flag(CXX -fuse-ld=gold ORBITMQ_HAVE_GOLD)
  if(ORBITMQ_HAVE_GOLD)
    target_link_options(orbitmq_flags INTERFACE -fuse-ld=gold)
  endif()
endif()

# The standard headers, and GoogleTest's for test programs, are parsed once per tree and not once per source.
# Sources still include all that they use: Clang's stage (clang_syntax.py) compiles each without these.
set(ORBITMQ_PRECOMPILED
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstdio> <cstring> <deque>
  <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread>
  <unordered_map> <utility> <variant> <vector>)
add_library(orbitmq_precompiled OBJECT "${CMAKE_CURRENT_LIST_DIR}/precompiled.cc")
target_link_libraries(orbitmq_precompiled PRIVATE orbitmq_flags)
target_precompile_headers(orbitmq_precompiled PRIVATE ${ORBITMQ_PRECOMPILED})
if(ORBITMQ_BUILD_TESTS)
  find_package(GTest REQUIRED)
  # Optimizing what a test itself does costs half of the time to compile it, and saves seconds when it runs.
  set(ORBITMQ_TEST_OPTIONS -O0)
  # A program of its own: the code of programs is compiled for -fPIE, that of libraries for -fPIC.
  add_executable(orbitmq_test_precompiled "${CMAKE_CURRENT_LIST_DIR}/precompiled.cc")
  target_link_libraries(orbitmq_test_precompiled PRIVATE orbitmq_flags GTest::gtest)
  target_compile_options(orbitmq_test_precompiled PRIVATE ${ORBITMQ_TEST_OPTIONS})
  target_precompile_headers(orbitmq_test_precompiled PRIVATE ${ORBITMQ_PRECOMPILED} <gtest/gtest.h>)
endif()

# Not among the flags: the precompiled headers do not depend on it.
add_library(orbitmq_planted INTERFACE)
if(ORBITMQ_PLANTED_BUGS)
  target_compile_definitions(orbitmq_planted INTERFACE ORBITMQ_PLANTED_BUGS=1)
endif()

# The labels that ctest and test.sh know. Each has a target tests_<label> that builds its programs.
set(ORBITMQ_TEST_LABELS lint unit sim planted e2e install fuzz golden interop dropin bench-smoke tsan)
if(ORBITMQ_BUILD_TESTS)
  foreach(label IN LISTS ORBITMQ_TEST_LABELS)
    add_custom_target(tests_${label})
  endforeach()
endif()

# Gives one ctest test its labels and makes tests_<label> build the targets that the test runs.
function(orbitmq_label_test name labels targets)
  foreach(label IN LISTS labels)
    if(NOT label IN_LIST ORBITMQ_TEST_LABELS)
      message(FATAL_ERROR "test ${name}: unknown label '${label}'; known: ${ORBITMQ_TEST_LABELS}")
    endif()
    foreach(target IN LISTS targets)
      add_dependencies(tests_${label} ${target})
    endforeach()
  endforeach()
  set_property(TEST ${name} PROPERTY LABELS ${labels})
endfunction()

# orbitmq_module(NAME store SRCS a.cc b.cc DEPS common [LIBS ZLIB::ZLIB ...])
# makes the internal static library orbitmq_<name>.
function(orbitmq_module)
  cmake_parse_arguments(M "" "NAME" "SRCS;DEPS;LIBS" ${ARGN})
  add_library(orbitmq_${M_NAME} STATIC ${M_SRCS})
  target_link_libraries(orbitmq_${M_NAME} PUBLIC orbitmq_flags orbitmq_planted)
  target_precompile_headers(orbitmq_${M_NAME} REUSE_FROM orbitmq_precompiled)
  foreach(dep IN LISTS M_DEPS)
    target_link_libraries(orbitmq_${M_NAME} PUBLIC orbitmq_${dep})
  endforeach()
  target_link_libraries(orbitmq_${M_NAME} PRIVATE ${M_LIBS})
endfunction()

# orbitmq_program(NAME mqbroker SRCS main.cc DEPS broker namesrv [LIBS gflags] [INSTALL] [COMPONENT server])
# makes <build>/bin/<name>; INSTALL puts it into the package too, by default into that of the tools.
function(orbitmq_program)
  cmake_parse_arguments(P "INSTALL" "NAME;COMPONENT" "SRCS;DEPS;LIBS" ${ARGN})
  add_executable(${P_NAME} ${P_SRCS})
  target_link_libraries(${P_NAME} PRIVATE orbitmq_flags)
  foreach(dep IN LISTS P_DEPS)
    target_link_libraries(${P_NAME} PRIVATE orbitmq_${dep})
  endforeach()
  target_link_libraries(${P_NAME} PRIVATE ${P_LIBS})
  target_link_options(${P_NAME} PRIVATE -Wl,--gc-sections)
  set_target_properties(${P_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(P_INSTALL)
    if(NOT P_COMPONENT)
      set(P_COMPONENT tools)
    endif()
    install(TARGETS ${P_NAME} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT ${P_COMPONENT})
  endif()
endfunction()

# The servers' allocator (decision 0022). A sanitizer has one of its own.
function(orbitmq_server_allocator target)
  if(NOT ORBITMQ_SANITIZE)
    # No symbol of it is named, it only takes malloc's place.
    target_link_options(${target} PRIVATE -Wl,--no-as-needed)
    target_link_libraries(${target} PRIVATE mimalloc)
  endif()
endfunction()

# orbitmq_test(NAME store_test SRCS a_test.cc b_test.cc DEPS store [LABEL unit ...] [LIBS ...] [TIMEOUT 300])
# One program of many *_test.cc files; ctest runs it as one test with these labels (add tsan for the
# programs that ThreadSanitizer must see).
function(orbitmq_test)
  cmake_parse_arguments(T "" "NAME;TIMEOUT" "SRCS;DEPS;LIBS;LABEL" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_executable(${T_NAME} ${T_SRCS})
  target_link_libraries(${T_NAME} PRIVATE orbitmq_flags GTest::gtest GTest::gtest_main)
  target_compile_options(${T_NAME} PRIVATE ${ORBITMQ_TEST_OPTIONS})
  target_precompile_headers(${T_NAME} REUSE_FROM orbitmq_test_precompiled)
  foreach(dep IN LISTS T_DEPS)
    target_link_libraries(${T_NAME} PRIVATE orbitmq_${dep})
  endforeach()
  target_link_libraries(${T_NAME} PRIVATE ${T_LIBS})
  set_target_properties(${T_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test-bin")
  add_test(NAME ${T_NAME} COMMAND ${T_NAME})
  set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${T_TIMEOUT})
  orbitmq_label_test(${T_NAME} "${T_LABEL}" "${T_NAME}")
endfunction()

# orbitmq_script_test(NAME tidy LABEL lint COMMAND python3 x.py ... [TARGETS mqbroker ...] [TIMEOUT 300])
# A test that is no gtest program. Its last line must be `N passed, N failed`, which test.sh counts.
# TARGETS are the programs it starts. It runs alone unless PARALLEL is given.
function(orbitmq_script_test)
  cmake_parse_arguments(S "PARALLEL" "NAME;TIMEOUT" "COMMAND;LABEL;TARGETS" ${ARGN})
  if(NOT S_TIMEOUT)
    set(S_TIMEOUT 300)
  endif()
  add_test(NAME ${S_NAME} COMMAND ${S_COMMAND})
  set_tests_properties(${S_NAME} PROPERTIES TIMEOUT ${S_TIMEOUT})
  if(NOT S_PARALLEL)
    set_tests_properties(${S_NAME} PROPERTIES RUN_SERIAL TRUE)
  endif()
  orbitmq_label_test(${S_NAME} "${S_LABEL}" "${S_TARGETS}")
endfunction()

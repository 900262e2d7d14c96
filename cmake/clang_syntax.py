#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every translation unit of ours with Clang's front end, warnings as errors.

usage: clang_syntax.py BUILD_DIR [PATH_PREFIX...]

Reads BUILD_DIR/compile_commands.json (a configured tree is enough, nothing needs to be built) and runs
`clang++ -fsyntax-only` on each file below the given prefixes, or on all of them.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

# What only GCC knows, what would write files, and the precompiled headers (each source must do without).
DROPPED = {"-c", "-Wshadow=local", "-Wno-restrict", "-Wno-maybe-uninitialized", "-Winvalid-pch"}
DROPPED_WITH_VALUE = {"-o", "-MF", "-MT", "-MQ", "-include"}
COMPILER = re.compile(r"(^|-)(clang|g|c)\+\+(-\d+)?$")
ADDED = ["-fsyntax-only", "-Werror", "-Wno-unused-command-line-argument"]


def clang_words(entry):
    """The clang++ command line for one entry of compile_commands.json."""
    words = shlex.split(entry["command"]) if "command" in entry else list(entry["arguments"])
    while not COMPILER.search(pathlib.Path(words[0]).name):
        words.pop(0)  # A launcher such as ccache, and its settings.
    kept = []
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in DROPPED_WITH_VALUE:
            skip = True
        elif word not in DROPPED and not word.startswith(("-fsanitize", "-M", "-fuse-ld")):
            kept.append(word)
    return [os.environ.get("CLANGXX", "clang++"), *kept, *ADDED]


def check(entry):
    """Returns (file, None) or (file, what clang said)."""
    try:
        result = subprocess.run(clang_words(entry), cwd=entry["directory"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
    except OSError as error:
        return entry["file"], f"cannot run clang++: {error}\n"
    return entry["file"], None if result.returncode == 0 else result.stderr


def main():
    """Checks all chosen files in parallel and prints what failed."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    root = pathlib.Path(__file__).resolve().parent.parent
    table = pathlib.Path(sys.argv[1]) / "compile_commands.json"
    if not (table.parent / "CMakeCache.txt").exists():
        sys.exit(f"error: {table.parent} is not configured; for example: cmake --preset release")
    prefixes = sys.argv[2:]
    entries = {}
    # CMake writes no table while no target has a source file.
    for entry in json.loads(table.read_text()) if table.exists() else []:
        path = os.path.relpath(entry["file"], root)
        if path.startswith("build/"):
            continue  # The precompiled headers themselves.
        if not prefixes or path.startswith(tuple(prefixes)):
            entries[path] = entry
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, problem in pool.map(check, entries.values()):
            if problem is not None:
                failed += 1
                print(f"FAILED: {os.path.relpath(path, root)}\n{problem}", flush=True)
    print(f"{len(entries) - failed} files without a warning, {failed} with")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

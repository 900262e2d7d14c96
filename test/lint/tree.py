# SPDX-License-Identifier: Apache-2.0
"""The files that the lint rules look at: those of the repository, or planted ones in the self-tests."""

import fnmatch
import os
import pathlib
import subprocess

import cxx_text

MODULES = ("common", "remoting", "store", "namesrv", "broker", "client", "tools", "bench", "example", "test")
CODE_ENDINGS = (".h", ".cc", ".py", ".sh", ".java", ".go", ".cmake")


def matches(path, patterns):
    """Whether the path fits one of the shell patterns."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def is_cxx(path):
    """Whether the path is C++ source of ours."""
    return path.endswith((".h", ".cc")) and path.split("/", 1)[0] in MODULES


def is_code(path):
    """Whether the limits for code hold for the path."""
    return path.endswith(CODE_ENDINGS) or path.rsplit("/", 1)[-1] in ("CMakeLists.txt", "run")


class Layering:
    """The tables of layering.table."""

    def __init__(self, text):
        self.sections = {"modules": {}, "files": {}, "libraries": {}, "packages": {}, "seams": {}}
        section = None
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.split("#", 1)[0].strip()
            if not line:
                continue
            if line.startswith("["):
                section = line.strip("[]")
                if section not in self.sections:
                    raise ValueError(f"layering.table:{number}: no section is called {section}")
                continue
            key, _, values = line.partition(":")
            self.sections[section][key.strip()] = values.split()

    def is_seam(self, path):
        """Whether the file may call the operating system."""
        return matches(path, self.sections["seams"])


class Tree:
    """Path -> text, with what several rules need worked out once."""

    def __init__(self, files, layering, wire_names=()):
        self.files = files
        self.layering = layering
        self.wire_names = set(wire_names)
        self._code = {}
        self.public_headers = {}
        for path in files:
            for module in ("common", "client"):
                prefix = f"{module}/include/"
                if path.startswith(prefix):
                    self.public_headers[path[len(prefix):]] = path

    def code(self, path):
        """The text of a C++ file without comments and literals."""
        if path not in self._code:
            self._code[path] = cxx_text.strip(self.files[path])
        return self._code[path]

    def cxx(self):
        """All C++ files."""
        return [path for path in self.files if is_cxx(path)]

    def resolve(self, include):
        """The path that a quoted include names, or None."""
        if include in self.files:
            return include
        return self.public_headers.get(include)


def read_list(path):
    """The lines of a list file without comments."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def read_tree(root, lint_folder):
    """Reads every text file that is, or is about to be, committed."""
    listing = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True, check=False)
    if listing.returncode == 0:
        paths = [name for name in listing.stdout.decode().split("\0") if name]
    else:  # A source archive without git.
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in (".git", "build", "data")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    files = {}
    for path in sorted(paths):
        try:
            files[path] = (root / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # Captured bytes, or removed but not yet committed.
    lint_folder = pathlib.Path(lint_folder)
    return Tree(files, Layering((lint_folder / "layering.table").read_text()),
                read_list(lint_folder / "wire_names.txt"))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ShellCheck over every shell script; each script is a case. usage: shell_test.py SHELLCHECK"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHEBANGS = ("#!/bin/sh", "#!/usr/bin/env bash")


def scripts():
    """The committed, or about to be committed, files that a shell reads."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(listing.split("\0")) - {""}):
        path = ROOT / name
        if not path.is_file():
            continue
        with open(path, "rb") as file:
            first = file.readline(80).decode(errors="replace").rstrip()
        if name.endswith(".sh") or first in SHEBANGS:
            yield name


def check(shellcheck, name, folder):
    """What ShellCheck objects to; it cannot see that a function is called through `"$@"` (SC2317)."""
    done = subprocess.run([shellcheck, "-x", "-e", "SC2317", name], cwd=folder, capture_output=True,
                          text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def main():
    shellcheck = sys.argv[1]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        planted = pathlib.Path(folder) / "planted.sh"
        planted.write_text("#!/bin/sh\nrm -r $1/data\n")
        if check(shellcheck, planted.name, folder):
            passed += 1
        else:
            failed += 1
            print("FAILED  an unquoted variable was not found")
    for name in scripts():
        wrong = check(shellcheck, name, ROOT)
        if wrong:
            failed += 1
            print(f"FAILED  {name}\n{wrong}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

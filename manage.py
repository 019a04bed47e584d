#!/usr/bin/env python3
"""The one door: `demo`, `test`, `benchmark`, `prove`, `chaos`, `lock`, and every Django command.

Needs Python 3.11 and nothing else: compose/boot.py builds `.venv` from a hash-locked file when it is missing or stale
and starts this file again inside it. Kept in words old interpreters understand, so that they can say they are too old.
"""

import sys

OLDEST = (3, 11)


def too_old(version, found=None):
    """The sentence for an interpreter older than OLDEST; `found` names a newer one seen on the PATH."""
    sentence = "This is Python {}; the tracker needs Python {} or newer. ".format(
        ".".join(str(part) for part in version[:3]), ".".join(str(part) for part in OLDEST)
    )
    if found:
        return sentence + "There is one here: run `" + found + " manage.py ...` instead."
    return sentence + "Install one (python.org, your distribution, or pyenv) and run the same command with it."


def newer_on_path():
    """The name of a recent enough interpreter on the PATH, or None."""
    try:
        from shutil import which
    except ImportError:  # Python 2
        from distutils.spawn import find_executable as which

    for minor in range(16, OLDEST[1] - 1, -1):
        name = "python3." + str(minor)
        if which(name):
            return name
    return None


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.stderr.write(too_old(sys.version_info, newer_on_path()) + "\n")
        sys.exit(2)
    from compose import boot

    sys.exit(boot.main(sys.argv))

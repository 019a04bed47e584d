"""Serving a Simulator with gunicorn's own asgi worker: one process for the requests, on loopback only."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from starlette.applications import Starlette

from migrator.simulator import scenarios
from migrator.simulator.clock import Clock, ClockError
from migrator.simulator.estate import EstateError
from migrator.simulator.http import Simulator, create_app
from migrator.simulator.persistence import Keeper, StateError
from migrator.simulator.platform import Platform

LOOPBACK = "127.0.0.1"
PORT = 8085


def simulator(
    scenario: str,
    *,
    estate: Mapping[str, Any] | None = None,
    seed: int = 1,
    state: str | None = None,
    speed: float | None = None,
) -> Simulator:
    """A Simulator with its state directory: continued when the directory holds a state, begun anew otherwise.

    Raises EstateError, StateError, ClockError. `speed` None: as it was, or 1.
    """
    begun = scenarios.find(scenario, seed=seed) if estate is None else scenarios.checked(estate)
    keeper = Keeper(state)
    platform = keeper.restore(scenario)
    if platform is None:
        platform = Platform(begun, seed=seed, clock=Clock(factor=1.0 if speed is None else speed))
    elif speed is not None and speed != platform.clock.factor:
        platform.clock.set_factor(speed)
    return Simulator(platform, scenario=scenario, estate=begun, keeper=keeper)


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


def parser(prog: str = "python -m migrator.simulator") -> argparse.ArgumentParser:
    """The command line, also used by `manage.py simulate`."""
    made = argparse.ArgumentParser(prog=prog, description="A local Azure, strict and seeded, on loopback only.")
    add_arguments(made)
    return made


def add_arguments(made: argparse.ArgumentParser) -> None:
    names = ", ".join(scenarios.NAMES)
    made.add_argument("--port", type=int, default=PORT, help=f"port on {LOOPBACK} (default {PORT})")
    made.add_argument("--scenario", default="demo", metavar="NAME|FILE", help=f"one of {names}, or an estate file")
    made.add_argument("--seed", type=int, default=1, help="for durations and chances (default 1)")
    made.add_argument("--state", metavar="DIR", help="keep the state there; it survives a restart")
    made.add_argument("--speed", type=float, help="simulated seconds per real second (default 1)")
    made.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)  # a listening socket handed down (running.py)


def serve(options: argparse.Namespace) -> int:
    """Run until stopped. Returns 2 after one sentence on stderr when it cannot start."""
    try:
        if options.listen_fd is None and not 1 <= options.port <= 65535:
            raise EstateError(f"--port {options.port} is not a port; give 1 to 65535.")
        begun = scenarios.find(options.scenario, seed=options.seed)
        Clock(factor=1.0 if options.speed is None else options.speed)
    except (EstateError, ClockError) as error:
        print(error, file=sys.stderr)
        return 2

    def make() -> Simulator:
        try:
            return simulator(
                options.scenario, estate=begun, seed=options.seed, state=options.state, speed=options.speed
            )
        except StateError as error:
            print(error, file=sys.stderr)
            raise SystemExit(4) from error  # gunicorn: the application cannot be loaded, do not try again

    where = "an inherited socket" if options.listen_fd is not None else f"http://{LOOPBACK}:{options.port}"
    print(f"Simulated Azure, scenario {options.scenario}, seed {options.seed}, on {where}", flush=True)
    bind = f"{LOOPBACK}:{options.port}" if options.listen_fd is None else f"fd://{options.listen_fd}"
    _Server(bind, make).run()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    return serve(parser().parse_args(arguments))

"""The crash matrix: python3 manage.py chaos [--rounds N] [--minutes N] [--seed S] [--points C13,C17]"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"

import django

UNITS_OF_A_ROUND = 6
ROUNDS_OF_A_WORLD = 8  # then everything is made anew: other servers, another history


def main(arguments: Sequence[str]) -> int:
    """1 when something was violated; then seed, plan and commit are printed, by which it can be seen again."""
    django.setup()
    from tests.chaos.plan import EVERY
    from tests.chaos.rounds import chosen
    from tests.chaos.table import Tally

    parser = argparse.ArgumentParser(prog="manage.py chaos", description="The crash matrix, with real processes.")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="of six units each; 12 when nothing is said")
    parser.add_argument("--minutes", type=float, default=0, metavar="N", help="begin no other round after so many")
    parser.add_argument("--seed", type=int, help="of an earlier run, to throw the same dice again")
    parser.add_argument("--points", default="", help=f"some of {','.join(EVERY)}; all when left out")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the logs of every world here")
    given = parser.parse_args(arguments)
    points = [name.strip().upper() for name in given.points.split(",") if name.strip()] or list(EVERY)
    if unknown := [name for name in points if name not in EVERY]:
        parser.error(f"there is no point {unknown[0]}; there are {', '.join(EVERY)}")
    rounds = given.rounds or (12 if not given.minutes else 1_000_000)
    seed = random.SystemRandom().randrange(1, 2**31) if given.seed is None else given.seed

    began, tally, number = time.monotonic(), Tally(), 0
    waiting = list(points)  # so that every point has its turn before one has its second
    random.Random(seed).shuffle(waiting)
    while number < rounds and not _late(began, given.minutes):
        with tempfile.TemporaryDirectory(prefix="tracker-chaos-") as folder:
            number = _world(Path(folder), number, rounds, seed, points, waiting, tally, (began, given.minutes), chosen)
            if given.keep:
                _keep(Path(folder), Path(given.keep))
    minutes = (time.monotonic() - began) / 60
    print(f"\n{tally.table(EVERY)}\n")
    print(f"{number} rounds of {UNITS_OF_A_ROUND} units, {minutes:.1f} min; seed {seed}; commit {_commit()}.")
    print(f"{tally.sends} requests, {tally.doubled} sent twice, {len(tally.violations)} violations.")
    for line in tally.violations:
        print(f"VIOLATED {line}")
    return 1 if tally.violations else 0


def _world(folder, number, rounds, seed, points, waiting, tally, limit, chosen) -> int:
    """Some rounds in one world; how many there were in all."""
    from tests.chaos.rounds import Round
    from tests.chaos.world import world

    count = min(ROUNDS_OF_A_WORLD, rounds - number)
    with world(folder, UNITS_OF_A_ROUND * count) as made:
        units = [row["id"] for row in made.sql("SELECT id FROM tracker_unit ORDER BY id")]
        names = {row["id"]: row["name"] for row in made.sql("SELECT id, name FROM tracker_unit")}
        for _ in range(count):
            if number and _late(*limit):
                break
            number += 1
            dice = random.Random(f"{seed}:{number}")
            mine, units = units[:UNITS_OF_A_ROUND], units[UNITS_OF_A_ROUND:]
            here = [waiting.pop() for _ in range(min(6, len(waiting)))]
            plan = chosen(dice, here, len(here)) if here else chosen(dice, points, dice.randint(1, 6))
            aborts = [names[pk] for pk in dice.sample(mine, dice.randint(0, 2))]
            said = " ".join(f"{point}={action}" for point, action in plan.items())
            say(f"round {number}: {said}")
            report = Round(made, dice, say).run(plan, mine, aborts=aborts)
            say(f"  {report.seconds:.0f} s, {report.sends} requests, {len(report.violations)} violations")
            missed = [f"round {number} ({said}): {line}" for line in report.violations]
            tally.add(report, missed)
            for line in missed:
                say(f"VIOLATED {line}")
            if report.violations:
                break  # its world is no example for the next round
    return number


def _late(began: float, minutes: float) -> bool:
    return bool(minutes) and time.monotonic() - began > minutes * 60


def _keep(folder: Path, where: Path) -> None:
    where = where / folder.name
    where.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        (where / log.name).write_bytes(log.read_bytes())


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the engine promises, held and told in one table:

python3 manage.py prove [--only machine,races,guards] [--long [--part 1/8] [--minutes 7]] [--seed N]
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence

os.environ["DJANGO_SETTINGS_MODULE"] = "tracker.settings"

import django


def main(arguments: Sequence[str]) -> int:
    """1 when a promise was broken, or a proof could not be held."""
    from tests.proof.registry import PROOFS, Line, Wish, table

    parser = argparse.ArgumentParser(prog="manage.py prove", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--only", default="", help=f"some of {','.join(PROOFS)}; all when left out")
    parser.add_argument("--long", action="store_true", help="thousands instead of tens")
    parser.add_argument("--seed", type=int, help="of an earlier run, to see it again")
    parser.add_argument("--part", default="1/1", help="of a long proof, such as 2/8: so much in one run")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="after which a long proof stops and tells its table"
    )
    given = parser.parse_args(arguments)
    wanted = [name.strip() for name in given.only.split(",") if name.strip()] or list(PROOFS)
    if unknown := [name for name in wanted if name not in PROOFS]:
        parser.error(f"there is no proof {unknown[0]}; there are {', '.join(PROOFS)}")
    part, _, parts = given.part.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        parser.error(f"{given.part} is no part; say 2/8 for the second eighth")
    seed = random.SystemRandom().randrange(1, 2**31) if given.seed is None else given.seed
    django.setup()

    found: list[tuple[str, Line]] = []
    broken = False
    began = time.monotonic()
    for name in wanted:
        say(f"{name}: {PROOFS[name].about} (seed {seed})")
        try:
            with prepared(PROOFS[name].database):
                wish = Wish(long=given.long, seed=seed, say=say, part=(int(part), int(parts)), minutes=given.minutes)
                for line in PROOFS[name].lines(wish):
                    found.append((name, line))
                    came = f"{len(line.violations)} violations" + (f"; {line.note}" if line.note else "")
                    say(f"  {line.what}: {line.count:,} {line.unit}, {came}")
        except Exception:
            broken = True
            sys.excepthook(*sys.exc_info())
    command = " ".join(
        ["python3 manage.py prove", *arguments, *(() if given.seed is not None else ("--seed", str(seed)))]
    )
    print(f"{table(found)}\n\n`{command}`: {(time.monotonic() - began) / 60:.1f} min in all.", flush=True)
    for name, line in found:
        for sentence in line.violations[:20]:
            print(f"VIOLATED {name}, {line.what}: {sentence}", flush=True)
    return 1 if broken or any(line.violations for _, line in found) else 0


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def prepared(database: bool):
    from contextlib import nullcontext

    from tests.proof.database import test_database

    return test_database() if database else nullcontext()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python3 manage.py benchmark [--rows F1,F4] [--size small|full] [--keep]`: the figures, by row and as one table."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"

import django


def main(arguments: Sequence[str]) -> int:
    """1 when a row broke; a bar that is missed is a figure like any other."""
    django.setup()
    from tests.benchmarks import machine, rows
    from tests.benchmarks.bench import SIZES, Bench, NoData
    from tests.benchmarks.registry import ROWS, Figure, number_of

    rows.load()
    parser = argparse.ArgumentParser(prog="manage.py benchmark", description=__doc__)
    parser.add_argument("--rows", default="", help="such as F1,F4; all when left out")
    parser.add_argument("--size", choices=list(SIZES), default="full", help="full: 100,000 units, 1,000,000 events")
    parser.add_argument("--keep", action="store_true", help="keep the data on a server of your own, and use it again")
    given = parser.parse_args(arguments)
    wanted = [name.strip().upper() for name in given.rows.split(",") if name.strip()] or list(ROWS)
    if unknown := [name for name in wanted if name not in ROWS]:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join(sorted(ROWS, key=number_of))}")

    figures: list[Figure] = []
    broken: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tracker-benchmark-") as folder:
        bench = Bench(
            SIZES[given.size], given.keep, Path(folder), lambda line: print(line, file=sys.stderr, flush=True)
        )
        print(f"Machine: {machine.line()}\nSize: {given.size}; load average at the start: {machine.load()}", flush=True)
        try:
            for name in sorted(wanted, key=number_of):
                row = ROWS[name]
                if row.measure is None:
                    figures.append(Figure(name, row.about, row.why_not, verdict="not measured yet"))
                    continue
                print(f"\n{name}  {row.about}", flush=True)
                try:
                    for figure in row.measure(bench):
                        figures.append(figure)
                        print("   ", said(figure), flush=True)
                except NoData:
                    broken.append(name)
                    traceback.print_exc()
                    break
                except Exception:
                    broken.append(name)
                    traceback.print_exc()
                    for log in Path(folder).glob("*.log"):
                        sys.stderr.write(log.read_text(errors="replace")[-3_000:])
        finally:
            bench.close()
    print(f"\n{table(figures)}")
    minutes = (time.monotonic() - began) / 60
    print(f"\nLoad average at the end: {machine.load()}; {minutes:.1f} min in all.")
    if broken:
        print(f"Broken, not measured: {', '.join(broken)}.")
    return 1 if broken else 0


def said(figure) -> str:
    parts = [f"{figure.what}: {figure.ours}"]
    parts += [f"against {figure.limit}"] if figure.limit else []
    parts += [f"= {figure.ratio}"] if figure.ratio else []
    parts += [f"[bar {figure.bar}: {figure.verdict}]"] if figure.bar else []
    return " ".join(parts)


def table(figures) -> str:
    """Markdown, so that it can be kept as it is."""
    lines = ["| row | what | ours | against | ratio | bar | |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {f.row} | {f.what} | {f.ours} | {f.limit} | {f.ratio} | {f.bar} | {f.verdict} |" for f in figures]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

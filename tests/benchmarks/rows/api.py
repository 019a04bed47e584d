"""F4: the REST list against a plain ModelViewSet."""

from collections.abc import Iterator

from tests.benchmarks.bench import Bench
from tests.benchmarks.clock import interleaved, ms
from tests.benchmarks.registry import Figure, at_most, row


@row("F4", "REST list of 100 units")
def rest_list(bench: Bench) -> Iterator[Figure]:
    program = bench.program(bench.full)
    found = interleaved(
        {
            "units": lambda: program.get("/api/v1/units/?limit=100"),
            "resources": lambda: program.get("/api/v1/resources/?limit=100"),
            "events": lambda: program.get("/api/v1/audit/events/?limit=100"),
            "plain": lambda: program.get("/floor/units/"),
        },
        bench.size.repetitions,
    )
    plain = found.pop("plain")
    for what, samples in found.items():
        ratio = samples.median / plain.median
        bar = "≤ 0.5 ×" if what == "units" else ""
        yield Figure(
            "F4", f"100 {what}", str(samples), f"plain ModelViewSet {ms(plain.median)}", f"{ratio:.2f} ×", bar,
            at_most(ratio, 0.5) if bar else "no bar",
        )  # fmt: skip

"""Rows of the engine and of scale, which a later step measures."""

from tests.benchmarks.registry import later

LATER = "comes with the rows of the engine"
later("F17", "wave plan, 5,000 units, 40 windows", LATER)
later("F20", "fresh machine to first page; migrate; whole suite", LATER)

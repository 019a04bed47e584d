from migrator.simulator.estates.small import build  # noqa: F401  (filled next)

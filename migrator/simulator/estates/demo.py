"""`demo`: Bramble, a retailer with a web shop, a logistics arm and an IT department: 3 subscriptions, 4 regions,
about 60 units.

About half can move (some with a change), a quarter is blocked, each by another documented rule, a quarter says too
little to be decided.
"""

from migrator.simulator.estate import Estate
from migrator.simulator.estates import demo_corporate, demo_logistics, demo_retail
from migrator.simulator.estates.builder import EstateBuilder


def build(seed: int = 1) -> Estate:
    """The whole demo estate."""
    builder = EstateBuilder("demo", seed)
    demo_retail.build(builder)
    demo_logistics.build(builder)
    demo_corporate.build(builder)
    return builder.estate()

"""A simulated Azure and a clock, as for the tests of the inventory."""

from tests.tracker.inventory.conftest import azure, clock, simulator

__all__ = ["azure", "clock", "simulator"]

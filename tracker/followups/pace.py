"""What a follow-up asks before it touches the platform: may it write now, may it read. The engine answers; this slice
stands below it and knows only the questions."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from migrator.gateway.protocol import AzureGateway
from tracker.inventory.models import Unit


class Pace(Protocol):
    def stopped(self, unit: Unit, now: datetime) -> tuple[str, float] | None:
        """Why nothing may be written for this unit now, and for how many seconds; None: it may, and a token is taken.
        Inside the transaction of the intent; holds the freeze until that ends."""

    def reads(self, gateway: AzureGateway, unit: Unit, clock: Callable[[], datetime]) -> AbstractContextManager[object]:
        """What is read inside is paid for."""

    def no_reads(self, unit: Unit, clock: Callable[[], datetime]) -> float:
        """Seconds until the unit's subscription may be read; 0.0: now."""


class Unpaced:
    """Nothing stands against anything: for tests of what is sent."""

    def stopped(self, unit: Unit, now: datetime) -> tuple[str, float] | None:
        return None

    def reads(self, gateway: AzureGateway, unit: Unit, clock: Callable[[], datetime]) -> AbstractContextManager[object]:
        return nullcontext()

    def no_reads(self, unit: Unit, clock: Callable[[], datetime]) -> float:
        return 0.0

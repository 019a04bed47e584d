"""Reads against the budget of their subscription (azure.md 8.1: 250, and 25 more a second), shared by all workers.

How many requests a look takes is known only after it, so a worker pays behind: it asks whether something is left,
looks, and adds up what it read. What it owes is written down in portions, so that not every look of thousands waits for
one row; a process owes at most a portion that nobody else knows of, and dies without paying at most that.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from migrator.gateway.protocol import AzureGateway
from tracker.runs.actions import budget

Clock = Callable[[], datetime]  # asked only where something is written down
PORTION = 20  # reads that are not written down yet, at most
AGE = 2.0  # seconds after which a worker asks again what the others left


@dataclass(slots=True)
class _Account:
    left: float  # tokens, when it was last written down
    at: float  # time.monotonic() of that
    shut_until: float = 0.0  # time.monotonic() before which the platform wants no reads
    owed: int = 0


_accounts: dict[str, _Account] = {}
_one_at_a_time = threading.Lock()


def forget() -> None:
    """Of a process that turns to another database."""
    with _one_at_a_time:
        _accounts.clear()


def wait(subscription_id: str, clock: Clock, *, others: int) -> float:
    """Seconds until this subscription may be read; 0.0: now. `others`: how many wait beside this one. They come back
    spread over the time in which their turn can come, not all at once."""
    with _one_at_a_time:
        account = _accounts.get(subscription_id)
        fresh = account is not None and time.monotonic() - account.at < AGE
        if account is None or not fresh or account.owed >= PORTION or account.left - account.owed < 1:
            account = _write_down(subscription_id, account, clock(), None)
        shut = account.shut_until - time.monotonic()
        missing = 1 - account.left + account.owed
    if shut <= 0 and missing <= 0:
        return 0.0
    turn = max(0.0, missing) / budget.REFILL["read"]
    return max(shut, turn) + random.uniform(0, max(1, others) / budget.REFILL["read"])  # noqa: S311 - no secret


class counted:
    """`with counted(gateway, subscription, clock):` what is read inside is paid for, however it ends."""

    def __init__(self, gateway: AzureGateway, subscription_id: str, clock: Clock) -> None:
        self._traffic, self._subscription, self._clock = gateway.traffic, subscription_id, clock

    def __enter__(self) -> None:
        self._before = self._traffic.reads

    def __exit__(self, *_: object) -> None:
        spent(self._subscription, self._traffic.reads - self._before, self._traffic.reads_left, self._clock)
        if self._traffic.refused_for:
            shut(self._subscription, self._traffic.refused_for, self._clock)
            self._traffic.refused_for = 0.0


def spent(subscription_id: str, reads: int, left: int | None, clock: Clock) -> None:
    """So many reads were sent; `left`: what the platform said is left."""
    with _one_at_a_time:
        account = _accounts.get(subscription_id)
        if account is not None:
            account.owed += reads
        if account is None or account.owed >= PORTION or (left is not None and left < account.left - account.owed):
            _write_down(subscription_id, account, clock(), left, reads if account is None else 0)


def shut(subscription_id: str, seconds: float, clock: Clock) -> None:
    """The platform refused a read and asked to wait."""
    with _one_at_a_time:
        account = _write_down(subscription_id, _accounts.get(subscription_id), clock(), None, shut=seconds)
        account.shut_until = max(account.shut_until, time.monotonic() + seconds)


def _write_down(
    subscription_id: str,
    account: _Account | None,
    now: datetime,
    left: int | None,
    more: int = 0,
    *,
    shut: float = 0.0,
) -> _Account:
    owed = (account.owed if account else 0) + more
    tokens, closed = budget.pay(subscription_id, "read", owed, now, left=left, shut=shut)
    _accounts[subscription_id] = _Account(tokens, time.monotonic(), time.monotonic() + closed)
    return _accounts[subscription_id]

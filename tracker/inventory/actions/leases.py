"""A lease that is renewed while work goes on, and ends soon after its process does.

What follows a sync or an import (quota, assessment) is one long transaction for each subscription: nothing it writes is
seen before its end, so that it cannot renew its own lease. A thread with a connection of its own does.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import QuerySet

logger = logging.getLogger(__name__)
LEASE = timedelta(seconds=90)  # a worker that says nothing for so long is taken for dead
RENEW = 20.0  # seconds between two renewals
AFTER_ERROR = timedelta(minutes=30)  # before work that ended in an error of ours is tried again


@contextmanager
def kept(rows: QuerySet[Any], clock: Callable[[], datetime]) -> Iterator[None]:
    """While the block runs, `lease_until` of these rows lies at most `LEASE` ahead. Work that was interrupted by an
    error is nobody's for `AFTER_ERROR`."""
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(rows, clock, done), name="lease", daemon=True)
    renewing.start()
    try:
        yield
    except Exception:
        _stop(renewing, done)
        with suppress(DatabaseError):  # the error itself matters more
            rows.update(lease_until=clock() + AFTER_ERROR)
        raise
    finally:
        _stop(renewing, done)


def _stop(renewing: threading.Thread, done: threading.Event) -> None:
    done.set()
    renewing.join()


def _renew(rows: QuerySet[Any], clock: Callable[[], datetime], done: threading.Event) -> None:
    while not done.wait(RENEW):
        try:
            rows.update(lease_until=clock() + LEASE)
        except DatabaseError as error:  # the next turn tries again; if none gets through, another worker takes over
            logger.warning("a lease could not be renewed: %s", error)
        finally:
            connection.close()

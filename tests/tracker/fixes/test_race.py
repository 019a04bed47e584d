"""Two at once, on connections of their own, committed for real."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.simulator import running
from tests.live_database import emptied_for_real  # noqa: F401 - the append-only tables need it
from tests.tracker.fixes.conftest import Company
from tracker.fixes import actions as fixes
from tracker.fixes.models import Fix
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def real(simulator: running.Running, transactional_db: None) -> Iterator[Company]:
    made = Company(simulator)
    made.gateway.close()
    made.gateway = gateway(made)  # type: ignore[assignment]
    made.begin("demo")
    yield made
    made.close()


def gateway(company: Company) -> Azure:
    base = company.simulator.base_url
    return Azure(base, f"{base}/service-management", StaticToken("a-token"), deadline=5)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What became of each: "done", or the name of what refused it."""
    begin, outcomes = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        begin.wait(10)
        try:
            act()
            outcomes.append("done")
        except (fixes.FixError, runs.RunError) as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


def test_of_a_run_and_a_fix_that_begin_at_once_one_is_refused(real: Company) -> None:
    unit = real.unit("store-locator")
    real.approved("store-locator")
    fix = real.asked("store-locator", "CS-SINGLE-INSTANCE")
    outcomes = at_once(
        lambda: runs.start(unit, by=real.tomas, now=database_now()),
        lambda: fixes.approve(fix, seal=fix.seal, by=real.aiko, now=database_now()),
    )
    assert outcomes in (["Illegal", "done"], ["NotNow", "done"])
    fix.refresh_from_db()
    assert (fix.state == "approved") != Run.objects.filter(unit=unit, ended_at=None).exists()


def test_of_two_who_ask_for_the_same_fix_at_once_one_is_told_so(real: Company) -> None:
    outcomes = at_once(*[lambda: real.asked("campaign-site", "CS-TWO-SLOTS-DYN")] * 2)
    assert outcomes == ["NotNow", "done"]
    assert Fix.objects.count() == 1


def test_workers_at_once_send_once(real: Company) -> None:
    fix = real.approved_fix("campaign-site", "CS-TWO-SLOTS-DYN")

    def work() -> None:
        with gateway(real) as azure:
            fixes.advance(fix.pk, gateway=lambda _: azure, clock=database_now)

    assert at_once(*[work] * 4) == ["done"] * 4
    assert len(real.requests("DELETE", "")) == 1

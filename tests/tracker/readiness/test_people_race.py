"""Two people at once, on connections of their own, committed for real."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from migrator.simulator import running
from tests.live_database import emptied_for_real  # noqa: F401 - the append-only tables need it
from tests.tracker.readiness.people import Company
from tracker.readiness import actions
from tracker.readiness.models import Attestation, Waiver
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(simulator: running.Running, transactional_db: None) -> Iterator[Company]:
    made = Company(simulator)
    made.begin()
    yield made
    made.close()


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What became of each: "done", or the name of what refused it."""
    begin, outcomes = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        begin.wait(10)
        try:
            act()
            outcomes.append("done")
        except (actions.WaiverRefused, actions.AttestationRefused) as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def test_of_an_agreement_and_a_refusal_at_once_one_holds(company: Company) -> None:
    waiver = company.want()
    said = at_once(
        lambda: company.agree(waiver),
        lambda: actions.decline_waiver(waiver, reason="No.", by=company.aiko, now=database_now()),
    )
    assert said == ["WaiverRefused", "done"]
    waiver.refresh_from_db()
    assert company.unit("legacy-net").verdict == ("unknown" if waiver.state == "approved" else "blocked")


def test_asked_twice_at_once_there_is_one(company: Company) -> None:
    assert at_once(company.want, lambda: company.want(by=company.maya)) == ["WaiverRefused", "done"]
    assert Waiver.objects.count() == 1


def test_answered_twice_at_once_one_answer_counts(company: Company) -> None:
    finding = company.finding("shop-net", "VNET-BATCH")
    said = at_once(
        lambda: company.attest(finding, applies=True),
        lambda: company.attest(finding, applies=False, by=company.aiko),
    )
    assert said == ["done", "done"]
    counting = Attestation.objects.get(ended_at__isnull=True)
    assert company.finding("shop-net", "VNET-BATCH").outcome == ("yes" if counting.applies else "no")


def test_an_assessment_that_began_before_does_not_undo_an_agreement(company: Company) -> None:
    """A sync's evaluation and an agreement at once: whoever stores last has read what the other wrote."""
    waiver = company.want()
    unit = company.unit("legacy-net")
    at_once(
        lambda: company.agree(waiver),
        *(lambda: actions.assess([unit], now=database_now(), by=company.tomas.actor) for _ in range(3)),
    )
    assert company.finding().waived
    assert company.unit("legacy-net").verdict == "unknown"

"""Every order of guards.py, in SQL and in the product's own role."""

import pytest

from migrator.simulator import running
from tests.proof import guards
from tests.proof.database import own_connection
from tests.tracker.runs.programme import Programme


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_every_forbidden_order_and_takes_the_honest_ones() -> None:
    with running.simulator(scenario="journey", speed=600) as simulator:
        programme = Programme(simulator)
        ids = guards.world(programme)
        programme.close()
    with own_connection() as connection:
        superuser = connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone()
        assert superuser == (False,), "a superuser is bound by nothing; the tests' role has to be as the product's"
        found = [(order.name, code, order.code) for _, order, code in guards.tried(connection, ids)]
    wrong = [
        f"{name}: {code or 'passed'}, expected {wanted or 'to pass'}" for name, code, wanted in found if code != wanted
    ]
    assert wrong == []
    assert len([wanted for _, _, wanted in found if wanted]) >= 100

"""The catalogue in the API: what waits, what it would change, and that every answer fits the document."""

import pytest

from tests.api.conftest import Api
from tests.api.test_schema import Checked
from tests.tracker.readiness.catalogues import made, release, without
from tests.web.conftest import estate, recording  # noqa: F401 - the journey estate, read and assessed
from tests.web.estate import Estate
from tracker.inventory.models import Unit
from tracker.readiness import actions as readiness
from tracker.readiness.catalogue_models import CatalogueWork
from tracker.runs.queries import database_now


def walk() -> None:
    readiness.advance_catalogue(CatalogueWork.objects.get(state="running").pk, clock=database_now)


def test_the_same_as_on_the_page(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    first = estate.submitted(estate.wave("Spring", "shop-net"))
    estate.wave("Autumn", "shopfiles")
    run = estate.run("shopfiles", state="prepared")
    ask = Checked(Api(estate.noor))
    nothing = ask.get("rules/catalogue/")
    assert nothing["waiting"] is None and nothing["touched"] is None
    assert nothing["in_force"]["version"] == readiness.know_catalogue(database_now()).version
    assert ask.get("rules/catalogue/units/")["results"] == []

    version = release(monkeypatch, [*without("VNET-PEERING"), made("NEW-ONE")])
    readiness.know_catalogue(database_now())
    readiness.preview_catalogue(by=estate.maya, now=database_now())
    waits = ask.get("rules/catalogue/")
    assert (waits["waiting"]["version"], waits["waiting"]["switched_on_at"]) == (version, None)
    assert waits["preview"]["state"] == "running" and waits["verdicts"] == []
    assert {(one["rule"], one["kind"], one["before"], one["after"]) for one in waits["rules"]} == {
        ("NEW-ONE", "new", None, "blocks"),
        ("VNET-PEERING", "removed", "blocks", None),
    }
    walk()
    found = ask.get("rules/catalogue/")
    assert (found["touched"], found["moved"], found["stale"]) == (4, 2, 0)
    assert sum(one["units"] for one in found["verdicts"]) == 4
    assert [one["name"] for one in found["waves"]] == ["Autumn", "Spring"]
    assert [one["id"] for one in found["approvals"]] == [first.pk]
    assert [one["id"] for one in found["runs"]] == [str(run.pk)]

    listed = ask.get("rules/catalogue/units/")["results"]
    assert len(listed) == 4 and all(one["came"] == ["NEW-ONE"] for one in listed)
    narrowed = ask.api.get("rules/catalogue/units/", before="unknown", after="blocked").json()["results"]
    assert len(narrowed) == 2
    page = ask.api.get("rules/catalogue/units/", limit=3).json()
    assert len(page["results"]) == 3 and "cursor=" in page["next"]
    ask.check("rules/catalogue/units/", ask.api.get("rules/catalogue/units/", before="green"), 400)

    Unit.objects.filter(name="pricing").update(changed_at=database_now())
    assert ask.get("rules/catalogue/")["stale"] == 1
    readiness.preview_catalogue(by=estate.maya, now=database_now())
    walk()
    readiness.switch_on(version, reason="Published.", by=estate.maya, now=database_now())
    after = ask.get("rules/catalogue/")
    assert (after["in_force"]["version"], after["in_force"]["reason"]) == (version, "Published.")
    assert after["assessing"]["total"] == 4


def test_it_takes_a_person(db: None, client) -> None:
    assert client.get("/api/v1/rules/catalogue/").status_code == 401

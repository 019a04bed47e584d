"""Where a unit goes, what goes before it, and its commands, on its page."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.estate import Estate
from tracker.accounts.models import User

As = Callable[[User], Client]


@pytest.mark.parametrize(
    ("name", "command"),
    [("shop-net", "Move-AzureVirtualNetwork -Prepare"), ("shopfiles", "Move-AzureStorageAccount -Prepare")],
)
def test_the_commands_of_a_unit_stand_on_its_page_and_in_the_api(
    estate: Estate, as_person: As, name: str, command: str
) -> None:
    client, unit = as_person(estate.noor), estate.unit(name)
    assert command in client.get(f"/units/{unit.pk}/runs/").content.decode()
    answer = client.get(f"/api/v1/units/{unit.pk}/").json()
    assert any(each["powershell"].startswith(command) for each in answer["commands"])
    assert answer["destination"] is None


def test_roles_are_refused_an_existing_network_with_what_was_typed(estate: Estate, as_person: As) -> None:
    estate.wave("Pilot", "shop-net")
    given = {"group": "hub", "network": "hub-net-7", "subnet": "apps"}
    answer = as_person(estate.maya).post(f"/units/{estate.unit('shop-net').pk}/network/", given)
    assert answer.status_code == 409
    assert "only a deployment outside any network" in answer.content.decode()


@pytest.mark.parametrize("path", ["network", "order"])
def test_who_only_reads_changes_nothing(estate: Estate, as_person: As, path: str) -> None:
    unit = estate.unit("pricing")
    assert as_person(estate.noor).post(f"/units/{unit.pk}/{path}/", {"reason": "x"}).status_code == 403
    assert as_person(estate.noor).get(f"/units/{unit.pk}/{path}/").status_code in (403, 405)

"""Secrets that stay in a Key Vault: the address is kept and told; the secret is read when it is sent, kept nowhere."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from migrator.gateway.arm import CONNECT_TIMEOUT, AzureWire, StaticToken
from migrator.gateway.protocol import Answer, Unreachable
from migrator.gateway.vaults import KeyVaults
from migrator.resources import ArmRequest
from migrator.vaults import Reference
from tests.tracker.followups.test_followups import SECRET_ANSWER, with_a_secret
from tests.tracker.followups.test_sealing import everything
from tests.tracker.runs.programme import Programme
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now


class Sent:
    """A gateway that keeps what it is asked to send, and sends it."""

    def __init__(self, gateway: Any) -> None:
        self.gateway, self.requests = gateway, list[ArmRequest]()

    def send(self, request: ArmRequest) -> Answer:
        self.requests.append(request)
        return self.gateway.send(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)


@pytest.fixture
def vault(programme: Programme, settings: Any) -> str:
    """A Key Vault of the simulator, the only one that may be read, with the address of the webhook in it."""
    groups = f"/subscriptions/{programme.subscription.pk}/resourceGroups"
    listed = programme.gateway.send(ArmRequest(method="GET", path=groups, api_version="2025-04-01"))
    group = listed.body["value"][0]["id"]
    place = f"{group}/providers/Microsoft.KeyVault/vaults/keys"
    made = {place: {"enableRbacAuthorization": True}, f"{place}/secrets/hook": {"value": SECRET_ANSWER}}
    for path, facts in made.items():
        body = {"location": "westeurope", "properties": facts}
        programme.gateway.send(ArmRequest(method="PUT", path=path, api_version="2024-11-01", body=body))
    settings.KEY_VAULTS = (f"{programme.simulator.base_url}/vaults/keys",)
    return settings.KEY_VAULTS[0]


def reader(programme: Programme, vault: str) -> Any:
    wire = lambda endpoint, scope: AzureWire(endpoint, StaticToken("a-token"), CONNECT_TIMEOUT, scope)  # noqa: E731
    return KeyVaults((vault,), wire).secret


def with_an_address(programme: Programme, vault: str) -> FollowUp:
    row = with_a_secret(programme, f"{vault}/secrets/hook")
    row.refresh_from_db()
    return row


def carried(programme: Programme, row: FollowUp, azure: Any, secret: Any) -> FollowUp:
    for _ in range(12):
        FollowUp.objects.filter(pk=row.pk).exclude(due_at=None).update(due_at=database_now(), lease_until=None)
        followups.advance(row.pk, gateway=lambda _: azure, clock=database_now, secret=secret)
        row.refresh_from_db()
        if row.state in ("closed", "failed"):
            break
    return row


def test_the_address_is_kept_and_told_and_azure_gets_the_secret(programme: Programme, vault: str) -> None:
    row = with_an_address(programme, vault)
    place = f"vault:{vault}/secrets/hook"
    assert place in row.answers.values() and place in queries.told(queries.required(row)).values()
    assert place in json.dumps(queries.shown(queries.required(row), [r.body for r in queries.required(row).requests]))
    followups.apply(row, by=programme.tomas, now=database_now())
    azure = Sent(programme.gateway)
    row = carried(programme, row, azure, reader(programme, vault))
    assert (row.state, row.last_error) == ("closed", "")
    put = [request for request in azure.requests if request.method == "PUT"]
    assert any(SECRET_ANSWER in json.dumps(request.body) for request in put)
    assert not any(vault in json.dumps(request.body) for request in put)
    assert SECRET_ANSWER not in everything(), "nowhere in what is kept, nor in the history"


def test_what_the_vault_refuses_is_said_and_nothing_is_sent(programme: Programme, vault: str) -> None:
    row = with_a_secret(programme, f"{vault}/secrets/nobody")
    followups.apply(row, by=programme.tomas, now=database_now())
    azure = Sent(programme.gateway)
    row = carried(programme, row, azure, reader(programme, vault))
    assert row.state == "failed" and f"There is no secret {vault}/secrets/nobody" in row.last_error
    assert (azure.requests, row.sent) == ([], False)


def test_a_vault_that_is_silent_is_asked_again_later(programme: Programme, vault: str) -> None:
    row = with_an_address(programme, vault)
    followups.apply(row, by=programme.tomas, now=database_now())

    def silent(_: Reference) -> str:
        raise Unreachable("The Key Vault did not answer.")

    said = followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now, secret=silent)
    row.refresh_from_db()
    assert said.startswith("again later") and (row.state, row.sent, row.tries) == ("wanted", False, 1)


def test_where_no_vault_may_be_read_any_more_it_fails_and_the_address_is_never_sent(
    programme: Programme, vault: str
) -> None:
    row = with_an_address(programme, vault)
    followups.apply(row, by=programme.tomas, now=database_now())
    azure = Sent(programme.gateway)
    followups.advance(row.pk, gateway=lambda _: azure, clock=database_now)
    row.refresh_from_db()
    assert row.state == "failed" and "No Key Vault may be read here" in row.last_error and azure.requests == []


def test_with_a_vault_a_secret_itself_is_not_taken(programme: Programme, vault: str) -> None:
    with pytest.raises(followups.WrongAnswer, match="secrets are not kept here") as refused:
        with_a_secret(programme)
    assert SECRET_ANSWER not in str(refused.value)
    assert SECRET_ANSWER not in everything()
    row = FollowUp.objects.get(state=FollowUp.State.QUESTION, basis__document__properties__has_key="actions")
    (question,) = [one for one in queries.required(row).questions if one.secret]
    other = {question.id: "https://other.vault.azure.net/secrets/hook"}
    with pytest.raises(followups.WrongAnswer, match="is not one of the Key Vaults this product may read"):
        followups.answer(row, other, by=programme.tomas, now=database_now())


def test_the_page_asks_for_the_address_and_shows_it(programme: Programme, vault: str, client: Client) -> None:
    row = with_an_address(programme, vault)
    client.force_login(programme.tomas)
    page = client.get(reverse("follow_up", args=[row.pk])).content.decode()
    assert f'value="{vault}/secrets/hook"' in page and f'placeholder="{vault}/secrets/…"' in page
    assert "Read from the Key Vault when it is sent, and kept nowhere." in page
    client.force_login(programme.maya)
    assert f"<b>{vault}/secrets/hook</b>" in client.get(reverse("follow_up", args=[row.pk])).content.decode()

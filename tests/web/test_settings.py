"""The page Settings: who may see it, and that it says what is in force, without a secret."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from migrator.gateway.clouds import CHINA
from migrator.gateway.shapes import INFERRED, Shapes
from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.values import Actor
from tracker.connections import actions
from tracker.connections.models import Check
from tracker.connections.probing import Seen
from tracker.inventory.models import Subscription

As = Callable[[User], Client]
SYNC = Actor("system", "sync", "Sync")


def text_of(client: Client) -> str:
    answer = client.get("/settings/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_administrators_and_auditors_see_it_and_nobody_else(ada: User, ina: User, as_person: As) -> None:
    root = person("root", Role.ADMINISTRATOR)
    assert as_person(ada).get("/settings/").status_code == 403
    assert "/settings/" not in as_person(ada).get("/rules/").content.decode()
    for one in (ina, root):
        client = as_person(one)
        assert client.get("/settings/").status_code == 200
        assert 'href="/settings/"' in client.get("/rules/").content.decode()
        assert client.post("/settings/").status_code == 405


def test_before_anything_was_read_it_says_so(ina: User, as_person: As) -> None:
    text = text_of(as_person(ina))
    assert text.count("No worker has looked yet") == len(Check.Door)
    assert "No subscription is known yet" in text and "No metadata was read yet" in text


def test_every_inferred_shape_stands_there_with_setting_tag_and_evidence(
    ina: User, as_person: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = text_of(as_person(ina))
    for one in INFERRED:
        assert one.setting in text and one.title in text and one.evidence in text
    assert text.count("the default") == len(INFERRED) and "set by hand</span>" not in text
    assert '"destinationVirtualNetwork": "New"' in text and "operationStatuses" in text
    shapes = Shapes(migrate_api_version="2017-11-15", deployment_body={"a": "<b>"})
    monkeypatch.setattr("django.conf.settings.AZURE_SHAPES", shapes)
    raw = as_person(ina).get("/settings/").content.decode()
    assert raw.count("set by hand</span>") == 2 and "2017-11-15" in raw and "<b>" not in raw.replace("<b class", "")


def test_what_is_set_is_shown_and_no_secret(ina: User, as_person: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hunter2")
    for name, value in {
        "AZURE_CLOUD": CHINA,
        "ARM_ENDPOINT": CHINA.resource_manager,
        "SERVICE_MANAGEMENT_ENDPOINT": CHINA.service_management,
        "AZURE_CREDENTIAL": "environment",
        "ENGINE_TIMINGS": "live",
        "APPROVALS_NEEDED": 2,
    }.items():
        monkeypatch.setattr(f"django.conf.settings.{name}", value)
    text = text_of(as_person(ina))
    for part in ("Azure China", CHINA.resource_manager, CHINA.authority, "[K]", "AZURE_CLIENT_SECRET", "300 s"):
        assert part in text
    assert "hunter2" not in text and "Rehearsal times" not in text


def test_rehearsal_is_named(ina: User, as_person: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.ENGINE_TIMINGS", "rehearsal")
    text = text_of(as_person(ina))
    assert "Rehearsal times" in text and "300 s against Azure" in text


class Offering:
    """A gateway that only says what it was told Azure lists."""

    def __init__(self, found: list[Any]) -> None:
        self.found = found

    def api_versions(self, subscription_id: str) -> list[Any]:
        return self.found


def test_what_the_worker_stored_is_shown(ina: User, as_person: As) -> None:
    from migrator.gateway.protocol import ApiVersion

    now, subscription = timezone.now(), Subscription.objects.create(id="0000", name="Contoso")
    slots = "Microsoft.ClassicCompute/domainNames/slots"
    offered = [
        ApiVersion(kind=slots, version="2016-11-01", source="provider metadata", listed=("2016-11-01",), read_at=now),
        ApiVersion(kind="Microsoft.A/b", version="2020-01-01", source="table", doubt="Azure lists 2021-01-01, not it."),
        ApiVersion(kind="Service management/network", version="2015-10-01", source="setting"),
    ]
    actions.read_versions(subscription, gateway=Offering(offered), by=SYNC, now=now)  # type: ignore[arg-type]
    said = "No token could be had: <script>AADSTS700016</script>"
    actions.checked([Seen(Check.Door.CREDENTIAL, False, said)], by=SYNC, now=now)
    Subscription.objects.update(
        registrations={
            "Microsoft.Quota": "NotRegistered",
            "Microsoft.Compute": "Registered",
            "Microsoft.Support": None,
        },
        registrations_read_at=now,
    )
    raw = as_person(ina).get("/settings/").content.decode()
    text = unescape(raw)
    assert "<code>2015-10-01</code>" in raw and "Service management/network" in text and "it has none" in text
    assert slots in text and "Azure lists 2021-01-01, not it." in text and "not readable" in text
    assert "1</b> may be refused" in raw
    assert said in text and "<script>AADSTS" not in raw
    assert '<span class="tag">Microsoft.Quota</span> NotRegistered' in text
    assert (
        '<span class="tag">Microsoft.Compute</span>' not in text and '<span class="tag">Microsoft.Support' not in text
    )

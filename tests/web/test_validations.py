"""Validate of many units: the pages, who may, what is refused; and the command."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tests.tracker.runs.programme import Programme
from tests.tracker.runs.test_validate_many import until
from tracker.accounts.models import User
from tracker.inventory.models import Unit
from tracker.runs import actions as runs
from tracker.runs.queries import database_now
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope

As = Callable[[User], Client]


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_from_the_wave_to_the_last_answer_every_number_opens_its_list(programme: Programme, as_person: As) -> None:
    other = Unit.objects.exclude(verdict="blocked").exclude(name="shop-net").filter(progress="assessed").first()
    assert other is not None
    programme.wave("shop-net", other.name)
    wave = programme.unit("shop-net").placement.wave
    client = as_person(programme.tomas)
    ask = f"{reverse('validation_new')}?scope=wave:{wave.pk}"
    assert ask in text(client, reverse("wave", args=[wave.pk]))
    page = text(client, ask)
    assert "Without an answer of the last seven days: <strong>2</strong>" in page
    answer = client.post(reverse("validation_new"), {"scope": f"wave:{wave.pk}", "which": "old"})
    row = Validation.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("validation", args=[row.pk]))
    page = text(client, answer["Location"])
    assert "0 of 2" in page and "Waits for its turn" in page
    until(programme, row)
    page = text(client, reverse("validation", args=[row.pk]))
    assert "Over since" in page and "2 of 2 units" in page
    for state in ValidatedUnit.State:
        number = row.items.filter(state=state).count()
        listed = text(client, f"{reverse('validation', args=[row.pk])}?state={state}")
        assert listed.count('class="row-link"') == number
        assert (f"<b>{number}</b>{state.label}" in page) or not number
    assert client.get(reverse("validation_part", args=[row.pk])).status_code == 200
    assert "Validate" in text(client, reverse("validations")) and wave.name in text(client, reverse("validations"))
    refused = client.post(reverse("validation_new"), {"scope": f"wave:{wave.pk}", "which": "old"})
    assert refused.status_code == 409 and "Ask for all" in refused.content.decode()


def test_who_may_not_ask_reads_whom_to_ask(programme: Programme, as_person: As) -> None:
    client = as_person(programme.maya)
    for address in (reverse("validations"), reverse("validation_new")):
        assert "takes the role engineer: ask Aiko, Tomas" in text(client, address)
    assert client.post(reverse("validation_new"), {"scope": "estate"}).status_code == 403
    row = runs.validate_many(Scope(), by=programme.tomas, now=database_now())
    assert client.post(reverse("validation_stop", args=[row.pk])).status_code == 403


SCOPES = ["wave:99999", "wave:x", "subscription:nobody", "planet", "subscription:\x00", "wave:"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_that_is_not_there_is_named_and_nothing_asked(programme: Programme, as_person: As, scope: str) -> None:
    client = as_person(programme.tomas)
    assert "hoose again" in text(client, f"{reverse('validation_new')}?scope={scope}", 404)
    assert client.post(reverse("validation_new"), {"scope": scope}).status_code == 404
    assert not Validation.objects.exists()


def test_a_stop_by_click_and_a_second_one(programme: Programme, as_person: As) -> None:
    row = runs.validate_many(Scope(), by=programme.tomas, now=database_now())
    client = as_person(programme.aiko)
    stop = reverse("validation_stop", args=[row.pk])
    said = client.post(stop, follow=True).content.decode()
    assert f"{row.units} units are not asked for any more" in said and "Stopped by Aiko" in said
    assert "It was stopped" in client.post(stop, follow=True).content.decode()
    assert client.post(reverse("validation_stop", args=[row.pk + 1])).status_code == 404


def command(**options: object) -> str:
    out = io.StringIO()
    call_command("validate", stdout=out, **options)
    return out.getvalue()


def test_the_command_asks_in_the_name_of_a_person(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    with pytest.raises(CommandError, match="no active account nobody"):
        command(username="nobody")
    with pytest.raises(CommandError, match="may not"):
        command(username="maya")
    with pytest.raises(CommandError, match="no wave"):
        command(username="tomas", wave="Nothing")
    with pytest.raises(CommandError, match="no subscription"):
        command(username="tomas", subscription="nothing")
    assert not Validation.objects.exists()
    assert "1 units of the wave" in command(username="tomas", wave=wave.name)
    row = Validation.objects.get()
    assert row.asked_by == programme.tomas.actor.key
    with pytest.raises(CommandError, match="being validated"):
        command(username="tomas", wave=wave.name, all=True)
    until(programme, row)
    assert "asked for" in command(username="tomas", subscription=programme.subscription.pk.upper())

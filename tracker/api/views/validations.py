"""Validate of many units: ask for it, follow it."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from tracker.accounts.permissions import Permission
from tracker.api import pages, serializers_validations
from tracker.api.endpoint import Endpoint, answered
from tracker.api.errors import BadParameter, NotHere, Problem
from tracker.api.pages import Parameter, words
from tracker.api.permissions import Requires
from tracker.inventory.models import Subscription
from tracker.runs import actions, validations
from tracker.runs.queries import database_now
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope
from tracker.waves.models import Wave


def validation_or_404(pk: int) -> Validation:
    found = Validation.objects.filter(pk=pk).first()
    if found is None:
        raise NotHere(f"There is no validation {pk}.")
    return found


def counted(rows: list[Validation]) -> list[Validation]:
    states = validations.counts(rows)
    for row in rows:
        row.states = states[row.pk]  # type: ignore[attr-defined]
    return rows


class Validations(Endpoint):
    name, tag, about, listed = "validations", "runs", "Wishes to validate many units, the newest first.", True
    about_post = "Ask for Validate of a wave, a subscription or the whole estate. It is sent at Azure's pace."
    permission = Requires(Permission.READ, POST=Permission.OPERATE)
    answer = answer_post = serializers_validations.VALIDATION
    may_conflict = True
    parameters = (
        Parameter("wave", "Id of a wave.", kind="number"),
        Parameter("live", "yes: only those that go on.", kind="yes-no"),
    )
    fields = (
        Parameter("wave", "Id of a wave: its units.", kind="number"),
        Parameter("subscription", "Id of a subscription: its units. Neither: the whole estate."),
        Parameter("which", "old: without an answer of the last seven days (default); all.", of=("old", "all")),
    )

    def get(self, request: Request) -> HttpResponse:
        rows = Validation.objects.all()
        if "wave" in self.asked:
            rows = rows.filter(wave=self.asked["wave"])
        if "live" in self.asked:
            rows = rows.filter(ended_at__isnull=self.asked["live"])
        found, cursor = pages.keyset(rows, self.name, {"-id": int}, self.asked)
        return self.listing(counted(list(found)), cursor)

    def post(self, request: Request) -> HttpResponse:
        given = pages.read_body(request.data, self.fields)
        old_only = given.get("which", "old") == "old"
        try:
            row = actions.validate_many(_scope(given), by=request.user, now=database_now(), old_only=old_only)
        except actions.RunError as error:
            said = f"{error} Nothing was changed."
            raise Problem(409, "not-now", "Not possible now", said, "Do what it says, then ask again.") from error
        return answered(request, self.answer_post.of(counted([row])[0]), status=202)


def _scope(given: dict[str, Any]) -> Scope:
    if "wave" in given and "subscription" in given:
        raise BadParameter("`wave` and `subscription` were both given; give one of them, or neither.")
    if "wave" in given:
        wave = Wave.objects.filter(pk=given["wave"]).first()
        if wave is None:
            raise NotHere(f"There is no wave {given['wave']}.")
        return Scope(wave=wave)
    if "subscription" in given:
        subscription = Subscription.objects.filter(pk=given["subscription"].lower()).first()
        if subscription is None:
            raise NotHere(f"There is no subscription {given['subscription'][:60]}.")
        return Scope(subscription=subscription)
    return Scope()


class OneValidation(Endpoint):
    name, tag, about = "validation", "runs", "One wish to validate many units."
    answer = serializers_validations.VALIDATION

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.one(counted([validation_or_404(pk)])[0])


class ValidatedUnits(Endpoint):
    name, tag, about, listed = "validated_units", "runs", "Units of a wish to validate many, in the order asked.", True
    answer = serializers_validations.VALIDATED_UNIT
    parameters = (Parameter("state", "A state.", of=words(ValidatedUnit.State), many=True),)

    def get(self, request: Request, pk: int) -> HttpResponse:
        rows = validations.items(validation_or_404(pk))
        if "state" in self.asked:
            rows = rows.filter(state__in=self.asked["state"])
        return self.listing(*pages.keyset(rows, self.name, {"id": int}, self.asked))

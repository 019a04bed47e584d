"""Subscriptions, syncs, resources, units, findings, rules."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from migrator import readiness as catalogue
from migrator import runbook
from migrator.lifecycle import Health, State
from migrator.readiness import Effect, Outcome, Scope, Verdict
from migrator.units import UnitKind
from tracker.accounts.permissions import Permission
from tracker.api import pages, serializers
from tracker.api.endpoint import Endpoint, answered
from tracker.api.errors import BadCursor, NotHere
from tracker.api.pages import Parameter, words
from tracker.api.permissions import Requires
from tracker.inventory import actions as inventory_actions
from tracker.inventory import queries as inventory
from tracker.inventory.models import Resource, Subscription, Sync, Unit
from tracker.readiness import queries as readiness
from tracker.readiness.models import Finding
from tracker.waves import destinations, order

GONE = Parameter("gone", "What is no longer listed: hide (the default), show or only.", of=words(inventory.Gone))
SUBSCRIPTION = Parameter("subscription", "Id of a subscription.", many=True)
REGION = Parameter("region", "A region.", many=True)


def subscription_or_404(pk: str) -> Subscription:
    found = Subscription.objects.filter(pk=pk.lower()).first() if len(pk) <= 36 else None
    if found is None:
        raise NotHere(f"There is no subscription {pk[:60]}.")
    return found


class Subscriptions(Endpoint):
    name, tag, about, listed = "subscriptions", "inventory", "Subscriptions, by id.", True
    answer = serializers.SUBSCRIPTION

    def get(self, request: Request) -> HttpResponse:
        return self.listing(*pages.keyset(Subscription.objects.all(), self.name, {"id": str}, self.asked))


class OneSubscription(Endpoint):
    name, tag, about = "subscription", "inventory", "One subscription."
    answer = serializers.SUBSCRIPTION

    def get(self, request: Request, pk: str) -> HttpResponse:
        return self.one(subscription_or_404(pk))


class Syncs(Endpoint):
    name, tag, about, listed = "syncs", "inventory", "Syncs of a subscription, the newest first.", True
    about_post = "Ask for a sync. The answer comes at once; the sync begins within seconds."
    permission = Requires(Permission.READ, POST=Permission.SYNC)
    answer = serializers.SYNC
    answer_post = serializers.SUBSCRIPTION

    def get(self, request: Request, pk: str) -> HttpResponse:
        rows = Sync.objects.filter(subscription=subscription_or_404(pk))
        return self.listing(*pages.keyset(rows, self.name, {"-id": int}, self.asked))

    def post(self, request: Request, pk: str) -> HttpResponse:
        subscription = subscription_or_404(pk)
        if request.data not in ({}, None):
            raise ParseError("Asking for a sync takes no fields.")
        with transaction.atomic():
            inventory_actions.want_sync(subscription, request.user.actor, timezone.now())
        return answered(request, serializers.SUBSCRIPTION.of(subscription), status=202)


class Resources(Endpoint):
    name, tag, about, listed = "resources", "inventory", "Resources, by key.", True
    answer = serializers.RESOURCE
    parameters = (
        SUBSCRIPTION,
        REGION,
        Parameter("type", "An ARM type.", many=True),
        Parameter("unit", "Id of a unit.", kind="number"),
        Parameter("q", "Part of the name."),
        GONE,
    )

    def get(self, request: Request) -> HttpResponse:
        rows = Resource.objects.defer("document")
        for name, column in (("subscription", "subscription__in"), ("region", "region__in"), ("type", "type__in")):
            if name in self.asked:
                rows = rows.filter(**{column: self.asked[name]})
        if "unit" in self.asked:
            rows = rows.filter(unit=self.asked["unit"])
        if "q" in self.asked:
            rows = rows.filter(name__icontains=self.asked["q"])
        if (gone := self.asked.get("gone", "hide")) != "show":
            rows = rows.filter(gone_at__isnull=gone == "hide")
        found, cursor = pages.keyset(rows, self.name, {"key": str}, self.asked)
        read = inventory.read_at_of({row.subscription_id for row in found})
        return self.listing([_aged(row, read.get(row.subscription_id)) for row in found], cursor)


def _aged(row: Any, read_at: datetime | None) -> Resource:
    """The resource with when it was last seen. `read_at`: when its subscription was."""
    row.last_seen = inventory.seen_at(row, read_at)
    row.old = timezone.now() - row.last_seen > inventory.old_after()
    return row


class OneResource(Endpoint):
    name, tag, about = "resource", "inventory", "One resource with its newest reading."
    answer = serializers.RESOURCE_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        found: Any = Resource.objects.filter(pk=pk).first()
        if found is None:
            raise NotHere(f"There is no resource {pk}.")
        found.told = inventory.of_resource(found, timezone.now())
        return self.one(_aged(found, found.told.readings.at))


class Units(Endpoint):
    name, tag, about, listed = "units", "inventory", "Units, filtered as on the inventory page.", True
    answer = serializers.UNIT
    parameters = (
        SUBSCRIPTION,
        REGION,
        Parameter("kind", "A kind of unit.", of=words(UnitKind), many=True),
        Parameter("verdict", "A verdict.", of=words(Verdict), many=True),
        Parameter("progress", "A progress.", of=words(State), many=True),
        Parameter("health", "A health.", of=words(Health), many=True),
        Parameter("owner", "An owner; none: without one.", many=True),
        Parameter("wave", "Id of a wave; none: in no wave.", many=True),
        Parameter(
            "q",
            "Part of the name of a unit, its resource group or a member; with a slash, part of its id."
            " A whole ARM id finds the unit it lies in.",
        ),
        Parameter("rule", "Id of a rule: units with such a finding."),
        Parameter("outcome", "With rule: the outcome of the finding; yes when left out.", of=words(Outcome)),
        Parameter("blocks", "Id of a rule: units in scope that one of these rules blocks.", many=True),
        Parameter("frees", "Id of a rule: units in scope that some of these rules block and no other.", many=True),
        GONE,
        Parameter(
            "sort", "The order; a minus before it turns it round.",
            of=tuple(sign + sort.value for sort in inventory.Sort for sign in ("", "-")),
        ),
    )  # fmt: skip

    def get(self, request: Request) -> HttpResponse:
        given = {name: value if isinstance(value, tuple) else (str(value),) for name, value in self.asked.items()}
        sort = self.asked.get("sort", "name")
        try:
            found = inventory.page(
                inventory.Filters.read(given),
                inventory.Sort(sort.removeprefix("-")),
                descending=sort.startswith("-"),
                cursor=self.asked.get("cursor", ""),
                size=self.asked.get("limit", pages.PAGE),
            )
        except inventory.BadCursor:
            raise BadCursor from None
        return self.listing(inventory.with_members(found.units), found.after)


def unit_or_404(pk: int) -> Unit:
    found = Unit.objects.select_related("placement__wave").filter(pk=pk).first()
    if found is None:
        raise NotHere(f"There is no unit {pk}.")
    return found


class OneUnit(Endpoint):
    name, tag, about = "unit", "inventory", "One unit with its newest assessment."
    answer = serializers.UNIT_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        unit: Any = unit_or_404(pk)
        unit.member_keys = list(unit.members.filter(gone_at__isnull=True).order_by("key").values_list("key", flat=True))
        unit.newest = readiness.latest_assessment(unit)
        unit.told = inventory.of_unit(unit, timezone.now())
        unit.going = destinations.of(unit)
        unit.goes_after = [each.name for each in order.waits(unit)[1]]
        wish = unit.going.wish if unit.going else None
        unit.commands = runbook.commands(unit.kind, unit.azure_id, inventory.members_of(unit), wish)
        return self.one(unit)


class Findings(Endpoint):
    name, tag, about, listed = "findings", "readiness", "Findings of a unit, by rule and resource.", True
    answer = serializers.FINDING
    parameters = (
        Parameter("effect", "An effect.", of=words(Effect), many=True),
        Parameter("outcome", "An outcome.", of=words(Outcome), many=True),
        Parameter("rule", "Id of a rule.", many=True),
    )

    def get(self, request: Request, pk: int) -> HttpResponse:
        rows = Finding.objects.filter(unit=unit_or_404(pk))
        for name in ("effect", "outcome", "rule"):
            if name in self.asked:
                rows = rows.filter(**{f"{name}__in": self.asked[name]})
        found, cursor = pages.keyset(rows, self.name, {"rule": str, "resource_key": str}, self.asked)
        return self.listing([readiness.published(finding) for finding in found], cursor)


def _rule(counted: readiness.RuleCount) -> dict[str, Any]:
    counts = {"units_yes": counted.yes, "units_unknown": counted.unknown, "frees": counted.frees}
    return catalogue.metadata(counted.rule) | counts


class Rules(Endpoint):
    name, tag, about, listed = "rules", "readiness", "The catalogue, in its order.", True
    answer = serializers.RULE
    parameters = (
        Parameter("effect", "An effect.", of=words(Effect), many=True),
        Parameter("scope", "What it speaks about.", of=words(Scope), many=True),
    )

    def get(self, request: Request) -> HttpResponse:
        rows = [_rule(counted) for counted in readiness.rules()]
        for name in ("effect", "scope"):
            if name in self.asked:
                rows = [row for row in rows if row[name] in self.asked[name]]
        return self.listing(*pages.sliced(rows, self.name, lambda row: row["id"], self.asked))


class OneRule(Endpoint):
    name, tag, about = "rule", "readiness", "One rule."
    answer = serializers.RULE

    def get(self, request: Request, pk: str) -> HttpResponse:
        for counted in readiness.rules():
            if counted.rule.id == pk:
                return self.one(_rule(counted))
        raise NotHere(f"There is no rule {pk[:60]}.")

"""What people said of findings: attestations and waivers that count, and lists of all of them. Reads only."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from migrator import readiness
from migrator.readiness import Detection, Effect, Evidence, Outcome, Rule, waiving
from migrator.units import Unit as Drawn
from tracker.accounts.models import User
from tracker.inventory.models import Unit
from tracker.readiness.models import Attestation, Finding, Recheck, Waiver

ATTESTED = "attestation"  # the field of the evidence an attestation leaves (migrator.readiness.engine)


@dataclass(frozen=True, slots=True)
class Said:
    """What counts in one subscription: attestations by subject and rule, waivers by unit."""

    attested: Mapping[str, Mapping[str, readiness.Attestation]]
    waived: Mapping[int, Mapping[tuple[str, str], str]]

    def attestations(self, unit: Drawn) -> dict[tuple[str, str], readiness.Attestation]:
        """Those that may speak of a unit, as an evaluation takes them."""
        if not self.attested:
            return {}
        subjects = {unit.subscription, unit.key, *(member.resource_key for member in unit.members)}
        found = self.attested.keys() & subjects
        return {(rule, key): one for key in found for rule, one in self.attested[key].items()}


def said(subscription_id: str, now: datetime) -> Said:
    """Everything people said of a subscription that counts now; two queries."""
    attested: dict[str, dict[str, readiness.Attestation]] = defaultdict(dict)
    rows = Attestation.objects.filter(unit__subscription=subscription_id, ended_at__isnull=True)
    for row in rows.filter(Q(until__isnull=True) | Q(until__gt=now)).select_related("by"):
        value = readiness.Attestation(row.applies, row.by.actor.key, row.at, row.why, row.until)
        attested[row.subject][row.rule] = value
    waived: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    counting = Waiver.objects.filter(unit__subscription=subscription_id, state=Waiver.State.APPROVED, until__gt=now)
    for unit, rule, key, shown in counting.values_list("unit_id", "rule", "resource_key", "shown"):
        waived[unit][rule, key] = shown
    return Said(dict(attested), dict(waived))


# --- what can be said of a finding ------------------------------------------------------------------------------------
def value_of(finding: Finding) -> readiness.Finding:
    """A stored finding as the rules know it."""
    return readiness.Finding(
        rule_id=finding.rule,
        effect=Effect(finding.effect),
        outcome=Outcome(finding.outcome),
        resource_key=finding.resource_key,
        resource_name=finding.resource_name,
        evidence=tuple(Evidence(one["field"], one["value"]) for one in finding.evidence),
        sentence=finding.sentence,
        settles=finding.settles,
        source=finding.source,
        waived=finding.waived,
    )


def shown(finding: Finding) -> str:
    """Digest of what a finding rests on, as a waiver of it keeps it."""
    return waiving.shown(value_of(finding))


def attested(finding: Finding) -> bool:
    return any(one["field"] == ATTESTED for one in finding.evidence)


def why_not_attest(finding: Finding, rule: Rule | None) -> str:
    """Why a person's answer says nothing here, as the rest of a sentence; empty: it does."""
    if rule is None:
        return "the catalogue no longer has this rule"
    if not rule.attestable:
        by_file = Detection.FILE in (rule.detection, *rule.also)
        return "only Azure itself or a configuration file can tell" if by_file else "only Azure itself can tell"
    if finding.outcome != Outcome.UNKNOWN and not attested(finding) and rule.detection is not Detection.ATTEST:
        return "the inventory already tells, and a person does not overrule it"
    return ""


def why_not_waive(finding: Finding) -> str:
    """Why a finding cannot be set aside, as the rest of a sentence; empty: it can."""
    return "it is set aside already" if finding.waived else waiving.why_not(value_of(finding))


# --- lists ------------------------------------------------------------------------------------------------------------
def attestations() -> QuerySet[Attestation]:
    return Attestation.objects.select_related("unit", "by")


def waivers() -> QuerySet[Waiver]:
    return Waiver.objects.select_related("unit", "asked_by", "decided_by")


def waiting_on(user: User) -> QuerySet[Waiver]:
    """Waivers this person may decide: asked for by somebody else. One's own never is."""
    return Waiver.objects.filter(state=Waiver.State.ASKED).exclude(asked_by=user)


def live_waivers(units: Iterable[int]) -> dict[tuple[int, str, str], Waiver]:
    """Asked for or agreed to, by unit, rule and resource."""
    rows = waivers().filter(unit__in=list(units), state__in=Waiver.LIVE)
    return {(row.unit_id, row.rule, row.resource_key): row for row in rows}


def counting_attestations(unit: Unit) -> dict[tuple[str, str], Attestation]:
    """By rule and subject: those in the books that speak of the unit, its subscription or its members."""
    here = Q(subject__in=[unit.key, unit.subscription_id]) | Q(reach=Attestation.Reach.RESOURCE, unit=unit)
    rows = attestations().filter(here, ended_at__isnull=True)
    return {(row.rule, row.subject): row for row in rows}


def newest_recheck(*, unit: Unit | None = None, rule: str = "") -> Recheck | None:
    rows = Recheck.objects.filter(unit=unit) if unit else Recheck.objects.filter(unit__isnull=True, rule=rule)
    return rows.order_by("-asked_at", "-pk").first()


def due_rechecks(now: datetime, limit: int = 100) -> list[int]:
    rows = Recheck.objects.filter(due_at__lte=now).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def run_out(now: datetime) -> bool:
    """Whether the end of something people said has come and is not in the books."""
    return (
        Attestation.objects.filter(ended_at__isnull=True, until__lte=now).exists()
        or Waiver.objects.filter(state__in=Waiver.LIVE, until__lte=now).exists()
    )

"""What a review page shows, read out of the stored body of the approval: what is sealed is what is shown.

Nothing here looks at the present, except `evidence` of a commit: rows whose digest stands in the body, shown only while
they still have that digest.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from migrator.readiness import Effect
from tracker.accounts.models import User
from tracker.followups.models import CapturedSetting
from tracker.readiness import queries as readiness
from tracker.readiness.models import Finding
from tracker.runs.models import Run
from tracker.waves.models import Approval
from tracker.web import kinds

EFFECTS = tuple(effect.value for effect in Effect if effect is not Effect.INFO)
SIDE_EFFECTS = ("downtime", "dropped", "changes")


@dataclass(slots=True)
class SealedUnit:
    """One unit of a sealed wave."""

    pk: int
    key: str
    name: str
    kind: str
    region: str
    verdict: str
    score: int
    members: list[tuple[str, str, str]]  # (type, name, id)
    yes: dict[str, list[tuple[str, str]]]  # effect -> (rule, resource)
    unknown: list[tuple[str, str]]
    waived: list[tuple[str, str]]  # applies, and two people set it aside
    no: int
    quota: list[tuple[str, str, str]]  # (name, region, amount)
    destination: str = ""  # group / network / subnet of the existing network that was chosen

    @property
    def applies(self) -> int:
        return sum(len(found) for found in self.yes.values())


@dataclass(slots=True)
class SealedWave:
    name: str
    owner: str
    purpose: str
    windows: list[tuple[datetime, datetime]]
    units: list[SealedUnit]
    mode: str
    endpoint: str
    needed: int
    catalogue: str
    totals: dict[str, int] = field(default_factory=dict)  # effect -> findings that apply
    quota: list[tuple[str, str, int]] = field(default_factory=list)  # (name, region, amount) over all units

    @property
    def members(self) -> int:
        return sum(len(unit.members) for unit in self.units)

    @property
    def unknown(self) -> int:
        return sum(len(unit.unknown) for unit in self.units)

    @property
    def waived(self) -> int:
        return sum(len(unit.waived) for unit in self.units)


@dataclass(slots=True)
class SealedCommit:
    unit: str
    kind: str
    key: str
    region: str
    run: str
    wave_pk: int
    wave: str
    windows: list[tuple[datetime, datetime]]
    members: list[tuple[str, str, str]]
    verdict: str
    mode: str
    comparison: Mapping[str, Any]
    dispositions: list[dict[str, str]]
    captured: Mapping[str, Any]
    findings: str
    prepared: str


def wave(approval: Approval) -> SealedWave:
    body = json.loads(approval.body)
    units = [_unit(section) for section in body["units"].values()]
    units.sort(key=lambda unit: unit.name.lower())
    totals = {effect: sum(len(unit.yes.get(effect, [])) for unit in units) for effect in EFFECTS}
    summed: dict[tuple[str, str], int] = {}
    for unit in units:
        for name, region, amount in unit.quota:
            summed[(name, region)] = summed.get((name, region), 0) + int(amount)
    return SealedWave(
        name=body["wave"]["name"],
        owner=body["wave"]["owner"],
        purpose=body["wave"]["purpose"],
        windows=_windows(body),
        units=units,
        mode=body["mode"],
        endpoint=body["endpoint"],
        needed=body["approvals needed"],
        catalogue=body["catalogue"],
        totals=totals,
        quota=[(name, region, amount) for (name, region), amount in sorted(summed.items())],
    )


def _unit(section: Mapping[str, Any]) -> SealedUnit:
    yes: dict[str, list[tuple[str, str]]] = {}
    unknown: list[tuple[str, str]] = []
    waived: list[tuple[str, str]] = []
    no = 0
    for name, said in sorted(section["findings"].items()):
        rule, _, key = name.partition(" ")
        effect, _, outcome = said.partition(" ")
        match outcome:
            case "yes" if effect in EFFECTS:
                yes.setdefault(effect, []).append((rule, kinds.name_of(key)))
            case "yes waived":
                waived.append((rule, kinds.name_of(key)))
            case "unknown":
                unknown.append((rule, kinds.name_of(key)))
            case _:
                no += 1
    quota = []
    for line in section["quota"]:
        region, _, name, amount = line.rsplit(" ", 3)
        quota.append((name, region, amount))
    return SealedUnit(
        pk=section["id"],
        key=section["key"],
        name=section["name"],
        kind=section["kind"],
        region=section["region"],
        verdict=section["verdict"],
        score=section["score"],
        members=_members(section["members"]),
        yes={effect: yes[effect] for effect in EFFECTS if effect in yes},
        unknown=unknown,
        waived=waived,
        no=no,
        quota=quota,
        destination=section.get("destination", ""),
    )


def commit(approval: Approval, names: Mapping[str, str]) -> SealedCommit:
    """`names`: actor key -> name, for who accepted a difference."""
    body = json.loads(approval.body)
    return SealedCommit(
        unit=body["unit"]["name"],
        kind=body["unit"]["kind"],
        key=body["unit"]["key"],
        region=body["unit"]["region"],
        run=body["run"],
        wave_pk=body["wave"]["id"],
        wave=body["wave"]["name"],
        windows=_windows(body),
        members=_members(body["members"]),
        verdict=body["verdict"],
        mode=body["mode"],
        comparison=body["comparison"],
        dispositions=[
            row | {"by": names.get(row["by"], row["by"]), "resource": kinds.name_of(row["resource"])}
            for row in body["dispositions"]
        ],
        captured=body["captured settings"],
        findings=body["findings"],
        prepared=body["prepared"],
    )


def people_in(approval: Approval) -> set[str]:
    """Actor keys a commit's body names."""
    return {row["by"] for row in json.loads(approval.body).get("dispositions", [])}


def _members(ids: Iterable[str]) -> list[tuple[str, str, str]]:
    found = [(kinds.type_word(kinds.type_of(key)), kinds.name_of(key), key) for key in ids]
    return sorted(found, key=lambda member: (member[0], member[1].lower()))


def _windows(body: Mapping[str, Any]) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(opens), datetime.fromisoformat(closes)) for opens, closes in body["windows"]]


def actor_names(keys: Iterable[str]) -> dict[str, str]:
    """`user:p-…` -> what the person is called; one query. Other actors keep their key."""
    pseudonyms = [key.partition(":")[2] for key in keys if key.startswith("user:")]
    if not pseudonyms:
        return {}
    people = User.objects.filter(pseudonym__in=pseudonyms)
    return {f"user:{person.pseudonym}": str(person) for person in people}


# --- evidence of a commit ------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Evidence:
    """Rows the digests of a commit's body stand for; empty, and `gone`, where a digest is another one now."""

    findings: dict[str, list[readiness.Shown]] = field(default_factory=dict)  # effect -> findings that apply
    captured: list[CapturedSetting] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def evidence(sealed: SealedCommit, run: Run, now: Mapping[str, Any]) -> Evidence:
    """`now`: the body as it would be sealed now (runs.seals.commit_body), for its digests. Two queries."""
    found = Evidence()
    if now["findings"] == sealed.findings:
        rows = Finding.objects.filter(unit=run.unit_id, outcome="yes", effect__in=SIDE_EFFECTS)
        for row in rows.order_by("rule", "resource_name"):
            shown = readiness.Shown(row, readiness.rule_or_none(row.rule))
            found.findings.setdefault(row.effect, []).append(shown)
        found.findings = {effect: found.findings[effect] for effect in SIDE_EFFECTS if effect in found.findings}
    else:
        found.gone.append("findings")
    if now["captured settings"]["digest"] == sealed.captured["digest"]:
        found.captured = list(
            CapturedSetting.objects.filter(unit=run.unit_id).defer("document").order_by("kind", "name")
        )
        for row in found.captured:
            row.type_word = kinds.type_word(row.kind)  # type: ignore[attr-defined]
    else:
        found.gone.append("captured settings")
    if now["comparison"]["digest"] != sealed.comparison["digest"]:
        found.gone.append("comparison")
    return found

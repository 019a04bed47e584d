"""The Configuration tab of a unit: files of its deployments, what they say, settled, and what a rewriting changes.

Everything here comes from the kept texts, which hold no secret. The rewritten file itself is made while the owner's own
file is in hand, and is the answer to that request only (`rewritten`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from migrator.configuration import (
    Contents,
    Kind,
    Note,
    Rewritten,
    ServiceConfiguration,
    Target,
    checks,
    digest,
    open_file,
    open_text,
    rewrite,
    take,
    target_of,
)
from migrator.gateway import wire
from migrator.readiness import CATALOGUE, DOCUMENTS, Detection, Rule
from migrator.readiness.files import FIELD, changed_since, why_not
from migrator.readiness.sources import YEARS
from migrator.resources import CloudService, Deployment, Network, ReservedAddress, ResourceType, SlotType, known
from migrator.units import UnitKind, flatten
from tracker.inventory.models import Resource as Row
from tracker.inventory.models import Unit
from tracker.readiness import given_files
from tracker.readiness.models import ConfigurationFile, Finding
from tracker.runs.models import Comparison
from tracker.web import naming

KINDS = (UnitKind.NETWORK, UnitKind.DEPLOYMENT)  # units that may hold web and worker roles
FILE_RULES: dict[str, Rule] = {r.id: r for r in CATALOGUE if Detection.FILE in (r.detection, *r.also)}
MOST_LINES = 400  # of a difference that are shown
MOST_ROWS = 200  # of roles, changes, notes and problems each; a service of Azure has 25 roles at most [K]
ENDED = 8  # former files that are shown
# Runs after which what was found in Resource Manager is there no more.
_GONE_AGAIN = ("aborted", "cancelled")


@dataclass(frozen=True, slots=True)
class Said:
    """A change with its documents in people's words: (short name, title, year or None)."""

    line: int
    what: str
    why: str
    documents: tuple[tuple[str, str, int | None], ...]
    inferred: bool = False


@dataclass(slots=True)
class Shown:
    """One file that counts: its row, what it says, and what becomes of it."""

    row: ConfigurationFile
    kind: Kind
    contents: Contents
    by: str
    contradictions: list[str]
    idle: str  # why it settles nothing; empty when it does
    older: bool  # Azure shows a change of the deployment since
    rewritten: Rewritten
    facts: list[tuple[str, str]]
    roles: list[list[tuple[str, str]]]  # one list for each role: (head, cell)
    heads: tuple[str, ...]
    lines: list[tuple[str, str]] = field(default_factory=list)  # (hue, line) of the difference
    more_lines: int = 0

    @property
    def changes(self) -> list[Said]:
        return [
            Said(c.line, c.what, c.why, _documents(c.documents), c.inferred) for c in self.rewritten.changes[:MOST_ROWS]
        ]

    @property
    def notes(self) -> list[Said]:
        return [Said(n.line, n.sentence, "", _documents(n.documents)) for n in self.rewritten.notes[:MOST_ROWS]]


@dataclass(slots=True)
class OfDeployment:
    """A deployment of web and worker roles, with its files."""

    row: Row
    value: Deployment
    service: str
    files: list[Shown] = field(default_factory=list)
    notes: list[Said] = field(default_factory=list)  # between the two files
    missing: list[Kind] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.service}, {self.value.slot.value.lower()}"


@dataclass(frozen=True, slots=True)
class Settled:
    """A rule files may tell, and what it says of this unit."""

    rule: Rule
    finding: Finding
    files: tuple[str, ...]


@dataclass(slots=True)
class Tab:
    deployments: list[OfDeployment]
    settled: list[Settled]
    open: list[Settled]
    ended: list[tuple[ConfigurationFile, str, str, str]]  # (file, deployment, given by, ended by)
    found: bool  # whether the names after the move were seen in Resource Manager


def tab_of(unit: Unit, names: Any) -> Tab:
    """What the tab shows. `names`: actor keys → what people are called, as `reviews.actor_names` gives it."""
    ground = Ground(unit)
    keys = [one.row.key for one in ground.deployments]
    files = sorted(
        given_files.of_deployments(keys).values() if keys else [], key=lambda row: (row.resource_key, row.kind)
    )
    ended = given_files.ended_of(keys, ENDED) if keys else []
    called = names([*(row.given_by for row in files), *(row.given_by for row in ended), *(r.ended_by for r in ended)])
    by_key = {one.row.key: one for one in ground.deployments}
    if files:
        ground.look_after_prepare()
    for row in files:
        contents = given_files.contents_of(row)
        if contents is not None:
            by_key[row.resource_key].files.append(_shown(row, contents, by_key[row.resource_key], ground, called))
    for one in ground.deployments:
        _between(one)
    settled, unsettled = _findings(unit, called) if ground.deployments else ([], [])
    former = [
        (
            row,
            by_key[row.resource_key].name,
            called.get(row.given_by, row.given_by),
            called.get(row.ended_by, row.ended_by),
        )
        for row in ended
    ]
    return Tab(ground.deployments, settled, unsettled, former, bool(ground.found))


class Ground:
    """The unit's deployments of web and worker roles, and what they become."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.found: list[dict[str, Any]] = []
        wanted = Q(unit=unit) | Q(subscription=unit.subscription_id, type=ResourceType.RESERVED_ADDRESS.value)
        rows = {row.key: row for row in Row.objects.filter(wanted, gone_at__isnull=True).order_by("key")}
        self.values = flatten(wire.resources([row.document for row in rows.values()]))
        self.deployments = [
            OfDeployment(rows[key], value, value.cloud_service_id.rsplit("/", 1)[-1])
            for key, value in self.values.items()
            if isinstance(value, Deployment) and key in rows and value.slot_type is not SlotType.VIRTUAL_MACHINE
        ]
        self.changed = {
            one.row.key: max(row.changed_at for key, row in rows.items() if f"{key}/".startswith(f"{one.row.key}/"))
            for one in self.deployments
        }

    def look_after_prepare(self) -> None:
        """What a run found in Resource Manager, unless it was taken back."""
        rows = Comparison.objects.filter(run__unit=self.unit).exclude(run__outcome__in=_GONE_AGAIN)
        newest = rows.order_by("-at").values_list("arm_documents", flat=True).first()
        self.found = newest or []

    def target(self, one: OfDeployment) -> Target:
        network = self.values.get(str(one.value.virtual_network_id).lower())
        reserved = [value for value in self.values.values() if isinstance(value, ReservedAddress)]
        service = self.values.get(one.value.cloud_service_id.lower())
        name = service.name if isinstance(service, CloudService) else one.service
        return target_of(name, one.value, network if isinstance(network, Network) else None, reserved, self.found)


def rewritten(unit: Unit, row: ConfigurationFile, data: bytes) -> tuple[Rewritten, str]:
    """The owner's own file, rewritten, and the digest of what it becomes; nothing of it is kept.

    Raises FileRefused; LookupError when it is not the file whose changes the page shows, or its deployment is gone.
    """
    kind = Kind(row.kind)
    if take(data, kind).digest != row.digest:
        raise LookupError(
            f"This is not the {kind.words} that was read as {row.file_name}. Read it first, so that everyone can see "
            "what is changed."
        )
    ground = Ground(unit)
    one = next((each for each in ground.deployments if each.row.key == row.resource_key), None)
    if one is None:
        raise LookupError(f"{row.file_name} is of a deployment that is not in {unit.name} any more.")
    ground.look_after_prepare()
    done = rewrite(open_file(data, kind), ground.target(one))
    return done, digest(open_file(done.data, kind))


def _shown(
    row: ConfigurationFile, contents: Contents, one: OfDeployment, ground: Ground, called: dict[str, str]
) -> Shown:
    kind = Kind(row.kind)
    done = rewrite(open_text(row.text.encode(), kind), ground.target(one))
    lines = done.difference()
    value = given_files.value_of(row, contents)
    heads, roles = _roles(contents)
    return Shown(
        row=row,
        kind=kind,
        contents=contents,
        by=called.get(row.given_by, row.given_by),
        contradictions=checks.with_azure(contents, one.value)[:MOST_ROWS],
        idle=why_not(value, one.value),
        older=ground.changed[row.resource_key] > row.given_at and not changed_since(row.seen, one.value),
        rewritten=done,
        facts=_facts(contents),
        roles=[list(zip(heads, cells, strict=True)) for cells in roles[:MOST_ROWS]],
        heads=heads,
        lines=[
            (_HUES.get(line[:1], "") if number > 1 else "place", line) for number, line in enumerate(lines[:MOST_LINES])
        ],
        more_lines=max(0, len(lines) - MOST_LINES),
    )


_HUES = {"+": "added", "-": "removed", "@": "place"}


def _between(one: OfDeployment) -> None:
    given = {shown.kind: shown.contents for shown in one.files}
    one.missing = [kind for kind in Kind if kind not in given]
    notes: list[Note] = checks.between(given.get(Kind.CONFIGURATION), given.get(Kind.DEFINITION), one.service)  # type: ignore[arg-type]
    one.notes = [Said(0, note.sentence, "", _documents(note.documents)) for note in notes[:MOST_ROWS]]


def _findings(unit: Unit, called: dict[str, str]) -> tuple[list[Settled], list[Settled]]:
    settled, unsettled = [], []
    rows = Finding.objects.filter(unit=unit, rule__in=list(FILE_RULES)).order_by("rule", "resource_name")
    for finding in rows:
        naming.name_people([finding], called)
        files = tuple(fact["value"] for fact in finding.evidence if fact["field"] == FIELD)
        entry = Settled(FILE_RULES[finding.rule], finding, files)
        if finding.outcome == "unknown":
            unsettled.append(entry)
        elif files:
            settled.append(entry)
    return settled, unsettled


def _documents(names: Iterable[str]) -> tuple[tuple[str, str, int | None], ...]:
    return tuple((name, DOCUMENTS[name], YEARS.get(name)) for name in names)


def _facts(contents: Contents) -> list[tuple[str, str]]:
    """What the file says of the whole, in the order of the file."""
    if not isinstance(contents, ServiceConfiguration):
        found = [("Service name", contents.name), ("Load balancer probes", ", ".join(contents.probes))]
        return [pair for pair in [*found, ("Network traffic rules", str(contents.traffic_rules or ""))] if pair[1]]
    network = contents.network
    found = [
        ("Service name", contents.service_name),
        ("Operating system", " ".join(filter(None, ("family", contents.os_family, "version", contents.os_version)))),
        ("Virtual network", (network.site if network else None) or "none named"),
    ]
    if network:
        found += [
            ("Reserved addresses", ", ".join(network.reserved_ips)),
            ("Name servers", ", ".join(f"{name} ({address})" for name, address in network.dns_servers)),
            (
                "Access lists",
                ", ".join(f"{acl.role}/{acl.endpoint}: {acl.access_control}" for acl in network.endpoint_acls),
            ),
            ("Internal load balancers", ", ".join(network.load_balancers)),
        ]
    return [pair for pair in found if pair[1]]


def _roles(contents: Contents) -> tuple[tuple[str, ...], list[list[str]]]:
    if isinstance(contents, ServiceConfiguration):
        heads = ("Role", "Instances", "Subnets", "Plugins", "Certificates", "Settings")
        return heads, [
            [
                role.name,
                str(role.instance_count) if known(role.instance_count) else "not readable",
                ", ".join(role.subnets) or "none",
                ", ".join(role.plugins) or "none",
                ", ".join(_certificate(one.name, one.thumbprint) for one in role.certificates) or "none",
                str(len(role.settings)),
            ]
            for role in contents.roles
        ]
    heads = ("Role", "Size", "Modules", "Endpoints", "Start tasks")
    return heads, [
        [
            f"{role.name} ({'web' if role.web else 'worker'})",
            role.size if role.size_written else f"{role.size} (none written)",
            ", ".join(role.imports) or "none",
            ", ".join(f"{one.name} {one.protocol} {one.port or one.local_port or ''}".strip() for one in role.endpoints)
            or "none",
            str(role.startup_tasks or "none"),
        ]
        for role in contents.roles
    ]


def _certificate(name: str, thumbprint: object) -> str:
    return f"{name} ({thumbprint[:8]}…)" if isinstance(thumbprint, str) else f"{name} (not readable)"

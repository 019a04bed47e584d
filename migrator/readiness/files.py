"""What uploaded configuration files say of a deployment, and how it settles what the inventory leaves unknown.

A file is a person's word about what runs, with a date. Where Azure says something itself, Azure counts. A file whose
roles are others than Azure shows, or after which the deployment was built anew, is of something else and settles
nothing; the finding says so.

A rule that a file can tell (detection *file*) is asked twice: without the files, and with the gaps of the deployment's
roles filled from them. What differs is what the files settled, and carries their names as evidence.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from migrator.readiness.facts import View, web_worker
from migrator.readiness.rule import Answer, Detection, Evidence, Outcome, Rule
from migrator.resources import UNKNOWN, Deployment, Resource, ResourceType, Role, Unknown, known
from migrator.units import Unit

if TYPE_CHECKING:
    from migrator.readiness.context import Context

FIELD: Final = "file"  # of the evidence which names a file


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRole:
    """A role as a file has it. UNKNOWN: this kind of file does not say."""

    name: str
    size: str | Unknown = UNKNOWN
    instance_count: int | Unknown = UNKNOWN
    subnets: tuple[str, ...] | Unknown = UNKNOWN
    plugins: tuple[str, ...] | Unknown = UNKNOWN  # modules imported or switched on


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """One uploaded file of a deployment. `digest`: of what was kept of it; `at` aware; `seen`: what Azure showed of the
    deployment then (`showing`). `service_name` is the configuration's, `definition_name` the definition's;
    `network_site` None where a configuration names no network."""

    kind: str  # cscfg | csdef
    name: str
    digest: str
    by: str
    at: datetime
    seen: Mapping[str, Any]
    roles: tuple[FileRole, ...] = ()
    service_name: str | Unknown = UNKNOWN
    definition_name: str | Unknown = UNKNOWN
    network_site: str | Unknown | None = UNKNOWN
    internal_load_balancers: bool | Unknown = UNKNOWN
    startup_tasks: bool | Unknown = UNKNOWN
    traffic_rules: bool | Unknown = UNKNOWN

    def evidence(self) -> Evidence:
        return Evidence(FIELD, f"{self.name} ({self.digest[:12]}), given by {self.by}, {self.at.date().isoformat()}")


def showing(deployment: Deployment) -> dict[str, Any]:
    """What of a deployment changes only when it is deployed anew: kept with a file, so that a later deployment is
    noticed. Not its instance counts, which autoscale changes, nor its status, which Prepare does. JSON values; null
    where Azure did not say."""
    roles = deployment.roles
    return {
        "deployment": _text(deployment.deployment_name),
        "created": deployment.created_at.isoformat() if isinstance(deployment.created_at, datetime) else None,
        "network": _text(deployment.virtual_network_id),
        "roles": None if roles is UNKNOWN else {role.name.lower(): _text(role.size) for role in roles},
    }


def _text(value: object) -> str | None:
    return value.lower() if isinstance(value, str) else None


def changed_since(seen: Mapping[str, Any], deployment: Deployment) -> bool:
    """Whether the deployment is another one than when a file was given: something both readings say differs."""
    now = showing(deployment)
    for key in ("deployment", "created", "network"):
        if seen.get(key) is not None and now[key] is not None and seen[key] != now[key]:
            return True
    before, after = seen.get("roles"), now["roles"]
    if before is None or after is None:
        return False
    same = [before[name] == after[name] for name in before.keys() & after.keys() if before[name] and after[name]]
    return before.keys() != after.keys() or not all(same)


def why_not(file: GivenFile, deployment: Deployment) -> str:
    """Why a file settles nothing; empty when it does. One clause."""
    if changed_since(file.seen, deployment):
        return "the deployment was built anew since"
    if deployment.roles is not UNKNOWN:
        shown, told = {role.name.lower() for role in deployment.roles}, {role.name.lower() for role in file.roles}
        if shown != told:
            return "its roles are not those Azure shows"
    return ""


@dataclass(slots=True)
class Told:
    """The files of a unit's deployments: those that count, and those that do not with the reason."""

    counting: dict[str, list[GivenFile]]  # by key of the deployment
    idle: dict[str, list[tuple[GivenFile, str]]]
    deployments: dict[str, Deployment]
    views: dict[str, tuple[View, "Context"]] = field(default_factory=dict)  # made when the first rule asks

    def counting_of(self, key: str) -> list[GivenFile]:
        """The counting files of what a key names: a deployment, something in it, the service or unit around it."""
        return [file for owner, files in self.counting.items() if _about(key, owner) for file in files]

    def idle_of(self, key: str) -> list[tuple[GivenFile, str]]:
        return [pair for owner, pairs in self.idle.items() if _about(key, owner) for pair in pairs]


def _about(key: str, deployment: str) -> bool:
    inside = key == deployment or key.startswith(f"{deployment}/") or deployment.startswith(f"{key}/")
    return inside or "/domainnames/" not in key  # a network, a subscription: whatever lies in it


def told_of(unit: Unit, context: "Context") -> Told | None:
    """The files that concern a unit, or None."""
    told = Told({}, {}, {})
    for member in unit.members:
        files = context.files.get(member.resource_key)
        deployment = context.index.by_key.get(member.resource_key) if files else None
        if not files or not isinstance(deployment, Deployment) or web_worker(deployment) is False:
            continue
        told.deployments[deployment.key] = deployment
        for file in files:
            if reason := why_not(file, deployment):
                told.idle.setdefault(deployment.key, []).append((file, reason))
            else:
                told.counting.setdefault(deployment.key, []).append(file)
    return told if told.deployments else None


def settled(rule: Rule, bare: list[Answer], unit: Unit, context: "Context", told: Told) -> list[Answer]:
    """What a rule says when files may tell: asked once more, with them. `bare`: what it said without."""
    if Detection.FILE not in (rule.detection, *rule.also):
        return bare
    if not told.counting:
        return list(_merged(bare, bare, told, {}))
    kinds = sorted({file.kind for files in told.counting.values() for file in files})

    def ask(kind: str) -> list[Answer]:
        if kind not in told.views:
            told.views[kind] = _filled(unit, context, told, kind)
        return list(rule.check(*told.views[kind]))

    again = ask("")
    alone = {kind: _by_key(ask(kind)) for kind in kinds} if len(kinds) > 1 and again != bare else {}
    return list(_merged(bare, again, told, alone, rule.title))


def _merged(
    bare: Iterable[Answer],
    again: Iterable[Answer],
    told: Told,
    alone: Mapping[str, Mapping[str, list[Answer]]],
    title: str = "",
) -> Iterator[Answer]:
    """The answers without and with the files, as one. `alone`: what each kind of file tells by itself, so that only
    those are named which do tell."""
    before, after = _by_key(bare), _by_key(again)
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, []), after.get(key, [])
        telling = {kind for kind, said in alone.items() if said.get(key, []) == new}
        files = [file.evidence() for file in told.counting_of(key) if not telling or file.kind in telling]
        idle = [Evidence(FIELD, f"{file.name} settles nothing: {reason}") for file, reason in told.idle_of(key)]
        if not new and files and old[0].outcome is Outcome.UNKNOWN:
            sentence = f"{title}: the configuration files tell that it does not apply to {old[0].name}."
            yield old[0]._replace(outcome=Outcome.NO, sentence=sentence, settles="", effect=None, evidence=tuple(files))
            continue
        for answer in new or old:
            if answer.outcome is Outcome.UNKNOWN:
                yield _with(answer, idle)
            else:
                yield answer if answer in old else _with(answer, files)


def _by_key(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.key, []).append(answer)
    return found


def _with(answer: Answer, evidence: list[Evidence]) -> Answer:
    return answer._replace(evidence=(*answer.evidence, *evidence)) if evidence else answer


def _filled(unit: Unit, context: "Context", told: Told, kind: str) -> tuple[View, "Context"]:
    """The unit with the gaps of its roles filled from the files of a kind, empty for all, and the context with them.
    The index of the estate is not touched."""
    counting = {key: [one for one in files if kind in ("", one.kind)] for key, files in told.counting.items()}
    over: dict[str, Resource] = {}
    made: list[tuple[Role, Deployment]] = []
    for key, files in counting.items():
        if not files:
            continue
        deployment = told.deployments[key]
        roles, new = _roles(deployment, files)
        filled = replace(deployment, roles=roles, configuration_service_name=_first(
            [deployment.configuration_service_name, *(file.service_name for file in files)]
        ))  # fmt: skip
        over[key] = filled
        over |= {role.key: role for role in roles}
        made += [(role, filled) for role in new]
    index = replace(context.index, by_key=ChainMap(over, context.index.by_key))  # type: ignore[arg-type]
    view = View.of(unit, index)
    seen = {role.key for role, _ in view.roles}
    more = [(role, deployment) for role, deployment in made if role.key not in seen]
    if more:
        view.roles += more
        view.web_roles += [(r, told_kind) for r, d in more if (told_kind := web_worker(d)) is not False]
    return view, context.about(files={key: tuple(files) for key, files in counting.items()})


def _roles(deployment: Deployment, files: list[GivenFile]) -> tuple[tuple[Role, ...], list[Role]]:
    """The roles of a deployment with their gaps filled; and those Azure did not list, made from the files."""
    told: dict[str, list[FileRole]] = {}
    for file in files:
        for role in file.roles:
            told.setdefault(role.name.lower(), []).append(role)
    if deployment.roles is not UNKNOWN:
        return tuple(_fill(role, told.get(role.name.lower(), [])) for role in deployment.roles), []
    new = [
        _fill(
            Role(
                id=f"{deployment.id}/roles/{said[0].name}",
                name=said[0].name,
                type=ResourceType.ROLE,
                location=deployment.location,
                deployment_id=deployment.id,
            ),
            said,
        )
        for _, said in sorted(told.items())
    ]
    return tuple(new), new


def _fill(role: Role, told: list[FileRole]) -> Role:
    """Where Azure says nothing, what the files say; of plugins, what any of them says."""
    plugins = [one.plugins for one in told if known(one.plugins)]
    names = {name.lower(): name for listed in plugins for name in listed}  # type: ignore[union-attr]
    return replace(
        role,
        size=_first([role.size, *(one.size for one in told)]),
        instance_count=_first([role.instance_count, *(one.instance_count for one in told)]),
        subnets=_first([role.subnets, *(one.subnets for one in told)]),
        plugins=_first([role.plugins, tuple(names[key] for key in sorted(names)) if plugins else UNKNOWN]),
    )


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if known(value)), UNKNOWN)


Says = Callable[[GivenFile], bool | Unknown]


def said_by(view: View, context: "Context", says: Says) -> bool | Unknown:
    """What the counting files of a unit's web/worker deployments say: True as soon as one does, False when each
    deployment has a file that says no, else UNKNOWN. `context`: the one a check is given."""
    told = []
    for deployment, _ in view.web_deployments:
        values = [value for file in context.files.get(deployment.key, ()) if known(value := says(file))]
        told.append(any(values) if values else UNKNOWN)
    if any(value is True for value in told):
        return True
    return UNKNOWN if not told or UNKNOWN in told or view.untold else False

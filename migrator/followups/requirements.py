"""From what was captured to what is owed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from migrator.counterparts import Counterparts, classic_ids, group_of
from migrator.followups import (
    activity,
    administrators,
    alerts,
    autoscale,
    endpoints,
    gateways,
    grants,
    machines,
    peerings,
    protection,
    severed,
    work,
)
from migrator.followups.draft import Draft, spellings
from migrator.followups.values import AnswerRefused, Kept, Kind, RequiredFollowUp
from migrator.resources import (
    CloudService,
    Deployment,
    Resource,
    ResourceType,
    Setting,
    SlotType,
    known,
    resource_group_of,
    resource_type,
    subscription_of,
)

Document = Mapping[str, Any]

_BUILDERS: Final = {
    Kind.AUTOSCALE: autoscale.build,
    Kind.ALERT_RULE: alerts.build_rule,
    Kind.METRIC_ALERT: alerts.build_metric_alert,
    Kind.ACTIVITY_LOG_ALERT: activity.build,
    Kind.ROLE_ASSIGNMENT: grants.build_assignment,
    Kind.LOCK: grants.build_lock,
    Kind.JIT: machines.build_jit,
    Kind.TAGS: machines.build_tags,
    Kind.PEERING: peerings.build,
    Kind.GATEWAY: gateways.build,
    Kind.TRAFFIC_MANAGER: endpoints.build,
    Kind.BACKUP: protection.build,
    Kind.ADMINISTRATOR: administrators.build,
    Kind.WORK: work.build,
}
_KINDS: Final = {
    ResourceType.AUTOSCALE_SETTING: Kind.AUTOSCALE,
    ResourceType.ALERT_RULE: Kind.ALERT_RULE,
    ResourceType.METRIC_ALERT: Kind.METRIC_ALERT,
    ResourceType.ACTIVITY_LOG_ALERT: Kind.ACTIVITY_LOG_ALERT,
    ResourceType.ROLE_ASSIGNMENT: Kind.ROLE_ASSIGNMENT,
    ResourceType.MANAGEMENT_LOCK: Kind.LOCK,
    ResourceType.JIT_POLICY: Kind.JIT,
}
_RULES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.AUTOSCALE: ("CS-AUTOSCALE",),
    Kind.ALERT_RULE: ("CS-ALERTS", "VM-ALERTS"),
    Kind.METRIC_ALERT: ("CS-ALERTS", "VM-ALERTS"),
    Kind.ACTIVITY_LOG_ALERT: ("CS-ALERTS", "VM-ALERTS"),
    Kind.ROLE_ASSIGNMENT: ("SUB-RBAC", "CS-RBAC"),
    Kind.LOCK: ("SUB-ARM-LOCK",),
    Kind.JIT: ("CS-JIT",),
    Kind.TAGS: ("CS-LABEL-TAGS",),
    Kind.PEERING: ("VNET-PEERING",),
    Kind.GATEWAY: ("VNET-VPN-GW", "VNET-ER-GW"),
    Kind.TRAFFIC_MANAGER: ("SUB-TOOLING",),
    Kind.BACKUP: ("VM-BACKUP-EXT",),
    Kind.ADMINISTRATOR: ("SUB-COADMIN", "STG-OWNER"),
    Kind.WORK: (),
}
_SCOPED: Final = frozenset({Kind.ROLE_ASSIGNMENT, Kind.LOCK})
_CLASSIC: Final = "/providers/microsoft.classic"
_CLASSIC_STORAGE: Final = "/providers/microsoft.classicstorage/"


def required(
    unit_id: str, captured: Sequence[Document], before: Sequence[Resource], arm_documents: Sequence[Document]
) -> list[RequiredFollowUp]:
    """What is owed after the unit's Commit, in the order of the captures; then what was cut off, labels, and locks,
    which may refuse the rest.

    `captured`: the settings' documents as read before Prepare (or `Setting` values); `before`: the unit and its members
    as `migrator.gateway.wire.resources` reads them; `arm_documents`: what was found in the `-migrated` groups. Every
    capture comes back either here or from `kept`; one on an old resource group comes back once for each new group.
    """
    return [rebuilt(basis, {}) for basis in _Sorter(unit_id, before, arm_documents).owed(captured)]


def left_to_people(
    unit_id: str,
    before: Sequence[Resource],
    removed: Iterable[work.Removed] = (),
    *,
    unread: Iterable[Mapping[str, str]] = (),
    remote_desktop: Iterable[str] = (),
) -> list[RequiredFollowUp]:
    """The work that no request does and no read proves, owed after the unit's Commit; first what was taken away before
    the move, then what nobody could read before it (`unread`: {"resource", "action", "sentence"}). `remote_desktop`:
    ids of extensions of roles that were gone before it."""
    bases = [*work.again(unit_id, removed), *work.unread(unit_id, unread), *work.owed(unit_id, tuple(before))]
    known = {(basis["work"], str(basis["document"]["id"]).lower()) for basis in bases}
    gone = work.remote_desktop(unit_id, remote_desktop)
    bases += [basis for basis in gone if (basis["work"], str(basis["document"]["id"]).lower()) not in known]
    return [rebuilt(basis, {}) for basis in bases]


def kept(
    unit_id: str, captured: Sequence[Document], before: Sequence[Resource], arm_documents: Sequence[Document]
) -> list[Kept]:
    """The captures for which nothing is owed, and why."""
    sorter = _Sorter(unit_id, before, arm_documents)
    sorter.owed(captured)
    return sorter.kept


def rebuilt(basis: Mapping[str, Any], answers: Mapping[str, str]) -> RequiredFollowUp:
    """The follow-up of a basis (plain JSON, as kept by a database) with the answers so far. Raises AnswerRefused."""
    try:
        return _BUILDERS[Kind(basis["kind"])](Draft(basis=basis, answers=dict(answers)))
    except AnswerRefused:
        raise
    except Exception as error:
        # Follow-ups are opened in the transaction of a Commit that has happened: one odd document must not undo that.
        return _by_hand(basis, error)


def _by_hand(basis: Mapping[str, Any], error: Exception) -> RequiredFollowUp:
    """A capture that cannot be rewritten, because it is not of the documented shape: a person reads it."""
    draft = Draft(basis=basis, answers={}, unanswered=True)
    draft.note(
        f"The captured document is not of the documented shape ({type(error).__name__}: {error}); do it by hand."
    )
    return draft.finished(
        kind=Kind(basis["kind"]),
        title=f"Make {basis['kind']} {draft.name} again by hand",
        new_target=None,
        rules=_RULES[Kind(basis["kind"])],
        sources=("azure.md 6",),
        what_was=[f"Captured: {basis['document'].get('id', 'without an id')}"],
        stages=[],
    )


def answered(follow_up: RequiredFollowUp, answers: Mapping[str, str]) -> RequiredFollowUp:
    """The follow-up with more questions answered (later answers win): its requests, once none is open. Raises
    AnswerRefused, with nothing changed, when an answer does not fit or was not asked for."""
    return rebuilt(follow_up.basis, {**follow_up.answers, **answers})


class _Sorter:
    def __init__(self, unit_id: str, before: Iterable[Resource], arm_documents: Iterable[Document]) -> None:
        self.unit_id = unit_id
        self.before = tuple(before)
        for item in self.before:
            if not isinstance(item, Resource):
                raise TypeError(
                    f"before holds a {type(item).__name__}: read documents with migrator.gateway.wire.resources first."
                )
        documents = tuple(arm_documents)
        self.counterparts = Counterparts(self.before, documents)
        self.kept: list[Kept] = []

    def owed(self, captured: Iterable[Document | Setting]) -> list[dict[str, Any]]:
        bases: list[dict[str, Any]] = []
        apart: list[Document] = []
        seen: set[str] = set()
        for item in captured:
            document = item.body if isinstance(item, Setting) else item
            key = str(document.get("id", "")).lower()
            if key in seen:
                continue
            seen.add(key)
            if severed.type_of(document) in severed.TYPES:
                apart.append(document)
            else:
                bases += self._of(document)
        bases += severed.owed(self, apart)
        bases += self._labels()
        return sorted(bases, key=lambda basis: basis["kind"] == Kind.LOCK)  # a ReadOnly lock would refuse the others

    def _of(self, document: Document) -> list[dict[str, Any]]:
        captured_id = str(document.get("id", ""))
        kind = _KINDS.get(ResourceType(_type(document))) if _type(document) in iter(ResourceType) else None
        if kind is None:
            self.kept.append(
                Kept(captured_id=captured_id, why="It is no setting that the migration drops or leaves behind.")
            )
            return []
        if kind in _SCOPED:
            return self._scoped(kind, document)
        if not self._touches(document):
            why = "It names neither a classic resource nor a resource group of this unit; it stays as it is."
            self.kept.append(Kept(captured_id=captured_id, why=why))
            return []
        return [self.basis(kind, document)]

    def _touches(self, document: Document) -> bool:
        texts = list(_texts([document.get("properties")]))
        groups = {f"/subscriptions/{r.subscription}/resourcegroups/{r.resource_group}".lower() for r in self.before}
        names = {r.resource_group.lower() for r in self.before}
        return any(classic_ids(text) or text.rstrip("/").lower() in groups or text.lower() in names for text in texts)

    def _scoped(self, kind: Kind, document: Document) -> list[dict[str, Any]]:
        captured_id = str(document.get("id", ""))
        scope = scope_of(document)
        why = self._stays(kind, document, scope)
        if why:
            self.kept.append(Kept(captured_id=captured_id, why=why))
            return []
        basis = self.basis(kind, document) | {"scope": scope}
        if _CLASSIC in scope.lower():
            if new := self.counterparts.new_id(scope):
                basis["ids"][scope.rstrip("/").lower()] = new
            return [basis]
        groups = self.counterparts.new_groups(subscription_of(scope), resource_group_of(scope))
        return [basis | {"target": group} for group in groups] or [basis]

    def _stays(self, kind: Kind, document: Document, scope: str) -> str:
        """Why nothing is owed for something at this scope; empty when something is."""
        lowered = scope.lower()
        if not resource_group_of(scope):
            return "Its scope is the subscription or above; it reaches the new ids too (azure.md 6.5)."
        if _CLASSIC_STORAGE in lowered and kind is Kind.ROLE_ASSIGNMENT:
            properties = document.get("properties")
            role = grants.role_guid(properties) if isinstance(properties, Mapping) else ""
            if role not in grants.CLASSIC_ROLES:
                return "Role assignments on a storage account are kept by the migration (rule STG-RBAC [D] stg-proc)."
            return ""  # kept, but its classic role allows nothing on the new account [I]
        if _CLASSIC in lowered:
            return ""
        if "/providers/" in lowered:
            return "Its scope is a Resource Manager resource, which does not migrate."
        if lowered.rstrip("/") not in {group_of(r.key) for r in self.before if r.type.startswith("Microsoft.Classic")}:
            return "Nothing of this unit is in this resource group."
        return ""

    def _labels(self) -> list[dict[str, Any]]:
        """Labels of deployments of roles; the service's too where it says something else."""
        bases = []
        for resource in self.before:
            if not isinstance(resource, Deployment) or resource.slot_type is SlotType.VIRTUAL_MACHINE:
                continue
            if resource.label is not None and resource.label != "":
                bases.append(self._label(resource, resource.label, "label"))
            service = next((r for r in self.before if r.key == resource.cloud_service_id.lower()), None)
            if not isinstance(service, CloudService) or not isinstance(service.label, str):
                continue
            told = any(basis["document"]["id"] == service.id for basis in bases)
            if service.label and service.label != resource.label and not told:
                bases.append(self._label(service, service.label, "service-label"))
        return bases

    def _label(self, resource: Resource, label: Any, name: str) -> dict[str, Any]:
        document = {"id": resource.id, "name": _short_name(resource), "type": resource.type}
        return self.basis(Kind.TAGS, document) | {"label": {"name": name, "value": label if known(label) else None}}

    def basis(self, kind: Kind, document: Document) -> dict[str, Any]:
        """Everything the builder will need, as plain JSON."""
        ids: dict[str, str] = {}
        gone: set[str] = set()
        for text in _texts([document]):
            for found in classic_ids(text):
                for candidate in spellings(found.replace("%2F", "/").replace("%2f", "/")):
                    gone |= self._members_above(candidate.lower())
                    if new := self._new_id(candidate):
                        ids[candidate.lower()] = new
        return {
            "kind": kind.value,
            "unit": self.unit_id,
            "document": _plain(document),
            "ids": ids,
            "gone": sorted(gone),
            "groups": self._groups(),
            "locations": self._locations(ids),
        }

    def _members_above(self, key: str) -> set[str]:
        """Members of the unit which this id is, or lies below."""
        found = set()
        while key:
            if key in self.counterparts.before:
                found.add(key)
            key = key.rpartition("/")[0]
        return found

    def _new_id(self, classic_id: str) -> str | None:
        """Of something inside a storage account (a queue): its place in the new account."""
        new = self.counterparts.new_id(classic_id)
        if new is None and _CLASSIC_STORAGE in classic_id.lower():
            at = classic_id.lower().find("/services/")
            account = self.counterparts.new_id(classic_id[:at]) if at > 0 else None
            return account + classic_id[at:] if account else None
        return new

    def _groups(self) -> dict[str, list[str]]:
        result: dict[str, list[str]] = {}
        for resource in self.before:
            if resource.type.startswith("Microsoft.Classic"):
                old = group_of(resource.id).lower()
                if old not in result:
                    result[old] = list(self.counterparts.new_groups(resource.subscription, resource.resource_group))
        return {old: new for old, new in result.items() if new}

    def _locations(self, ids: Mapping[str, str]) -> dict[str, str]:
        result = {}
        for new in ids.values():
            document = self.counterparts.document(new)
            if not document:
                document = self.counterparts.document(new.rsplit("/", 2)[0])  # a role lives where its service does
            if isinstance(document.get("location"), str):
                result[new.lower()] = document["location"]
        return result


def scope_of(document: Document) -> str:
    """The scope of a role assignment or lock: as told, else its id up to `/providers/Microsoft.Authorization/`."""
    properties = document.get("properties")
    told = properties.get("scope") if isinstance(properties, Mapping) else None
    if isinstance(told, str) and told.startswith("/"):
        return told.rstrip("/") or "/"
    resource_id = str(document.get("id", ""))
    at = resource_id.lower().rfind("/providers/microsoft.authorization/")
    return resource_id[:at] if at >= 0 else ""


def _type(document: Document) -> str:
    said = document.get("type")
    if isinstance(said, str) and said:
        return resource_type(said)
    parts = str(document.get("id", "")).rsplit("/providers/", 1)[-1].split("/")
    return resource_type("/".join([parts[0], *parts[1::2]]))


def _short_name(resource: Resource) -> str:
    if isinstance(resource, Deployment):
        return f"{resource.cloud_service_id.rsplit('/', 1)[-1]} ({resource.slot.value})"
    return resource.name


def _texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value, keys included."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            waiting += item


def _plain(value: Any) -> Any:
    """The document as plain JSON, without what the gateway added or the platform alone writes."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if k not in ("systemData", "etag", "read")}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

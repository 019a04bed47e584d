"""One check: what is expected, what was seen, and the judgement over the two."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrator.counterparts import Counterparts, group_of
from migrator.resources import UNKNOWN, CloudService, Deployment, Resource, Unknown, VirtualMachine, known
from migrator.translation import sources
from migrator.translation.values import Difference, Expected, Kind

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """An expected row with what the Resource Manager side shows for it. `seen` None: nothing; UNKNOWN: not read.
    `claims`: keys of further documents explained by this row."""

    expected: Expected
    seen: Any = None
    arm_key: str = ""
    claims: tuple[str, ...] = ()
    of: str = ""  # the field of the same resource without which this row has nothing to say


class Sides:
    """Both sides, and the few questions every check asks of them."""

    def __init__(self, before: tuple[Resource, ...], found: tuple[Document, ...], subnet: str = "") -> None:
        self.before = before
        self.subnet = subnet  # id of the existing one into which machines in no network were sent; empty: a new one
        self.counterparts = Counterparts(before, found)
        self._services = {resource.key: resource for resource in before if isinstance(resource, CloudService)}
        self._machines: dict[str, list[VirtualMachine]] = {}
        self._deployments: dict[str, list[Deployment]] = {}
        for resource in before:
            if isinstance(resource, VirtualMachine) and known(resource.cloud_service_id):
                self._machines.setdefault(str(resource.cloud_service_id).lower(), []).append(resource)
            elif isinstance(resource, Deployment):
                self._deployments.setdefault(resource.cloud_service_id.lower(), []).append(resource)

    def found(self, resource: Resource) -> tuple[str, Document]:
        """The counterpart's id (empty when there is none) and its document."""
        new = self.counterparts.new_id(resource.id)
        return (new, self.counterparts.document(new)) if new else ("", {})

    def cloud_service(self, service_id: str) -> CloudService | None:
        return self._services.get(service_id.lower())

    def machines(self, service_id: str) -> list[VirtualMachine]:
        return self._machines.get(service_id.lower(), [])

    def deployments(self, service_id: str) -> list[Deployment]:
        return self._deployments.get(service_id.lower(), [])

    def in_group(self, resource_id: str, kind: str) -> list[Document]:
        """Found documents of a type in the same group as `resource_id`."""
        group = group_of(resource_id).lower() + "/"
        documents = self.counterparts.of_type(resource_id.split("/")[2], kind) if resource_id else []
        return [document for document in documents if document["id"].lower().startswith(group)]


def at(document: Document, path: str, default: Any = UNKNOWN) -> Any:
    """The value at a dotted path. A missing key gives `default`, except that nothing can be said about properties which
    are missing altogether: UNKNOWN."""
    if path.startswith("properties") and not isinstance(document.get("properties"), Mapping):
        return UNKNOWN
    value: Any = document
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return default
        value = value[step]
    return value


def items(value: Any) -> tuple[Mapping[str, Any], ...] | Unknown:
    """The objects of a list as read by `at`; null is the empty list."""
    if value is None:
        return ()
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list | tuple) else UNKNOWN


def texts(value: Any) -> tuple[str, ...] | Unknown:
    """The texts of a list as read by `at`; null is the empty list. UNKNOWN when one of them is no text: a null among
    them is a value nobody read, never the word None."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        return UNKNOWN
    return tuple(value)


def called(document: Document) -> str:
    """The name a found thing has; else the last part of its id; empty when it has neither."""
    told = [value for key in ("name", "id") if isinstance(value := document.get(key), str) and value]
    return name_of(told[0]) if told else ""


def place(text: Any) -> Any:
    """A region in one spelling: "West Europe" → "westeurope"."""
    return "".join(text.split()).lower() if isinstance(text, str) else text


def name_of(resource_id: str) -> str:
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def subject(resource: Resource, arm_id: str, why: str, groups: tuple[str, ...] = ()) -> Iterator[Check]:
    """The rows every resource has: that it exists, and in which group. `groups`: names, lower case, which a document
    promises for the group, the likeliest first; none: any group will do."""
    yield free(resource, arm_id, "resource", resource.id, arm_id or None, why)
    if not arm_id:
        return
    group = name_of(group_of(arm_id))
    if groups:
        promised = group if group.lower() in groups else groups[0]
        yield changed(resource, arm_id, "resource group", resource.resource_group, promised, group, sources.GROUP)
    else:
        yield free(resource, arm_id, "resource group", resource.resource_group, group, sources.GROUP_FREE)


def free(resource: Resource, arm_id: str, field: str, before: Any, seen: Any, why: str) -> Check:
    """A value for which the documents promise a change but no value: whatever is found will do, nothing will not."""
    expected = Expected(
        classic_key=resource.key, field=field, before=before, after=None, kind=Kind.RENAMED, why=why, free=True
    )
    return Check(expected, seen, arm_id.lower())


def same(resource: Resource, arm_id: str, field: str, before: Any, seen: Any, why: str) -> Check:
    """A value which has to be kept."""
    expected = Expected(classic_key=resource.key, field=field, before=before, after=before, kind=Kind.SAME, why=why)
    return Check(expected, seen, arm_id.lower())


def under(field: str, check: Check) -> Check:
    """A row that says nothing when the thing in row `field` was not found at all."""
    return replace(check, of=field)


def changed(resource: Resource, arm_id: str, field: str, before: Any, after: Any, seen: Any, why: str) -> Check:
    """A value which changes as a document says; shown as the same one where it did not have to."""
    expected = Expected(classic_key=resource.key, field=field, before=before, after=after, kind=Kind.RENAMED, why=why)
    return Check(expected, seen, arm_id.lower())


def dropped(resource: Resource, field: str, before: Any, why: str, seen: Any = None, arm_id: str = "") -> Check:
    expected = Expected(classic_key=resource.key, field=field, before=before, after=None, kind=Kind.DROPPED, why=why)
    return Check(expected, seen, arm_id.lower())


def surprise(key: str, arm_id: str, field: str, seen: Any) -> Check:
    """Something on the Resource Manager side that nothing classic explains."""
    expected = Expected(classic_key=key, field=field, before=None, after=None, kind=Kind.UNEXPECTED, why=sources.NOBODY)
    return Check(expected, seen, arm_id.lower())


def judged(check: Check) -> Difference:
    expected = check.expected
    kind, why = _judge(check)
    return Difference(
        classic_key=expected.classic_key,
        arm_key=check.arm_key if check.seen is not None else "",
        field=expected.field,
        before=expected.before,
        after=check.seen,
        kind=kind,
        why=why,
    )


def _judge(check: Check) -> tuple[Kind, str]:
    expected, seen = check.expected, check.seen
    if seen is UNKNOWN:
        return Kind.UNREAD, sources.ARM_UNREAD + expected.why
    if expected.kind is Kind.DROPPED:
        if seen is None:
            return Kind.DROPPED, expected.why
        return Kind.UNEXPECTED, "It should not be there. " + expected.why
    if expected.before is UNKNOWN:
        return Kind.UNREAD, sources.READ_ONLY_HALF + expected.why
    if expected.kind is Kind.UNEXPECTED:
        return Kind.UNEXPECTED, expected.why
    if seen is None and (expected.free or expected.after is not None):
        return Kind.UNEXPECTED, sources.MISSING + expected.why
    if expected.free or equal(expected.after, seen):
        return (Kind.SAME if equal(expected.before, seen) else expected.kind), expected.why
    return Kind.UNEXPECTED, f"Expected {_shown(expected.after)}. {expected.why}"


def equal(one: Any, other: Any) -> bool:
    """Text without regard to case, tuples without regard to order, everything else as it is."""
    return _normal(one) == _normal(other)


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, tuple):
        return sorted((_normal(item) for item in value), key=repr)
    return [_normal(item) for item in value] if isinstance(value, list) else value


def _shown(value: Any) -> str:
    if value is None or value in ((), []):
        return "nothing"
    return ", ".join(str(item) for item in value) if isinstance(value, tuple | list) else str(value)

"""Documents which are not classic resources: settings that hang on them (azure.md 6), and Resource Manager resources
that name a classic network (azure.md 1.5, second query [I])."""

import re
from collections.abc import Mapping
from typing import Any

from migrator.gateway.wire.fields import strings_in
from migrator.resources import ResourceType

SETTING_TYPES = frozenset(
    {
        ResourceType.AUTOSCALE_SETTING,
        ResourceType.ALERT_RULE,
        ResourceType.METRIC_ALERT,
        ResourceType.ACTIVITY_LOG_ALERT,
        ResourceType.ROLE_ASSIGNMENT,
        ResourceType.MANAGEMENT_LOCK,
        ResourceType.JIT_POLICY,
        ResourceType.TRAFFIC_MANAGER_PROFILE,
        ResourceType.BACKUP_ITEM,
        ResourceType.REPLICATION_ITEM,
    }
)

_TARGET_KEYS = {
    # where each kind of setting names the resources it works on (azure.md 6.2–6.4; the last three [K]); lower case
    ResourceType.AUTOSCALE_SETTING: {"targetresourceuri", "metricresourceuri"},
    ResourceType.ALERT_RULE: {"resourceuri"},
    ResourceType.METRIC_ALERT: {"scopes"},
    ResourceType.ACTIVITY_LOG_ALERT: {"scopes"},
    ResourceType.JIT_POLICY: {"id"},
    ResourceType.TRAFFIC_MANAGER_PROFILE: {"targetresourceid"},
    ResourceType.BACKUP_ITEM: {"sourceresourceid", "virtualmachineid"},
    ResourceType.REPLICATION_ITEM: {"fabricobjectid"},
}
_CLASSIC_NETWORK = re.compile(
    r"/subscriptions/[^/\s\"'\\]+/resourcegroups/[^/\"'\\]+/providers/microsoft\.classicnetwork/virtualnetworks/[^/\"'\\?&,;<>]+",
    re.IGNORECASE,
)
NOT_KEPT = "***"  # stands for the part of an address that names a person
_AUTHORIZATION = re.compile(r"/providers/Microsoft\.Authorization/", re.IGNORECASE)


def scope_of(resource_id: str) -> str:
    """The scope a role assignment or a lock hangs on: its id up to `/providers/Microsoft.Authorization/`; empty at
    tenant level."""
    places = list(_AUTHORIZATION.finditer(resource_id))
    return resource_id[: places[-1].start()] if places else ""


def targets_of(kind: str, resource_id: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys (lower-case ids) of the resources a setting names, each once, in the order written."""
    if kind in (ResourceType.ROLE_ASSIGNMENT, ResourceType.MANAGEMENT_LOCK):
        said = properties.get("scope")
        return _keys([said if isinstance(said, str) and said.startswith("/") else scope_of(resource_id)])
    if kind == ResourceType.JIT_POLICY:
        machines = properties.get("virtualMachines")
        listed = machines if isinstance(machines, list) else []
        return _keys([machine.get("id") for machine in listed if isinstance(machine, Mapping)])
    found = _under(properties, _TARGET_KEYS.get(ResourceType(kind), set()))
    if kind == ResourceType.ACTIVITY_LOG_ALERT:
        found += _conditions_on_resources(properties)
    return _keys(found)


def _under(value: Any, keys: set[str]) -> list[str]:
    found: list[str] = []
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, item = waiting.pop(0)
        if name.lower() in keys:
            found += [text for text in strings_in(item) if text.startswith("/")]
        elif isinstance(item, Mapping):
            waiting += [(str(key), inner) for key, inner in item.items()]
        elif isinstance(item, list):
            waiting += [("", inner) for inner in item]
    return found


def _conditions_on_resources(properties: Mapping[str, Any]) -> list[str]:
    """`{"field": "resourceId", "equals": id}` anywhere in the condition of an activity log alert."""
    found: list[str] = []
    waiting: list[Any] = [properties.get("condition")]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, Mapping):
            if str(item.get("field", "")).lower() == "resourceid" and isinstance(item.get("equals"), str):
                found.append(item["equals"])
            waiting += list(item.values())
        elif isinstance(item, list):
            waiting += item
    return found


def _keys(ids: list[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.rstrip("/").lower() for text in ids if isinstance(text, str) and text.strip("/")))


def networks_named(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the classic networks named anywhere in the document's properties (as objects, or as text under
    `props`)."""
    texts = strings_in([document.get("properties"), document.get("props")])
    return tuple(dict.fromkeys(m.group(0).lower() for text in texts for m in _CLASSIC_NETWORK.finditer(text)))


def without_person(administrator: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what names the person: `***@bramble.example`. Done twice it changes nothing more."""
    said = administrator.get("properties")
    properties = dict(said) if isinstance(said, Mapping) else {}
    address = properties.get("emailAddress")
    if address is not None:
        _, at, domain = address.rpartition("@") if isinstance(address, str) else ("", "", "")
        properties["emailAddress"] = f"{NOT_KEPT}@{domain}" if at else NOT_KEPT
    return {**administrator, "properties": properties}

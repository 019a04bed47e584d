"""Classic resources as people meet them on a unit's page: a word and an icon for each type, and what stands out of one.

Pure. Facts are those of `migrator.resources`; what is not known is left out here, the Readiness tab says what it means.
"""

from collections.abc import Iterable

from migrator.resources import (
    Deployment,
    Disk,
    Gateway,
    Network,
    Peering,
    ReservedAddress,
    Resource,
    ResourceType,
    Role,
    StorageAccount,
    VirtualMachine,
    known,
)
from migrator.units import flatten

T = ResourceType
_WORDS: dict[str, tuple[str, str]] = {
    T.NETWORK: ("Virtual network", "network"),
    T.GATEWAY: ("Gateway", "router"),
    T.PEERING: ("Peering", "link-2"),
    T.CLOUD_SERVICE: ("Cloud service", "cloud"),
    T.DEPLOYMENT: ("Slot", "layers"),
    T.ROLE: ("Role", "server"),
    T.EXTENSION_REFERENCE: ("Extension", "puzzle"),
    T.EXTENSION_DEFINITION: ("Extension definition", "puzzle"),
    T.SERVICE_CERTIFICATE: ("Certificate", "file-badge"),
    T.VIRTUAL_MACHINE: ("Virtual machine", "monitor"),
    T.NETWORK_SECURITY_GROUP: ("Network security group", "shield"),
    T.SECURITY_RULE: ("Security rule", "shield"),
    T.RESERVED_ADDRESS: ("Reserved IP", "map-pin"),
    T.ROUTE_TABLE: ("Route table", "route"),
    T.STORAGE_ACCOUNT: ("Storage account", "database"),
    T.DISK: ("Disk", "hard-drive"),
    T.OS_IMAGE: ("OS image", "disc"),
    T.VM_IMAGE: ("VM image", "disc-3"),
    T.AUTOSCALE_SETTING: ("Autoscale setting", "scaling"),
    T.ALERT_RULE: ("Alert rule", "bell"),
    T.METRIC_ALERT: ("Metric alert", "bell"),
    T.ACTIVITY_LOG_ALERT: ("Activity log alert", "bell"),
    T.ROLE_ASSIGNMENT: ("Role assignment", "user-round-check"),
    T.MANAGEMENT_LOCK: ("Management lock", "lock"),
    T.JIT_POLICY: ("Just-in-time policy", "timer"),
    T.CLIENT_ROOT_CERTIFICATE: ("VPN client root certificate", "file-badge"),
    T.CLIENT_REVOKED_CERTIFICATE: ("Revoked VPN client certificate", "file-badge"),
    T.PEERING_PROXY: ("Peering from elsewhere", "network"),
    T.CROSS_CONNECTION: ("Cross connection", "network"),
    T.CROSS_CONNECTION_PEERING: ("Cross connection peering", "network"),
    T.TRAFFIC_MANAGER_PROFILE: ("Traffic Manager profile", "split"),
    T.BACKUP_ITEM: ("Backup", "archive"),
    T.REPLICATION_ITEM: ("Replicated machine", "copy"),
    T.CLASSIC_ADMINISTRATOR: ("Classic administrator", "user-round-check"),
}
_BY_TYPE = {kind.lower(): words for kind, words in _WORDS.items()}
ORDER = {kind.lower(): place for place, kind in enumerate(_WORDS)}


def word(kind: str) -> str:
    """What to call a type; one that is not ours by the last part of its name."""
    return _BY_TYPE.get(kind.lower(), (kind.rsplit("/", 1)[-1] or "Resource", ""))[0]


def plural(kind: str) -> str:
    said = word(kind)
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def icon(kind: str) -> str:
    return _BY_TYPE.get(kind.lower(), ("", "box"))[1]


def outstanding(values: Iterable[Resource]) -> dict[str, str]:
    """key → what stands out, of every resource and everything nested in it: size, instances, addresses, state."""
    return {key: said for key, value in flatten(values).items() if (said := _said(value))}


def _said(value: Resource) -> str:
    match value:
        case Role():
            parts = [_text(value.size), _many(value.instance_count, "instance")]
            parts += [_ports(value.input_endpoints)]
        case VirtualMachine():
            parts = [_text(value.size), _text(value.power_state), _text(value.availability_set, "set ")]
            parts += [_ports(value.input_endpoints)]
        case Network():
            parts = [_text(value.address_prefixes), _count(value.subnets, "subnet")]
        case Gateway():
            parts = [_text(value.gateway_type), _count(value.connections, "connection")]
        case Peering():
            parts = [_text(value.state)]
        case Deployment():
            vips = value.virtual_ips
            parts = [_text(value.status), _text([vip.address for vip in vips] if known(vips) else None)]  # type: ignore[union-attr]
        case StorageAccount():
            parts = [_text(value.account_type), _count(value.disks, "disk"), _count(value.images, "image")]
        case Disk():
            attached = value.attached_to
            parts = ["not attached" if attached is None else _text(attached, "attached to ")]
        case ReservedAddress():
            parts = [
                _text(value.address),
                "in use" if value.in_use is True else "free" if value.in_use is False else "",
            ]
        case _:
            parts = []
    return " · ".join(part for part in parts if part)


def _text(value: object, before: str = "") -> str:
    if not known(value) or value is None:
        return ""
    shown = [str(one) for one in value if known(one)] if isinstance(value, (tuple, list)) else [str(value)]
    text = ", ".join(item.rsplit("/", 1)[-1] if item.startswith("/") else item for item in shown[:3])
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"{before}{text}{more}" if text else ""


def _many(value: object, noun: str) -> str:
    return f"{value} {noun}{'' if value == 1 else 's'}" if isinstance(value, int) else ""


def _count(value: object, noun: str) -> str:
    return _many(len(value), noun) if isinstance(value, tuple) and value else ""


def _ports(endpoints: object) -> str:
    if not isinstance(endpoints, tuple):
        return ""
    ports = sorted({one.public_port for one in endpoints if isinstance(one.public_port, int)})
    return f"port{'s' * (len(ports) != 1)} {_text(ports)}" if ports else ""

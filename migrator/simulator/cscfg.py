"""What the simulator reads from a deployment's configuration (.cscfg)."""

from dataclasses import dataclass

from defusedxml import ElementTree

from migrator.simulator.scope import properties
from migrator.simulator.store import Document


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the simulator reads from a .cscfg."""

    service_name: str
    subnets: dict[str, list[str]]  # role (lower case) to subnet names
    plugins: frozenset[str]  # plugin modules switched on
    instances: dict[str, int]  # role (lower case) to count


def configuration(slot: Document) -> Configuration | None:
    """The slot's configuration, None when it has none or it is not XML."""
    text = properties(slot).get("configuration")
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return None
    subnets: dict[str, list[str]] = {}
    for address in root.iter():
        if _local(address.tag) == "InstanceAddress":
            names = [s.get("name", "") for s in address.iter() if _local(s.tag) == "Subnet"]
            subnets[address.get("roleName", "").lower()] = [name for name in names if name]
    plugins = set()
    for setting in (s for s in root.iter() if _local(s.tag) == "Setting"):
        parts = setting.get("name", "").split(".")
        on = setting.get("value", "").strip().lower() == "true"
        if on and parts[:3] == ["Microsoft", "WindowsAzure", "Plugins"] and len(parts) > 4 and parts[-1] == "Enabled":
            plugins.add(parts[3])
    instances = {}
    for role in (r for r in root if _local(r.tag) == "Role"):
        counts = [c.get("count", "") for c in role if _local(c.tag) == "Instances"]
        if counts and counts[0].isdigit():
            instances[role.get("name", "").lower()] = int(counts[0])
    return Configuration(root.get("serviceName", ""), subnets, frozenset(plugins), instances)


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def instances(slot: Document, role: Document) -> int:
    """How many instances a role has: as the role says, else as the configuration says; 0 when neither does."""
    said = properties(role).get("instanceCount")
    if isinstance(said, int):
        return said
    read = configuration(slot)
    return read.instances.get(str(role["name"]).lower(), 0) if read else 0

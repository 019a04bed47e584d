"""What a service configuration (.cscfg) and a service definition (.csdef) say, as values. Never the value of a setting.

Element and attribute names: azure.md 4.4 and 4.5 (cs-net, cs-pre [D]; the namespaces, and what is marked so, [K]).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from migrator.resources import UNKNOWN, Unknown


class Kind(StrEnum):
    CONFIGURATION = "cscfg"
    DEFINITION = "csdef"

    @property
    def words(self) -> str:
        return "service configuration" if self is Kind.CONFIGURATION else "service definition"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that cannot be right; what it stands for is unknown. One sentence."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class FileCertificate:
    name: str
    thumbprint: str | Unknown = UNKNOWN  # 40 hexadecimal digits, upper case
    algorithm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredRole:
    """One `Role`. `settings`: their names; `plugins`: modules switched on by settings; `subnets` from its
    `InstanceAddress`, empty where it has none."""

    name: str
    line: int
    instance_count: int | Unknown = UNKNOWN
    settings: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    certificates: tuple[FileCertificate, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRule:
    order: int | Unknown
    action: str
    remote_subnet: str


@dataclass(frozen=True, slots=True)
class EndpointAcl:
    role: str
    endpoint: str
    access_control: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfiguration:
    """`site` is None where no `VirtualNetworkSite` is named. `load_balancers`: internal ones, by name [K]."""

    site: str | None = None
    reserved_ips: tuple[str, ...] = ()
    dns_servers: tuple[tuple[str, str], ...] = ()  # (name, address)
    access_controls: tuple[tuple[str, tuple[AccessRule, ...]], ...] = ()
    endpoint_acls: tuple[EndpointAcl, ...] = ()
    load_balancers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfiguration:
    """A .cscfg. `network` is None where the file has no `NetworkConfiguration`."""

    service_name: str
    os_family: str = ""
    os_version: str = ""  # "*": automatic
    roles: tuple[ConfiguredRole, ...] = ()
    network: NetworkConfiguration | None = None
    problems: tuple[Problem, ...] = ()

    kind = Kind.CONFIGURATION


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEndpoint:
    """`kind`: InputEndpoint, InternalEndpoint or InstanceInputEndpoint. Ports are None where none is written or it is
    no single number ("*")."""

    kind: str
    name: str
    protocol: str = ""
    port: int | None = None
    local_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedRole:
    """One `WebRole` or `WorkerRole`. `size` as written; where it is not, Small [K], and `size_written` is False."""

    name: str
    line: int
    web: bool
    size: str = "Small"
    size_written: bool = False
    imports: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    endpoints: tuple[FileEndpoint, ...] = ()
    certificates: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    startup_tasks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """A .csdef."""

    name: str
    roles: tuple[DefinedRole, ...] = ()
    probes: tuple[str, ...] = ()
    traffic_rules: int = 0
    problems: tuple[Problem, ...] = ()

    kind = Kind.DEFINITION


Contents = ServiceConfiguration | ServiceDefinition
ROOTS: Mapping[str, Kind] = {
    "ServiceConfiguration": Kind.CONFIGURATION,
    "ServiceDefinition": Kind.DEFINITION,
}
NAMESPACES: Mapping[Kind, str] = {  # [K]
    Kind.CONFIGURATION: "http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration",
    Kind.DEFINITION: "http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceDefinition",
}

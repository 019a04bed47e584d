"""A document to values. What cannot be right is a Problem and stays unknown; what cannot be used refuses the file."""

import re
from collections.abc import Iterable
from typing import Final

from migrator.configuration import plugins
from migrator.configuration.document import Document, Element, FileRefused, parse, parse_text
from migrator.configuration.values import (
    NAMESPACES,
    ROOTS,
    AccessRule,
    ConfiguredRole,
    Contents,
    DefinedRole,
    EndpointAcl,
    FileCertificate,
    FileEndpoint,
    Kind,
    NetworkConfiguration,
    Problem,
    ServiceConfiguration,
    ServiceDefinition,
)
from migrator.resources import UNKNOWN, Unknown

MOST_INSTANCES: Final = 100_000
MOST_ROLES: Final = 200  # a deployment of Azure has 25 at most [K]
_ENDPOINTS: Final = ("InputEndpoint", "InternalEndpoint", "InstanceInputEndpoint")
_THUMBPRINT: Final = re.compile(r"[0-9A-Fa-f]{40}")
_SAID: Final = 80  # characters of a wrong value that are repeated in a sentence


def open_file(data: bytes, wanted: Kind) -> Document:
    """The document of a file, which must be of the kind wanted. Raises FileRefused."""
    return _of_kind(parse(data), wanted)


def open_text(text: bytes, wanted: Kind) -> Document:
    """The document of a text of ours (UTF-8), which must be of the kind wanted. Raises FileRefused."""
    return _of_kind(parse_text(text), wanted)


def _of_kind(document: Document, wanted: Kind) -> Document:
    root = document.root
    found = ROOTS.get(root.name)
    if found is None:
        name = root.name[:_SAID]
        raise FileRefused(f"The file begins with {name!r}; a {wanted.words} begins with {_root(wanted)!r}.", root.line)
    if found is not wanted:
        raise FileRefused(f"This is a {found.words} (.{found}); here a {wanted.words} (.{wanted}) is asked for.")
    if root.namespace != NAMESPACES[wanted]:
        there = f"the namespace {root.namespace[:120]!r}" if root.namespace else "no namespace"
        raise FileRefused(f"{root.name} is in {there}; a {wanted.words} is in {NAMESPACES[wanted]}.", root.line)
    return document


def _root(kind: Kind) -> str:
    return next(name for name, each in ROOTS.items() if each is kind)


def read(document: Document) -> Contents:
    """What a document of `open_file` says. Raises FileRefused where it says it twice."""
    if ROOTS[document.root.name] is Kind.CONFIGURATION:
        return _configuration(document.root)
    return _definition(document.root)


def _configuration(root: Element) -> ServiceConfiguration:
    problems: list[Problem] = []
    network = root.first("NetworkConfiguration")
    subnets: dict[str, tuple[str, ...]] = {}
    for address in root.of("NetworkConfiguration", "AddressAssignments", "InstanceAddress"):
        subnets[address.get("roleName").lower()] = _names(address.of("Subnets", "Subnet"))
    roles = root.of("Role")
    _each_once(roles)
    return ServiceConfiguration(
        service_name=root.get("serviceName"),
        os_family=root.get("osFamily"),
        os_version=root.get("osVersion"),
        roles=tuple(_configured(role, subnets, problems) for role in roles),
        network=_network(network, problems) if network else None,
        problems=tuple(problems),
    )


def _configured(role: Element, subnets: dict[str, tuple[str, ...]], problems: list[Problem]) -> ConfiguredRole:
    name = role.get("name")
    count: int | Unknown = UNKNOWN
    for instances in role.of("Instances")[:1]:
        count = _number(instances, "count", MOST_INSTANCES, f"The instance count of role {name}", problems)
    settings = role.of("ConfigurationSettings", "Setting")
    return ConfiguredRole(
        name=name,
        line=role.line,
        instance_count=count,
        settings=_names(settings),
        plugins=plugins.switched_on((one.get("name"), one.get("value")) for one in settings),
        certificates=tuple(_certificate(one, name, problems) for one in role.of("Certificates", "Certificate")),
        subnets=subnets.get(name.lower(), ()),
    )


def _certificate(element: Element, role: str, problems: list[Problem]) -> FileCertificate:
    name, said = element.get("name"), element.get("thumbprint").strip().replace(" ", "")
    if not _THUMBPRINT.fullmatch(said):
        problems.append(
            Problem(element.line, f"The thumbprint of certificate {name} of role {role} is not 40 hexadecimal digits.")
        )
        return FileCertificate(name, UNKNOWN, element.get("thumbprintAlgorithm"))
    return FileCertificate(name, said.upper(), element.get("thumbprintAlgorithm"))


def _network(element: Element, problems: list[Problem]) -> NetworkConfiguration:
    sites = [one.get("name").strip() for one in element.of("VirtualNetworkSite")]
    controls = []
    for control in element.of("AccessControls", "AccessControl"):
        name = control.get("name")
        rules = tuple(
            AccessRule(
                _number(rule, "order", 65_535, f"The order of a rule of access control {name}", problems),
                rule.get("action"),
                rule.get("remoteSubnet"),
            )
            for rule in control.of("Rule")
        )
        controls.append((name, rules))
    acls = element.of("EndpointAcls", "EndpointAcl")
    balancers = element.of("LoadBalancers", "LoadBalancer")
    return NetworkConfiguration(
        site=sites[0] if sites and sites[0] else None,
        reserved_ips=_names(element.of("AddressAssignments", "ReservedIPs", "ReservedIP")),
        dns_servers=tuple(
            (one.get("name"), one.get("IPAddress")) for one in element.of("Dns", "DnsServers", "DnsServer")
        ),
        access_controls=tuple(controls),
        endpoint_acls=tuple(
            EndpointAcl(one.get("role"), one.get("endpoint") or one.get("endPoint"), one.get("accessControl"))
            for one in acls
        ),
        load_balancers=_names(balancers),
    )


def _definition(root: Element) -> ServiceDefinition:
    problems: list[Problem] = []
    roles = [child for child in root.children if child.name in ("WebRole", "WorkerRole")]
    roles = [role for role in roles if role.namespace == root.namespace]
    _each_once(roles)
    return ServiceDefinition(
        name=root.get("name"),
        roles=tuple(_defined(role, problems) for role in roles),
        probes=_names(root.of("LoadBalancerProbes", "LoadBalancerProbe")),
        traffic_rules=len(root.of("NetworkTrafficRules", "OnlyAllowTrafficTo")),
        problems=tuple(problems),
    )


def _defined(role: Element, problems: list[Problem]) -> DefinedRole:
    size = role.get("vmsize").strip()
    endpoints = [_endpoint(one, role, problems) for kind in _ENDPOINTS for one in role.of("Endpoints", kind)]
    seen: set[str] = set()
    for one in endpoints:
        if one.name.lower() in seen:
            problems.append(Problem(role.line, f"Role {role.get('name')} has the endpoint {one.name} twice."))
        seen.add(one.name.lower())
    return DefinedRole(
        name=role.get("name"),
        line=role.line,
        web=role.name == "WebRole",
        size=size or "Small",
        size_written=bool(size),
        imports=tuple(one.get("moduleName") for one in role.of("Imports", "Import")),
        settings=_names(role.of("ConfigurationSettings", "Setting")),
        endpoints=tuple(endpoints),
        certificates=_names(role.of("Certificates", "Certificate")),
        sites=_names(role.of("Sites", "Site")),
        startup_tasks=len(role.of("Startup", "Task")),
    )


def _endpoint(element: Element, role: Element, problems: list[Problem]) -> FileEndpoint:
    name = element.get("name")
    about = f"of endpoint {name} of role {role.get('name')}"
    return FileEndpoint(
        kind=element.name,
        name=name,
        protocol=element.get("protocol"),
        port=_port(element, "port", f"The port {about}", problems),
        local_port=_port(element, "localPort", f"The local port {about}", problems),
    )


def _port(element: Element, attribute: str, about: str, problems: list[Problem]) -> int | None:
    said = element.get(attribute)
    if said in ("", "*"):
        return None
    found = _number(element, attribute, 65_535, about, problems, least=1)
    return None if found is UNKNOWN else found  # type: ignore[return-value]


def _number(
    element: Element, attribute: str, most: int, about: str, problems: list[Problem], least: int = 0
) -> int | Unknown:
    said = element.get(attribute)
    if said.isascii() and said.isdigit() and len(said) <= 9 and least <= int(said) <= most:
        return int(said)
    told = repr(said[:_SAID]) if said else "missing"
    problems.append(Problem(element.line, f"{about} is {told}, not a number from {least} to {most}."))
    return UNKNOWN


def _names(elements: Iterable[Element]) -> tuple[str, ...]:
    return tuple(one.get("name") for one in elements)


def _each_once(roles: Iterable[Element]) -> None:
    """A role without a name, or there twice, makes every fact about it doubtful; and so many are no deployment. Raises
    FileRefused."""
    seen: set[str] = set()
    for role in roles:
        if len(seen) >= MOST_ROLES:
            raise FileRefused(f"The file has more than {MOST_ROLES} roles.", role.line)
        name = role.get("name").strip()
        if not name:
            raise FileRefused("A role has no name.", role.line)
        if name.lower() in seen:
            raise FileRefused(f"The role {name[:_SAID]} is there twice.", role.line)
        seen.add(name.lower())

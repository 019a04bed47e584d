"""What is supported for cloud services, shown so that a reviewer sees it was looked at (azure.md 3.2; rules.md 8).

Each is a row of the seed's list of 2020. Rows marked there as internal, and Hypernet, vanished from the published list:
they are kept and say so. Where no API shows whether a feature is used, the finding is UNKNOWN and harmless: info.
"""

from collections.abc import Callable, Iterator
from typing import Final

from migrator.readiness.asking import fact, holds_web_worker
from migrator.readiness.cloud_service_roles import DEPRECATED_SIZES, LEGACY_SIZES, SPECIAL_SIZES, size_in
from migrator.readiness.cloud_services import holds_reserved
from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.files import Says, said_by
from migrator.readiness.rule import (
    Answer,
    Check,
    Detection,
    Effect,
    Rules,
    Scope,
    Superseded,
    unknown,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.three import Tri, any_of, either, negate, when, within
from migrator.resources import UNKNOWN, Deployment, Role

rules: Final = Rules(Scope.CLOUD_SERVICES)

Seen = Callable[[View], Tri]


def of_deployments(test: Callable[[Deployment], Tri]) -> Seen:
    return lambda view: any_of(test(d) for d, _ in view.web_deployments)


def of_roles(test: Callable[[Role], Tri]) -> Seen:
    def seen(view: View) -> Tri:
        told = any_of(test(role) for role, _ in view.web_roles)
        return UNKNOWN if told is False and view.untold else told

    return seen


def of_subnets(field: str) -> Seen:
    def seen(view: View) -> Tri:
        return any_of(within(n.subnets, lambda s: when(getattr(s, field), bool)) for n in view.networks)

    return seen


def always(_view: View) -> Tri:
    return True


def not_shown(_view: View) -> Tri:
    """No API shows whether it is used."""
    return UNKNOWN


def looked_at(title: str, seen: Seen, in_file: Says | None = None) -> Check:
    def check(view: View, context: Context) -> Iterator[Answer]:
        used = seen(view)
        if used is UNKNOWN and in_file:
            used = said_by(view, context, in_file)
        evidence = fact("used", used)
        if used is UNKNOWN:
            sentence = f"{title}: whether {view.unit.name} uses them cannot be seen; they are supported either way."
            yield unknown(view.unit, sentence, "Nothing has to be settled: supported either way.", evidence)
        elif used:
            yield yes(view.unit, f"{title}: used by {view.unit.name}, and supported.", evidence)

    return check


PUBLIC: Final = "Nothing: it is supported."
INTERNAL: Final = "Nothing for most; whoever uses it should ask support whether it is still moved."


def _add(
    row: str,
    id_: str,
    title: str,
    statement: str,
    seen: Seen,
    detection: Detection = Detection.API,
    in_file: Says | None = None,
) -> None:
    rules.add(
        id=id_,
        title=title,
        effect=Effect.INFO,
        detection=detection,
        applies=holds_web_worker,
        statement=statement,
        remedy=PUBLIC,
        sources=sources(f"seed0 {row}", "cs-td"),
    )(looked_at(title, seen, in_file))


def _add_unpublished(row: str, id_: str, title: str, then: str) -> None:
    rules.add(
        id=id_,
        title=title,
        effect=Effect.INFO,
        detection=Detection.ATTEST,
        applies=holds_web_worker,
        statement=f"{title} stood in the list of 2020 ({then}) and is not in the public list any longer.",
        remedy=INTERNAL,
        sources=sources(f"seed0 {row}", "cs-td"),
        superseded=(Superseded("seed0", 2020, then, "Not in the public list of supported features."),),
    )(looked_at(title, not_shown))


def _fits(role: Role) -> Tri:
    return negate(size_in(LEGACY_SIZES | DEPRECATED_SIZES | SPECIAL_SIZES)(role))


def _acl(role: Role) -> Tri:
    return within(role.input_endpoints, lambda endpoint: when(endpoint.acl, bool))


def _several_addresses(deployment: Deployment) -> Tri:
    return when(deployment.virtual_ips, lambda vips: len(vips) > 1)


def _dynamic(deployment: Deployment) -> Tri:
    return negate(holds_reserved(deployment))


def _in_network(deployment: Deployment) -> Tri:
    return when(deployment.virtual_network_id, lambda network: network is not None)


def _several_roles(deployment: Deployment) -> Tri:
    return when(deployment.roles, lambda roles: len(roles) > 0)


def _certificates(view: View) -> Tri:
    return any_of(when(s.resource.certificates, bool) for s in view.services if s.web_worker is not False)


def _extensions(role: Role) -> Tri:
    return either(when(role.extensions, bool), when(role.plugins, bool))


_add(
    "S0-A1",
    "CS-OK-STORAGE",
    "Storage accounts",
    "Cloud services may use storage accounts; classic accounts are moved in their own right, after the services.",
    always,
)
_add(
    "S0-A2",
    "CS-OK-VNET",
    "Virtual networks",
    "Deployments in virtual networks are supported; they move with the network.",
    of_deployments(_in_network),
)
_add(
    "S0-A3",
    "CS-OK-NSG",
    "Network security groups",
    "Security groups on the subnets are supported; they are cloned.",
    of_subnets("network_security_group"),
)
_add(
    "S0-A4",
    "CS-OK-RIP",
    "Reserved addresses",
    "Reserved public addresses are supported and keep their value as static public IPs.",
    of_deployments(holds_reserved),
)
_add(
    "S0-A5",
    "CS-OK-ENDPOINT-ACL",
    "Endpoint ACLs",
    "Access control lists on endpoints are supported for web and worker roles; for virtual machines they block.",
    of_roles(_acl),
)
_add(
    "S0-A6",
    "CS-OK-UDR",
    "User-defined routes",
    "Route tables on the subnets are supported; they are cloned.",
    of_subnets("route_table"),
)
_add(
    "S0-A7",
    "CS-OK-ILB",
    "Internal load balancers",
    "Internal load balancers are supported. The inventory does not show them.",
    not_shown,
    Detection.FILE,
    lambda file: file.internal_load_balancers,
)
_add(
    "S0-A8",
    "CS-OK-CERT",
    "Certificates",
    "Service certificates are supported; the platform moves them to a new Key Vault.",
    _certificates,
)
_add(
    "S0-A9",
    "CS-OK-EXT",
    "Plugins and extensions",
    "Plugins, and extensions of both the XML and the JSON kind, are supported on web and worker roles.",
    of_roles(_extensions),
)
_add(
    "S0-A10",
    "CS-OK-STARTUP-TASKS",
    "Start and stop tasks",
    "OnStart and OnStop tasks are supported. They stand in the definition file only.",
    not_shown,
    Detection.FILE,
    lambda file: file.startup_tasks,
)
_add(
    "S0-A11",
    "CS-OK-SIZES",
    "Role sizes of today",
    "All sizes which Cloud Services (extended support) offers are supported.",
    of_roles(_fits),
)
_add(
    "S0-A12",
    "CS-OK-ACCELNET",
    "Accelerated networking",
    "Accelerated networking is supported. The inventory does not show it.",
    not_shown,
)
_add(
    "S0-A13",
    "CS-OK-MULTIROLE",
    "One or several roles",
    "Deployments with one role and with several roles are supported.",
    of_deployments(_several_roles),
)
_add_unpublished("S0-A14", "CS-OK-MULTIVIP", "Several virtual IPs", "supported, internal only")
_add_unpublished("S0-A15", "CS-OK-AZPIN", "Availability zone pinning", "supported, internal only")
_add(
    "S0-A16",
    "CS-OK-BASICLB",
    "Basic load balancer",
    "The Basic load balancer in front of the roles is supported.",
    of_roles(lambda role: when(role.input_endpoints, bool)),
)
_add(
    "S0-A17",
    "CS-OK-ENDPOINTS",
    "Endpoints",
    "Input, instance input and internal endpoints are supported.",
    of_roles(lambda role: when(role.input_endpoints, bool)),
)
_add(
    "S0-A18",
    "CS-OK-DYNIP",
    "Dynamic public address",
    "A dynamic public address is supported and is kept.",
    of_deployments(_dynamic),
)
_add("S0-A19", "CS-OK-DNS", "Domain name", "The domain name is supported and is kept.", always)
_add_unpublished("S0-A20", "CS-OK-DNG", "Dedicated node groups", "supported, internal only")
_add_unpublished("S0-A21", "CS-OK-DSMS", "dSMS secrets", "supported, internal only")
_add(
    "S0-A22",
    "CS-OK-NETTRAFFIC",
    "Network traffic rules",
    "Network traffic rules between roles are supported. They stand in the definition file only.",
    not_shown,
    Detection.FILE,
    lambda file: file.traffic_rules,
)
_add_unpublished("S0-A23", "CS-OK-HYPERNET", "Hypernet virtual networks", "announced for before the public preview")

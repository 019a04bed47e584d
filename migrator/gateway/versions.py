"""Which api-version a request carries, and why.

First what was set by hand; then the subscription's own provider metadata; then a table. Out of the metadata: for a
classic type the newest version that is no preview (its shapes are read defensively, azure.md 1.2); for any other type
the newest that is not newer than the one whose shapes the product was written for (`WRITTEN_FOR`, azure.md 12). The
table is `WRITTEN_FOR`, and `FALLBACK` (azure.md 1.2 and the metadata recorded in 2018). That the migrate actions take
the version of their resource type is inferred [I].

Four calls carry a fixed version, because they come before any metadata: subscriptions, providers and resource groups,
Resource Graph, features.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

RESOURCES = "2025-04-01"
SUBSCRIPTIONS = "2022-12-01"
RESOURCE_GRAPH = "2021-03-01"
FEATURES = "2021-07-01"
COMPUTE_USAGES = "2026-04-01"
NETWORK_USAGES = "2026-03-01"
QUOTA = "2025-09-01"
ROLE_ASSIGNMENTS = "2022-04-01"
LOCKS = "2020-05-01"
JIT = "2020-01-01"
COMPUTE_SKUS = "2021-07-01"
METRIC_DEFINITIONS = "2024-02-01"
SUPPORT = "2024-04-01"
CLASSIC_ADMINISTRATORS = "2015-07-01"

WRITTEN_FOR: Mapping[str, str] = {  # [V] but where marked
    "microsoft.compute/cloudservices": "2024-11-04",
    "microsoft.compute/cloudservices/roles": "2024-11-04",
    "microsoft.network/virtualnetworks": NETWORK_USAGES,
    "microsoft.network/virtualnetworks/virtualnetworkpeerings": NETWORK_USAGES,
    "microsoft.network/publicipaddresses": NETWORK_USAGES,
    "microsoft.network/loadbalancers": NETWORK_USAGES,
    "microsoft.network/networkinterfaces": NETWORK_USAGES,
    "microsoft.network/networksecuritygroups": NETWORK_USAGES,
    "microsoft.network/routetables": NETWORK_USAGES,
    "microsoft.network/virtualnetworkgateways": NETWORK_USAGES,
    "microsoft.network/localnetworkgateways": NETWORK_USAGES,
    "microsoft.network/connections": NETWORK_USAGES,
    "microsoft.insights/autoscalesettings": "2022-10-01",
    "microsoft.insights/alertrules": "2016-03-01",  # [K]
    "microsoft.insights/metricalerts": "2018-03-01",
    "microsoft.insights/activitylogalerts": "2020-10-01",
    "microsoft.authorization/roleassignments": ROLE_ASSIGNMENTS,
    "microsoft.authorization/locks": LOCKS,
    "microsoft.security/locations/jitnetworkaccesspolicies": JIT,
    "microsoft.network/trafficmanagerprofiles": "2022-04-01",  # [K], as the three below
    "microsoft.network/trafficmanagerprofiles/azureendpoints": "2022-04-01",
    "microsoft.recoveryservices/vaults": "2024-04-01",
    "microsoft.recoveryservices/vaults/backupprotecteditems": "2024-04-01",
    "microsoft.recoveryservices/vaults/replicationprotecteditems": "2024-04-01",
    "microsoft.authorization/classicadministrators": CLASSIC_ADMINISTRATORS,
    "microsoft.compute/locations/usages": COMPUTE_USAGES,
    "microsoft.compute/skus": COMPUTE_SKUS,
    "microsoft.network/locations/usages": NETWORK_USAGES,
    "microsoft.insights/metricdefinitions": METRIC_DEFINITIONS,
    "microsoft.quota/quotas": QUOTA,
    "microsoft.quota/quotarequests": QUOTA,
    "microsoft.support/services": SUPPORT,
    "microsoft.support/supporttickets": SUPPORT,
}

FALLBACK: Mapping[str, str] = {
    "microsoft.classiccompute/domainnames": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots/roles": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots/roles/extensionreferences": "2015-06-01",  # azsk [S]
    "microsoft.classiccompute/domainnames/extensions": "2016-11-01",  # [I] that of the parent
    "microsoft.classiccompute/domainnames/servicecertificates": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/virtualmachines": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/virtualmachines/extensions": "2016-11-01",  # [I] that of the parent
    "microsoft.classicnetwork/virtualnetworks": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/virtualnetworks/gateways": "2016-11-01",  # [I] that of the parent
    "microsoft.classicnetwork/virtualnetworks/gateways/connections": "2016-11-01",  # [I] that of the network
    "microsoft.classicnetwork/virtualnetworks/gateways/clientrootcertificates": "2016-11-01",  # [I] as above
    "microsoft.classicnetwork/virtualnetworks/gateways/clientrevokedcertificates": "2016-11-01",  # [I] as above
    "microsoft.classicnetwork/virtualnetworks/virtualnetworkpeerings": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/virtualnetworks/remotevirtualnetworkpeeringproxies": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/networksecuritygroups": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/networksecuritygroups/securityrules": "2016-11-01",  # [I] that of the parent
    "microsoft.classicnetwork/expressroutecrossconnections": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/expressroutecrossconnections/peerings": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/reservedips": "2016-11-01",  # recorded 2018
    "microsoft.classicstorage/storageaccounts": "2016-11-01",  # StackState [S], recorded 2018
    "microsoft.classicstorage/storageaccounts/disks": "2016-11-01",  # [I] that of the parent
    "microsoft.classicstorage/storageaccounts/osimages": "2016-11-01",  # [I] that of the parent
    "microsoft.classicstorage/storageaccounts/vmimages": "2016-11-01",  # recorded 2018
    "microsoft.compute/virtualmachines": "2024-07-01",  # [K]
    "microsoft.compute/availabilitysets": "2024-07-01",  # [K]
    "microsoft.storage/storageaccounts": "2023-05-01",  # [K]
    "microsoft.storage/locations/usages": "2023-05-01",  # [K]
    "microsoft.keyvault/vaults": "2023-07-01",  # [K]
    "microsoft.insights/actiongroups": "2023-01-01",  # [K]
}
# How the documents spell the types that `ResourceType` does not name.
SPELLED = {
    kind.lower(): kind
    for kind in (
        "Microsoft.Compute/cloudServices",
        "Microsoft.Compute/cloudServices/roles",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/loadBalancers",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/routeTables",
        "Microsoft.Network/virtualNetworkGateways",
        "Microsoft.Network/localNetworkGateways",
        "Microsoft.Network/connections",
        "Microsoft.Network/trafficManagerProfiles",
        "Microsoft.Network/trafficManagerProfiles/azureEndpoints",
        "Microsoft.RecoveryServices/vaults",
        "Microsoft.RecoveryServices/vaults/backupProtectedItems",
        "Microsoft.RecoveryServices/vaults/replicationProtectedItems",
        "Microsoft.Authorization/classicAdministrators",
        "Microsoft.Compute/locations/usages",
        "Microsoft.Compute/skus",
        "Microsoft.Network/locations/usages",
        "Microsoft.Insights/metricDefinitions",
        "Microsoft.Quota/quotas",
        "Microsoft.Quota/quotaRequests",
        "Microsoft.Support/services",
        "Microsoft.Support/supportTickets",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/availabilitySets",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/locations/usages",
        "Microsoft.ClassicCompute/virtualMachines/extensions",
        "Microsoft.ClassicNetwork/virtualNetworks/gateways/connections",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Insights/actionGroups",
    )
}
# x-ms-version of service management by family of requests (azure.md 1.4 [S]: what the last public clients send). It has
# no metadata to choose from.
SERVICE_MANAGEMENT: Mapping[str, str] = {
    "compute": "2017-01-01",
    "network": "2016-07-01",
    "storage": "2016-03-01",
    "management": "2014-10-01",
}
LAST_RESORT = RESOURCES  # for a type nothing is known of; Azure then names the versions it takes
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z0-9-]+)?", re.IGNORECASE)


def newest(listed: Iterable[str]) -> str | None:
    """The newest version which is no preview; a preview only when nothing else is listed; None for an empty or
    unreadable list."""
    good = [text for text in listed if isinstance(text, str) and _VERSION.fullmatch(text)]
    final = [text for text in good if len(text) == len("2016-11-01")]
    return max(final or good, default=None)


class Source(StrEnum):
    """Where a version came from."""

    SETTING = "setting"
    METADATA = "provider metadata"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Choice:
    """A version and where it came from. `doubt`: why it may be refused, for a person; empty when nothing speaks against
    it."""

    version: str
    source: Source
    doubt: str = ""


def choose(kind: str, listed: Mapping[str, Iterable[str]], chosen: Mapping[str, str]) -> Choice:
    """The version for a type. `listed`: versions by type from provider metadata; `chosen`: set by hand; keys of all
    in lower case.

    An action is asked for as `type/prepareMigration`; it takes the version of its type unless one was set by hand for
    it, or for the four actions of every type under `*migration`.
    """
    kind = kind.lower()
    acts = kind.endswith("migration")
    parent = kind.rpartition("/")[0] if acts else kind
    offered = [text for text in listed.get(parent, ()) if isinstance(text, str)]
    for name in (kind, *(("*migration",) if acts else ()), parent):
        if name in chosen:
            return Choice(chosen[name], Source.SETTING, _not_offered(chosen[name], offered))
    written = WRITTEN_FOR.get(parent)
    if written is None:
        found = newest(offered)
        return Choice(found, Source.METADATA) if found else Choice(FALLBACK.get(parent, LAST_RESORT), Source.TABLE)
    known = [text for text in offered if len(text) == len(written) and text <= written]
    found = newest(known)
    return Choice(found, Source.METADATA) if found else Choice(written, Source.TABLE, _not_offered(written, offered))


def _not_offered(version: str, offered: Iterable[str]) -> str:
    offered = sorted({text.lower() for text in offered})
    if not offered or version.lower() in offered:
        return ""
    return f"Azure lists {', '.join(offered[-3:])}, not {version}; it may refuse it."


def pick(kind: str, listed: Mapping[str, Iterable[str]], chosen: Mapping[str, str]) -> str:
    """The version alone, see `choose`."""
    return choose(kind, listed, chosen).version


def well_formed(version: str) -> bool:
    """Whether a text is an api-version: `2016-11-01`, `2016-11-01-preview`."""
    return _VERSION.fullmatch(version) is not None


def listed_in(providers: Iterable[Mapping[str, object]]) -> dict[str, tuple[str, ...]]:
    """Versions by lower-case type out of the answer of `GET /subscriptions/{s}/providers`."""
    found: dict[str, tuple[str, ...]] = {}
    for provider in providers:
        namespace, kinds = provider.get("namespace"), provider.get("resourceTypes")
        for kind in kinds if isinstance(namespace, str) and isinstance(kinds, list) else []:
            if isinstance(kind, Mapping) and isinstance(kind.get("resourceType"), str):
                versions = kind.get("apiVersions")
                texts = tuple(v for v in versions if isinstance(v, str)) if isinstance(versions, list) else ()
                found[f"{namespace}/{kind['resourceType']}".lower()] = texts
    return found

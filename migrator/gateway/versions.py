"""Which api-version a request carries.

Classic providers: the newest version the subscription's own provider metadata lists for the type, else `FALLBACK`
(azure.md 1.2 and the metadata recorded in 2018). That the migrate actions take the version of their resource type is
inferred [I]; both can be set by hand. Everything else: the version whose shapes the product was written for
(`WRITTEN_FOR`, azure.md 12), and the metadata only for other types.
"""

import re
from collections.abc import Iterable, Mapping

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

WRITTEN_FOR: Mapping[str, str] = {  # [V] but where marked
    "microsoft.compute/cloudservices": "2024-11-04",
    "microsoft.compute/cloudservices/roles": "2024-11-04",
    "microsoft.network/virtualnetworks": NETWORK_USAGES,
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
    "microsoft.quota/quotarequests": QUOTA,
}

FALLBACK: Mapping[str, str] = {
    "microsoft.classiccompute/domainnames": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots/roles": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/domainnames/slots/roles/extensionreferences": "2015-06-01",  # azsk [S]
    "microsoft.classiccompute/domainnames/servicecertificates": "2016-11-01",  # recorded 2018
    "microsoft.classiccompute/virtualmachines": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/virtualnetworks": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/virtualnetworks/gateways": "2016-11-01",  # [I] that of the parent
    "microsoft.classicnetwork/virtualnetworks/virtualnetworkpeerings": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/networksecuritygroups": "2016-11-01",  # recorded 2018
    "microsoft.classicnetwork/reservedips": "2016-11-01",  # recorded 2018
    "microsoft.classicstorage/storageaccounts": "2016-11-01",  # StackState [S], recorded 2018
    "microsoft.classicstorage/storageaccounts/disks": "2016-11-01",  # [I] that of the parent
    "microsoft.classicstorage/storageaccounts/osimages": "2016-11-01",  # [I] that of the parent
    "microsoft.classicstorage/storageaccounts/vmimages": "2016-11-01",  # recorded 2018
    "microsoft.compute/virtualmachines": "2024-07-01",  # [K]
    "microsoft.compute/availabilitysets": "2024-07-01",  # [K]
    "microsoft.storage/storageaccounts": "2023-05-01",  # [K]
    "microsoft.keyvault/vaults": "2023-07-01",  # [K]
    "microsoft.insights/actiongroups": "2023-01-01",  # [K]
}
LAST_RESORT = RESOURCES  # for a type nothing is known of; Azure then names the versions it takes
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z0-9-]+)?", re.IGNORECASE)


def newest(listed: Iterable[str]) -> str | None:
    """The newest version which is no preview; a preview only when nothing else is listed; None for an empty or
    unreadable list."""
    good = [text for text in listed if isinstance(text, str) and _VERSION.fullmatch(text)]
    final = [text for text in good if len(text) == len("2016-11-01")]
    return max(final or good, default=None)


def pick(kind: str, listed: Mapping[str, Iterable[str]], chosen: Mapping[str, str]) -> str:
    """The version for a type. `listed`: versions by type from provider metadata; `chosen`: set by hand; keys of all
    in lower case.

    An action is asked for as `type/prepareMigration`; it takes the version of its type unless one was set by hand for
    it.
    """
    kind = kind.lower()
    parent = kind.removesuffix("migration").rpartition("/")[0] if kind.endswith("migration") else kind
    for name in (kind, parent):
        if name in chosen:
            return chosen[name]
    if parent in WRITTEN_FOR:
        return WRITTEN_FOR[parent]
    return newest(listed.get(parent, ())) or FALLBACK.get(parent, LAST_RESORT)


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

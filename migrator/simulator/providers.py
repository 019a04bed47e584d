"""Provider metadata: namespaces, resource types, api-versions, regions; what is accepted and what is refused.

Classic versions are the recorded ones (`shared/domain/recorded/providers-classic.json`, 2018). Types which Resource
Manager serves but the recording does not name take the versions of their parent [I]. Versions of the other
providers: azure.md section 12, with those the command-line client 2.91 sends and some older ones that clients in the
wild still send [K].
"""

from collections.abc import Iterable
from typing import Any, Final

from migrator.simulator.errors import ArmError

_CLASSIC: Final = "2016-11-01 2016-04-01 2015-12-01 2015-10-01 2015-06-01 2014-06-01 2014-01-01"
_NETWORK: Final = "2016-11-01 2016-04-01 2015-12-01 2015-06-01 2014-06-01 2014-01-01"
_STORAGE: Final = "2016-11-01 2016-04-01 2015-12-01 2015-06-01 2014-06-01 2014-04-01-beta 2014-04-01 2014-01-01"
_COMPUTE: Final = "2026-04-01 2025-04-01 2024-11-01 2024-07-01 2024-03-01 2023-09-01 2023-03-01 2022-11-01 2021-07-01"
_CLOUD: Final = "2024-11-04 2022-09-04 2022-04-04 2021-03-01"
_NET: Final = (
    "2026-03-01 2025-09-01 2025-07-01 2025-05-01 2025-03-01 2025-01-01 2024-10-01 2024-07-01 2024-05-01 2024-01-01 "
    "2023-11-01 2023-09-01 2023-04-01 2022-01-01"
)
_ACCOUNTS: Final = "2025-08-01 2025-06-01 2025-01-01 2024-01-01 2023-05-01 2023-01-01 2022-09-01 2021-09-01 2019-06-01"
_QUOTA: Final = "2025-09-01 2025-07-15 2025-03-01 2024-12-18-preview 2023-02-01"
_VAULTS: Final = "2025-02-01 2024-10-01 2024-04-01 2023-06-01 2023-02-01 2022-10-01"
_RESOURCES: Final = (
    "2025-04-01 2024-11-01 2024-07-01 2022-12-01 2022-09-01 2021-04-01 2021-01-01 2020-06-01 2019-10-01 2016-02-01"
)

_TYPES: Final[dict[str, dict[str, str]]] = {
    "Microsoft.ClassicCompute": {
        "domainNames": "2017-11-01 " + _CLASSIC,
        "domainNames/slots": _CLASSIC,
        "domainNames/deploymentSlots": _CLASSIC,
        "domainNames/slots/roles": _CLASSIC,
        "domainNames/slots/roles/extensionReferences": _CLASSIC,
        "domainNames/slots/roles/metricDefinitions": "2014-04-01",
        "domainNames/slots/operationStatuses": _CLASSIC,
        "domainNames/extensions": _CLASSIC,
        "domainNames/serviceCertificates": _CLASSIC.removesuffix(" 2014-01-01"),
        "virtualMachines": "2017-04-01 " + _CLASSIC.replace(" 2014-01-01", " 2014-04-01 2014-01-01"),
        "virtualMachines/extensions": _CLASSIC,
        "operationStatuses": "2016-11-01 2016-04-01 2015-12-01 2015-10-01",
        "quotas": _CLASSIC,
    },
    "Microsoft.ClassicNetwork": {
        "virtualNetworks": "2017-11-15 " + _NETWORK,
        "virtualNetworks/virtualNetworkPeerings": "2016-11-01",
        "virtualNetworks/remoteVirtualNetworkPeeringProxies": "2016-11-01",
        "virtualNetworks/gateways": _NETWORK,
        "virtualNetworks/gateways/connections": _NETWORK,
        "virtualNetworks/gateways/clientRootCertificates": _NETWORK,
        "virtualNetworks/gateways/clientRevokedCertificates": _NETWORK,
        "virtualNetworks/operationStatuses": _NETWORK,
        "reservedIps": _NETWORK,
        "networkSecurityGroups": "2016-11-01 2016-04-01 2015-12-01 2015-06-01",
        "networkSecurityGroups/securityRules": "2016-11-01 2016-04-01 2015-12-01 2015-06-01",
        "expressRouteCrossConnections": "2016-11-01 2016-04-01 2015-12-01 2015-10-01 2015-06-01 2014-06-01",
        "expressRouteCrossConnections/peerings": "2016-11-01 2016-04-01 2015-12-01 2015-10-01 2015-06-01 2014-06-01",
        "quotas": _NETWORK,
    },
    "Microsoft.ClassicStorage": {
        "storageAccounts": _STORAGE,
        "storageAccounts/disks": _STORAGE,
        "storageAccounts/osImages": _STORAGE,
        "storageAccounts/vmImages": _STORAGE,
        "storageAccounts/operationStatuses": _STORAGE,
        "quotas": _NETWORK,
    },
    "Microsoft.ClassicInfrastructureMigrate": {"classicInfrastructureResources": "2015-06-15"},
    "Microsoft.Compute": {
        "virtualMachines": _COMPUTE,
        "availabilitySets": _COMPUTE,
        "cloudServices": _CLOUD,
        "cloudServices/roles": _CLOUD,
        "cloudServices/roleInstances": _CLOUD,
        "locations/usages": _COMPUTE,
        "skus": "2021-07-01 2019-04-01 2017-09-01",
    },
    "Microsoft.Network": {
        "virtualNetworks": _NET,
        "virtualNetworks/subnets": _NET,
        "virtualNetworks/virtualNetworkPeerings": _NET,
        "publicIPAddresses": _NET,
        "loadBalancers": _NET,
        "networkInterfaces": _NET,
        "networkSecurityGroups": _NET,
        "routeTables": _NET,
        "virtualNetworkGateways": _NET,
        "localNetworkGateways": _NET,
        "connections": _NET,
        "applicationGateways": _NET,
        "trafficManagerProfiles": "2022-04-01 2018-08-01 2018-04-01",
        "trafficManagerProfiles/azureEndpoints": "2022-04-01 2018-08-01 2018-04-01",
        "locations/usages": _NET,
    },
    "Microsoft.Storage": {
        "storageAccounts": _ACCOUNTS,
        "locations/usages": _ACCOUNTS,
    },
    "Microsoft.KeyVault": {
        "vaults": "2026-02-01 2025-05-01 2024-11-01 2023-07-01 2023-02-01 2022-07-01 2021-10-01 2019-09-01",
        "vaults/secrets": "2026-02-01 2025-05-01 2024-11-01 2023-07-01 2023-02-01 2022-07-01 2021-10-01 2019-09-01",
    },
    "Microsoft.Insights": {
        "autoscaleSettings": "2022-10-01 2021-05-01-preview 2015-04-01 2014-04-01",
        "metricAlerts": "2018-03-01",
        "activityLogAlerts": "2020-10-01 2017-04-01",
        "actionGroups": "2023-01-01 2022-06-01 2021-09-01 2019-06-01 2018-09-01",
        "alertRules": "2016-03-01 2015-04-01 2014-04-01",
        "metricDefinitions": "2024-02-01 2023-10-01 2018-01-01",
    },
    "Microsoft.Quota": {
        "quotas": _QUOTA,
        "usages": _QUOTA,
        "quotaRequests": _QUOTA,
    },
    "Microsoft.Authorization": {
        "roleAssignments": "2022-04-01 2020-10-01-preview 2020-04-01-preview 2018-09-01-preview 2015-07-01",
        "roleDefinitions": "2022-05-01-preview 2022-04-01 2018-01-01-preview 2015-07-01",
        "locks": "2020-05-01 2016-09-01 2015-01-01",
        "classicAdministrators": "2015-07-01 2015-06-01",
        "permissions": "2022-04-01 2018-07-01 2015-07-01",
        "denyAssignments": "2022-04-01 2018-07-01-preview",
    },
    "Microsoft.RecoveryServices": {
        "vaults": _VAULTS,
        "vaults/backupProtectedItems": _VAULTS,
        "vaults/backupPolicies": _VAULTS,
        "vaults/replicationProtectedItems": _VAULTS,
        "vaults/backupFabrics/protectionContainers/protectedItems": _VAULTS,
        "vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems": _VAULTS,
    },
    "Microsoft.Security": {"locations/jitNetworkAccessPolicies": "2020-01-01 2015-06-01-preview"},
    "Microsoft.Support": {"supportTickets": "2024-04-01 2020-04-01", "services": "2024-04-01 2020-04-01"},
    "Microsoft.Features": {"features": "2021-07-01 2015-12-01", "providers": "2021-07-01 2015-12-01"},
    "Microsoft.Resources": {
        "subscriptions": _RESOURCES,
        "resourceGroups": _RESOURCES,
        "subscriptions/resourceGroups": _RESOURCES,
        "resources": _RESOURCES,
        "providers": _RESOURCES,
        "tags": _RESOURCES,
    },
    "Microsoft.ResourceGraph": {"resources": "2024-04-01 2022-10-01 2021-03-01 2021-06-01-preview 2019-04-01"},
    "Microsoft.Web": {
        "hostingEnvironments": "2025-03-01 2024-11-01 2024-04-01 2023-12-01 2022-09-01 2021-02-01",
        "serverFarms": "2025-03-01 2024-11-01 2024-04-01 2023-12-01 2022-09-01 2021-02-01",
    },
    "Microsoft.HDInsight": {"clusters": "2025-01-15-preview 2024-08-01-preview 2021-06-01 2018-06-01-preview"},
    "Microsoft.ApiManagement": {"service": "2024-05-01 2023-05-01-preview 2022-08-01 2021-08-01"},
    "Microsoft.Batch": {"batchAccounts": "2025-06-01 2024-07-01 2024-02-01 2023-11-01"},
    "Microsoft.AAD": {"domainServices": "2022-12-01 2021-05-01 2020-01-01"},
}  # fmt: skip

# Seen in public client code, though the recording does not list them (azure.md 1.2 [S]): accepted, not advertised.
_ALSO_ACCEPTED: Final = {
    "microsoft.classiccompute/domainnames": {"2018-06-01"},
    "microsoft.classiccompute/domainnames/slots": {"2018-06-01", "2014-04-01"},
    "microsoft.classiccompute/domainnames/deploymentslots": {"2018-06-01"},
}

_LOWER: Final = {
    f"{namespace}/{kind}".lower(): (f"{namespace}/{kind}", tuple(versions.split()))
    for namespace, kinds in _TYPES.items()
    for kind, versions in kinds.items()
}
_NAMESPACES: Final = {namespace.lower(): namespace for namespace in _TYPES}

REGIONS: Final = (
    "East Asia", "Southeast Asia", "East US", "East US 2", "West US", "West US 2", "North Central US",
    "South Central US", "West Central US", "Central US", "North Europe", "West Europe", "Japan East", "Japan West",
    "Brazil South", "Australia East", "Australia Southeast", "South India", "Central India", "West India",
    "Canada Central", "Canada East", "UK South", "UK West", "Korea Central", "Korea South",
)  # fmt: skip
_BY_LOCATION: Final = {name.lower().replace(" ", ""): name for name in REGIONS}

# Where a subscription starts when the estate file does not say (azure.md 7: the migration needs its own registration).
DEFAULT_STATE: Final = {
    "microsoft.classicinfrastructuremigrate": "NotRegistered",
    "microsoft.quota": "NotRegistered",
    "microsoft.hdinsight": "NotRegistered",
    "microsoft.apimanagement": "NotRegistered",
    "microsoft.batch": "NotRegistered",
    "microsoft.aad": "NotRegistered",
}
FEATURES: Final = ("Microsoft.Compute/CloudServices",)


def region_name(text: str) -> str:
    """A region as people read it (`West Europe`); the text as it came when it is none of the list."""
    return _BY_LOCATION.get(text.lower().replace(" ", ""), text)


def knows_region(text: str) -> bool:
    return text.lower().replace(" ", "") in _BY_LOCATION


def canonical_type(text: str) -> str:
    """The documented spelling of a type, or the text as it came."""
    known = _LOWER.get(text.lower())
    return known[0] if known else text


def namespace(text: str) -> str | None:
    """The documented spelling of a provider namespace; None when there is no such provider."""
    return _NAMESPACES.get(text.lower())


def namespaces() -> tuple[str, ...]:
    return tuple(_TYPES)


def knows_type(text: str) -> bool:
    return text.lower() in _LOWER


def newest(text: str) -> str:
    """The newest advertised api-version of a type."""
    return _LOWER[text.lower()][1][0]


def check_version(kind: str, version: str | None, *, location: str = "") -> None:
    """Refuse a missing or unknown api-version as Resource Manager does. An unknown type is refused by the caller."""
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    known = _LOWER.get(kind.lower())
    accepted = set(known[1]) if known else set()
    if version in accepted | _ALSO_ACCEPTED.get(kind.lower(), set()):
        return
    raise no_such_location(location, version, kind.partition("/")[2], accepted)


def no_such_location(location: str, version: str, short: str, versions: Iterable[str] = ()) -> ArmError:
    """What Resource Manager says of a version or a region that a type does not have."""
    listed = f"The supported api-versions are '{', '.join(sorted(versions))}'. " if versions else ""
    return ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location}' and API version '{version}' "
        f"for type '{short}'. {listed}The supported locations are '{', '.join(_BY_LOCATION)}'.",
    )


def document(subscription_id: str, name: str, state: str) -> dict[str, Any]:
    """One provider as `GET /subscriptions/{s}/providers` tells it."""
    spelled = _NAMESPACES[name.lower()]
    return {
        "id": f"/subscriptions/{subscription_id}/providers/{spelled}",
        "namespace": spelled,
        "resourceTypes": [
            {"resourceType": kind, "locations": list(REGIONS), "apiVersions": versions.split(), "capabilities": "None"}
            for kind, versions in _TYPES[spelled].items()
        ],
        "registrationState": state,
        "registrationPolicy": "RegistrationRequired",
    }

"""The clouds of Azure: where each answers, who issues its tokens, and for which audience. Values only.

Resource Manager's endpoints and audiences are those of azure-mgmt-core's table, authorities those of azure-identity's
AzureAuthorityHosts [V]; service management of the public cloud is azure.md 1.4 [D]. Service management of the other
two is general knowledge [K]: nobody has asked it. The audience of service management ends in a slash (azure.md 1.4
[S]), which is why its scopes hold two. Suffixes of Key Vaults are those of the Azure CLI's table of clouds [K].
"""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud. Endpoints without a trailing slash; `authority` is a host; audiences are scopes as azure-identity
    takes them."""

    name: str
    label: str
    resource_manager: str
    service_management: str
    authority: str
    resource_manager_audience: str
    service_management_audience: str
    service_management_evidence: str  # tag of azure.md for the endpoint and audience of service management
    key_vault_suffix: str  # of the host of a vault
    key_vault_audience: str


PUBLIC = Cloud(
    name="public",
    label="Azure, public cloud",
    resource_manager="https://management.azure.com",
    service_management="https://management.core.windows.net",
    authority="login.microsoftonline.com",
    resource_manager_audience="https://management.azure.com/.default",
    service_management_audience="https://management.core.windows.net//.default",
    service_management_evidence="D",
    key_vault_suffix=".vault.azure.net",
    key_vault_audience="https://vault.azure.net/.default",
)
US_GOVERNMENT = Cloud(
    name="us-government",
    label="Azure US Government",
    resource_manager="https://management.usgovcloudapi.net",
    service_management="https://management.core.usgovcloudapi.net",
    authority="login.microsoftonline.us",
    resource_manager_audience="https://management.core.usgovcloudapi.net/.default",
    service_management_audience="https://management.core.usgovcloudapi.net//.default",
    service_management_evidence="K",
    key_vault_suffix=".vault.usgovcloudapi.net",
    key_vault_audience="https://vault.usgovcloudapi.net/.default",
)
CHINA = Cloud(
    name="china",
    label="Azure China",
    resource_manager="https://management.chinacloudapi.cn",
    service_management="https://management.core.chinacloudapi.cn",
    authority="login.chinacloudapi.cn",
    resource_manager_audience="https://management.chinacloudapi.cn/.default",
    service_management_audience="https://management.core.chinacloudapi.cn//.default",
    service_management_evidence="K",
    key_vault_suffix=".vault.azure.cn",
    key_vault_audience="https://vault.azure.cn/.default",
)
CLOUDS = MappingProxyType({cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)})


def of_host(host: str) -> Cloud | None:
    """The cloud whose Resource Manager or service management answers at a host (lower case); None for another."""
    for cloud in CLOUDS.values():
        if f"https://{host}" in (cloud.resource_manager, cloud.service_management):
            return cloud
    return None


def audience_of(host: str) -> str:
    """The audience of a known host; empty for another, which is then its own audience: a token made for a host nobody
    knows opens nothing elsewhere."""
    cloud = of_host(host)
    if cloud is None:
        return ""
    if f"https://{host}" == cloud.resource_manager:
        return cloud.resource_manager_audience
    return cloud.service_management_audience

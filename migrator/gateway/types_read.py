"""Every resource type of the classic providers (azure.md 1.1 [D]) and what an inventory does about it.

A child collection costs a request per parent, and a subscription has hundreds of parents while Resource Manager lets
25 reads a second through (azure.md 8.1). So a collection is read for what a rule, a comparison or a follow-up needs
and no other document tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    GRAPH = "Resource Graph"  # pages of a thousand, for the whole subscription
    BELOW = "read below its parent"  # `inventory.COLLECTIONS`, and the connections of gateways
    LISTED = "listed for the subscription"
    METADATA = "registration of its provider"
    ELSEWHERE = "told by another document"
    NOT = "not read"


@dataclass(frozen=True, slots=True)
class Decision:
    """`cost`: in requests, empty when there is none of its own. `why`: a sentence, for everything that is not simply
    listed."""

    how: How
    cost: str = ""
    why: str = ""


_GRAPH = Decision(How.GRAPH, "1 per 1,000 resources")
_DEPLOYMENT = "1 per cloud service of machines, to service management, and only where Resource Manager is silent"

TYPES: Mapping[str, Decision] = {
    "Microsoft.ClassicCompute/domainNames": _GRAPH,
    "Microsoft.ClassicCompute/domainNames/slots": Decision(How.BELOW, "1 per cloud service"),
    "Microsoft.ClassicCompute/domainNames/deploymentSlots": Decision(
        How.NOT, why="An older name of slots: the same deployments would come twice."
    ),
    "Microsoft.ClassicCompute/domainNames/slots/roles": Decision(
        How.BELOW, "1 per deployment of web and worker roles", "Machines are listed as themselves."
    ),
    "Microsoft.ClassicCompute/domainNames/slots/roles/roleInstances": Decision(
        How.ELSEWHERE,
        "1 per deployment, to service management, and only where Resource Manager is silent",
        "Size and number of instances come with the role, or with the deployment of service management.",
    ),
    "Microsoft.ClassicCompute/domainNames/slots/roles/extensionReferences": Decision(How.BELOW, "1 per role"),
    "Microsoft.ClassicCompute/domainNames/slots/roles/skus": Decision(
        How.NOT, why="Sizes a classic role could take; what counts is the size it has, and those of the target."
    ),
    "Microsoft.ClassicCompute/domainNames/extensions": Decision(
        How.BELOW,
        "1 per cloud service that needs it",
        "Read where a reference does not say what kind of extension it is.",
    ),
    "Microsoft.ClassicCompute/domainNames/serviceCertificates": Decision(How.BELOW, "1 per cloud service"),
    "Microsoft.ClassicCompute/domainNames/availabilitySets": Decision(
        How.ELSEWHERE, _DEPLOYMENT, "Each machine names its set."
    ),
    "Microsoft.ClassicCompute/domainNames/internalLoadBalancers": Decision(
        How.ELSEWHERE,
        _DEPLOYMENT,
        "An endpoint names its balancer. The list by itself would cost every cloud service a request for the few that "
        "have one.",
    ),
    "Microsoft.ClassicCompute/domainNames/loadBalancedEndpointSets": Decision(
        How.ELSEWHERE, _DEPLOYMENT, "An endpoint names the set it is in."
    ),
    "Microsoft.ClassicCompute/domainNames/capabilities": Decision(
        How.NOT, why="What the classic API can do with a service; no rule asks."
    ),
    "Microsoft.ClassicCompute/domainNames/active": Decision(How.NOT, why="The slots are read themselves."),
    "Microsoft.ClassicCompute/domainNames/swap": Decision(How.NOT, why="An action, nothing to read."),
    "Microsoft.ClassicCompute/virtualMachines": _GRAPH,
    "Microsoft.ClassicCompute/virtualMachines/extensions": Decision(
        How.ELSEWHERE, why="They stand in the document of the machine."
    ),
    "Microsoft.ClassicCompute/virtualMachines/disks": Decision(
        How.ELSEWHERE, why="They stand in the document of the machine, and in the storage account."
    ),
    "Microsoft.ClassicCompute/virtualMachines/associatedNetworkSecurityGroups": Decision(
        How.ELSEWHERE, _DEPLOYMENT, "A request per machine is saved: the deployment names the group of each."
    ),
    "Microsoft.ClassicCompute/virtualMachines/networkInterfaces/associatedNetworkSecurityGroups": Decision(
        How.ELSEWHERE, _DEPLOYMENT, "As that of the machine."
    ),
    "Microsoft.ClassicCompute/virtualMachines/asyncOperations": Decision(
        How.NOT, why="Operations which others began; a machine says itself when it is busy."
    ),
    "Microsoft.ClassicNetwork/virtualNetworks": _GRAPH,
    "Microsoft.ClassicNetwork/virtualNetworks/gateways": Decision(How.BELOW, "1 per network"),
    "Microsoft.ClassicNetwork/virtualNetworks/gateways/connections": Decision(
        How.BELOW, "1 per gateway that needs it", "Read where the gateway does not hold them; kept in its document."
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/gateways/clientRootCertificates": Decision(
        How.BELOW, "1 per VPN gateway", "A gateway that is made anew needs them."
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/gateways/clientRevokedCertificates": Decision(
        How.BELOW, "1 per VPN gateway", "A gateway that is made anew must go on refusing them."
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/gateways/packages": Decision(
        How.NOT, why="Installers for VPN clients, behind addresses with a signature; a new gateway makes its own."
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/virtualNetworkPeerings": Decision(How.BELOW, "1 per network"),
    "Microsoft.ClassicNetwork/virtualNetworks/remoteVirtualNetworkPeeringProxies": Decision(
        How.BELOW,
        "1 per network",
        "A peering blocks the move, and one made from a subscription which cannot be read shows only here.",
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/subnets/associatedNetworkSecurityGroups": Decision(
        How.ELSEWHERE,
        "1 per subscription, to service management",
        "A request per subnet is saved: the network, or its site in service management, names the group of each.",
    ),
    "Microsoft.ClassicNetwork/networkSecurityGroups": _GRAPH,
    "Microsoft.ClassicNetwork/networkSecurityGroups/securityRules": Decision(
        How.BELOW, "1 per group that needs it", "Read where the group does not hold them: the copy is compared by them."
    ),
    "Microsoft.ClassicNetwork/reservedIps": _GRAPH,
    "Microsoft.ClassicNetwork/reservedIps/link": Decision(How.NOT, why="An action, nothing to read."),
    "Microsoft.ClassicNetwork/reservedIps/join": Decision(How.NOT, why="An action, nothing to read."),
    "Microsoft.ClassicNetwork/expressRouteCrossConnections": Decision(How.LISTED, "1 per subscription"),
    "Microsoft.ClassicNetwork/expressRouteCrossConnections/peerings": Decision(How.BELOW, "1 per cross connection"),
    "Microsoft.ClassicNetwork/gatewaySupportedDevices": Decision(
        How.NOT, why="A list of VPN devices, the same for everybody."
    ),
    "Microsoft.ClassicNetwork/quotas": Decision(
        How.NOT, why="What a move needs is quota of Resource Manager, which is counted apart (azure.md 5.1)."
    ),
    "Microsoft.ClassicNetwork/capabilities": Decision(How.NOT, why="What the classic API can do; no rule asks."),
    "Microsoft.ClassicNetwork/operations": Decision(How.NOT, why="Names of permissions, the same for everybody."),
    "Microsoft.ClassicStorage/storageAccounts": _GRAPH,
    "Microsoft.ClassicStorage/storageAccounts/disks": Decision(How.BELOW, "1 per account"),
    "Microsoft.ClassicStorage/storageAccounts/images": Decision(
        How.NOT, why="Deprecated: the same images are in osImages."
    ),
    "Microsoft.ClassicStorage/storageAccounts/osImages": Decision(How.BELOW, "1 per account"),
    "Microsoft.ClassicStorage/storageAccounts/vmImages": Decision(How.BELOW, "1 per account"),
    "Microsoft.ClassicStorage/storageAccounts/services": Decision(
        How.NOT, why="Settings of blobs, queues and tables, which stay with the data."
    ),
    "Microsoft.ClassicInfrastructureMigrate/classicInfrastructureResources": Decision(
        How.METADATA, why="It has no resources; that the provider is registered is what matters."
    ),
}

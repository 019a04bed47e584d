"""Service management, the older XML API: every read of azure.md 1.4 as documents, and the verbs of 2.5.

It answers only to a co-administrator or owner of the subscription (azure.md 1.4 [D]). Not for use by two threads at
once; `close()` it, or use it in a `with` block.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import TokenCredential

from migrator.gateway import service_management_configuration as configuration
from migrator.gateway import service_management_verbs as verbs
from migrator.gateway.arm import CONNECT_TIMEOUT
from migrator.gateway.protocol import HTTP_DEADLINE, Document, NotFound, Polled, Submitted
from migrator.gateway.service_management_calls import XmlCalls, name
from migrator.gateway.wire import service_management as compute
from migrator.gateway.wire import service_management_network as network
from migrator.gateway.wire.service_management import DeploymentFacts, Ids
from migrator.gateway.wire.service_management_xml import Xml
from migrator.resources import ResourceType, Slot, Verb

NO_OBJECT = "resourcenotfound"


class ServiceManagement:
    """`endpoint`: https, or http on loopback, where it may have a path (EndpointRefused otherwise). `versions`:
    x-ms-version by family ("compute", "network", "storage", "management"); `audience`: the scope of the token.

    Reads raise the error family of `protocol`. `ids` turns names into ids: give one which has seen the documents of
    Resource Manager, and both APIs speak of the same resources.
    """

    def __init__(
        self,
        endpoint: str,
        credential: TokenCredential,
        *,
        deadline: float = HTTP_DEADLINE,
        connect_timeout: float = CONNECT_TIMEOUT,
        versions: Mapping[str, str] | None = None,
        audience: str = "",
    ) -> None:
        self._calls = XmlCalls(
            endpoint,
            credential,
            deadline=deadline,
            connect_timeout=connect_timeout,
            versions=versions,
            audience=audience,
        )

    @property
    def versions(self) -> Mapping[str, str]:
        """x-ms-version by family, as requests carry it."""
        return self._calls.versions

    def close(self) -> None:
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Hosted services

    def hosted_services(self, ids: Ids) -> list[Document]:
        """Every hosted service of the subscription, without deployments."""
        root = self._list(ids, "compute", "services/hostedservices", "HostedServices", "list hosted services")
        return [compute.hosted_service(item, ids) for item in root.children("HostedService")]

    def hosted_service(self, ids: Ids, service: str) -> list[Document]:
        """One hosted service with its deployments, their roles, extension references or virtual machines, and its
        certificates: three requests."""
        path = f"services/hostedservices/{name(service)}"
        doing = f"read the hosted service {service}"
        root = self._calls.root(ids.subscription, "compute", path, "HostedService", doing=doing, embed_detail="true")
        document = compute.hosted_service(root, ids)
        deployments = root.items("Deployments", "Deployment")
        definitions = self.extensions(ids, service)
        certificates = self.certificates(ids, document)
        read = ["serviceCertificates"] + (["slots"] if deployments is not None else [])
        found: list[Document] = [{**document, "read": read}]
        for item in deployments or []:
            found += compute.deployment(item, document, ids, definitions)
        return found + certificates

    def deployment(self, ids: Ids, service: Mapping[str, Any], slot: Slot) -> list[Document]:
        """The deployment in one slot with what is in it; `service`: the document of its hosted service. Raises
        NotFound."""
        return compute.deployment(self._deployment(ids.subscription, service["name"], slot), service, ids)

    def deployment_facts(self, subscription: str, service: str, slot: Slot) -> DeploymentFacts:
        """Name, sizes, counts and migration states of one deployment. Raises NotFound."""
        return compute.deployment_facts(self._deployment(subscription, service, slot))

    def _deployment(self, subscription: str, service: str, slot: Slot) -> Xml:
        path = f"services/hostedservices/{name(service)}/deploymentslots/{slot.value}"
        doing = f"read the deployment of {service}/{slot.value}"
        return self._calls.root(subscription, "compute", path, "Deployment", doing=doing)

    def extensions(self, ids: Ids, service: str) -> list[Xml]:
        """The extension definitions of a hosted service, which give its references publisher, type and version."""
        path = f"services/hostedservices/{name(service)}/extensions"
        root = self._list(ids, "compute", path, "Extensions", f"list extensions of {service}")
        return list(root.children("Extension"))

    def certificates(self, ids: Ids, service: Document) -> list[Document]:
        """The service certificates of a hosted service, given as its document."""
        path = f"services/hostedservices/{name(service['name'])}/certificates"
        root = self._list(ids, "compute", path, "Certificates", f"list certificates of {service['name']}")
        return [compute.certificate(item, service) for item in root.children("Certificate")]

    # Networks

    def networks(self, ids: Ids) -> list[tuple[Document, Xml]]:
        """Every virtual network: its document, and its site as it came (`gateway` needs it)."""
        path, doing = "services/networking/virtualnetwork", "list virtual network sites"
        root = self._list(ids, "network", path, "VirtualNetworkSites", doing)
        return [(network.network(item, ids), item) for item in root.children("VirtualNetworkSite")]

    def gateway(self, ids: Ids, document: Document, site: Xml) -> Document | None:
        """The gateway of a network with its connections; None when it has none."""
        site_name = site.word("Name")
        path = f"services/networking/{name(site_name)}/gateway"
        root = self._list(ids, "network", path, "Gateway", f"read the gateway of {site_name}")
        made = network.gateway(root, document, network.gateway_type(site), None)
        if made is None:
            return None
        found = self._list(
            ids, "network", f"{path}/connections", "Connections", f"list gateway connections of {site_name}"
        )
        return network.gateway(root, document, network.gateway_type(site), network.connections(found))

    def table_of_subnet(self, ids: Ids, site_name: str, subnet: str) -> str | None:
        """The name of the route table of a subnet; None when it has none [K]: 404 with ResourceNotFound."""
        path = f"services/networking/virtualnetwork/{name(site_name)}/subnets/{name(subnet)}/routetables"
        doing = f"read the route table of {site_name}/{subnet}"
        reply_version = {"x-ms-version": self._calls.versions["network"]}
        try:
            reply = self._calls.ask(
                "GET", self._calls.at_path(ids.subscription, path), doing=doing, headers=reply_version
            )
        except NotFound as error:
            if error.code.lower() == NO_OBJECT:
                return None
            raise
        return network.table_of_subnet(reply.body) if isinstance(reply.body, Xml) else ""

    def security_groups(self, ids: Ids) -> list[Document]:
        path, doing = "services/networking/networksecuritygroups", "list network security groups"
        root = self._list(ids, "network", path, "NetworkSecurityGroups", doing)
        return [network.security_group(item, ids) for item in root.children("NetworkSecurityGroup")]

    def reserved_addresses(self, ids: Ids) -> list[Document]:
        root = self._list(ids, "network", "services/networking/reservedips", "ReservedIPs", "list reserved addresses")
        return [network.reserved_address(item, ids) for item in root.children("ReservedIP")]

    def route_tables(self, ids: Ids) -> list[Document]:
        """Every route table, without its routes."""
        root = self._list(ids, "network", "services/networking/routetables", "RouteTables", "list route tables")
        return [network.route_table(item, ids) for item in root.children("RouteTable")]

    def route_table(self, ids: Ids, table: str) -> Document:
        """One route table with its routes. Raises NotFound."""
        path, doing = f"services/networking/routetables/{name(table)}", f"read the route table {table}"
        root = self._calls.root(ids.subscription, "network", path, "RouteTable", doing=doing, detailLevel="full")
        return network.route_table(root, ids)

    # Storage and disks

    def storage_accounts(self, ids: Ids) -> list[Document]:
        root = self._list(ids, "storage", "services/storageservices", "StorageServices", "list storage accounts")
        return [compute.storage_account(item, ids) for item in root.children("StorageService")]

    def storage_account(self, ids: Ids, account: str) -> Document:
        """One storage account. Raises NotFound."""
        path = f"services/storageservices/{name(account)}"
        root = self._list(ids, "storage", path, "StorageService", f"read the storage account {account}")
        return compute.storage_account(root, ids)

    def disks(self, ids: Ids) -> list[Document]:
        """Disks whose storage account can be told."""
        root = self._list(ids, "compute", "services/disks", "Disks", "list disks")
        found = (compute.disk(item, ids) for item in root.children("Disk"))
        return [document for document in found if document is not None]

    def services_of_machines(self, ids: Ids) -> list[str]:
        """Names of the hosted services which have machines: every machine has a disk, and a disk says whose it is."""
        root = self._list(ids, "compute", "services/disks", "Disks", "list disks")
        users = (disk.child("AttachedTo") for disk in root.children("Disk"))
        return sorted({user.word("HostedServiceName") for user in users if user is not None} - {""})

    def images(self, ids: Ids) -> list[Document]:
        """OS images and VM images of the subscription's own accounts."""
        systems = self._list(ids, "compute", "services/images", "Images", "list OS images")
        machines = self._list(ids, "compute", "services/vmimages", "VMImages", "list VM images")
        found = [compute.image(item, ids) for item in systems.children("OSImage")]
        found += [compute.image(item, ids, ResourceType.VM_IMAGE) for item in machines.children("VMImage")]
        return [document for document in found if document is not None]

    def _list(self, ids: Ids, family: str, path: str, wanted: str, doing: str) -> Xml:
        return self._calls.root(ids.subscription, family, path, wanted, doing=doing)

    # Verbs

    def movable(self) -> frozenset[ResourceType]:
        return verbs.MOVABLE

    def submit(
        self, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None = None
    ) -> Submitted:
        """As `AzureGateway.submit`, with one difference: a deployment and a network are addressed by a name which
        their id does not tell, so that one read goes before the verb; when it fails nothing was sent."""
        return verbs.submit(self._calls, verb, unit_id, client_request_id=client_request_id, parameters=parameters)

    def scale(
        self, deployment_id: str, role: str, instances: int, *, expected: int, client_request_id: str
    ) -> Submitted:
        """As `AzureGateway.scale`."""
        return configuration.scale(
            self._calls, deployment_id, role, instances, expected=expected, client_request_id=client_request_id
        )

    def owns(self, status_url: str) -> bool:
        """Whether a status URL is this API's."""
        return verbs.owns(self._calls, status_url)

    def poll(self, status_url: str) -> Polled:
        """As `AzureGateway.poll`."""
        return verbs.poll(self._calls, status_url)

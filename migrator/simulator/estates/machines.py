"""Classic virtual machines and storage accounts with their disks and images (azure.md 1.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from migrator.simulator.estates.parts import Document, Place, address, guid


class Machines(Place):
    """Virtual machines, storage accounts, disks, images."""

    def machine(
        self,
        service: Document,
        name: str,
        size: str,
        *,
        account: Document,
        network: Document | None = None,
        subnets: Sequence[str] = (),
        private: str | None = None,
        static: bool = False,
        endpoints: Mapping[str, int] | None = None,
        endpoint_acl: Sequence[Mapping[str, Any]] = (),
        balanced: str | None = None,
        security_group: Document | None = None,
        availability_set: str | None = None,
        extra_nics: Sequence[str] = (),
        extensions: Mapping[str, str] | None = None,
        agent: str | None = "Ready",
        power: str = "Started",
        status: str = "ReadyRole",
        boot_diagnostics: bool = False,
        premium: bool = False,
        license_type: str | None = None,
        blob: str | None = None,
        data_disks: int = 1,
        system: str = "Windows",
        tags: Mapping[str, str] | None = None,
    ) -> Document:
        """A classic VM in a cloud service. `extensions` by name to version; `balanced`: the set its endpoints are in,
        served by a balancer of the same name. Its disks become documents, too."""
        public = self._public(service)
        io = "Provisioned" if premium else "Standard"
        disks = _disks(service, name, account, io=io, system=system, blob=blob, data=data_disks)
        nics = [{"name": f"{name}-nic{n + 1}", "subnetName": subnet} for n, subnet in enumerate(extra_nics)]
        profile = {
            "inputEndpoints": [
                _endpoint(public, *entry, endpoint_acl, balanced) for entry in (endpoints or {}).items()
            ],
            "virtualNetwork": network and _membership(network, subnets, private if static else None),
            "networkInterfaces": nics,
        }
        if security_group:  # left out otherwise: Resource Manager is not seen to tell it, the older API is
            profile["networkSecurityGroup"] = {"id": security_group["id"], "name": security_group["name"]}
        made = self.builder.add(
            self.id(service["id"].split("/")[4], "Microsoft.ClassicCompute/virtualMachines", name),
            "Microsoft.ClassicCompute/virtualMachines",
            {
                "provisioningState": "Succeeded",
                "debugProfile": {"bootDiagnosticsEnabled": boot_diagnostics},
                "domainName": {"id": service["id"], "name": service["name"], "type": service["type"]},
                "hardwareProfile": _hardware(service, size, agent, availability_set),
                "instanceView": _view(service, name, private, public, agent=agent, power=power, status=status),
                "networkProfile": profile,
                "storageProfile": {"operatingSystemDisk": disks[0], "dataDisks": disks[1:]},
                "licenseType": license_type,
                "extensions": [_extension(title, version) for title, version in (extensions or {}).items()],
            },
            location=service["location"],
            tags=dict(tags or {}),
        )
        for disk in disks:
            self.disk(account, disk["diskName"], disk["vhdUri"], machine=made, io=io)
        return made

    def _public(self, service: Document) -> str:
        """The address of a service: its deployment's, which may be a reserved one."""
        slot = self.builder.by_id.get(f"{service['id']}/slots/Production")
        return slot["properties"]["virtualIps"][0]["address"] if slot else address(service["id"], "Production")

    def storage(
        self, group: str, name: str, region: str, *, kind: str = "Standard-LRS", tags: Mapping[str, str] | None = None
    ) -> Document:
        return self.builder.add(
            self.id(group, "Microsoft.ClassicStorage/storageAccounts", name),
            "Microsoft.ClassicStorage/storageAccounts",
            {
                "provisioningState": "Succeeded",
                "status": "Created",
                "endpoints": [f"https://{name}.{part}.core.windows.net/" for part in ("blob", "queue", "table")],
                "accountType": kind,
                "affinityGroup": None,
                "geoPrimaryRegion": region,
                "statusOfPrimaryRegion": "Available",
                "creationTime": "2016-05-17T09:30:00Z",
            },
            location=region,
            tags=dict(tags or {}),
        )

    def disk(
        self, account: Document, name: str, uri: str = "", *, machine: Document | None = None, io: str = "Standard"
    ) -> Document:
        return self.builder.add(
            f"{account['id']}/disks/{name}",
            "Microsoft.ClassicStorage/storageAccounts/disks",
            {
                "diskName": name,
                "attachedTo": machine and {"virtualMachine": {"id": machine["id"], "name": machine["name"]}},
                "vhdUri": uri or f"https://{account['name']}.blob.core.windows.net/vhds/{name}.vhd",
                "diskSizeInGB": 128,
                "ioType": io,
            },
            location=account["location"],
        )

    def image(self, account: Document, name: str, kind: str = "osImages") -> Document:
        return self.builder.add(
            f"{account['id']}/{kind}/{name}",
            f"Microsoft.ClassicStorage/storageAccounts/{kind}",
            {
                "operatingSystem": "Windows",
                "mediaLink": f"https://{account['name']}.blob.core.windows.net/images/{name}.vhd",
            },
            location=account["location"],
        )


def _disks(
    service: Document, name: str, account: Document, *, io: str, system: str, blob: str | None, data: int
) -> list[Document]:
    """The operating-system disk first, then the data disks."""
    root = f"https://{account['name']}.blob.core.windows.net/vhds"
    place = {"id": account["id"], "name": account["name"], "type": account["type"]}
    first = {
        "diskName": f"{service['name']}-{name}-os",
        "caching": "ReadWrite",
        "operatingSystem": system,
        "ioType": io,
        "sourceImageName": "a699494373c04fc0bc8f2bb1389d6106__Windows-Server-2012-R2",
        "vhdUri": f"{root}/{blob or name + '-os.vhd'}",
        "storageAccount": place,
    }
    others = [
        {
            "diskName": f"{service['name']}-{name}-data{lun}",
            "lun": lun,
            "diskSize": 128 * (lun + 1),
            "ioType": io,
            "vhdUri": f"{root}/{name}-data{lun}.vhd",
            "storageAccount": place,
        }
        for lun in range(data)
    ]
    return [first, *others]


def _hardware(service: Document, size: str, agent: str | None, availability_set: str | None) -> dict[str, Any]:
    return {
        "deploymentId": guid(service["id"], "Production").replace("-", ""),
        "deploymentLabel": service["name"],
        "deploymentLocked": False,
        "deploymentName": f"{service['name']}-production",
        "platformGuestAgent": agent is not None,
        "size": size,
        "availabilitySetName": availability_set,
    }


def _view(
    service: Document, name: str, private: str | None, public: str, *, agent: str | None, power: str, status: str
) -> dict[str, Any]:
    reported = {
        "status": agent,
        "guestAgentVersion": "2.7.41491.1010",
        "protocolVersion": "1.0",
        "timestamp": "2026-11-20T04:11:09Z",
        "formattedMessage": {"language": "en-US", "message": f"GuestAgent is {agent}."},
    }
    return {
        "computerName": name,
        "faultDomain": 0,
        "updateDomain": 0,
        "fullyQualifiedDomainName": f"{service['name']}.cloudapp.net",
        "powerState": power,
        "status": status,
        "statusMessage": "",
        "privateIpAddress": private,
        "publicIpAddresses": [public],
        "guestAgentStatus": reported if agent else None,
    }


def _endpoint(
    public: str, name: str, port: int, acl: Sequence[Mapping[str, Any]], balanced: str | None
) -> dict[str, Any]:
    shared = {"loadBalancedEndpointSetName": balanced, "loadBalancerName": f"{balanced}-balancer"} if balanced else {}
    return {
        **shared,
        "endpointName": name,
        "privatePort": port,
        "publicPort": port,
        "protocol": "tcp",
        "publicIpAddress": public,
        "enableDirectServerReturn": False,
        "endpointAcl": {"rules": [dict(rule) for rule in acl]},
    }


def _membership(network: Document, subnets: Sequence[str], static: str | None) -> dict[str, Any]:
    return {
        "id": network["id"],
        "name": network["name"],
        "type": network["type"],
        "subnetNames": list(subnets),
        "staticIpAddress": static,
    }


def _extension(title: str, version: str) -> dict[str, Any]:
    publisher = "Microsoft.Compute" if title == "BGInfo" else "Microsoft.Azure.Extensions"
    return {
        "extension": title,
        "publisher": publisher,
        "version": version,
        "state": "Enable",
        "referenceName": title,
    }

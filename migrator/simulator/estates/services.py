"""Cloud services with their deployments, roles and configuration (azure.md 1.3, 4.4)."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import quoteattr

from migrator.simulator.estates.parts import Document, Place, address, guid


class Services(Place):
    """Cloud services of web and worker roles, and those that hold virtual machines."""

    def service(
        self,
        group: str,
        name: str,
        region: str,
        *,
        label: str | None = None,
        tags: Mapping[str, str] | None = None,
        affinity_group: str | None = None,
        certificates: int = 0,
    ) -> Document:
        made = self.builder.add(
            self.id(group, "Microsoft.ClassicCompute/domainNames", name),
            "Microsoft.ClassicCompute/domainNames",
            {
                "provisioningState": "Succeeded",
                "status": "Created",
                "label": label,
                "hostName": f"{name}.cloudapp.net",
                "affinityGroup": affinity_group,
            },
            location=region,
            tags=dict(tags or {}),
        )
        for number in range(certificates):
            print_ = sha256(f"{name}:{number}".encode()).hexdigest()[:40].upper()
            self.builder.add(
                f"{made['id']}/serviceCertificates/sha1-{print_}",
                "Microsoft.ClassicCompute/domainNames/serviceCertificates",
                {"thumbprint": print_, "thumbprintAlgorithm": "sha1"},
            )
        return made

    def extension(self, service: Document, name: str, publisher: str, kind: str, version: str) -> Document:
        """An extension definition of a service: what its references are of."""
        return self.builder.add(
            f"{service['id']}/extensions/{name}",
            "Microsoft.ClassicCompute/domainNames/extensions",
            {"publisher": publisher, "type": kind, "version": version},
        )

    def slot(
        self,
        service: Document,
        roles: Sequence[Mapping[str, Any]] = (),
        *,
        slot: str = "Production",
        network: Document | None = None,
        slot_type: str = "Role",
        label: str | None = None,
        state: str = "Running",
        upgrade: Mapping[str, Any] | None = None,
        created: str = "2021-03-09T08:12:44Z",
        reserved: Document | None = None,
        nameless_reserved: bool = False,
        plugins: Sequence[str] = (),
        acl: Mapping[str, str] | None = None,
    ) -> Document:
        """A deployment with its roles. A role: name, size, count, subnets, endpoints, extensions (see `role`)."""
        name = service["name"]
        public = reserved["properties"]["ipAddress"] if reserved else address(service["id"], slot)
        facts = {
            "slotType": slot_type,
            "name": guid(service["id"], slot).replace("-", ""),
            "deploymentId": guid(service["id"], slot).replace("-", ""),
            "deploymentName": f"{name}-{slot.lower()}",
            "deploymentLabel": label,
            "state": state,
            "status": state,
            "sdkVersion": "2.9.8699.20" if slot_type == "Role" else "",
            "locked": False,
            "rollbackAllowed": False,
            "upgradeDomainCount": 5,
            "upgradeStatus": upgrade,
            "createdTime": created,
            "uri": f"http://{name}.cloudapp.net/",
            "configuration": "",
            "virtualNetwork": network and {"id": network["id"], "name": network["name"]},
            "virtualIps": [
                {
                    "address": public,
                    "isDnsProgrammed": True,
                    "name": f"{name}ContractContract",
                    "reservedIpName": reserved["name"] if reserved else None,
                    "isReserved": reserved is not None or nameless_reserved,
                }
            ],
            "provisioningState": "Succeeded",
        }
        if slot_type == "Role":
            reserved_name = reserved["name"] if reserved else None
            facts["configuration"] = configuration(name, roles, network, reserved_name, plugins, acl)
        made = self.builder.add(
            f"{service['id']}/slots/{slot}",
            "Microsoft.ClassicCompute/domainNames/slots",
            facts,
            location=service["location"],
        )
        for role in roles:
            self._role(made, role, public, facts["virtualIps"][0]["name"])
        return made

    def _role(self, slot: Document, role: Mapping[str, Any], public: str, vip: str) -> None:
        made = self.builder.add(
            f"{slot['id']}/roles/{role['name']}",
            "Microsoft.ClassicCompute/domainNames/slots/roles",
            {
                "name": role["name"],
                "osVersion": "WA-GUEST-OS-6.58_202409-01",
                "instanceSize": role["size"],
                "instanceCount": role["count"],
                "inputEndpoints": [
                    {
                        "endpointName": endpoint,
                        "protocol": "tcp",
                        "privatePort": port,
                        "publicPort": port,
                        "publicIpAddress": public,
                        "virtualIpName": vip,
                        "loadBalancedEndpointSetName": None,
                        "endpointAcl": {"rules": [dict(rule) for rule in role.get("acl", ())]},
                    }
                    for endpoint, port in role["endpoints"].items()
                ],
            },
            location=slot["location"],
        )
        for name, state in role["extensions"].items():
            kind = "RDP" if "RDP" in name else name.partition("-")[0]
            self.builder.add(
                f"{made['id']}/extensionReferences/{name}",
                "Microsoft.ClassicCompute/domainNames/slots/roles/extensionReferences",
                {
                    "name": name,
                    "publisher": "Microsoft.Windows.Azure.Extensions" if kind == "RDP" else "Microsoft.Azure.Security",
                    "type": kind,
                    "version": "1.*",
                    "state": state,
                },
            )


def role(
    name: str,
    size: str,
    count: int,
    *,
    subnets: Sequence[str] = (),
    endpoints: Mapping[str, int] | None = None,
    extensions: Mapping[str, str] | None = None,
    acl: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A web or worker role. `extensions` by reference name to Enable or Disable."""
    return {
        "name": name,
        "size": size,
        "count": count,
        "subnets": list(subnets),
        "endpoints": dict(endpoints or {}),
        "extensions": dict(extensions or {}),
        "acl": list(acl),
    }


def configuration(
    service: str,
    roles: Iterable[Mapping[str, Any]],
    network: Document | None,
    reserved: str | None = None,
    plugins: Sequence[str] = (),
    acl: Mapping[str, str] | None = None,
) -> str:
    """A .cscfg as the platform hands it out. The setting `Storage.ConnectionString` looks like a secret, as in real
    ones.

    `acl`: endpoint name to allowed range, for all roles.
    """
    roles = list(roles)
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(
        f'<ServiceConfiguration serviceName={quoteattr(service)} osFamily="6" osVersion="*" '
        'schemaVersion="2015-04.2.6" xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">'
    )
    for entry in roles:
        lines += [f"  <Role name={quoteattr(entry['name'])}>", f'    <Instances count="{entry["count"]}" />']
        lines.append("    <ConfigurationSettings>")
        key = sha256(f"not a key: {service}".encode()).hexdigest()
        value = f"DefaultEndpointsProtocol=https;AccountName={service.replace('-', '')};AccountKey={key}=="
        lines.append(f'      <Setting name="Storage.ConnectionString" value={quoteattr(value)} />')
        lines.append('      <Setting name="Environment" value="production" />')
        for plugin in plugins:
            lines.append(f'      <Setting name="Microsoft.WindowsAzure.Plugins.{plugin}.Enabled" value="true" />')
        lines += ["    </ConfigurationSettings>", "  </Role>"]
    lines += _network_configuration(roles, network, reserved, acl)
    return "\n".join([*lines, "</ServiceConfiguration>"])


def _network_configuration(
    roles: list[Mapping[str, Any]], network: Document | None, reserved: str | None, acl: Mapping[str, str] | None
) -> list[str]:
    if network is None and not reserved and not acl:
        return []
    lines = ["  <NetworkConfiguration>"]
    if acl:
        lines.append("    <AccessControls>")
        for endpoint, allowed in acl.items():
            lines.append(f"      <AccessControl name={quoteattr('acl-' + endpoint)}>")
            lines.append(
                f'        <Rule action="permit" description="office" order="100" remoteSubnet={quoteattr(allowed)} />'
            )
            lines.append("      </AccessControl>")
        lines += ["    </AccessControls>", "    <EndpointAcls>"]
        for entry in roles:
            for endpoint in set(entry["endpoints"]) & set(acl):
                names = f"role={quoteattr(entry['name'])} endPoint={quoteattr(endpoint)}"
                lines.append(f"      <EndpointAcl {names} accessControl={quoteattr('acl-' + endpoint)} />")
        lines.append("    </EndpointAcls>")
    if network is not None:
        lines.append(f"    <VirtualNetworkSite name={quoteattr(network['properties']['siteName'])} />")
    homes = [entry for entry in roles if entry["subnets"]] if network is not None else []
    if homes or reserved:
        lines.append("    <AddressAssignments>")
        for entry in homes:
            lines.append(f"      <InstanceAddress roleName={quoteattr(entry['name'])}>")
            lines.append("        <Subnets>")
            lines += [f"          <Subnet name={quoteattr(subnet)} />" for subnet in entry["subnets"]]
            lines += ["        </Subnets>", "      </InstanceAddress>"]
        if reserved:
            lines += [
                "      <ReservedIPs>",
                f"        <ReservedIP name={quoteattr(reserved)} />",
                "      </ReservedIPs>",
            ]
        lines.append("    </AddressAssignments>")
    return [*lines, "  </NetworkConfiguration>"]

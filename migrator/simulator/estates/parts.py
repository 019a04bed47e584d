"""The ground the builders stand on: the estate being collected, and the place things are put."""

import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from migrator.simulator.estate import FORMAT, Estate

Document = dict[str, Any]
SPACE = uuid.UUID("3a0f3c1c-7d0b-4c55-9b52-0d1e7a6d2f10")

COMPUTE_ROWS = {
    "cores": 350,
    "virtualMachines": 25000,
    "availabilitySets": 2500,
    "standardA0_A7Family": 200,
    "standardA8_A11Family": 16,
    "standardAv2Family": 100,
    "basicAFamily": 40,
    "standardDFamily": 100,
    "standardDSFamily": 60,
    "standardDv2Family": 150,
    "standardDSv2Family": 100,
    "standardDv3Family": 100,
    "standardDSv3Family": 100,
    "standardEv3Family": 50,
    "standardFFamily": 50,
    "standardFSFamily": 50,
    "standardGFamily": 32,
    "standardHFamily": 16,
}
NETWORK_ROWS = {
    "VirtualNetworks": 1000,
    "StaticPublicIPAddresses": 200,
    "PublicIPAddresses": 1000,
    "NetworkSecurityGroups": 5000,
    "NetworkInterfaces": 65536,
    "LoadBalancers": 1000,
    "RouteTables": 200,
}
STORAGE_ROWS = {"StorageAccounts": 250}
ROWS = {"Microsoft.Compute": COMPUTE_ROWS, "Microsoft.Network": NETWORK_ROWS, "Microsoft.Storage": STORAGE_ROWS}


GENERATOR = 1  # raised when the same name, seed, size and mix come to give another estate
ORIGIN = "simulated-by"  # the tag that tells a made-up resource from one that was captured; estate files have none


def guid(*parts: str) -> str:
    return str(uuid.uuid5(SPACE, "/".join(parts).lower()))


def address(*parts: str) -> str:
    """A public address that follows from a name, from the ranges kept for documentation and tests."""
    digest = sha256("/".join(parts).lower().encode()).digest()
    return f"{('198.18', '198.19')[digest[0] % 2]}.{digest[1]}.{digest[2] % 254 + 1}"


class EstateBuilder:
    """Collects documents; `estate()` gives the file."""

    def __init__(self, origin: str, seed: int = 1) -> None:
        self.origin, self.seed = origin, seed
        self.subscriptions: list[dict[str, Any]] = []
        self.resources: list[Document] = []
        self.by_id: dict[str, Document] = {}
        self.registrations: list[dict[str, Any]] = []
        self.usages: list[dict[str, Any]] = []

    def estate(self) -> Estate:
        return {
            "format": FORMAT,
            "origin": self.origin,
            "subscriptions": self.subscriptions,
            "resources": self.resources,
            "registrations": self.registrations,
            "usages": self.usages,
        }

    def subscription(
        self,
        name: str,
        regions: Sequence[str],
        *,
        registered: bool = True,
        limits: Mapping[tuple[str, str], int] | None = None,
        used: Mapping[tuple[str, str], int] | None = None,
    ) -> str:
        """A subscription with its registrations and usage rows; gives its id."""
        key = guid("subscription", name)
        self.subscriptions.append(
            {"subscriptionId": key, "displayName": name, "state": "Enabled", "tenantId": guid("tenant", self.origin)}
        )
        state = "Registered" if registered else "NotRegistered"
        for provider in ("Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute/CloudServices"):
            self.registrations.append({"subscriptionId": key, "name": provider, "state": state})
        for provider in ("Compute", "Network", "Storage", "KeyVault", "Insights", "Quota"):
            row = {"subscriptionId": key, "name": f"Microsoft.{provider}", "state": "Registered"}
            self.registrations.append(row)
        for region in regions:
            for provider, rows in ROWS.items():
                for row_name, limit in rows.items():
                    self.usages.append(
                        {
                            "subscriptionId": key,
                            "location": region,
                            "provider": provider,
                            "name": row_name,
                            "currentValue": (used or {}).get((region, row_name), 0),
                            "limit": (limits or {}).get((region, row_name), limit),
                        }
                    )
        return key

    def add(self, resource_id: str, resource_type: str, properties: Mapping[str, Any], **more: Any) -> Document:
        document = {
            "id": resource_id,
            "name": resource_id.rpartition("/")[2],
            "type": resource_type,
            **{name: value for name, value in more.items() if value is not None},
            "properties": dict(properties),
        }
        if "location" in document and resource_id.rpartition("/providers/")[2].count("/") == 2:  # others have no tags
            made_by = f"estate {self.origin}, generator {GENERATOR}, seed {self.seed}"
            document["tags"] = {**(more.get("tags") or {}), ORIGIN: made_by}
        self.resources.append(document)
        self.by_id[resource_id] = document
        return document


class Place:
    """One subscription of an estate: where things are put."""

    def __init__(self, builder: EstateBuilder, subscription: str) -> None:
        self.builder, self.subscription = builder, subscription

    def id(self, group: str, kind: str, name: str) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{kind}/{name}"

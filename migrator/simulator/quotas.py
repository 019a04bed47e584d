"""Resource Manager quota: what a unit needs, whether it is there, and the rows that change with Prepare and Abort
(azure.md 5).

Also the requests for more of Microsoft.Quota. Row names are tagged [K] in azure.md; the sums follow 5.1.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from migrator.simulator import scope as scopes
from migrator.simulator import sizes
from migrator.simulator.cscfg import instances
from migrator.simulator.scope import Scope, properties
from migrator.simulator.store import Store, parent_key, subscription_in

COMPUTE, NETWORK, STORAGE = "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage"
LOCALIZED = {
    "cores": "Total Regional vCPUs",
    "virtualMachines": "Virtual Machines",
    "availabilitySets": "Availability Sets",
    "VirtualNetworks": "Virtual Networks",
    "StaticPublicIPAddresses": "Static Public IP Addresses",
    "PublicIPAddresses": "Public IP Addresses",
    "NetworkSecurityGroups": "Network Security Groups",
    "NetworkInterfaces": "Network Interfaces",
    "LoadBalancers": "Load Balancers",
    "RouteTables": "Route Tables",
    "StorageAccounts": "Storage Accounts",
}
TOO_MUCH = 5  # a request above so many times the limit is refused with the advice to ask support

_LEFTOVER_ROWS = {
    scopes.SECURITY_GROUP.lower(): ("NetworkSecurityGroups",),
    scopes.ROUTE_TABLE.lower(): ("RouteTables",),
    scopes.RESERVED.lower(): ("PublicIPAddresses", "StaticPublicIPAddresses"),
}

Row = tuple[str, str, str, str]  # subscription, location, provider, name; all but the last in lower case


def localized(name: str) -> str:
    if name in LOCALIZED:
        return LOCALIZED[name]
    return f"{name.removesuffix('Family')} Family vCPUs" if name.endswith("Family") else name


def need(store: Store, scope: Scope, *, own_network: bool = True) -> Counter[tuple[str, str]]:
    """What Prepare will draw: (provider, row name) to amount, all in the unit's region. `own_network`: a deployment
    outside any network gets a new one."""
    wanted: Counter[tuple[str, str]] = Counter()
    if scope.account is not None:
        return Counter({(STORAGE, "StorageAccounts"): 1})
    for slot in scope.web_slots:
        for role in store.children(slot["id"], scopes.ROLE):
            facts = properties(role)
            _cores(wanted, str(facts.get("instanceSize") or "Small"), instances(slot, role))
    for machine in scope.machines:
        _cores(wanted, str((properties(machine).get("hardwareProfile") or {}).get("size") or "Small"), 1)
        wanted[COMPUTE, "virtualMachines"] += 1
        extra = (properties(machine).get("networkProfile") or {}).get("networkInterfaces") or ()
        wanted[NETWORK, "NetworkInterfaces"] += 1 + len(extra)
    sets = {
        (scopes.service_of(m), name)
        for m in scope.machines
        if (name := (properties(m).get("hardwareProfile") or {}).get("availabilitySetName"))
    }
    wanted[COMPUTE, "availabilitySets"] += len(sets)
    for slot in scope.slots:
        vips = scopes.virtual_addresses(store, slot)
        wanted[NETWORK, "PublicIPAddresses"] += len(vips)
        wanted[NETWORK, "StaticPublicIPAddresses"] += sum(1 for vip in vips if vip.get("reservedIpName"))
        wanted[NETWORK, "LoadBalancers"] += 1 if vips else 0
    bare = {parent_key(slot["id"]) for slot in scope.slots} if scope.network is None and own_network else set()
    wanted[NETWORK, "VirtualNetworks"] += 1 if scope.network is not None else len(bare)
    wanted[NETWORK, "NetworkSecurityGroups"] += len(scope.security_groups)
    wanted[NETWORK, "RouteTables"] += len(_route_tables(scope))
    for row in _LEFTOVER_ROWS.get(scopes.kind_of(scope.unit["id"]), ()):
        wanted[NETWORK, row] += 1
    return Counter({row: amount for row, amount in wanted.items() if amount > 0})


def _route_tables(scope: Scope) -> set[str]:
    """Names of the tables which the subnets of a network use; all are cloned with it."""
    subnets = properties(scope.network).get("subnets") or () if scope.network is not None else ()
    return {str(name).lower() for subnet in subnets if (name := (subnet.get("routeTable") or {}).get("name"))}


def instance_count(store: Store, scope: Scope) -> int:
    """Role instances and machines: what the duration of Prepare grows with (azure.md 2.1)."""
    roles = ((slot, role) for slot in scope.web_slots for role in store.children(slot["id"], scopes.ROLE))
    return sum(instances(slot, role) for slot, role in roles) + len(scope.machines)


def _cores(wanted: Counter[tuple[str, str]], size: str, instances: int) -> None:
    amount = sizes.cores(size) * instances
    wanted[COMPUTE, "cores"] += amount
    if family := sizes.family(size):
        wanted[COMPUTE, family] += amount


@dataclass(frozen=True, slots=True)
class QuotaRequest:
    """One request for a new total limit; `state` follows from the clock."""

    request_id: str
    subscription: str
    provider: str
    location: str
    name: str
    limit: int
    asked_at: datetime
    ends_at: datetime
    verdict: str  # Succeeded or Failed, at the end
    message: str
    state: str = "Accepted"

    def as_row(self) -> dict[str, Any]:
        return {**asdict(self), "asked_at": self.asked_at.isoformat(), "ends_at": self.ends_at.isoformat()}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "QuotaRequest":
        times = {name: datetime.fromisoformat(row[name]) for name in ("asked_at", "ends_at")}
        return cls(**{**row, **times})


class Quotas:
    """Usage rows of all subscriptions and regions, and the requests for more."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._rows: dict[Row, dict[str, Any]] = {}
        self.requests: dict[str, QuotaRequest] = {}
        self.changed = True  # not kept yet
        for row in rows:
            self._rows[self._key(row["subscriptionId"], row["location"], row["provider"], row["name"])] = dict(row)

    @staticmethod
    def _key(subscription: str, location: str, provider: str, name: str) -> Row:
        return subscription.lower(), location.lower().replace(" ", ""), provider.lower(), name.lower()

    def rows(self, subscription: str = "", location: str = "", provider: str = "") -> list[dict[str, Any]]:
        wanted = self._key(subscription, location, provider, "")
        return [
            row
            for key, row in self._rows.items()
            if all(not w or w == k for w, k in zip(wanted[:3], key[:3], strict=True))
        ]

    def row(self, subscription: str, location: str, provider: str, name: str) -> dict[str, Any] | None:
        return self._rows.get(self._key(subscription, location, provider, name))

    def shortfall(self, scope: Scope, wanted: Mapping[tuple[str, str], int]) -> list[tuple[dict[str, Any], int]]:
        """Rows that are too small, each with what is missing. A row the platform does not list limits nothing."""
        found = []
        subscription, location = subscription_in(scope.unit["id"]), scope_location(scope)
        for (provider, name), amount in wanted.items():
            row = self.row(subscription, location, provider, name)
            if row is not None and amount > row["limit"] - row["currentValue"]:
                found.append((row, amount - (row["limit"] - row["currentValue"])))
        return found

    def draw(self, subscription: str, location: str, wanted: Mapping[tuple[str, str], int], sign: int = 1) -> None:
        """Take (or with sign -1 give back) what a unit uses."""
        for (provider, name), amount in wanted.items():
            row = self.row(subscription, location, provider, name)
            if row is not None:
                row["currentValue"] = max(0, row["currentValue"] + sign * amount)
                self.changed = True

    def ask(self, request_id: str, row: Mapping[str, Any], limit: int, now: datetime, takes: timedelta) -> QuotaRequest:
        """Accept a request for a new total limit; whether it is granted follows a rule known in advance."""
        refused = limit > TOO_MUCH * max(1, row["limit"]) or str(row["name"]).lower() == "lowprioritycores"
        message = (
            f"The requested limit {limit} for {row['name']} in {row['location']} cannot be granted automatically. "
            "Please create a support ticket for this request."
            if refused
            else f"The limit of {row['name']} in {row['location']} is {limit}."
        )
        request = QuotaRequest(
            request_id=request_id,
            subscription=str(row["subscriptionId"]).lower(),
            provider=row["provider"],
            location=row["location"],
            name=row["name"],
            limit=limit,
            asked_at=now,
            ends_at=now + takes,
            verdict="Failed" if refused else "Succeeded",
            message=message,
        )
        self.requests[request_id] = request
        self.changed = True
        return request

    def tick(self, now: datetime) -> None:
        """Let the clock move the requests: Accepted, InProgress after a fifth of the time, then the verdict."""
        for key, request in list(self.requests.items()):
            if request.state in ("Succeeded", "Failed"):
                continue
            begun = request.asked_at + (request.ends_at - request.asked_at) / 5
            state = request.verdict if now >= request.ends_at else "InProgress" if now >= begun else "Accepted"
            if state == request.state:
                continue
            self.requests[key] = replace(request, state=state)
            self.changed = True
            if state == "Succeeded":
                row = self.row(request.subscription, request.location, request.provider, request.name)
                if row is not None:
                    row["limit"] = request.limit

    def state(self) -> dict[str, Any]:
        return {"rows": list(self._rows.values()), "requests": [r.as_row() for r in self.requests.values()]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Quotas":
        quotas = cls(state["rows"])
        quotas.requests = {row["request_id"]: QuotaRequest.of_row(row) for row in state["requests"]}
        return quotas


def scope_location(scope: Scope) -> str:
    """The region a unit draws quota in: that of its network, its service or its account."""
    if scope.network is not None:
        return str(scope.network.get("location", ""))
    if scope.services:
        return str(scope.services[0].get("location", ""))
    return str(scope.unit.get("location", ""))

"""`generated`: an estate of any size, believable in names, tags, regions and flaws.

The same seed, size and mix give the same estate.

From COMPANY resources on, the demo company's three subscriptions come first, so that every documented flaw the demo
shows is there too; the rest are subscriptions of at most PER_SUBSCRIPTION resources, filled with BLOCKS in the shares
of the mix, and spoiled at the chances of FLAWS.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from migrator.simulator.estate import Estate, EstateError
from migrator.simulator.estates import demo_corporate, demo_logistics, demo_retail
from migrator.simulator.estates.builder import Area, Document, EstateBuilder, role, rule

LARGEST: Final = 500_000
COMPANY: Final = 1_000
PER_SUBSCRIPTION: Final = 5_000
REGIONS: Final = ("westeurope", "northeurope", "eastus", "eastus2", "westus", "southeastasia", "uksouth", "japaneast")
TEAMS: Final = (
    "web", "orders", "billing", "payroll", "search", "catalogue", "loyalty", "returns", "pricing", "stock", "depots",
    "fleet", "claims", "reports", "identity", "archive", "mail", "portal", "survey", "kiosk", "tills", "suppliers",
)  # fmt: skip
WORKS: Final = ("api", "front", "worker", "batch", "admin", "sync", "jobs", "gateway", "feed", "cache", "mobile")
STAGES: Final = ("production", "production", "production", "acceptance", "test")
SIZES: Final = (
    "Standard_D1_v2",
    "Standard_D2_v2",
    "Standard_D3_v2",
    "Standard_DS2_v2",
    "Standard_F2",
    "Standard_A2_v2",
)

# Shares of the kinds of block, by default. `--mix machines=80,services=20` leaves the others out.
MIX: Final[Mapping[str, int]] = {"networks": 35, "machines": 35, "services": 15, "storage": 10, "loose": 5}

# Flaw: how often a thing that can have it does, and the rules of the catalogue it is there for (azure.md 3).
FLAWS: Final[Mapping[str, tuple[float, str]]] = {
    "affinity group": (0.03, "SUB-AFFINITY: a network placed by affinity group"),
    "gateway": (0.06, "VNET-VPN-GW, VNET-GW-DISCONNECTED: a VPN gateway; a third is not connected"),
    "express route": (0.02, "VNET-ER-GW, VNET-ER-GW-XSUB: half of them with a circuit of another subscription"),
    "both gateways": (0.20, "VNET-ER-AND-VPN, VNET-ER-COEXIST: a fifth of those with VPN has both"),
    "peering": (0.03, "VNET-PEERING: peered with the network made before it"),
    "web and machines": (0.05, "VNET-MIXED, CS-MIXED-VNET: web roles and machines in one network"),
    "staging": (0.10, "CS-TWO-SLOTS-DYN: a deployment in Staging, too"),
    "staging only": (0.03, "CS-STAGING-ONLY: a deployment in Staging and none in Production"),
    "empty": (0.03, "CS-EMPTY: a cloud service with nothing in it"),
    "old size": (0.08, "CS-SIZE-DEPRECATED, CS-SIZE-SPECIAL, CS-LEGACY-SIZE: a size of earlier days"),
    "role named as service": (0.02, "CS-NAME-EQ-ROLE: a role called like its cloud service"),
    "rdp": (0.12, "CS-OK-EXT, CS-EXT-DISABLED: Remote Desktop as extension, a third of them disabled"),
    "plugin": (0.05, "CS-PLUGIN-LEFT, CS-RDP-BOTH: Remote Desktop as plugin, at times as extension too"),
    "certificate": (0.30, "CS-CERT-KV, CS-OK-CERT: a certificate to be moved to a vault"),
    "label": (0.05, "CS-LABEL-TAGS: a label that becomes nothing"),
    "stopped": (0.04, "CS-BUSY: not running, or on the way"),
    "no subnet": (0.03, "CS-NO-SUBNET, VM-NO-SUBNET: in a network, in no subnet"),
    "autoscale": (0.20, "CS-AUTOSCALE: a setting that does not move"),
    "alert": (0.20, "CS-ALERTS, VM-ALERTS: a classic alert rule"),
    "no agent": (0.05, "VM-AGENT: no guest agent"),
    "agent not ready": (0.03, "VM-AGENT: a guest agent that does not report"),
    "odd extension": (0.08, "VM-BACKUP-EXT, VM-ASR-EXT: one that is taken off first"),
    "availability set": (0.20, "VM-MIXED-AVSET: one machine outside of the set of its service"),
    "two availability sets": (0.05, "VM-MULTI-AVSET: two sets in one service"),
    "boot diagnostics": (0.06, "VM-BOOTDIAG: kept in a classic account"),
    "licence": (0.06, "VM-HUB-LICENSE: a Windows licence brought along"),
    "odd blob": (0.03, "VM-BLOB-SLASH: a disk in a folder of folders"),
    "several cards": (0.04, "VM-MULTI-SUBNET: network cards in several subnets"),
    "endpoint list": (0.06, "VM-ENDPOINT-ACL, CS-OK-ENDPOINT-ACL: an endpoint with an access list"),
    "outside": (0.08, "VM-NOT-IN-VNET: machines in no network"),
    "images": (0.15, "VM-IMAGES: images in the account"),
    "loose disk": (0.15, "VM-DISK-UNATTACHED: a disk attached to nothing"),
    "grant": (0.15, "SUB-RBAC, CS-RBAC, STG-RBAC: rights given on the classic resource"),
    "lock": (0.01, "SUB-ARM-LOCK: a management lock"),
    "untagged": (0.10, "nobody knows whose it is"),
}

_OFFICE: Final = ({"order": 100, "action": "permit", "remoteSubnet": "203.0.113.0/24", "description": "office"},)
_KINDS_OF_DISK: Final = ("Standard-LRS", "Standard-LRS", "Standard-GRS", "Standard-RAGRS")


def mix_of(text: str) -> dict[str, int]:
    """A mix as it is written on the command line, `machines=60,services=40`. Raises EstateError."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = part.partition("=")
        if name not in MIX:
            raise EstateError(f"--mix knows no {name!r}; it takes {', '.join(MIX)}.")
        if not share.isdecimal() or int(share) > 1_000_000:
            raise EstateError(f"--mix {name}={share!r}: give a whole number, such as {name}=40.")
        found[name] = int(share)
    if not any(found.values()):
        raise EstateError("--mix needs at least one share above 0, such as machines=60,services=40.")
    return found


def build(
    seed: int = 1, *, resources: int = 2_000, mix: Mapping[str, int] | None = None, subscriptions: int | None = None
) -> Estate:
    """An estate of exactly so many resources (slots, roles, disks and settings count, too). Raises EstateError."""
    if not 1 <= resources <= LARGEST:
        raise EstateError(f"--resources {resources} cannot be made; give 1 to {LARGEST}.")
    if subscriptions is not None and not 1 <= subscriptions <= 1_000:
        raise EstateError(f"--subscriptions {subscriptions} cannot be made; give 1 to 1000.")
    builder = EstateBuilder("generated", seed)
    if resources >= COMPANY and subscriptions is None:
        for part in (demo_retail, demo_logistics, demo_corporate):
            part.build(builder)
    left = resources - len(builder.resources)
    count = subscriptions or max(1, -(-left // PER_SUBSCRIPTION))
    for number in range(count):
        area = builder.area(f"Bramble {number + 1:03d} {TEAMS[number % len(TEAMS)]}", REGIONS)
        until = len(builder.resources) + (left * (number + 1) // count - left * number // count)
        _Filler(area, random.Random(f"{seed}:{number}"), number, mix or MIX).fill(until)  # noqa: S311 - must repeat
    return builder.estate()


class _Filler:
    """Fills one subscription with blocks."""

    def __init__(self, area: Area, dice: random.Random, number: int, mix: Mapping[str, int]) -> None:
        self.area, self.dice, self.number, self.serial = area, dice, number, 0
        self.kinds = [name for name, share in mix.items() if share]
        self.shares = [mix[name] for name in self.kinds]
        self.before: Document | None = None
        self.blocks: Mapping[str, Callable[[], None]] = {
            "networks": self._web_network,
            "machines": self._machines,
            "services": self._service,
            "storage": self._storage,
            "loose": self._loose,
        }

    def fill(self, until: int) -> None:
        """Blocks while there is room for the largest one, then single things, to the exact number."""
        made = self.area.builder.resources
        while len(made) < until:
            if until - len(made) > 120:
                kind = self.dice.choices(self.kinds, self.shares)[0]
                self._begin()
                self.blocks[kind]()
            else:
                self._begin()
                self.area.storage(self.group, f"{self.stem.replace('-', '')}spare"[:24], self.region, tags=self.tags)

    def _begin(self) -> None:
        """Name, region, group and tags of the next block."""
        self.serial += 1
        team = self.dice.choice(TEAMS)
        self.stage = self.dice.choice(STAGES)
        self.region = self.dice.choice(REGIONS[self.number % 5 : self.number % 5 + 4])
        self.stem = f"{team}-{self.dice.choice(WORKS)}-{self.number * 10_000 + self.serial:05x}"
        self.group = f"{team}-{self.stage}"
        owned = {
            "owner": f"team-{team}@bramble.example",
            "cost-centre": f"CC-{2000 + 10 * TEAMS.index(team)}",
            "environment": self.stage,
        }
        self.tags = {} if self._flaw("untagged") else owned

    def _flaw(self, name: str) -> bool:
        return self.dice.random() < FLAWS[name][0]

    def _network(self, prefix: str) -> Document:
        second, subnets = self.serial % 250, ("front", "back", "data")[: self.dice.randint(1, 3)]
        made = self.area.network(
            self.group,
            f"{self.stem}-{prefix}",
            self.region,
            space=f"10.{second}.0.0/16",
            subnets={name: f"10.{second}.{n}.0/24" for n, name in enumerate(subnets)},
            tags=self.tags,
            affinity_group=f"{self.group}-ag" if self._flaw("affinity group") else None,
        )
        if self._flaw("gateway"):
            self.area.gateway(
                made, "Vpn", connections={"office": self.dice.choice(["Connected"] * 2 + ["NotConnected"])}
            )
            if self._flaw("both gateways"):
                self.area.gateway(made, "ExpressRoute", circuit=self.area.subscription)
        elif self._flaw("express route"):
            other = self.dice.choice([self.area.subscription, "9a1f0000-0000-4000-8000-00000000c1c1"])
            self.area.gateway(made, "ExpressRoute", circuit=other)
        if self.before is not None and self._flaw("peering"):
            self.area.peering(made, self.before)
        if self._flaw("lock"):
            self.area.lock(made["id"], f"{self.stem}-lock", self.dice.choice(["CanNotDelete", "ReadOnly"]), "Audit.")
        self.before = made
        return made

    def _web_network(self) -> None:
        network = self._network("net")
        for number in range(self.dice.randint(1, 4)):
            self._deployment(f"{self.stem}-{number}", network)
        if self._flaw("web and machines"):
            self._machine_service(network, f"{self.stem}-vm")

    def _service(self) -> None:
        self._deployment(self.stem, None)

    def _deployment(self, name: str, network: Document | None) -> None:
        area, dice = self.area, self.dice
        service = area.service(
            self.group, name, self.region, tags=self.tags, certificates=int(self._flaw("certificate"))
        )
        if self._flaw("empty"):
            return
        subnets = [network["properties"]["subnets"][0]["name"]] if network and not self._flaw("no subnet") else []
        twin = self._flaw("role named as service")
        roles = []
        for title in ("Web", "Worker", "Jobs")[: dice.randint(1, 3)]:
            size = (
                dice.choice(["A8", "A9", "Small", "Medium", "ExtraLarge", "SQLG7"])
                if self._flaw("old size")
                else dice.choice(SIZES)
            )
            extensions = {f"RDP-{title}-20190304": dice.choice(["Enable", "Enable", "Disable"])}
            roles.append(
                role(
                    name if twin and title == "Web" else title,
                    size,
                    dice.randint(1, 6),
                    subnets=subnets,
                    endpoints={"https": 443} if title == "Web" else {},
                    extensions=extensions if self._flaw("rdp") else None,
                    acl=_OFFICE if self._flaw("endpoint list") else (),
                )
            )
        more: dict[str, Any] = {"plugins": ["RemoteAccess", "RemoteForwarder"]} if self._flaw("plugin") else {}
        if self._flaw("staging only"):
            area.slot(service, roles, slot="Staging", network=network, **more)
            return
        slot = area.slot(
            service,
            roles,
            network=network,
            label=f"release {dice.randint(1, 400)}" if self._flaw("label") else None,
            state=dice.choice(["Suspended", "Deploying"]) if self._flaw("stopped") else "Running",
            **more,
        )
        if self._flaw("staging"):
            area.slot(service, roles[:1], slot="Staging", network=network)
        target = f"{slot['id']}/roles/{roles[0]['name']}"
        if self._flaw("autoscale"):
            rules = [
                rule(target, "Percentage CPU", "GreaterThan", 75, 1),
                rule(target, "Percentage CPU", "LessThan", 25, -1),
            ]
            area.autoscale(self.group, f"{name}-scale", target, self.region, rules)
        if self._flaw("alert"):
            area.alert(self.group, f"{name}-cpu", target, self.region, emails=["oncall@bramble.example"])
        if self._flaw("grant"):
            area.grant(service["id"], "Contributor", f"{self.group}-operators")

    def _machines(self) -> None:
        network = None if self._flaw("outside") else self._network("vm-net")
        for number in range(self.dice.randint(1, 3)):
            self._machine_service(network, f"{self.stem}-{number}")

    def _machine_service(self, network: Document | None, name: str) -> None:
        area, dice = self.area, self.dice
        premium = dice.random() < 0.15
        kind = "Premium-LRS" if premium else dice.choice(_KINDS_OF_DISK)
        account = area.storage(self.group, f"{name.replace('-', '')}sa"[-24:], self.region, kind=kind, tags=self.tags)
        reserved = area.reserved(self.group, f"{name}-ip", self.region) if dice.random() < 0.2 else None
        service = area.service(self.group, name, self.region, tags=self.tags)
        slot = area.slot(service, network=network, slot_type="VirtualMachine", reserved=reserved)
        if reserved:
            reserved["properties"].update({"inUse": True, "attachedTo": {"id": slot["id"]}})
        names = [row["name"] for row in network["properties"]["subnets"]] if network else []
        together, twice = self._flaw("availability set"), self._flaw("two availability sets")
        for number in range(dice.randint(1, 6)):
            agent = None if self._flaw("no agent") else "NotReady" if self._flaw("agent not ready") else "Ready"
            stopped = self._flaw("stopped")
            extensions = {"BGInfo": "2.1"} if dice.random() < 0.5 else {}
            if self._flaw("odd extension"):
                extensions[dice.choice(["SiteExtension", "VMSnapshot", "SiteRecovery"])] = "1.4"
            area.machine(
                service,
                f"{name}-{number}",
                dice.choice(SIZES[:4]),
                account=account,
                network=network,
                subnets=() if self._flaw("no subnet") else names[:1],
                private=f"10.{self.serial % 250}.0.{number + 4}",
                endpoints={"RemoteDesktop": 3389} if number == 0 else None,
                endpoint_acl=_OFFICE if self._flaw("endpoint list") else (),
                availability_set=f"{name}-set{number % 2 + 1}"
                if twice
                else f"{name}-set"
                if together and number
                else None,
                license_type="Windows_Server" if self._flaw("licence") else None,
                blob=f"old/{name}/{number}-os.vhd" if self._flaw("odd blob") else None,
                extra_nics=names[1:2] if self._flaw("several cards") else (),
                extensions=extensions,
                agent=agent,
                power="Stopped" if stopped else "Started",
                status="StoppedVM" if stopped else "ReadyRole",
                boot_diagnostics=self._flaw("boot diagnostics"),
                premium=premium,
                data_disks=dice.randint(0, 3),
                system=dice.choice(["Windows", "Windows", "Linux"]),
                tags=self.tags,
            )
        if self._flaw("alert"):
            machine = f"{self.area.id(self.group, 'Microsoft.ClassicCompute/virtualMachines', name + '-0')}"
            area.alert(self.group, f"{name}-cpu", machine, self.region, emails=["oncall@bramble.example"])
        if self._flaw("grant"):
            area.grant(service["id"], "Classic Virtual Machine Contributor", f"{self.group}-operators")

    def _storage(self) -> None:
        account = self.area.storage(
            self.group,
            f"{self.stem.replace('-', '')}store"[-24:],
            self.region,
            kind=self.dice.choice(_KINDS_OF_DISK),
            tags=self.tags,
        )
        if self._flaw("images"):
            self.area.image(account, f"{self.stem}-golden", self.dice.choice(["osImages", "vmImages"]))
        if self._flaw("loose disk"):
            self.area.disk(account, f"{self.stem}-left-over")
        if self._flaw("grant"):
            self.area.grant(account["id"], "Classic Storage Account Contributor", f"{self.group}-operators")

    def _loose(self) -> None:
        if self.dice.random() < 0.5:
            self.area.reserved(self.group, f"{self.stem}-ip", self.region)
        else:
            self.area.security_group(self.group, f"{self.stem}-nsg", self.region)

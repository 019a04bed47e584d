"""Rules about classic virtual machines (azure.md 3.4)."""

from collections.abc import Callable, Iterator
from typing import Final

from migrator.readiness.asking import (
    ask,
    ask_machines,
    fact,
    holds_machines,
    only_prepare_tells,
    only_validate_tells,
    some,
    states,
)
from migrator.readiness.cloud_service_changes import ALERTS, machine_keys, settings_lost
from migrator.readiness.cloud_services import holds_reserved
from migrator.readiness.context import Context
from migrator.readiness.facts import Service, View
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Detection,
    Effect,
    Evidence,
    Rules,
    Scope,
    Superseded,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.three import Tri, any_of, both, either, negate, when, within
from migrator.resources import UNKNOWN, CloudService, ResourceType, VirtualDisk, VirtualMachine

rules: Final = Rules(Scope.VIRTUAL_MACHINES)

STEADY_POWER: Final = frozenset({"started", "stopped", "stoppeddeallocated"})


def outside_network(machine: VirtualMachine) -> Tri:
    return when(machine.virtual_network_id, lambda network: network is None)


def network_evidence(machine: VirtualMachine) -> list[Evidence]:
    return [fact("networkProfile.virtualNetwork", machine.virtual_network_id)]


@rules.add(
    id="VM-NOT-IN-VNET",
    title="Machine in no virtual network",
    effect=Effect.DOWNTIME,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "Resource Manager wants every machine in a network. A machine in none is stopped, deallocated and "
        "started again "
        "at Prepare, goes into a new or existing network, and its internal address changes."
    ),
    remedy=(
        "Plan the interruption at Prepare, choose the network, and reserve the public address first if it has to stay."
    ),
    follow_up="Tell whoever knows the machine by its internal address.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-P1", "seed1 S1-E2", "vm-ov", "vm-dd"),
)
def _outside(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        outside_network,
        lambda m: f"{m.name} is in no virtual network: it is stopped and started again at Prepare.",
        network_evidence,
        "whether it is in a virtual network",
    )


@rules.add(
    id="VM-IN-VNET",
    title="Machine in a virtual network",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_machines,
    statement="For machines in a virtual network mostly only the record moves: they keep running on the same hardware.",
    remedy="Nothing; mind the exceptions which other rules name.",
    sources=sources("seed1 S1-P2", "seed1 S1-F1", "vm-ov"),
)
def _inside(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: negate(outside_network(m)),
        lambda m: f"{m.name} keeps running while its record moves.",
        network_evidence,
        "whether it is in a virtual network",
    )


def ask_machine_services(
    view: View,
    test: Callable[[Service], Tri],
    says: Callable[[CloudService], str],
    shows: Callable[[Service], list[Evidence]],
    wonders: str,
) -> Iterator[Answer]:
    """`ask` over the cloud services which hold machines."""
    by_key = {service.resource.key: service for service in view.services if service.machines}
    homeless = [machine for machine in view.machines if machine.cloud_service_id is UNKNOWN]
    yield from ask(
        homeless,
        lambda _: UNKNOWN,
        str,
        lambda _: [fact("domainName", UNKNOWN)],
        "in which cloud service it is, so neither " + wonders,
    )
    yield from ask(
        [service.resource for service in view.services if service.machines],
        lambda r: test(by_key[r.key]),
        says,
        lambda r: shows(by_key[r.key]),
        wonders,
    )


def _sets(service: Service) -> list[Evidence]:
    return [fact(f"virtualMachines/{m.name}.availabilitySet", m.availability_set) for m in service.machines]


@rules.add(
    id="VM-MULTI-AVSET",
    title="Several availability sets",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A cloud service with more than one availability set cannot be moved.",
    remedy="Put all machines of the cloud service into one availability set; changing the set restarts a machine.",
    sources=sources("seed1 S1-P2a", "vm-ov", "vm-plan", "vm-err E39"),
    fragments=(("has multiple availabilit",),),
)
def _several_sets(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        named = {m.availability_set.lower() for m in service.machines if isinstance(m.availability_set, str)}
        silent = sum(m.availability_set is UNKNOWN for m in service.machines)
        if len(named) > 1:
            return True
        return UNKNOWN if silent and len(service.machines) > 1 else False

    return ask_machine_services(
        view,
        test,
        lambda r: f"The machines of {r.name} are in more than one availability set.",
        _sets,
        "in which availability sets its machines are",
    )


@rules.add(
    id="VM-MIXED-AVSET",
    title="Machines in and outside an availability set",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A cloud service with some machines in an availability set and some in none cannot be moved.",
    remedy="Put all machines of the cloud service into the set, or take all out of it.",
    sources=sources("seed1 S1-P2b", "vm-ov", "vm-err E40"),
    fragments=(("not part of the availability set even though",),),
)
def _some_in_sets(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        inside = any_of(when(m.availability_set, bool) for m in service.machines)
        outside = any_of(when(m.availability_set, lambda name: not name) for m in service.machines)
        return both(inside, outside) if len(service.machines) > 1 else False

    return ask_machine_services(
        view,
        test,
        lambda r: f"Some machines of {r.name} are in an availability set, others are not.",
        _sets,
        "in which availability sets its machines are",
    )


def premium(disk: VirtualDisk) -> Tri:
    return when(disk.io_type, lambda kind: kind.lower() == "provisioned")


@rules.add(
    id="VM-BOOTDIAG",
    title="Boot diagnostics with premium disks",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="Boot diagnostics block the move of a machine whose disks are on premium storage.",
    remedy="Switch boot diagnostics off before the move, on again after, and delete the old diagnostics blobs.",
    follow_up="Switch boot diagnostics on again.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-U1", "vm-ov"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Boot diagnostics are not supported.",
            "They are in the way only with premium storage.",
        ),
    ),
)
def _boot_diagnostics(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: both(m.boot_diagnostics, within(m.disks, premium)),
        lambda m: f"{m.name} has boot diagnostics switched on, and premium disks.",
        lambda m: [
            fact("debugProfile.bootDiagnosticsEnabled", m.boot_diagnostics),
            fact("storageProfile.ioType", tuple(d.io_type for d in m.disks) if m.disks is not UNKNOWN else UNKNOWN),
        ],
        "whether boot diagnostics meet premium disks",
    )


@rules.add(
    id="VM-HUB-LICENSE",
    title="Hybrid use benefit",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_machines,
    statement="The hybrid use benefit stood on the list of what is not supported in 2016, and is not mentioned later.",
    remedy="Look after the move whether the benefit is still applied to the machine.",
    follow_up="Apply the hybrid use benefit to the new machine.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-U2"),
    superseded=(Superseded("seed1", 2016, "Not supported.", "Not mentioned; it can be applied again after the move."),),
)
def _license(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: when(m.license_type, lambda text: bool(text)),
        lambda m: f"{m.name} uses the licence benefit {m.license_type}, which has to be looked after.",
        lambda m: [fact("licenseType", m.license_type)],
        "whether it uses the hybrid use benefit",
    )


def _acl(machine: VirtualMachine) -> list[Evidence]:
    if machine.input_endpoints is UNKNOWN:
        return [fact("networkProfile.inputEndpoints", UNKNOWN)]
    told = [(e.name, UNKNOWN if e.acl is UNKNOWN else len(e.acl)) for e in machine.input_endpoints]
    return [fact(f"inputEndpoints/{name}.endpointAcl", count) for name, count in told]


@rules.add(
    id="VM-ENDPOINT-ACL",
    title="Access control list on an endpoint",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "Access control lists on endpoints of virtual machines block the move. For web and worker roles they are fine."
    ),
    remedy="Write the rules down, remove the lists, move, and make the same rules in a network security group.",
    follow_up="Make the rules of the list again in a network security group.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-U7", "vm-ov"),
)
def _endpoint_acl(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.input_endpoints, lambda endpoint: when(endpoint.acl, bool)),
        lambda m: f"An endpoint of {m.name} has an access control list.",
        _acl,
        "whether an endpoint has an access control list",
    )


@rules.add(
    id="VM-MULTI-SUBNET",
    title="Machine in several subnets",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A machine whose network interfaces are in different subnets cannot be moved.",
    remedy="Leave the machine in one subnet: take the second interface away, or make the machine anew.",
    sources=sources("seed1 S1-V2", "vm-ov"),
)
def _several_subnets(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: either(
            when(m.subnets, lambda names: len(set(names)) > 1),
            UNKNOWN if m.network_interface_count is UNKNOWN and m.virtual_network_id is not None else False,
        ),
        lambda m: f"{m.name} is in {len(set(m.subnets))} subnets.",
        lambda m: [
            fact("networkProfile.subnetNames", m.subnets),
            fact("networkProfile.networkInterfaces", m.network_interface_count),
        ],
        "in which subnets it is",
    )


@rules.add(
    id="VM-NO-SUBNET",
    title="Machine in a network without a subnet",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A machine which is in a virtual network, and in no subnet of it, cannot be moved.",
    remedy="Delete the machine keeping its disks, and make it anew in a subnet.",
    sources=sources("seed1 S1-V3", "vm-ov"),
)
def _no_subnet(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: both(negate(outside_network(m)), when(m.subnets, lambda names: not names)),
        lambda m: f"{m.name} is in a virtual network and in no subnet.",
        lambda m: [*network_evidence(m), fact("networkProfile.subnetNames", m.subnets)],
        "in which subnet it is",
    )


rules.add(
    id="VM-ALERTS",
    title="Alerts and autoscale are dropped",
    effect=Effect.DROPPED,
    detection=Detection.API,
    applies=holds_machines,
    statement="The move goes through, and alerts and autoscale settings on the machines are gone afterwards.",
    remedy="Capture them before Prepare, and watch the machines in another way until they are back.",
    follow_up="Recreate alerts and autoscale settings for the new machine.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-V4", "vm-ov"),
)(settings_lost((*ALERTS, ResourceType.AUTOSCALE_SETTING), "alert or autoscale setting", machine_keys))


rules.add(
    id="VM-CERT-KV",
    title="Certificates go to a new Key Vault",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "Certificates of the cloud service move to a new Key Vault. Deleting it breaks the machine, and the machine "
        "cannot change its subscription until the secrets are taken off it."
    ),
    remedy="Nothing before the move; keep the vault.",
    follow_up="Give operators access to the vault, and protect it from deletion.",
    sources=sources("vm-dd", "vm-err"),
)(lambda view, _context: _vault(view))


def _vault(view: View) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        return both(negate(service.web_worker), when(service.resource.certificates, bool))

    return ask_machine_services(
        view,
        test,
        lambda r: f"A new Key Vault is made for {some(len(r.certificates), 'certificate')} of {r.name}.",
        lambda s: [fact("serviceCertificates", _thumbprints(s.resource))],
        "whether the service has certificates",
    )


def _thumbprints(service: CloudService) -> object:
    return UNKNOWN if service.certificates is UNKNOWN else tuple(c.thumbprint for c in service.certificates)


rules.add(
    id="VM-OSPROFILE",
    title="Operating-system profile stays empty",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_machines,
    statement="Computer name and the like are not written into the profile of the new machine; inside nothing changes.",
    remedy="Do not build automation on the profile of a migrated machine.",
    sources=sources("vm-dd"),
)(states("The operating-system profiles of the machines of {unit} will be empty."))


@rules.add(
    id="VM-VIP-NEEDS-ENDPOINT",
    title="Public address without an endpoint",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_machines,
    statement="The public address of a cloud service moves along only when a machine in it has an input endpoint.",
    remedy="Add an input endpoint to a machine when the address has to be kept.",
    sources=sources("vm-dd"),
)
def _no_endpoints(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machine_services(
        view,
        lambda s: negate(any_of(when(m.input_endpoints, bool) for m in s.machines)),
        lambda r: f"No machine of {r.name} has an input endpoint: its public address does not move along.",
        lambda s: [fact(f"virtualMachines/{m.name}.inputEndpoints", _names(m)) for m in s.machines],
        "whether a machine has an input endpoint",
    )


def _names(machine: VirtualMachine) -> object:
    return UNKNOWN if machine.input_endpoints is UNKNOWN else tuple(e.name for e in machine.input_endpoints)


@rules.add(
    id="VM-WARNING-RESERVE-IP",
    title="Public address may be lost at Prepare",
    effect=Effect.DOWNTIME,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "Machines in no network are deallocated at Prepare; a public address which is not reserved may be another one "
        "afterwards. Reserving it first interrupts for about a minute."
    ),
    remedy="Reserve the address of the cloud service before Prepare.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-E2", "vm-dd"),
)
def _reserve(view: View, _context: Context) -> Iterator[Answer]:
    held = {a.attached_to.lower() for a in view.addresses if isinstance(a.attached_to, str)}

    def test(service: Service) -> Tri:
        named = any(key.startswith(service.resource.key) or key == service.resource.name.lower() for key in held)
        told = any_of(holds_reserved(d) for d in service.deployments) if service.deployments else UNKNOWN
        outside = any_of(outside_network(m) for m in service.machines)
        return both(outside, False if named else negate(told))

    return ask_machine_services(
        view,
        test,
        lambda r: f"{r.name} has no reserved address, and its machines are deallocated at Prepare.",
        lambda s: [fact(f"slots/{d.slot}.virtualIps", _reserved(d.virtual_ips)) for d in s.deployments],
        "whether the address of the cloud service is reserved",
    )


def _reserved(vips: object) -> object:
    return tuple(v.reserved_ip_name or v.address for v in vips) if isinstance(vips, tuple) else vips


@rules.add(
    id="VM-PAAS-ROLE",
    title="Web and worker roles have their own rules",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Cloud services with web and worker roles are moved by the same verbs, under their own rules.",
    remedy="See the rules on cloud services.",
    sources=sources("seed1 S1-V6", "vm-ov", "vm-err E31"),
    superseded=(
        Superseded("seed1", 2016, "Not supported, in planning.", "They become Cloud Services (extended support)."),
    ),
    fragments=(("because it is a paas deployment (web/worker)",), ("because it's a paas deployment (web/worker)",)),
)
def _web_worker(view: View, _context: Context) -> Iterator[Answer]:
    if view.web_worker is True:
        names = tuple(s.resource.name for s in view.services if s.web_worker is True)
        yield yes(view.unit, f"{view.unit.name} holds web/worker roles.", fact("cloudServices", names))


@rules.add(
    id="VM-STATE",
    title="Machine in transition",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "A machine has to be started, stopped, or stopped and deallocated. In between it cannot be moved; this passes."
    ),
    remedy="Wait until the machine has settled, and check again.",
    automatable=Automatable.YES,
    sources=sources("vm-err E42", "vm-plan"),
    fragments=(("in state: rolestateunknown",),),
)
def _state(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: either(
            when(m.power_state, lambda text: text.lower() not in STEADY_POWER),
            when(m.status, lambda text: text.lower() == "rolestateunknown"),
        ),
        lambda m: f"{m.name} is in transition.",
        lambda m: [fact("instanceView.powerState", m.power_state), fact("instanceView.status", m.status)],
        "in which state it is",
    )


@rules.add(
    id="VM-PROVISION-TIMEOUT",
    title="Provisioning timed out",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A machine whose provisioning timed out cannot be moved.",
    remedy="Delete the machine keeping its disks, and make it anew from them.",
    sources=sources("vm-plan E50"),
    fragments=(("provisioning timed out",),),
)
def _timed_out(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: when(m.status, lambda text: "provisioningtimeout" in text.lower().replace(" ", "")),
        lambda m: f"The provisioning of {m.name} timed out.",
        lambda m: [fact("instanceView.status", m.status)],
        "in which state it is",
    )


def blob_with_slash(uri: str) -> bool:
    """Whether the blob's name holds a slash: anything deeper than /container/blob."""
    path = uri.split("://", 1)[-1].split("?", 1)[0]
    return path.count("/") > 2


@rules.add(
    id="VM-BLOB-SLASH",
    title="Disk in a blob with a slash in its name",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="Resource Manager does not take a disk whose blob name holds a slash below the container.",
    remedy="Stop the machine, copy the blob to a flat name, and make the machine anew from the copy.",
    sources=sources("vm-err E45"),
    fragments=(("blob name", "is not supported in azure resource manager"),),
)
def _slash(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.disks, lambda disk: when(disk.vhd_uri, blob_with_slash)),
        lambda m: f"A disk of {m.name} lies in a blob with a slash in its name.",
        lambda m: (
            [fact(f"storageProfile/{d.name}.vhdUri", d.vhd_uri) for d in m.disks]
            if m.disks is not UNKNOWN
            else [fact("storageProfile", UNKNOWN)]
        ),
        "where its disks lie",
    )


rules.add(
    id="VM-DISK-SIZE",
    title="Blob and disk differ in size",
    effect=Effect.INFO,
    detection=Detection.VALIDATE,
    applies=holds_machines,
    statement="Where the blob's size differs from the disk's, the move goes on and leaves the size out.",
    remedy="Update the size of the disk when the new machine has to show it.",
    sources=sources("vm-err E43"),
    fragments=(("physical blob size", "does not match the vm data disk logical size"),),
)(only_validate_tells("It is not known whether the sizes of all disks of {unit} match their blobs."))

rules.add(
    id="VM-DISK-MISSING",
    title="Disk blob missing",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    applies=holds_machines,
    statement="A machine with a data disk whose blob is missing or cannot be reached cannot be moved.",
    remedy="Bring the blob back, or detach the disk.",
    sources=sources("vm-err E44"),
    fragments=(("storage exception occurred while validating data disk",),),
)(only_validate_tells("It is not known whether all disk blobs of {unit} can be reached."))

rules.add(
    id="VM-REGIONAL-SCOPE",
    title="Deployment of an old, cluster-bound kind",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    applies=holds_machines,
    statement=(
        "Some old deployments are bound to one cluster and not to the region. They have to be changed once before."
    ),
    remedy="Add an endpoint or a data disk to a machine of the deployment, then try again.",
    sources=sources("vm-err E46"),
    fragments=(("is not in the regional scope",),),
)(only_validate_tells("It is not known whether a deployment of {unit} is bound to one cluster."))

rules.add(
    id="VM-NEW-CLUSTER",
    title="Machine on a new cluster",
    effect=Effect.BLOCKS,
    detection=Detection.PREPARE,
    applies=holds_machines,
    statement="A machine on a cluster which the migration does not know yet makes Prepare fail.",
    remedy="When Prepare says so: Abort, then wait some days, or stop and deallocate the machine so that it moves.",
    sources=sources("vm-plan E49"),
    fragments=(("fabric cluster does not exist",),),
)(only_prepare_tells("It is not known whether a machine of {unit} runs on a cluster the migration does not know."))

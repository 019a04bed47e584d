"""Rules about the guest agent and the extensions of classic virtual machines (azure.md 3.4).

Publishers and names of extensions are general knowledge [K]: the documents name the products, not their handlers.
"""

from collections.abc import Iterator
from typing import Final

from migrator.readiness.asking import ask_machines, fact, holds_machines
from migrator.readiness.cloud_service_changes import xml_extension
from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.rule import Answer, Automatable, Detection, Effect, Evidence, Rules, Scope, Superseded
from migrator.readiness.sources import sources
from migrator.readiness.three import Tri, both, negate, when, within
from migrator.resources import UNKNOWN, Extension, VirtualMachine

rules: Final = Rules(Scope.VIRTUAL_MACHINES)


def told(extension: Extension) -> tuple[str, str]:
    """(publisher, name and type), in lower case; empty where not said."""
    publisher = extension.publisher.lower() if isinstance(extension.publisher, str) else ""
    kind = extension.type.lower() if isinstance(extension.type, str) else ""
    return publisher, f"{extension.name.lower()} {kind}"


def of_xml(extension: Extension) -> Tri:
    """An XML extension. BGInfo only in its versions 1.*; later ones are of the new kind."""
    if not xml_extension(extension):
        return False
    if "bginfo" in told(extension)[1]:
        return when(extension.version, lambda version: version.startswith("1"))
    return True


def of_defender(extension: Extension) -> Tri:
    publisher, name = told(extension)
    watched = "monitoring" in name or "monitoringagent" in name
    if publisher in ("microsoft.azure.security", "microsoft.enterprisecloud.monitoring"):
        return watched or publisher.endswith("cloud.monitoring")
    return UNKNOWN if watched and not publisher else False


def of_backup(extension: Extension) -> Tri:
    return "vmsnapshot" in told(extension)[1]


def of_site_recovery(extension: Extension) -> Tri:
    publisher, name = told(extension)
    return "siterecovery" in publisher or "siterecovery" in name


def extension_evidence(machine: VirtualMachine) -> list[Evidence]:
    if machine.extensions is UNKNOWN:
        return [fact("extensions", UNKNOWN)]
    return [fact(f"extensions/{e.name}", f"{_said(e.publisher)} {_said(e.version)}") for e in machine.extensions]


def _said(value: object) -> str:
    return value if isinstance(value, str) else "(not said)"


@rules.add(
    id="VM-EXT-XML",
    title="XML extension",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "BGInfo 1.*, Visual Studio Debugger, Web Deploy and Remote Debugging on a virtual machine stand in the way and "
        "have to be uninstalled. On web and worker roles they are supported."
    ),
    remedy="Uninstall the extension from the machine before the move.",
    follow_up="Install an extension of the new kind where it is needed.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-V5", "vm-ov", "vm-err E34", "vm-plan"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "XML extensions are not supported; remove them and go on.",
            "The overview says they are not migrated; the error page says they have to be uninstalled before.",
        ),
    ),
    fragments=(("contains extension", "not supported in azure resource manager"),),
)
def _xml(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.extensions, of_xml),
        lambda m: f"{m.name} has an XML extension, which has to be uninstalled.",
        extension_evidence,
        "which extensions it has",
    )


@rules.add(
    id="VM-DEFENDER-EXT",
    title="Defender monitoring extension",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "The monitoring extension which Defender for Cloud puts on machines blocks the move, and comes back by itself."
    ),
    remedy="Switch off the Defender policy which installs it; the extension then goes away.",
    follow_up="Switch the Defender policy on again.",
    sources=sources("vm-ov", "vm-plan"),
)
def _defender(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.extensions, of_defender),
        lambda m: f"{m.name} has the monitoring extension of Defender for Cloud.",
        extension_evidence,
        "which extensions it has",
    )


@rules.add(
    id="VM-BACKUP-EXT",
    title="Backup extension",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement="A machine with the backup extension (VMSnapshot, VMSnapshotLinux) cannot be moved.",
    remedy="Stop backup and keep its data, delete the extension, move, and protect the new machine.",
    follow_up="Switch backup on for the new machine; the old recovery points stay in the vault.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-F9", "vm-ov", "vm-err E35", "vm-faq"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Do not migrate while Backup or Site Recovery is in use.",
            "Stop backup keeping its data, delete the extension, and switch it on again afterwards.",
        ),
    ),
    fragments=(("vmsnapshot", "not supported for migration"),),
)
def _backup(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.extensions, of_backup),
        lambda m: f"{m.name} has the backup extension.",
        extension_evidence,
        "which extensions it has",
    )


@rules.add(
    id="VM-ASR-EXT",
    title="Site Recovery",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_machines,
    statement="Replication by Site Recovery ends with the move and has to be set up again for the new machine.",
    remedy="Disable replication before the move, and know how the machine is protected until it is back.",
    follow_up="Enable replication for the new machine.",
    sources=sources("seed1 S1-F9", "vm-ov"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Do not migrate while Backup or Site Recovery is in use.",
            "Disable replication, move, and enable it again.",
        ),
    ),
)
def _site_recovery(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        lambda m: within(m.extensions, of_site_recovery),
        lambda m: f"{m.name} has the Site Recovery extension.",
        extension_evidence,
        "which extensions it has",
    )


def agent_unwell(machine: VirtualMachine) -> Tri:
    """Extensions, a running machine, and an agent which is not ready. A deallocated machine needs no agent (vm-err)."""
    return both(
        when(machine.extensions, bool),
        when(machine.guest_agent, lambda status: status is None or status.lower() != "ready"),
        negate(when(machine.power_state, lambda text: text.lower() == "stoppeddeallocated")),
    )


@rules.add(
    id="VM-AGENT",
    title="Guest agent not ready",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_machines,
    statement=(
        "On a machine with extensions the guest agent has to report Ready, and needs a way out to the internet "
        "and name "
        "resolution for it."
    ),
    remedy="Bring the agent up and give it a way out; or uninstall the extensions; or stop and deallocate the machine.",
    sources=sources("vm-err E36", "vm-err E37", "vm-err E38", "vm-plan"),
    fragments=(
        ("whose status is not being reported",),
        ("reporting handler status",),
        ("overall agent status as not ready",),
    ),
)
def _agent(view: View, _context: Context) -> Iterator[Answer]:
    return ask_machines(
        view,
        agent_unwell,
        lambda m: f"{m.name} has extensions, and its guest agent is not ready.",
        lambda m: [
            fact("instanceView.guestAgentStatus", m.guest_agent),
            fact("extensions", m.extensions if m.extensions is UNKNOWN else tuple(e.name for e in m.extensions)),
            fact("instanceView.powerState", m.power_state),
        ],
        "whether its guest agent reports Ready",
    )

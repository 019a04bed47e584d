"""Work only people can do after Commit: no request to Azure does it, and no read of Azure proves it (azure.md 6.8, 10).

Each piece is owed where a fact of the unit asks for it, says by when, and is closed by the word of a named person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from migrator.followups.draft import Draft
from migrator.followups.values import Kind, RequiredFollowUp
from migrator.resources import CloudService, Deployment, Resource, SlotType, StorageAccount, VirtualMachine, known

EXTENDED_SUPPORT_ENDS: Final = date(2027, 3, 31)  # azure.md 10 [D] cs-over, cs-ps

REMOTE_DESKTOP: Final = frozenset({"remoteaccess", "remoteforwarder"})  # plug-ins, lower case


@dataclass(frozen=True, slots=True)
class Work:
    """`title` and `do` may name the thing as {name}. `days`: after Commit; `until`: a day fixed by Microsoft."""

    title: str
    do: tuple[str, ...]
    done: str  # what there is when it is done: what a person vouches for
    rules: tuple[str, ...]
    sources: tuple[str, ...]
    days: int = 0
    until: date | None = None


WORK: Final[Mapping[str, Work]] = {
    "tooling": Work(
        title="Point scripts, pipelines and dashboards of {name} to Resource Manager",
        do=(
            "Whatever called the classic APIs or used a classic id answers with an error from now on.",
            "Deployment pipelines, scheduled scripts, monitoring, cost reports and firewall rules are usual places.",
        ),
        done="Nothing calls a classic API or uses a classic id of it any more.",
        rules=("SUB-TOOLING",),
        sources=("seed1 row E6 (2016)", "azure.md 3.1"),
        days=14,
    ),
    "repackage": Work(
        title="Keep and repackage the configuration of {name} for its next deployment",
        do=(
            "The next deployment needs a .cscfg that names the network by its Resource Manager id, and a .csdef "
            "without old sizes and plug-ins; a changed .csdef has to be packed into the .cspkg again.",
            "The Configuration tab of the unit hands back both files, rewritten.",
        ),
        done="A deployment with the new files went through, or they lie in the repository and the pipeline takes them.",
        rules=("CS-CSCFG-VNET", "CS-LEGACY-SIZE"),
        sources=("azure.md 4.4 and 4.5", "cs-post"),
        days=14,
    ),
    "publish": Work(
        title="Renew the publish profiles of {name}",
        do=("Visual Studio publishes to extended support only with the downloaded .cscfg in the project.",),
        done="Everybody who publishes it has the new profile, or nobody publishes from Visual Studio.",
        rules=("CS-VS-PUBLISH",),
        sources=("azure.md 3.2", "cs-post"),
        days=14,
    ),
    "certificates": Work(
        title="Give people access to the new Key Vault of {name}, and upload its certificates as certificates",
        do=(
            "The platform made one Key Vault for the service, with its certificates as secrets and no access policy.",
            "Do not delete that vault: the deployment reads it.",
        ),
        done="Whoever renews certificates can reach the vault, and each certificate has an owner and a renewal date.",
        rules=("CS-CERT-KV",),
        sources=("azure.md 3.2 and 6.8", "seed0 row A8 (2020)"),
        days=30,
    ),
    "exit": Work(
        title="Take {name} out of Cloud Services (extended support)",
        do=(
            "Extended support itself ends on 2027-03-31: what the migration made is not the last station.",
            "Service Fabric managed clusters, App Service, container platforms and virtual machine scale sets are "
            "where such services usually go.",
        ),
        done="It runs somewhere else, or it was switched off.",
        rules=("CS-ES-RETIRING",),
        sources=("azure.md 10 [D] cs-over",),
        until=EXTENDED_SUPPORT_ENDS,
    ),
    "gpv2": Work(
        title="Upgrade storage account {name} to general purpose v2",
        do=("The new account is general purpose v1. The upgrade has no downtime and cannot be undone; prices differ.",),
        done="The account is of kind StorageV2, or somebody decided to leave it.",
        rules=("STG-GPV1",),
        sources=("azure.md 3.5 and 6.8 [D] stg-proc",),
        days=30,
    ),
    "certificates-of-machines": Work(
        title="Look after the new Key Vault of the machines in {name}",
        do=(
            "Certificates of machines moved to a new Key Vault. Deleting it breaks them, and a machine with secrets "
            "cannot move to another subscription.",
        ),
        done="The vault has an owner and is protected against deletion.",
        rules=("VM-CERT-KV",),
        sources=("azure.md 3.4", "vm-dd"),
        days=30,
    ),
    "recovery": Work(
        title="Switch Site Recovery on again for {name}",
        do=("Replication does not move. Until it is on again the machine is not protected.",),
        done="Replication is healthy, and a test failover went through.",
        rules=("VM-ASR-EXT",),
        sources=("seed1 row F9 (2016)", "azure.md 6.8"),
        days=3,
    ),
    "vpn-device": Work(
        title="Tell the devices at the other end of the VPN of {name} the new address",
        do=(
            "A gateway that is made anew has a new public address; the devices on premises still call the old one.",
            "Do it when the new gateway is seen: its follow-up shows the address.",
        ),
        done="Every connection of the new gateway is connected, and somebody saw traffic go through.",
        rules=("VNET-VPN-GW",),
        sources=("azure.md 6.6", "seed0 row C3 (2020)"),
        days=1,
    ),
    "remote-desktop": Work(
        title="Give people remote desktop to the roles of {name} again, if they still need it",
        do=(
            "The plug-in cannot go on: take its import out of the .csdef and its settings out of the .cscfg. An "
            "extension that was removed for the move does not come back by itself.",
            "Set the extension on the new service with an account and a password of its own; nothing of the old one "
            "was kept. It is part of the whole service's document, so this product does not write it (azure.md 6.7).",
        ),
        done="Who has to can sign in to an instance, or somebody decided that nobody has to.",
        rules=("CS-RDP-BOTH",),
        sources=("azure.md 6.7", "seed0 row D6 (2020)"),
        days=14,
    ),
    "licence": Work(
        title="Apply Azure Hybrid Benefit to {name} again",
        do=("The licence type is not carried over [I]; until it is set again the machine is billed with the licence.",),
        done="The licence type is shown on the new machine.",
        rules=("VM-HUB-LICENSE",),
        sources=("seed1 row U2 (2016)",),
        days=14,
    ),
}


def owed(unit_id: str, before: Sequence[Resource]) -> list[dict[str, Any]]:
    """The bases of the work a unit leaves to people, in the order of `WORK`; `before`: the unit and its members as read
    before Prepare. Each thing once."""
    bases = []
    for code in WORK:
        bases += [basis(code, unit_id, *concerned) for concerned in _concerned(code, unit_id, before)]
    return bases


def basis(code: str, unit_id: str, name: str, resource_id: str) -> dict[str, Any]:
    """One piece of work (a key of `WORK`) on one thing."""
    return {
        "kind": Kind.WORK.value,
        "work": code,
        "unit": unit_id,
        "document": {"id": resource_id, "name": name},
        "ids": {},
        "gone": [],
        "groups": {},
        "locations": {},
        "target": code,  # of one thing several pieces of work
    }


@dataclass(frozen=True, slots=True)
class Removed:
    """What somebody took away before the move, to be made again after it: by what (`key` is stable), in which words,
    for which rule, and the ids of the documents that were kept of it."""

    key: str
    title: str
    rule: str
    lines: tuple[str, ...]
    kept: tuple[str, ...] = ()


def again(unit_id: str, removed: Iterable[Removed]) -> list[dict[str, Any]]:
    """The bases of what has to be made again by people."""
    return [
        {
            "kind": Kind.WORK.value,
            "work": "again",
            "unit": unit_id,
            "document": {"id": each.key, "name": each.title},
            "again": {"rule": each.rule, "lines": list(each.lines), "kept": list(each.kept)},
            "ids": {},
            "gone": [],
            "groups": {},
            "locations": {},
            "target": "again",
        }
        for each in removed
    ]


def remote_desktop(unit_id: str, extensions: Iterable[str]) -> list[dict[str, Any]]:
    """The bases of the remote desktop that was removed before the move; `extensions`: ids of the references that are
    gone. Once for each service."""
    services = {each.lower(): each for each in (one.partition("/slots/")[0] for one in extensions)}
    return [basis("remote-desktop", unit_id, each.rsplit("/", 1)[-1], each) for each in services.values()]


def unread(unit_id: str, missing: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The bases of what could not be read before Prepare: each right on each place once. The key is of both."""
    found = {(each["resource"].lower(), each["action"].lower()): each for each in missing}
    return [
        basis("unread", unit_id, each["action"], each["resource"])
        | {"target": f"unread {each['action']}", "unread": {key: each[key] for key in ("action", "sentence")}}
        for each in found.values()
    ]


def _concerned(code: str, unit_id: str, before: Sequence[Resource]) -> Iterable[tuple[str, str]]:
    """(name, id) of what a piece of work concerns."""
    services = list(dict.fromkeys(each.cloud_service_id for each in before if _runs_roles(each)))
    machines = [each for each in before if isinstance(each, VirtualMachine)]
    match code:
        case "tooling":
            yield unit_id.rstrip("/").rsplit("/", 1)[-1], unit_id
        case "repackage" | "publish" | "exit":
            for service in services:
                yield service.rsplit("/", 1)[-1], service
        case "certificates":
            for service in services:
                if _certificates(before, service):
                    yield service.rsplit("/", 1)[-1], service
        case "certificates-of-machines":
            hosts = {_text(each.cloud_service_id).lower() for each in machines} - {""}
            if any(_certificates(before, host, doubt=False) for host in hosts):
                yield unit_id.rstrip("/").rsplit("/", 1)[-1], unit_id
        case "gpv2":
            for each in before:
                if isinstance(each, StorageAccount):
                    yield each.name, each.id
        case "recovery":
            for each in machines:
                if any("siterecovery" in f"{one.publisher} {one.type} {one.name}".lower() for one in _extensions(each)):
                    yield each.name, each.id
        case "remote-desktop":
            for service in services:
                if any(_has_plugin(each) for each in before if each.key.startswith(f"{service.lower()}/")):
                    yield service.rsplit("/", 1)[-1], service
        case "licence":
            for each in machines:
                if _text(each.license_type):
                    yield each.name, each.id


def _runs_roles(resource: Resource) -> bool:
    return isinstance(resource, Deployment) and resource.slot_type is not SlotType.VIRTUAL_MACHINE


def _has_plugin(resource: Resource) -> bool:
    """Whether remote desktop is switched on as a plug-in; what nobody could read counts as not."""
    if not isinstance(resource, Deployment) or not known(resource.roles):
        return False
    return any(
        name.lower() in REMOTE_DESKTOP for role in resource.roles if known(role.plugins) for name in role.plugins
    )


def _certificates(before: Iterable[Resource], service: str, *, doubt: bool = True) -> bool:
    """Whether a cloud service has certificates; `doubt`: what counts where nobody could read them."""
    for each in before:
        if isinstance(each, CloudService) and each.key == service.lower():
            return bool(each.certificates) if known(each.certificates) else doubt
    return doubt


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _extensions(machine: VirtualMachine) -> Iterable[Any]:
    return machine.extensions if known(machine.extensions) else ()


def build(draft: Draft) -> RequiredFollowUp:
    """No request and no read: what is to be done, and by when."""
    draft.unanswered = True  # nothing is sent
    if (told := draft.basis.get("again")) is not None:
        draft.notes += told["lines"]
        draft.note("Done when: Azure shows it again, and whoever depends on it says that it works.")
        return draft.finished(
            kind=Kind.WORK,
            title=f"Make again what “{draft.name}” removed",
            new_target=None,
            rules=(told["rule"],),
            sources=("azure.md 6.6",),
            what_was=[f"Kept: {one}" for one in told["kept"]],
            stages=[],
        )
    if (unread := draft.basis.get("unread")) is not None:
        place = str(draft.document["id"])
        draft.notes += [
            "Prepare was started without it, because a person accepted that by name: whatever of it hung on this unit "
            "is gone now, and this product does not know it.",
            "Ask whoever looks after it, and make again what is missing.",
            "Done when: somebody who knows says that nothing is missing.",
        ]
        return draft.finished(
            kind=Kind.WORK,
            title=f"Look for what was not read: {unread['action']}"[:300],
            new_target=None,
            rules=("SUB-BACKUP-CONFIG",),
            sources=("azure.md 3.1",),
            what_was=[f"Place: {place}", unread["sentence"]],
            stages=[],
        )
    work = WORK[draft.basis["work"]]
    draft.notes += [*work.do, f"Done when: {work.done}"]
    return draft.finished(
        kind=Kind.WORK,
        title=work.title.format(name=draft.name),
        new_target=None,
        rules=work.rules,
        sources=work.sources,
        what_was=[],
        stages=[],
    )


def due(code: str, committed: date) -> date:
    """By when it should be done. The days after Commit are this product's proposal [I]; a person may set another."""
    if code in ("again", "unread"):
        return committed + timedelta(days=1)  # somebody is cut off until then
    work = WORK[code]
    return work.until or committed + timedelta(days=work.days)

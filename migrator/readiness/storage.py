"""Rules about storage accounts and what lies in them, and about unattached network objects (azure.md 3.5)."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from migrator.readiness.asking import could_not_list, fact, ids, reading, some, states, unsaid, until_validated
from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Detection,
    Effect,
    Rules,
    Scope,
    Superseded,
    label,
    unknown,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.subscription import granted
from migrator.resources import UNKNOWN, ResourceType
from migrator.units import SENT_TO, UnitKind

rules: Final = Rules(Scope.STORAGE)

READ_ONLY_SINCE: Final = date(2024, 11, 1)

rules.add(
    id="STG-2016",
    title="Storage accounts are supported",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Classic storage accounts can be moved in their own right.",
    remedy="Nothing.",
    sources=sources("seed1 S1-U9", "seed0 S0-A1", "vm-ov"),
    superseded=(Superseded("seed1", 2016, "Storage accounts are not supported.", "They are fully supported."),),
)(states("{unit} can be moved: storage accounts are supported by now."))


@rules.add(
    id="STG-ORDER",
    title="Disks of machines which have not moved",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A storage account is moved after all virtual machines which have disks in it.",
    remedy="Move those machines first; place the account in a later wave.",
    automatable=Automatable.YES,
    sources=sources("vm-ps", "vm-faq"),
)
def _order(view: View, _context: Context) -> Iterator[Answer]:
    for account in view.accounts:
        machines = view.index.machines_by_account.get(account.name.lower(), ())
        machines = [m for m in machines if m.subscription == account.subscription]
        attached = [d for d in view.disks if isinstance(d.attached_to, str)]
        silent = [d for d in view.disks if d.attached_to is UNKNOWN]
        untold = view.index.machines_without_disks.get(account.subscription, ())
        if machines or attached:
            users = sorted({*(m.name for m in machines), *(str(d.attached_to) for d in attached)})
            sentence = f"{account.name} holds disks of classic machines which have not moved: {', '.join(users)}."
            yield yes(account, sentence, fact("virtualMachines", tuple(users)), fact("disks", ids(attached) or None))
        elif silent or untold:
            what = ids([*silent, *untold])
            sentence = f"It is not known whether {what} use disks in {account.name}."
            settles = f"A complete read of {what}: check what the credential may read and sync again."
            yield unknown(account, sentence, settles, fact("disks", UNKNOWN))


@rules.add(
    id="STG-DISK-ARTIFACTS",
    title="Disk and image objects in the account",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "Disk objects nothing uses, and image objects, make the move of their account fail. Validate does not "
        "look at them. The "
        "blobs behind them stay."
    ),
    remedy="Delete the disk and image objects, keeping their blobs, before the move.",
    automatable=Automatable.YES,
    sources=sources("stg-mig", "stg-proc", "seed1 S1-U3", "seed1 S1-U4"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Unassociated disks and images are not supported.",
            "Their blobs go with the account once the objects are deleted.",
        ),
    ),
)
def _artefacts(view: View, _context: Context) -> Iterator[Answer]:
    for account in view.accounts:
        loose = [d for d in view.disks if d.attached_to is None]
        found = [*loose, *view.images]
        silent = account.disks is UNKNOWN or account.images is UNKNOWN
        silent = silent or any(d.attached_to is UNKNOWN for d in view.disks)
        if found:
            sentence = (
                f"{account.name} holds {some(len(loose), 'unused disk object')} and "
                f"{some(len(view.images), 'image object')}."
            )
            yield yes(account, sentence, fact("disks and images", ids(found)))
        elif silent:
            seen = [fact("disks", ids(view.disks) or account.disks), fact("images", account.images)]
            yield unknown(account, unsaid(account, "which disk and image objects it holds"), reading(account), *seen)


@rules.add(
    id="VM-DISK-UNATTACHED",
    title="Disk which nothing uses",
    effect=Effect.DROPPED,
    detection=Detection.API,
    statement="A disk object which no machine uses is not migrated. Its blob goes with the storage account.",
    remedy="Delete the disk object, keeping the blob.",
    follow_up="Make a managed disk from the blob where the disk is still needed.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-U3", "vm-ov", "vm-ps", "stg-mig"),
    superseded=(
        Superseded("seed1", 2016, "Unassociated disks are not supported.", "The blob moves with the account."),
    ),
)
def _unattached(view: View, _context: Context) -> Iterator[Answer]:
    for disk in view.disks:
        seen = fact("attachedTo", disk.attached_to)
        if disk.attached_to is UNKNOWN:
            yield unknown(disk, unsaid(disk, "whether a machine uses it"), reading(disk), seen)
        elif disk.attached_to is None:
            yield yes(disk, f"No machine uses disk {label(disk)}: the object is not migrated.", seen)
    for account in view.accounts:
        if account.disks is UNKNOWN:
            seen = fact("disks", UNKNOWN)
            yield unknown(account, unsaid(account, "which disks it holds"), reading(account), seen)


@rules.add(
    id="VM-IMAGES",
    title="Image object",
    effect=Effect.DROPPED,
    detection=Detection.API,
    statement=(
        "Operating-system and machine images are not migrated as images. Their blobs go with the storage account."
    ),
    remedy="Delete the image object, keeping the blob, before the account moves.",
    follow_up="Make an image in Resource Manager from the blob where it is still needed.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-U4", "vm-ov", "vm-ps"),
    superseded=(Superseded("seed1", 2016, "Images are not supported.", "The blob moves with the account."),),
)
def _images(view: View, _context: Context) -> Iterator[Answer]:
    for image in view.images:
        yield yes(image, f"Image {label(image)} is not migrated as an image.", fact("id", image.id))
    for account in view.accounts:
        if account.images is UNKNOWN:
            seen = fact("osImages, vmImages", UNKNOWN)
            yield unknown(account, unsaid(account, "which images it holds"), reading(account), seen)


rules.add(
    id="STG-GPV1",
    title="Becomes general purpose v1",
    effect=Effect.CHANGES,
    detection=Detection.API,
    statement="The new account is of the kind general purpose v1. Going on to v2 is advised.",
    remedy="Nothing before the move.",
    follow_up="Upgrade the account to general purpose v2.",
    automatable=Automatable.YES,
    sources=sources("stg-proc"),
)(states("{unit} becomes a general purpose v1 account."))

rules.add(
    id="STG-KEYS",
    title="Keys stay",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Keys, connection strings and addresses of the account stay as they are.",
    remedy="Nothing.",
    sources=sources("stg-proc"),
)(states("Keys and connection strings of {unit} stay."))


@rules.add(
    id="STG-RBAC",
    title="Role assignments on the account are kept",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Role assignments on the storage account itself are kept, unlike those on other classic resources.",
    remedy="Nothing.",
    sources=sources("stg-proc"),
)
def _kept_assignments(view: View, context: Context) -> Iterator[Answer]:
    if not context.could_list(view.unit.subscription, ResourceType.ROLE_ASSIGNMENT):
        yield could_not_list(view, "Role assignments")
        return
    kept = [setting for setting, _ in view.settings_on((ResourceType.ROLE_ASSIGNMENT,), view.keys)]
    if kept:
        yield yes(view.unit, f"Kept on {view.unit.name}: {some(len(kept), 'role assignment')}.", *map(granted, kept))


rules.add(
    id="STG-30DAYS",
    title="Thirty days prepared",
    effect=Effect.CHANGES,
    detection=Detection.API,
    statement="An account which stays prepared for more than 30 days may be committed by Microsoft.",
    remedy="Commit or abort within 30 days of Prepare; this product raises an alarm at day 25.",
    automatable=Automatable.YES,
    sources=sources("stg-mig"),
)(
    lambda view, _context: iter(
        (
            yes(
                view.unit,
                f"Once prepared, {view.unit.name} has 30 days until Microsoft may commit it.",
                effect=Effect.INFO,  # a change only for an account which is left prepared
            ),
        )
    )
)

rules.add(
    id="STG-OWNER",
    title="Classic administrators become owners",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Whoever managed the account as a classic administrator needs an Owner assignment afterwards.",
    remedy="Make Owner assignments for the people concerned.",
    follow_up="Check that the people who manage the account can.",
    automatable=Automatable.PART,
    sources=sources("stg-mig"),
)(states("Whoever managed {unit} as a classic administrator needs a role assignment."))


@rules.add(
    id="STG-READONLY-2024",
    title="Classic storage API only reads",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    statement=(
        "Since 2024-11-01 the classic storage API only reads and lists, and Microsoft moves what is left on a schedule "
        "of its own. Whether the migration verbs still answer is promised nowhere: Validate tells."
    ),
    remedy=(
        "Run Validate. If it is refused, wait for Microsoft's own move, and check whether the account has moved "
        "already."
    ),
    sources=sources("stg-blog"),
)
def _read_only(view: View, context: Context) -> Iterator[Answer]:
    if context.now.date() >= READ_ONLY_SINCE and not context.validated():
        sentence = (
            f"It is not known whether the platform still moves {{unit}}: its API only reads since {READ_ONLY_SINCE}."
        )
        yield until_validated(view, context, sentence, fact("read-only since", READ_ONLY_SINCE.isoformat()))


@rules.add(
    id="NET-RIP-UNATTACHED",
    title="Reserved address nothing uses",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=(UnitKind.RESERVED_ADDRESS,),
    statement="A reserved address which nothing uses has a migration of its own, in service management only.",
    remedy="Move it by its own verbs, or delete it when nobody needs the address.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-U5", "vm-dd"),
    superseded=(
        Superseded("seed1", 2016, "Unassociated reserved addresses are not supported.", "They have their own verbs."),
    ),
)
def _address(view: View, _context: Context) -> Iterator[Answer]:
    for address in view.addresses:
        seen = fact("inUse", address.in_use)
        if address.in_use is False:
            yield yes(address, f"Nothing uses {label(address)}: it moves by its own verbs.", seen)
        else:
            what = "what uses it" if address.in_use is True else "whether anything uses it"
            yield unknown(address, unsaid(address, what), reading(address), seen)


@rules.add(
    id="NET-NSG-UNATTACHED",
    title="Security group nothing uses",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=(UnitKind.NETWORK_SECURITY_GROUP,),
    statement="A security group which nothing uses has a migration of its own, in service management only.",
    remedy="Move it by its own verbs, or delete it.",
    automatable=Automatable.YES,
    sources=sources("seed1 S1-U6", "vm-dd"),
    superseded=(
        Superseded("seed1", 2016, "Unassociated security groups are not supported.", "They have their own verbs."),
    ),
)
def _group(view: View, _context: Context) -> Iterator[Answer]:
    return unused(view, "groups")


@rules.add(
    id="NET-RT-UNATTACHED",
    title="Route table nothing uses",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=(UnitKind.ROUTE_TABLE,),
    statement="Route tables are seen, and moved, by service management only.",
    remedy="Move it by its own verbs, or delete it.",
    automatable=Automatable.YES,
    sources=sources("vm-dd"),
)
def _table(view: View, _context: Context) -> Iterator[Answer]:
    return unused(view, "tables")


def unused(view: View, place: str) -> Iterator[Answer]:
    for thing in getattr(view, place):
        seen = fact("associations", thing.used_by)
        if thing.used_by == ():
            yield yes(thing, f"Nothing uses {label(thing)}: it moves by its own verbs.", seen)
        else:
            yield unknown(thing, unsaid(thing, "what uses it"), reading(thing), seen)


@rules.add(
    id="NET-SM-ONLY",
    title="Moved by service management only",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    kinds=(UnitKind.RESERVED_ADDRESS, UnitKind.NETWORK_SECURITY_GROUP, UnitKind.ROUTE_TABLE),
    statement=(
        "Resource Manager has migration verbs for deployments, virtual networks and storage accounts only. Reserved "
        "addresses, security groups and route tables which nothing uses are moved by the older service management API. "
        "This product cannot move them while it has no connection to that API that can."
    ),
    remedy=(
        "Move it with the commands of service management (Move-AzureReservedIP, Move-AzureNetworkSecurityGroup, "
        "Move-AzureRouteTable), or make it again in Resource Manager by hand and delete the classic one; a reserved "
        "address made again gets another address. Once this product has a connection to service management that can "
        "move it, this rule no longer applies."
    ),
    sources=sources("rbac-ops", "vm-dd"),
)
def _no_verbs(view: View, context: Context) -> Iterator[Answer]:
    unit, kind = view.unit, SENT_TO[view.unit.kind]
    if context.movable is UNKNOWN:
        settles = f"Syncing subscription {unit.subscription}: this product then says which kinds it can move."
        yield unknown(unit, f"It is not known whether this product can move {unit.name}.", settles)
    elif not context.movable:
        sentence = (
            f"This product cannot move {unit.name}: Resource Manager has no verbs for it, service management has."
        )
        yield yes(unit, sentence, fact("connection", f"no verbs for {kind}"))

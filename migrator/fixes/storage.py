"""Fixes of storage accounts, and of what nothing uses."""

from migrator.fixes.making import Documents, capital, counted, deletion, says
from migrator.fixes.values import NOTHING, NoFix, Plan, Step, Wants
from migrator.resources import (
    Disk,
    Estate,
    Image,
    NetworkSecurityGroup,
    ReservedAddress,
    Resource,
    StorageAccount,
    known,
)


def _delete_object(one: Disk | Image) -> Step:
    noun = "disk" if isinstance(one, Disk) else "image"
    free = (says(one, "attached_to", f"No machine uses disk {one.name}.", NOTHING),) if isinstance(one, Disk) else ()
    return deletion(one, f"the {noun} object {one.name}", *free)


def objects(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    things: list[Disk | Image] = []
    if isinstance(about, StorageAccount):
        if not known(about.disks) or not known(about.images):
            return NoFix(why="It is not known which disk and image objects the account holds; sync, and look again.")
        things = [one for one in about.disks if one.attached_to is None]  # type: ignore[union-attr]
        things += list(about.images)  # type: ignore[arg-type]
    elif isinstance(about, Image) or (isinstance(about, Disk) and about.attached_to is None):
        things = [about]
    if not things:
        return NoFix(why="No object is known which nothing uses; sync, and look again.")
    names = ", ".join(one.name for one in things[:5]) + (f" and {len(things) - 5} more" if len(things) > 5 else "")
    whole = f"{counted(len(things), 'disk and image object')} of {about.name}" if len(things) > 1 else names
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete {whole}, keeping the blobs",
        does=(
            f"Deleted: {names}. A disk or image object is only the entry which says that a blob is a disk; "
            "the blob stays where it is in the storage account.",
        ),
        loses=("The entries: a machine can be made from the blob again only after a new entry was made.",),
        final=("The blobs are not touched. An entry can be made again from its blob.",),
        cut_off=("Nobody: no machine uses them. This is looked at again right before each deletion.",),
        again=("Make a managed disk or an image from the blob where it is still needed.",),
        sources=("stg-mig", "vm-ov", "rbac-ops: disks, osImages"),
        steps=tuple(_delete_object(one) for one in things),
    )


def leftover(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    if isinstance(about, ReservedAddress):
        if about.in_use is not False:
            return NoFix(why="It is not known that nothing uses the address; sync, and look again.")
        noun = f"the reserved address {about.name}"
        free = says(about, "in_use", "Nothing uses the address.", "no")
        lost = "The address itself: another customer may get it."
    elif isinstance(about, NetworkSecurityGroup) and about.used_by == ():
        noun = f"the security group {about.name}"
        # Resource Manager does not tell associations of classic groups; Azure refuses to delete one that is in use.
        free = says(about, "used_by", "Nothing uses the group.", NOTHING, wants=Wants.IS_OR_SILENT)
        lost = "Its rules; their document is kept."
    else:
        return NoFix(why="It is not known that nothing uses it; sync, and look again.")
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete {noun}",
        does=(f"{capital(noun)} is deleted instead of being moved. Only when nobody needs it any more.",),
        loses=(lost,),
        final=(lost,),
        cut_off=("Nobody: nothing uses it.",),
        sources=("vm-dd", "rbac-ops: delete"),
        steps=(deletion(about, noun, free),),
    )

"""Which fix belongs to which rule."""

from typing import Final

from migrator.fixes import networks, services, storage, subscriptions
from migrator.fixes.making import Documents, Maker
from migrator.fixes.no_fix import BY_HAND, ELSEWHERE
from migrator.fixes.values import NoFix, Plan
from migrator.resources import Estate


def plan(rule_id: str, resource_key: str, estate: Estate, documents: Documents) -> Plan | NoFix:
    """What the fix of one finding would do. `estate`: the unit with what lies around it; `documents`: the same in wire
    format, by lower-case id. A NoFix says why there is none; for a rule this product has nothing for as well."""
    if told := instead(rule_id):
        return told
    maker = _MAKERS.get(rule_id)
    if maker is None:
        return NoFix(why="The remedy of this rule is not one that can be sent to Azure.")
    about = estate.get(resource_key)
    if about is None:
        return NoFix(why="What the finding is about is not in the inventory any more; sync, and look again.")
    return maker(rule_id, about, estate, documents)


def offers(rule_id: str, outcome: str) -> bool:
    """Whether a finding of this rule with this outcome is worth opening a fix for. A lock that may only stand in the
    way is unknown, and can be deleted all the same; of other unknowns nobody knows yet what to do."""
    return rule_id in _MAKERS and (outcome == "yes" or (outcome == "unknown" and rule_id == "SUB-ARM-LOCK"))


def instead(rule_id: str) -> NoFix | None:
    """Where the remedy of a rule is offered or why it is a person's work; None for a rule with fixes, and for one
    whose remedy is no request anyway."""
    return ELSEWHERE.get(rule_id) or BY_HAND.get(rule_id)


def fixable(rule_id: str) -> bool:
    """Whether findings of this rule may have a fix, without looking at them."""
    return rule_id in _MAKERS


_MAKERS: Final[dict[str, Maker]] = {
    "CS-TWO-SLOTS-DYN": services.delete_staging,
    "CS-TWO-SLOTS-RIP": services.delete_staging,
    "CS-TWO-SLOTS-VNETS": services.delete_staging,
    "CS-STAGING-ONLY": services.swap,
    "CS-EMPTY": services.delete_empty,
    "CS-RDP-BOTH": services.delete_remote_desktop,
    "CS-SINGLE-INSTANCE": services.scale,
    "VNET-PEERING": networks.delete_peerings,
    "VM-EXT-XML": networks.extensions,
    "VM-BACKUP-EXT": networks.extensions,
    "VM-DISK-UNATTACHED": storage.objects,
    "VM-IMAGES": storage.objects,
    "STG-DISK-ARTIFACTS": storage.objects,
    "NET-RIP-UNATTACHED": storage.leftover,
    "NET-NSG-UNATTACHED": storage.leftover,
    "SUB-ARM-LOCK": subscriptions.unlock,
    "SUB-REG-MIGRATE": subscriptions.register_provider,
    "SUB-REG-FEATURE": subscriptions.register_feature,
}
PLANNED: Final = frozenset(_MAKERS)

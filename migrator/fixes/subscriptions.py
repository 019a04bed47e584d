"""Fixes of what holds for more than one unit: management locks and registrations."""

from migrator.fixes.making import FEATURE, FEATURES, MIGRATION, PROVIDERS, Documents, are, counted, deletion, name_of
from migrator.fixes.values import Condition, NoFix, Plan, Step, Wants
from migrator.resources import (
    ArmRequest,
    Estate,
    Resource,
    ResourceType,
    Setting,
    known,
)


def unlock(rule_id: str, about: Resource, estate: Estate, _documents: Documents) -> Plan | NoFix:
    locks = [
        one
        for one in estate.all(Setting)
        if one.type == ResourceType.MANAGEMENT_LOCK
        and (one.key == about.key or (known(one.targets) and about.key in one.targets))  # type: ignore[operator]
    ]
    if not locks:
        return NoFix(why="The lock is not in the inventory any more; sync, and look again.")
    steps = tuple(deletion(one, f"lock {one.name}", mark="") for one in locks)
    places = sorted({one.id.rsplit("/providers/", 1)[0] for one in locks})
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete {'lock' if len(locks) == 1 else 'locks'} {', '.join(one.name for one in locks)}",
        does=(
            f"{counted(len(locks), 'management lock')} on {', '.join(name_of(place) for place in places)} "
            f"{are(locks)} deleted, so that "
            "Azure no longer refuses what the move has to do there.",
        ),
        loses=("The protection of everything the lock covers, not of this unit alone; its document is kept.",),
        final=("Nothing: a lock can be set again at any time.",),
        cut_off=("Nobody. From then on whoever has the right can delete or change what was protected.",),
        again=(f"Set {', '.join(one.name for one in locks)} again on the new resource, and on what stays here.",),
        sources=("Management Locks, version 2020-05-01",),
        steps=steps,
    )


def register_provider(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    return _registering(rule_id, about, (MIGRATION,))


def register_feature(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    return _registering(rule_id, about, (FEATURE, FEATURE.partition("/")[0]))


def _registering(rule_id: str, about: Resource, names: tuple[str, ...]) -> Plan:
    """A provider of a feature is registered again after it, so that the feature takes effect (azure.md 7)."""
    steps = []
    for name in names:
        provider, _, feature = name.partition("/")
        place = f"/subscriptions/{about.subscription}/providers"
        path = f"{place}/Microsoft.Features/providers/{provider}/features/{feature}" if feature else f"{place}/{name}"
        done = Condition(wants=Wants.REGISTERED, resource_id=name, sentence=f"{name} is Registered.")
        steps.append(
            Step(
                title=f"Register {name}.",
                request=ArmRequest(
                    method="POST", path=f"{path}/register", api_version=FEATURES if feature else PROVIDERS
                ),
                before=(),
                after=(done,),
                always=bool(steps),
                patience=24 * 3600,
            )
        )
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Register {names[0]}",
        does=(
            f"{' and then '.join(names)} {are(names)} registered in subscription {about.subscription}. It takes "
            "minutes, and is done "
            "once for the whole subscription.",
        ),
        loses=("Nothing.",),
        final=("A registration can be taken back in the portal.",),
        cut_off=("Nobody.",),
        sources=("cs-ps",),
        steps=tuple(steps),
    )

"""Rules about the subscription and the programme (azure.md 3.1)."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from migrator.readiness.asking import (
    COMPUTE,
    MOVED_BY_ARM,
    asks_a_person,
    could_not_list,
    fact,
    holds_web_worker,
    only_validate_tells,
    shown,
    some,
    states,
    until_validated,
)
from migrator.readiness.context import Context, Shortfall
from migrator.readiness.facts import View
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Detection,
    Effect,
    Evidence,
    Rules,
    Scope,
    Superseded,
    label,
    unknown,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.three import Tri, both, when
from migrator.resources import UNKNOWN, Resource, ResourceType, Setting
from migrator.units import UnitKind

rules: Final = Rules(Scope.SUBSCRIPTION)

MIGRATION_PROVIDER: Final = "Microsoft.ClassicInfrastructureMigrate"
CLOUD_SERVICES_FEATURE: Final = "Microsoft.Compute/CloudServices"
LARGE_NETWORK: Final = 400  # machines in one network from which vm-plan warns of throttling


def registered(view: View, context: Context, name: str, needed: Tri) -> Iterator[Answer]:
    """UNKNOWN or YES when a provider or feature is not seen to be registered."""
    state = context.index.registration(view.unit.subscription, name)
    told = both(needed, when(state, lambda text: text.lower() != "registered"))
    seen = fact(f"registrations/{name}", state)
    if told is UNKNOWN:
        settles = f"Reading the registration of {name} in subscription {view.unit.subscription}."
        yield unknown(view.unit, f"It is not known whether {name} has to be, and is, registered.", settles, seen)
    elif told:
        sentence = f"{name} is not registered in subscription {view.unit.subscription} (state: {shown(state)})."
        yield yes(view.unit, sentence, seen)


@rules.add(
    id="SUB-REG-MIGRATE",
    title="Migration provider not registered",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "The platform refuses every migration verb until the subscription is registered for the resource provider "
        "Microsoft.ClassicInfrastructureMigrate. This is done once for each subscription."
    ),
    remedy=(
        "Register Microsoft.ClassicInfrastructureMigrate in the subscription and wait some minutes until it is "
        "Registered."
    ),
    automatable=Automatable.YES,
    sources=sources("seed0 S0-prerequisite-1", "cs-ov", "cs-ps", "vm-ps", "cs-ps E02"),
    fragments=(
        ("subscription is not registered for migration",),
        ("microsoft.classicinfrastructuremigrate", "not registered"),
    ),
)
def _migration_provider(view: View, context: Context) -> Iterator[Answer]:
    return registered(view, context, MIGRATION_PROVIDER, True)


@rules.add(
    id="SUB-REG-FEATURE",
    title="Cloud Services feature not registered",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "Web and worker roles become Cloud Services (extended support), which need the feature CloudServices of "
        "Microsoft.Compute registered in the subscription."
    ),
    remedy="Register the feature CloudServices of Microsoft.Compute, then register Microsoft.Compute again.",
    automatable=Automatable.YES,
    kinds=COMPUTE,
    applies=holds_web_worker,
    sources=sources("seed0 S0-prerequisite-2", "seed0 S0-prerequisite-3", "cs-ps", "cs-err E01", "cs-err E08"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "Registering the feature is a prerequisite of every migration.",
            "The PowerShell page keeps the step; the overview page no longer mentions it.",
        ),
    ),
    fragments=(("could not be found in the namespace 'microsoft.compute' for api version",),),
)
def _cloud_services_feature(view: View, context: Context) -> Iterator[Answer]:
    return registered(view, context, CLOUD_SERVICES_FEATURE, view.web_worker)


@rules.add(
    id="SUB-COADMIN",
    title="Operator may not migrate",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    also=(Detection.API, Detection.ATTEST),
    kinds=MOVED_BY_ARM,
    statement=(
        "Whoever sends the verbs needs co-administrator or owner rights on the subscription. Classic "
        "administrators were "
        "retired in 2024, so at least one Owner assignment has to exist. That Validate answers at all shows the right."
    ),
    remedy=(
        "Give the credential of this product the Owner role, or a role with the migrate actions, on the subscription."
    ),
    automatable=Automatable.PART,
    sources=sources("cs-ov", "vm-ps", "stg-mig", "classic-admins"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Service and co-administrators manage classic resources.",
            "Classic administrators were retired on 2024-08-31; owners have to be named by role assignment.",
        ),
    ),
)
def _operator(view: View, context: Context) -> Iterator[Answer]:
    if context.answers():
        return
    yield until_validated(view, context, "It is not known whether the operator may send migration verbs for {unit}.")


def short_of(view: View, context: Context, wanted: str, noun: str) -> Iterator[Answer]:
    """Shortfalls of one provider, as the caller's quota sums found them."""
    if context.shortfalls is UNKNOWN:
        settles = f"Reading the {noun} usages of region {shown(view.unit.location)} and summing up the need."
        yield unknown(
            view.unit, f"The {noun} quota {view.unit.name} needs has not been compared with what there is.", settles
        )
        return
    short = [s for s in context.shortfalls if s.provider.lower() == wanted.lower()]
    if short:
        yield yes(view.unit, _shortage(view, short, noun), *(_shortfall(s) for s in short))


def _shortage(view: View, short: list[Shortfall], noun: str) -> str:
    listed = "; ".join(f"{s.family}: needs {s.need}, {s.available} available" for s in short)
    return f"{noun.capitalize()} quota in {shown(view.unit.location)} does not suffice for {view.unit.name} ({listed})."


def _shortfall(short: Shortfall) -> Evidence:
    return Evidence(f"usages/{short.provider}/{short.family}", f"needs {short.need}, available {short.available}")


@rules.add(
    id="SUB-QUOTA-CORES",
    title="Compute quota too small",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    kinds=COMPUTE,
    statement=(
        "Quota does not move along. Resource Manager counts vCPUs for each region and for each family, apart from the "
        "classic quota, and the move is refused when the need does not fit, although no hardware is added."
    ),
    remedy=(
        "Ask for more total regional vCPUs and for more of the family, and wait for approval before Validate. When "
        "Prepare failed for quota: Abort, ask, then Prepare again."
    ),
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C6", "seed1 S1-F11", "cs-td", "vm-plan", "cs-faq", "cs-err E28"),
    fragments=(
        ("current quota for", "insufficient to complete migration"),
        ("exceeding approved", "quota", "additional required"),  # Microsoft.Compute's own words [K]
    ),
)
def _quota_cores(view: View, context: Context) -> Iterator[Answer]:
    return short_of(view, context, "Microsoft.Compute", "compute")


@rules.add(
    id="SUB-QUOTA-NET",
    title="Network quota too small",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.PREPARE,),
    kinds=COMPUTE,
    statement=(
        "Network interfaces, load balancers, public and static addresses, security groups, route tables and networks "
        "are counted by region too. Validate does not look at them; Prepare fails when they run out."
    ),
    remedy="Ask for more of the network quota named here, and wait for approval before Prepare.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C6", "vm-dd", "vm-plan"),
)
def _quota_network(view: View, context: Context) -> Iterator[Answer]:
    return short_of(view, context, "Microsoft.Network", "network")


rules.add(
    id="SUB-REGION",
    title="Region not enabled for migration",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    kinds=COMPUTE,
    statement=(
        "The platform migrates only in the regions it lists; elsewhere it answers with the list of allowed regions."
    ),
    remedy="Ask support to enable the region, or redeploy into one of the regions the message lists.",
    sources=sources("cs-err E06"),
    fragments=(("is not supported because it is in region",),),
)(only_validate_tells("It is not known whether the platform migrates in the region of {unit}."))


@rules.add(
    id="SUB-THROTTLE",
    title="Large network may be throttled",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=(UnitKind.NETWORK,),
    statement="Moving a network with several hundred machines can reach Resource Manager's limit on writes.",
    remedy="Move such a network in a quiet hour and alone, or ask support to raise the write limit beforehand.",
    automatable=Automatable.PART,
    sources=sources("vm-plan"),
)
def _throttle(view: View, _context: Context) -> Iterator[Answer]:
    if len(view.machines) > LARGE_NETWORK:
        sentence = (
            f"{view.unit.name} holds {len(view.machines)} machines; above {LARGE_NETWORK} the move can be throttled."
        )
        yield yes(view.unit, sentence, fact("virtualMachines", len(view.machines)))


def granted(setting: Setting) -> Evidence:
    """A role assignment as evidence: who, what, where."""
    properties = setting.body.get("properties") or {}
    who = f"{properties.get('principalType', 'principal')} {properties.get('principalId', 'not said')}"
    role = str(properties.get("roleDefinitionId", "not said")).rsplit("/", 1)[-1]
    return Evidence(f"roleAssignments/{setting.name}", f"{who} has role {role}")


@rules.add(
    id="SUB-RBAC",
    title="Role assignments do not carry over",
    effect=Effect.CHANGES,
    detection=Detection.API,
    statement=(
        "The id of a migrated resource changes its provider and its resource group. Assignments on the classic id, and "
        "on the old resource group, do not cover the new resource. Assignments on a storage account are kept."
    ),
    remedy="Read the assignments before Prepare and make the same ones on the new ids and the new resource groups.",
    follow_up="Recreate the role assignments on the new ids.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C13", "seed1 S1-V1", "seed1 S1-F8", "seed1 S1-E7", "cs-td", "vm-ov", "stg-proc"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "The question what happens to role assignments was asked and left unanswered.",
            "Assignments on classic ids are lost and have to be recreated; on storage accounts they are kept.",
        ),
    ),
)
def _role_assignments(view: View, context: Context) -> Iterator[Answer]:
    kinds = (ResourceType.ROLE_ASSIGNMENT,)
    if not context.could_list(view.unit.subscription, ResourceType.ROLE_ASSIGNMENT):
        yield could_not_list(view, "Role assignments")
        return
    on: dict[str, list[Setting]] = {}
    keys = [] if view.unit.kind is UnitKind.STORAGE_ACCOUNT else view.keys
    for setting, key in view.settings_on(kinds, keys):
        on.setdefault(key, []).append(setting)
    for key, settings in on.items():
        resource = view.index.by_key[key]
        sentence = f"What {label(resource)} becomes is not covered by {some(len(settings), 'role assignment')} on it."
        yield yes(resource, sentence, *map(granted, settings))
    inherited = [setting for setting, _ in view.settings_on(kinds, view.resource_groups)]
    if inherited:
        sentence = (
            f"On the old resource group, which {view.unit.name} leaves: {some(len(inherited), 'role assignment')}."
        )
        yield yes(view.unit, sentence, *map(granted, inherited))
    for setting in view.untargeted(kinds):
        sentence = f"It is not known what role assignment {setting.name} is on."
        yield unknown(view.unit, sentence, "A complete read of the role assignments.", granted(setting))


rules.add(
    id="SUB-TOOLING",
    title="Scripts and pipelines speak the classic API",
    effect=Effect.CHANGES,
    detection=Detection.ATTEST,
    kinds=MOVED_BY_ARM,
    statement=(
        "After the move the classic commands and APIs no longer find the resource. Scripts, pipelines, dashboards and "
        "runbooks have to use Resource Manager. While a unit is prepared, only reads work on the new side."
    ),
    remedy=(
        "Find what still calls the classic APIs for this unit, change it, and try its reads while the unit is prepared."
    ),
    follow_up="Move automation to the Resource Manager APIs.",
    sources=sources("seed0 S0-E", "seed1 S1-automation", "seed1 S1-E6", "seed1 S1-F3", "cs-post"),
)(asks_a_person("do scripts, pipelines or dashboards use the classic APIs for {unit}?"))


@rules.add(
    id="SUB-ARM-LOCK",
    title="Management lock",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "No public document says how management locks and the migration meet. By the general rules a ReadOnly lock "
        "refuses the verbs and a CanNotDelete lock refuses the deletion which Commit does; this is general knowledge."
    ),
    remedy="Remove the lock before Prepare and set it again on the new resource; or attest that it is accepted.",
    follow_up="Set the management lock again on the new resource.",
    automatable=Automatable.YES,
    sources=sources("common"),
)
def _management_lock(view: View, context: Context) -> Iterator[Answer]:
    kinds = (ResourceType.MANAGEMENT_LOCK,)
    if not context.could_list(view.unit.subscription, ResourceType.MANAGEMENT_LOCK):
        yield could_not_list(view, "Management locks")
        return
    places = [*view.keys, *view.resource_groups, f"/subscriptions/{view.unit.subscription}"]
    for setting, key in view.settings_on(kinds, places):
        about: Resource = view.index.by_key.get(key, setting)
        level = str((setting.body.get("properties") or {}).get("level") or "not said")
        seen = fact(f"locks/{setting.name}.level", level)
        where = label(about) if about is not setting else key.rsplit("/", 1)[-1]
        if level.lower() == "readonly":
            yield yes(about, f"Lock {setting.name} on {where} is ReadOnly: the verbs would be refused.", seen)
        else:
            sentence = f"Lock {setting.name} on {where} ({level}) may refuse what Prepare or Commit has to do."
            yield unknown(about, sentence, "Removing the lock, or a person who accepts it.", seen)
    for setting in view.untargeted(kinds):
        yield unknown(setting, f"It is not known what lock {setting.name} is on.", "A complete read of the locks.")


@rules.add(
    id="SUB-AFFINITY",
    title="Affinity group",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.ATTEST,),
    kinds=MOVED_BY_ARM,
    statement="Affinity groups have no counterpart in Resource Manager; what belongs to one cannot be migrated.",
    remedy="Make the network regional, or redeploy the service or account into a region, and leave the affinity group.",
    sources=sources("seed0 S0-C7", "cs-td"),
)
def _affinity_group(view: View, _context: Context) -> Iterator[Answer]:
    things = [*view.networks, *(service.resource for service in view.services), *view.accounts]
    for thing in things:
        group = thing.affinity_group
        seen = fact("affinityGroup", group)
        if group is UNKNOWN:
            sentence = f"It is not known whether {label(thing)} belongs to an affinity group."
            yield unknown(
                thing, sentence, f"The affinity group of {label(thing)} from service management; or a person.", seen
            )
        elif group:
            yield yes(thing, f"{label(thing)} belongs to affinity group {group}.", seen)


@rules.add(
    id="SUB-LOCK-WINDOW",
    title="Management plane locked between Prepare and Commit",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=MOVED_BY_ARM,
    statement=(
        "From Prepare until Commit or Abort nothing of the unit can be created, changed or deleted. Some tens of "
        "machines take less than an hour end to end, some hundreds a few hours."
    ),
    remedy=(
        "Tell everybody who changes the unit, stop its pipelines for the window, and plan by the number of instances."
    ),
    sources=sources("seed0 S0-step-2", "seed1 S1-flow-1", "seed1 S1-F4", "vm-faq", "cs-td"),
)
def _lock_window(view: View, _context: Context) -> Iterator[Answer]:
    counts = [role.instance_count for role, _ in view.web_roles]
    instances = sum(count for count in counts if isinstance(count, int))
    sentence = (
        f"{view.unit.name} holds {some(len(view.machines), 'machine')} and {some(instances, 'known role instance')}; "
        "its management plane is locked from Prepare until Commit or Abort."
    )
    yield yes(view.unit, sentence, fact("virtualMachines", len(view.machines)), fact("roleInstances", instances))


rules.add(
    id="SUB-NO-TIME-LIMIT",
    title="No deadline while prepared",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=MOVED_BY_ARM,
    statement=(
        "No limit is documented for how long compute and networks may stay prepared; the lock simply stays. A storage "
        "account which stays prepared for more than 30 days may be committed by Microsoft."
    ),
    remedy="Set a date for the decision yourself, and look at the age of the lock on the overview.",
    sources=sources("seed1 S1-flow-2", "vm-dd", "stg-mig"),
)(states("Nothing ends the prepared state of {unit} by itself: plan when it is committed or aborted."))

rules.add(
    id="SUB-COMMIT-FINAL",
    title="Commit cannot be undone",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=MOVED_BY_ARM,
    statement=(
        "Once Commit has been tried, Abort is refused; a failed Commit can only be tried again, then goes to support."
    ),
    remedy="Compare both sides while prepared, and commit only after a second person has looked.",
    sources=sources("seed0 S0-step-4", "seed1 S1-flow-4", "seed1 S1-F5", "vm-faq", "cs-td"),
)(states("There is no way back for {unit} after Commit was tried."))

rules.add(
    id="SUB-BACKUP-CONFIG",
    title="Keep the configuration for comparison",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=MOVED_BY_ARM,
    statement="The configuration as it was before Prepare is what the migrated resources are compared with.",
    remedy=(
        "This product keeps a snapshot of every resource it reads; sync shortly before Prepare so that it is current."
    ),
    automatable=Automatable.YES,
    sources=sources("seed1 S1-E5", "vm-dd"),
)(states("The snapshots of {unit} are what the comparison after Prepare will use."))

rules.add(
    id="SUB-OFF-HOURS",
    title="Outside business hours",
    effect=Effect.INFO,
    detection=Detection.ATTEST,
    kinds=MOVED_BY_ARM,
    statement="Failures nobody expected hurt less outside business hours.",
    remedy="Give the wave a window in which the owners of the unit can be reached and users are few.",
    sources=sources("seed1 S1-E4"),
)(asks_a_person("is the window of {unit} outside its business hours?"))

rules.add(
    id="SUB-TEST-FIRST",
    title="Rehearse first",
    effect=Effect.INFO,
    detection=Detection.ATTEST,
    kinds=MOVED_BY_ARM,
    statement=(
        "Microsoft advises to move a test environment of the same make first, or to Prepare, look and Abort as a "
        "rehearsal."
    ),
    remedy="Place a test unit of the same make in an earlier wave, or rehearse this one with Prepare and Abort.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-E3", "vm-plan"),
)(asks_a_person("has the move of {unit} been rehearsed?"))

rules.add(
    id="SUB-RG-NAMES",
    title="The platform chooses names",
    effect=Effect.CHANGES,
    detection=Detection.API,
    kinds=MOVED_BY_ARM,
    statement=(
        "The new resource groups get names which end in -migrated, and what the migration creates (network interfaces, "
        "load balancers, vaults) gets names of the platform's choice. Names given by people are kept."
    ),
    remedy=(
        "Find the new resources by listing the groups, never by a guessed name; move them to other groups after Commit."
    ),
    follow_up="Move the new resources to the resource group you want.",
    automatable=Automatable.PART,
    sources=sources("seed1 S1-flow-1", "seed1 S1-F13", "seed1 S1-F14", "vm-dd", "cs-td"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Moving to another resource group was announced and not possible yet.",
            "Resources can be moved to another resource group after Commit.",
        ),
    ),
)(states("{unit} will be found in resource groups whose names the platform chooses."))

RETIRED: Final = {
    UnitKind.NETWORK: (date(2024, 8, 31), "classic networking"),
    UnitKind.DEPLOYMENT: (date(2024, 8, 31), "Cloud Services (classic)"),
    UnitKind.STORAGE_ACCOUNT: (date(2024, 8, 31), "classic storage"),
    UnitKind.RESERVED_ADDRESS: (date(2024, 8, 31), "classic networking"),
    UnitKind.NETWORK_SECURITY_GROUP: (date(2024, 8, 31), "classic networking"),
    UnitKind.ROUTE_TABLE: (date(2024, 8, 31), "classic networking"),
}
MACHINES_RETIRED: Final = date(2023, 9, 6)


@rules.add(
    id="SUB-RETIRED",
    title="Past its retirement",
    effect=Effect.INFO,
    detection=Detection.API,
    statement=(
        "Classic machines were retired on 2023-09-06; Cloud Services (classic), classic networking and classic storage "
        "on 2024-08-31. The platform may already have stopped, moved or deleted what is left, and promises no answer."
    ),
    remedy=(
        "Do not wait: expect that a resource is gone, that its API only reads, or that it is in Resource Manager "
        "already."
    ),
    sources=sources("vm-retire", "vm-faq", "classic-admins", "stg-mig", "seed1 S1-F1", "seed1 S1-F2"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Classic stays fully supported; nobody has to migrate soon.",
            "All classic products are past their retirement.",
        ),
    ),
)
def _retired(view: View, context: Context) -> Iterator[Answer]:
    when_, what = RETIRED[view.unit.kind]
    if view.machines:
        when_, what = MACHINES_RETIRED, "classic virtual machines"
    if context.now.date() >= when_:
        yield yes(view.unit, f"Retired on {when_}: {what}.", fact("retired", when_.isoformat()))

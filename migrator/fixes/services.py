"""Fixes of cloud services with web and worker roles."""

from migrator.fixes.looking import spelled
from migrator.fixes.making import I_SWAP, K_CONFIG, Documents, counted, deletion, gone, says, there
from migrator.fixes.values import Condition, NoFix, Plan, Scale, Step
from migrator.resources import (
    ArmRequest,
    CloudService,
    Deployment,
    Estate,
    Resource,
    Role,
    Slot,
    VirtualMachine,
    known,
)


def _slot(service: Resource, slot: Slot) -> Deployment | None:
    if not isinstance(service, CloudService) or not known(service.deployments):
        return None
    return next((one for one in service.deployments if one.slot is slot), None)  # type: ignore[union-attr]


def _identity(deployment: Deployment) -> list[Condition]:
    """That it is the same deployment which was looked at, and not another one put there since."""
    said = [
        ("created_at", deployment.created_at, "It is still the deployment that was looked at (time of its making)."),
        ("deployment_name", deployment.deployment_name, "It is still the deployment that was looked at (its name)."),
    ]
    return [says(deployment, name, words, spelled(value)) for name, value, words in said if known(value)]


def delete_staging(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    staging, production = _slot(about, Slot.STAGING), _slot(about, Slot.PRODUCTION)
    if staging is None or production is None:
        return NoFix(why="It is not known that both slots are occupied; sync, and look again.")
    roles = staging.roles if known(staging.roles) else ()
    holds = f" with {counted(len(roles), 'role')}" if roles else ""  # type: ignore[arg-type]
    step = deletion(
        staging,
        f"the staging deployment of {about.name}",
        *_identity(staging),
        there(production, "The production deployment is there."),
        says(production, "status", "Production is Running or Suspended.", "Running", "Suspended"),
        after=(there(production, "The production deployment is still there."),),
    )
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete the staging deployment of {about.name}",
        does=(
            f"The deployment in the Staging slot of {about.name}{holds} is deleted. Production is not touched.",
            "Afterwards the subscription is read again, and the finding closes by itself.",
        ),
        loses=(
            "The running staging deployment, its address and whatever its instances hold on their disks.",
            "Its package and its configuration: Azure gives neither back. This product keeps the configuration without "
            "the values of its settings, and no package.",
        ),
        final=("A deleted deployment does not come back. Keep its package and configuration before you approve.",),
        cut_off=("Everybody who uses the staging address, from the deletion until it is deployed again.",),
        again=("Deploy staging again as a second cloud service (extended support), swappable with the first.",),
        sources=("cs-td", "cs-err E09", "rbac-ops: domainNames/slots/delete"),
        steps=(step,),
    )


def swap(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    staging = _slot(about, Slot.STAGING)
    if staging is None or _slot(about, Slot.PRODUCTION) is not None:
        return NoFix(why="It is not known that only Staging is occupied; sync, and look again.")
    production = f"{about.id}/slots/{Slot.PRODUCTION.value}"
    step = Step(
        title=f"Swap staging of {about.name} into production.",
        request=ArmRequest(method="POST", path=f"{about.id}/swap", api_version=""),
        before=(
            there(staging, "The staging deployment is there."),
            *_identity(staging),
            says(staging, "status", "Staging is Running or Suspended.", "Running", "Suspended"),
            gone(production, "The production slot is empty."),
        ),
        after=(
            there(production, "The deployment is in the production slot."),
            gone(staging, "The staging slot is empty."),
        ),
        repeatable=False,
        mark=I_SWAP,
    )
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Swap {about.name} into production",
        does=(
            f"The deployment in the Staging slot of {about.name} becomes the one in Production.",
            "The request is sent once: sent twice it would swap back. Should no answer come, the slots are looked at.",
        ),
        loses=("The staging address of the service: it answers on its production name from now on.",),
        final=("A swap can be made back with another swap, outside of this product.",),
        cut_off=("Who uses the staging address. Nobody uses production: it is empty.",),
        sources=("cs-ov", "rbac-ops: domainNames/swap/action"),
        steps=(step,),
    )


def delete_empty(rule_id: str, about: Resource, estate: Estate, _documents: Documents) -> Plan | NoFix:
    if not isinstance(about, CloudService) or about.deployments != ():
        return NoFix(why="It is not known that nothing is deployed in it; sync, and look again.")
    machines = [m for m in estate.all(VirtualMachine) if str(m.cloud_service_id).lower() == about.key]
    if machines:
        return NoFix(why=f"{counted(len(machines), 'virtual machine')} in the inventory name it; sync, and look again.")
    empty = [gone(f"{about.id}/slots/{slot.value}", f"The {slot.value} slot is empty.") for slot in Slot]
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete the empty cloud service {about.name}",
        does=(f"The cloud service {about.name}, in which nothing is deployed, is deleted with its certificates.",),
        loses=("Its certificates, and its name: somebody else may take it.",),
        final=("The name cannot be held: once free, another customer may register it.",),
        cut_off=("Nobody: nothing is deployed.",),
        sources=("cs-td", "cs-faq", "rbac-ops: domainNames/delete"),
        steps=(deletion(about, f"cloud service {about.name}", *empty),),
    )


def delete_remote_desktop(rule_id: str, about: Resource, _estate: Estate, _documents: Documents) -> Plan | NoFix:
    roles: tuple[Role, ...] = about.roles if isinstance(about, Deployment) and known(about.roles) else ()  # type: ignore[assignment]
    found = [
        (role, one)
        for role in roles
        if known(role.extensions)
        for one in role.extensions  # type: ignore[union-attr]
        if "rdp" in one.name.lower() and one.enabled is True
    ]
    if not found:
        return NoFix(why="It is not known which role has the remote desktop extension; sync, and look again.")
    steps = [
        deletion(f"{role.id}/extensionReferences/{one.name}", f"extension {one.name} of role {role.name}")
        for role, one in found
    ]
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Take the remote desktop extension off {about.name}",
        does=(
            "The remote desktop extension is taken off "
            f"{', '.join(dict.fromkeys(role.name for role, _ in found))}. The plugin in the package stays.",
        ),
        loses=("The settings of the extension: user name, certificate, day of expiry.",),
        final=("Its password was never readable; to install it again takes a new one.",),
        cut_off=("Whoever signs in to the instances with the account of the extension.",),
        again=("Take the plugin out of the package, and install the extension again in Resource Manager.",),
        sources=("cs-td", "rbac-ops: extensionReferences/delete"),
        steps=tuple(steps),
    )


def scale(rule_id: str, about: Resource, estate: Estate, _documents: Documents) -> Plan | NoFix:
    if not isinstance(about, Role) or about.instance_count != 1:
        return NoFix(why="It is not known that the role has one instance; sync, and look again.")
    slot = estate.get(about.deployment_id)
    if not isinstance(slot, Deployment):
        return NoFix(why="The deployment of the role is not in the inventory; sync, and look again.")
    step = Step(
        title=f"Set role {about.name} to two instances.",
        scale=Scale(deployment_id=slot.id, role=about.name, instances=2),
        before=(
            says(slot, "status", "The deployment is Running.", "Running"),
            says(about, "instance_count", "The role has one instance.", "1"),
        ),
        after=(says(about, "instance_count", "The role has two instances.", "2"),),
        repeatable=False,
        mark=K_CONFIG,
    )
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Set role {about.name} to two instances",
        does=(
            f"The configuration of {about.deployment_id.rsplit('/', 3)[-3]} is read, the number of instances of "
            f"{about.name} is changed from 1 to 2, and it is sent back with nothing else changed.",
            "The request is sent once; should no answer come, the number is looked at.",
        ),
        loses=("Nothing. The second instance costs as much as the first, and counts against the quota of the region.",),
        cut_off=("Nobody, when the role can run twice. Ask its developers when it keeps state on its disks.",),
        again=(f"Scale role {about.name} back to one instance, when one is enough.",),
        sources=("cs-err known issues",),
        steps=(step,),
    )

"""Rules about the roles of a cloud service: subnets, remote desktop, sizes, names, instances (azure.md 3.2)."""

from collections.abc import Callable, Iterator
from typing import Final

from migrator.readiness.asking import (
    ask_deployments,
    ask_roles,
    fact,
    holds_web_worker,
)
from migrator.readiness.cloud_services import outside_network
from migrator.readiness.context import Context
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
from migrator.readiness.three import Tri, both, negate, when, within
from migrator.resources import UNKNOWN, Deployment, Role, known

rules: Final = Rules(Scope.CLOUD_SERVICES)

# Role sizes, azure.md 4.3 (cs-pre, cs-td): compared in lower case, with "standard_" taken off.
LEGACY_SIZES: Final = frozenset(
    {"extrasmall", "small", "medium", "large", "extralarge", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"}
)
DEPRECATED_SIZES: Final = frozenset({"a8", "a9", "a10", "a11", "msodsg5"})
SPECIAL_SIZES: Final = frozenset({"sqlg7", "sqlg7_amd", "cosmosdbg5_jbod"})


def size_in(sizes: frozenset[str]) -> Callable[[Role], Tri]:
    return lambda role: when(role.size, lambda size: size.lower().removeprefix("standard_") in sizes)


@rules.add(
    id="CS-NO-SUBNET",
    title="Role without a subnet",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement=(
        "In a deployment which belongs to a virtual network every role needs a subnet of its own in the configuration."
    ),
    remedy="Give every role an InstanceAddress with a subnet in the configuration and upgrade; the role restarts.",
    sources=sources("seed0 S0-D10", "cs-td", "cs-err E07"),
    fragments=(("no subnets associated with the role",),),
)
def _no_subnet(view: View, _context: Context) -> Iterator[Answer]:
    networks = {d.key: negate(outside_network(d)) for d, _ in view.web_deployments}

    def test(role: Role) -> Tri:
        return both(networks.get(role.deployment_id.lower(), UNKNOWN), when(role.subnets, lambda names: not names))

    return ask_roles(
        view,
        test,
        lambda r: f"Role {label(r)} runs in a virtual network without a subnet of its own.",
        lambda r: [fact(f"roles/{r.name}.subnets", r.subnets)],
        "whether every role has a subnet",
    )


RDP_PLUGINS: Final = frozenset({"remoteaccess", "remoteforwarder"})


@rules.add(
    id="CS-RDP-BOTH",
    title="Remote desktop as plugin and as extension",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement="A deployment with both the remote desktop plugin and the remote desktop extension cannot be moved.",
    remedy=(
        "Take the plugin out of the package and configuration before the move; or remove the extension before, and "
        "replace the plugin by the extension after."
    ),
    follow_up="Where the extension was removed: take the plugin out of the package and install the extension.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D6", "cs-td"),
)
def _rdp_both(view: View, _context: Context) -> Iterator[Answer]:
    def plugin(role: Role) -> Tri:
        return within(role.plugins, lambda name: name.lower() in RDP_PLUGINS)

    def extension(role: Role) -> Tri:
        return within(role.extensions, lambda e: both("rdp" in e.name.lower(), e.enabled))

    def test(deployment: Deployment) -> Tri:
        roles = deployment.roles
        return both(within(roles, plugin), within(roles, extension))

    def shows(deployment: Deployment) -> list[Evidence]:
        seen = []
        for role in () if deployment.roles is UNKNOWN else deployment.roles:
            names = UNKNOWN if role.extensions is UNKNOWN else tuple(e.name for e in role.extensions)
            seen += [fact(f"roles/{role.name}.plugins", role.plugins), fact(f"roles/{role.name}.extensions", names)]
        return seen or [fact("roles", deployment.roles)]

    return ask_deployments(
        view,
        test,
        lambda d: f"{label(d)} carries remote desktop both as plugin and as extension.",
        shows,
        "whether remote desktop is there both as plugin and as extension",
    )


def _sizes(role: Role) -> list[Evidence]:
    return [fact(f"roles/{role.name}.size", role.size)]


@rules.add(
    id="CS-LEGACY-SIZE",
    title="Legacy role size",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement=(
        "Sizes of the first generation (ExtraSmall to ExtraLarge, A5 to A7) are not offered by Cloud Services "
        "(extended "
        "support) under these names; the definition file has to name a size of today."
    ),
    remedy=(
        "Change vmsize in the definition file as the size table says, build the package again, and upgrade the "
        "deployment."
    ),
    follow_up="Keep the changed definition file: later deployments need it.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D8", "cs-td", "cs-post", "cs-pre"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "The migration completes and turns the sizes into today's, without a restart or a change of price.",
            "The definition file has to name a supported size before.",
        ),
    ),
)
def _legacy_size(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        size_in(LEGACY_SIZES),
        lambda r: f"Role {label(r)} has the legacy size {r.size}.",
        _sizes,
        "which sizes the roles have",
    )


@rules.add(
    id="CS-SIZE-SPECIAL",
    title="Special role size",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The sizes SQLG7, SQLG7_AMD and CosmosDBG5_JBOD can be moved only once the target offers them.",
    remedy="Choose another size, or ask support whether the size is offered now.",
    sources=sources("seed0 S0-A11"),
)
def _special_size(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        size_in(SPECIAL_SIZES),
        lambda r: f"Role {label(r)} has the special size {r.size}.",
        _sizes,
        "which sizes the roles have",
    )


@rules.add(
    id="CS-SIZE-DEPRECATED",
    title="Role size without successor",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The sizes A8 to A11 and MSODSG5 are marked deprecated and have no counterpart in the size table.",
    remedy="Choose another size, change the definition file, and upgrade the deployment before the move.",
    sources=sources("seed0 S0-D8", "cs-pre"),
)
def _deprecated_size(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        size_in(DEPRECATED_SIZES),
        lambda r: f"Role {label(r)} has the size {r.size}, which has no successor.",
        _sizes,
        "which sizes the roles have",
    )


@rules.add(
    id="CS-NAME-EQ-ROLE",
    title="Service named like a role",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement="When the cloud service has the same name as one of its roles, its deployment in Resource Manager fails.",
    remedy="Rename the role in the definition file, build and upgrade; or deploy under another service name.",
    sources=sources("cs-err E30"),
    fragments=(("networkinginternaloperationerror",),),
)
def _named_like_role(view: View, _context: Context) -> Iterator[Answer]:
    def test(role: Role) -> Tri:
        return role.name.lower() == role.id.lower().split("/domainnames/", 1)[-1].split("/", 1)[0]

    return ask_roles(
        view,
        test,
        lambda r: f"Role {label(r)} has the name of its cloud service.",
        lambda r: [fact("roles", r.name)],
        "how the roles are named",
    )


@rules.add(
    id="CS-CSDEF-NAME-MISMATCH",
    title="Definition and configuration of different names",
    effect=Effect.BLOCKS,
    detection=Detection.PREPARE,  # E29 stops a migration under way; before it, both files tell
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement=(
        "The name in the definition file and the service name in the configuration file of what runs have to be the "
        "same, or Prepare fails."
    ),
    remedy="Make the two names equal, build and upgrade the deployment; where Prepare has failed of it, abort first.",
    automatable=Automatable.PART,
    sources=sources("cs-err E29"),
    fragments=(("xrppaasmigrationcscfgcsdefvalidationmismatch",),),
)
def _names_differ(view: View, context: Context) -> Iterator[Answer]:
    if context.prepared():
        return
    unsure = bool(view.untold)
    for deployment, _ in view.web_deployments:
        files = context.files.get(deployment.key, ())
        defined = next((file.definition_name for file in files if known(file.definition_name)), UNKNOWN)
        configured = deployment.configuration_service_name  # Azure's own word, or else the file's
        if UNKNOWN in (defined, configured):
            unsure = True
        elif defined != configured:
            yield yes(
                deployment,
                f"The definition of {label(deployment)} is named {defined}, its configuration {configured}.",
                fact("ServiceDefinition/name", defined),
                fact("ServiceConfiguration/serviceName", configured),
            )
    if unsure:
        sentence = f"It is not known whether the files of {view.unit.name} carry the same name."
        yield unknown(view.unit, sentence, "Both files on the Configuration tab tell; otherwise only Prepare does.")


@rules.add(
    id="CS-SINGLE-INSTANCE",
    title="Role with a single instance",
    effect=Effect.DOWNTIME,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "After Commit the instances restart one update domain after the other. A role with one instance is away "
        "meanwhile."
    ),
    remedy="Scale the role to two instances or more before the move, and back afterwards.",
    follow_up="Scale the role back.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-benefit-2", "cs-err known issues"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "The migration is free of downtime.",
            "Instances restart after Commit, so a role with a single instance is interrupted.",
        ),
    ),
)
def _single_instance(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        lambda role: when(role.instance_count, lambda count: count == 1),
        lambda r: f"Role {label(r)} has a single instance and is interrupted after Commit.",
        lambda r: [fact(f"roles/{r.name}.instanceCount", r.instance_count)],
        "how many instances the roles have",
    )

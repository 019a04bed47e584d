"""Rules about what cloud services lose or get changed by the move, and what to know (azure.md 3.2)."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from migrator.readiness.asking import (
    ask,
    ask_deployments,
    ask_roles,
    asks_a_person,
    could_not_list,
    fact,
    holds_machines,
    holds_web_worker,
    some,
    states,
)
from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.files import said_by
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Check,
    Detection,
    Effect,
    Evidence,
    Rules,
    Scope,
    Superseded,
    label,
    no,
    unknown,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.subscription import granted
from migrator.readiness.three import both, when, within
from migrator.resources import UNKNOWN, Extension, ResourceType, Role, Setting
from migrator.units import UnitKind

rules: Final = Rules(Scope.CLOUD_SERVICES)

ALERTS: Final = (ResourceType.ALERT_RULE, ResourceType.METRIC_ALERT, ResourceType.ACTIVITY_LOG_ALERT)
XML_EXTENSIONS: Final = ("bginfo", "vsdebug", "vs14debug", "visualstudiodebug", "webdeploy", "remotedebug")
TARGET_RETIRES: Final = date(2027, 3, 31)


def xml_extension(extension: Extension) -> bool:
    """BGInfo, Visual Studio Debugger, Web Deploy, Remote Debugging, by the spellings seen in public templates [K]."""
    kind = extension.type if isinstance(extension.type, str) else ""
    text = f"{extension.name} {kind}".lower().replace(" ", "").replace("-", "").replace("_", "")
    return any(name in text for name in XML_EXTENSIONS)


def hanging(view: View, kinds: tuple[ResourceType, ...], keys: list[str]) -> dict[str, list[Setting]]:
    """Settings of some types on some keys, by key."""
    on: dict[str, list[Setting]] = {}
    for setting, key in view.settings_on(kinds, keys):
        on.setdefault(key, []).append(setting)
    return on


def web_worker_keys(view: View) -> list[str]:
    """Keys of what is, or may be, a web/worker thing: cloud services with slots and roles."""
    keys = [s.resource.key for s in view.services if s.web_worker is not False]
    return [*keys, *(d.key for d, _ in view.web_deployments), *(role.key for role, _ in view.web_roles)]


def machine_keys(view: View) -> list[str]:
    """Keys of the machines, and of the cloud services and slots which hold them."""
    services = [s for s in view.services if s.web_worker is False]
    places = [s.resource.key for s in services] + [d.key for s in services for d in s.deployments]
    return [machine.key for machine in view.machines] + places


def settings_lost(kinds: tuple[ResourceType, ...], noun: str, keys_of: Callable[[View], list[str]]) -> Check:
    """YES for each resource with such settings on it; UNKNOWN when they could not be listed or name nothing."""

    def check(view: View, context: Context) -> Iterator[Answer]:
        if any(not context.could_list(view.unit.subscription, kind) for kind in kinds):
            yield could_not_list(view, f"{noun.capitalize()}s")
        for key, settings in hanging(view, kinds, keys_of(view)).items():
            about = view.index.by_key[key]
            names = ", ".join(setting.name for setting in settings)
            seen = [Evidence(f"{s.type.rsplit('/', 1)[-1]}/{s.name}", s.id) for s in settings]
            yield yes(about, f"{label(about)} has {some(len(settings), noun)} which the move drops: {names}.", *seen)
        for setting in view.untargeted(kinds):
            sentence = f"It is not known what {setting.name} ({noun}) watches."
            yield unknown(setting, sentence, f"A complete read of {setting.name}.", fact("properties", UNKNOWN))

    return check


rules.add(
    id="CS-AUTOSCALE",
    title="Autoscale rules are dropped",
    effect=Effect.DROPPED,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The migration goes through, and the autoscale settings of the roles are gone afterwards.",
    remedy="Capture the settings before Prepare; set the instance counts you need for the time without autoscale.",
    follow_up="Recreate the autoscale setting on the new role, switched off first, then on.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C1", "cs-td", "cs-post"),
)(settings_lost((ResourceType.AUTOSCALE_SETTING,), "autoscale setting", web_worker_keys))

rules.add(
    id="CS-ALERTS",
    title="Alerts are dropped",
    effect=Effect.DROPPED,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The migration goes through, and the alerts on the service, its slots and its roles are gone afterwards.",
    remedy="Capture the alerts before Prepare, and watch the service in another way until they are back.",
    follow_up="Recreate each alert as a metric or activity log alert on the new resource.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C2", "cs-td", "cs-post"),
)(settings_lost(ALERTS, "alert", web_worker_keys))

rules.add(
    id="CS-JIT",
    title="Just-in-time policies are dropped",
    effect=Effect.DROPPED,
    detection=Detection.API,
    applies=lambda view: holds_web_worker(view) or holds_machines(view),
    statement="Just-in-time access policies which name migrated machines do not survive the migration.",
    remedy="Capture the policies before Prepare.",
    follow_up="Recreate the policy for the new virtual machine; cloud services have no such policy.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C5", "sec-jit"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "Policies are dropped and have to be recreated.",
            "Later migration pages do not name them; the page on just-in-time lists classic machines as unsupported.",
        ),
    ),
)(settings_lost((ResourceType.JIT_POLICY,), "just-in-time policy(ies)", lambda view: view.keys))


@rules.add(
    id="CS-RBAC",
    title="Role assignments on a cloud service",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "A cloud service leaves Microsoft.ClassicCompute for Microsoft.Compute and Microsoft.Network. "
        "Assignments on the "
        "old id, and roles which list classic actions, do not fit any longer."
    ),
    remedy="Plan the new assignments, with roles which name the actions of Microsoft.Compute.",
    follow_up="Recreate the assignments on the new cloud service and its public addresses.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C13", "cs-td"),
)
def _service_assignments(view: View, context: Context) -> Iterator[Answer]:
    if not context.could_list(view.unit.subscription, ResourceType.ROLE_ASSIGNMENT):
        yield could_not_list(view, "Role assignments")
        return
    on = hanging(view, (ResourceType.ROLE_ASSIGNMENT,), web_worker_keys(view))
    for key, settings in on.items():
        about = view.index.by_key[key]
        sentence = f"On {label(about)}: {some(len(settings), 'role assignment')} for Microsoft.ClassicCompute."
        yield yes(about, sentence, *map(granted, settings))


@rules.add(
    id="CS-CERT-KV",
    title="Certificates go to a new Key Vault",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "The platform makes one new Key Vault for each cloud service and puts all certificates into it, as secrets. An "
        "existing vault cannot be used; the new one has no access policies and must not be deleted."
    ),
    remedy="Nothing before the move; know who has to read the vault afterwards.",
    follow_up="Give operators access policies on the vault, and upload the certificates again as certificates.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-A8", "cs-td", "cs-err", "cs-post"),
)
def _certificates(view: View, _context: Context) -> Iterator[Answer]:
    mixed = {s.resource.key: s.web_worker for s in view.services if s.web_worker is not False}
    return ask(
        [s.resource for s in view.services if s.resource.key in mixed],
        lambda service: both(mixed[service.key], when(service.certificates, bool)),
        lambda service: (
            f"A new Key Vault is made for {some(len(service.certificates), 'certificate')} of {service.name}."
        ),
        lambda service: [fact("serviceCertificates", _thumbprints(service.certificates))],
        "whether the service has certificates",
    )


def _thumbprints(certificates: object) -> object:
    return tuple(c.thumbprint for c in certificates) if isinstance(certificates, tuple) else certificates


@rules.add(
    id="CS-LB-READONLY",
    title="Load balancer only reads",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "After the move the load balancer can be seen and not edited; its rules change only through the definition and "
        "configuration files."
    ),
    remedy="Change endpoints through the files, and tell those who expect to edit the load balancer.",
    sources=sources("seed0 S0-A16", "cs-td"),
)
def _load_balancer(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        lambda role: when(role.input_endpoints, bool),
        lambda role: f"{label(role)} is reached through a load balancer which can only be read after the move.",
        _endpoints,
        "which input endpoints there are",
    )


def _endpoints(role: Role) -> list[Evidence]:
    names = tuple(e.name for e in role.input_endpoints) if isinstance(role.input_endpoints, tuple) else UNKNOWN
    return [fact(f"roles/{role.name}.inputEndpoints", names)]


@rules.add(
    id="CS-PIP-BASIC",
    title="Address becomes a Basic public IP",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The address is kept. It appears as a public IP of the Basic SKU, dynamic or static, and is billed.",
    remedy="Expect the public IP on the bill, and plan the change to the Standard SKU separately.",
    sources=sources("seed0 S0-A18", "seed0 S0-A4", "cs-td", "cs-faq"),
)
def _basic_address(view: View, _context: Context) -> Iterator[Answer]:
    return ask_deployments(
        view,
        lambda d: when(d.virtual_ips, bool),
        lambda d: f"The address of {label(d)} becomes a public IP of the Basic SKU.",
        lambda d: [
            fact("virtualIps", tuple(v.address for v in d.virtual_ips) if isinstance(d.virtual_ips, tuple) else UNKNOWN)
        ],
        "which addresses it has",
    )


rules.add(
    id="CS-DNS",
    title="Domain name is kept",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "Name and domain (cloudapp.net) stay, now on the public IP. A service deployed anew would get a name "
        "of the form "
        "label.region.cloudapp.azure.com."
    ),
    remedy="Nothing for the migrated service; mind the other form for a staging service deployed anew.",
    sources=sources("seed0 S0-A19", "cs-td", "cs-faq"),
)(states("The domain name of {unit} is kept; it moves to the public IP."))


@rules.add(
    id="CS-CSCFG-VNET",
    title="Configuration file has to name the new network",
    effect=Effect.CHANGES,
    detection=Detection.FILE,
    applies=holds_web_worker,
    statement=(
        "After the move the local configuration file has to name the virtual network by its Resource Manager "
        "id, with a "
        "subnet for every role. A file with the old form is refused."
    ),
    remedy="Upload the configuration file and take the rewritten one, or write the network's id into it by hand.",
    follow_up="Put the rewritten configuration file into source control before the next deployment.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-B6", "cs-ov", "cs-post"),
)
def _names_network(view: View, context: Context) -> Iterator[Answer]:
    if said_by(view, context, lambda file: when(file.network_site, _old_form)) is False:
        yield no(view.unit, f"The configuration file of {view.unit.name} names the network by its id.")
    else:
        sentence = f"The configuration file of {view.unit.name} has to name the network by its new id "
        yield yes(view.unit, sentence + "before the next deployment.")


def _old_form(site: str | None) -> bool:
    return site is None or not site.lower().startswith("/subscriptions/")


@rules.add(
    id="CS-LABEL-TAGS",
    title="Deployment labels are dropped",
    effect=Effect.DROPPED,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="The label of a deployment is not carried over, not even as a tag.",
    remedy="Nothing before the move; the label is kept in the snapshot.",
    follow_up="Write the label as a tag on the new cloud service.",
    automatable=Automatable.YES,
    sources=sources("cs-err known issues"),
)
def _labels(view: View, _context: Context) -> Iterator[Answer]:
    return ask_deployments(
        view,
        lambda d: when(d.label, lambda text: bool(text)),
        lambda d: f"The label of {label(d)} ({d.label}) is dropped.",
        lambda d: [fact("deploymentLabel", d.label)],
        "whether it has a label",
    )


rules.add(
    id="CS-SWAP-PREPARED",
    title="Do not link to a prepared service",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A new cloud service must not be linked as swappable to one which is prepared and not committed.",
    remedy="Deploy the swappable partner after Commit.",
    sources=sources("cs-err known issues"),
)(states("No new service may be linked to {unit} as swappable while it is prepared."))

rules.add(
    id="CS-VS-PUBLISH",
    title="Publishing from Visual Studio",
    effect=Effect.CHANGES,
    detection=Detection.ATTEST,
    applies=holds_web_worker,
    statement="To publish a migrated service from Visual Studio its configuration has to be downloaded first.",
    remedy="Download the configuration from the new resource into the project before the next publish.",
    follow_up="Download the configuration into the Visual Studio project.",
    sources=sources("cs-post"),
)(asks_a_person("is {unit} published from Visual Studio?"))


@rules.add(
    id="CS-ES-RETIRING",
    title="The target itself retires",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "Cloud Services (extended support) was deprecated on 2025-03-31 and retires on 2027-03-31. Scale sets, App "
        "Service, Kubernetes and Service Fabric are named as what comes after."
    ),
    remedy="Plan the second hop now, or deploy anew on its target and leave this migration out.",
    sources=sources("cs-over", "cs-ps"),
)
def _target_retires(view: View, context: Context) -> Iterator[Answer]:
    past = context.now.date() >= TARGET_RETIRES
    sentence = f"What {view.unit.name} becomes {'retired' if past else 'retires'} on {TARGET_RETIRES}."
    yield yes(view.unit, sentence, fact("retires", TARGET_RETIRES.isoformat()))


@rules.add(
    id="CS-PLUGIN-LEFT",
    title="Plugins stay and stand in the way of extensions",
    effect=Effect.CHANGES,
    detection=Detection.API,
    also=(Detection.FILE,),
    applies=holds_web_worker,
    statement="Plugins move along, but an extension can be installed afterwards only when the plugin is gone.",
    remedy="Take the plugin out of the package and configuration before the move, or plan it for afterwards.",
    follow_up="Remove the plugin from the files and install the extension.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-A9", "cs-td", "cs-pre"),
)
def _plugins(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        lambda role: when(role.plugins, bool),
        lambda role: f"{label(role)} uses plugins: {', '.join(role.plugins)}.",
        lambda role: [fact(f"roles/{role.name}.plugins", role.plugins)],
        "which plugins are switched on",
    )


def _extensions(role: Role) -> list[Evidence]:
    if role.extensions is UNKNOWN:
        return [fact(f"roles/{role.name}.extensions", UNKNOWN)]
    return [fact(f"roles/{role.name}.extensions/{e.name}.enabled", e.enabled) for e in role.extensions]


@rules.add(
    id="CS-EXT-DISABLED",
    title="Disabled extensions are left behind",
    effect=Effect.CHANGES,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="Extensions which are disabled are not migrated.",
    remedy="Enable the extension before the move when it is needed, or let it go.",
    follow_up="Install the extension again where it is needed.",
    sources=sources("seed0 S0-A9", "cs-td"),
)
def _disabled_extensions(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        lambda role: within(role.extensions, lambda e: when(e.enabled, lambda on: not on)),
        lambda role: f"{label(role)} has a disabled extension, which is left behind.",
        _extensions,
        "whether an extension is disabled",
    )


@rules.add(
    id="CS-EXT-XML",
    title="XML extensions are supported here",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "On web and worker roles BGInfo, Visual Studio Debugger, Web Deploy and Remote Debugging are supported. On "
        "virtual machines they are not."
    ),
    remedy="Nothing.",
    sources=sources("seed0 S0-B4", "cs-ov"),
)
def _xml_extensions(view: View, _context: Context) -> Iterator[Answer]:
    return ask_roles(
        view,
        lambda role: within(role.extensions, xml_extension),
        lambda role: f"{label(role)} has XML extensions, which are supported for web and worker roles.",
        _extensions,
        "which extensions there are",
    )


@rules.add(
    id="CS-IN-VNET",
    title="Moves with its virtual network",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A deployment in a virtual network cannot be moved alone: the network is moved, with everything in it.",
    remedy="Plan the whole network; this product does so.",
    automatable=Automatable.YES,
    sources=sources("cs-td", "cs-err E27"),
    fragments=(("belongs to virtual network", "migrate virtual network"),),
)
def _in_network(view: View, _context: Context) -> Iterator[Answer]:
    return ask_deployments(
        view,
        lambda d: when(d.virtual_network_id, lambda network: network is not None),
        lambda d: f"{label(d)} runs in a virtual network and moves with it.",
        lambda d: [fact("virtualNetwork", d.virtual_network_id)],
        "whether it runs in a virtual network",
    )


rules.add(
    id="CS-STAGING-SUBNET-MIX",
    title="Its subnet is for cloud services alone",
    effect=Effect.INFO,
    detection=Detection.API,
    kinds=(UnitKind.NETWORK,),
    applies=holds_web_worker,
    statement=(
        "After the move the subnet of a cloud service (extended support) cannot hold other Resource Manager resources."
    ),
    remedy="Put what comes later into subnets of its own.",
    sources=sources("cs-faq"),
)(states("The subnets which the cloud services of {unit} use cannot take other resources after the move."))

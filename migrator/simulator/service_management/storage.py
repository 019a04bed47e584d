"""Storage accounts, disks with what they are attached to, operating-system and machine images (azure.md 1.4)."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.scope import properties
from migrator.simulator.service_management import names, xml
from migrator.simulator.service_management.routing import BASE
from migrator.simulator.store import Document, Store, parent_key

routes = Router()


@routes.route("GET", BASE + r"/services/storageservices")
def list_accounts(call: Call) -> Answer:
    found = call.view().of_type(call.subscription, names.STORAGE)
    return Answer(body=xml.listed("StorageServices", (_account(call, document) for document in found)))


@routes.route("GET", BASE + r"/services/storageservices/(?P<name>[^/]+)")
def get_account(call: Call) -> Answer:
    return Answer(body=_account(call, names.other(call.view(), call.subscription, names.STORAGE, call.parts["name"])))


def _account(call: Call, document: Document) -> Element:
    """`StorageService`. The kind of redundancy is written with an underscore here [K]."""
    facts, place = properties(document), names.region(document)
    affinity, kind = facts.get("affinityGroup"), facts.get("accountType")
    base = call.path[: call.path.lower().index("/storageservices")]
    primary = facts.get("geoPrimaryRegion")
    return xml.node(
        "StorageService",
        ("Url", f"{call.base_url}{base}/storageservices/{document['name']}"),
        ("ServiceName", document["name"]),
        xml.node(
            "StorageServiceProperties",
            ("Description", facts.get("description")),
            ("AffinityGroup", affinity),
            ("Location", None if affinity else place),
            ("Label", xml.packed(facts.get("label"))),
            ("Status", facts.get("status")),
            xml.some("Endpoints", (xml.text("Endpoint", url) for url in facts.get("endpoints") or ())),
            ("GeoPrimaryRegion", names.region({"location": primary}) if primary else None),
            ("StatusOfPrimary", facts.get("statusOfPrimaryRegion")),
            ("AccountType", str(kind).replace("-", "_") if kind else None),
        ),
        xml.extended({"ResourceGroup": names.group(document), "ResourceLocation": place}),
        ("MigrationState", facts.get("migrationState")),
    )


@routes.route("GET", BASE + r"/services/disks")
def list_disks(call: Call) -> Answer:
    view = call.view()
    return Answer(
        body=xml.listed("Disks", (_disk(view, document) for document in view.of_type(call.subscription, scopes.DISK)))
    )


def _disk(store: Store, document: Document) -> Element:
    facts = properties(document)
    machine = store.get(str(((facts.get("attachedTo") or {}).get("virtualMachine") or {}).get("id") or ""))
    io = facts.get("ioType")
    return xml.node(
        "Disk",
        _attached(store, machine) if machine else None,
        ("OS", facts.get("operatingSystem") or _system(machine, document)),
        ("Location", names.region(document) or names.region(store.get(parent_key(document["id"])))),
        ("LogicalDiskSizeInGB", facts.get("diskSizeInGB")),
        ("MediaLink", facts.get("vhdUri")),
        ("Name", facts.get("diskName") or document["name"]),
        ("SourceImageName", facts.get("sourceImageName")),
        ("IsPremium", io == "Provisioned" if io else None),
        ("IOType", io),
    )


def _attached(store: Store, machine: Document) -> Element:
    service, deployment = names.holder(store, machine)
    return xml.node(
        "AttachedTo",
        ("HostedServiceName", service),
        ("DeploymentName", deployment),
        ("RoleName", machine["name"]),
    )


def _system(machine: Document | None, disk: Document) -> str | None:
    """The operating system of a system disk, as its machine says; None for a data disk."""
    profile = (properties(machine).get("storageProfile") or {}).get("operatingSystemDisk") or {}
    mine = str(profile.get("diskName") or "").lower() == str(disk["name"]).lower()
    return profile.get("operatingSystem") if machine and mine else None


@routes.route("GET", BASE + r"/services/images")
def list_images(call: Call) -> Answer:
    """The operating-system images of the subscription; the platform's own are not listed."""
    return Answer(body=xml.listed("Images", _images(call, scopes.OS_IMAGE)))


def _images(call: Call, kind: str) -> Iterator[Element]:
    view = call.view()
    for document in view.of_type(call.subscription, kind):
        facts = properties(document)
        yield xml.node(
            "OSImage",
            ("Category", "User"),
            ("Label", facts.get("label") or document["name"]),
            ("Location", names.region(document)),
            ("LogicalSizeInGB", facts.get("diskSizeInGB")),
            ("MediaLink", facts.get("mediaLink")),
            ("Name", document["name"]),
            ("OS", facts.get("operatingSystem")),
            ("IsPremium", facts.get("isPremium")),
        )


@routes.route("GET", BASE + r"/services/vmimages")
def list_machine_images(call: Call) -> Answer:
    found = call.view().of_type(call.subscription, scopes.VM_IMAGE)
    return Answer(body=xml.listed("VMImages", (_machine_image(document) for document in found)))


def _machine_image(document: Document) -> Element:
    facts = properties(document)
    return xml.node(
        "VMImage",
        ("Name", document["name"]),
        ("Label", facts.get("label") or document["name"]),
        ("Category", "User"),
        xml.node(
            "OSDiskConfiguration",
            ("OSState", facts.get("osState")),
            ("OS", facts.get("operatingSystem")),
            ("MediaLink", facts.get("mediaLink")),
            ("LogicalDiskSizeInGB", facts.get("diskSizeInGB")),
        ),
        ("Location", names.region(document)),
    )

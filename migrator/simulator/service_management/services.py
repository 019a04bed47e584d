"""Hosted services: the list, one with its deployments, a deployment by slot or name, extensions, certificates
(azure.md 1.4)."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.scope import properties
from migrator.simulator.service_management import deployments, names, xml
from migrator.simulator.service_management.routing import BASE
from migrator.simulator.store import Document, Store

routes = Router()
SERVICES = BASE + r"/services/hostedservices"
SERVICE = SERVICES + r"/(?P<service>[^/]+)"
EXTENSION = "Microsoft.ClassicCompute/domainNames/extensions"


@routes.route("GET", SERVICES)
def list_services(call: Call) -> Answer:
    view = call.view()
    found = (hosted(call, view, document) for document in view.of_type(call.subscription, scopes.SERVICE))
    return Answer(body=xml.listed("HostedServices", found))


@routes.route("GET", SERVICE)
def get_service(call: Call) -> Answer:
    """One service; with `embed-detail=true` its deployments, too."""
    view = call.view()
    document = names.service(view, call.subscription, call.parts["service"])
    body = hosted(call, view, document)
    if call.query.get("embed-detail", "").lower() == "true":
        slots = view.children(document["id"], scopes.SLOT)
        body.append(xml.listed("Deployments", (deployments.deployment(view, document, slot) for slot in slots)))
    return Answer(body=body)


def hosted(call: Call, store: Store, document: Document) -> Element:
    """`HostedService` with its properties."""
    facts = properties(document)
    place, affinity = names.region(document), facts.get("affinityGroup")
    created = sorted(
        str(when) for s in store.children(document["id"], scopes.SLOT) if (when := properties(s).get("createdTime"))
    )
    address = f"{call.base_url}{_path(call)}/{document['name']}"
    return xml.node(
        "HostedService",
        ("Url", address),
        ("ServiceName", document["name"]),
        xml.node(
            "HostedServiceProperties",
            ("Description", facts.get("description")),
            ("AffinityGroup", affinity),
            ("Location", None if affinity else place),  # one or the other [K]
            ("Label", xml.packed(facts.get("label"))),
            ("Status", facts.get("status")),
            ("DateCreated", created[0] if created else None),
            xml.extended({"ResourceGroup": names.group(document), "ResourceLocation": place}),
        ),
    )


def _path(call: Call) -> str:
    head, _, _ = call.path.lower().partition("/hostedservices")
    return call.path[: len(head)] + "/hostedservices"


@routes.route("GET", SERVICE + r"/deploymentslots/(?P<slot>[^/]+)")
def get_by_slot(call: Call) -> Answer:
    view = call.view()
    home = names.service(view, call.subscription, call.parts["service"])
    return Answer(body=deployments.deployment(view, home, names.slot(view, home, call.parts["slot"])))


@routes.route("GET", SERVICE + r"/deployments/(?P<deployment>[^/]+)")
def get_by_name(call: Call) -> Answer:
    view = call.view()
    home = names.service(view, call.subscription, call.parts["service"])
    return Answer(body=deployments.deployment(view, home, names.named_deployment(view, home, call.parts["deployment"])))


@routes.route("GET", SERVICE + r"/extensions")
def list_extensions(call: Call) -> Answer:
    """The extension definitions of a service. An estate that lists only references has one definition for each [I]."""
    view = call.view()
    home = names.service(view, call.subscription, call.parts["service"])
    return Answer(body=xml.listed("Extensions", (_extension(name, facts) for name, facts in _definitions(view, home))))


def _definitions(store: Store, home: Document) -> Iterator[tuple[str, Document]]:
    seen = set()
    for document in store.children(home["id"], EXTENSION):
        seen.add(str(document["name"]).lower())
        yield str(document["name"]), properties(document)
    for slot in store.children(home["id"], scopes.SLOT):
        for role in store.children(slot["id"], scopes.ROLE):
            for reference in store.children(role["id"], scopes.EXTENSION):
                name = str(properties(reference).get("name") or reference["name"])
                if name.lower() not in seen:
                    seen.add(name.lower())
                    yield name, properties(reference)


def _extension(name: str, facts: Document) -> Element:
    return xml.node(
        "Extension",
        ("ProviderNameSpace", facts.get("publisher")),
        ("Type", facts.get("type")),
        ("Id", name),
        ("Version", facts.get("version")),
    )


@routes.route("GET", SERVICE + r"/certificates")
def list_certificates(call: Call) -> Answer:
    """Thumbprint and algorithm; never the certificate itself, which no estate holds."""
    view = call.view()
    home = names.service(view, call.subscription, call.parts["service"])
    found = view.children(home["id"], scopes.CERTIFICATE)
    return Answer(body=xml.listed("Certificates", (_certificate(call, document) for document in found)))


def _certificate(call: Call, document: Document) -> Element:
    facts = properties(document)
    return xml.node(
        "Certificate",
        ("CertificateUrl", f"{call.base_url}{call.path}/{document['name']}"),
        ("Thumbprint", facts.get("thumbprint")),
        ("ThumbprintAlgorithm", facts.get("thumbprintAlgorithm")),
    )

"""Any document by its id, child collections, and plain writes with the locks enforced (azure.md 2.9, 12)."""

from migrator.simulator import changes, providers
from migrator.simulator.arm.migration import unit_of
from migrator.simulator.arm.routing import GROUP, SUBSCRIPTION, Answer, Call, Router, number, page
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.store import Document, parent_key, segments_of

routes = Router()


def _type(call: Call) -> tuple[str, bool]:
    """The type a path names, and whether it names one resource (and not a collection)."""
    path = unit_of(call.path).rstrip("/")
    parts = segments_of(path)
    marks = [i for i, part in enumerate(parts) if part.lower() == "providers"]
    tail = parts[marks[-1] + 1 :]
    single = len(tail) % 2 == 1
    kind = "/".join([tail[0], *tail[1::2]])
    if providers.namespace(tail[0]) is None:
        raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{tail[0]}' is invalid.")
    if len(tail) < 2 or not providers.knows_type(kind):
        short = kind.partition("/")[2]
        text = f"The resource type '{short}' could not be found in the namespace '{tail[0]}' "
        version = call.query.get("api-version", "")
        raise ArmError(404, "InvalidResourceType", text + f"for api version '{version}'.")
    return providers.canonical_type(kind), single


@routes.route("GET HEAD", GROUP + r"/providers/.+")
def read(call: Call) -> Answer:
    """One document, or the documents of a collection."""
    kind, single = _type(call)
    call.check_version(kind)
    _ = call.subscription
    view, path = call.view(), unit_of(call.path).rstrip("/")
    if single:
        found = view.get(path)
        if found is None:
            raise resource_not_found(path)
        if call.method == "HEAD":
            return Answer(status=204)  # as check_existence_by_id wants it
        return Answer(body=_told(found))
    above = parent_key(path + "/x")
    if above not in view and not _in_location(kind):
        group = call.parts["group"]
        if "/providers/" not in above:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        raise resource_not_found(unit_of(call.path).rstrip("/").rpartition("/")[0])
    return page(call, [_told(row) for row in view.children(above, kind)], top=number(call, "$top"))


@routes.route("GET", SUBSCRIPTION + r"/providers/.+")
def read_in_subscription(call: Call) -> Answer:
    """All documents of one type in a subscription."""
    kind, single = _type(call)
    call.check_version(kind)
    if single:
        found = call.view().get(call.path.rstrip("/"))
        if found is None:
            raise resource_not_found(call.path)
        return Answer(body=_told(found))
    found_all = call.view().of_type(call.subscription, kind)
    return page(call, [_told(row) for row in found_all], top=number(call, "$top"))


def _told(document: Document) -> Document:
    """As Resource Manager tells it: a secret of a Key Vault without its value."""
    if str(document["type"]).lower() != "microsoft.keyvault/vaults/secrets":
        return document
    facts = {name: value for name, value in (document.get("properties") or {}).items() if name != "value"}
    return {**document, "properties": facts}


def _in_location(kind: str) -> bool:
    """Whether a type lies below `locations/{region}`, which is no resource."""
    return kind.lower().rpartition("/")[0].endswith("/locations")


def _writable(call: Call) -> tuple[str, str]:
    kind, single = _type(call)
    call.check_version(kind)
    if not single:
        raise ArmError(405, "MethodNotAllowed", f"The collection '{call.path}' cannot be written to.")
    _ = call.subscription
    path = unit_of(call.path).rstrip("/")
    call.platform.check_write(path)
    return kind, path


@routes.route("PUT", GROUP + r"/providers/.+")
def put(call: Call) -> Answer:
    """Create or replace one document. What it means to the resource is not simulated, only that it is kept."""
    kind, path = _writable(call)
    platform, body = call.platform, call.object()
    platform.check_management_lock(path, "ReadOnly", "write")
    known = platform.store.get(path)
    above = parent_key(path)
    if above not in platform.store and not _in_location(kind):
        if "/providers/" in above:
            raise ArmError(404, "ParentResourceNotFound", f"Can not perform requested operation: '{above}' not found.")
        name = call.parts["group"]
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    name = path.rpartition("/")[2]
    given = {key: body[key] for key in ("location", "tags", "sku", "kind") if key in body}
    facts = {**dict(body.get("properties") or {}), "provisioningState": "Succeeded"}
    document: Document = {"name": name, "type": kind, **(known or {}), **given, "properties": facts}
    document["id"] = known["id"] if known else path
    platform.put(document)
    return Answer(status=200 if known else 201, body=_told(document))


@routes.route("PATCH", GROUP + r"/providers/.+")
def patch(call: Call) -> Answer:
    """Change tags and single properties of a document that exists."""
    _, path = _writable(call)
    call.platform.check_management_lock(path, "ReadOnly", "write")
    known = call.platform.store.get(path)
    if known is None:
        raise resource_not_found(path)
    body = call.object()
    changed = dict(known)
    if "tags" in body:
        changed["tags"] = dict(body["tags"] or {})
    changed["properties"] = {**known.get("properties", {}), **dict(body.get("properties") or {})}
    call.platform.put(changed)
    return Answer(body=_told(changed))


@routes.route("DELETE", GROUP + r"/providers/.+")
def delete(call: Call) -> Answer:
    """Remove a document and all below it; 204 when there is none, 409 or 400 when something uses it."""
    _, path = _writable(call)
    if path not in call.platform.store:
        return Answer(status=204)
    call.platform.check_management_lock(path, "CanNotDelete", "delete")
    call.platform.check_management_lock(path, "ReadOnly", "delete")
    document = call.platform.store.get(path)
    if document is not None:
        changes.check_removal(call.platform, document)
        changes.remove(call.platform, document)
    return Answer(status=200)

"""Writes beside the migration: they exist to be refused while a migration holds their target (azure.md 2.9).

Deleting works; a change of a deployment's configuration is kept. What else this API can write is not simulated.
"""

import base64
import binascii
import uuid
from collections.abc import Callable

from migrator.simulator import changes
from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import ArmError
from migrator.simulator.records import Operation
from migrator.simulator.scope import kind_of
from migrator.simulator.service_management import names, xml
from migrator.simulator.service_management.migration import request_id
from migrator.simulator.service_management.routing import BASE, unit_of
from migrator.simulator.store import Document

routes = Router()
SERVICE = BASE + r"/services/hostedservices/(?P<service>[^/]+)"


@routes.route("DELETE", SERVICE)
def delete_service(call: Call) -> Answer:
    """Delete an empty hosted service; 409 while it has a deployment [K]."""
    store = call.platform.store
    document = names.service(store, call.subscription, call.parts["service"])
    _check(call, document)
    if store.children(document["id"], scopes.SLOT):
        raise ArmError(409, "ConflictError", f"The hosted service {document['name']} has deployments.")
    return _deleted(call, document)


@routes.route("DELETE", SERVICE + r"/(?:deployments|deploymentslots)/[^/]+")
@routes.route("DELETE", BASE + r"/services/networking/(?:networksecuritygroups|reservedips|routetables)/[^/]+")
@routes.route("DELETE", BASE + r"/services/storageservices/[^/]+")
def delete_unit(call: Call) -> Answer:
    """Delete a deployment, a security group, a reserved address, a route table or a storage account."""
    document = unit_of(call.platform.store, call.path)
    if document is None:
        raise names.not_found()
    _check(call, document)
    used = scopes.users(call.platform.store, document) if kind_of(document["id"]) in scopes.LEFTOVERS else []
    if used:
        raise ArmError(400, "BadRequest", f"{document['name']} is in use by {', '.join(used)}.")
    return _deleted(call, document)


@routes.route("POST", SERVICE + r"/(?:deployments|deploymentslots)/[^/]+/?")
def change_configuration(call: Call) -> Answer:
    """`?comp=config`: replace the configuration of a deployment (`ChangeConfiguration` with base64 inside)."""
    if call.query.get("comp", "").lower() != "config":
        text = "A required query parameter was not specified for this request or was specified incorrectly."
        raise ArmError(400, "MissingOrInvalidRequiredQueryParameter", text)
    document = unit_of(call.platform.store, call.path.rstrip("/"))
    if document is None:
        raise names.not_found()
    _check(call, document, "ReadOnly", "write")
    try:
        texts = xml.read(call.body or b"", "ChangeConfiguration")
        text = base64.b64decode(texts["Configuration"], validate=True).decode()
    except (xml.Unreadable, KeyError, binascii.Error, UnicodeDecodeError):
        wrong = "The request body's XML was invalid or not correctly specified."
        raise ArmError(400, "InvalidXmlRequest", wrong) from None
    platform = call.platform
    return _done(call, document, lambda: changes.configure(platform, document, text))


def _check(call: Call, document: Document, level: str = "CanNotDelete", verb: str = "delete") -> None:
    call.platform.check_write(document["id"])
    call.platform.check_management_lock(document["id"], level, verb)


def _deleted(call: Call, document: Document) -> Answer:
    return _done(call, document, lambda: changes.remove(call.platform, document))


def _done(call: Call, document: Document, act: Callable[[], object]) -> Answer:
    """Carry out a write. It is over when its operation is first asked for [I]."""
    act()
    platform, now = call.platform, call.platform.now
    made = Operation(
        str(uuid.uuid4()),
        "write",
        str(document["id"]),
        now,
        now,
        status="Succeeded",
        ended_at=now,
        client_request_id=call.client_request_id,
        repeats=True,
    )
    platform.operations[made.operation_id] = made
    headers = {"x-ms-request-id": request_id(made)}
    return Answer(status=202, headers=headers, unit=str(document["id"]), operation_id=made.operation_id)

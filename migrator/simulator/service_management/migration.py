"""The four verbs for six scopes and the status of what they start (azure.md 2.5).

Validate answers at once with its messages; prepare, abort and commit answer 202 with nothing, and their request id is
the name of the operation.
"""

import uuid
from xml.etree.ElementTree import Element

from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import CATALOGUE, ArmError, bad_request
from migrator.simulator.records import Operation
from migrator.simulator.service_management import names, versions, xml
from migrator.simulator.service_management.routing import BASE, is_deployment, unit_of, version_of
from migrator.simulator.store import subscription_in
from migrator.simulator.validation import Message

routes = Router()
VERBS = ("validate", "prepare", "abort", "commit")
_BODY = {
    "DestinationVirtualNetwork": "destinationVirtualNetwork",
    "ResourceGroupName": "resourceGroupName",
    "VirtualNetworkName": "virtualNetworkName",
    "SubNetName": "subnetName",
}


@routes.route(
    "POST",
    BASE + r"/services/(?P<family>hostedservices|networking|storageservices)/(?P<rest>.+)/migration",
)
def verb(call: Call) -> Answer:
    """One verb on one unit."""
    name = call.query.get("comp", "").lower()
    if name not in VERBS:
        text = "A required query parameter was not specified for this request or was specified incorrectly."
        raise ArmError(400, "MissingOrInvalidRequiredQueryParameter", text)
    versions.check_migration(version_of(call), call.parts["family"])
    unit = unit_of(call.platform.store, call.path)
    if unit is None:
        raise names.not_found()
    body = _network_resource(call.body) if is_deployment(call.path) and name in ("validate", "prepare") else {}
    result = call.platform.submit(name, str(unit["id"]), body, call.client_request_id, at_once=True)
    if isinstance(result, list):
        return Answer(body=xml.listed("ValidationMessages", map(message, result)), verb=name, unit=unit["id"])
    headers = {"x-ms-request-id": request_id(result)}
    return Answer(status=202, headers=headers, verb=name, unit=result.unit, operation_id=result.operation_id)


def _network_resource(raw: bytes) -> dict[str, str]:
    """The body of a deployment's validate and prepare: four values, all present, which may be empty [S]."""
    try:
        texts = xml.read(raw or b"", "DeploymentNetworkResource")
    except xml.Unreadable:
        text = "The request body's XML was invalid or not correctly specified."
        raise ArmError(400, "InvalidXmlRequest", text) from None
    missing = [name for name in _BODY if name not in texts]
    if missing:
        raise bad_request(f"The element {missing[0]} must be present in DeploymentNetworkResource.")
    return {ours: texts[theirs] for theirs, ours in _BODY.items()}


def message(found: Message) -> Element:
    """One `ValidationMessage`."""
    return xml.node(
        "ValidationMessage",
        ("ResourceType", found["resourceType"]),
        ("ResourceName", found["resourceName"]),
        ("Category", found["category"]),
        ("Message", found["message"]),
        ("VirtualMachine", found.get("virtualMachineName") or None),
    )


def request_id(operation: Operation) -> str:
    """An operation's id as this API writes it: 32 digits without dashes [K]."""
    return operation.operation_id.replace("-", "")


@routes.route("GET", BASE + r"/operations/(?P<operation>[^/]+)")
def status(call: Call) -> Answer:
    """The status of an operation, whichever face it was started over. It outlives its unit."""
    try:
        operation = call.platform.operation(str(uuid.UUID(call.parts["operation"])))
    except (ValueError, ArmError):
        raise names.not_found("The operation request ID was not found.") from None
    gone = call.platform.faults.take("poll-gone", verb=operation.verb, path=operation.unit, method="GET")
    if gone or subscription_in(operation.unit) != call.subscription:
        raise names.not_found("The operation request ID was not found.")
    failed = operation.status == "Failed"
    code = _http_status(operation) if failed else 200
    body = xml.node(
        "Operation",
        ("ID", request_id(operation)),
        ("Status", operation.status),
        None if operation.live else ("HttpStatusCode", code),
        xml.error(operation.code, operation.message) if failed else None,
    )
    return Answer(body=body, unit=operation.unit, operation_id=operation.operation_id)


def _http_status(operation: Operation) -> int:
    """The HTTP status a failed operation stands for: that of its code in the catalogue, else 500 [I]."""
    if operation.code in ("BadRequest", "QuotaExceeded"):
        return 400
    return next((status for status, code, _ in CATALOGUE.values() if code == operation.code), 500)

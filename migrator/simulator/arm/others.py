"""The smaller rows of azure.md 12: sizes, role definitions, classic administrators, templates, support tickets.

Shapes of skus, role definitions, administrators and templates are from memory of the public API [K]; the ticket is
that of azure.md 5.3 [D].
"""

import re
import uuid
from typing import Any

from migrator.simulator import providers
from migrator.simulator.arm.routing import GROUP, SUBSCRIPTION, Answer, Call, Router, page
from migrator.simulator.clock import stamp
from migrator.simulator.errors import ArmError, bad_request, resource_not_found
from migrator.simulator.estates.settings import ROLES
from migrator.simulator.sizes import CORES, family
from migrator.simulator.store import Document

routes = Router()
ROLE, ADMINISTRATOR, TICKET = (
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.Authorization/classicAdministrators",
    "Microsoft.Support/supportTickets",
)
QUOTA_SERVICE = "06bfd9d3-516b-d5c6-5802-169c800dec89"  # azure.md 5.3 [K]
_CORES = "e12e3d1d-7fa0-af33-c6d0-3c50df9658a3"  # made up: no public source says it
_ROLES = r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.authorization/roledefinitions"
_TICKETS = SUBSCRIPTION + r"/providers/microsoft\.support/supporttickets"


@routes.route("GET", SUBSCRIPTION + r"/providers/microsoft\.compute/skus")
def list_skus(call: Call) -> Answer:
    """Sizes with their vCPUs in one location, or in all the usages know of."""
    call.check_version("Microsoft.Compute/skus")
    text = call.query.get("$filter", "")
    asked = re.fullmatch(r"\s*location eq '([^']+)'\s*", text)
    if text and not asked:
        raise bad_request(f"The filter '{text}' is not supported; use location eq 'westus'.")
    rows = call.platform.quotas.rows(call.subscription)
    regions = [asked[1]] if asked else sorted({str(row["location"]) for row in rows})
    sizes = sorted(name for name in CORES if name.startswith(("standard_", "basic_")))
    return Answer(body={"value": [_sku(name, region) for region in regions for name in sizes]})  # one page, as Azure


def _sku(size: str, region: str) -> dict[str, Any]:
    tier, _, rest = size.partition("_")
    letters = re.match(r"[a-z]+", rest)
    short = (letters[0].upper() if letters else "") + rest[letters.end() if letters else 0 :]
    return {
        "resourceType": "virtualMachines",
        "name": f"{tier.capitalize()}_{short}",
        "tier": tier.capitalize(),
        "size": short,
        "family": family(size),
        "locations": [region],
        "locationInfo": [{"location": region, "zones": []}],
        "capabilities": [{"name": "vCPUs", "value": str(CORES[size])}],
        "restrictions": [],
    }


@routes.route("GET", SUBSCRIPTION + r"/providers/microsoft\.authorization/classicadministrators")
def list_administrators(call: Call) -> Answer:
    call.check_version(ADMINISTRATOR)
    return page(call, call.view().of_type(call.subscription, ADMINISTRATOR))


# Connections of a gateway are in its document, or children of it [I]: the list has both.
_GATEWAY = GROUP + r"/providers/microsoft\.classicnetwork/virtualnetworks/[^/]+/gateways/[^/]+"


@routes.route("GET", _GATEWAY + "/connections")
def list_connections(call: Call) -> Answer:
    kind = "Microsoft.ClassicNetwork/virtualNetworks/gateways/connections"
    call.check_version(kind)
    view = call.view()
    gateway = view.get(call.path.rpartition("/")[0])
    if gateway is None:
        raise resource_not_found(call.path.rpartition("/")[0])
    written = [
        {
            "id": f"{gateway['id']}/connections/{row.get('name')}",
            "name": row.get("name"),
            "type": kind,
            "properties": {"connectivityState": row.get("connectivityState")},
        }
        for row in gateway.get("properties", {}).get("connections") or ()
    ]
    return page(call, [*view.children(gateway["id"], kind), *written])


def _built_in(subscription: str) -> list[Document]:
    place = f"/subscriptions/{subscription}/providers/{ROLE}"
    return [
        {
            "id": f"{place}/{key}",
            "name": key,
            "type": ROLE,
            "properties": {"roleName": name, "type": "BuiltInRole", "assignableScopes": ["/"], "permissions": []},
        }
        for name, key in ROLES.items()
    ]


@routes.route("GET", _ROLES + r"(?:/(?P<name>[^/]+))?")
def role_definitions(call: Call) -> Answer:
    """Built-in roles and the subscription's own; `$filter=roleName eq '…'`."""
    call.check_version(ROLE)
    subscription = call.parts["scope"].split("/")[2].lower()
    known = [*_built_in(subscription), *call.view().of_type(subscription, ROLE)]
    if name := call.parts["name"]:
        one = next((row for row in known if row["name"].lower() == name.lower()), None)
        if one is None:
            raise ArmError(404, "RoleDefinitionDoesNotExist", f"The role definition '{name}' does not exist.")
        return Answer(body=one)
    text = call.query.get("$filter", "")
    asked = re.fullmatch(r"roleName eq '([^']*)'", text.strip())
    if text and not asked and text.replace(" ", "").lower() != "atscopeandbelow()":
        raise ArmError(400, "InvalidFilter", f"The filter '{text}' is not supported.")
    return page(call, [row for row in known if not asked or row["properties"]["roleName"] == asked[1]])


@routes.route("PUT", _ROLES + r"/(?P<name>[^/]+)")
def put_role_definition(call: Call) -> Answer:
    """A role of one's own: 201, also when it is replaced (azure.md 12: the SDK accepts nothing else)."""
    call.check_version(ROLE)
    platform, facts = call.platform, call.properties()
    platform.tick()
    if not facts.get("roleName") or not facts.get("assignableScopes"):
        raise ArmError(400, "InvalidRoleDefinition", "The role definition needs roleName and assignableScopes.")
    platform.check_management_lock(call.parts["scope"], "ReadOnly", "write")
    document = {
        "id": call.path,
        "name": call.parts["name"],
        "type": ROLE,
        "properties": {"type": "CustomRole", **facts},
    }
    platform.put(document)
    return Answer(status=201, body=document)


@routes.route("POST", GROUP + r"/exporttemplate")
def export_template(call: Call) -> Answer:
    """The Resource Manager resources of a group as a template; classic ones cannot be exported and are named [I]."""
    call.check_version("Microsoft.Resources/resourceGroups")
    group_id = f"/subscriptions/{call.subscription}/resourceGroups/{call.parts['group']}"
    view = call.view()
    if view.get(group_id) is None:
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{call.parts['group']}' could not be found.")
    wanted = [str(one).lower() for one in call.object().get("resources") or ["*"]]
    exported, refused = [], []
    for document in view.children(group_id):
        if wanted != ["*"] and document["id"].lower() not in wanted:
            continue
        if document["type"].lower().startswith("microsoft.classic"):
            refused.append({"code": "ExportTemplateProviderError", "message": "not exported", "target": document["id"]})
            continue
        kept = {key: value for key, value in document.items() if key not in ("id", "etag")}
        exported.append({**kept, "apiVersion": _version(str(document["type"]))})
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {},
        "variables": {},
        "resources": exported,
    }
    body: dict[str, Any] = {"template": template}
    if refused:
        text = "Export template operation completed with errors. Some resources were not exported."
        body["error"] = {"code": "ExportTemplateCompletedWithErrors", "message": text, "details": refused}
    return Answer(body=body)


def _version(kind: str) -> str:
    return providers.newest(kind) if providers.knows_type(kind) else ""


@routes.route("GET", r"/providers/microsoft\.support/services(?:/(?P<service>[^/]+)/problemclassifications)?")
def support_services(call: Call) -> Answer:
    call.check_version(TICKET)
    place = f"/providers/Microsoft.Support/services/{QUOTA_SERVICE}"
    if call.parts["service"] is None:
        row = {"id": place, "name": QUOTA_SERVICE, "type": "Microsoft.Support/services"}
        return Answer(
            body={"value": [{**row, "properties": {"displayName": "Service and subscription limits (quotas)"}}]}
        )
    if call.parts["service"].lower() != QUOTA_SERVICE:
        raise resource_not_found(call.path)
    row = {
        "id": f"{place}/problemClassifications/{_CORES}",
        "name": _CORES,
        "type": "Microsoft.Support/problemClassifications",
    }
    text = "Compute-VM (cores-vCPUs) subscription limit increases"
    return Answer(body={"value": [{**row, "properties": {"displayName": text}}]})


@routes.route("GET", _TICKETS + r"(?:/(?P<name>[^/]+))?")
def support_tickets(call: Call) -> Answer:
    call.check_version(TICKET)
    if call.parts["name"] is None:
        return page(call, call.view().of_type(call.subscription, TICKET))
    found = call.view().get(call.path)
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body=found)


@routes.route("PUT", _TICKETS + r"/(?P<name>[^/]+)")
def put_ticket(call: Call) -> Answer:
    """A ticket: 200 with it. Azure may also answer 202 with an operation; here it is open at once."""
    call.check_version(TICKET)
    platform, facts = call.platform, call.properties()
    platform.tick()
    needed = ("serviceId", "problemClassificationId", "title", "description", "severity", "contactDetails")
    missing = [name for name in needed if not facts.get(name)]
    if missing:
        raise bad_request(f"The support ticket is missing {', '.join(missing)}.")
    if call.path in platform.store:
        raise ArmError(409, "Conflict", f"A support ticket named '{call.parts['name']}' exists already.")
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, call.path.lower()).int)[:16]
    document = {
        "id": call.path,
        "name": call.parts["name"],
        "type": TICKET,
        "properties": {
            **facts,
            "supportTicketId": number,
            "status": "Open",
            "createdDate": stamp(call.platform.moment),
        },
    }
    platform.put(document)
    return Answer(status=200, body=document)

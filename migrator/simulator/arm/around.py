"""What clients read before or around the resources themselves: locations, tenants, tag names, resource types,
permissions, deny assignments.

Shapes as the SDK's models read them [V]; which regions and permissions there are is the simulator's own.
"""

from typing import Any

from migrator.simulator import providers
from migrator.simulator.arm.routing import GROUP, SUBSCRIPTION, Answer, Call, Router, page
from migrator.simulator.errors import ArmError

routes = Router()
_AUTHORIZATION = r"/providers/microsoft\.authorization"


@routes.route("GET", SUBSCRIPTION + "/locations")
def list_locations(call: Call) -> Answer:
    """One page, as Azure."""
    call.check_version("Microsoft.Resources/subscriptions")
    return Answer(body={"value": [_location(call.subscription, name) for name in providers.REGIONS]})


def _location(subscription: str, name: str) -> dict[str, Any]:
    short = name.lower().replace(" ", "")
    return {
        "id": f"/subscriptions/{subscription}/locations/{short}",
        "name": short,
        "type": "Region",
        "displayName": name,
        "regionalDisplayName": name,
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    }


@routes.route("GET", "/tenants")
def list_tenants(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/subscriptions")
    known = {str(call.platform.subscriptions[key].get("tenantId") or "") for key in call.sees}
    return page(call, [{"id": f"/tenants/{key}", "tenantId": key, "tenantCategory": "Home"} for key in known if key])


@routes.route("GET", SUBSCRIPTION + "/tagnames")
def list_tag_names(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/tags")
    view, counted = call.view(), dict[str, dict[str, int]]()
    for kind in view.kinds(call.subscription):
        for document in view.of_type(call.subscription, kind):
            for name, value in (document.get("tags") or {}).items():
                values = counted.setdefault(name, {})
                values[value] = values.get(value, 0) + 1
    place = f"/subscriptions/{call.subscription}/tagNames"
    rows = [
        {
            "id": f"{place}/{name}",
            "tagName": name,
            "count": {"type": "Total", "value": sum(values.values())},
            "values": [
                {
                    "id": f"{place}/{name}/tagValues/{value}",
                    "tagValue": value,
                    "count": {"type": "Total", "value": count},
                }
                for value, count in sorted(values.items())
            ],
        }
        for name, values in counted.items()
    ]
    return page(call, rows)


@routes.route("GET", SUBSCRIPTION + r"/providers/(?P<namespace>[^/]+)/resourcetypes")
def list_resource_types(call: Call) -> Answer:
    call.check_version("Microsoft.Resources/providers")
    name = providers.namespace(call.parts["namespace"])
    if name is None:
        text = f"The resource namespace '{call.parts['namespace']}' is invalid."
        raise ArmError(404, "InvalidResourceNamespace", text)
    state = call.platform.registration(call.subscription, name)
    return Answer(body={"value": providers.document(call.subscription, name, state)["resourceTypes"]})


@routes.route("GET", GROUP + r"(?:/providers/.+)?" + _AUTHORIZATION + "/permissions")
def list_permissions(call: Call) -> Answer:
    """What the caller may do: everything, or read."""
    call.check_version("Microsoft.Authorization/permissions")
    call.check_group()
    allowed = ["*/read"] if call.reads_only else ["*"]
    row = {"actions": allowed, "notActions": [], "dataActions": [], "notDataActions": []}
    return Answer(body={"value": [row]})


@routes.route("GET", SUBSCRIPTION + r"(?:/.+)?" + _AUTHORIZATION + "/denyassignments")
def list_deny_assignments(call: Call) -> Answer:
    """None: Azure makes them by itself (blueprints, managed applications), and no estate has any."""
    call.check_version("Microsoft.Authorization/denyAssignments")
    return page(call, call.view().of_type(call.subscription, "Microsoft.Authorization/denyAssignments"))

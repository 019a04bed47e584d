"""Just-in-time network access policies (azure.md 6.4, 12): listed for the whole subscription, read and put one by one.

Only Resource Manager machines may be named in a new policy: classic ones are unsupported by the current documents.
"""

from migrator.simulator.arm.routing import SUBSCRIPTION, Answer, Call, Router, page
from migrator.simulator.errors import ArmError, resource_not_found

routes = Router()
POLICY = "Microsoft.Security/locations/jitNetworkAccessPolicies"
_POLICIES = (
    SUBSCRIPTION + r"/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.security"
    r"/locations/(?P<location>[^/]+)/jitnetworkaccesspolicies"
)


@routes.route("GET", SUBSCRIPTION + r"/providers/microsoft\.security/jitnetworkaccesspolicies")
def list_policies(call: Call) -> Answer:
    call.check_version(POLICY)
    return page(call, call.view().of_type(call.subscription, POLICY))


@routes.route("GET", _POLICIES + r"/(?P<name>[^/]+)")
def get_policy(call: Call) -> Answer:
    call.check_version(POLICY)
    found = call.view().get(call.path)
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body=found)


@routes.route("PUT", _POLICIES + r"/(?P<name>[^/]+)")
def put_policy(call: Call) -> Answer:
    """200 (azure.md 6.4). Machines must exist on the Resource Manager side."""
    call.check_version(POLICY)
    facts = call.properties()
    machines = facts.get("virtualMachines")
    if not isinstance(machines, list) or not machines:
        raise ArmError(400, "InvalidRequestContent", "properties.virtualMachines must list one machine or more.")
    for machine in machines:
        target = str(machine.get("id", "")) if isinstance(machine, dict) else ""
        if "/microsoft.compute/virtualmachines/" not in target.lower() or call.platform.store.get(target) is None:
            raise ArmError(400, "BadRequest", f"'{target}' is not a Resource Manager virtual machine.")
    group = f"/subscriptions/{call.subscription}/resourceGroups/{call.parts['group']}"
    document_id = f"{group}/providers/Microsoft.Security/locations/{call.parts['location']}/jitNetworkAccessPolicies/"
    document_id += call.parts["name"]
    document = {
        "id": document_id,
        "name": call.parts["name"],
        "type": POLICY,
        "location": call.parts["location"],
        "kind": call.object().get("kind", "Basic"),
        "properties": {**facts, "provisioningState": "Succeeded"},
    }
    call.platform.put(document)
    return Answer(status=200, body=document)

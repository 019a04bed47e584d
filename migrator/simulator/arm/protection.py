"""Recovery Services vaults: what they back up and replicate (azure.md 6.8). Paths and fields are general knowledge [K].

Protecting a machine is refused unless the machine and the policy's vault exist and the names in the path are those of
the machine.
"""

from migrator.simulator.arm.routing import GROUP, Answer, Call, Router, page
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.scope import properties
from migrator.simulator.store import Document, group_in

routes = Router()
VAULT = "Microsoft.RecoveryServices/vaults"
ITEM = f"{VAULT}/backupFabrics/protectionContainers/protectedItems"
REPLICATED = f"{VAULT}/replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
_VAULT = r"(?P<vault>" + GROUP + r"/providers/microsoft\.recoveryservices/vaults/[^/]+)"
_ITEM = _VAULT + r"/backupfabrics/[^/]+/protectioncontainers/(?P<container>[^/]+)/protecteditems/(?P<name>[^/]+)"


def _below(call: Call, kind: str) -> list[Document]:
    vault = call.view().get(call.parts["vault"])
    if vault is None:
        raise resource_not_found(call.parts["vault"])
    start = str(vault["id"]).lower() + "/"
    return [row for row in call.view().of_type(call.subscription, kind) if str(row["id"]).lower().startswith(start)]


@routes.route("GET", _VAULT + "/backupprotecteditems")
def list_backups(call: Call) -> Answer:
    call.check_version(f"{VAULT}/backupProtectedItems")
    return page(call, _below(call, ITEM))


@routes.route("GET", _VAULT + "/replicationprotecteditems")
def list_replicated(call: Call) -> Answer:
    call.check_version(f"{VAULT}/replicationProtectedItems")
    return page(call, _below(call, REPLICATED))


@routes.route("GET", _ITEM)
def read_item(call: Call) -> Answer:
    call.check_version(ITEM)
    found = call.view().get(call.path)
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body=found)


@routes.route("PUT", _ITEM)
def put_item(call: Call) -> Answer:
    """Protect a machine by a policy of the vault; the first backup comes with the policy's next hour."""
    call.check_version(ITEM)
    platform, facts = call.platform, call.properties()
    platform.tick()
    if platform.store.get(call.parts["vault"]) is None:
        raise ArmError(404, "ParentResourceNotFound", f"The vault of '{call.path}' was not found.")
    if facts.get("protectedItemType") != "Microsoft.Compute/virtualMachines":
        raise ArmError(400, "BMSUserErrorInvalidInput", "protectedItemType must be Microsoft.Compute/virtualMachines.")
    machine = platform.store.get(str(facts.get("sourceResourceId") or "/"))
    if machine is None or str(machine["type"]).lower() != "microsoft.compute/virtualmachines":
        raise ArmError(400, "UserErrorVmNotFound", f"'{facts.get('sourceResourceId')}' is not a virtual machine.")
    names = f"iaasvmcontainerv2;{group_in(machine['id'])};{machine['name']}".lower()
    path = (call.parts["container"].lower(), call.parts["name"].lower())
    if path != (f"iaasvmcontainer;{names}", f"vm;{names}"):
        raise ArmError(400, "BMSUserErrorInvalidInput", f"The names in '{call.path}' are not those of the machine.")
    policy = str(facts.get("policyId") or "").lower()
    if not policy.startswith(call.parts["vault"].lower() + "/backuppolicies/"):
        raise ArmError(400, "UserErrorPolicyNotFound", f"'{facts.get('policyId')}' is not a policy of this vault.")
    known = platform.store.get(call.path)
    document = {
        "id": call.path,
        "name": call.parts["name"],
        "type": ITEM,
        "properties": {
            **properties(known),
            **facts,
            "backupManagementType": "AzureIaasVM",
            "workloadType": "VM",
            "friendlyName": machine["name"],
            "protectionState": "IRPending",
        },
    }
    platform.put(document)
    return Answer(status=200 if known else 202, body=document)

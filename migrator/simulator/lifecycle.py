"""What the verbs do to the documents: locking, building, taking back, removing (azure.md 2.1, 2.7, 4)."""

from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from migrator.simulator import quotas, validation
from migrator.simulator import scope as scopes
from migrator.simulator.errors import ArmError, bad_request
from migrator.simulator.records import Finished, Migration, Operation
from migrator.simulator.scope import SLOT, Scope, kind_of, parent_key, properties
from migrator.simulator.store import Document, Store, subscription_in
from migrator.simulator.translation import Builder

if TYPE_CHECKING:
    from migrator.simulator.platform import Platform

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
PLANNED = ("stuck", "operation-fails", "says-succeeded", "says-failed")  # faults that say how an operation ends
DESTINATIONS = ("Default", "New", "Existing")


def check_parameters(store: Store, scope: Scope, body: Mapping[str, Any]) -> None:
    """The body a slot is validated and prepared with (azure.md 2.3 [I]; E17 to E20). Others take none. An existing
    network has to be there, in the region of the deployment, with the subnet; the words of these refusals are [I]."""
    if kind_of(scope.unit["id"]) != SLOT:
        return
    wish = body.get("destinationVirtualNetwork")
    if wish not in DESTINATIONS:
        raise bad_request(
            f"DestinationVirtualNetwork must be set to one of the following values: {', '.join(DESTINATIONS)}."
        )
    if wish == "Default":
        raise bad_request("Default VNet destination option not implemented.")
    if wish == "Existing":
        if not body.get("virtualNetworkName"):
            raise bad_request("The virtual network name cannot be null or empty.")
        if not body.get("subnetName"):
            raise bad_request("The Subnet Name cannot be null or empty.")
        if scope.web_slots:
            raise bad_request(
                "A deployment of web or worker roles cannot be migrated into an existing virtual network."
            )
        if not body.get("resourceGroupName"):
            raise bad_request("The resource group name of the virtual network cannot be null or empty.")
        _check_network(store, scope, body)


def _check_network(store: Store, scope: Scope, body: Mapping[str, Any]) -> None:
    name, subnet = str(body["virtualNetworkName"]), str(body["subnetName"])
    group = f"/subscriptions/{subscription_in(scope.unit['id'])}/resourceGroups/{body['resourceGroupName']}"
    network = store.get(f"{group}/providers/Microsoft.Network/virtualNetworks/{name}")
    if network is None:
        raise bad_request(f"The virtual network {name} was not found in resource group {body['resourceGroupName']}.")
    home = quotas.scope_location(scope)
    if str(network.get("location", "")).lower().replace(" ", "") != home.lower().replace(" ", ""):
        raise bad_request(f"The virtual network {name} is not in the location {home} of the deployment.")
    subnets = properties(network).get("subnets") or ()
    found = next((each for each in subnets if str(each.get("name", "")).lower() == subnet.lower()), None)
    if found is None:
        raise bad_request(f"The subnet {subnet} was not found in the virtual network {name}.")
    prefix = properties(found).get("addressPrefix")
    taken = properties(found).get("ipConfigurations") or ()
    # five addresses of every subnet are Azure's own [K]
    if prefix and ip_network(str(prefix)).num_addresses - 5 - len(taken) < len(scope.machines):
        raise bad_request(f"Subnet {subnet} does not have enough capacity for {len(scope.machines)} IP addresses.")


def classic_locked(document: Mapping[str, Any]) -> ArmError:
    """The refusal of a write to a classic resource that is Prepared (azure.md 2.9, E41)."""
    code = {
        "microsoft.classiccompute/domainnames/slots": "ChangeDeploymentConfigurationOperationFailed",
        "microsoft.classicstorage/storageaccounts": "StorageAccountOperationFailed",
        "microsoft.classicnetwork/virtualnetworks": "VirtualNetworkOperationFailed",
        "microsoft.classiccompute/virtualmachines": "VirtualMachineOperationFailed",
        "microsoft.classicnetwork/networksecuritygroups": "NetworkSecurityGroupOperationFailed",  # these three [I]
        "microsoft.classicnetwork/reservedips": "ReservedIPOperationFailed",
        "microsoft.classicnetwork/routetables": "RouteTableOperationFailed",
    }.get(kind_of(str(document["id"])), "ClassicOperationFailed")
    return ArmError(
        409,
        code,
        f"The resource {document['name']} is in the process of being migrated and hence cannot be changed. "
        "Commit the migration or abort it.",
    )


def lock(platform: "Platform", scope: Scope, parameters: Mapping[str, str]) -> Migration:
    """The record of a unit about to be prepared: what is locked, and which documents show migrationState (azure.md
    1.4)."""
    shown = [scope.unit, *scope.slots, *scope.machines]
    return Migration(
        unit=str(scope.unit["id"]),
        phase="preparing",
        locked=scopes.locked_keys(platform.store, scope),
        marked=list(dict.fromkeys(str(document["id"]).lower() for document in shown)),
        location=quotas.scope_location(scope),
        parameters=dict(parameters),
    )


def mark(platform: "Platform", migration: Migration, state: str | None) -> None:
    """Show a migrationState on every document of the unit, or take it away."""
    for key in migration.marked:
        if key in platform.store:
            platform.store.change(key, platform.moment, migrationState=state)


def complete(platform: "Platform", operation: Operation) -> None:
    """The operation's time is over: carry it out, or let it fail as planned."""
    migration = platform.migrations.get(operation.unit.lower())
    operation.status = "Succeeded"
    if operation.repeats or (migration is None and operation.verb != "validate"):
        return
    if operation.unit not in platform.store:  # somebody took it away meanwhile
        operation.status, operation.code = "Failed", "ResourceNotFound"
        operation.message = f"The resource {operation.unit} was not found."
        return
    kind = operation.plan.get("kind", "operation-fails") if operation.plan else ""
    if migration is None or operation.verb == "validate":
        return _validated(platform, operation, migration, kind)
    if kind == "operation-fails":
        _fail_as_planned(platform, operation, migration)
    elif kind == "says-succeeded":
        _as_before(platform, operation, migration)
    else:
        {"prepare": _prepared, "abort": _aborted, "commit": _committed}[operation.verb](platform, operation, migration)
        if kind == "says-failed":
            plan = operation.plan
            operation.status, operation.code, operation.message = "Failed", str(plan["code"]), str(plan["message"])


def _validated(platform: "Platform", operation: Operation, migration: Migration | None, kind: str) -> None:
    """A Validate that took its time: it finds what is there at its end, and changes nothing."""
    if kind in ("operation-fails", "says-failed"):
        plan = operation.plan
        operation.status, operation.code, operation.message = "Failed", str(plan["code"]), str(plan["message"])
        return
    operation.messages = (
        [] if migration or kind == "says-succeeded" else platform.messages(_scope_of(platform, operation.unit))
    )
    if any(message["category"] == "Error" for message in operation.messages):
        operation.status = "Failed"


def _as_before(platform: "Platform", operation: Operation, migration: Migration) -> None:
    """What the operation was to change stays as it was before it began."""
    if operation.verb == "prepare":
        return _unlock(platform, migration)
    migration.phase = "prepared"
    platform.migrations.touch(operation.unit.lower())
    mark(platform, migration, "Prepared")
    return None


def _fail(platform: "Platform", operation: Operation, migration: Migration, code: str, message: str) -> None:
    operation.status, operation.code, operation.message = "Failed", code, message
    migration.phase = f"{operation.verb} failed"
    platform.migrations.touch(operation.unit.lower())
    mark(platform, migration, platform.settings.after_failure or None)


def _fail_as_planned(platform: "Platform", operation: Operation, migration: Migration) -> None:
    plan = operation.plan
    _fail(platform, operation, migration, str(plan["code"]), str(plan["message"]))
    if operation.verb == "prepare" and not plan.get("keeps_lock", True):
        _unlock(platform, migration)
    elif operation.verb == "prepare":
        _put_all(platform, migration, _builder(platform, migration).groups())
    elif operation.verb == "commit" and plan.get("partial"):
        scope = _scope(platform, migration)
        doomed = scopes.doomed_keys(platform.store, scope)
        own = {str(d["id"]).lower() for d in platform.store.tree(scope.unit["id"])}
        first = [key for key in doomed if key not in own]
        for key in first[: (len(first) + 1) // 2]:
            platform.store.remove(key, platform.moment)


def _scope(platform: "Platform", migration: Migration) -> Scope:
    return _scope_of(platform, migration.unit)


def _scope_of(platform: "Platform", unit_id: str) -> Scope:
    unit = platform.store.get(unit_id)
    if unit is None:
        raise LookupError(f"{unit_id} has an operation and yet is gone")
    return scopes.resolve(platform.store, unit)


def _builder(platform: "Platform", migration: Migration) -> Builder:
    return Builder(platform.store, _scope(platform, migration), seed=platform.seed, parameters=migration.parameters)


def _put_all(platform: "Platform", migration: Migration, documents: list[Document]) -> None:
    for document in documents:
        if document["id"] not in platform.store:
            platform.put(document)
            migration.arm.append(str(document["id"]).lower())


def _prepared(platform: "Platform", operation: Operation, migration: Migration) -> None:
    scope = _scope(platform, migration)
    builder = _builder(platform, migration)
    problems = validation.prepare_only(platform.store, scope)
    if problems:
        _fail(platform, operation, migration, "BadRequest", problems[0]["message"])
        return _put_all(platform, migration, builder.groups())
    own_network = migration.parameters.get("destinationVirtualNetwork") != "Existing"
    wanted = quotas.need(platform.store, scope, own_network=own_network)
    short = platform.quotas.shortfall(scope, wanted)
    if short:
        row, missing = short[0]
        _fail(
            platform,
            operation,
            migration,
            "QuotaExceeded",
            f"The current quota for {row['name']} in {row['location']} is insufficient to complete migration. "
            f"Current quota is {row['limit']}, additional needed is {missing}.",
        )
        return _put_all(platform, migration, builder.groups())
    _put_all(platform, migration, builder.documents())
    migration.need = [[provider, name, amount] for (provider, name), amount in wanted.items()]
    platform.quotas.draw(subscription_in(migration.unit), migration.location, wanted)
    migration.phase = "prepared"
    platform.migrations.touch(operation.unit.lower())
    mark(platform, migration, "Prepared")
    return None


def _aborted(platform: "Platform", operation: Operation, migration: Migration) -> None:
    for key in reversed(migration.arm):
        platform.remove(key)
    drawn = Counter({(provider, name): amount for provider, name, amount in migration.need})
    platform.quotas.draw(subscription_in(migration.unit), migration.location, drawn, sign=-1)
    _unlock(platform, migration)


def _unlock(platform: "Platform", migration: Migration) -> None:
    mark(platform, migration, None)
    platform.migrations.pop(migration.unit.lower(), None)


def _committed(platform: "Platform", operation: Operation, migration: Migration) -> None:
    scope = _scope(platform, migration)
    doomed = scopes.doomed_keys(platform.store, scope)
    dropped = _drop_settings(platform, set(doomed), scope)
    for key in doomed:
        platform.remove(key)
    platform.migrations.pop(migration.unit.lower(), None)
    platform.finished[migration.unit.lower()] = Finished(
        migration.unit, operation.ended_at or platform.now, migration.arm, dropped
    )


def _drop_settings(platform: "Platform", gone: set[str], scope: Scope) -> list[str]:
    """Autoscale settings and classic alert rules on classic ids go; grants and locks vanish with their scope
    (azure.md 3.2, 6).

    Grants on a storage account are kept and follow it (STG-RBAC). Activity log alerts stay, pointing at nothing.
    """
    subscription = subscription_in(scope.unit["id"])
    dropped = []
    for kind, targets in (
        ("Microsoft.Insights/autoscaleSettings", _autoscale_target),
        ("Microsoft.Insights/alertRules", _alert_target),
    ):
        for setting in platform.store.of_type(subscription, kind):
            if targets(setting) in gone:
                dropped.append(str(setting["id"]))
    for policy in platform.store.of_type(subscription, "Microsoft.Security/locations/jitNetworkAccessPolicies"):
        machines = [str(m.get("id", "")).lower() for m in properties(policy).get("virtualMachines") or ()]
        if machines and set(machines) <= gone:
            dropped.append(str(policy["id"]))
    for kind in (ASSIGNMENT, "Microsoft.Authorization/locks"):
        for grant in platform.store.of_type(subscription, kind):
            if parent_key(grant["id"]) in gone:
                dropped.append(str(grant["id"]))
    if scope.account is not None:
        _move_grants(platform, scope.account)
    for resource_id in dropped:
        platform.store.remove(resource_id, platform.moment)
    return dropped


def _autoscale_target(setting: Document) -> str:
    return str(properties(setting).get("targetResourceUri") or "").lower()


def _alert_target(setting: Document) -> str:
    source = (properties(setting).get("condition") or {}).get("dataSource") or {}
    return str(source.get("resourceUri") or "").lower()


def _move_grants(platform: "Platform", account: Document) -> None:
    new = next(
        (
            d["id"]
            for d in platform.store.of_type(subscription_in(account["id"]), "Microsoft.Storage/storageAccounts")
            if d["name"].lower() == account["name"].lower()
        ),
        None,
    )
    for grant in platform.store.children(account["id"], ASSIGNMENT) if new else ():
        moved = f"{new}/providers/{ASSIGNMENT}/{grant['name']}"
        platform.put({**grant, "id": moved, "properties": {**properties(grant), "scope": new}})

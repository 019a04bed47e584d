"""Machines under backup or replication (azure.md 6.8): what the Recovery Services vaults of a subscription protect.

Paths and shapes are general knowledge [K]; no public text ties them to a migration. A subscription without a vault has
none, and costs one request.
"""

from collections.abc import Iterator, Mapping

from migrator.gateway.beside import of_subscription
from migrator.gateway.calls import Calls
from migrator.gateway.listing import NO_SUCH_TYPE, STOPPING, document, unreadable
from migrator.gateway.protocol import Document, GatewayError, NotFound, Unreadable

VAULT = "Microsoft.RecoveryServices/vaults"
# Collections of a vault, and what a list of them is called to a person.
_LISTS = (("backupProtectedItems", "backups"), ("replicationProtectedItems", "replicated machines"))


def items(calls: Calls, subscription: str) -> Iterator[Document | Unreadable]:
    """Everything protected by a vault of the subscription, backups first, vault by vault."""
    vaults = of_subscription(calls, subscription, VAULT, "list Recovery Services vaults")
    if isinstance(vaults, Unreadable):
        yield vaults
        return
    for vault in vaults:
        if isinstance(vault.get("id"), str):
            for collection, called in _LISTS:
                yield from _of_vault(calls, subscription, str(vault["id"]), collection, called)


def _of_vault(
    calls: Calls, subscription: str, vault_id: str, collection: str, called: str
) -> Iterator[Document | Unreadable]:
    kind = f"{VAULT}/{collection}"
    name = vault_id.rsplit("/", 1)[-1]
    try:
        found = list(
            calls.items(f"{vault_id}/{collection}", calls.version(kind, subscription), doing=f"list {called} of {name}")
        )
    except STOPPING:
        raise
    except GatewayError as error:
        if not isinstance(error, NotFound) and error.code.lower() not in NO_SUCH_TYPE:
            yield unreadable(error, vault_id, f"{kind}/read")
        return
    for item in found:
        if isinstance(item, Mapping) and isinstance(item.get("id"), str):
            yield {**document(item), "sources": {"": "arm"}}

"""Reading one subscription through the gateway: HTTP only, no database. What comes out is applied at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from migrator.gateway.protocol import (
    STANDING,
    AzureGateway,
    Document,
    GatewayError,
    NotPermitted,
    NotRegistered,
    Reached,
    Refused,
    Throttled,
    Unreadable,
)
from migrator.resources import ResourceType, known, subscription_of
from tracker.inventory import documents
from tracker.inventory.documents import Row, storable

LISTED_UNREADABLE = 500  # entries kept with a sync; the rest is counted in one line
_TYPES = {member.value.lower() for member in ResourceType}
_OTHERS = (
    "microsoft.resources/subscriptions/resources"  # lists the Resource Manager resources that name classic networks
)


@dataclass(slots=True)
class Reading:
    """What the platform showed in one step. `rows`: the documents; `seen`: keys of all that was listed, where somebody
    keeps them; `registrations`: None when they could not be read; `unreadable`: what was not to be had, one each."""

    rows: dict[str, Row] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    registrations: dict[str, str | None] | None = None
    unreadable: list[Unreadable] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what was stored; the iterator of `follow` goes on into the same reading."""
        self.rows.clear()
        self.unreadable.clear()

    def entries(self) -> list[dict[str, str]]:
        """The unreadable parts as stored with the sync: {"resource", "action", "sentence"}."""
        listed = [
            {"resource": part.resource_id, "action": part.action, "sentence": part.sentence}
            for part in self.unreadable[:LISTED_UNREADABLE]
        ]
        if (more := len(self.unreadable) - LISTED_UNREADABLE) > 0:
            listed.append({"resource": "", "action": "", "sentence": f"{more} more parts could not be read."})
        return storable(listed)

    def misses(self) -> bool:
        """Whether something could not be read which another reading might get: not what a right of another kind is
        needed for, or what Azure has closed."""
        return any(part.action not in STANDING for part in self.unreadable)

    def actions(self) -> list[str]:
        """The missing actions, each once."""
        return storable(sorted({part.action[:200] for part in self.unreadable if part.action}))

    def hidden(self) -> Callable[[str, str], bool]:
        """(key, type) → whether it may exist without having been listed, because what would list it was unreadable."""
        veils = {(part.resource_id.rstrip("/").lower(), hidden_types(part.action)) for part in self.unreadable}

        def is_hidden(key: str, kind: str) -> bool:
            return any(_under(key, root) and veil(kind) for root, veil in veils)

        return is_hidden


def _under(key: str, root: str) -> bool:
    return not root or key == root or key.startswith(root + "/")


@lru_cache(maxsize=1_000)
def hidden_types(action: str) -> Callable[[str], bool]:
    """What the lack of an action hides, as a test of a type. An action that lists no type of ours may hide all."""
    if action in STANDING:  # all that nothing else lists
        return lambda kind: kind.lower() == ResourceType.ROUTE_TABLE.lower()
    wanted = action.lower().removesuffix("/read")
    if wanted in _TYPES:
        return lambda kind: kind.lower() == wanted or kind.lower().startswith(wanted + "/")
    if wanted.endswith("/*"):
        return lambda kind: kind.lower().startswith(wanted[:-1])
    if wanted == _OTHERS:
        return lambda kind: not kind.lower().startswith("microsoft.classic") and kind.lower() not in _TYPES
    return lambda kind: True


def follow(gateway: AzureGateway, subscription_id: str, cursor: str, reading: Reading) -> Iterator[str | None]:
    """Go on reading the inventory from a place, into `reading`. Yields after each item: the cursor of a place that was
    reached, else None. What comes after the last place is whole when the iterator ends.

    Raises GatewayError when the listing itself fails. That the subscription is not registered for a provider is no
    error but a fact: what that provider would have listed is unreadable.
    """
    regions: dict[str, str] = {}
    try:
        for item in gateway.inventory(subscription_id, after=cursor):
            if isinstance(item, Reached):
                yield item.cursor
                continue
            if isinstance(item, Unreadable):
                reading.unreadable.append(item)
            else:
                _take(item, subscription_id, regions, reading)
            yield None
    except NotRegistered as error:
        reading.unreadable.append(_whole(subscription_id, str(error)))


def read_registrations(gateway: AzureGateway, subscription_id: str, reading: Reading) -> None:
    """Into `reading`; that they may not be read is no error but a fact."""
    try:
        listed = gateway.registrations(subscription_id)
    except (NotPermitted, NotRegistered, Refused) as error:
        action = "Microsoft.Resources/subscriptions/providers/read"
        reading.unreadable.append(
            Unreadable(resource_id=f"/subscriptions/{subscription_id}/providers", action=action, sentence=str(error))
        )
        return
    reading.registrations = storable({row.name: str(row.state) if known(row.state) else None for row in listed})


def _take(document: Document, subscription_id: str, regions: dict[str, str], reading: Reading) -> None:
    try:
        row = documents.row(document)
    except documents.Unusable as error:
        reading.unreadable.append(_whole("", str(error)))
        return
    owner = subscription_of(row.azure_id)
    if not owner:
        return  # inherited from a management group or the tenant: it hangs on no classic resource of its own
    if owner != subscription_id.lower():
        sentence = f"The list of subscription {subscription_id} holds {row.azure_id} of another one; it was left out."
        reading.unreadable.append(_whole("", sentence))
        return
    if not row.region:  # slots, roles and the like name no location; they are where their parent is
        row = replace(row, region=regions.get(documents.parent_key(row.key), ""))
    if row.region:
        regions[row.key] = row.region
    reading.rows[row.key] = row  # listed twice: the later reading counts


def _whole(subscription_id: str, sentence: str) -> Unreadable:
    """Unreadable without a place: nothing under the subscription may be called gone for it."""
    return Unreadable(
        resource_id=f"/subscriptions/{subscription_id}" if subscription_id else "", action="", sentence=sentence
    )


def failure(error: GatewayError, now: datetime) -> str:
    """One sentence for a person: what the gateway said, and when to come back where Azure named a time."""
    sentence = storable(" ".join(str(error).split())) or f"Azure gave no usable answer ({type(error).__name__})."
    if isinstance(error, Throttled) and error.retry_after:
        again = now + timedelta(seconds=min(error.retry_after, 86_400))
        sentence += f" Azure asks to come back after {again:%H:%M:%S} {again.tzname()}."
    return sentence[:1000]

"""The documents of the simulated platform, indexed; it remembers what changed, for persistence and for stale reads.

A document is a resource in wire format. Keys are ids in lower case. Documents are never changed in place: `put` a
new one.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

Document = dict[str, Any]
Key = Callable[[Document], str]

HISTORY = timedelta(minutes=15)  # simulated time; how far back a stale read can look
HISTORY_LENGTH = 20_000


def segments_of(resource_id: str) -> list[str]:
    return [part for part in resource_id.split("/") if part]


def parent_key(resource_id: str) -> str:
    """Key of what a resource hangs under: the parent resource, the scope of an extension resource, or the resource
    group."""
    parts = segments_of(resource_id.lower())[:-2]
    if len(parts) >= 2 and parts[-2] == "providers":
        parts = parts[:-2]
    return "/" + "/".join(parts) if parts else ""


def type_in_id(resource_id: str) -> str:
    """The resource type an id spells: after the last `providers`, every other segment. Empty when the id has none."""
    parts = segments_of(resource_id)
    marks = [i for i, part in enumerate(parts) if part.lower() == "providers"]
    if not marks:
        return ""
    tail = parts[marks[-1] + 1 :]
    return "/".join([tail[0], *tail[1::2]]) if len(tail) >= 2 else ""


def subscription_in(resource_id: str) -> str:
    parts = segments_of(resource_id.lower())
    return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else ""


def group_in(resource_id: str) -> str:
    """The resource group in an id, as written; empty when there is none."""
    parts = segments_of(resource_id)
    return parts[3] if len(parts) > 3 and parts[2].lower() == "resourcegroups" else ""


class Store:
    """Documents by key, with the children of each and the members of each type in each subscription."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._kinds: dict[tuple[str, str], dict[str, None]] = {}
        self._names: dict[tuple[str, str, str], dict[str, None]] = {}
        self._grouped: dict[tuple[str, str], dict[Key, dict[str, list[Document]]]] = {}
        self._known: dict[Any, Any] = {}
        self._dirty: dict[str, None] = {}
        self._undo: deque[tuple[datetime, str, Document | None]] = deque(maxlen=HISTORY_LENGTH)

    def __len__(self) -> int:
        return len(self._documents)

    def __contains__(self, resource_id: str) -> bool:
        return resource_id.lower() in self._documents

    def get(self, resource_id: str) -> Document | None:
        return self._documents.get(resource_id.lower())

    def all(self) -> Iterator[Document]:
        return iter(list(self._documents.values()))

    def keys(self) -> list[str]:
        return list(self._documents)

    def put(self, document: Mapping[str, Any], now: datetime | None = None) -> None:
        """Add or replace. `now` (simulated) records the earlier version for stale reads; None for loading."""
        key = str(document["id"]).lower()
        self._remember(key, now)
        self._documents[key] = dict(document)
        self._children.setdefault(parent_key(key), {})[key] = None
        kind = (subscription_in(key), str(document["type"]).lower())
        self._kinds.setdefault(kind, {})[key] = None
        self._names.setdefault((*kind, key.rpartition("/")[2]), {})[key] = None
        self._grouped.pop(kind, None)

    def remove(self, resource_id: str, now: datetime | None = None) -> Document | None:
        key = resource_id.lower()
        found = self._documents.get(key)
        if found is None:
            return None
        self._remember(key, now)
        del self._documents[key]
        self._children.get(parent_key(key), {}).pop(key, None)
        kind = (subscription_in(key), str(found["type"]).lower())
        self._kinds.get(kind, {}).pop(key, None)
        self._names.get((*kind, key.rpartition("/")[2]), {}).pop(key, None)
        self._grouped.pop(kind, None)
        return found

    def change(self, resource_id: str, now: datetime, **properties: Any) -> Document:
        """Replace some properties of a document; a value of None takes the property away."""
        document = self._documents[resource_id.lower()]
        merged = {**document.get("properties", {}), **properties}
        changed = {**document, "properties": {k: v for k, v in merged.items() if v is not None or k not in properties}}
        self.put(changed, now)
        return changed

    def children(self, resource_id: str, kind: str | None = None) -> list[Document]:
        """Direct children, of one type when `kind` is given, by name."""
        found = (self._documents[key] for key in self._children.get(resource_id.lower(), ()))
        wanted = kind.lower() if kind else None
        return sorted(
            (d for d in found if wanted is None or d["type"].lower() == wanted), key=lambda d: str(d["id"]).lower()
        )

    def tree(self, resource_id: str) -> list[Document]:
        """The document and all below it, parents first; also extension resources on them."""
        root = self.get(resource_id)
        found = [root] if root else []
        for key in list(self._children.get(resource_id.lower(), ())):
            found.extend(self.tree(key))
        return found

    def of_type(self, subscription: str, kind: str) -> list[Document]:
        """All of one type in one subscription, ordered by key."""
        keys = self._kinds.get((subscription.lower(), kind.lower()), {})
        return [self._documents[key] for key in sorted(keys)]

    def named(self, subscription: str, kind: str, name: str) -> list[Document]:
        """Those of one type in one subscription whose ids end in a name, ordered by key; usually one."""
        keys = self._names.get((subscription.lower(), kind.lower(), name.lower()), {})
        return [self._documents[key] for key in sorted(keys)]

    def grouped(self, subscription: str, kind: str, by: Key) -> Mapping[str, list[Document]]:
        """Those of one type in one subscription by what `by` (a module's function) says of each; each group ordered by
        key. Kept until one of them changes."""
        place = (subscription.lower(), kind.lower())
        groups = self._grouped.setdefault(place, {})
        if by not in groups:
            made: dict[str, list[Document]] = {}
            for document in self.of_type(subscription, kind):
                made.setdefault(by(document), []).append(document)
            groups[by] = made
        return groups[by]

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives, kept until any document changes. The last eight are kept."""
        if key not in self._known:
            while len(self._known) >= 8:
                del self._known[next(iter(self._known))]
            self._known[key] = make()
        return self._known[key]

    def kinds(self, subscription: str) -> list[str]:
        """Types (lower case) which have documents in a subscription."""
        return sorted(kind for (sub, kind), keys in self._kinds.items() if sub == subscription.lower() and keys)

    def take_dirty(self) -> dict[str, Document | None]:
        """What changed since the last call: key to document, None for removed."""
        changed = {key: self._documents.get(key) for key in self._dirty}
        self._dirty.clear()
        return changed

    def mark_clean(self) -> None:
        self._dirty.clear()

    def before(self, moment: datetime) -> "Store":
        """The documents as they were at a simulated moment (as far back as the history reaches)."""
        old: dict[str, Document | None] = {}
        for changed_at, key, document in reversed(self._undo):
            if changed_at <= moment:
                break
            old[key] = document
        if not old:
            return self
        past = Store()
        for document in {**self._documents, **old}.values():
            if document is not None:
                past.put(document)
        return past

    def _remember(self, key: str, now: datetime | None) -> None:
        self._dirty[key] = None
        self._known.clear()
        if now is None:
            return
        while self._undo and self._undo[0][0] < now - HISTORY:
            self._undo.popleft()
        self._undo.append((now, key, self._documents.get(key)))


def names(documents: Iterable[Document]) -> list[str]:
    return [str(document["name"]) for document in documents]

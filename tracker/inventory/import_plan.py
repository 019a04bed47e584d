"""What importing a file would do to what is stored, row by row. Writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from migrator.captures.values import SOURCE, Contents, Entry
from migrator.gateway.protocol import Unreadable
from migrator.resources import subscription_of
from tracker.inventory import documents, queries
from tracker.inventory.documents import storable
from tracker.inventory.models import Import, ImportRow, Resource
from tracker.inventory.reading import Reading

Status = ImportRow.Status
_SAID = "%Y-%m-%d %H:%M UTC"


@dataclass(slots=True)
class Stored:
    digest: str
    seen_at: datetime
    gone_at: datetime | None
    from_file: bool
    type: str


@dataclass(slots=True)
class Ground:
    """What is stored of one subscription, and since when Azure's own word on it counts."""

    stored: dict[str, Stored]
    read_at: datetime | None = None
    hidden: Callable[[str, str], bool] | None = None
    papers: dict[str, dict[str, Any]] = field(default_factory=dict)  # documents that partial rows are laid over

    def azure_at(self, key: str, kind: str) -> datetime | None:
        """When Azure last said whether this exists, and as what; None: never."""
        if self.read_at is None or (self.hidden is not None and self.hidden(key, kind)):
            return None
        return self.read_at

    def replaced(self, key: str, kind: str) -> str:
        """The sentence which says what a younger file takes the place of."""
        row, azure_at = self.stored[key], self.azure_at(key, kind)
        at = row.seen_at if azure_at is None or row.from_file else max(row.seen_at, azure_at)
        who = "another file" if row.from_file else "Azure"
        return f"It takes the place of what {who} said at {at:{_SAID}}."

    def younger(self, key: str, kind: str, as_of: datetime) -> str:
        """The sentence why a file of `as_of` does not count for this; empty when it does."""
        row, azure_at = self.stored.get(key), self.azure_at(key, kind)
        if row is None:
            if azure_at is not None and azure_at >= as_of:
                return f"Azure's list of {azure_at:{_SAID}} is younger and does not have it."
            return ""
        if row.gone_at is not None:
            if row.gone_at >= as_of:
                return f"It was seen to be gone at {row.gone_at:{_SAID}}, after the file was made."
            return ""
        at = row.seen_at if azure_at is None else max(row.seen_at, azure_at)
        if at >= as_of:
            what = "another file" if row.from_file and at == row.seen_at else "Azure"
            return f"What {what} said at {at:{_SAID}} is younger and stays."
        return ""


def ground_of(subscription_id: str) -> Ground:
    rows = Resource.objects.filter(subscription=subscription_id).values_list(
        "key", "digest", "seen_at", "gone_at", "document__source", "type"
    )
    stored = {
        key: Stored(digest, seen_at, gone_at, source == SOURCE, kind)
        for key, digest, seen_at, gone_at, source, kind in rows
    }
    latest = queries.latest_reading(subscription_id)
    if latest is None:
        return Ground(stored)
    return Ground(stored, latest.started_at, _hidden(latest.unreadable))


def _hidden(parts: Iterable[Mapping[str, str]]) -> Callable[[str, str], bool]:
    listed = [
        Unreadable(
            resource_id=part.get("resource", ""), action=part.get("action", ""), sentence=part.get("sentence", "")
        )
        for part in parts
    ]
    return Reading(unreadable=listed).hidden()


def load_papers(ground: Ground, keys: list[str]) -> None:
    """Into the ground: the documents which rows that say less than Azure are laid over."""
    wanted = [key for key in keys if key in ground.stored]
    for start in range(0, len(wanted), 1_000):
        batch = wanted[start : start + 1_000]
        found = Resource.objects.filter(key__in=batch, gone_at__isnull=True).values_list("key", "document")
        ground.papers.update(found)


def rows_of(imported: Import, contents: Contents, grounds: Mapping[str, Ground]) -> Iterator[ImportRow]:
    """The rows of the preview in the order of the file, then what the file says is gone."""
    as_of = imported.as_of
    assert as_of is not None  # noqa: S101 - `_age` gave it
    mentioned: set[str] = set()
    regions: dict[str, str] = {}
    for entry in contents.entries:
        if entry.document is not None:
            mentioned.add(str(entry.document["id"]).lower())
        yield _row(imported, entry, grounds, as_of, regions)
    hidden = _hidden(
        {"resource": part.resource_id, "action": part.action, "sentence": part.sentence} for part in contents.unreadable
    )
    for owner in sorted(contents.whole):
        ground = grounds[owner]
        for key, stored in sorted(ground.stored.items()):
            if stored.gone_at is not None or key in mentioned or (contents.unreadable and hidden(key, stored.type)):
                continue
            if ground.younger(key, stored.type, as_of):
                continue
            yield ImportRow(
                imported=imported,
                place="not in the file",
                status=Status.GONE,
                reason="The file lists the whole subscription, and not this.",
                subscription_id=owner,
                key=key,
                azure_id=key,
                type=stored.type,
                name=key.rsplit("/", 1)[-1],
                before=stored.digest,
            )


def _row(
    imported: Import, entry: Entry, grounds: Mapping[str, Ground], as_of: datetime, regions: dict[str, str]
) -> ImportRow:
    made = ImportRow(imported=imported, place=storable(entry.place)[:200], name=storable(entry.name)[:260])
    made.reason = " ".join(entry.notes)
    if entry.refused or entry.left_out or entry.document is None:
        made.status = Status.REFUSED if entry.refused else Status.LEFT_OUT
        made.reason = storable(entry.refused or entry.left_out)
        return made
    owner = subscription_of(str(entry.document["id"]))
    ground = grounds[owner]
    document = dict(entry.document)
    held = ground.papers.get(document["id"].lower()) if entry.partial else None
    if held is not None:
        document = _laid_over(held, document)
    try:
        row = documents.row(document)
    except documents.Unusable as error:
        made.status, made.reason = Status.REFUSED, str(error)
        return made
    region = row.region or regions.get(documents.parent_key(row.key), "")
    regions[row.key] = region
    stored = ground.stored.get(row.key)
    live = stored is not None and stored.gone_at is None
    made.subscription_id, made.key, made.azure_id = owner, row.key, row.azure_id
    made.type, made.name, made.region = row.type, row.name, region
    made.before = stored.digest if stored is not None and live else ""
    if stored is not None and live and _same(row, document, stored):
        made.status = Status.UNCHANGED
    elif why := ground.younger(row.key, row.type, as_of):
        made.status, made.reason = Status.KEPT, why
    else:
        made.status = Status.CHANGED if live else Status.ADDED
        made.text, made.digest = row.text, row.digest
        if live:
            made.reason = f"{ground.replaced(row.key, row.type)} {made.reason}".strip()
    return made


def _same(row: documents.Row, document: Mapping[str, Any], stored: Stored) -> bool:
    """Whether Azure said the same already: where it comes from is no difference in what it says."""
    if row.digest == stored.digest:
        return True
    return documents.row({key: value for key, value in document.items() if key != "source"}).digest == stored.digest


def _laid_over(held: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is known with what a file that says less than Azure says laid over it. `fromFile`: which fields are the
    file's; without it, all are."""
    fields: set[str] = set(held.get("fromFile", ()))
    facts = {key: value for key, value in said.items() if key not in ("source", "read")}
    merged = _merged(held, facts, "", fields)
    if merged == dict(held):
        return merged
    if held.get("source") == SOURCE and "fromFile" not in held:
        return {**merged, "source": SOURCE}
    return {**merged, "source": SOURCE, "fromFile": sorted(fields)}


def _merged(held: Mapping[str, Any], said: Mapping[str, Any], path: str, fields: set[str]) -> dict[str, Any]:
    merged = dict(held)
    for key, value in said.items():
        here = f"{path}.{key}" if path else key
        old = held.get(key)
        if key in ("id", "name", "type") and not path:
            continue
        if key == "location" and not path and old:
            continue
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = _merged(old, value, here, fields)
        elif key not in held or old != value:
            merged[key] = value
            fields.add(here)
    return merged

"""Importing an estate file: a preview row by row, kept and sealed; then exactly that, in one transaction, or nothing.

A file never overwrites a younger reading of Azure, and what a file does not mention is gone only where it says that it
lists its whole subscription. What comes from a file says so (`"source": "file"` in its document) and is as old as the
file (`Resource.seen_at`); the next sync that lists it takes its place.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from migrator.captures.reading import Contents, FileRefused, Hints, Limits, read, shown
from migrator.captures.values import SOURCE
from migrator.gateway.wire import normal_location
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory import documents
from tracker.inventory.actions import applying, leases
from tracker.inventory.actions.subscriptions import is_id
from tracker.inventory.documents import canonical_json, storable
from tracker.inventory.import_plan import ground_of, load_papers, rows_of
from tracker.inventory.models import Import, ImportRow, Resource, Subscription, Sync
from tracker.inventory.reading import Reading

Status = ImportRow.Status
WRITTEN = (Status.ADDED, Status.CHANGED, Status.GONE)
KEPT_FOR = timedelta(hours=24)  # a preview nobody applied is thrown away after that
SWEEP = Actor("system", "sweep", "Sweep")
PER_HOUR = 10  # files of one person (reliability-notes 3.3)
AHEAD = timedelta(minutes=5)  # by which another machine's clock may be wrong
_SAID = "%Y-%m-%d %H:%M UTC"


class ImportRefused(Exception):
    """Nothing was imported; the sentence says why and what to do."""


class ImportMoved(ImportRefused):
    """What the preview was made from is not so any more."""


class ImportClosed(ImportRefused):
    """The preview was applied, discarded or thrown away already."""


class TooManyImports(ImportRefused):
    """Too many files of one person within an hour."""


def preview_import(
    raw: bytes,
    file_name: str,
    *,
    by: Actor,
    now: datetime,
    as_of: datetime | None = None,
    hints: Hints | None = None,
    limits: Limits | None = None,
    most: int | None = PER_HOUR,
) -> Import:
    """Read a file and keep what importing it would do, row by row. Nothing of the inventory changes.

    `as_of`: when a file that does not say it itself was made; `hints.subscription_id`, `.network`, `.region`: what a
    file does not name. `most`: files an hour of one person, None for no limit.
    Raises FileRefused (after recording that), TooManyImports.
    """
    forget_previews(now)
    if most is not None:
        recent = Import.objects.filter(uploaded_by=by.key, uploaded_at__gt=now - timedelta(hours=1)).count()
        if recent >= most:
            raise TooManyImports(f"You gave {recent} files within the hour; {most} are taken. Try again later.")
    name, hints = shown(file_name), hints or Hints()
    row = Import(
        file_name=name[:120],
        file_digest=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        uploaded_at=now,
        uploaded_by=by.key,
    )
    try:
        told = _told(hints, name)
        contents = read(raw, file_name, limits=limits or Limits(), hints=told)
        row.as_of = _age(contents, as_of, name, now)
    except FileRefused as error:
        _refuse_file(row, str(error), by, now)
        raise
    return _keep(row, contents, by, now)


def _told(hints: Hints, name: str) -> Hints:
    subscription_id, network, region = hints.subscription_id.strip().lower(), hints.network.strip(), hints.region
    if subscription_id and not is_id(subscription_id):
        raise FileRefused(f"{name}: {subscription_id[:60]!r} is no subscription id. Write it as Azure does.")
    if not network.isprintable() or "/" in network or len(network) > 120:
        raise FileRefused(f"{name}: {network[:60]!r} is no name of a virtual network.")
    return Hints(
        subscription_id=subscription_id,
        network=network,
        region=normal_location(region)[:40],
        known=names_of(subscription_id),
    )


def names_of(subscription_id: str) -> dict[tuple[str, str], str]:
    """(type, name) → id of everything listed under that name once: what service management knows by name only."""
    found: dict[tuple[str, str], str | None] = {}
    rows = Resource.objects.filter(subscription=subscription_id.strip().lower(), gone_at__isnull=True)
    for kind, name, azure_id in rows.values_list("type", "name", "azure_id"):
        key = (kind.lower(), name.lower())
        found[key] = None if key in found else azure_id
    return {key: azure_id for key, azure_id in found.items() if azure_id is not None}


def _age(contents: Contents, as_of: datetime | None, name: str, now: datetime) -> datetime:
    said = contents.as_of or as_of
    if said is None:
        raise FileRefused(f"{name}: the file does not say when it was made; give its date and time.")
    if said > now + AHEAD:
        raise FileRefused(f"{name}: it says it was made at {said:{_SAID}}, which is still to come. Check the clock.")
    return min(said, now)


def _keep(row: Import, contents: Contents, by: Actor, now: datetime) -> Import:
    with transaction.atomic():
        row.state, row.kind = Import.State.PREVIEWED, contents.kind.value
        grounds = {info.subscription_id: ground_of(info.subscription_id) for info in contents.subscriptions}
        for info in contents.subscriptions:
            partial = [e.document["id"].lower() for e in contents.entries if e.document is not None and e.partial]
            load_papers(grounds[info.subscription_id], partial)
        known = set(Subscription.objects.filter(pk__in=list(grounds)).values_list("pk", flat=True))
        row.subscriptions = [
            {
                "id": info.subscription_id,
                "name": storable(info.display_name)[:200],
                "state": storable(info.state)[:40],
                "tenant": storable(info.tenant_id)[:36],
                "whole": info.subscription_id in contents.whole,
                "new": info.subscription_id not in known,
            }
            for info in contents.subscriptions
        ]
        row.registrations = {owner: dict(listed) for owner, listed in contents.registrations.items()}
        row.usages = [[u.subscription, u.location, u.provider, u.name, u.current, u.limit] for u in contents.usages]
        row.unreadable = [
            {"resource": part.resource_id, "action": part.action, "sentence": part.sentence}
            for part in contents.unreadable
        ]
        row.notes = [*contents.notes, *_younger(row)]
        rows = list(rows_of(row, contents, grounds))
        for number, one in enumerate(rows):
            one.number = number
        row.counts = {status.value: sum(one.status == status for one in rows) for status in Status}
        row.seal = seal_of(row, rows)
        row.save(force_insert=True)
        for batch in applying.batches(rows):
            ImportRow.objects.bulk_create(batch)
        detail = {"name": row.file_name, "file": row.file_digest, "seal": row.seal, "rows": len(rows), **row.counts}
        record("inventory.import_previewed", by=by, object=("import", row.pk), now=now, detail=detail)
    return row


def _younger(row: Import) -> list[str]:
    """What of the file does not count because something younger is known, besides its rows."""
    assert row.as_of is not None  # noqa: S101 - `_age` gave it
    known = Subscription.objects.filter(pk__in=list(row.registrations), registrations_read_at__gt=row.as_of)
    said = [
        f"What {one.name} is registered for was read at {one.registrations_read_at:{_SAID}}, after the file was made: "
        "it stays."
        for one in known
        if row.registrations[one.pk]
    ]
    if row.usages:
        said.append("Its quota numbers count only where nobody has read newer ones.")
    return said


def seal_of(row: Import, rows: Iterable[ImportRow]) -> str:
    """sha256 over everything that applying would write, and what it was held against."""
    listed = [[one.number, one.status, one.key, one.digest, one.before] for one in rows]
    as_of = row.as_of.isoformat() if row.as_of else ""
    whole = [row.file_digest, as_of, row.subscriptions, row.registrations, row.usages, row.unreadable, listed]
    return hashlib.sha256(canonical_json(whole).encode()).hexdigest()


def _refuse_file(row: Import, sentence: str, by: Actor, now: datetime) -> None:
    with transaction.atomic():
        row.state, row.refusal = Import.State.REFUSED, storable(sentence)[:2_000]
        row.closed_at, row.closed_by = now, by.key
        row.save(force_insert=True)
        _tell_refused(row, sentence, by, now)


def _tell_refused(row: Import, sentence: str, by: Actor, now: datetime) -> None:
    detail = {"name": row.file_name, "file": row.file_digest, "cause": storable(sentence)[:500]}
    record("inventory.import_refused", by=by, object=("import", row.pk), now=now, detail=detail, result="denied")


def forget_previews(now: datetime) -> int:
    """Throw away previews nobody applied for a day, and what they held; how many."""
    with transaction.atomic():
        old = Import.objects.filter(state=Import.State.PREVIEWED, uploaded_at__lt=now - KEPT_FOR)
        rows = list(old.select_for_update(skip_locked=True))
        for row in rows:
            _discard(row, SWEEP, now)
    return len(rows)


def discard_import(import_id: object, *, by: Actor, now: datetime) -> None:
    """Throw a preview away: nothing of the inventory changes, and the history says that it was not imported. Raises
    ImportClosed."""
    with transaction.atomic():
        _discard(_open(import_id), by, now)


def _discard(row: Import, by: Actor, now: datetime) -> None:
    row.rows.all().delete()
    row.state, row.closed_at, row.closed_by = Import.State.DISCARDED, now, by.key
    row.save(update_fields=["state", "closed_at", "closed_by"])
    detail = {"name": row.file_name, "file": row.file_digest}
    record("inventory.import_discarded", by=by, object=("import", row.pk), now=now, detail=detail)


def _open(import_id: object) -> Import:
    row = Import.objects.select_for_update().get(pk=import_id)
    if row.state != Import.State.PREVIEWED:
        raise ImportClosed(f"The preview of {row.file_name} was {row.state} already; nothing more was done.")
    return row


def import_estate(import_id: object, *, seal: str, by: Actor, now: datetime) -> applying.Changes:
    """Apply a preview: exactly what it showed, in one transaction, or nothing. `seal`: as the preview showed it.

    Raises ImportRefused (a row is refused; the seal is another's), ImportMoved (what it touches changed meanwhile),
    ImportClosed; all but the last after recording that.
    """
    try:
        with transaction.atomic():
            row = _open(import_id)
            changes = _apply(row, seal, by, now)
            row.state, row.closed_at, row.closed_by = Import.State.APPLIED, now, by.key
            row.save(update_fields=["state", "closed_at", "closed_by"])
            row.rows.update(text="")
            record(
                "inventory.imported",
                by=by,
                object=("import", row.pk),
                now=now,
                detail={
                    "name": row.file_name,
                    "file": row.file_digest,
                    "seal": row.seal,
                    "as_of": row.as_of.isoformat() if row.as_of else "",
                    "subscriptions": [one["id"] for one in row.subscriptions],
                    **changes.detail(),
                },
            )
            return changes
    except ImportClosed:
        raise
    except ImportRefused as error:
        with transaction.atomic():
            _tell_refused(Import.objects.get(pk=import_id), str(error), by, now)
        raise


def claim_import(import_id: object, now: datetime) -> Import | None:
    """The applied import, when nobody has done what follows it (quota, assessment) or is about to; then it is the
    caller's, who keeps it with `import_following`. None otherwise."""
    free = Import.objects.filter(pk=import_id, state=Import.State.APPLIED, followed_at__isnull=True)
    free = free.exclude(lease_until__gt=now)
    return Import.objects.get(pk=import_id) if free.update(lease_until=now + leases.LEASE) else None


def import_following(row: Import, clock: Callable[[], datetime]) -> AbstractContextManager[None]:
    """Around the work after an import: it stays the caller's while the caller lives, and is another's soon after."""
    return leases.kept(Import.objects.filter(pk=row.pk), clock)


def import_followed(row: Import, now: datetime) -> None:
    """Quota was kept and units were assessed after this import; their events tell it."""
    Import.objects.filter(pk=row.pk).update(followed_at=now)


def _apply(imported: Import, seal: str, by: Actor, now: datetime) -> applying.Changes:
    rows = list(imported.rows.order_by("number"))
    if refused := sum(one.status == Status.REFUSED for one in rows):
        what = "1 row is" if refused == 1 else f"{refused} rows are"
        raise ImportRefused(
            f"{what} refused, and a file is imported whole or not at all. Correct the file and give it again."
        )
    if seal != imported.seal or seal_of(imported, rows) != imported.seal:
        raise ImportRefused("What was to be applied is not what was shown. Look at the preview again, then apply it.")
    as_of = imported.as_of
    if as_of is None or imported.uploaded_at < now - KEPT_FOR:
        raise ImportRefused("The preview is older than a day. Give the file again.")
    changes = applying.Changes()
    for told in imported.subscriptions:
        subscription = _subscription(told, by, now)
        own = [one for one in rows if one.subscription_id == subscription.pk]
        with _alone(subscription, by, now):
            _check_still(subscription, own, as_of)
            _write(subscription, own, as_of, changes, by, now)
            _register(subscription, imported.registrations.get(subscription.pk), as_of)
    return changes


def _subscription(told: Mapping[str, Any], by: Actor, now: datetime) -> Subscription:
    made, new = Subscription.objects.select_for_update(no_key=True).get_or_create(
        pk=told["id"], defaults={"name": told["name"], "state": told["state"], "tenant": told["tenant"]}
    )
    if new:
        detail = {"name": made.name, "state": made.state}
        record("subscription.added", by=by, object=("subscription", made.pk), now=now, detail=detail)
    return made


class _alone:
    """No sync of the subscription meanwhile: its place is held, in this transaction, as a sync would hold it."""

    def __init__(self, subscription: Subscription, by: Actor, now: datetime) -> None:
        self.subscription, self.by, self.now = subscription, by, now

    def __enter__(self) -> None:
        try:
            with transaction.atomic():
                self.place = Sync.objects.create(
                    subscription=self.subscription,
                    started_at=self.now,
                    lease_until=self.now,
                    started_by=self.by.key,
                )
        except IntegrityError as error:
            raise ImportMoved(
                f"{self.subscription.name} is being read from Azure just now. Wait for the reading to end, then give "
                "the file again, so that the preview knows what was read."
            ) from error

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.place.delete()


def _check_still(subscription: Subscription, rows: list[ImportRow], as_of: datetime) -> None:
    """Raises ImportMoved unless everything to be written is as it was when the preview was made."""
    ground = ground_of(subscription.pk)
    moved = []
    for one in rows:
        if one.status not in WRITTEN:
            continue
        stored = ground.stored.get(one.key)
        found = stored.digest if stored is not None and stored.gone_at is None else ""
        if found != one.before or ground.younger(one.key, one.type, as_of):
            moved.append(one.name)
    if moved:
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        raise ImportMoved(
            f"Since the preview Azure was read again, or the inventory changed: {', '.join(moved[:3])}{more}. "
            "Give the file again to see what it does now."
        )


def _write(
    subscription: Subscription,
    rows: list[ImportRow],
    as_of: datetime,
    total: applying.Changes,
    by: Actor,
    now: datetime,
) -> None:
    """The resources and their snapshots, as old as the file; then the units drawn anew."""
    keys = [one.key for one in rows if one.status == Status.CHANGED]
    held = dict(Resource.objects.filter(key__in=keys).values_list("key", "sources"))
    written = {
        one.key: documents.Row(
            key=one.key,
            azure_id=one.azure_id,
            type=one.type,
            name=one.name,
            region=one.region,
            text=one.text,
            digest=one.digest,
            sources=canonical_json(_sources(one, held.get(one.key, {}))),
        )
        for one in rows
        if one.status in (Status.ADDED, Status.CHANGED)
    }
    changes = applying.Changes(
        added=[one.key for one in rows if one.status == Status.ADDED],
        changed=[one.key for one in rows if one.status == Status.CHANGED],
        gone=[one.key for one in rows if one.status == Status.GONE],
        unchanged=sum(one.status in (Status.UNCHANGED, Status.KEPT) for one in rows),
    )
    applying._store(subscription, Reading(rows=written, seen=set(written)), now)
    for batch in applying.batches(written):
        Resource.objects.filter(key__in=batch).update(seen_at=as_of)
    for batch in applying.batches(changes.gone):
        Resource.objects.filter(key__in=batch).update(gone_at=now, changed_at=now)
    if changes:
        touched = {*changes.added, *changes.changed, *changes.gone}
        applying.redraw(subscription, touched, changes, by, now)
    for name in ("added", "changed", "gone", "units_added", "units_changed", "units_gone", "undrawn"):
        getattr(total, name).extend(getattr(changes, name))
    total.unchanged += changes.unchanged


def _sources(one: ImportRow, held: Mapping[str, str]) -> dict[str, str]:
    """Who said what (`migrator.gateway.protocol`): the file all of it, or the fields it was laid over with."""
    fields = json.loads(one.text).get("fromFile")
    return {"": SOURCE} if fields is None else {**held, **dict.fromkeys(fields, SOURCE)}


def _register(subscription: Subscription, told: Mapping[str, str] | None, as_of: datetime) -> None:
    """Registrations, where the file has them and they are younger than what was read."""
    read_at = subscription.registrations_read_at
    if not told or (read_at is not None and read_at >= as_of):
        return
    subscription.registrations = {**subscription.registrations, **storable(dict(told))}
    subscription.registrations_read_at = as_of
    subscription.save(update_fields=["registrations", "registrations_read_at"])

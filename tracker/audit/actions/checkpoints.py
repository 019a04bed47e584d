"""Insert now, sequence later: pending events become leaves of the tree, checkpoints speak for them (audit.md 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from tracker.audit import log
from tracker.audit.actions.events import record
from tracker.audit.models import Checkpoint, Event, Leaf
from tracker.audit.values import ENGINE, Actor
from tracker.crash import crashpoint

LOCK = 0x7AC_0001  # pg_advisory_xact_lock: one sequencer at a time, however many run
BATCH = 5_000
SIGN_EVERY = timedelta(seconds=60)


class LogDamaged(RuntimeError):
    """What the database holds is not what was put there. Nothing was signed; the message names the place."""


class KeyChanged(RuntimeError):
    """The last checkpoint was signed with another key or for another origin."""


class NothingToSign(ValueError):
    """There is no event yet."""


def vkey() -> str:
    """The verifier key of this site: what an outsider needs to check its checkpoints."""
    return log.verifier_key(settings.AUDIT_ORIGIN, settings.AUDIT_KEY)


def sequence(now: datetime, limit: int = BATCH) -> int:
    """Move up to `limit` pending events into the tree, oldest first; how many. 0 also when another one is at it.

    Leaves, pending rows and the unsigned checkpoint change in one transaction: a crash leaves all or nothing of it.
    """
    with transaction.atomic(durable=True):
        if not _lock(wait=False):
            return 0
        return _append(now, limit)


def sign_checkpoint(now: datetime, reason: str) -> Checkpoint:
    """Sequence what is pending and sign a statement about all of it; the newest one if nothing was added since.

    Before signing, every event since the last signed checkpoint is read again from disk and hashed again (one flipped
    bit ended the CT log Yeti 2022). Raises LogDamaged, KeyChanged, NothingToSign; then nothing is signed.
    """
    with transaction.atomic(durable=True):
        _lock(wait=True)
        while _append(now, BATCH):
            pass
        newest = Checkpoint.objects.order_by("-size").first()
        if newest is None:
            raise NothingToSign("There is no event yet, so there is nothing to sign.")
        if newest.note:
            return newest
        signed = Checkpoint.objects.exclude(note="").order_by("-size").first()
        tree = _rehash(_trusted(signed), newest.size)
        if tree.root() != bytes(newest.root):
            raise LogDamaged(f"The tree over {newest.size} events does not fold to the root it was stored with.")
        newest.note = log.sign(settings.AUDIT_ORIGIN, newest.size, tree.root(), settings.AUDIT_KEY)
        newest.reason, newest.at = reason, now
        newest.save(update_fields=["note", "reason", "at"])
        record(
            "audit.checkpoint_signed",
            by=ENGINE,
            object=("checkpoint", newest.size),
            now=now,
            detail={"size": newest.size, "root": tree.root().hex(), "cause": reason},
        )
        return newest


def tick(now: datetime) -> int:
    """What the clock asks for every few seconds: sequence everything; sign if a minute passed and something happened,
    or at once when an approval was decided or a commit was armed (audit.md 3).

    Returns how many events were sequenced. A damaged log is told once, as an event, and raised every time.
    """
    moved = 0
    while batch := sequence(now):
        moved += batch
    if moved:
        crashpoint("C25")
    signed = Checkpoint.objects.exclude(note="").order_by("-size").first()
    told = _news(signed.size if signed else 0)
    overdue = signed is None or signed.at <= now - SIGN_EVERY
    if "weighty" in told or ("something" in told and overdue):
        try:
            sign_checkpoint(now, "approval" if "weighty" in told else "minute")
            crashpoint("C26")
        except LogDamaged as damage:
            _tell(damage, now)
            raise
    return moved


def _news(since: int) -> set[str]:
    """What was sequenced since a checkpoint: nothing, `something`, or something `weighty` that is signed at once."""
    # The event that tells of a signature is no reason for another signature.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT CASE WHEN e.type IN ('approval.approved', 'approval.rejected', 'approval.revoked')"
            " OR (e.type = 'operation.armed' AND e.body LIKE '%%\"verb\":\"commit\"%%')"
            " THEN 'weighty' ELSE 'something' END"
            " FROM tracker_leaf l JOIN tracker_event e ON e.id = l.event_id WHERE l.seq >= %s AND e.type <> %s",
            [since, "audit.checkpoint_signed"],
        )
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True)
class Verification:
    """What a full check of the stored history found. `problem` is empty when all is well."""

    events: int
    checkpoints: int
    root: str
    problem: str = ""


def verify(now: datetime, *, by: Actor = ENGINE) -> Verification:
    """Hash the whole stored history again, check it against every signed checkpoint, record it as `audit.verified`."""
    tree, checked, problem = log.Tree(), 0, ""
    try:
        notes = list(Checkpoint.objects.exclude(note="").order_by("size").values_list("size", "note"))
        for size, note in notes:
            tree = _rehash(tree, size)
            if log.opened(note, vkey()) != (size, tree.root()):
                raise LogDamaged(f"The first {size} events do not match the checkpoint signed over them.")
            checked += 1
        tree = _rehash(tree, Leaf.objects.count())
        _count(tree.size)
    except (LogDamaged, log.BadNote) as damage:
        problem = str(damage)
    found = Verification(tree.size, checked, tree.root().hex(), problem)
    with transaction.atomic():
        record(
            "audit.verified",
            by=by,
            object=("history", settings.AUDIT_ORIGIN),
            now=now,
            detail={"count": found.events, "checkpoints": checked, "root": found.root}
            | ({"cause": problem} if problem else {}),
            result="failed" if problem else "done",
        )
    return found


def _lock(*, wait: bool) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_{'' if wait else 'try_'}advisory_xact_lock(%s)", [LOCK])
        return wait or bool(cursor.fetchone()[0])


def _append(now: datetime, limit: int) -> int:
    """One batch, oldest first. Ids are uuid7, so their order is the order of the events' times (values.uuid7)."""
    newest = Checkpoint.objects.order_by("-size").first()
    tree = log.Tree.stored(newest.size, newest.frontier) if newest else log.Tree()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.body FROM (SELECT event_id FROM tracker_pending ORDER BY event_id LIMIT %s) p"
            " JOIN tracker_event e ON e.id = p.event_id ORDER BY e.id",
            [limit],
        )
        rows = cursor.fetchall()
        if not rows:
            return 0
        crashpoint("C23")
        first, hashes = tree.size, []
        for _, body in rows:
            hashes.append(log.leaf_hash(body))
            tree.push(hashes[-1])
        ids = [identifier for identifier, _ in rows]
        cursor.execute(
            "INSERT INTO tracker_leaf (seq, event_id, hash)"
            " SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[])",
            [list(range(first, tree.size)), ids, hashes],
        )
        cursor.execute("DELETE FROM tracker_pending WHERE event_id = ANY(%s)", [ids])
    values = {"size": tree.size, "root": tree.root(), "frontier": tree.hex(), "at": now, "reason": "sequenced"}
    if newest and not newest.note:
        Checkpoint.objects.filter(pk=newest.pk).update(**values)
    else:
        Checkpoint.objects.create(**values)
    crashpoint("C24")
    return len(rows)


def _trusted(signed: Checkpoint | None) -> log.Tree:
    """The tree of the last signed checkpoint, once its signature and its stored frontier agree with it."""
    if signed is None:
        return log.Tree()
    try:
        size, root = log.opened(signed.note, vkey())
    except log.BadNote as error:
        raise KeyChanged(
            f"The checkpoint over {signed.size} events was not signed by TRACKER_AUDIT_KEY for the origin"
            f" {settings.AUDIT_ORIGIN!r}. Put the former key and origin back; a history has one key."
        ) from error
    tree = log.Tree.stored(signed.size, signed.frontier)
    if (size, root) != (signed.size, tree.root()):
        raise LogDamaged(f"The checkpoint over {size} events was stored with another tree than was signed.")
    return tree


def _rehash(tree: log.Tree, until: int) -> log.Tree:
    """The tree continued to `until` from the events as they are on disk. Raises LogDamaged at the first odd one."""
    for seq, stored, identifier, body in _stored(tree.size, until):
        if seq != tree.size:
            raise LogDamaged(f"The history has no event at place {tree.size}; the next is at {seq}.")
        if body is None:
            raise LogDamaged(f"The event {identifier} at place {seq} is missing from the database.")
        if (found := log.leaf_hash(body)) != bytes(stored):
            raise LogDamaged(f"The event {identifier} at place {seq} is no longer what was hashed when it was written.")
        tree.push(found)
    if tree.size != until:
        raise LogDamaged(f"The history holds {tree.size} events in the tree; {until} were put there.")
    return tree


def _stored(start: int, until: int) -> Iterator[tuple[int, bytes, UUID, str | None]]:
    for page in range(start, until, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT l.seq, l.hash, l.event_id, e.body FROM tracker_leaf l"
                " LEFT JOIN tracker_event e ON e.id = l.event_id WHERE l.seq >= %s AND l.seq < %s ORDER BY l.seq",
                [page, min(page + BATCH, until)],
            )
            yield from cursor.fetchall()


def _count(leaves: int) -> None:
    """Every event is a leaf or pending, never both, never neither."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM tracker_event e LEFT JOIN tracker_leaf l ON l.event_id = e.id"
            " LEFT JOIN tracker_pending p ON p.event_id = e.id"
            " WHERE (l.event_id IS NULL) = (p.event_id IS NULL) ORDER BY e.id LIMIT 1"
        )
        if odd := cursor.fetchone():
            raise LogDamaged(f"The event {odd[0]} is neither in the tree ({leaves} events) nor waiting for it.")


def _tell(damage: LogDamaged, now: datetime) -> None:
    newest = Event.objects.filter(type="audit.damage_found").order_by("-id").values_list("body", flat=True).first()
    cause = str(damage).rstrip(".")
    if newest is None or cause not in newest:
        with transaction.atomic():
            record(
                "audit.damage_found",
                by=ENGINE,
                object=("history", settings.AUDIT_ORIGIN),
                now=now,
                detail={"cause": cause},
                result="failed",
            )

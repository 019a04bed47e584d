"""Switching on the catalogue of rules that waits: a look beforehand at what it would change, then one named action
(decisions/catalogue-in-force.md)."""

from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction

from migrator import readiness
from tracker.accounts import reasons
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.inventory.models import Unit
from tracker.readiness import catalogue, previews
from tracker.readiness.actions.assessing import assess
from tracker.readiness.actions.knowing import know_catalogue, one_at_a_time
from tracker.readiness.catalogue import named
from tracker.readiness.catalogue_models import CatalogueVersion, CatalogueWork

PATIENCE = timedelta(seconds=10)  # for assessments that are being stored at that moment
Kind, State = CatalogueWork.Kind, CatalogueWork.State


class SwitchRefused(Exception):
    """Nothing was switched on; the sentence says why and what to do."""


class NothingWaits(SwitchRefused):
    """The code's catalogue is in force, or it is not the one that was shown."""


class PreviewNeeded(SwitchRefused):
    """Nobody looked yet at what it would change, the look is not finished, or it is older than the inventory."""


class StillSwitching(SwitchRefused):
    """Units are still being assessed with the catalogue that was switched on last."""


def preview_catalogue(*, by: User, now: datetime) -> CatalogueWork:
    """Ask what switching on the waiting catalogue would change. A look under way serves everybody; a finished one is
    brought up to date with the units that moved since. Raises Denied, NothingWaits."""
    check(by, Permission.SWITCH_CATALOGUE, ("catalogue", readiness.catalogue_version), now)
    know_catalogue(now)
    with transaction.atomic():
        one_at_a_time()
        base, other = _both()
        running = CatalogueWork.objects.filter(kind=Kind.PREVIEW, state=State.RUNNING).first()
        if running is not None:
            if (running.base_id, running.catalogue_id) == (base.pk, other.pk):
                return running
            CatalogueWork.objects.filter(pk=running.pk).update(state=State.OUTDATED, due_at=None, ended_at=now)
        work = previews.newest(base, other) or CatalogueWork(kind=Kind.PREVIEW, base=base, catalogue=other)
        work.since = work.as_of if work.pk else None
        work.asked_by, work.asked_at, work.as_of, work.due_at = by.actor.key, now, now, now
        work.state, work.ended_at, work.lease_until, work.holder = State.RUNNING, None, None, ""
        work.at_subscription, work.at_unit, work.units = "", 0, 0
        work.total = previews.to_look_at(work).count()
        work.save()
        _forget_others(work)
        detail = {"name": named(other.version), "version": other.version, "units": work.total}
        what = ("catalogue", other.version)
        record("readiness.catalogue_preview_asked", by=by.actor, object=what, now=now, detail=detail)
    return work


def switch_on(version: str, *, reason: str, by: User, now: datetime) -> CatalogueVersion:
    """Put the waiting catalogue in force. Units whose management plane is locked are assessed with it in the same
    transaction, so that no Commit can rest on the former; all others follow by task. `version`: the one the person was
    shown. Raises Denied, SwitchRefused, reasons.BadReason."""
    check(by, Permission.SWITCH_CATALOGUE, ("catalogue", version[:64]), now)
    reason = reasons.clean(reason, "Say why it is switched on; whoever asks later will read it.")
    try:
        with transaction.atomic():
            return _switch_on(version, reason, by, now)
    except OperationalError as error:
        if not any(word in str(error) for word in ("lock timeout", "deadlock")):
            raise
        raise StillSwitching(
            "Assessments are being stored at this moment, and a catalogue is not switched on in the middle of them. "
            "Try again in a minute."
        ) from error


def _switch_on(version: str, reason: str, by: User, now: datetime) -> CatalogueVersion:
    _lock()
    base, other = _both(version)
    if CatalogueWork.objects.filter(kind=Kind.ASSESS, state=State.RUNNING).exists():
        raise StillSwitching("Units are still being assessed with the catalogue switched on last; wait for its end.")
    preview = previews.newest(base, other)
    if preview is None:
        raise PreviewNeeded("Nobody has looked yet at what this catalogue would change; preview it first.")
    if preview.state != State.DONE:
        raise PreviewNeeded("The preview is still under way; wait for its end.")
    if moved := previews.moved_since(preview):
        what = "1 unit has" if moved == 1 else f"{moved:,} units have"
        raise PreviewNeeded(f"{what} changed since the preview; bring it up to date and look again.")
    other.switched_on_at, other.switched_on_by, other.reason = now, by.actor.key, reason
    other.save(update_fields=["switched_on_at", "switched_on_by", "reason"])
    CatalogueWork.objects.create(
        kind=Kind.ASSESS, catalogue=other, base=base, asked_by=by.actor.key, asked_at=now, as_of=now, due_at=now,
        total=Unit.objects.filter(gone_at__isnull=True).count(),
    )  # fmt: skip
    locked = list(catalogue.locked())
    assess(locked, now=now, by=by.actor)
    changes = catalogue.changes(base)
    summary = previews.summary(preview)
    detail = {
        "name": named(other.version),
        "version": other.version,
        "before": base.version,
        "new": len(changes.new),
        "changed": len(changes.changed),
        "removed": len(changes.removed),
        "units": summary.touched,
        "verdicts": summary.moved,
        "locked": len(locked),
    }
    what = ("catalogue", other.version)
    private = {"reason": reason}
    record("readiness.catalogue_switched_on", by=by.actor, object=what, now=now, detail=detail, private=private)
    return other


def _lock() -> None:
    """Nobody stores an assessment or switches on a catalogue until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, TRUE)", [f"{PATIENCE // timedelta(milliseconds=1)}ms"])
    row = catalogue.in_force()
    if row is not None:
        CatalogueVersion.objects.select_for_update().get(pk=row.pk)


def _both(shown: str = "") -> tuple[CatalogueVersion, CatalogueVersion]:
    """The catalogue in force and the one that waits. Raises NothingWaits."""
    row, other = catalogue.in_force(), catalogue.waiting()
    if row is None or row.version == readiness.catalogue_version:
        raise NothingWaits("No catalogue waits: the one of this product is in force.")
    if shown and shown != readiness.catalogue_version:
        raise NothingWaits("The catalogue that waits is not the one you were shown; load the page again.")
    if other is None:
        raise NothingWaits("The catalogue of this product is not noticed yet; try again in a minute.")
    return row, other


def _forget_others(work: CatalogueWork) -> None:
    """What former previews found is no use to anybody; that they were made stays."""
    old = CatalogueWork.objects.filter(kind=Kind.PREVIEW).exclude(pk=work.pk)
    for one in old:
        one.effects.all().delete()

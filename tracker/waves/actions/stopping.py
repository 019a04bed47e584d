"""When nothing may start, or nothing more: the stop switch, and the line of one wave."""

from datetime import datetime

from django.db import transaction

from migrator.resources import Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.inventory.models import Subscription
from tracker.waves import queries
from tracker.waves.actions import shared
from tracker.waves.actions.shared import LONGEST_REASON, BadScope, NotFrozen, NotStopped
from tracker.waves.models import Freeze, Wave


def stop_line(wave: Wave, *, reason: str, by: User, now: datetime) -> None:
    """Nothing new of this wave is armed; what is in flight is read to its end. Raises NotStopped, WaveError without a
    reason."""
    check(by, Permission.FREEZE, ("wave", str(wave.pk)), now)
    reason = shared.reason(reason, "Say why the line stops; people will read it at 2 a.m.")
    with transaction.atomic():
        shared.lock(wave)  # arming holds this row FOR SHARE
        now = shared.once_held(now)
        if not Wave.objects.filter(pk=wave.pk, stopped_at__isnull=True).update(stopped_at=now, stop_reason=reason):
            raise NotStopped(f"The line of wave “{wave.name}” is already stopped.")
        record(
            "wave.stopped",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"name": wave.name},
            private={"reason": reason},
        )


def resume_line(wave: Wave, *, reason: str = "", by: User, now: datetime) -> None:
    """Go on after a stop. Raises NotStopped."""
    check(by, Permission.OPERATE, ("wave", str(wave.pk)), now)
    reason = shared.line(" ".join(reason.split()), "reason", LONGEST_REASON)
    with transaction.atomic():
        if not Wave.objects.filter(pk=wave.pk, stopped_at__isnull=False).update(stopped_at=None, stop_reason=""):
            raise NotStopped(f"The line of wave “{wave.name}” is not stopped.")
        record(
            "wave.resumed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"name": wave.name},
            private={"reason": reason} if reason else {},
        )


def known_scope(scope: str) -> str:
    """A scope as it is kept. Raises BadScope for one of nothing that is known."""
    kind, _, what = scope.partition(":")
    if kind == "region":
        what = what.lower().replace(" ", "")
    plain = what.isprintable() and len(what) <= 70
    match kind:
        case "all":
            known = scope == "all"
        case "verb":
            known = what in list(Verb)
        case "subscription":
            known = plain and Subscription.objects.filter(pk=what).exists()
        case "region":
            known = plain and any(region == what for region in queries.regions())
        case "wave":
            known = what.isascii() and what.isdigit() and len(what) < 18 and Wave.objects.filter(pk=int(what)).exists()
        case _:
            known = False
    if not known:
        raise BadScope(
            "Choose what to freeze: everything, one subscription, region or wave, or one of Validate, Prepare, Abort,"
            " Commit."
        )
    return f"{kind}:{what}" if what else kind


def freeze(scope: str, *, reason: str, by: User, now: datetime) -> Freeze:
    """Stop every new arming in `scope` ("all", "subscription:<id>", "region:<region>", "wave:<id>", "verb:<verb>") at
    once. One person, one reason. Raises BadScope, WaveError."""
    check(by, Permission.FREEZE, ("freeze", scope), now)
    reason = shared.reason(reason, "A freeze needs a reason; people will read it at 2 a.m.")
    scope = known_scope(scope)
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")  # arming holds this row FOR SHARE
        now = shared.once_held(now)
        row, _ = Freeze.objects.update_or_create(
            scope=scope,
            defaults={
                "frozen": True,
                "reason": reason,
                "changed_by": by.actor.key,
                "changed_at": now,
                "lift_asked_by": "",
            },
        )
        record(
            "freeze.engaged",
            by=by.actor,
            object=("freeze", scope),
            now=now,
            detail={"scope": scope},
            private={"reason": reason},
        )
    return row


def lift(scope: str, *, by: User, now: datetime) -> bool:
    """Ask to lift a freeze, or confirm what another person asked. True when it is lifted; needs two people."""
    check(by, Permission.FREEZE, ("freeze", scope), now)
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")
        row = Freeze.objects.select_for_update().filter(scope=scope, frozen=True).first()
        if row is None:
            raise NotFrozen("This freeze is already lifted.")
        if row.kept:
            raise NotFrozen(f"It cannot be lifted yet. {row.kept}")
        if row.lift_asked_by == by.actor.key:
            raise NotFrozen("You already asked to lift it; another person has to confirm.")
        done = bool(row.lift_asked_by)
        row.lift_asked_by = "" if done else by.actor.key
        row.frozen = not done
        if done:  # until then the row says who froze, and when
            row.changed_at, row.changed_by = now, by.actor.key
        row.save()
        kind = "freeze.lifted" if done else "freeze.lift_requested"
        record(kind, by=by.actor, object=("freeze", scope), now=now, detail={"scope": scope})
    return done

"""Capturing what will be dropped, owing it after Commit, and paying it: sent, read back, and only then closed."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from migrator import followups
from migrator.followups import AnswerRefused, Kind, RequiredFollowUp, Stage
from migrator.gateway import wire
from migrator.gateway.protocol import (
    Applied,
    AzureGateway,
    CredentialRefused,
    Document,
    GatewayError,
    NotFound,
    NotPermitted,
    Refused,
    Throttled,
    Unreadable,
)
from migrator.resources import ArmRequest, ResourceType, resource_type
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, Actor
from tracker.followups import queries, sealing, severed, vaulted
from tracker.followups.models import Capture, CapturedSetting, FollowUp
from tracker.followups.pace import Pace, Unpaced
from tracker.inventory.actions import digest_of
from tracker.inventory.models import Unit

LEASE = timedelta(seconds=45)
PROBE_AFTER = timedelta(seconds=2)
AGAIN = timedelta(seconds=20)
CHECKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))  # after it was closed
UNREAD = timedelta(hours=1)  # until a closed one is looked at again that could not be read
NO_READS = "The read budget of the subscription is used up."
UNPACED = Unpaced()
UNOPENED = "A secret answer cannot be read any more, because the key of this product was changed; give it again."
Clock = Callable[[], datetime]
SELDOM = timedelta(minutes=2)  # of what takes the platform long
TRIES = 20
_PARTS = frozenset(  # captures that come back by themselves, or with another one
    kind.lower()
    for kind in (
        ResourceType.PEERING_PROXY,
        ResourceType.CLIENT_ROOT_CERTIFICATE,
        ResourceType.CLIENT_REVOKED_CERTIFICATE,
    )
)


class FollowUpError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed."""


class NotApplicable(FollowUpError):
    """The follow-up is closed, under way, or waits for an answer."""


class WrongAnswer(FollowUpError):
    """An answer does not fit its question."""


def capture(
    unit: Unit,
    *,
    settings: Sequence[Document | Unreadable],
    cut_off: Sequence[Document] = (),
    before: Sequence[Document],
    unreadable: Sequence[Unreadable],
    by: Actor,
    now: datetime,
) -> Capture:
    """Keep everything that Prepare and Commit will drop, as read now, and what was cut off for the move (`cut_off`).
    Incomplete when something could not be read."""
    found = {str(d["id"]).lower(): d for d in (*cut_off, *settings) if not isinstance(d, Unreadable)}
    documents = list(found.values())
    missing = [item for item in settings if isinstance(item, Unreadable)] + list(unreadable)
    with transaction.atomic():
        CapturedSetting.objects.filter(unit=unit, follow_ups__isnull=True).delete()
        CapturedSetting.objects.bulk_create(
            (
                CapturedSetting(
                    unit=unit,
                    source_key=str(document["id"]).lower(),
                    kind=resource_type(str(document["type"])),
                    name=str(document.get("name", ""))[:260],
                    document=document,
                    digest=digest_of(document),
                    captured_at=now,
                )
                for document in documents
            ),
            update_conflicts=True,
            unique_fields=["unit", "source_key"],
            update_fields=["document", "digest", "captured_at", "name", "kind"],
        )
        row = Capture.objects.create(
            unit=unit,
            at=now,
            complete=not missing,
            missing=[{"resource": m.resource_id, "action": m.action, "sentence": m.sentence} for m in missing],
            before=list(before),
            digest=digest_of([sorted(digest_of(d) for d in documents), sorted(digest_of(d) for d in before)]),
        )
        record(
            "settings.captured",
            by=by,
            object=("unit", unit.key),
            now=now,
            detail={
                "name": unit.name,
                "settings": len(documents),
                "missing": len(missing),
                "digest": row.digest,
                "kinds": _count(resource_type(str(d["type"])) for d in documents),
            },
        )
    return row


def _count(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found


def open_for(
    unit: Unit,
    *,
    arm_documents: Sequence[Document],
    removed: Iterable[followups.Removed] = (),
    by: Actor,
    now: datetime,
) -> list[FollowUp]:
    """Owe everything that was captured: one follow-up each, with ready requests; and what is left to people, of it what
    was `removed` before the move. Part of the commit's own transaction; idempotent.
    """
    captured = {row.source_key: row for row in CapturedSetting.objects.filter(unit=unit)}
    owed = _owed(unit, captured, arm_documents, list(removed))
    opened = []
    with transaction.atomic():
        for item in {each.key: each for each in owed}.values():
            if item.kind is Kind.ADMINISTRATOR and _owed_already(item, unit):
                continue
            row, created = FollowUp.objects.get_or_create(
                unit=unit,
                identity=_identity(item),
                defaults={
                    "captured": captured.get(item.captured_id.lower()),
                    "kind": item.kind.value,
                    "title": item.title[:300],
                    "state": queries.state_of(item),
                    "holds": item.kind not in (Kind.WORK, Kind.ADMINISTRATOR),
                    "owner": unit.owner,
                    "due_on": followups.due(item.basis["work"], now.date()) if item.kind is Kind.WORK else None,
                    "rules": list(item.reason_rules),
                    "sources": list(item.sources),
                    "was": list(item.what_was),
                    "notes": list(item.notes),
                    "new_target": item.new_target,
                    "basis": dict(item.basis),
                    "opened_at": now,
                },
            )
            if not created:
                continue
            opened.append(row)
            record(
                "followup.opened",
                by=by,
                object=("follow-up", str(row.pk)),
                now=now,
                detail={
                    "unit": unit.name,
                    "key": unit.key,
                    "name": row.title,
                    "kind": row.kind,
                    "target": row.new_target,
                },
            )
    return opened


def _owed(
    unit: Unit,
    captured: Mapping[str, CapturedSetting],
    arm_documents: Sequence[Document],
    removed: Sequence[followups.Removed],
) -> list[RequiredFollowUp]:
    """What follows from the captured settings, then what only people can do."""
    last = queries.last_capture(unit)
    before = wire.resources(last.before) if last else ()
    owed = followups.required(unit.azure_id, [row.document for row in captured.values()], before, list(arm_documents))
    paid = _paid(owed) | {key for key, row in captured.items() if row.kind.lower() in _PARTS}
    by_fixes = {kept.lower() for each in removed for kept in each.kept}  # owed as what the fix removed
    severed_by_hand = severed.remote_desktop(unit, last.at) if last else ()
    return owed + followups.left_to_people(
        unit.azure_id,
        before,
        [each for each in removed if not each.kept or any(kept.lower() not in paid for kept in each.kept)],
        unread=last.missing if last else (),
        remote_desktop=[one for one in severed_by_hand if one.lower() not in by_fixes],
    )


def _paid(owed: Iterable[RequiredFollowUp]) -> set[str]:
    """Keys of the captures that follow-ups make again: of a peering both sides."""
    paid = set()
    for item in owed:
        paid.add(item.captured_id.lower())
        paid |= {str(side["id"]).lower() for name in ("near", "far") if (side := item.basis.get(name))}
    return paid


def _owed_already(item: RequiredFollowUp, unit: Unit) -> bool:
    """Owed once for a subscription, whichever of its units is committed first; two commits at once take turns here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_identity(item)])
    known = FollowUp.objects.filter(identity=_identity(item), unit__subscription_id=unit.subscription_id)
    return known.exclude(unit=unit).exists()


def _identity(item: RequiredFollowUp) -> str:
    return hashlib.sha256(item.key.encode()).hexdigest()


def answer(follow_up: FollowUp, answers: Mapping[str, str], *, by: User, now: datetime) -> FollowUp:
    """A person answers what no rule can decide. Raises WrongAnswer naming the question, NotApplicable."""
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(follow_up.pk)), now)
    with transaction.atomic():
        row = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
        if row.state not in (FollowUp.State.QUESTION, FollowUp.State.OPEN, FollowUp.State.FAILED):
            raise NotApplicable(f"This follow-up is {row.state}; its answers cannot be changed any more.")
        try:
            value = queries.required(row)
            answered = followups.answered(value, vaulted.taken(value, answers, settings.KEY_VAULTS))
        except AnswerRefused as error:
            raise WrongAnswer(str(error)) from error
        row.answers = sealing.sealed(answered.answers, [one.id for one in answered.questions if one.secret])
        row.state = queries.state_of(answered)
        row.stage, row.sent, row.last_error = 0, False, ""
        row.save(update_fields=["answers", "state", "stage", "sent", "last_error"])
        record(
            "followup.answered",
            by=by.actor,
            object=("follow-up", str(row.pk)),
            now=now,
            detail={
                "unit": row.unit.name,
                "key": row.unit.key,
                "name": row.title,
                "answers": queries.told(answered),
            },
        )
    return row


def apply(follow_up: FollowUp, *, by: User, now: datetime) -> FollowUp:
    """Ask for the follow-up to be sent; the engine sends, reads back and closes. Raises NotApplicable."""
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(follow_up.pk)), now)
    with transaction.atomic():
        row = FollowUp.objects.select_for_update().select_related("unit").get(pk=follow_up.pk)
        if row.state == FollowUp.State.QUESTION:
            raise NotApplicable("This follow-up waits for an answer; give it first.")
        if row.state == FollowUp.State.TODO:
            raise NotApplicable("No request does this; do it, and say so.")
        if row.wont_at is not None:
            raise NotApplicable("Somebody asks that this be left undone; another person decides that first.")
        if row.state not in (FollowUp.State.OPEN, FollowUp.State.FAILED):
            raise NotApplicable(f"This follow-up is {row.state} already.")
        if not queries.required(row).stages:
            raise NotApplicable(UNOPENED)
        row.state, row.wanted_by, row.wanted_at, row.due_at = FollowUp.State.WANTED, by.actor.key, now, now
        row.tries, row.last_error, row.sent = 0, "", False
        row.save(update_fields=["state", "wanted_by", "wanted_at", "due_at", "tries", "last_error", "sent"])
        record(
            "followup.applied",
            by=by.actor,
            object=("follow-up", str(row.pk)),
            now=now,
            detail={
                "unit": row.unit.name,
                "key": row.unit.key,
                "name": row.title,
                "kind": row.kind,
                "target": row.new_target,
            },
        )
    return row


def apply_many(ids: Iterable[int], *, by: User, now: datetime) -> list[FollowUp]:
    """`apply` for every one of these that is open, in one transaction. Those that moved on meanwhile are left as they
    are; raises NotApplicable when that is all of them."""
    wanted = sorted(set(ids))
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(wanted[0]) if wanted else ""), now)
    with transaction.atomic():
        locked = FollowUp.objects.select_for_update().filter(
            pk__in=wanted, state=FollowUp.State.OPEN, wont_at__isnull=True
        )
        applied = [apply(row, by=by, now=now) for row in locked.order_by("pk")]
        if not applied:
            raise NotApplicable("None of these follow-ups is open and ready; there is nothing to apply.")
    return applied


def probe(follow_up: FollowUp, *, by: User, now: datetime) -> FollowUp:
    """Ask for a look at the platform now, without sending anything: closes what is seen, reopens what is no longer
    there.
    """
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(follow_up.pk)), now)
    with transaction.atomic():
        row = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
        if row.state == FollowUp.State.QUESTION:
            raise NotApplicable("This follow-up waits for an answer; there is nothing to look for yet.")
        if queries.required(row).by_hand or row.closed_how in (FollowUp.Closing.ATTESTED, FollowUp.Closing.WONT_DO):
            raise NotApplicable("No read of Azure tells whether this is done.")
        row.due_at = now
        row.save(update_fields=["due_at"])
    return row


def advance(
    follow_up_id: int,
    *,
    gateway: Callable[[str], AzureGateway],
    clock: Clock,
    pace: Pace = UNPACED,
    secret: vaulted.Read = vaulted.no_vaults,
) -> str:
    """One step of one follow-up: one request sent, or one probe read. Every request is a PUT of the same thing, so a
    step that was cut short is simply done again. `pace`: what freezes and budgets say to it; `secret` reads the secrets
    that stay in a Key Vault."""
    now = clock()
    claimed = (
        FollowUp.objects.filter(pk=follow_up_id, due_at__lte=now)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(lease_until=now + LEASE)
    )
    if not claimed:
        return "not due"
    row = FollowUp.objects.select_related("unit").get(pk=follow_up_id)
    value = queries.required(row)
    stages = value.stages
    if not stages:  # it had some when somebody applied it
        return _unopened(row, clock())
    azure = gateway(row.unit.subscription_id)
    try:
        if row.state == FollowUp.State.WANTED and not row.sent:
            return _send(row, vaulted.resolved(value, secret).stages, azure, clock, pace)
        if wait := pace.no_reads(row.unit, clock):
            return _later(row, clock(), NO_READS, timedelta(seconds=wait), count=False)
        if vaulted.looked_for(_looked_at(row, stages)):
            value = vaulted.resolved(value, secret)
        with pace.reads(azure, row.unit, clock):
            return _probe(row, value, azure, clock)
    except AnswerRefused as error:  # what stands in the Key Vault does not fit
        return _failed(row, error, clock())
    except Throttled as error:
        return _later(row, clock(), error, timedelta(seconds=error.retry_after or AGAIN.total_seconds()), count=False)
    except GatewayError as error:
        if error.code == "RoleAssignmentExists" and (said := _stands_already(row, stages, azure, clock())):
            return said
        final = (
            error.applied is Applied.NO
            and not isinstance(error, CredentialRefused)
            and (bool(error.code) or isinstance(error, Refused))
        )
        if row.state == FollowUp.State.CLOSED:
            return _later(row, clock(), error, UNREAD, count=False)  # what was seen stays seen until a read says no
        if final or row.tries + 1 >= TRIES:
            return _failed(row, error, clock())
        return _later(row, clock(), error, AGAIN)


def _unopened(row: FollowUp, now: datetime) -> str:
    """A secret answer cannot be opened any more. What was seen before stays seen; what was not sent is not."""
    if row.state == FollowUp.State.CLOSED:
        FollowUp.objects.filter(pk=row.pk).update(due_at=None, lease_until=None, last_error=UNOPENED)
        return "closed, and cannot be looked at again"
    return _failed(row, FollowUpError(UNOPENED), now)


def _stands_already(row: FollowUp, stages: Sequence[Stage], azure: AzureGateway, now: datetime) -> str:
    """The same grant stands under another name: from now on that one is looked at. "" when it cannot be found."""
    request = stages[row.stage].request
    listed = azure.send(ArmRequest(method="GET", path=request.path.rpartition("/")[0], api_version=request.api_version))
    found = followups.standing(request, (listed.body or {}).get("value") or ())
    if not found:
        return ""
    row.basis = {**row.basis, "standing": found}
    FollowUp.objects.filter(pk=row.pk).update(
        basis=row.basis, sent=True, applied_at=now, due_at=now, lease_until=None, last_error=""
    )
    return "stands there already, under another name"


def _send(row: FollowUp, stages: Sequence[Stage], azure: AzureGateway, clock: Clock, pace: Pace) -> str:
    stage = stages[row.stage]
    with transaction.atomic():  # intent before action
        if (stopped := pace.stopped(row.unit, clock())) is not None:
            why, seconds = stopped
            return _later(row, clock(), why, timedelta(seconds=seconds), count=False)
        record(
            "followup.sent",
            by=ENGINE,
            object=("follow-up", str(row.pk)),
            now=clock(),
            detail={
                "unit": row.unit.name,
                "key": row.unit.key,
                "name": row.title,
                "stage": row.stage + 1,
                "of": len(stages),
                "method": stage.request.method,
                "path": stage.request.path,
            },
        )
    azure.send(stage.request)
    now = clock()
    FollowUp.objects.filter(pk=row.pk).update(
        sent=True, applied_at=now, due_at=now + PROBE_AFTER, lease_until=None, last_error=""
    )
    return f"sent stage {row.stage + 1}"


def _probe(row: FollowUp, value: RequiredFollowUp, azure: AzureGateway, clock: Clock) -> str:
    stages = value.stages
    settled, stage = _settled(row), _looked_at(row, stages)
    try:
        missing = followups.matches(stage.probe, azure.send(stage.probe.request).body or {})
    except NotFound:
        missing = ["it is not there"]
    missing = queries.shown(value, missing)  # told in pages and events: without a secret answer
    now = clock()
    if not missing and not settled and row.stage + 1 < len(stages):
        FollowUp.objects.filter(pk=row.pk).update(
            stage=row.stage + 1, sent=False, probed_at=now, probe_says=[], due_at=now, lease_until=None, tries=0
        )
        return f"stage {row.stage + 1} seen"
    if not missing:
        return _seen(row, stage, now)
    if row.state == FollowUp.State.CLOSED:
        return _reopen(row, missing, now)
    again = None if settled else now + (AGAIN if row.tries < TRIES else SELDOM)
    if not settled and row.tries + 1 >= TRIES and not _still_made(row, stage, now):
        return _failed(row, FollowUpError(f"sent, but never seen: {'; '.join(missing[:3])}"), now)
    FollowUp.objects.filter(pk=row.pk).update(
        probed_at=now, probe_says=missing, due_at=again, lease_until=None, tries=row.tries + (0 if settled else 1)
    )
    return f"not seen: {'; '.join(missing[:3])}"


def _settled(row: FollowUp) -> bool:
    """Whether nothing of it is under way, so that a look is at the whole."""
    return row.state in (FollowUp.State.CLOSED, FollowUp.State.OPEN, FollowUp.State.FAILED)


def _looked_at(row: FollowUp, stages: Sequence[Stage]) -> Stage:
    return stages[-1 if _settled(row) else row.stage]


def _still_made(row: FollowUp, stage: Stage, now: datetime) -> bool:
    """Whether the platform may still be making it: a gateway takes most of an hour."""
    return row.applied_at is not None and now < row.applied_at + timedelta(minutes=stage.minutes)


def _seen(row: FollowUp, stage: Stage, now: datetime) -> str:
    first = row.state != FollowUp.State.CLOSED
    with transaction.atomic():
        FollowUp.objects.filter(pk=row.pk).update(
            state=FollowUp.State.CLOSED,
            closed_at=now if first else row.closed_at,
            closed_how="seen",
            probed_at=now,
            probe_says=[],
            due_at=_next_check(row, first=first, now=now),
            checks=0 if first else row.checks + 1,
            tries=0,
            lease_until=None,
            last_error="",
            stage=max(row.stage, 0),
        )
        if first:
            record(
                "followup.closed",
                by=ENGINE,
                object=("follow-up", str(row.pk)),
                now=now,
                detail={
                    "unit": row.unit.name,
                    "key": row.unit.key,
                    "name": row.title,
                    "how": "seen",
                    "probe": stage.probe.request.path,
                },
            )
    return "seen, closed"


def _next_check(row: FollowUp, *, first: bool, now: datetime) -> datetime | None:
    """What was seen is looked at again by itself, so that what somebody deletes again is not taken for done."""
    done = 0 if first else row.checks + 1
    return now + CHECKS[done] if done < len(CHECKS) else None


def _reopen(row: FollowUp, missing: list[str], now: datetime) -> str:
    with transaction.atomic():
        FollowUp.objects.filter(pk=row.pk).update(
            state=FollowUp.State.OPEN,
            closed_at=None,
            closed_how="",
            probed_at=now,
            probe_says=missing,
            due_at=None,
            lease_until=None,
            stage=0,
            sent=False,
        )
        record(
            "followup.reopened",
            by=ENGINE,
            object=("follow-up", str(row.pk)),
            now=now,
            detail={"unit": row.unit.name, "key": row.unit.key, "name": row.title, "missing": missing[:10]},
        )
    return "no longer there, reopened"


def _later(row: FollowUp, now: datetime, error: Exception | str, wait: timedelta, *, count: bool = True) -> str:
    FollowUp.objects.filter(pk=row.pk).update(
        due_at=now + wait, lease_until=None, last_error=str(error)[:1000], tries=row.tries + (1 if count else 0)
    )
    return f"again later: {error}"


def _failed(row: FollowUp, error: Exception, now: datetime) -> str:
    words = str(error)
    if isinstance(error, NotPermitted):
        words = f"{words} Give the credential this right, then apply again."
    with transaction.atomic():
        FollowUp.objects.filter(pk=row.pk).update(
            state=FollowUp.State.FAILED, last_error=words[:1000], due_at=None, lease_until=None
        )
        record(
            "followup.failed",
            by=ENGINE,
            object=("follow-up", str(row.pk)),
            now=now,
            detail={"unit": row.unit.name, "key": row.unit.key, "name": row.title},
            private={"cause": words[:1000]},
        )
    return f"failed: {words}"

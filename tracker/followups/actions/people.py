"""What people do with follow-ups beside answering and applying: who sees to it and by when; that it is done, where no
read can tell; that it will not be done, which takes two.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.followups import queries
from tracker.followups.actions.carrying import FollowUpError, NotApplicable
from tracker.followups.models import FollowUp

LONGEST_OWNER, LONGEST_WORDS = 120, 1000
FURTHEST = timedelta(days=3660)
SOON = 7  # days before the day at which somebody is reminded
LATE = -1
State, Closing = FollowUp.State, FollowUp.Closing
UNSENT = (State.QUESTION, State.TODO, State.OPEN, State.FAILED)


class BadWords(FollowUpError):
    """A text or a day that cannot be kept; the sentence says why."""


def words(text: str, what: str) -> str:
    """A reason as it is kept. Raises BadWords."""
    text = text.strip()
    if not text:
        raise BadWords(f"{what}; people will read it later.")
    if "\x00" in text or len(text) > LONGEST_WORDS:
        raise BadWords(f"The text has a NUL character or more than {LONGEST_WORDS:,} characters; shorten it.")
    return text


def assign(follow_up: FollowUp, *, owner: str, due_on: date | None, by: User, now: datetime) -> FollowUp:
    """Say who sees to it, and by when. Raises BadWords, NotApplicable when it is closed."""
    may_apply = by.may(Permission.APPLY_FOLLOW_UP)
    check(by, Permission.APPLY_FOLLOW_UP if may_apply else Permission.PLAN, ("follow-up", str(follow_up.pk)), now)
    owner = " ".join(owner.split())
    if len(owner) > LONGEST_OWNER or not owner.isprintable():
        raise BadWords(f"The owner is a name of at most {LONGEST_OWNER} characters on one line.")
    if due_on is not None and abs(due_on - now.date()) > FURTHEST:
        raise BadWords("The day is more than ten years away; check its year.")
    with transaction.atomic():
        row = _locked(follow_up)
        if row.state == State.CLOSED:
            raise NotApplicable("This follow-up is closed; nobody has to see to it any more.")
        if (row.owner, row.due_on) == (owner, due_on):
            return row
        row.reminded = 0 if row.due_on != due_on else row.reminded
        row.owner, row.due_on = owner, due_on
        row.save(update_fields=["owner", "due_on", "reminded"])
        _record("followup.assigned", row, by, now, {"due": due_on.isoformat() if due_on else ""}, {"owner": owner})
    return row


def attest(follow_up: FollowUp, *, said: str, by: User, now: datetime) -> FollowUp:
    """A named person says that work no read can prove is done. Raises NotApplicable for what a probe closes, BadWords
    without words."""
    check(by, Permission.ATTEST, ("follow-up", str(follow_up.pk)), now)
    said = words(said, "Say what was done, and where it can be seen")
    with transaction.atomic():
        row = _locked(follow_up)
        if not queries.required(row).by_hand:
            raise NotApplicable("A probe closes this follow-up when it sees the result; nobody's word does.")
        _open(row)
        row.attested_by, row.attested_at, row.attestation = by.actor.key, now, said
        _close(row, Closing.ATTESTED, now, ["attested_by", "attested_at", "attestation"])
        detail = {"how": str(Closing.ATTESTED)}
        _record("followup.closed", row, by, now, detail, {"cause": said})
    return row


def ask_wont_do(follow_up: FollowUp, *, why: str, by: User, now: datetime) -> FollowUp:
    """Ask that it not be done; another person has to agree. Raises NotApplicable, BadWords."""
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(follow_up.pk)), now)
    why = words(why, "Say why it need not be done")
    with transaction.atomic():
        row = _locked(follow_up)
        _open(row)
        if row.wont_at is not None:
            raise NotApplicable("Somebody asked for that already; another person has to decide.")
        row.wont_by, row.wont_at, row.wont_why = by.actor.key, now, why
        row.save(update_fields=["wont_by", "wont_at", "wont_why"])
        _record("followup.wont_do_asked", row, by, now, {}, {"reason": why})
    return row


def decide_wont_do(follow_up: FollowUp, *, agree: bool, reason: str = "", by: User, now: datetime) -> FollowUp:
    """Agree that it is not done, which closes it, or decline, which leaves it owed. Raises NotApplicable: nobody asked,
    it was sent meanwhile, or one's own wish; BadWords: declined without a reason."""
    check(by, Permission.APPROVE, ("follow-up", str(follow_up.pk)), now)
    with transaction.atomic():
        row = _locked(follow_up)
        if row.wont_at is None:
            raise NotApplicable("Nobody asks that this be left undone, or somebody decided already.")
        if row.wont_by == by.actor.key:
            raise NotApplicable("You asked for it yourself; another person has to decide.")
        _open(row)
        if agree:
            row.agreed_by, row.agreed_at = by.actor.key, now
            _close(row, Closing.WONT_DO, now, ["agreed_by", "agreed_at"])
            _record("followup.closed", row, by, now, {"how": str(Closing.WONT_DO)}, {"cause": row.wont_why})
            return row
        reason = words(reason, "Say why it has to be done")
        row.wont_by, row.wont_at, row.wont_why = "", None, ""
        row.save(update_fields=["wont_by", "wont_at", "wont_why"])
        _record("followup.wont_do_declined", row, by, now, {}, {"reason": reason})
    return row


def reopen(follow_up: FollowUp, *, why: str, by: User, now: datetime) -> FollowUp:
    """What a person's word closed is owed again. What a probe saw is asked of the probe instead. Raises NotApplicable,
    BadWords."""
    check(by, Permission.APPLY_FOLLOW_UP, ("follow-up", str(follow_up.pk)), now)
    why = words(why, "Say why it has to be done after all")
    with transaction.atomic():
        row = _locked(follow_up)
        if row.state != State.CLOSED or row.closed_how == Closing.SEEN:
            raise NotApplicable("Only what was closed by somebody's word can be opened again like this.")
        row.state = queries.state_of(queries.required(row))
        row.closed_at, row.closed_how = None, ""
        row.wont_by, row.wont_at, row.wont_why, row.agreed_by, row.agreed_at = "", None, "", "", None
        row.save()
        _record("followup.reopened", row, by, now, {}, {"cause": why})
    return row


def remind(now: datetime) -> int:
    """Tell of what is due within a week, and of what is late; each once. Returns how many."""
    today = now.date()
    told = 0
    late = FollowUp.objects.filter(due_on__lt=today).exclude(reminded=LATE)
    soon = FollowUp.objects.filter(due_on__range=(today, today + timedelta(days=SOON)), reminded=0)
    for mark, rows in ((LATE, late), (SOON, soon)):
        for row in rows.filter(closed_at__isnull=True).exclude(state=State.CLOSED).select_related("unit")[:500]:
            with transaction.atomic():
                changed = FollowUp.objects.filter(pk=row.pk, reminded=row.reminded, due_on=row.due_on)
                if not changed.exclude(state=State.CLOSED).update(reminded=mark):
                    continue
                left = (row.due_on - today).days  # type: ignore[operator]
                _record("followup.reminded", row, None, now, {"days": left, "due": row.due_on.isoformat()}, {})  # type: ignore[union-attr]
                told += 1
    return told


def _locked(follow_up: FollowUp) -> FollowUp:
    rows = FollowUp.objects.select_for_update(of=("self",)).select_related("unit")
    return rows.get(pk=follow_up.pk)


def _open(row: FollowUp) -> None:
    if row.state == State.CLOSED:
        raise NotApplicable("This follow-up is closed already.")
    if row.state not in UNSENT:
        raise NotApplicable(f"This follow-up is {row.state}: it is on its way; wait until it was seen, or failed.")


def _close(row: FollowUp, how: str, now: datetime, fields: list[str]) -> None:
    row.state, row.closed_at, row.closed_how, row.due_at, row.last_error = State.CLOSED, now, how, None, ""
    row.save(update_fields=["state", "closed_at", "closed_how", "due_at", "last_error", *fields])


def _record(
    kind: str, row: FollowUp, by: User | None, now: datetime, detail: dict[str, object], private: dict[str, str]
) -> None:
    said = {"unit": row.unit.name, "key": row.unit.key, "name": row.title} | detail
    record(
        kind, by=by.actor if by else ENGINE, object=("follow-up", str(row.pk)), now=now, detail=said,
        private={key: value for key, value in private.items() if value},
    )  # fmt: skip

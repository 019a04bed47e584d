"""What every action on waves shares: the errors, the words as they are kept, and what a change of content does."""

from datetime import datetime
from unicodedata import normalize

from django.db import connection

from tracker.accounts.models import User
from tracker.audit.actions import record
from tracker.waves import queries
from tracker.waves.models import Approval, Wave


class WaveError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed."""


class NameTaken(WaveError):
    """A wave of this name exists."""


class BadWindow(WaveError):
    """The window ends before it opens, or lies in the past."""


class NotPlaceable(WaveError):
    """The unit cannot go into a wave now: blocked, excluded, under way, gone, or already in another wave."""


class NotRemovable(WaveError):
    """The unit is under way."""


class NotReady(WaveError):
    """The wave cannot be submitted: the sentence names what is missing."""


class NotOpen(WaveError):
    """The approval is decided, voided or expired."""


class OwnRequest(WaveError):
    """The approver asked for it or edited it last."""


class PlanChanged(WaveError):
    """What was shown is not what is there now; `moved` lists the fields."""

    def __init__(self, sentence: str, moved: list[str]) -> None:
        super().__init__(sentence)
        self.moved = moved


class NotStopped(WaveError):
    """The line is stopped already, or is not stopped."""


class BadScope(WaveError):
    """A freeze is of everything, of a known subscription or of one of the four verbs."""


class NotFrozen(WaveError):
    """There is nothing to lift, or the same person asked for the lifting."""


LONGEST_NAME, LONGEST_REASON, LONGEST_TEXT = 120, 300, 2_000


def words(name: str, purpose: str, owner: str) -> tuple[str, str, str]:
    """Name, purpose and owner as they are kept: composed letters, no control characters, not too long."""
    clean = line(name, "name", LONGEST_NAME)
    if not clean:
        raise WaveError("A wave needs a name.")
    return clean, paragraph(purpose, "purpose"), line(owner, "owner", LONGEST_NAME)


def paragraph(text: str, what: str) -> str:
    clean = normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(clean) > LONGEST_TEXT:
        raise WaveError(f"The {what} has {len(clean)} characters; {LONGEST_TEXT} fit.")
    if not clean.replace("\n", " ").replace("\t", " ").isprintable():
        raise WaveError(f"The {what} holds an invisible or control character; write it again.")
    return clean


def line(text: str, what: str, longest: int) -> str:
    clean = normalize("NFC", text).strip()
    if len(clean) > longest:
        raise WaveError(f"The {what} has {len(clean)} characters; {longest} fit.")
    if not clean.isprintable():
        raise WaveError(f"The {what} holds a line break or an invisible character; write it as one line.")
    return clean


def reason(text: str, wanted: str) -> str:
    """A reason as one line. Raises WaveError with `wanted` when it is empty, or when it cannot be kept."""
    clean = line(" ".join(text.split()), "reason", LONGEST_REASON)
    if not clean:
        raise WaveError(wanted)
    return clean


def void(approval: Approval, reason: str, *, by: User, now: datetime) -> None:
    if approval.voided_at is not None:
        return
    Approval.objects.filter(pk=approval.pk).update(voided_at=now, void_reason=reason[:300] or "withdrawn")
    record(
        "approval.voided",
        by=by.actor,
        object=("approval", str(approval.pk)),
        now=now,
        detail={"cause": reason[:300] or "withdrawn", "seal": approval.digest},
    )


def once_held(now: datetime) -> datetime:
    """The time from which a stop holds: the database's, once its lock is held, and not before `now`. What was armed
    while somebody waited for the lock came before the stop, and the history has to say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(%s, clock_timestamp())", [now])
        return cursor.fetchone()[0]


def lock(wave: Wave) -> Wave:
    """Against other edits and armings; rows that only refer to the wave, such as a run that starts, need not wait."""
    return Wave.objects.select_for_update(no_key=True).get(pk=wave.pk)


def edited(wave: Wave, by: User, now: datetime, what: str, *, fields: list[str] | None = None) -> None:
    """A change of content: remember the editor, and void what was agreed about the earlier content."""
    wave.edited_by, wave.edited_at = by, now
    wave.save(update_fields=["edited_by", "edited_at", *(fields or [])])
    approval = queries.open_wave_approval(wave)
    if approval is not None:
        void(approval, what, by=by, now=now)

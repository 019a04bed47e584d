"""Somebody takes requests along to send them by hand. What they do with them Azure shows, and the probe sees."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.followups.models import FollowUp


@transaction.atomic
def take_along(follow_up: FollowUp, *, file: str, digest: str, by: Actor, now: datetime) -> None:
    """One file of one follow-up. `digest`: SHA-256 of it; nothing else is kept."""
    detail = {
        "unit": follow_up.unit.name,
        "key": follow_up.unit.key,
        "name": follow_up.title,
        "file": file,
        "digest": digest,
    }
    record("followup.taken_along", by=by, object=("follow-up", str(follow_up.pk)), now=now, detail=detail)


@transaction.atomic
def take_wave_along(
    wave: tuple[str, str], *, follow_ups: int, files: Sequence[str], digest: str, by: Actor, now: datetime
) -> None:
    """The files of a wave's follow-ups. `wave`: its id and name; `digest`: SHA-256 of the archive."""
    pk, name = wave
    detail = {"name": name, "count": follow_ups, "files": len(files), "digest": digest}
    record("followup.wave_taken_along", by=by, object=("wave", pk), now=now, detail=detail)

"""What a change of the database stops at once: everything, and every agreement (reliability-notes 4.9). Called inside
the transaction of `runs.actions.epoch`."""

from datetime import datetime

from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.waves.models import Approval, Freeze


def stop_all(reason: str, *, kept: str, now: datetime) -> None:
    """Freeze everything; `kept`: why nobody can lift it yet."""
    Freeze.objects.select_for_update().get(scope="all")
    Freeze.objects.filter(scope="all").update(
        frozen=True, reason=reason[:300], changed_by=ENGINE.key, changed_at=now, lift_asked_by="", kept=kept[:300]
    )
    record(
        "freeze.engaged", by=ENGINE, object=("freeze", "all"), now=now, detail={"scope": "all"},
        private={"reason": reason},
    )  # fmt: skip
    for approval in Approval.objects.select_for_update().filter(voided_at__isnull=True):
        Approval.objects.filter(pk=approval.pk).update(voided_at=now, void_reason="the database changed")
        record(
            "approval.voided", by=ENGINE, object=("approval", str(approval.pk)), now=now,
            detail={"cause": "the database changed", "seal": approval.digest},
        )  # fmt: skip


def let_lift() -> None:
    """Everything was read back: from now on two people may lift the freeze."""
    Freeze.objects.filter(scope="all").update(kept="")

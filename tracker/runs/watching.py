"""What pages and actions ask about what is watched: open differences, checks of end states, which database this is."""

from django.db.models import QuerySet

from tracker.runs.models import Run
from tracker.runs.watch_models import ClusterEpoch, Drift, EndCheck
from tracker.waves.models import Freeze


def epoch() -> ClusterEpoch | None:
    """The newest."""
    return ClusterEpoch.objects.order_by("-pk").first()


def refusal() -> str:
    """Why nobody may ask for anything now; empty while the database is the one it was."""
    row = epoch()
    if row is None or row.state == ClusterEpoch.State.OPEN:
        return ""
    if row.state == ClusterEpoch.State.WAITING and not Freeze.objects.filter(scope="all", frozen=True).exists():
        return ""
    return (
        f"The database changed at {row.started_at:%H:%M:%S} UTC ({row.cause}). Nothing can be started, asked for or "
        "cancelled until every unit was read back and two people lifted the freeze."
    )


def open_drifts() -> QuerySet[Drift]:
    """What Azure shows otherwise than we hold it; what nobody has noted first."""
    rows = Drift.objects.filter(ended_at__isnull=True).select_related("unit", "run")
    return rows.order_by("noted_at", "-raised_at")


def checks_of(run: Run) -> list[EndCheck]:
    """The later readings of the newest end of a run, as planned; what was dropped is left out."""
    rows = list(EndCheck.objects.filter(run=run, skipped=False).order_by("id"))
    return [row for row in rows if row.ended == rows[-1].ended][-3:]

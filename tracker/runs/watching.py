"""What pages and actions ask about what is watched: open differences, checks of end states, which database this is."""

from datetime import datetime

from django.db.models import QuerySet

from tracker.runs import assertions
from tracker.runs.models import Heartbeat, Run
from tracker.runs.watch_models import ClusterEpoch, Drift, EndCheck, ReadBack, Violation
from tracker.waves.models import Freeze


def epoch() -> ClusterEpoch | None:
    """The newest."""
    return ClusterEpoch.objects.order_by("-pk").first()


def read_back() -> tuple[int, int, list[ReadBack]]:
    """Of the newest epoch: units read twice, all units, and those that were not as held."""
    row = epoch()
    found = list(row.read_back.select_related("unit").order_by("pk")) if row else []
    return sum(1 for one in found if one.at), len(found), [one for one in found if one.said]


def assertions_looked() -> tuple[datetime | None, list[tuple[str, str, list[Violation]]]]:
    """When it was looked last, and every assertion: (name, what has to hold, where it does not)."""
    broken: dict[str, list[Violation]] = {}
    for row in Violation.objects.filter(ended_at__isnull=True).select_related("run__unit")[:200]:
        broken.setdefault(row.name, []).append(row)
    looked = Heartbeat.objects.filter(name="assertions").values_list("at", flat=True).first()
    return looked, [(name, said, broken.get(name, [])) for name, said in assertions.SENTENCES.items()]


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

"""How long granted requests took. Reads only."""

from django.db.models import F

from migrator.leads import Granted
from tracker.quota.models import QuotaRequest

READ = 500  # the newest granted requests of all limits


def granted() -> list[Granted]:
    """The newest granted requests, without those that took a ticket. One query."""
    rows = (
        QuotaRequest.objects.filter(
            state=QuotaRequest.State.GRANTED, ticket="", sent_at__isnull=False, decided_at__gte=F("sent_at")
        )
        .order_by("-decided_at")
        .values_list("region", "name", "sent_at", "decided_at")[:READ]
    )
    return [Granted(region, name, (decided - sent).total_seconds()) for region, name, sent, decided in rows]

"""Quota: what Azure allows and uses, what waves have reserved, what was asked for."""

from django.db import models
from django.db.models.functions import Lower

from tracker.inventory import tallies
from tracker.inventory.models import Subscription, Unit


class Usage(models.Model):
    """One row of a usages list as last read."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="usages")
    region = models.CharField(max_length=40)
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    current = models.BigIntegerField()
    limit = models.BigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "region", "provider", "name"], name="one_usage_row")
        ]
        # Azure writes regions and names in more than one way; what is reserved finds its row whatever the case
        indexes = [models.Index("subscription", Lower("region"), Lower("provider"), Lower("name"), name="usage_named")]


class SizeList(models.Model):
    """The sizes of one region as Azure last listed them: {name, lower case: [cores, family]}."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="size_lists")
    region = models.CharField(max_length=40)
    sizes = models.JSONField()
    digest = models.CharField(max_length=64)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "region"], name="one_size_list")]


class Reservation(models.Model):
    """Quota a placed unit will need: two waves cannot spend the same cores. Released at Commit, Abort or removal."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="reservations")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE)
    region = models.CharField(max_length=40)
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    amount = models.BigIntegerField()
    reserved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "region", "provider", "name"], name="one_reservation"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="reservation_positive"),
        ]
        triggers = tallies.of_reservations()


class QuotaRequest(models.Model):
    """A request to raise one limit. `azure_state` is the platform's own word, verbatim."""

    class State(models.TextChoices):
        DRAFT = "draft"
        SENT = "sent"
        GRANTED = "granted"  # seen by reading the limit
        REFUSED = "refused"
        DOUBTFUL = "doubtful"  # sending gave no clear answer; being read
        TICKET = "ticket"  # refused, and asked again by a support ticket; the limit is read until it has risen

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="quota_requests")
    region = models.CharField(max_length=40)
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    limit_before = models.BigIntegerField()
    limit_wanted = models.BigIntegerField()  # the new TOTAL
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    azure_id = models.CharField(max_length=400, blank=True)
    azure_state = models.CharField(max_length=40, blank=True)
    azure_message = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    ticket = models.CharField(max_length=40, blank=True)  # number of the support ticket
    ticket_by = models.CharField(max_length=80, blank=True)
    ticket_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # next look
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "region", "provider", "name"],
                condition=models.Q(state__in=["draft", "sent", "doubtful", "ticket"]),
                name="one_open_quota_request",
            ),
            models.CheckConstraint(
                condition=models.Q(limit_wanted__gt=models.F("limit_before")), name="quota_request_raises"
            ),
        ]

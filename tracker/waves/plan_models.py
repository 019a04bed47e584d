"""What a person decides about one placed unit: the network it goes into, and that it need not wait for its turn."""

from django.conf import settings
from django.db import models

from migrator.destination import Destination as Wish
from tracker.waves.models import Placement


class Destination(models.Model):
    """The existing network for the machines of a deployment. No row: a new network, as is the default. Part of what a
    wave approval seals; it cannot change while a run is live."""

    placement = models.OneToOneField(Placement, on_delete=models.CASCADE, related_name="destination")
    group = models.CharField(max_length=90)
    network = models.CharField(max_length=90)
    subnet = models.CharField(max_length=90)
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)  # when the network was last asked for; null: not yet
    problem = models.CharField(max_length=400, blank=True)  # why it does not fit, as of then; empty: it fits
    due_at = models.DateTimeField(null=True)  # when it is asked for next; null: at Validate and Prepare

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="destination_due", condition=models.Q(due_at__isnull=False))]

    @property
    def wish(self) -> Wish:
        return Wish(self.group, self.network, self.subnet)


class OutOfOrder(models.Model):
    """A person let an unattached object go before the units that might still use it."""

    placement = models.OneToOneField(Placement, on_delete=models.CASCADE, related_name="out_of_order")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="out_of_order_has_reason")]

"""What the worker saw of Azure's doors: whether they answer, and in which versions. The web process shows it; it holds
no credential and asks nobody."""

from django.db import models

from tracker.inventory.models import Subscription


class Check(models.Model):
    """The last look at one door."""

    class Door(models.TextChoices):
        RESOURCE_MANAGER = "resource-manager"
        SERVICE_MANAGEMENT = "service-management"
        CREDENTIAL = "credential"

    door = models.CharField(primary_key=True, max_length=20, choices=Door)
    good = models.BooleanField()
    sentence = models.CharField(max_length=600)  # for a person: what is there, or what is wrong and what to do
    checked_at = models.DateTimeField()
    since = models.DateTimeField()  # when it began to be good, or not


class ApiVersion(models.Model):
    """The version one type of one subscription is asked in, as last read (migrator.gateway.protocol.ApiVersion)."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="api_versions")
    kind = models.CharField(max_length=160)  # a type, or a type and an action
    version = models.CharField(max_length=40)
    source = models.CharField(max_length=20)  # "setting", "provider metadata" or "table"
    listed = models.JSONField(default=list)  # what the metadata lists, newest first
    doubt = models.CharField(max_length=300, blank=True)  # why Azure may refuse it
    metadata_read_at = models.DateTimeField(null=True)  # null: it could not be read
    stored_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription", "kind"], name="one_api_version")]

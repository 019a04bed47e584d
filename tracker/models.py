"""Gathers the slices' models; nothing else."""

from tracker.accounts.models import ApiToken, RoleGrant, SignInAttempt, User
from tracker.audit.models import Checkpoint, Event, Leaf, Pending, PrivateValue
from tracker.connections.models import ApiVersion, Check
from tracker.fixes.models import Fix
from tracker.followups.models import Capture, CapturedSetting, FollowUp
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import (
    Discovery,
    Import,
    ImportRow,
    RegistrationRequest,
    Resource,
    Snapshot,
    StagedResource,
    Subscription,
    Sync,
    SyncPart,
    Tally,
    Unit,
)
from tracker.quota.models import QuotaRequest, Reservation, Usage
from tracker.readiness.catalogue_models import AnsweredAhead, CatalogueEffect, CatalogueVersion, CatalogueWork
from tracker.readiness.models import (
    Assessment,
    Attestation,
    ConfigurationFile,
    Finding,
    PlatformAnswer,
    Recheck,
    Waiver,
)
from tracker.runs.models import (
    Ask,
    Attempt,
    Budget,
    Comparison,
    Difference,
    Heartbeat,
    Operation,
    Overrun,
    Run,
    Transition,
)
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.watch_models import ClusterEpoch, Drift, EndCheck, ReadBack, Violation
from tracker.waves.calendar_models import PlannedFreeze
from tracker.waves.models import Approval, Decision, Freeze, Placement, Wave, Window
from tracker.waves.plan_models import Destination, OutOfOrder

__all__ = [
    "AnsweredAhead",
    "ApiToken",
    "ApiVersion",
    "Approval",
    "Ask",
    "Assessment",
    "Attempt",
    "Attestation",
    "Budget",
    "Capture",
    "CapturedSetting",
    "CatalogueEffect",
    "CatalogueVersion",
    "CatalogueWork",
    "Check",
    "Checkpoint",
    "ClusterEpoch",
    "Comparison",
    "ConfigurationFile",
    "Decision",
    "Destination",
    "Difference",
    "Discovery",
    "Drift",
    "EndCheck",
    "Event",
    "Finding",
    "Fix",
    "FollowUp",
    "Freeze",
    "Heartbeat",
    "Import",
    "ImportRow",
    "Leaf",
    "Lock",
    "Operation",
    "OutOfOrder",
    "Overrun",
    "Pending",
    "Placement",
    "PlannedFreeze",
    "PlatformAnswer",
    "PrivateValue",
    "QuotaRequest",
    "ReadBack",
    "Recheck",
    "RegistrationRequest",
    "Reservation",
    "Resource",
    "RoleGrant",
    "Run",
    "SignInAttempt",
    "Snapshot",
    "StagedResource",
    "Subscription",
    "Sync",
    "SyncPart",
    "Tally",
    "Transition",
    "Unit",
    "Usage",
    "User",
    "ValidatedUnit",
    "Validation",
    "Violation",
    "Waiver",
    "Wave",
    "Window",
]

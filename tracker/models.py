"""Gathers the slices' models; nothing else."""

from tracker.accounts.models import ApiToken, RoleGrant, SignInAttempt, User
from tracker.audit.models import Checkpoint, Event, Leaf, Pending, PrivateValue
from tracker.connections.models import ApiVersion, Check
from tracker.fixes.models import Fix
from tracker.followups.models import Capture, CapturedSetting, FollowUp
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
from tracker.readiness.models import Assessment, ConfigurationFile, Finding, PlatformAnswer
from tracker.runs.models import (
    Ask,
    Attempt,
    Budget,
    Comparison,
    Difference,
    Heartbeat,
    Operation,
    Run,
    Transition,
)
from tracker.waves.models import Approval, Decision, Freeze, Placement, Wave, Window

__all__ = [
    "ApiToken",
    "ApiVersion",
    "Approval",
    "Ask",
    "Assessment",
    "Attempt",
    "Budget",
    "Capture",
    "CapturedSetting",
    "Check",
    "Checkpoint",
    "Comparison",
    "ConfigurationFile",
    "Decision",
    "Difference",
    "Discovery",
    "Event",
    "Finding",
    "Fix",
    "FollowUp",
    "Freeze",
    "Heartbeat",
    "Import",
    "ImportRow",
    "Leaf",
    "Operation",
    "Pending",
    "Placement",
    "PlatformAnswer",
    "PrivateValue",
    "QuotaRequest",
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
    "Wave",
    "Window",
]

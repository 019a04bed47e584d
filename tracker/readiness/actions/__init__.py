"""What can be done to readiness: assess units, keep what the platform itself answered, files people give, and what they
say of findings."""

from tracker.readiness.actions.assessing import Assessed, assess, open_rules, record_platform_answer, settle_answer
from tracker.readiness.actions.attesting import AttestationRefused, attest, withdraw_attestation
from tracker.readiness.actions.files import (
    FilesRefused,
    Given,
    Upload,
    deployment_of,
    give_files,
    record_rewritten,
    withdraw_file,
)
from tracker.readiness.actions.knowing import know_catalogue
from tracker.readiness.actions.rechecking import advance_recheck, recheck_rule, recheck_unit
from tracker.readiness.actions.running_out import close_what_ran_out
from tracker.readiness.actions.switching import (
    NothingWaits,
    PreviewNeeded,
    StillSwitching,
    SwitchRefused,
    preview_catalogue,
    switch_on,
)
from tracker.readiness.actions.waiving import (
    OwnWaiver,
    WaiverOutdated,
    WaiverRefused,
    approve_waiver,
    ask_waiver,
    decline_waiver,
    revoke_waiver,
    withdraw_waiver,
)
from tracker.readiness.actions.walking import advance_catalogue

__all__ = [
    "Assessed",
    "AttestationRefused",
    "FilesRefused",
    "Given",
    "NothingWaits",
    "OwnWaiver",
    "PreviewNeeded",
    "StillSwitching",
    "SwitchRefused",
    "Upload",
    "WaiverOutdated",
    "WaiverRefused",
    "advance_catalogue",
    "advance_recheck",
    "approve_waiver",
    "ask_waiver",
    "assess",
    "attest",
    "close_what_ran_out",
    "decline_waiver",
    "deployment_of",
    "give_files",
    "know_catalogue",
    "open_rules",
    "preview_catalogue",
    "recheck_rule",
    "recheck_unit",
    "record_platform_answer",
    "record_rewritten",
    "revoke_waiver",
    "settle_answer",
    "switch_on",
    "withdraw_attestation",
    "withdraw_file",
    "withdraw_waiver",
]

"""What can be done to readiness: assess units, keep what the platform itself answered, and files people give."""

from tracker.readiness.actions.assessing import Assessed, assess, open_rules, record_platform_answer
from tracker.readiness.actions.files import (
    FilesRefused,
    Given,
    Upload,
    deployment_of,
    give_files,
    record_rewritten,
    withdraw_file,
)

__all__ = [
    "Assessed",
    "FilesRefused",
    "Given",
    "Upload",
    "assess",
    "deployment_of",
    "give_files",
    "open_rules",
    "record_platform_answer",
    "record_rewritten",
    "withdraw_file",
]

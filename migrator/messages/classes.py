"""What to do about an error of the platform, in one word."""

from enum import StrEnum


class ErrorClass(StrEnum):
    """What the error catalogue (azure.md 2.10) says to do."""

    RETRY = "retry"  # R
    WAIT = "wait"  # W
    FIX = "fix"  # F
    QUOTA = "quota"  # Q
    TICKET = "ticket"  # T
    ABORT_FIRST = "abort-first"  # A
    PROGRAMMER = "programmer"  # P
    INFORMATION = "information"
    UNKNOWN = "unknown"  # not in the catalogue

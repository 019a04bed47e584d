"""The platform's own dates, with where each was published (azure.md 10). Shown to people who decide on them."""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Deadline:
    day: date
    what: str
    source: str  # short name of the document, as in migrator.readiness.DOCUMENTS where it is one of the catalogue's

    def days_left(self, today: date) -> int:
        return (self.day - today).days


DEADLINES: Final = (
    Deadline(date(2023, 9, 6), "Classic virtual machines retired; what was left was stopped", "vm-retire, vm-faq"),
    Deadline(date(2024, 8, 31), "Cloud services, networks, storage and administrators (classic) retired", "stg-mig"),
    Deadline(date(2024, 11, 1), "Classic storage: the management API only reads; data stays reachable", "stg-blog"),
    Deadline(date(2025, 3, 31), "Cloud Services (extended support) deprecated", "cs-over, cs-ps"),
    Deadline(date(2027, 3, 31), "Cloud Services (extended support) retires for good", "cs-over, cs-ps"),
)
EXIT: Final = DEADLINES[-1]

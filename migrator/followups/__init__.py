"""What is owed after Commit: captured settings rewritten for the new ids, with the reads that prove them (azure.md 6).

The way of a follow-up: `required` (or `kept`) → a person's answers where a conversion needs one (`answered`) → its
stages, each request sent and its probe seen (`matches`) before the next → closed when the last probe is seen.
"""

from migrator.followups.grants import standing
from migrator.followups.probing import matches
from migrator.followups.requirements import answered, kept, left_to_people, rebuilt, required
from migrator.followups.values import AnswerRefused, Choice, Kept, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.followups.work import Removed, due

__all__ = [
    "AnswerRefused",
    "Choice",
    "Kept",
    "Kind",
    "Probe",
    "Question",
    "Removed",
    "RequiredFollowUp",
    "Stage",
    "answered",
    "due",
    "kept",
    "left_to_people",
    "matches",
    "rebuilt",
    "required",
    "standing",
]

"""What is owed after Commit, with ready requests and the reads that prove them.

Public (being filled in; signatures are final):
    required(unit_id: str, captured: Sequence[Mapping], before: Sequence[Resource], arm_documents: Sequence[Mapping]) -> list[RequiredFollowUp]
    kept(unit_id, captured, before, arm_documents) -> list[Kept]              # captured, but nothing owed, and why
    answered(required: RequiredFollowUp, answers: Mapping[str, str]) -> RequiredFollowUp      # raises AnswerRefused
    rebuilt(basis: Mapping, answers: Mapping[str, str]) -> RequiredFollowUp  # from what a database kept (plain JSON)
    matches(probe: Probe, document: Mapping | None) -> list[str]              # what is wrong; empty: seen
"""  # noqa: E501

from migrator.followups.values import AnswerRefused, Choice, Kept, Kind, Probe, Question, RequiredFollowUp, Stage

__all__ = ["AnswerRefused", "Choice", "Kept", "Kind", "Probe", "Question", "RequiredFollowUp", "Stage"]

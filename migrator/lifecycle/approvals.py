"""Whether other people agreed: the one judgement the pages, the engine and the simulation share. The database's guard
counts again by itself when a Commit is armed (reliability-notes 4.5)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """Derived from the rows, never stored."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOIDED = "voided"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's decision. `entitled`: active now, and still in a role that may approve."""

    person: Hashable
    approved: bool
    digest: str
    revoked: bool = False
    entitled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked of other people; `digest` is the seal over everything they were shown."""

    digest: str
    requester: Hashable
    editor: Hashable
    needed: int  # people; one at least
    expires_at: datetime
    voided: bool = False


def approval_state(question: Question, votes: Sequence[Vote], now: datetime) -> ApprovalState:
    """Who has not the right any more, took the agreement back, asked, edited last or saw another version, does not
    count; one rejection ends it."""
    if question.voided:
        return ApprovalState.VOIDED
    if any(not vote.approved for vote in votes):
        return ApprovalState.REJECTED
    if question.expires_at <= now:
        return ApprovalState.EXPIRED
    given = {
        vote.person
        for vote in votes
        if vote.entitled
        and not vote.revoked
        and vote.digest == question.digest
        and vote.person not in (question.requester, question.editor)
    }
    return ApprovalState.APPROVED if len(given) >= max(1, question.needed) else ApprovalState.PENDING

"""What a waiver can set aside, and what exactly it sets aside (templates/docs/decisions/peoples-word.md)."""

import hashlib
import json
from typing import Final

from migrator.readiness.rule import PLATFORM_SOURCE, Effect, Finding, Outcome

# A waiver says that a rule of ours judges too hard, or that a consequence is accepted. It changes nothing outside: what
# must be done first, and what this product itself cannot do, stays.
_DO_IT_FIRST = "it is settled by doing it, and nobody needs to set it aside"
UNWAIVABLE: Final = {
    "NET-SM-ONLY": "this product has nothing to move it with, whoever agrees",
    "SUB-QUOTA-CORES": "Azure counts it again at the move: ask for more quota instead",
    "SUB-QUOTA-NET": "Azure counts it again at the move: ask for more quota instead",
    "SUB-REG-FEATURE": f"{_DO_IT_FIRST}: register it",
    "SUB-REG-MIGRATE": f"{_DO_IT_FIRST}: register it",
}


def why_not(finding: Finding) -> str:
    """Why this finding cannot be set aside, as the rest of a sentence; empty: it can."""
    if finding.outcome is Outcome.NO:
        return "it does not apply"
    if finding.outcome is Outcome.UNKNOWN:
        return "nobody knows yet whether it applies: settle it, or attest it"
    if finding.effect in (Effect.INFO, Effect.CHANGES):
        return "it stops nothing, so there is nothing to set aside"
    if finding.source == PLATFORM_SOURCE:
        return "Azure itself said so, and a waiver here does not change its mind"
    return UNWAIVABLE.get(finding.rule_id, "")


def shown(finding: Finding) -> str:
    """Digest of what a finding rests on: effect and evidence, or its sentence where it names no evidence. Another one
    is another finding, which nobody has set aside."""
    basis = [[one.field, one.value] for one in finding.evidence] or finding.sentence
    told = json.dumps([finding.effect.value, basis], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()

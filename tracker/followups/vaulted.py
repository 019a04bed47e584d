"""Secret answers that are addresses of secrets in a Key Vault: kept as the address, read when they are sent."""

import json
from collections.abc import Callable, Mapping, Sequence

from migrator import followups
from migrator.followups import AnswerRefused, RequiredFollowUp, Stage
from migrator.gateway.protocol import ErrorClass, Refused
from migrator.gateway.vault_addresses import BadReference, reference
from migrator.vaults import MARK, Reference, kept, referred

Read = Callable[[Reference], str]
"""Gives a secret, read now. Raises GatewayError."""


def no_vaults(wanted: Reference) -> str:
    raise Refused(f"No Key Vault may be read here, so {wanted.url} was not.", error_class=ErrorClass.FIX)


def taken(value: RequiredFollowUp, given: Mapping[str, str], vaults: Sequence[str]) -> dict[str, str]:
    """The answers as they are kept: where a secret is asked, the address of one in the form of `migrator.vaults`. Where
    there are `vaults`, a secret itself is not taken. Raises AnswerRefused."""
    secret, found = {question.id for question in value.questions if question.secret}, dict(given)
    for key in secret & given.keys():
        try:
            place = reference(given[key], vaults)
        except BadReference as error:
            raise AnswerRefused(f"{key}: {error}") from None
        if place is not None:
            found[key] = place.answer
        elif vaults:
            raise AnswerRefused(
                f"{key}: secrets are not kept here. Put it into {' or '.join(vaults)}, and give its address, such as "
                f"{vaults[0]}/secrets/name."
            )
    return found


def addresses(value: RequiredFollowUp) -> dict[str, str]:
    """By question, the addresses that stand for secrets."""
    return {
        question.id: value.answers[question.id]
        for question in value.questions
        if question.secret and referred(value.answers.get(question.id, ""))
    }


def resolved(value: RequiredFollowUp, read: Read) -> RequiredFollowUp:
    """The follow-up with the secrets themselves, to be sent and then forgotten. Raises GatewayError, AnswerRefused."""
    secrets = {key: read(kept(text)) for key, text in addresses(value).items()}
    if not secrets:
        return value
    found = followups.rebuilt(value.basis, {**value.answers, **secrets})
    if not found.stages:
        raise AnswerRefused("With the secret as it stands in the Key Vault no request can be written.")
    return found


def looked_for(stage: Stage) -> bool:
    """Whether a read has to show what stands for a secret."""
    return MARK in json.dumps(dict(stage.probe.expect), default=str)

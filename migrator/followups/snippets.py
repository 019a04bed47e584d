"""The requests of a follow-up as text, for those who send them by hand: Azure CLI (`snippets_cli`) and Bicep
(`snippets_bicep`).

A secret is never written. The follow-up is built once more with a marker in the place of each secret answer, given or
not: what the texts are made of has never held the secret, and a person who applies by hand need not give it to this
product at all.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migrator.followups.requirements import rebuilt
from migrator.followups.values import AnswerRefused, Question, RequiredFollowUp
from migrator.resources import ArmRequest

_SHORTEST: Final = 6  # a shorter secret is found in innocent text too


@dataclass(frozen=True, slots=True)
class Secret:
    """`name`: of the environment variable and of the Bicep parameter; the same for the same question, another for any
    other, so that the files of a wave can be run one after the other. `marker` stands for it in the requests."""

    name: str
    marker: str
    question: str


@dataclass(frozen=True, slots=True)
class Written:
    """A follow-up whose requests hold a marker for each secret."""

    follow_up: RequiredFollowUp
    secrets: tuple[Secret, ...]


class NotWritten(ValueError):
    """The requests cannot be written for people; the sentence says why and what to do."""


def without_secrets(follow_up: RequiredFollowUp) -> Written:
    """Raises NotWritten: nothing to send, an open question, or a secret that cannot be kept out."""
    if follow_up.by_hand:
        raise NotWritten("No request to Azure does it; a person does, and says so.")
    secrets: dict[str, Secret] = {}
    value = follow_up
    while new := [question for question in value.questions if question.secret and question.id not in secrets]:
        secrets[new[0].id], value = _marked(follow_up, new[0], secrets)
    if open_ones := len(value.open_questions):
        raise NotWritten(f"{open_ones} question{'s have' if open_ones > 1 else ' has'} to be answered first.")
    if not value.stages:
        raise NotWritten("No request could be written.")
    used = tuple(secrets.values())
    texts = list(_texts([[request.path, request.body] for request in value.requests]))
    if any(secret.marker in request.path for request in value.requests for secret in used):
        raise NotWritten("A secret is part of an address; only Apply sends it.")
    if any(not any(secret.marker in text for text in texts) for secret in used):
        raise NotWritten("It is made with a secret that is changed before it is sent; only Apply sends it.")
    given = [follow_up.answers[key] for key in secrets if len(follow_up.answers.get(key, "")) >= _SHORTEST]
    if any(secret in text for secret in given for text in texts):
        raise NotWritten("A secret stands in another answer too, where it cannot be kept out; only Apply sends it.")
    return Written(value, used)


def _marked(
    follow_up: RequiredFollowUp, question: Question, before: Mapping[str, Secret]
) -> tuple[Secret, RequiredFollowUp]:
    """The follow-up with a marker for one more secret, in the first form the question takes."""
    digest = hashlib.sha256(f"{follow_up.key}\n{question.id}".encode()).hexdigest()
    words = [word for word in re.findall(r"[A-Za-z0-9]+", question.id) if not word[0].isdecimal()]
    name = f"{words[-1][:24].upper() if words else 'SECRET'}_{digest[:6].upper()}"
    refused = ""
    for marker in (f"secret{digest[:32]}", f"https://secret{digest[:32]}.invalid/"):
        secret = Secret(name, marker, question.text)
        marked = {question.id: marker, **{key: each.marker for key, each in before.items()}}
        try:
            return secret, rebuilt(follow_up.basis, {**follow_up.answers, **marked})
        except AnswerRefused as error:
            refused = str(error).replace(marker, "…")
    raise NotWritten(f"A secret of it has to have a form of its own, so only Apply sends it. {refused}")


def parted(text: str, secrets: Sequence[Secret]) -> list[str | Secret]:
    """A text as its plain parts and the secrets between them, in order."""
    by_marker = {secret.marker: secret for secret in secrets}
    if not by_marker:
        return [text] if text else []
    parts = re.split("(" + "|".join(map(re.escape, by_marker)) + ")", text)
    return [by_marker.get(part, part) for part in parts if part]


def named(value: Any, secrets: Sequence[Secret]) -> Any:
    """A JSON value with `<NAME>` where a marker stands: for comments, which nobody runs."""
    if isinstance(value, str):
        return "".join(part if isinstance(part, str) else f"<{part.name}>" for part in parted(value, secrets))
    if isinstance(value, Mapping):
        return {named(key, secrets): named(item, secrets) for key, item in value.items()}
    return [named(item, secrets) for item in value] if isinstance(value, list | tuple) else value


def one_line(text: str) -> str:
    """What may stand in a comment: a line end would end it."""
    return " ".join(text.split())


def step_words(number: int, of: int, request: ArmRequest) -> str:
    place = f"{number} of {of}: " if of > 1 else ""
    return one_line(f"{place}{request.method} {request.path}")


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts([key, item])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)

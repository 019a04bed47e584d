"""People's names in what findings say. A finding holds an actor's key (user:p-…), so that a person can be forgotten;
a page says the name."""

import re
from collections.abc import Iterable, Sequence

from tracker.readiness.models import Finding
from tracker.web import reviews

_KEY = re.compile(r"user:[\w-]+")


def names(keys: Iterable[str]) -> dict[str, str]:
    return reviews.actor_names(keys)


def name_people(findings: Sequence[Finding], called: dict[str, str] | None = None) -> None:
    """For display: what people are called, in the place of their keys, in sentences and evidence; one query at most,
    none where `called` has the names."""
    texts = [text for one in findings for text in (one.sentence, *(fact["value"] for fact in one.evidence))]
    keys = {key for text in texts if "user:" in text for key in _KEY.findall(text)}
    if not keys:
        return
    called = names(keys) if called is None else called

    def said(text: str) -> str:
        return _KEY.sub(lambda match: called.get(match[0], match[0]), text)

    for one in findings:
        one.sentence = said(one.sentence)
        for fact in one.evidence:
            fact["value"] = said(fact["value"])

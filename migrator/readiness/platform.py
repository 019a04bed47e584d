"""Messages of Validate and Prepare as findings (rules.md 6).

A message is recognised by the distinctive fragments of azure.md 2.10, which stand with the rules they confirm. The
documents write both "is not" and "isn't", with straight and with curly apostrophes: both sides are normalised alike.
What no rule recognises becomes a finding of the PLATFORM rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from migrator.messages import ErrorClass, QuotaNumbers, classify, find, normalise, quota_numbers
from migrator.readiness.context import ValidationAnswer
from migrator.readiness.facts import View
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Detection,
    Effect,
    Evidence,
    Outcome,
    Rule,
    Scope,
    Source,
)
from migrator.resources import Category, PlatformMessage
from migrator.units import UnitKind

CLASSES: Final = {
    ErrorClass.RETRY: "passes by itself; try again",
    ErrorClass.WAIT: "wait for the other operation",
    ErrorClass.FIX: "put right, then try again",
    ErrorClass.QUOTA: "ask for more quota",
    ErrorClass.TICKET: "open a support ticket",
    ErrorClass.ABORT_FIRST: "abort first",
    ErrorClass.PROGRAMMER: "a mistake in the request",
    ErrorClass.INFORMATION: "for information",
    ErrorClass.UNKNOWN: "in no list of known messages",
}
"""Class of a message in the error catalogue (azure.md 2.10) -> what it asks for, in a few words."""

STAYS: Final = frozenset({ErrorClass.QUOTA, ErrorClass.TICKET})
"""Classes of an error of Prepare which a later Validate that passed does not put in question."""


def matches(text: str, fragments: Sequence[Sequence[str]]) -> bool:
    """Whether a normalised message holds all texts of one of the alternatives."""
    return any(all(normalise(part) in text for part in group) for group in fragments)


def recognised(message: PlatformMessage, rules: Iterable[Rule]) -> Rule | None:
    """The first of the rules whose fragments the message holds."""
    text = normalise(f"{message.code} {message.message}")
    return next((rule for rule in rules if rule.fragments and matches(text, rule.fragments)), None)


def effect_of(message: PlatformMessage, rule: Rule | None) -> Effect:
    """Error: the platform refuses, whatever the catalogue thought. Warning: never more than a change. Else: info.

    A rule which speaks of a mere warning (E43, the size of a data disk) keeps its own effect when the category is Error
    only if that effect blocks; a refusal is a refusal.
    """
    if message.category is Category.ERROR:
        return Effect.BLOCKS
    if message.category is Category.WARNING:
        return rule.effect if rule is not None and rule.effect is not Effect.BLOCKS else Effect.CHANGES
    return Effect.INFO


def subject_of(message: PlatformMessage, view: View) -> tuple[str, str]:
    """Key and name of the member a message speaks of: by machine, then by resource name and type, else the unit."""
    for name in (message.virtual_machine, message.resource_name):
        if not name:
            continue
        fits = [key for key in view.keys if view.named(key).lower() == name.lower() or key == name.lower()]
        kind = message.resource_type.lower()
        exact = [key for key in fits if kind and view.index.by_key[key].type.lower().endswith(kind)]
        for key in (exact or fits)[:1]:
            return key, view.named(key)
    return view.unit.key, view.unit.name


def evidence_of(message: PlatformMessage, verb: str, answer: ValidationAnswer) -> tuple[Evidence, ...]:
    """The words, what kind of message it is and what to do by the error catalogue, and the numbers of a quota error.

    The limit to ask for is the limit plus what is missing [I]: the documents name the two numbers and not their sum.
    """
    said = Evidence(f"{verb} at {answer.at.isoformat()}", _words(message))
    if message.category is not Category.ERROR:
        return (said,)
    entry = find(message.code, message.message)
    asks, number = classify(0, message.code, message.message)
    told = [said, Evidence("Class of the message", f"{asks}: {CLASSES[asks]}" + (f" ({number})" if number else ""))]
    if entry is not None:
        told.append(Evidence("What to do", entry.action))
    if numbers := quota_numbers(message.message):
        told.append(Evidence(f"Quota {numbers.name}: limit", str(numbers.current)))
        if numbers.available is not None:
            told.append(Evidence(f"Quota {numbers.name}: available", str(numbers.available)))
        told.append(Evidence(f"Quota {numbers.name}: needed besides", str(numbers.additional)))
        told.append(Evidence(f"Quota {numbers.name}: limit to ask for", str(_to_ask(numbers))))
    return tuple(told)


def _to_ask(numbers: QuotaNumbers) -> int:
    """The smallest limit that would do. Where the message tells what is in use, "required" is the whole need; where it
    does not, "additional needed" is what is missing beyond the limit."""
    return numbers.additional + (numbers.current if numbers.used is None else numbers.used)


def answers(
    given: Iterable[tuple[str, ValidationAnswer]],
    view: View,
    rules: Sequence[Rule],
    *,
    passed: datetime | None = None,
) -> Mapping[Rule, list[Answer]]:
    """What the platform's messages say, by the rule they confirm. `given`: ("Validate" or "Prepare", the answer).

    `passed`: aware time of the newest Validate that passed, if one still counts. What Prepare refused before it is a
    question which only preparing again settles, and like all that only Prepare can tell it holds no verdict; what the
    inventory shows too holds it as before. Not so a want of quota, which Validate does not look for (azure.md 2.1 [D]),
    and what asks for a ticket: those stay refusals.
    """
    found: dict[Rule, list[Answer]] = {}
    for verb, answer in given:
        refused = False
        after = passed if passed is not None and not answer.passed and passed > answer.at else None
        for message in answer.messages:
            rule = recognised(message, rules)
            refused = refused or message.category is Category.ERROR
            key, name = subject_of(message, view)
            sentence = f"{verb} says of {name}: {_words(message)}"
            said = evidence_of(message, verb, answer)
            stated = Answer(Outcome.YES, key, name, sentence, said, "", effect_of(message, rule))
            if after and classify(0, message.code, message.message)[0] not in STAYS:
                stated = _asked_again(stated, verb, answer, after)
            found.setdefault(rule or PLATFORM, []).append(stated)
        if not answer.passed and not refused:
            sentence = f"{verb} failed for {view.unit.name} and gave no reason."
            said = (Evidence(f"{verb} at {answer.at.isoformat()}", "failed"),)
            stated = Answer(Outcome.YES, view.unit.key, view.unit.name, sentence, said, "", Effect.BLOCKS)
            if after:
                stated = _asked_again(stated, verb, answer, after)
            found.setdefault(PLATFORM, []).append(stated)
    return found


def _asked_again(stated: Answer, verb: str, answer: ValidationAnswer, passed: datetime) -> Answer:
    """What a refusal says once a later Validate passed. Information stays as it was."""
    if stated.effect is Effect.INFO:
        return stated
    when = f"{passed:%Y-%m-%d %H:%M} UTC"
    return stated._replace(
        outcome=Outcome.UNKNOWN,
        effect=Effect.INFO,
        sentence=f"Refused on {answer.at:%Y-%m-%d %H:%M} UTC; Validate passed on {when}. {stated.sentence}",
        settles=f"Only {verb} can tell whether this is over: Validate has passed since.",
    )


def stale(verb: str, answer: ValidationAnswer, view: View, rules: Sequence[Rule]) -> Mapping[Rule, list[Answer]]:
    """The same of an answer too old to count: each of its errors and changes is a question again, with its age."""
    since = answer.at.date().isoformat()
    settles = f"Run Validate again: this answer of {verb} is older than seven days and may no longer hold."
    found: dict[Rule, list[Answer]] = {}
    for rule, stated in answers([(verb, answer)], view, rules).items():
        for said in stated:
            if said.effect is not Effect.INFO:
                sentence = f"Stale, of {since}. {said.sentence}"
                asked = said._replace(outcome=Outcome.UNKNOWN, sentence=sentence, settles=settles)
                found.setdefault(rule, []).append(asked)
    return found


def _words(message: PlatformMessage) -> str:
    code = f"{message.code}: " if message.code else ""
    return f"{code}{message.message}"[:2000]


PLATFORM: Final = Rule(
    id="PLATFORM",
    title="Message of the platform",
    scope=Scope.SUBSCRIPTION,
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    also=(Detection.PREPARE,),
    statement=(
        "Validate or Prepare answered with a message which no rule of the catalogue recognises. An error stops the "
        "move, a warning announces a change. A message counts for seven days; what Prepare refused is a question once "
        "Validate passed again."
    ),
    remedy=(
        "Read the platform's words, put right what they name, and run Validate again. An internal error is usually "
        "transient: try again after some minutes, and open a support ticket when it stays."
    ),
    sources=(Source("cs-err", "E03", None), Source("vm-err", "E03", None)),
    automatable=Automatable.NO,
    kinds=frozenset(UnitKind),
    check=lambda _view, _context: (),
)

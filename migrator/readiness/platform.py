"""Messages of Validate and Prepare as findings (rules.md 6).

A message is recognised by the distinctive fragments of azure.md 2.10, which stand with the rules they confirm. The
documents write both "is not" and "isn't", with straight and with curly apostrophes: both sides are normalised alike.
What no rule recognises becomes a finding of the PLATFORM rule.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

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

_SHORT: Final = re.compile(r"\b(is|are|was|were|has|have|does|do|did|can|could)n't\b")


def normalised(text: str) -> str:
    """Lower case, straight apostrophes, "isn't" as "is not", one space between words."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'").lower()
    plain = plain.replace("can't", "cannot").replace("can not", "cannot")
    return " ".join(_SHORT.sub(r"\1 not", plain).split())


def matches(text: str, fragments: Sequence[Sequence[str]]) -> bool:
    """Whether a normalised message holds all texts of one of the alternatives."""
    return any(all(normalised(part) in text for part in group) for group in fragments)


def recognised(message: PlatformMessage, rules: Iterable[Rule]) -> Rule | None:
    """The first of the rules whose fragments the message holds."""
    text = normalised(f"{message.code} {message.message}")
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


def answers(
    given: Iterable[tuple[str, ValidationAnswer]], view: View, rules: Sequence[Rule]
) -> Mapping[Rule, list[Answer]]:
    """What the platform's messages say, by the rule they confirm. `given`: ("Validate" or "Prepare", the answer)."""
    found: dict[Rule, list[Answer]] = {}
    for verb, answer in given:
        refused = False
        for message in answer.messages:
            rule = recognised(message, rules)
            refused = refused or message.category is Category.ERROR
            key, name = subject_of(message, view)
            said = Evidence(f"{verb} at {answer.at.isoformat()}", _words(message))
            sentence = f"{verb} says of {name}: {_words(message)}"
            stated = Answer(Outcome.YES, key, name, sentence, (said,), "", effect_of(message, rule))
            found.setdefault(rule or PLATFORM, []).append(stated)
        if not answer.passed and not refused:
            sentence = f"{verb} failed for {view.unit.name} and gave no reason."
            said = Evidence(f"{verb} at {answer.at.isoformat()}", "failed")
            stated = Answer(Outcome.YES, view.unit.key, view.unit.name, sentence, (said,), "", Effect.BLOCKS)
            found.setdefault(PLATFORM, []).append(stated)
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
        "move, a warning announces a change. A message counts for seven days."
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

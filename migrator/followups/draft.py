"""A follow-up while it is being written: ids replaced, questions asked, nothing sent.

Rewriting is idempotent, and a finished request holds no classic id unless a person chose to keep it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from migrator.counterparts import with_ids_replaced
from migrator.followups.values import AnswerRefused, Choice, Kind, Question, RequiredFollowUp, Stage
from migrator.vaults import referred

KEEP: Final = "keep"
REMOVED: Final = "***removed***"  # what the gateway leaves where it took a secret out
_ENDINGS: Final = ".:!)]}"


@dataclass(slots=True)
class Draft:
    """`basis` is plain JSON; keys that are ids are lower case: {"kind", "unit", "document", "ids": {classic: new},
    "gone": [ids the migration takes away], "groups": {old group id: [new group ids]}, "locations": {new id: region},
    "target": new scope of this one, "label": {"name", "value"}}. `answers` are those given so far."""

    basis: Mapping[str, Any]
    answers: Mapping[str, str]
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unanswered: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        return self.basis["document"]

    @property
    def properties(self) -> Mapping[str, Any]:
        found = self.document.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def name(self) -> str:
        return str(self.document.get("name") or str(self.document.get("id", "")).rstrip("/").rsplit("/", 1)[-1])

    # Questions

    def ask(self, question: Question, check: Callable[[str], str] = str) -> str | None:
        """The answer, the default, or None: then nothing can be sent. `check` returns the answer in its final spelling
        or raises AnswerRefused."""
        if all(asked.id != question.id for asked in self.questions):
            self.questions.append(question)
        given = self.answers.get(question.id, question.default)
        if given is None:
            self.unanswered = True
            return None
        allowed = [choice.value for choice in question.choices]
        if given in allowed:
            return given
        if not question.free:
            raise AnswerRefused(f"{question.id}: {given[:80]!r} is none of {', '.join(allowed)}.")
        if not given.strip():
            raise AnswerRefused(f"{question.id}: the answer is empty. {question.hint}")
        if question.secret and referred(given):
            return given  # a secret that stays where it is; its form is checked once it is read
        return check(given.strip())

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # Ids

    def new_id(self, classic_id: str, *, may_stay: bool = False) -> str | None:
        """The new id of a classic one; asks when it is not known. `may_stay`: a classic id which is not of this unit
        may be kept, because it still exists."""
        key = classic_id.rstrip("/").lower()
        found = self.basis["ids"].get(key)
        return found if found else self._ask_id(classic_id, key, may_stay)

    def _ask_id(self, classic_id: str, key: str, may_stay: bool) -> str | None:
        gone = self.basis["gone"]
        stays = may_stay and key not in gone and not any(key.startswith(above + "/") for above in gone)
        choices = (Choice(KEEP, "Keep the classic id: it still exists and is not part of this unit."),) if stays else ()
        question = Question(
            id=f"id:{key}",
            text=f"Which Resource Manager resource takes the place of {classic_id}? None was found for it.",
            choices=choices,
            free=True,
            hint="The full id of a Resource Manager resource, beginning with /subscriptions/.",
        )
        answer = self.ask(question, new_resource_id)
        return classic_id if answer == KEEP else answer

    def rewrite(self, value: Any, path: str = "") -> Any:
        """A copy of a JSON value with every classic id replaced, in keys too. Asks for what cannot be replaced, and for
        what the gateway took out as a secret."""
        if isinstance(value, Mapping):
            return {
                self.text(str(key), path): self.rewrite(item, f"{path}.{key}" if path else str(key))
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.rewrite(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return self.text(value, path) if isinstance(value, str) else value

    def text(self, value: str, path: str) -> str:
        if REMOVED in value:
            return self.secret(path) or value
        return with_ids_replaced(value, self._in_text)

    def secret(self, path: str) -> str | None:
        """What the gateway took out has to be given again."""
        question = Question(
            id=f"secret:{path}",
            text=f"The value of {path} holds a secret and was not stored. What should be sent?",
            free=True,
            hint="The whole value as it was.",
            secret=True,
        )
        return self.ask(question)

    def _in_text(self, found: str) -> str:
        """The replacement for an id as it stands in a text, in the spelling of the text: percent-encoded ones stay so.
        Full stops and brackets which the sentence has put behind an id are not part of it."""
        encoded = "%2f" in found.lower()
        plain = found.replace("%2F", "/").replace("%2f", "/")
        ids = self.basis["ids"]
        bare = next((text for text in spellings(plain) if ids.get(text.lower())), plain.rstrip("/"))
        new = self.new_id(bare, may_stay=True)
        if new is None:
            return found
        new += plain[len(bare) :]
        return new.replace("/", "%2F") if encoded else new

    # Places

    def location(self, new_id: str, otherwise: Any = None) -> Any:
        return self.basis["locations"].get(new_id.lower()) or otherwise

    def finished(
        self,
        *,
        kind: Kind,
        title: str,
        new_target: str | None,
        rules: tuple[str, ...],
        sources: tuple[str, ...],
        what_was: list[str],
        stages: list[Stage],
    ) -> RequiredFollowUp:
        unknown = sorted(set(self.answers) - {question.id for question in self.questions})
        if unknown:
            asked = ", ".join(question.id for question in self.questions) or "nothing"
            raise AnswerRefused(f"{unknown[0]} was not asked. Asked: {asked}.")
        captured = str(self.document.get("id", ""))
        return RequiredFollowUp(
            key=f"{kind.value} {captured} {self.basis['unit']} {self.basis.get('target') or ''}".strip().lower(),
            kind=kind,
            title=title,
            captured_id=captured,
            new_target=new_target or "",
            reason_rules=rules,
            sources=sources,
            what_was=tuple(what_was),
            stages=() if self.unanswered else tuple(stages),
            questions=tuple(self.questions),
            notes=tuple(self.notes),
            answers=dict(self.answers),
            basis=self.basis,
        )


def spellings(found: str) -> tuple[str, ...]:
    """An id as found in a text, and without what a sentence may have put behind it."""
    bare = found.rstrip("/")
    return tuple(dict.fromkeys((bare, bare.rstrip(_ENDINGS).rstrip("/"))))


def new_resource_id(text: str) -> str:
    """An answer that is to be the id of a Resource Manager resource."""
    if not text.startswith("/subscriptions/") or "/microsoft.classic" in text.lower() or any(c.isspace() for c in text):
        raise AnswerRefused(
            f"{text[:120]!r} is not the id of a Resource Manager resource: it begins with /subscriptions/, has no "
            "spaces and names no Microsoft.Classic provider."
        )
    return text.rstrip("/")


def number(text: str) -> str:
    """An answer that is to be a number."""
    try:
        value = float(text)
    except ValueError:
        raise AnswerRefused(f"{text[:80]!r} is not a number.") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise AnswerRefused(f"{text[:80]!r} is not a number that can be sent.")
    return text


def plain_number(value: float | str) -> int | float:
    """5.0 → 5: as people and Azure write it."""
    as_float = float(value)
    return int(as_float) if as_float.is_integer() else as_float


def addresses(text: str) -> str:
    """An answer that is to be mail addresses, with commas between."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [
        part for part in found if part.count("@") != 1 or part.startswith("@") or part.endswith("@") or " " in part
    ]
    if wrong or not found:
        raise AnswerRefused(
            f"{(wrong or [text])[0][:80]!r} is not a mail address; write addresses with commas between."
        )
    return ",".join(found)


def on_or_off(value: Any) -> str:
    """A switch as people say it; what Azure did not tell is not guessed."""
    return "yes" if value is True else "no" if value is False else "not told" if value is None else str(value)

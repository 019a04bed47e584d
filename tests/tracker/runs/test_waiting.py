"""Every waiting run says why: the table of reasons against the code that gives them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from migrator.lifecycle import State
from tracker.runs import waiting

ROOT = Path(__file__).resolve().parents[3] / "tracker" / "runs"
CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def _given(tree: ast.AST) -> Iterator[str]:
    """The reasons a module gives: of outcomes, releases and gates, and pairs (reason, sentence)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            for keyword in node.keywords:
                if (
                    name in ("_release", "release")
                    and keyword.arg == "code"
                    and isinstance(keyword.value, ast.Constant)
                ):
                    yield keyword.value.value
            place = {"Outcome": 1, "Gate": 3}.get(name)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                yield node.args[place].value
        if isinstance(node, ast.Return | ast.Assign | ast.Dict):
            pairs = node.values if isinstance(node, ast.Dict) else [node.value]
            for given in pairs:
                pair = given.body if isinstance(given, ast.IfExp) else given
                if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and isinstance(pair.elts[0], ast.Constant):
                    code, sentence = pair.elts
                    if isinstance(code.value, str) and isinstance(
                        sentence, ast.JoinedStr | ast.Constant | ast.Call | ast.Subscript
                    ):
                        yield code.value


def _all_given() -> set[str]:
    found: set[str] = set()
    for path in [*sorted((ROOT / "actions").glob("*.py")), ROOT / "gates.py"]:
        found |= set(_given(ast.parse(path.read_text(encoding="utf-8"))))
    return {code for code in found if code and CODE.fullmatch(code)} - {state.value for state in State}


def test_every_reason_in_the_code_is_in_the_table_and_the_table_has_no_other() -> None:
    found = _all_given()
    assert {"polling", "window-closed", "would-overrun", "cannot-see", "planned-freeze", "budget"} <= found
    assert found - set(waiting.CODES) == set(), "give it a line in tracker/runs/waiting.py"
    assert set(waiting.CODES) - found == set(), "nothing gives this reason any more"


def test_every_reason_says_what_ends_it() -> None:
    for code, each in waiting.CODES.items():
        assert CODE.fullmatch(code) and len(code) <= 40, code
        assert each.label[0].isupper() and not each.label.endswith("."), code
        assert each.ends[0].isupper() and each.ends.endswith("."), code


def test_what_the_platform_works_on_is_not_paused_and_what_people_owe_is() -> None:
    for code, each in waiting.CODES.items():
        if each.whom is waiting.Whom.PLATFORM or code == "unknown":
            assert code not in waiting.PAUSED, code
        if each.whom is waiting.Whom.PERSON:
            assert code in waiting.PAUSED, code
    assert not waiting.calls("a reason nobody knows") and not waiting.counts("")

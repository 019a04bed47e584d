"""The settings and the two units whose settings they are: wire documents, read through the gateway's own reader."""

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from migrator.followups import Kept, Kind, RequiredFollowUp, kept, required
from migrator.gateway.wire import resources

HERE = Path(__file__).parent
UNITS = HERE.parent / "translation" / "documents"
SETTINGS = json.loads((HERE / "documents" / "settings.json").read_text())


class Shop:
    """What the tests of this folder ask for."""

    def __init__(self) -> None:
        self.sides = {name: json.loads((UNITS / f"{name}.json").read_text()) for name in _NAMES}
        self.before = {name: resources(sides["before"]) for name, sides in self.sides.items()}

    def setting(self, name: str) -> dict[str, Any]:
        return copy.deepcopy(SETTINGS[name])

    def unit_of(self, document: dict[str, Any]) -> str:
        return _NAMES[1] if "/resourcegroups/erp-rg" in json.dumps(document).lower() else _NAMES[0]

    def required(self, *documents: dict[str, Any], unit: str = "", tags: bool = False) -> list[RequiredFollowUp]:
        name = unit or self.unit_of(documents[0])
        found = required(f"unit {name}", documents, self.before[name], self.sides[name]["found"])
        return [item for item in found if tags or item.kind is not Kind.TAGS]

    def one(self, document: str | dict[str, Any]) -> RequiredFollowUp:
        item, *work = self.required(self.setting(document) if isinstance(document, str) else document)
        assert all(each.kind is Kind.WORK for each in work), "one follow-up, and what it leaves to people"
        return item

    def kept(self, *documents: dict[str, Any]) -> list[Kept]:
        name = self.unit_of(documents[0])
        return kept(f"unit {name}", documents, self.before[name], self.sides[name]["found"])


_NAMES: Sequence[str] = ("web_roles_in_a_network", "machines_in_a_portal_network")


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="session")
def every_setting() -> dict[str, dict[str, Any]]:
    return SETTINGS


@pytest.fixture(scope="session")
def bodies() -> Callable[[RequiredFollowUp], str]:
    return lambda item: json.dumps([[r.path, r.body] for r in item.requests]).lower()

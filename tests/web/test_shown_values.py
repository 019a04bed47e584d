"""Values of a comparison as the run page and the Compare tab of a unit show them."""

from typing import Any

import pytest

from migrator.resources import UNKNOWN
from migrator.translation import Difference, Kind
from tracker.web.run_page import readable
from tracker.web.templatetags.estate import shown_value

ID = "/subscriptions/s/resourceGroups/shop-net-migrated/providers/Microsoft.Network/virtualNetworks/shop-net"


def stored(value: Any) -> Any:
    """A value as the comparison keeps it."""
    row = Difference(classic_key="", arm_key="", field="f", before=None, after=value, kind=Kind.SAME, why="")
    return row.as_json()["after"]


@pytest.mark.parametrize(
    ("value", "on_the_run", "on_the_unit"),
    [
        ((), "none", ">none<"),
        (UNKNOWN, "unknown", ">not read<"),
        (("Vpn",), "Vpn", ">[&quot;Vpn&quot;]<"),
        ("Standard_A1", "Standard_A1", ">Standard_A1<"),
        (True, "yes", ">true<"),
        (ID, "virtualNetworks shop-net in shop-net-migrated", "shop-net"),
    ],
)
def test_a_value_is_shown_in_words(value: Any, on_the_run: str, on_the_unit: str) -> None:
    assert readable(stored(value)) == on_the_run
    assert on_the_unit in shown_value(stored(value))

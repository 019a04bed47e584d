"""The ways a module of the suite is run: `pytestmark = SIMULATED`, or `EVERYWHERE` for what only reads."""

import pytest

from tests.contract.places import REAL_SUBSCRIPTION

_REAL = pytest.param(
    "real subscription",
    marks=[
        pytest.mark.azure,
        pytest.mark.skipif(
            not REAL_SUBSCRIPTION,
            reason="needs a real subscription: set TRACKER_CONTRACT_SUBSCRIPTION and sign in; nothing is written there",
        ),
    ],
)
SIMULATED = pytest.mark.parametrize("azure", ["in process", "over HTTP"], indirect=True)
EVERYWHERE = pytest.mark.parametrize("azure", ["in process", "over HTTP", _REAL], indirect=True)

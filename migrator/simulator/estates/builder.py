"""Building an estate in wire format: one method for each kind of thing, with believable defaults.

Shapes: azure.md 1.3 and 6; what is tagged [I] there is inferred here too. Ids, addresses and times follow from the
names, so that the same estate comes out every time.
"""

from collections.abc import Mapping, Sequence

from migrator.simulator.estates.machines import Machines
from migrator.simulator.estates.networks import Networks, security_rule
from migrator.simulator.estates.parts import Document
from migrator.simulator.estates.parts import EstateBuilder as _Collector
from migrator.simulator.estates.services import Services, role
from migrator.simulator.estates.settings import Settings, rule

__all__ = ["Area", "Document", "EstateBuilder", "role", "rule", "security_rule"]


class Area(Networks, Services, Machines, Settings):
    """One subscription of an estate, with everything that can be put into it."""


class EstateBuilder(_Collector):
    """Collects documents; `area` begins a subscription, `estate` gives the file."""

    def area(
        self,
        name: str,
        regions: Sequence[str],
        *,
        registered: bool = True,
        limits: Mapping[tuple[str, str], int] | None = None,
        used: Mapping[tuple[str, str], int] | None = None,
    ) -> Area:
        """A subscription with its registrations and usage rows. `limits` and `used` by (region, row name)."""
        return Area(self, self.subscription(name, regions, registered=registered, limits=limits, used=used))

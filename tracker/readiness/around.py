"""What the rules look at for a few units, read without their whole subscription.

A rule looks beyond its unit in few directions, and `Index` holds them all: settings and Resource Manager resources,
peerings of other networks, cloud services and networks which a member names, machines whose disks may lie in an
account, deployments and machines of which no network is known. These are read besides the members; what may be one of
them is read when in doubt. tests/tracker/readiness/test_around.py holds that an evaluation says the same as over the
whole subscription.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from migrator import units as drawing
from migrator.gateway import wire
from migrator.resources import Estate, ResourceType, Setting
from tracker.inventory import queries as inventory
from tracker.inventory.models import Resource, Unit

_MACHINE, _SLOT = ResourceType.VIRTUAL_MACHINE.value, ResourceType.DEPLOYMENT.value
_SERVICE, _IN_NETWORK = "{properties,domainName,id}", "{properties,virtualNetwork,id}"
_MACHINE_IN_NETWORK = "{properties,networkProfile,virtualNetwork,id}"

_OUTLINE = f"""
SELECT key, type, unit_id, document #>> '{_SERVICE}', document #>> '{_IN_NETWORK}',
       coalesce(document #>> '{{properties,configuration}}' LIKE '%%VirtualNetworkSite%%', FALSE)
  FROM tracker_resource WHERE subscription_id = %(subscription)s AND gone_at IS NULL AND
"""  # noqa: S608 - constants of this module
_MEMBERS = f"{_OUTLINE} unit_id = ANY(%(units)s)"
# Settings, Resource Manager resources, peerings of either side.
_EVERYWHERE = f"{_OUTLINE} (type NOT ILIKE 'microsoft.classic%%' OR type ILIKE 'microsoft.classicnetwork/%%peering%%')"
# What may lie in a network unseen: whatever does not name one in so many words.
_STRAYS = f"""{_OUTLINE} (
    (type = '{_MACHINE}' AND jsonb_typeof(document #> '{_MACHINE_IN_NETWORK}') IS DISTINCT FROM 'string')
    OR (type = '{_SLOT}' AND jsonb_typeof(document #> '{_IN_NETWORK}') IS DISTINCT FROM 'string'))"""
_MACHINES = f"{_OUTLINE} type = '{_MACHINE}'"
_NETWORKS = f"{_OUTLINE} type = '{ResourceType.NETWORK.value}'"
_PARENTS = f"{_OUTLINE} key = ANY(%(keys)s)"
_NAMED = f"{_OUTLINE} (key = ANY(%(keys)s) OR key LIKE ANY(%(below)s))"


# Beyond these the whole subscription is read faster than what lies around (measured: benchmark F10, F12).
MOST_MEMBERS, MOST_NAMED = 2_000, 50


class _TooMuch(Exception):
    """So much lies around that the whole is read faster."""


class _Outline(NamedTuple):
    key: str
    type: str
    unit: int | None
    service: str | None  # the cloud service a machine names
    network: str | None  # the network a slot names
    names_site: bool  # its configuration names a network by the name of the older API


def estate_around(subscription_id: str, listed: Sequence[Unit]) -> tuple[Estate, Mapping[str, drawing.Unit]] | None:
    """The estate as far as these units of one subscription look, and the units drawn from it. None when they are so
    large, or name so much elsewhere, that the whole is read faster; and when they come out with other members than they
    are stored with: then only the whole tells."""
    if sum(unit.member_count for unit in listed) > MOST_MEMBERS:
        return None
    try:
        found = _Found(subscription_id, listed)
    except _TooMuch:
        return None
    rows = Resource.objects.filter(key__in=list(found.outlines), gone_at__isnull=True).order_by("subscription", "key")
    documents = rows.values_list("document", flat=True)  # in the order of `inventory.estate_of`
    estate = wire.estate(documents.iterator(chunk_size=2_000), inventory.registrations_of([subscription_id]))
    drawn = {unit.key: unit for unit in drawing.resolve(estate.resources)}
    values = drawing.flatten(estate.resources)
    stored: dict[int, set[str]] = {unit.pk: set() for unit in listed}
    for one in found.outlines.values():
        if one.unit in stored and not isinstance(values.get(one.key), Setting | None):
            stored[one.unit].add(one.key)
    for unit in listed:
        here = drawn.get(unit.key)
        members = here.members if here else ()
        if {m.resource_key for m in members if not isinstance(values[m.resource_key], Setting)} != stored[unit.pk]:
            return None
    return estate, drawn


class _Found:
    """Which resources have to be read."""

    def __init__(self, subscription_id: str, listed: Sequence[Unit]) -> None:
        self.outlines: dict[str, _Outline] = {}
        self._asked = {"subscription": subscription_id, "units": [unit.pk for unit in listed]}
        kinds = {unit.kind for unit in listed}
        self._read(_MEMBERS)
        services = self._named()
        self._read(_EVERYWHERE)
        if drawing.UnitKind.NETWORK in kinds:
            self._read(_STRAYS)
        if drawing.UnitKind.STORAGE_ACCOUNT in kinds:
            self._read(_MACHINES)  # whose disks may lie in the account, or whose disks are not known
        self._read_named(services)
        self._read_above()
        if any(one.names_site and one.network is None for one in self.outlines.values()):
            self._read(_NETWORKS)

    def _read(self, statement: str, **more: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self._asked, **more})
            for row in cursor:
                self.outlines[row[0]] = _Outline(*row)

    def _named(self) -> set[str]:
        """Cloud services and networks which the members name."""
        told = [name for one in self.outlines.values() for name in (one.service, one.network) if name]
        return {name.lower() for name in told}

    def _read_above(self) -> None:
        """What everything lies in, without what else lies there: a slot has the region of its cloud service."""
        if missing := sorted(self._above() - set(self.outlines)):
            self._read(_PARENTS, keys=missing)

    def _above(self) -> set[str]:
        found: set[str] = set()
        for one in self.outlines.values():
            above = one.key.rsplit("/", 2)[0]
            while "/providers/" in above and above.count("/") > 6 and above not in found:
                found.add(above)
                above = above.rsplit("/", 2)[0]
        return found

    def _read_named(self, keys: set[str]) -> None:
        missing = sorted(keys - set(self.outlines))
        if len(missing) > MOST_NAMED:
            raise _TooMuch
        if missing:  # a cloud service with its slots and roles
            self._read(_NAMED, keys=missing, below=[f"{key}/%" for key in missing if "/domainnames/" in key])

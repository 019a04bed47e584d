"""Uploaded configuration files, out of the database, as evaluations and pages need them. Reads only."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrator.configuration import Contents, FileRefused, Kind, ServiceConfiguration, checks, read_kept
from migrator.gateway import wire
from migrator.readiness.files import FileRole, GivenFile, why_not
from migrator.resources import Deployment, ResourceType
from migrator.units import flatten
from tracker.inventory.models import Resource, Unit
from tracker.readiness.models import ConfigurationFile

logger = logging.getLogger(__name__)


def counting(subscription_id: str) -> dict[str, tuple[GivenFile, ...]]:
    """The files of a subscription's deployments that were neither withdrawn nor replaced, by key of the deployment."""
    rows = ConfigurationFile.objects.filter(
        ended_at__isnull=True, resource_key__startswith=f"/subscriptions/{subscription_id}/"
    )
    found: dict[str, tuple[GivenFile, ...]] = {}
    for row in rows.order_by("resource_key", "kind"):
        if (contents := contents_of(row)) is not None:
            found[row.resource_key] = (*found.get(row.resource_key, ()), value_of(row, contents))
    return found


def contents_of(row: ConfigurationFile) -> Contents | None:
    """What a kept file says; None where this version cannot read what a former one kept, so that it says nothing."""
    try:
        return read_kept(row.text, Kind(row.kind))
    except FileRefused:
        logger.exception("the kept configuration file %s cannot be read", row.pk)
        return None


def value_of(row: ConfigurationFile, contents: Contents) -> GivenFile:
    return GivenFile(
        kind=row.kind,
        name=row.file_name,
        digest=row.digest,
        by=row.given_by,
        at=row.given_at,
        seen=row.seen,
        **facts_of(contents),
    )


def facts_of(contents: Contents) -> Mapping[str, Any]:
    """What of a file the rules ask for."""
    if isinstance(contents, ServiceConfiguration):
        network = contents.network
        return {
            "roles": tuple(
                FileRole(name=one.name, instance_count=one.instance_count, subnets=one.subnets, plugins=one.plugins)
                for one in contents.roles
            ),
            "service_name": contents.service_name,
            "network_site": network.site if network else None,
            "internal_load_balancers": bool(network and network.load_balancers),
        }
    return {
        "roles": tuple(FileRole(name=one.name, size=one.size, plugins=one.imports) for one in contents.roles),
        "definition_name": contents.name,
        "startup_tasks": any(one.startup_tasks for one in contents.roles),
        "traffic_rules": contents.traffic_rules > 0,
    }


def of_deployments(keys: Iterable[str]) -> dict[tuple[str, str], ConfigurationFile]:
    """The files that count, by (key of the deployment, kind)."""
    rows = ConfigurationFile.objects.filter(resource_key__in=list(keys), ended_at__isnull=True)
    return {(row.resource_key, row.kind): row for row in rows}


def ended_of(keys: Iterable[str], limit: int) -> list[ConfigurationFile]:
    """Files that were replaced or withdrawn, the last first."""
    rows = ConfigurationFile.objects.filter(resource_key__in=list(keys), ended_at__isnull=False).defer("text")
    return list(rows.order_by("-ended_at", "-pk")[:limit])


@dataclass(frozen=True, slots=True)
class Standing:
    """A file that was neither replaced nor withdrawn. `why_not`: why it settles nothing, empty when it does;
    `contradicts`: where it says something else than Azure shows."""

    row: ConfigurationFile
    why_not: str
    contradicts: tuple[str, ...]


def standing(unit: Unit) -> list[Standing]:
    """The files of the unit's deployments, by deployment and kind; two queries."""
    rows = Resource.objects.filter(unit=unit, gone_at__isnull=True, type__startswith=ResourceType.DEPLOYMENT.value)
    values = flatten(wire.resources(list(rows.order_by("key").values_list("document", flat=True))))
    deployments = {key: value for key, value in values.items() if isinstance(value, Deployment)}
    found = []
    for (key, _), row in sorted(of_deployments(deployments).items()):
        if (contents := contents_of(row)) is not None:
            deployment = deployments[key]
            reason = why_not(value_of(row, contents), deployment)
            found.append(Standing(row, reason, tuple(checks.with_azure(contents, deployment))))
    return found

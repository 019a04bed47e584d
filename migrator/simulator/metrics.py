"""Metrics of the types that can be scaled and watched (azure.md 6.1): name, unit, primary aggregation."""

from typing import Final

_CLASSIC_ROLE: Final = (
    ("Percentage CPU", "Percent", "Average"),
    ("Network In", "Bytes", "Total"),
    ("Network Out", "Bytes", "Total"),
    ("Disk Read Bytes/Sec", "BytesPerSecond", "Average"),
    ("Disk Write Bytes/Sec", "BytesPerSecond", "Average"),
    ("Disk Read Operations/Sec", "CountPerSecond", "Average"),
    ("Disk Write Operations/Sec", "CountPerSecond", "Average"),
)
_CLOUD_SERVICE: Final = (
    ("Percentage CPU", "Percent", "Average"),
    ("Network In Total", "Bytes", "Total"),
    ("Network Out Total", "Bytes", "Total"),
    ("Disk Read Bytes", "Bytes", "Total"),
    ("Disk Write Bytes", "Bytes", "Total"),
    ("Disk Read Operations/Sec", "CountPerSecond", "Average"),
    ("Disk Write Operations/Sec", "CountPerSecond", "Average"),
    ("Available Memory Bytes", "Bytes", "Average"),
)
_QUEUE: Final = (("ApproximateMessageCount", "Count", "Average"),)

METRICS: Final = {
    "microsoft.classiccompute/domainnames/slots/roles": _CLASSIC_ROLE,
    "microsoft.classiccompute/virtualmachines": _CLASSIC_ROLE,
    "microsoft.compute/cloudservices": _CLOUD_SERVICE,
    "microsoft.compute/cloudservices/roles": _CLOUD_SERVICE,
    "microsoft.compute/virtualmachines": _CLOUD_SERVICE,
}
STORAGE: Final = ("microsoft.classicstorage/storageaccounts", "microsoft.storage/storageaccounts")
SCALABLE: Final = (
    "microsoft.classiccompute/domainnames/slots/roles",
    "microsoft.compute/cloudservices/roles",
)


def names(kind: str) -> frozenset[str]:
    """Metric names (as written) of a type; empty when it has none."""
    rows = _QUEUE if kind.lower().startswith(STORAGE) else METRICS.get(kind.lower(), ())
    return frozenset(name for name, _, _ in rows)


def definitions(resource_id: str, kind: str) -> list[dict[str, object]]:
    """`metricDefinitions` of one resource."""
    return [
        {
            "id": f"{resource_id}/providers/microsoft.insights/metricdefinitions/{name}",
            "resourceId": resource_id,
            "namespace": kind,
            "name": {"value": name, "localizedValue": name},
            "unit": unit,
            "primaryAggregationType": aggregation,
            "supportedAggregationTypes": ["None", "Average", "Minimum", "Maximum", "Total", "Count"],
            "metricAvailabilities": [{"timeGrain": "PT1M", "retention": "P93D"}],
            "dimensions": [{"value": "RoleInstanceId", "localizedValue": "RoleInstanceId"}],
        }
        for name, unit, aggregation in METRICS.get(kind.lower(), ())
    ]

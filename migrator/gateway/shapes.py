"""What no public document says and the product had to infer (azure.md 2.3, 13.1), as values that can be corrected.

Nothing public gives the api-version, request body, Validate answer and status path of Resource Manager's migration
actions. The defaults follow the older API and the published role actions. Whoever has watched the real platform (a
browser capture of one Validate is enough) sets what differs, without a change of code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

# Body of Validate and Prepare for a deployment: the older API's, camel-cased (azure.md 2.3 [I]).
DEPLOYMENT_BODY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "destinationVirtualNetwork": "New",
        "resourceGroupName": "",
        "virtualNetworkName": "",
        "subnetName": "",
    }
)
STATUS_PATH: Final = "operationStatuses"
VALIDATE_LISTS: Final = ("validationMessages", "properties.validationMessages", "properties.output.validationMessages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """`migrate_api_version`: empty for that of the resource's type. `deployment_body`: sent with Validate and Prepare
    of a deployment when the run gives none. `status_path`: the part of a path by which an operation status is told from
    a Location. `validate_lists`: where Validate's messages stand in its answer, as dotted names."""

    migrate_api_version: str = ""
    deployment_body: Mapping[str, Any] = field(default_factory=lambda: DEPLOYMENT_BODY)
    status_path: str = STATUS_PATH
    validate_lists: tuple[str, ...] = VALIDATE_LISTS


INFERRED_AS_DOCUMENTED: Final = Shapes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """One inferred shape for a person: which setting holds it, which field of `Shapes`, the evidence and its tag."""

    setting: str
    field: str
    title: str
    evidence: str
    tag: str = "I"


INFERRED: Final = (
    Inferred(
        setting="TRACKER_MIGRATE_API_VERSION",
        field="migrate_api_version",
        title="Version of the four migration actions",
        evidence="No public text gives it. The newest version the provider metadata lists for the resource type is "
        "used, 2016-11-01 when there is none.",
    ),
    Inferred(
        setting="TRACKER_DEPLOYMENT_BODY",
        field="deployment_body",
        title="Body of Validate and Prepare for a deployment",
        evidence="The names of the older API in camel case; the documented error texts name the same fields. Empty "
        "bodies go out for networks and storage accounts, and with Abort and Commit.",
    ),
    Inferred(
        setting="TRACKER_OPERATION_STATUS_PATH",
        field="status_path",
        title="Path of an operation's status",
        evidence="The published role actions name operationStatuses/read below each type; that the answer points "
        "there is inferred. Such an address has to say a status, any other is read as a Location.",
    ),
    Inferred(
        setting="TRACKER_VALIDATE_LISTS",
        field="validate_lists",
        title="Where Validate's messages stand in its answer",
        evidence="The older API's list in camel case, at the top or where operation results keep their output. A bare "
        "list, and an error with details, are read as well.",
    ),
)

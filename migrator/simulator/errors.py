"""ArmError: an answer of the platform which is not a success, in Azure's error shape, and the ones used in several
places.

Texts carry the fragments of the error catalogue (azure.md 2.10); the sentences around the fragments are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ArmError(Exception):
    """One refusal: HTTP status, Azure's error code and message, optional details and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The `error` object as Resource Manager sends it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


class Violation(ArmError):
    """A refusal that a careful client never provokes: also recorded as a violation (stricter than Azure)."""


def resource_not_found(resource_id: str) -> ArmError:
    """404 for one resource, in Resource Manager's words [K]."""
    _, _, tail = resource_id.partition("/providers/")
    parts = resource_id.split("/")
    group = parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""
    where = f" under resource group '{group}'" if group else ""
    return ArmError(404, "ResourceNotFound", f"The Resource '{tail or resource_id}'{where} was not found.")


def bad_request(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


# Answers a fault can force by their catalogue number (azure.md 2.10): status, code, text.
CATALOGUE: Mapping[str, tuple[int, str, str]] = {
    "E01": (
        400,
        "InvalidResourceType",
        "The resource type could not be found in the namespace 'Microsoft.Compute' for api version '2020-10-01'.",
    ),
    "E02": (400, "BadRequest", "Subscription is not registered for migration."),
    "E03": (500, "InternalError", "The server encountered an internal error. Please retry the request."),
    "E04": (
        500,
        "InternalError",
        "The server encountered an unexpected error while trying to allocate network resources for the cloud service. "
        "Retry the request.",
    ),
    "E10": (
        400,
        "BadRequest",
        "Deployment is in intermediate state Deploying; Migration not allowed until it is stable.",
    ),
    "E13": (
        409,
        "ConflictError",
        "The resource is in the process of being committed and cannot be changed until it completes.",
    ),
    "E14": (
        409,
        "ConflictError",
        "The resource is in the process of being aborted and cannot be changed until it completes.",
    ),
    "E15": (409, "ConflictError", "The deployment is undergoing an update operation. Try again later."),
    "E21": (400, "BadRequest", "CSPKG is not available for the deployment. Upgrade the deployment and retry."),
    "E24": (500, "UnknownExceptionInEndExecute", "UnknownExceptionInEndExecute: rgName is null or empty."),
    "E25": (500, "UnknownExceptionInEndExecute", "UnknownExceptionInEndExecute: A task was canceled."),
    "E26": (500, "XrpVirtualNetworkMigrationError", "XrpVirtualNetworkMigrationError: the network was not migrated."),
    "E28": (
        400,
        "QuotaExceeded",
        "The current quota for cores is insufficient to complete migration. "
        "Current quota is 10, additional needed is 8.",
    ),
    "E29": (
        400,
        "XrpPaaSMigrationCscfgCsdefValidationMismatch",
        "XrpPaaSMigrationCscfgCsdefValidationMismatch: the service name differs between csdef and cscfg.",
    ),
    "E30": (500, "NetworkingInternalOperationError", "NetworkingInternalOperationError: the role cannot be deployed."),
    "E32": (
        500,
        "InternalError",
        "Template 'migration' deployment failed. CorrelationId=6f9619ff-8b86-d011-b42d-00c04fc964ff.",
    ),
    "E41": (
        409,
        "ConflictError",
        "The resource is in the process of being migrated and hence cannot be changed. Commit or abort the migration.",
    ),
    "E42": (400, "BadRequest", "VM is in State: RoleStateUnknown. Migration can start when it is stable."),
    "E49": (400, "BadRequest", "The fabric cluster does not exist in the migration service yet."),
}

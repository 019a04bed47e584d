"""AzureGateway: everything the product asks of Azure, as a contract. A second gateway could be written from this file
alone.

Rules every gateway keeps:

* **Calls are short.** One HTTP exchange (listings: one per page), total deadline `HTTP_DEADLINE` seconds. Nothing
  polls, nothing sleeps: a long-running operation is submitted by one call and looked at by others, hours apart, from
  other processes.
* **POST is sent once**, but for one case: answered 401 with a bearer challenge it was stopped at the door, carried out
  in no part, and is sent once more with a fresh token (also with the claims which the challenge demands). No other
  retry, no redirect, no automatic provider registration. Reads may be retried a few times. Every attempt, that second
  one included, is counted and reported in `Exchange.attempts`.
* **Silence is not an answer.** A time-out, a reset, a 5xx or an unreadable body after a POST raises with
  `applied=Applied.UNKNOWN`.
* **The credential goes only to the configured endpoint**: https, or http on loopback. A status URL at another host is
  refused (`Malformed`), never followed.
* **Nothing is guessed.** What the platform did not say stays out of the document; the reader sees `UNKNOWN`.

A *document* is a resource in wire format (`{"id", "name", "type", "location", "tags", "properties"}`), as Azure or
the simulator sent it, plus one key of ours: `"read"`, the list of child collections which were listed completely (so
that "no roles" differs from "roles not read"). An inventory adds a second one: `"sources"`, who said what, by path
("" for the whole document, "properties.migrationState" for a field and all below it; the longest path counts), as
`graph`, `arm`, `service-management` or `file`. Secrets are taken out before a document leaves the gateway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from migrator.messages.classes import ErrorClass
from migrator.resources import ArmRequest, OfferedSize, PlatformMessage, Registration, ResourceType, Usage, Verb

HTTP_DEADLINE = 30.0  # seconds, one exchange (reliability-notes 4.4)

Document = Mapping[str, Any]


class Applied(StrEnum):
    """Whether the platform may have carried out what was sent."""

    NO = "no"  # definite: nothing changed
    YES = "yes"
    UNKNOWN = "unknown"  # only reading can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP exchange as evidence. Header values only from the allow-list; never a token."""

    method: str = ""
    url: str = ""  # without query values that could be secret
    status: int = 0  # 0: no answer
    attempts: int = 1
    client_request_id: str = ""
    request_id: str = ""  # x-ms-request-id
    correlation_id: str = ""  # x-ms-correlation-request-id
    excerpt: str = ""  # first 2,000 characters of the answer
    remaining_reads: int | None = None  # x-ms-ratelimit-remaining-subscription-reads
    remaining_writes: int | None = None
    api_version: str = ""  # the api-version that was asked for


class GatewayError(Exception):
    """Base of the error family. `str(error)` is one sentence for a person: what is wrong, where, what to do."""

    def __init__(
        self,
        sentence: str,
        *,
        applied: Applied = Applied.NO,
        retry_after: float | None = None,  # seconds
        code: str = "",  # Azure's error code
        message: str = "",  # Azure's own words
        error_class: ErrorClass = ErrorClass.UNKNOWN,
        catalogue_id: str = "",  # "E02", …
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(sentence)
        self.applied = applied
        self.retry_after = retry_after
        self.code = code
        self.message = message
        self.error_class = error_class
        self.catalogue_id = catalogue_id
        self.exchange = exchange or Exchange()


class Unreachable(GatewayError):
    """No answer: name not resolved, connection refused or reset, time-out."""


class CredentialRefused(GatewayError):
    """401, or no token could be had: expired, wrong tenant, wrong audience."""


class NotPermitted(GatewayError):
    """403. `action` and `scope` are those Azure named as missing, empty when it named none; the sentence carries
    them."""

    def __init__(self, sentence: str, *, action: str = "", scope: str = "", **details: Any) -> None:
        super().__init__(sentence, **details)
        self.action = action
        self.scope = scope


class NotRegistered(GatewayError):
    """The subscription is not registered for a provider or feature (E02, E52)."""


class Throttled(GatewayError):
    """429. Not processed; `retry_after` says when."""


class Busy(GatewayError):
    """409, or 429 of a resource provider: another operation is running. Read before sending again. After a POST
    answered with 409 `applied` is UNKNOWN, because the operation that is running may be our own earlier one; after a
    429 it is NO."""


class Refused(GatewayError):
    """A definite refusal (4xx) with Azure's code and message. Nothing was changed by this request."""


class NotFound(Refused):
    """404 for something that was to be there."""


class ServerFailed(GatewayError):
    """5xx. After a POST `applied` is UNKNOWN."""


class Malformed(GatewayError):
    """An answer that cannot be read: HTML, cut JSON, a status URL at another host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Part of an inventory that could not be read; the facts behind it stay UNKNOWN."""

    resource_id: str
    action: str  # the missing action ("Microsoft.ClassicCompute/domainNames/slots/read") or what failed
    sentence: str
    retry_after: float | None = None  # seconds, where Azure refused for now and said for how long


# `Unreadable.action` where service management keeps its door shut: what it asks for, and that it is there no more. The
# next reading will meet the same, so that a reading which misses nothing else is complete as far as it may see.
OLDER_API_RIGHT = "Owner or co-administrator of the subscription (service management)"
OLDER_API_GONE = "Service management"
STANDING = frozenset({OLDER_API_RIGHT, OLDER_API_GONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersion:
    """Which api-version a type is asked in. `source`: "setting", "provider metadata" or "table"; `listed`: the versions
    the subscription's metadata lists, newest first; `read_at`: when that was read, None when it could not be; `doubt`:
    why the version may be refused, empty when nothing speaks against it."""

    kind: str  # a type, or a type and an action ("…/slots/prepareMigration")
    version: str
    source: str
    listed: tuple[str, ...] = ()
    read_at: datetime | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A place in a listing, when `inventory(…, after=…)` was asked for places. Everything before it was yielded whole;
    `after=cursor` goes on from here, also in another process and later. `cursor` is text for nobody but the gateway
    that made it; "" is the beginning."""

    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionInfo:
    subscription_id: str  # lower case
    display_name: str
    state: str  # "Enabled", …
    tenant_id: str = ""


class OperationStatus(StrEnum):
    IN_PROGRESS = "in progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # Failed or Canceled
    GONE = "gone"  # 404 on the status URL
    UNREADABLE = "unreadable"  # 401, 403, 5xx, malformed, unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The platform took a verb. `status_url` is None when it answered at once (200); then `messages` hold Validate's
    answer."""

    status_url: str | None
    retry_after: float | None
    messages: tuple[PlatformMessage, ...] = ()
    exchange: Exchange = field(default_factory=Exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """One look at a status URL."""

    status: OperationStatus
    retry_after: float | None = None
    code: str = ""
    message: str = ""
    error_class: ErrorClass = ErrorClass.UNKNOWN
    catalogue_id: str = ""
    messages: tuple[PlatformMessage, ...] = ()
    exchange: Exchange = field(default_factory=Exchange)


class ClassicSide(StrEnum):
    """The classic resource as read. PREPARED and the -ING states need `migrationState`, which Resource Manager is only
    inferred to show (azure.md 2.7 [S], its place in ARM bodies [I]); without it a present resource is PRESENT."""

    PRESENT = "present"
    PREPARING = "preparing"
    PREPARED = "prepared"
    ABORTING = "aborting"
    COMMITTING = "committing"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


class ArmSide(StrEnum):
    """The Resource Manager counterpart(s) as read, found by listing the `-migrated` groups, never by a guessed name
    (azure.md 2.8, 4.1)."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One look at both sides of a unit."""

    classic: ClassicSide
    arm: ArmSide
    classic_documents: tuple[Document, ...] = ()
    arm_documents: tuple[Document, ...] = ()  # everything found in the unit's `-migrated` resource groups
    unreadable: tuple[Unreadable, ...] = ()
    parts_only: bool = False  # the unit itself is gone from the classic side, and a part of it is not


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaAnswer:
    """A quota request as Microsoft.Quota tells it (azure.md 5.2). `state` verbatim: Accepted, InProgress, Succeeded,
    Failed, Invalid."""

    request_id: str  # resource name of the quotaRequest
    state: str
    message: str = ""
    limit: int | None = None
    exchange: Exchange = field(default_factory=Exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer to an ArmRequest: status 200, 201, 202 or 204 and the body (None when empty)."""

    status: int
    body: Any
    exchange: Exchange = field(default_factory=Exchange)


@dataclass(slots=True)
class Traffic:
    """What a gateway has asked of Resource Manager since it was made. `reads_left`: how many reads the platform said
    are left, in its last answer that said so (azure.md 8.1); `refused_for`: seconds it asked to wait with a 429 on a
    read, until somebody who heard it sets it back."""

    reads: int = 0
    reads_left: int | None = None
    refused_for: float = 0.0


class AzureGateway(Protocol):
    """The contract. Every method may raise any `GatewayError`; extra promises stand with the method."""

    @property
    def traffic(self) -> Traffic:
        """Counts on while the gateway is used. Asks nobody."""

    def movable(self) -> frozenset[ResourceType]:
        """The types of resource for which this gateway can send the verbs. Asks nobody."""

    def subscriptions(self) -> list[SubscriptionInfo]:
        """Subscriptions the credential can see. `GET /subscriptions`."""

    def registrations(self, subscription_id: str) -> list[Registration]:
        """Providers and features of azure.md 7 with their state; one that cannot be read comes with state UNKNOWN."""

    def register(self, subscription_id: str, name: str) -> Registration:
        """Register a provider ("Microsoft.X") or a feature ("Microsoft.X/Y"). Returns at once; registration takes
        minutes."""

    def api_versions(self, subscription_id: str) -> list[ApiVersion]:
        """The version of every type this gateway asks for, with where it came from. Reads the provider metadata when
        it was not read lately; what cannot be read comes from the table, and says so."""

    def inventory(self, subscription_id: str, *, after: str | None = None) -> Iterator[Document | Unreadable | Reached]:
        """Everything of azure.md 1 in one subscription, flat, parents before children, each once: classic resources
        with slots, roles, extension references, gateways, peerings, disks; settings of azure.md 6 that name classic
        resources or their resource groups (autoscale, alert rules, role assignments, locks); Resource Manager
        resources that name a classic network (dependents). What may not be read comes as `Unreadable` and the rest
        goes on; raises only when the subscription itself cannot be listed.

        With `after` (a cursor of `Reached`, "" for the beginning) the places from which a listing can go on come with
        it; without it only documents and `Unreadable` do. What is listed again after an interruption may come twice.
        """

    def read(self, resource_id: str) -> Document | None:
        """One resource by id; None on 404."""

    def observe(self, unit_id: str, members: tuple[str, ...]) -> Observed:
        """Both sides of a unit: the classic resource `unit_id` and its Resource Manager counterparts. Never raises
        for a refused or failed read: that side is UNREADABLE (doubt must stay doubt). `members`: ids of what moves
        with it (cloud services, VMs, …)."""

    def submit(
        self, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None = None
    ) -> Submitted:
        """Send one verb, once. `parameters` is the body for a deployment (azure.md 2.3 [I]), None for others."""

    def poll(self, status_url: str) -> Polled:
        """One look at a status URL. Never raises for what the platform answers; UNREADABLE instead."""

    def usages(self, subscription_id: str, location: str) -> list[Usage]:
        """Compute, network and storage usages of one region. Storage's are left out where they may not be read."""

    def sizes(self, subscription_id: str, location: str) -> list[OfferedSize]:
        """Sizes of machines in one region, with cores and family, as Azure lists them."""

    def request_quota(self, subscription_id: str, provider: str, location: str, name: str, limit: int) -> QuotaAnswer:
        """Ask for a new TOTAL limit (azure.md 5.2)."""

    def quota_request(self, subscription_id: str, provider: str, location: str, request_id: str) -> QuotaAnswer:
        """Read a quota request."""

    def settings_on(self, unit_id: str, members: tuple[str, ...]) -> list[Document | Unreadable]:
        """The settings of azure.md 6 that hang on a unit and its members, read fresh (for the capture before
        Prepare)."""

    def send(self, request: ArmRequest) -> Answer:
        """Send a ready request (a follow-up, a probe, a fix). GET of something absent raises NotFound. An empty
        `api_version` leaves the choice to the gateway; of an action it is that of the type before it."""

    def scale(
        self, deployment_id: str, role: str, instances: int, *, expected: int, client_request_id: str
    ) -> Submitted:
        """Another number of instances for one role, over the older API [K]. Reads the configuration, changes this one
        number and sends it back, once; nothing of the configuration leaves the gateway. Raises Refused, with nothing
        sent, when the role is not in it or does not have `expected` instances now, and where the older API is not
        connected."""

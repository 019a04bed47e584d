"""Azure over both of its APIs: Resource Manager for everything it can do, service management for what only it can read
or move (azure.md 1.4, 2.5)."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from azure.core.credentials import TokenCredential

from migrator.gateway import inventory
from migrator.gateway.arm import CONNECT_TIMEOUT, ArmGateway
from migrator.gateway.inventory import unreadable
from migrator.gateway.protocol import (
    HTTP_DEADLINE,
    ApiVersion,
    ClassicSide,
    CredentialRefused,
    Document,
    GatewayError,
    NotFound,
    NotPermitted,
    Observed,
    Polled,
    Reached,
    Submitted,
    Unreachable,
    Unreadable,
)
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.service_management_inventory import Supplement, filled, is_gone, of_unit
from migrator.gateway.shapes import INFERRED_AS_DOCUMENTED, Shapes
from migrator.gateway.versions import Source
from migrator.gateway.wire import sides, type_in
from migrator.gateway.wire.service_management import Ids
from migrator.resources import ResourceType, SlotType, Verb, subscription_of

REFUSED_FOR = 900.0  # seconds: how long after a refusal a subscription's migration states are not asked for
OLDER_API = "Service management"  # stands where a provider does in the kinds of `api_versions`
_REFUSALS = (CredentialRefused, NotPermitted, Unreachable, NotFound)
_WITH_STATE = frozenset({ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT, ResourceType.DEPLOYMENT})


class Azure(ArmGateway):
    """`AzureGateway` over Resource Manager and service management, with one credential.

    Where service management refuses or does not answer, everything goes on as with Resource Manager alone: an
    inventory names what is missing, an observation has no MigrationState. `service_management`: its endpoint;
    `versions`: x-ms-version by family.
    """

    def __init__(
        self,
        endpoint: str,
        service_management: str,
        credential: TokenCredential,
        *,
        deadline: float = HTTP_DEADLINE,
        connect_timeout: float = CONNECT_TIMEOUT,
        api_versions: Mapping[str, str] | None = None,
        versions: Mapping[str, str] | None = None,
        shapes: Shapes = INFERRED_AS_DOCUMENTED,
    ) -> None:
        super().__init__(
            endpoint,
            credential,
            deadline=deadline,
            connect_timeout=connect_timeout,
            api_versions=api_versions,
            shapes=shapes,
        )
        self._service = ServiceManagement(
            service_management, credential, deadline=deadline, connect_timeout=connect_timeout, versions=versions
        )
        self._set_by_hand = frozenset(versions or {})
        self._refused: dict[str, float] = {}  # by subscription: time.monotonic() of the refusal

    def close(self) -> None:
        self._service.close()
        super().close()

    def movable(self) -> frozenset[ResourceType]:
        return super().movable() | self._service.movable()

    def api_versions(self, subscription_id: str) -> list[ApiVersion]:
        """Those of Resource Manager, then those of service management, which has no metadata to choose from."""
        return super().api_versions(subscription_id) + [
            ApiVersion(
                kind=f"{OLDER_API}/{family}",
                version=version,
                source=(Source.SETTING if family in self._set_by_hand else Source.TABLE).value,
            )
            for family, version in self._service.versions.items()
        ]

    def inventory(self, subscription_id: str, *, after: str | None = None) -> Iterator[Document | Unreadable | Reached]:
        subscription = subscription_id.lower()
        supplement = Supplement(
            self._service,
            subscription,
            groups=lambda: inventory.security_groups(self._calls, subscription),
            begun=bool(after),
        )
        yield from supplement.walk(super().inventory(subscription_id, after=after))

    def read(self, resource_id: str) -> Document | None:
        if type_in(resource_id) != ResourceType.ROUTE_TABLE:
            return super().read(resource_id)
        try:
            return self._table(resource_id)
        except NotFound as error:
            if is_gone(error):
                return None
            raise

    def _table(self, resource_id: str) -> Document:
        """A route table, under the id it was asked for."""
        found = self._service.route_table(Ids(subscription_of(resource_id)), resource_id.rstrip("/").rsplit("/", 1)[-1])
        return {**found, "id": resource_id}

    def observe(self, unit_id: str, members: tuple[str, ...]) -> Observed:
        seen, kind = super().observe(unit_id, members), type_in(unit_id)
        if kind == ResourceType.ROUTE_TABLE:
            return self._observe_table(unit_id, seen)
        if kind not in _WITH_STATE or seen.classic is not ClassicSide.PRESENT or not self._may_have_state(seen):
            return seen
        subscription = subscription_of(unit_id)
        if time.monotonic() - self._refused.get(subscription, -REFUSED_FOR) < REFUSED_FOR:
            return seen
        try:
            state = of_unit(self._service, unit_id, kind)
        except GatewayError as error:
            if isinstance(error, _REFUSALS) and not is_gone(error):
                self._refused[subscription] = time.monotonic()
            return replace(seen, unreadable=(*seen.unreadable, unreadable(error, unit_id, f"{kind}/read")))
        first, *others = seen.classic_documents
        documents = (filled(first, migrationState=state), *others)
        return replace(seen, classic=sides.classic_side(documents), classic_documents=documents)

    @staticmethod
    def _may_have_state(seen: Observed) -> bool:
        """Not when Resource Manager tells the state itself, nor for web and worker roles, which have none [S]."""
        properties = seen.classic_documents[0].get("properties") if seen.classic_documents else None
        if not isinstance(properties, Mapping) or properties.get("migrationState") is not None:
            return False
        return str(properties.get("slotType", "")).lower() != SlotType.ROLE.value.lower()

    def _observe_table(self, unit_id: str, seen: Observed) -> Observed:
        """Only service management shows a route table: that Resource Manager has none means nothing."""
        doubts = tuple(one for one in seen.unreadable if one.resource_id.lower() != unit_id.lower())
        try:
            documents: tuple[Document, ...] = (self._table(unit_id),)
            side = sides.classic_side(documents)
        except GatewayError as error:
            documents = ()
            side = ClassicSide.ABSENT if is_gone(error) else ClassicSide.UNREADABLE
            if side is ClassicSide.UNREADABLE:
                doubts = (*doubts, unreadable(error, unit_id, f"{ResourceType.ROUTE_TABLE}/read"))
        return replace(seen, classic=side, classic_documents=documents, unreadable=doubts)

    def submit(
        self, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None = None
    ) -> Submitted:
        only_there = self._service.movable() - super().movable()
        chosen = self._service.submit if type_in(unit_id) in only_there else super().submit
        return chosen(verb, unit_id, client_request_id=client_request_id, parameters=parameters)

    def scale(
        self, deployment_id: str, role: str, instances: int, *, expected: int, client_request_id: str
    ) -> Submitted:
        return self._service.scale(
            deployment_id, role, instances, expected=expected, client_request_id=client_request_id
        )

    def poll(self, status_url: str) -> Polled:
        return self._service.poll(status_url) if self._service.owns(status_url) else super().poll(status_url)

"""The gateway of service management, pointed at the stub of the folder above."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.wire.service_management_xml import NAMESPACE

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def wrap() -> Callable[[str], bytes]:
    """An answer of service management out of its root element without a namespace."""

    def wrapped(text: str) -> bytes:
        head, _, rest = text.strip().partition(">")
        slash = "/" if head.endswith("/") else ""
        inner = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
        return f'<?xml version="1.0"?>{head.rstrip("/")} xmlns="{NAMESPACE}" {inner}{slash}>{rest}'.encode()

    return wrapped


@pytest.fixture
def service(stub: Any) -> Iterator[ServiceManagement]:
    with ServiceManagement(stub.url, StaticToken("the-token"), deadline=3.0) as gateway:
        yield gateway

"""What of a file may be stored and shown: names and numbers the format is known to hold. Everything else is masked.

The list says what stays, so that what nobody thought of does not: values of settings and environment variables,
command lines, descriptions, comments and texts may all hold a password. Masking keeps every line, and masking twice
changes nothing more.
"""

import hashlib
import re
from typing import Final

from migrator.configuration.document import Attribute, Document, Element
from migrator.configuration.editing import Edit, applied
from migrator.configuration.plugins import is_switch

MASK: Final = "***removed***"  # as everywhere in the product (gateway.wire.cleaning)
LONGEST: Final = 512  # characters of a value that stays; no name of Azure's has as many

# Element: attributes that stay. Configuration (azure.md 4.4; OsImage, PublicIP and LoadBalancer are [K]), definition
# (azure.md 4.5; what is not named there is [K]).
_KEPT: Final = {
    element: frozenset(attributes.split())
    for element, attributes in {
        "ServiceConfiguration": "serviceName osFamily osVersion schemaVersion",
        "Role": "name vmName",
        "Instances": "count",
        "Setting": "name",
        "Certificate": "name thumbprint thumbprintAlgorithm storeLocation storeName permissionLevel",
        "AccessControl": "name",
        "Rule": "order action remoteSubnet",
        "EndpointAcl": "role endpoint endPoint accessControl",
        "DnsServer": "name IPAddress",
        "VirtualNetworkSite": "name",
        "InstanceAddress": "roleName",
        "Subnet": "name",
        "ReservedIP": "name",
        "PublicIP": "name domainNameLabel",
        "LoadBalancer": "name",
        "FrontendIPConfiguration": "name type subnet staticVirtualNetworkIPAddress",
        "ServiceDefinition": "name upgradeDomainCount schemaVersion topologyChangeDiscovery",
        "WebRole": "name vmsize enableNativeCodeExecution",
        "WorkerRole": "name vmsize enableNativeCodeExecution",
        "Import": "moduleName",
        "Site": "name",
        "VirtualApplication": "name",
        "VirtualDirectory": "name",
        "Binding": "name endpointName hostHeader",
        "InputEndpoint": "name protocol port localPort certificate loadBalancerProbe loadBalancer",
        "InternalEndpoint": "name protocol port",
        "InstanceInputEndpoint": "name protocol localPort",
        "FixedPort": "port",
        "FixedPortRange": "min max",
        "LoadBalancerProbe": "name protocol port intervalInSeconds timeoutInSeconds",
        "LocalStorage": "name sizeInMB cleanOnRoleRecycle",
        "LocalResources": "",
        "Runtime": "executionContext",
        "Task": "executionContext taskType",
        "Variable": "name",
        "RoleEndpoint": "endpointName roleName",
        "OnlyAllowTrafficTo": "",
        "WhenSource": "matches",
    }.items()
}
_KEY_IN_NAME = re.compile(r"[=;\"'<>]")
_LINE_END = re.compile(rb"\r\n|\n|\r")


def masked(document: Document) -> bytes:
    """The text of a file, as it may be stored and shown."""
    return applied(document.text, _masks(document))


def digest(document: Document) -> str:
    """SHA-256 of the masked text, in lower-case hexadecimal. Not of the file: that would let somebody who knows the
    rest try passwords until the digest fits."""
    return hashlib.sha256(masked(document)).hexdigest()


def _masks(document: Document) -> list[Edit]:
    text = document.text
    declaration = text.index(b"?>") + 2 if text.startswith(b"<?xml") else 0
    places = [(0, declaration), *document.asides]
    edits = [_mask(text, start, end) for start, end in document.asides]
    for element in document.root.walk():
        places += [(element.start, element.inside), (element.closing, element.end)]
        edits += [
            Edit(one.start, one.end, _lines(text[one.start : one.end]))
            for one in element.attributes
            if one.value and not _stays(element, one)
        ]
    place = 0
    for start, end in sorted(places):  # what stands between tags and comments is text
        if start > place:
            between = text[place:start]
            if between.strip() and between.strip() != MASK.encode():
                edits.append(Edit(place, start, _lines(between)))
        place = max(place, end)
    return edits


def _stays(element: Element, attribute: Attribute) -> bool:
    """Whether a value may be shown. One with a quote or an equals sign in it is no name."""
    value = attribute.value
    if value == MASK:
        return True
    if element.name == "Setting" and attribute.name == "value":
        return is_switch(element.get("name"), value)
    if attribute.name not in _KEPT.get(element.name, ()):
        return False
    return len(value) <= LONGEST and not _KEY_IN_NAME.search(value)


def _mask(text: bytes, start: int, end: int) -> Edit:
    """A comment, or a processing instruction, with nothing in it."""
    opening, closing = (b"<!--", b"-->") if text.startswith(b"<!--", start) else (b"<?removed ", b"?>")
    return Edit(start, end, opening + _lines(text[start + 4 : end - len(closing)]) + closing)


def _lines(hidden: bytes) -> bytes:
    """The mask, with as many line ends as what it hides."""
    return MASK.encode() + b"".join(_LINE_END.findall(hidden))

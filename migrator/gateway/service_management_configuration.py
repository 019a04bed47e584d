"""Change Deployment Configuration of the older API, for one thing only: how many instances a role has [K].

The configuration holds the service's secrets. It is read, changed and sent here, in one call; nothing of it is
returned, kept or told. In the text only the number is replaced: comments, order and spelling stay as they are.
"""

import base64
import binascii
import re
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from migrator.gateway.protocol import Applied, ErrorClass, Refused, Submitted
from migrator.gateway.service_management_calls import XmlCalls, name
from migrator.gateway.service_management_verbs import accepted
from migrator.gateway.wire import cscfg
from migrator.gateway.wire.service_management_xml import NAMESPACE, Xml
from migrator.resources import Slot, subscription_of

MOST: Final = 1_000
_SKIPPED = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_ROLE = re.compile(r"<(?:[\w.-]+:)?Role(?=[\s/>])(?P<attributes>[^<>]*)>", re.DOTALL)
_ROLE_END = re.compile(r"</(?:[\w.-]+:)?Role\s*>")
_INSTANCES = re.compile(r"<(?:[\w.-]+:)?Instances(?=\s)[^<>]*?\scount\s*=\s*(?P<quote>[\"'])(?P<count>.*?)(?P=quote)")
_NAME = re.compile(r"(?:^|\s)name\s*=\s*([\"'])(.*?)\1", re.DOTALL)


class CannotChange(ValueError):
    """The configuration cannot be changed as asked; the text says why, for a person, and nothing of what is in it."""


def with_instances(text: str, role: str, instances: int, *, expected: int) -> str:
    """The configuration with another number of instances for one role. Raises CannotChange when it cannot be read, has
    no such role, or says another number than `expected`."""
    try:
        before = cscfg.read(text).role(role)
    except cscfg.UnreadableConfiguration as error:
        raise CannotChange(str(error)) from None
    if before is None:
        raise CannotChange(f"The configuration has no role {role}.")
    if before.instance_count != expected:
        raise CannotChange(f"The configuration says {before.instance_count} instances of {role}, not {expected}.")
    blanked = _SKIPPED.sub(lambda match: " " * len(match[0]), text)  # the same places, without comments
    for start in _ROLE.finditer(blanked):
        named = _NAME.search(start["attributes"])
        if named is None or unescape(named[2], {"&quot;": '"', "&apos;": "'"}).lower() != role.lower():
            continue
        end = _ROLE_END.search(blanked, start.end())
        count = _INSTANCES.search(blanked, start.end(), end.start() if end else len(blanked))
        if count is not None:
            changed = text[: count.start("count")] + str(instances) + text[count.end("count") :]
            after = cscfg.read(changed).role(role)
            if after is not None and after.instance_count == instances:
                return changed
    raise CannotChange(f"Where the configuration says the number of instances of {role} could not be told.")


def scale(
    calls: XmlCalls, deployment_id: str, role: str, instances: int, *, expected: int, client_request_id: str
) -> Submitted:
    """`AzureGateway.scale`."""
    parts = deployment_id.strip("/").split("/")
    service, slot = parts[-3], next((one.value for one in Slot if one.value.lower() == parts[-1].lower()), parts[-1])
    doing = f"change the number of instances of {role} in {service}/{slot}"
    if not 1 <= instances <= MOST:
        raise Refused(f"Cannot {doing}: {instances} is not from 1 to {MOST:,}.", error_class=ErrorClass.PROGRAMMER)
    subscription = subscription_of(deployment_id)
    path = f"services/hostedservices/{name(service)}/deploymentslots/{name(slot)}"
    read = f"read the deployment of {service}/{slot}"
    found = calls.root(subscription, "compute", path, "Deployment", doing=read)
    try:
        packed = base64.b64decode(found.word("Configuration"), validate=True).decode("utf-8-sig")
        changed = with_instances(packed, role, instances, expected=expected)
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(f"Cannot {doing}: its configuration cannot be read.", error_class=ErrorClass.FIX) from None
    except CannotChange as error:
        raise Refused(f"Cannot {doing}: {error}", applied=Applied.NO, error_class=ErrorClass.FIX) from None
    headers = {"x-ms-version": calls.versions["compute"], "Content-Type": "application/xml; charset=utf-8"}
    url = calls.at_path(subscription, f"{path}/", comp="config")
    body = _body(changed, found)
    reply = calls.ask("POST", url, doing=doing, body=body, client_request_id=client_request_id, headers=headers)
    return accepted(calls, subscription, reply, doing)


def _body(configuration: str, deployment: Xml) -> bytes:
    """`ChangeConfiguration` [K]. The extensions which are on are sent as they were read: whether leaving them out would
    switch them off is not known."""
    root = ElementTree.Element("ChangeConfiguration", {"xmlns": NAMESPACE})
    ElementTree.SubElement(root, "Configuration").text = base64.b64encode(configuration.encode()).decode()
    ElementTree.SubElement(root, "TreatWarningsAsError").text = "false"
    ElementTree.SubElement(root, "Mode").text = "Auto"
    extensions = deployment.child("ExtensionConfiguration")
    if extensions is not None:
        root.append(_copied(extensions.element))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _copied(element: ElementTree.Element) -> ElementTree.Element:
    """The element with its texts, in the one namespace of the body."""
    made = ElementTree.Element(str(element.tag).rpartition("}")[2])
    made.text = element.text
    made.extend(_copied(child) for child in element)
    return made

"""The XML of service management as hostile input: whatever comes, an answer is read or refused with one sentence."""

import itertools
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.gateway.wire import messages
from migrator.gateway.wire.cleaning import REMOVED
from migrator.gateway.wire.service_management_xml import (
    DEEPEST,
    MISSING,
    MOST_ELEMENTS,
    NAMESPACE,
    UnreadableXml,
    Xml,
    error_of,
    network_resource,
    parse,
    shorten,
    validation_messages,
)
from migrator.resources import Category

NS = f'xmlns="{NAMESPACE}"'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
MANY = " ".join(f"a{n}=''" for n in range(30))
HOSTILE = {
    "a billion laughs": (f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]><Error {NS}>&l9;</Error>', "DTD or entities"),
    "an external entity": (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Error {NS}><Code>&e;</Code></Error>',
        "DTD or entities",
    ),
    "a DTD alone": (f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><Error {NS}/>', "DTD or entities"),
    "too deep": (f"<Error {NS}>{'<a>' * DEEPEST}{'</a>' * DEEPEST}</Error>", "deeper than"),
    "too many elements": (f"<Error {NS}>{'<a/>' * MOST_ELEMENTS}</Error>", "more than"),
    "too many attributes": (f"<Error {NS} {MANY}/>", "attributes"),
    "another namespace": ('<Error xmlns="urn:x"><Code>a</Code></Error>', "not of service management"),
    "no namespace": ("<Error><Code>a</Code></Error>", "not of service management"),
    "HTML": ("<!DOCTYPE html><html><body><br></body></html>", "DTD|not XML"),
    "HTML without a doctype": ("<html><body><br></body></html>", "not XML"),
    "JSON": ('{"error": {"code": "x"}}', "not XML"),
    "cut": (f"<HostedServices {NS}><HostedService><ServiceName>cs", "not XML"),
    "two roots": (f"<Error {NS}/><Error {NS}/>", "not XML"),
    "an unknown entity": (f"<Error {NS}>&nope;</Error>", "not XML|DTD"),
    "an unknown encoding": (f'<?xml version="1.0" encoding="klingon"?><Error {NS}/>', "not XML"),
    "half a character": (f"<Error {NS}>\udcc3</Error>", "not XML"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_xml_is_refused_with_a_sentence(kind: str) -> None:
    text, wanted = HOSTILE[kind]
    with pytest.raises(UnreadableXml, match=wanted):
        parse(text.encode("utf-8", errors="surrogateescape"))


def test_the_limits_hold_while_reading_and_not_after() -> None:
    content = f"<Error {NS}>{'<a>' * 2_000_000}".encode()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableXml, match="deeper than"):
            parse(content)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_what_is_just_within_the_limits_is_read() -> None:
    inner = DEEPEST - 1
    assert parse(f"<Error {NS}>{'<a>' * inner}{'</a>' * inner}</Error>".encode()) is not None


@pytest.mark.parametrize("content", [b"", b" \r\n\t "])
def test_nothing_is_nothing(content: bytes) -> None:
    assert parse(content) is None


@given(st.binary(max_size=300) | st.text(alphabet="<>/&;!?[]\"'= xmlns:aE\n", max_size=200).map(str.encode))
def test_no_input_raises_anything_else(content: bytes) -> None:
    try:
        found = parse(content)
    except UnreadableXml as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert found is None or found.name


def root(inner: str) -> Xml:
    found = parse(f'<Root {NS} xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{inner}</Root>'.encode())
    assert found is not None
    return found


def test_missing_nil_empty_and_said_are_four_things() -> None:
    read = root('<A>x</A><B/><C i:nil="true"/><D><E/></D>')
    assert [read.text(name) for name in "ABCD"] == ["x", "", None, MISSING] and read.text("Z") is MISSING
    assert read.child("C") is None and read.child("Z") is None and read.has("C") and not read.has("Z")
    assert read.items("B", "x") == [] and read.items("C", "x") is None and read.items("Z", "x") is None


@pytest.mark.parametrize(
    ("text", "value"), [("8", 8), ("-1", MISSING), ("4.0", MISSING), ("", MISSING), ("٤", MISSING)]
)
def test_numbers_are_read_or_missing(text: str, value: object) -> None:
    assert root(f"<N>{text}</N>").number("N") == value


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("1", True), ("yes", MISSING), ("", MISSING)]
)
def test_flags_are_read_or_missing(text: str, value: object) -> None:
    assert root(f"<F>{text}</F>").flag("F") is value


def test_elements_of_another_namespace_say_nothing() -> None:
    read = root('<A xmlns="urn:other">evil</A><A>good</A>')
    assert read.text("A") == "good"


def test_an_error_becomes_the_error_object() -> None:
    found = error_of(parse(f"<Error {NS}><Code>BadRequest</Code><Message>No.</Message></Error>".encode()))
    assert found == {"error": {"code": "BadRequest", "message": "No."}}
    assert error_of(root("<Code>x</Code>")) is None


# Messages of Validate (azure.md 2.5 [S])


def answer(*items: str) -> Xml | None:
    return parse(f"<ValidationMessages {NS}>{''.join(items)}</ValidationMessages>".encode())


def item(category: str, message: str = "m", more: str = "") -> str:
    return f"<ValidationMessage><Category>{category}</Category><Message>{message}</Message>{more}</ValidationMessage>"


def test_messages_keep_what_they_name() -> None:
    more = "<ResourceType>Deployment</ResourceType><ResourceName>cs1</ResourceName><VirtualMachine>vm1</VirtualMachine>"
    (found,) = validation_messages(answer(item("Warning", "Mind the gap.", more)))
    assert (found.category, found.message) == (Category.WARNING, "Mind the gap.")
    assert (found.resource_type, found.resource_name, found.virtual_machine) == ("Deployment", "cs1", "vm1")


@pytest.mark.parametrize("category", ["Fatal", "", "error", "Err0r"])
def test_an_unknown_category_is_an_error(category: str) -> None:
    assert validation_messages(answer(item(category)))[0].category is Category.ERROR
    assert validation_messages(answer("<ValidationMessage/>"))[0].category is Category.ERROR


def test_an_empty_list_passes_and_silence_does_not() -> None:
    assert validation_messages(answer()) == ()
    for silence in (None, root(""), answer("<Something/>")):
        with pytest.raises(messages.NoAnswer):
            validation_messages(silence)


def test_of_too_many_messages_the_errors_are_kept() -> None:
    found = validation_messages(answer(*itertools.repeat(item("Information"), 1500), item("Error", "the one")))
    assert len(found) == 1000 and found[0].message == "the one"


# The one body we send, and what is kept as evidence


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        (None, ["", "", "", "New"]),
        ({"destinationVirtualNetwork": "New", "virtualNetworkName": ""}, ["", "", "", "New"]),
        (
            {
                "destinationVirtualNetwork": "Existing",
                "resourceGroupName": "rg",
                "virtualNetworkName": "v<&>",
                "subnetName": "s",
            },
            ["rg", "v<&>", "s", "Existing"],
        ),
    ],
)
def test_the_body_of_a_deployment_has_all_four_elements(parameters: dict[str, str] | None, wanted: list[str]) -> None:
    body = network_resource(parameters)
    read = parse(body)
    assert read is not None and read.name == "DeploymentNetworkResource"
    names = ["ResourceGroupName", "VirtualNetworkName", "SubNetName", "DestinationVirtualNetwork"]
    assert [read.text(name) for name in names] == wanted and b"/>" not in body


def test_secrets_do_not_stay_in_the_evidence(wrap: Callable[[str], bytes]) -> None:
    secret = "c2VjcmV0" * 10
    content = wrap(
        f"<X><Configuration>{secret}</Configuration><Primary>pri</Primary><AdminPassword>pw1</AdminPassword>"
        "<Message>AccountKey=abc</Message></X>"
    )
    kept = shorten(content)
    assert not any(part in kept for part in (secret, "pri<", "pw1", "AccountKey=abc")) and REMOVED in kept

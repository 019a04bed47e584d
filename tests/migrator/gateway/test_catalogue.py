"""Every row of the error catalogue is found by a text as the platform writes it, and by no other row's text."""

import re
from pathlib import Path

import pytest

from migrator import messages
from migrator.gateway import errors
from migrator.messages import BY_ID, CATALOGUE, ErrorClass

SAMPLES = [
    (row, int(status), code, message)
    for row, status, code, message in (
        line.split(" | ") for line in Path(__file__).with_name("error_samples.txt").read_text().splitlines()[1:]
    )
]


@pytest.mark.parametrize(("row", "status", "code", "message"), SAMPLES)
def test_each_row_is_found_by_its_text_however_it_is_written(row: str, status: int, code: str, message: str) -> None:
    for variant in (message, message.upper(), message.replace("'", "’"), message.replace(" ", "  \n")):
        assert errors.classify(status, code, variant) == (BY_ID[row].error_class, row)


def test_all_53_rows_are_there_once_and_have_a_sample() -> None:
    assert [entry.id for entry in CATALOGUE] == [f"E{number:02}" for number in range(1, 54)]
    assert {sample[0] for sample in SAMPLES} == set(BY_ID)
    assert all(entry.action.endswith(".") and entry.source for entry in CATALOGUE)


FACTS = Path("/work/shared/domain/azure.md")


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not on this machine")
def test_the_classes_are_those_of_the_facts() -> None:
    letters = {
        "R": ErrorClass.RETRY,
        "W": ErrorClass.WAIT,
        "F": ErrorClass.FIX,
        "Q": ErrorClass.QUOTA,
        "T": ErrorClass.TICKET,
        "A": ErrorClass.ABORT_FIRST,
        "P": ErrorClass.PROGRAMMER,
        "info": ErrorClass.INFORMATION,
    }
    rows = re.findall(
        r"^\| (E\d\d) \|.*\| (R|W|F|Q|T|A|P|info)((?:[/+]\w)*) \| [^|]* \| ([^|]*) \|$", FACTS.read_text(), re.M
    )
    assert len(rows) == 53
    named = {rule for entry in CATALOGUE for rule in entry.rules}
    assert {rule for rule in named if f"| {rule} |" not in FACTS.read_text()} == set()
    for row, first, rest, source in rows:
        assert BY_ID[row].error_class is letters[first], row
        if row != "E03":  # "after N tries ticket" stands in its text
            assert BY_ID[row].also == tuple(letters[letter] for letter in re.findall(r"\w", rest)), row
        assert row == "E52" or BY_ID[row].source == source.strip(), row


@pytest.mark.parametrize(
    ("status", "code", "message", "found"),
    [
        (418, "Teapot", "short and stout", (ErrorClass.UNKNOWN, "")),
        (429, "TooManyRequests", "", (ErrorClass.RETRY, "")),
        (503, "", "<html>", (ErrorClass.RETRY, "")),
        (400, "MissingSubscriptionRegistration", "", (ErrorClass.UNKNOWN, "")),  # E52 is a 409
    ],
)
def test_what_is_in_no_row_stays_unknown_or_passes_by_itself(
    status: int, code: str, message: str, found: tuple[ErrorClass, str]
) -> None:
    assert errors.classify(status, code, message) == found


def test_a_particular_row_goes_before_the_general_one() -> None:
    text = "The server encountered an internal error. Template deployment failed. CorrelationId=1"
    assert errors.classify(500, "InternalServerError", text)[1] == "E32"


QUOTA = "The current quota for {} insufficient to complete migration. Current quota is {}, additional needed is {}."


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        (QUOTA.format("Standard_D2_v2 is", 10, 25), ("Standard_D2_v2", 10, 25)),
        (QUOTA.format("'Total Regional vCPUs'", 0, 4), ("Total Regional vCPUs", 0, 4)),
        (QUOTA.format("X is", "many", 4), None),
        ("The current quota for X is insufficient to complete migration.", None),
        ("", None),
    ],
)
def test_the_numbers_of_a_quota_message_are_read(message: str, numbers: tuple[str, int, int] | None) -> None:
    found = messages.quota_numbers(message)
    assert (found and (found.name, found.current, found.additional)) == numbers


def test_the_missing_action_is_read() -> None:
    text = (
        "The client 'x' with object id 'y' does not have authorization to perform action "
        "'Microsoft.ClassicCompute/domainNames/slots/read' over scope '/subscriptions/s' or the scope is invalid."
    )
    assert errors.missing_action(text) == ("Microsoft.ClassicCompute/domainNames/slots/read", "/subscriptions/s")
    assert errors.missing_action(text.replace("'", "’"))[0] == "Microsoft.ClassicCompute/domainNames/slots/read"
    assert errors.missing_action("Forbidden") == ("", "")


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not on this machine")
def test_the_fragments_of_the_facts_find_their_row() -> None:
    """Each row of azure.md 2.10 by its own fragments, in order, and by nothing else."""
    rows = re.findall(r"^\| (E\d\d) \| (.*?) \| (?:R|W|F|Q|T|A|P|info)(?:[/+]\w)* \|", FACTS.read_text(), re.M)
    assert len(rows) == 53
    for row, cell in rows:
        fragments = [text.partition(". Current quota")[0] for text in re.findall(r"`([^`]+)`", cell)]
        assert fragments, row
        apart = " / " in cell
        texts = fragments if apart else [" … ".join(fragments)]
        if row == "E28":
            texts = [f"{fragments[0]} X {fragments[1]}. Current quota is 1, additional needed is 2"]
        if row == "E35":
            texts = [f"{name} … {fragments[-1]}" for name in fragments[:-1]]
        for text in texts:
            assert errors.classify(409 if row == "E52" else 0, "", text)[1] == row, (row, text)

from typing import Any

import pytest

from migrator.gateway.wire import messages
from migrator.resources import Category

ROW = {
    "resourceType": "Deployment",
    "resourceName": "cs1",
    "category": "Warning",
    "message": "m",
    "virtualMachineName": "vm",
}


@pytest.mark.parametrize(
    "body",
    [
        {"validationMessages": [ROW], "status": "Succeeded"},
        {"ValidationMessages": [ROW]},
        {"properties": {"validationMessages": [ROW]}},
        {"properties": {"output": {"validationMessages": [ROW]}}, "status": "Succeeded"},
        [ROW],
        [{k[0].upper() + k[1:]: v for k, v in ROW.items() if k != "virtualMachineName"} | {"VirtualMachine": "vm"}],
    ],
)
def test_every_accepted_shape_gives_the_message(body: Any) -> None:
    (message,) = messages.validation_messages(body)
    assert (message.category, message.resource_type, message.resource_name) == (Category.WARNING, "Deployment", "cs1")
    assert (message.message, message.virtual_machine) == ("m", "vm")


@pytest.mark.parametrize(
    "body", [{"validationMessages": []}, {"validationMessages": None}, [], {"status": "succeeded"}]
)
def test_the_empty_list_is_a_pass(body: Any) -> None:
    assert messages.validation_messages(body) == ()


@pytest.mark.parametrize("category", ["Fatal", "", None, 7, "error "])
def test_an_unknown_category_is_an_error(category: Any) -> None:
    (message,) = messages.validation_messages([{"message": "m", "category": category}])
    assert message.category is Category.ERROR


def test_an_error_object_with_details_is_the_list() -> None:
    body = {
        "error": {
            "code": "Outer",
            "message": "outer",
            "details": [
                {"code": "A", "message": "a", "details": [{"code": "B", "message": "b"}]},
                {"message": "w", "category": "Warning"},
            ],
        }
    }
    found = messages.validation_messages(body)
    assert [(m.code, m.category) for m in found] == [
        ("A", Category.ERROR),
        ("B", Category.ERROR),
        ("", Category.WARNING),
    ]
    (alone,) = messages.validation_messages({"error": {"code": "Outer", "message": "outer"}})
    assert (alone.code, alone.message, alone.category) == ("Outer", "outer", Category.ERROR)


def test_an_answer_that_says_failed_never_passes() -> None:
    (message,) = messages.validation_messages({"validationMessages": [], "status": "Failed"})
    assert message.category is Category.ERROR
    warned = messages.validation_messages({"validationMessages": [ROW], "status": "Failed"})
    assert [m.category for m in warned] == [Category.WARNING, Category.ERROR]


@pytest.mark.parametrize(
    "body", [None, {}, "ok", 5, {"validationMessages": "none"}, {"value": []}, {"status": "Running"}, [1]]
)
def test_silence_is_not_a_pass(body: Any) -> None:
    with pytest.raises(messages.NoAnswer):
        messages.validation_messages(body)


def test_secrets_in_messages_are_taken_out() -> None:
    (message,) = messages.validation_messages([{"message": "blob https://a/?sig=abc failed", "category": "Error"}])
    assert "abc" not in message.message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "A", "message": "m"}}, "A"),
        ({"code": "A", "message": "m"}, "A"),
        ({"Error": {"Code": "A", "Message": "m"}}, "A"),
        ({"error": "invalid_token", "error_description": "m"}, "invalid_token"),
        ({"error": {"code": 5, "message": None}}, ""),
        ({"value": []}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_error_of_a_body_is_found(body: Any, code: str | None) -> None:
    found = messages.error_body(body)
    assert (found.code if found else None) == code

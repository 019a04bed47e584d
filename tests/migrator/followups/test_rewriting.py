"""What holds for every follow-up: nothing classic is left, nothing is lost, everything can be built again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.counterparts import classic_ids
from migrator.followups import Kind, RequiredFollowUp, answered, matches, rebuilt

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
SLOT = f"{SUBSCRIPTION}/resourceGroups/shop-rg/providers/Microsoft.ClassicCompute/domainNames/shop-web/slots/Production"
CLASSIC = [
    SLOT,
    f"{SLOT}/roles/WebRole",
    f"{SLOT}/roles/WorkerRole",
    SLOT.rsplit("/slots", 1)[0],
    f"{SUBSCRIPTION}/resourceGroups/shop-rg/providers/Microsoft.ClassicNetwork/virtualNetworks/shop-net",
    f"{SUBSCRIPTION}/resourceGroups/shop-rg/providers/Microsoft.ClassicNetwork/networkSecurityGroups/front-nsg",
    f"{SUBSCRIPTION}/resourceGroups/shop-rg/providers/Microsoft.ClassicNetwork/reservedIps/shop-ip",
]
spelt = st.sampled_from(CLASSIC).flatmap(
    lambda text: st.sampled_from([text, text.upper(), text.lower(), text + "/", text.replace("/", "%2F")])
)
around = st.sampled_from(
    ["{}", "see {}.", "({})", '"{}"', "{}, {}", "a={};b", "https://portal/#resource{}", "[{}]\n{}"]
)
texts = st.one_of(
    spelt, st.builds(lambda form, text: form.replace("{}", text), around, spelt), st.text(max_size=8), st.just("x")
)
nested = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(extra=nested)
def test_no_classic_id_is_left_however_deep_and_rewriting_again_changes_nothing(shop, bodies, extra: Any) -> None:
    document = shop.setting("plain autoscale")
    document["properties"]["predictiveAutoscalePolicy"] = extra
    document["tags"] = {"more": json.dumps(extra)}
    item = shop.one(document)
    assert not item.needs_person, item.open_questions
    assert "microsoft.classic" not in bodies(item)
    first = item.requests[0]
    again = {**document, "properties": {**document["properties"], **first.body["properties"]}}
    again["properties"]["targetResourceUri"] = document["properties"]["targetResourceUri"]  # what makes it ours
    again["tags"] = first.body["tags"]
    assert shop.one(again).requests[0].body == first.body


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=60))
def test_texts_without_ids_are_left_alone(shop, text: str) -> None:
    document = shop.setting("plain autoscale")
    document["tags"] = {"note": text}
    assert classic_ids(text) == []
    assert shop.one(document).requests[0].body["tags"] == {"note": text}


CIRCUIT = "/subscriptions/9/resourceGroups/er/providers/Microsoft.Network/expressRouteCircuits/c"
GUID = "00000000-0000-0000-0000-00000000000a"
ANSWERS = (
    "keep",
    "nobody",
    "203.0.113.7",
    "10.9.0.0/16",
    CIRCUIT,
    GUID,
    "PT15M",
    "Average",
    "1",
    "erp-migrated",
    "a@bramble.example",
    "https://x.example/y",
)


def complete(item: RequiredFollowUp) -> RequiredFollowUp:
    """Answer every question with the first choice, else with whatever fits."""
    while item.open_questions:
        question = item.open_questions[0]
        for answer in [choice.value for choice in question.choices] + [*ANSWERS, CLASSIC_FREE]:
            try:
                item = answered(item, {question.id: answer})
                break
            except ValueError:
                continue
        else:
            raise AssertionError(question)
    return item


CLASSIC_FREE = "/subscriptions/s/resourceGroups/x-migrated/providers/Microsoft.Storage/storageAccounts/shopjobs"


def test_every_setting_comes_back_as_owed_or_as_kept(shop, every_setting) -> None:
    for name, document in every_setting.items():
        owed, kept = shop.required(document), shop.kept(document)
        assert (len(owed) >= 1) != (len(kept) == 1), name


def test_every_follow_up_is_complete_explained_and_can_be_built_again(shop, every_setting, bodies) -> None:
    for name, document in every_setting.items():
        for item in shop.required(document):
            if item.kind is Kind.WORK:
                continue  # tests of its own
            assert item.captured_id == document["id"], name
            assert item.reason_rules, name
            assert item.sources, name
            assert item.what_was, name
            item = complete(item)
            stored = json.loads(json.dumps({"basis": item.basis, "answers": item.answers}))
            assert rebuilt(stored["basis"], stored["answers"]) == item
            assert rebuilt(stored["basis"], stored["answers"]).requests == item.requests
            json.loads(json.dumps([r.body for r in item.requests]))
            if "questions" not in name and "between classic" not in name:  # a person keeps what moves later
                assert "/microsoft.classic" not in bodies(item), name


def test_what_was_sent_is_what_the_probe_expects(shop, every_setting) -> None:
    for name, document in every_setting.items():
        for item in shop.required(document):
            item = complete(item)
            for stage in item.stages:
                assert stage.probe.request.method == "GET"
                assert stage.probe.request.path == stage.request.path
                seen = {**stage.request.body, "id": stage.request.path}
                reached = {"peeringState": "Connected", "provisioningState": "Succeeded"}
                properties = {"scope": item.new_target, **reached, **stage.request.body["properties"]}
                assert matches(stage.probe, {**seen, "properties": properties}) == [], name
                assert matches(stage.probe, {"properties": {}}), name


def test_the_same_capture_twice_is_owed_once(shop) -> None:
    document = shop.setting("plain autoscale")
    assert len(shop.required(document, {**document, "id": document["id"].upper()})) == 1


def test_settings_that_name_nothing_of_ours_are_kept(shop) -> None:
    document = shop.setting("plain autoscale")
    document["properties"] = {
        "targetResourceUri": f"{SUBSCRIPTION}/resourceGroups/x/providers/Microsoft.Web/serverFarms/p"
    }
    assert shop.required(document) == []
    assert "stays as it is" in shop.kept(document)[0].why


def test_odd_documents_are_kept_or_asked_about_but_never_lost_or_raised(shop, every_setting) -> None:
    for document in every_setting.values():
        for key in document["properties"]:
            for value in (None, [], {}, "odd", 7):
                odd = {**document, "properties": {**document["properties"], key: value}}
                assert shop.required(odd) or shop.kept(odd)


def test_documents_instead_of_values_are_refused_with_the_remedy(shop) -> None:
    from migrator.followups import required

    with pytest.raises(TypeError, match=r"migrator\.gateway\.wire\.resources"):
        required("u", [], shop.sides["web_roles_in_a_network"]["before"], [])

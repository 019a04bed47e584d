"""Documents as rows, what an unreadable part hides, and the difference of two documents: no database, no sockets."""

import pytest

from migrator.gateway.protocol import (
    OLDER_API_GONE,
    OLDER_API_RIGHT,
    NotPermitted,
    NotRegistered,
    Unreachable,
    Unreadable,
)
from migrator.resources import UNKNOWN, Registration
from tests.tracker.inventory.azure import NOON
from tracker.inventory import documents, reading
from tracker.inventory.differences import differences
from tracker.inventory.reading import Reading

SUB = "0f6f7b6e-1111-4222-8333-944444444444"
ROOT = f"/subscriptions/{SUB}/resourceGroups/rg/providers"
VM = f"{ROOT}/Microsoft.ClassicCompute/virtualMachines/vm1"
SLOT = f"{ROOT}/Microsoft.ClassicCompute/domainNames/cs/slots/Production"


class Gateway:
    """Answers of a gateway, given as lists: the two methods a reading calls."""

    def __init__(self, items=(), registered=(), error: Exception | None = None) -> None:
        self.items, self.registered, self.error = items, registered, error

    def registrations(self, subscription_id):
        if isinstance(self.registered, Exception):
            raise self.registered
        return list(self.registered)

    def inventory(self, subscription_id, *, after=None):
        assert after == ""
        yield from self.items
        if self.error:
            raise self.error


def read(*items, **options) -> Reading:
    gateway, found = Gateway(items, **options), Reading()
    reading.read_registrations(gateway, SUB, found)
    assert all(place is None for place in reading.follow(gateway, SUB, "", found))
    return found


def test_the_digest_depends_on_content_and_not_on_the_order_of_keys() -> None:
    one = documents.row({"id": VM, "name": "vm1", "properties": {"a": 1, "b": [1, 2]}})
    other = documents.row({"properties": {"b": [1, 2], "a": 1}, "name": "vm1", "id": VM})
    changed = documents.row({"id": VM, "name": "vm1", "properties": {"a": 1, "b": [2, 1]}})
    assert one.digest == other.digest != changed.digest
    assert (one.key, one.type, one.name) == (VM.lower(), "Microsoft.ClassicCompute/virtualMachines", "vm1")


def test_the_list_of_complete_collections_has_one_order_and_entity_tags_do_not_count() -> None:
    one = documents.row({"id": SLOT, "read": ["roles", "extensionReferences"], "etag": "1"})
    other = documents.row({"id": SLOT, "read": ["extensionReferences", "roles"], "etag": "2"})
    assert one.digest == other.digest
    assert documents.row({"id": SLOT, "read": ["roles"]}).digest != one.digest


@pytest.mark.parametrize("hostile", ["a\x00b", "a\ud800b", float("nan"), float("inf")])
def test_what_jsonb_refuses_is_replaced_where_it_can_be_seen(hostile: object) -> None:
    row = documents.row({"id": VM, "tags": {"x": hostile}})
    assert "\\u0000" not in row.text
    assert "\\ud800" not in row.text
    assert "NaN" not in row.text
    assert "Infinity" not in row.text


def test_emoji_survive() -> None:
    assert "\\ud83d\\ude80" in documents.row({"id": VM, "tags": {"x": "🚀"}}).text


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"name": "x"}, "no id"),
        ({"id": 7}, "no id"),
        ({"id": "vm1"}, "no id"),
        ({"id": VM + "\x00"}, "control characters"),
        ({"id": VM + "x" * 700}, "Azure's ids have at most 600"),
    ],
)
def test_a_document_without_a_usable_id_is_named_and_left_out(document: dict, sentence: str) -> None:
    found = read(document, {"id": VM})
    assert set(found.rows) == {VM.lower()}
    (part,) = found.unreadable
    assert sentence in part.sentence
    assert found.hidden()(SLOT.lower(), "x"), "what it was cannot be told, so nothing may be called gone"


def test_a_document_of_another_subscription_is_left_out_with_a_sentence() -> None:
    other = VM.replace(SUB, "99999999-1111-4222-8333-944444444444")
    found = read({"id": other})
    assert found.rows == {}
    assert "of another one" in found.unreadable[0].sentence


def test_what_is_inherited_from_above_the_subscription_is_none_of_its_resources() -> None:
    found = read({"id": "/providers/Microsoft.Authorization/roleAssignments/1"})
    assert (found.rows, found.unreadable) == ({}, [])


def test_a_child_without_a_location_is_where_its_parent_is() -> None:
    service = f"{ROOT}/Microsoft.ClassicCompute/domainNames/cs"
    found = read({"id": service, "location": "West Europe"}, {"id": SLOT}, {"id": SLOT + "/roles/Web"})
    assert {row.region for row in found.rows.values()} == {"westeurope"}


def test_a_resource_listed_twice_counts_once_and_the_later_reading_holds() -> None:
    found = read({"id": VM, "properties": {"n": 1}}, {"id": VM.upper().replace("/SUBSCRIPTIONS", "/subscriptions")})
    assert found.rows == {VM.lower(): documents.row({"id": VM.upper().replace("/SUBSCRIPTIONS", "/subscriptions")})}


def test_who_said_what_is_kept_beside_the_document_and_not_in_it() -> None:
    told = {"": "graph", "properties.migrationState": "service-management"}
    row = documents.row({"id": VM, "sources": told})
    assert (row.sources, row.digest) == (documents.canonical_json(told), documents.row({"id": VM}).digest)
    assert "sources" not in row.text
    assert documents.row({"id": VM}).sources == "{}"


def test_registrations_that_may_not_be_read_are_unknown_and_not_a_failure() -> None:
    found = read({"id": VM}, registered=NotPermitted("The sign-in may not list providers."))
    assert found.registrations is None
    assert found.actions() == ["Microsoft.Resources/subscriptions/providers/read"]
    assert not found.hidden()(VM.lower(), "Microsoft.ClassicCompute/virtualMachines")
    rows = (Registration(subscription=SUB, name="A"), Registration(subscription=SUB, name="B", state="Registered"))
    assert read(registered=rows).registrations == {"A": None, "B": "Registered"}
    assert rows[0].state is UNKNOWN


def test_that_a_provider_is_not_registered_is_a_fact_and_hides_all() -> None:
    found = read({"id": VM}, error=NotRegistered("Microsoft.ClassicCompute is not registered."))
    assert set(found.rows) == {VM.lower()}
    assert found.hidden()(SLOT.lower(), "anything")


def test_an_unreachable_subscription_is_a_failure() -> None:
    with pytest.raises(Unreachable):
        read({"id": VM}, error=Unreachable("Azure gave no answer."))


@pytest.mark.parametrize(
    ("resource", "action", "hides"),
    [
        (SLOT.rsplit("/", 2)[0], "Microsoft.ClassicCompute/domainNames/slots/read", {"slot", "role"}),
        (SLOT, "Microsoft.ClassicCompute/domainNames/slots/roles/read", {"role"}),
        (f"/subscriptions/{SUB}", "Microsoft.Insights/autoscaleSettings/read", {"autoscale"}),
        (f"/subscriptions/{SUB}", "Microsoft.Insights/*/read", {"autoscale", "alert"}),
        (f"/subscriptions/{SUB}", "Microsoft.Resources/subscriptions/resources/read", {"app service"}),
        (f"/subscriptions/{SUB}", "Microsoft.ResourceGraph/resources/read", "all"),
        (f"/subscriptions/{SUB}", "", "all"),
        (f"/subscriptions/{SUB}/resourceGroups/other", "", set()),
        (f"/subscriptions/{SUB}", OLDER_API_RIGHT, {"route table"}),
        (f"/subscriptions/{SUB}", OLDER_API_GONE, {"route table"}),
    ],
)
def test_what_an_unreadable_part_hides(resource: str, action: str, hides: set[str] | str) -> None:
    things = {
        "slot": (SLOT, "Microsoft.ClassicCompute/domainNames/slots"),
        "role": (SLOT + "/roles/Web", "Microsoft.ClassicCompute/domainNames/slots/roles"),
        "vm": (VM, "Microsoft.ClassicCompute/virtualMachines"),
        "autoscale": (f"{ROOT}/microsoft.insights/autoscalesettings/a", "Microsoft.Insights/autoscaleSettings"),
        "alert": (f"{ROOT}/microsoft.insights/metricalerts/a", "Microsoft.Insights/metricAlerts"),
        "route table": (f"{ROOT}/Microsoft.ClassicNetwork/routeTables/a", "Microsoft.ClassicNetwork/routeTables"),
        "app service": (f"{ROOT}/Microsoft.Web/hostingEnvironments/a", "Microsoft.Web/hostingEnvironments"),
    }
    hidden = Reading(unreadable=[Unreadable(resource_id=resource, action=action, sentence="")]).hidden()
    found = {name for name, (key, kind) in things.items() if hidden(key.lower(), kind)}
    assert found == (set(things) if hides == "all" else hides)


def test_unreadable_parts_beyond_a_bound_are_counted_in_one_line() -> None:
    parts = [Unreadable(resource_id=VM, action="a/read", sentence="no")] * 700
    entries = Reading(unreadable=parts).entries()
    assert len(entries) == 501
    assert entries[-1]["sentence"] == "200 more parts could not be read."


def test_a_failure_is_one_line_of_bounded_length() -> None:
    assert reading.failure(Unreachable("Azure gave\nno answer."), NOON) == "Azure gave no answer."
    assert len(reading.failure(Unreachable("x" * 5000), NOON)) == 1000
    assert "Unreachable" in reading.failure(Unreachable(""), NOON)


def test_differences_name_items_of_lists_by_what_they_are() -> None:
    before = {"properties": {"inputEndpoints": [{"endpointName": "SSH", "publicPort": 22}], "locked": False}}
    after = {"properties": {"inputEndpoints": [{"endpointName": "RDP"}, {"endpointName": "SSH", "publicPort": 2222}]}}
    found = {(one.path, one.kind.value, one.before, one.after) for one in differences(before, after)}
    assert found == {
        ("properties.inputEndpoints[RDP].endpointName", "added", "", "RDP"),
        ("properties.inputEndpoints[SSH].publicPort", "changed", "22", "2222"),
        ("properties.locked", "removed", "false", ""),
    }
    assert differences(before, before) == []


def test_an_emptied_list_and_a_changed_kind_of_value_are_seen() -> None:
    found = differences({"a": ["x"], "b": 1, "c": None}, {"a": [], "b": True, "c": ""})
    assert [(one.path, one.before, one.after) for one in found] == [
        ("a", "", "[]"),
        ("a[x]", "x", ""),
        ("b", "1", "true"),
        ("c", "null", ""),
    ]


def test_a_long_configuration_is_compared_line_by_line() -> None:
    roles = "".join(f'<Role name="r{n}"><Instances count="2" /></Role>' for n in range(9))
    before = {"configuration": f"<ServiceConfiguration>{roles}</ServiceConfiguration>"}
    after = {"configuration": before["configuration"].replace('r4"><Instances count="2"', 'r4"><Instances count="3"')}
    (one,) = differences(before, after)
    assert '-<Instances count="2" />' in one.lines
    assert '+<Instances count="3" />' in one.lines
    assert len(one.lines) < 8

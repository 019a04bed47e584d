"""Role assignments, locks, just-in-time policies, labels (azure.md 6.4, 6.5, 6.8)."""

import uuid

import pytest

from migrator.followups import AnswerRefused, Kind, answered, matches

GROUPS = ("shop-net-migrated", "shop-web-migrated")


def test_a_classic_role_becomes_the_new_one_under_a_name_that_never_changes(shop) -> None:
    item = shop.one("grant on a deployment")
    (request,) = item.requests
    assert request.body["properties"]["roleDefinitionId"].endswith("/9980e02c-c2be-4d73-94e8-173b1dc7cf3c")
    assert request.path.startswith(f"{item.new_target}/providers/Microsoft.Authorization/roleAssignments/")
    name = request.path.rsplit("/", 1)[-1]
    assert uuid.UUID(name).version == 5
    assert shop.one("grant on a deployment").requests[0].path.rsplit("/", 1)[-1] == name
    assert any("[K]" in note for note in item.notes)


def test_other_grants_keep_their_role_and_get_names_of_their_own(shop) -> None:
    item = shop.one("grant on a role")
    assert item.new_target.endswith("/cloudServices/shop-web/roles/WebRole")
    assert item.requests[0].body["properties"]["roleDefinitionId"].endswith("/acdd72a7-3385-48ef-bd42-f606fba81ae7")
    assert item.requests[0].body["properties"]["principalType"] == "Group"
    assert item.requests[0].path != shop.one("grant on a deployment").requests[0].path


def test_a_grant_on_the_old_group_is_owed_on_every_new_group(shop) -> None:
    found = shop.required(shop.setting("grant on the old group"))
    assert sorted(item.new_target.rsplit("/", 1)[-1].lower() for item in found) == sorted(GROUPS)
    assert len({item.key for item in found}) == 2
    assert all(item.requests[0].body["properties"]["description"] == "shop team" for item in found)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("grant on the subscription", "subscription or above"),
        ("grant on a storage account", "STG-RBAC"),
        ("grant elsewhere", "Nothing of this unit"),
    ],
)
def test_a_grant_that_goes_on_working_is_kept_and_says_why(shop, name: str, why: str) -> None:
    document = shop.setting(name)
    assert shop.required(document) == []
    (item,) = shop.kept(document)
    assert why in item.why
    assert item.captured_id == document["id"]


def test_a_classic_role_on_a_storage_account_is_owed_though_the_assignment_is_kept(shop) -> None:
    item = shop.one("classic grant on a storage account")
    (question,) = item.open_questions
    account = "/subscriptions/s/resourceGroups/shopjobs-Migrated/providers/Microsoft.Storage/storageAccounts/shopjobs"
    item = answered(item, {question.id: account})
    assert item.new_target == account
    assert item.requests[0].body["properties"]["roleDefinitionId"].endswith("/17d1049b-9a84-46fb-8f53-869881c3d3ab")


def test_a_custom_role_is_asked_for_and_its_condition_is_rewritten(shop, bodies) -> None:
    item = shop.one("grant of a custom role")
    with pytest.raises(AnswerRefused, match="not the id of a role definition"):
        answered(item, {"role": "Contributor"})
    item = answered(item, {"role": "keep"})
    assert "microsoft.classic" not in bodies(item)
    assert "microsoft.compute/virtualmachines/erp-db" in item.requests[0].body["properties"]["condition"].lower()


def test_nobody_gets_more_than_before_without_a_person_saying_so(shop) -> None:
    item = shop.one("grant on a service of machines")
    assert item.requests == ()
    (question,) = item.open_questions
    group, address = (choice.value for choice in question.choices)
    assert group.endswith("/resourceGroups/erp-migrated")
    assert address.endswith("/publicIPAddresses/erp-PublicIP")
    assert answered(item, {"scope": address}).new_target == address


def test_the_probe_of_a_grant_looks_at_role_principal_and_scope(shop) -> None:
    stage = shop.one("grant on a role").stages[0]
    seen = {"properties": {**stage.request.body["properties"], "scope": shop.one("grant on a role").new_target.upper()}}
    assert matches(stage.probe, seen) == []
    seen["properties"]["principalId"] = "99999999-0000-0000-0000-00000000ffff"
    assert len(matches(stage.probe, seen)) == 1


def test_locks_are_set_again_on_the_new_scopes(shop) -> None:
    item = shop.one("lock on a deployment")
    assert item.requests[0].path == f"{item.new_target}/providers/Microsoft.Authorization/locks/keep"
    assert item.requests[0].body["properties"] == {"level": "CanNotDelete", "notes": "ask the shop team"}
    frozen = shop.required(shop.setting("lock on the old group"))
    assert len(frozen) == 2
    assert all("last" in item.notes[0] for item in frozen)


def test_a_just_in_time_policy_names_the_new_machine(shop) -> None:
    (request,) = shop.one("just-in-time policy").requests
    assert "/erp-migrated/providers/Microsoft.Security/locations/westeurope/" in request.path
    (machine,) = request.body["properties"]["virtualMachines"]
    assert machine["id"].endswith("/Microsoft.Compute/virtualMachines/erp-db")
    assert machine["ports"][0]["maxRequestAccessDuration"] == "PT3H"
    assert "requests" not in request.body["properties"]


def test_labels_become_tags_which_are_merged(shop) -> None:
    deployment, service = (
        item for item in shop.required({}, unit=shop.unit_of({}), tags=True) if item.kind is Kind.TAGS
    )
    (request,) = deployment.requests
    assert request.method == "PATCH"
    assert request.path.endswith("/cloudServices/shop-web/providers/Microsoft.Resources/tags/default")
    assert request.body == {"operation": "Merge", "properties": {"tags": {"label": "Shop release 42"}}}
    assert service.requests[0].body["properties"]["tags"] == {"service-label": "shop-web"}
    named = answered(deployment, {"tag": "release.name"})
    assert matches(named.probe, {"properties": {"tags": {"release.name": "Shop release 42", "owner": "x"}}}) == []
    with pytest.raises(AnswerRefused, match="name of a tag"):
        answered(deployment, {"tag": "a/b"})


def test_a_label_that_was_not_read_is_asked_for(shop) -> None:
    from migrator.followups import required
    from migrator.gateway.wire import resources

    sides = shop.sides["web_roles_in_a_network"]
    documents = [dict(document) for document in sides["before"]]
    for document in documents:
        if document["name"] == "Production":
            document["properties"] = {k: v for k, v in document["properties"].items() if k != "deploymentLabel"}
    item = required("u", [], resources(documents), sides["found"])[0]
    assert [question.id for question in item.open_questions] == ["value"]
    assert answered(item, {"value": "Shop"}).requests[0].body["properties"]["tags"] == {"label": "Shop"}

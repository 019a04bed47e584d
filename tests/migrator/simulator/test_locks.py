"""While a unit is prepared its classic side cannot be changed and its new side can only be read (azure.md 2.9)."""

CLOUD = "2024-11-04"


def test_classic_writes_are_refused_with_the_documented_texts(journey, shop):
    journey.finish("prepare", shop)
    slot = f"{journey.id('domainNames', 'shop-web')}/slots/Production"
    for resource, code in (
        (slot, "ChangeDeploymentConfigurationOperationFailed"),
        (shop, "VirtualNetworkOperationFailed"),
    ):
        for method, body in (("PATCH", {"properties": {}}), ("PUT", {"properties": {}}), ("DELETE", None)):
            reply = journey.ask(method, f"{resource}?api-version=2016-11-01", body)
            assert (reply.status, reply.code) == (409, code)
            assert "in the process of being migrated and hence cannot be changed" in reply.message
    role = journey.ask("DELETE", f"{slot}/roles/WebFront?api-version=2016-11-01")
    assert role.status == 409


def test_the_new_side_can_only_be_read_until_commit(journey, shop):
    journey.finish("prepare", shop)
    base = f"/subscriptions/{journey.subscription}/resourceGroups/shop-web-migrated/providers"
    service = f"{base}/Microsoft.Compute/cloudServices/shop-web"
    assert journey.get(service, CLOUD).status == 200
    for method, body in (("PATCH", {"tags": {"a": "b"}}), ("DELETE", None)):
        reply = journey.ask(method, f"{service}?api-version={CLOUD}", body)
        assert (reply.status, reply.code) == (409, "OperationNotAllowed")
        assert "because a migration is in progress. Commit the migration" in reply.message
    journey.finish("commit", shop)
    assert journey.ask("PATCH", f"{service}?api-version={CLOUD}", {"tags": {"a": "b"}}).body["tags"] == {"a": "b"}


def test_another_unit_stays_free(journey, shop):
    journey.finish("prepare", shop)
    other = journey.id("virtualNetworks", "legacy-net")
    assert journey.ask("PATCH", f"{other}?api-version=2016-11-01", {"tags": {"x": "y"}}).status == 200


def test_after_abort_both_sides_are_free(journey, shop):
    journey.finish("prepare", shop)
    journey.finish("abort", shop)
    assert journey.ask("PATCH", f"{shop}?api-version=2016-11-01", {"tags": {"x": "y"}}).status == 200


def test_a_lock_against_deletion_refuses_deletion_and_nothing_else(demo):
    machine = demo.id("ClassicCompute/virtualMachines", "erp-sql")
    reply = demo.ask("DELETE", f"{machine}?api-version=2016-11-01")
    assert (reply.status, reply.code) == (409, "ScopeLocked")
    assert demo.ask("PATCH", f"{machine}?api-version=2016-11-01", {"tags": {"x": "y"}}).status == 200

"""The contract when a fix changes something: deletions and actions without a version of ours, and instances, whose
configuration never leaves the gateway."""

import pytest

from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import Applied, OperationStatus, Refused
from migrator.resources import ArmRequest, Deployment, Peering, Role
from tests.contract.places import OverHttp
from tests.contract.test_contract_moves import estate
from tests.contract.ways import SIMULATED

pytestmark = SIMULATED


def test_one_number_is_changed_and_nothing_else(azure: OverHttp, subscription: str) -> None:
    with azure.gateway(both=True) as both:
        role = next(r for r in estate(both, subscription).all(Role) if isinstance(r.instance_count, int))
        before = both.read(role.deployment_id)
        more = role.instance_count + 1
        done = both.scale(
            role.deployment_id, role.name, more, expected=role.instance_count, client_request_id="contract-scale"
        )
        assert done.status_url is not None
        assert both.poll(done.status_url).status is OperationStatus.SUCCEEDED
        after = both.read(role.deployment_id)
        assert before is not None and after is not None
        changed = next(r for r in estate(both, subscription).all(Role) if r.key == role.key)
        assert changed.instance_count == more
        old, new = (dict(one["properties"]) for one in (before, after))
        texts = old.pop("configuration"), new.pop("configuration")
        assert old == new
        numbers = [(a, b) for a, b in zip(*(text.split() for text in texts), strict=True) if a != b]
        assert numbers == [(f'count="{more - 1}"', f'count="{more}"')]


def test_another_number_than_expected_sends_nothing(azure: OverHttp, subscription: str) -> None:
    with azure.gateway(both=True) as both:
        role = next(r for r in estate(both, subscription).all(Role) if isinstance(r.instance_count, int))
        for name, expected in ((role.name, role.instance_count + 7), ("no-such-role", 1)):
            with pytest.raises(Refused) as refused:
                both.scale(role.deployment_id, name, 99, expected=expected, client_request_id="contract-scale")
            assert refused.value.applied is Applied.NO
            assert "<" not in str(refused.value)  # nothing of the configuration
        assert next(r for r in estate(both, subscription).all(Role) if r.key == role.key) == role


def test_without_the_older_api_instances_are_not_changed(gateway: ArmGateway, subscription: str) -> None:
    role = next(r for r in estate(gateway, subscription).all(Role) if isinstance(r.instance_count, int))
    with pytest.raises(Refused, match="older API"):
        gateway.scale(role.deployment_id, role.name, 2, expected=1, client_request_id="contract-scale")


def test_a_deletion_without_a_version_takes_that_of_its_type(gateway: ArmGateway, subscription: str) -> None:
    one = next(iter(estate(gateway, subscription).all(Peering)))
    assert gateway.send(ArmRequest(method="DELETE", path=one.id, api_version="")).status == 200
    assert gateway.read(one.id) is None
    assert gateway.send(ArmRequest(method="DELETE", path=one.id, api_version="")).status == 204


def test_an_action_without_a_version_takes_that_of_the_type_before_it(gateway: ArmGateway, subscription: str) -> None:
    slot = next(d for d in estate(gateway, subscription).all(Deployment) if d.slot == "Production")
    answer = gateway.send(ArmRequest(method="POST", path=f"{slot.cloud_service_id}/swap", api_version=""))
    assert answer.status == 200
    assert gateway.read(slot.id) is None
    assert gateway.read(slot.id.replace("/Production", "/Staging")) is not None

"""One number in a service configuration, and nothing else."""

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.protocol import Refused
from migrator.gateway.service_management_configuration import CannotChange, with_instances

TEXT = """<?xml version="1.0" encoding="utf-8"?>
<!-- <Role name="web"><Instances count="1" /></Role> is only a comment -->
<ServiceConfiguration serviceName="Shop" xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">
  <Role name="web2">
    <Instances count="1" />
  </Role>
  <Role
      name='web'>  <!-- the shop -->
    <!-- <Instances count="9"/> -->
    <Instances   count = '1' />
    <ConfigurationSettings><Setting name="Key" value="AccountKey=geheim&amp;count=1" /></ConfigurationSettings>
  </Role>
</ServiceConfiguration>
"""


def test_only_the_number_of_that_role_is_changed() -> None:
    changed = with_instances(TEXT, "WEB", 2, expected=1)
    assert changed == TEXT.replace("<Instances   count = '1' />", "<Instances   count = '2' />")
    assert with_instances(changed, "web", 12, expected=2) == changed.replace("count = '2'", "count = '12'")


def test_a_prefix_and_a_mark_of_byte_order_stay() -> None:
    role = '<a:Role name="w"><a:Instances count="1"/></a:Role>'
    text = f'\ufeff<a:ServiceConfiguration xmlns:a="urn:x">{role}</a:ServiceConfiguration>'
    assert with_instances(text, "w", 2, expected=1) == text.replace('count="1"', 'count="2"')


@pytest.mark.parametrize(
    ("text", "role", "words"),
    [
        (TEXT, "worker", "no role worker"),
        (TEXT.replace("count = '1'", "count = '3'"), "web", "says 3 instances"),
        ("<ServiceConfiguration><Role name='web'/></ServiceConfiguration>", "web", "instances of web, not 1"),
        ("nonsense AccountKey=geheim", "web", "not well-formed"),
    ],
)
def test_what_cannot_be_changed_is_said_without_what_is_in_it(text: str, role: str, words: str) -> None:
    with pytest.raises(CannotChange, match=words) as refused:
        with_instances(text, role, 2, expected=1)
    assert "geheim" not in str(refused.value)


def test_without_the_older_api_it_says_so_and_asks_nobody() -> None:
    with ArmGateway("http://127.0.0.1:9", StaticToken("a-token")) as azure, pytest.raises(Refused, match="older API"):
        azure.scale("/subscriptions/s/x", "web", 2, expected=1, client_request_id="1")

"""What every request to service management has in common: version, token, ids, error bodies, the request log."""

import pytest

from tests.migrator.simulator.service_management.asking import SPACE, network_resource

LIST = "/services/hostedservices"


@pytest.mark.parametrize("version", [None, "", "2099-01-01", "2016-11-01", "latest"])
def test_the_version_header_is_required_and_checked(azure, version):
    reply = azure.sm(LIST, version=version)
    assert (reply.status, reply.code) == (400, "MissingOrIncorrectVersionHeader")


@pytest.mark.parametrize(
    "version", ["2013-08-01", "2015-04-01", "2015-10-01", "2016-03-01", "2016-07-01", "2017-01-01"]
)
def test_the_versions_clients_are_known_to_send_are_accepted(azure, version):
    assert azure.sm(LIST, version=version).status == 200


@pytest.mark.parametrize("token", [None, "", "expired-token"])
def test_a_missing_or_expired_token_is_refused_with_a_challenge(azure, token):
    reply = azure.sm(LIST, token=token)
    assert (reply.status, reply.code) == (401, "AuthenticationFailed")
    assert reply.headers["www-authenticate"].startswith("Bearer ")


def test_only_an_owner_or_co_administrator_may_even_read(azure):
    reply = azure.sm(LIST, token="reader-token")
    assert (reply.status, reply.code) == (403, "ForbiddenError")
    assert "co-administrator" in reply.message
    assert azure.verb("prepare", "networking/virtualnetwork/web-prod-net", token="reader-token").status == 403
    assert azure.control("state")["operations"] == []


def test_a_subscription_of_somebody_else_is_forbidden(azure):
    reply = azure.sm(LIST, subscription="00000000-0000-0000-0000-000000000000")
    assert (reply.status, reply.code) == (403, "ForbiddenError")


def test_every_answer_has_a_request_id_of_its_own_and_errors_are_xml(azure):
    replies = [azure.sm(LIST), azure.sm("/nothing"), azure.sm(LIST, version=None), azure.sm(LIST, token=None)]
    ids = {reply.request_id for reply in replies}
    assert len(ids) == 4
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in ids)
    assert [child.tag for child in replies[1].root] == [f"{SPACE}Code", f"{SPACE}Message"]


def test_another_method_is_refused_by_its_name(azure):
    reply = azure.sm("/services/networking/virtualnetwork", "PATCH")
    assert (reply.status, reply.code) == (405, "InvalidHttpVerb")
    assert reply.headers["allow"] == "GET"


def test_paths_and_subscriptions_are_compared_without_regard_to_case(azure):
    upper = azure.sm("/Services/HostedServices/BRAMBLE-WEB", subscription=azure.subscription.upper())
    assert upper.status == 200


def test_the_request_log_records_method_path_verb_and_unit(azure):
    azure.verb("validate", "networking/virtualnetwork/Group Bramble-Media media-net", x_ms_client_request_id="mine-1")
    submitted = azure.verb("prepare", "networking/reservedips/rip-spring-sale")
    azure.verb("commit", "networking/routetables/rt-proxy-2015")
    azure.status(submitted)
    lines = azure.control("log")["value"][-4:]
    assert [line["method"] for line in lines] == ["POST", "POST", "POST", "GET"]
    assert [line["verb"] for line in lines] == ["validate", "prepare", "commit", ""]
    assert [line["unit"].rpartition("/")[2] for line in lines] == [
        "media-net",
        "rip-spring-sale",
        "rt-proxy-2015",
        "rip-spring-sale",
    ]
    assert [line["status"] for line in lines] == [200, 202, 400, 200]
    assert [line["code"] for line in lines] == ["", "", "BadRequest", ""]
    assert lines[0]["path"].endswith("/services/networking/virtualnetwork/Group Bramble-Media media-net/migration")
    assert lines[0]["query"] == {"comp": "validate"}
    assert lines[0]["client_request_id"] == "mine-1"
    assert lines[1]["request_id"] == submitted.request_id
    assert lines[1]["operation_id"].replace("-", "") == submitted.request_id


HOSTILE = {
    "no XML": b"{}",
    "nothing": b" ",
    "cut": network_resource()[:-20],
    "another root": b'<Other xmlns="http://schemas.microsoft.com/windowsazure"/>',
    "no namespace": network_resource().replace(b' xmlns="http://schemas.microsoft.com/windowsazure"', b""),
    "a DTD": b'<!DOCTYPE x [<!ENTITY a "b">]>' + network_resource(),
    "an entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + network_resource(SubNetName="&a;"),
    "too large": network_resource(SubNetName="x" * 300_000),
    "a child of another namespace": network_resource().replace(b"</Dep", b'<Other xmlns="urn:x"/></Dep'),
    "no such encoding": b'<?xml version="1.0" encoding="x-nothing"?>' + network_resource(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_body_that_cannot_be_read_is_refused_and_nothing_happens(azure, body):
    unit = "hostedservices/newsletter/deployments/newsletter-production"
    reply = azure.verb("prepare", unit, body=body)
    assert (reply.status, reply.code) == (400, "InvalidXmlRequest")
    assert azure.control("state")["operations"] == []


def test_a_body_above_the_limit_is_refused(azure):
    reply = azure.verb("prepare", "networking/virtualnetwork/web-prod-net", body=b"x" * (5 * 1024 * 1024))
    assert (reply.status, reply.code) == (413, "RequestBodyTooLarge")

"""`/metadata/endpoints`: what a client that has only an address learns before anybody signs in, in every version."""

import pytest

from migrator.simulator.arm.metadata import VERSIONS

ADDRESS = "http://sim.test"


def ask(azure, version):
    return azure.ask("GET", f"/metadata/endpoints?api-version={version}", token="")


def test_the_oldest_version_gives_one_cloud_with_its_audiences(small):
    reply = ask(small, "2018-05-01")
    assert reply.status == 200
    assert reply.body["authentication"]["audiences"] == [ADDRESS]
    assert {"galleryEndpoint", "graphEndpoint"} <= set(reply.body)


@pytest.mark.parametrize("version", [version for version in VERSIONS if "2019" <= version < "2022"])
def test_the_versions_in_between_give_a_list_of_clouds(small, version):
    (cloud,) = ask(small, version).body
    assert cloud["resourceManager"] == ADDRESS


@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= "2022"])
def test_the_new_versions_give_one_cloud(small, version):
    cloud = ask(small, version).body
    assert cloud["resourceManager"] == ADDRESS and cloud["authentication"]["audiences"] == [ADDRESS]


@pytest.mark.parametrize("version", ["", "2015-01-01", "latest"])
def test_another_version_is_refused_and_the_known_ones_are_named(small, version):
    reply = ask(small, version)
    assert (reply.status, reply.code) == (400, "InvalidApiVersionParameter")
    assert all(known in reply.message for known in VERSIONS)


def test_nobody_has_to_be_signed_in_and_capitals_do_not_matter(small):
    small.fault("unauthorized")
    reply = small.ask("GET", "/Metadata/Endpoints?api-version=2022-09-01", token="")
    assert (reply.status, reply.body["resourceManager"]) == (200, ADDRESS)

"""What may be kept of a file: no secret, every fact, every line."""

import hashlib

import pytest

from migrator.configuration import MASK, FileRefused, Kind, masked, open_file, open_text, read_kept, take
from tests.migrator.configuration.files import KINDS, SHOP, configuration

FILES = list(KINDS.items())


@pytest.mark.parametrize(("data", "kind"), FILES)
def test_what_is_kept_holds_no_secret_and_every_fact(data: bytes, kind: Kind) -> None:
    kept = take(data, kind)
    assert "CANARY" not in kept.text
    assert read_kept(kept.text, kind) == kept.contents
    assert kept.digest == hashlib.sha256(kept.text.encode()).hexdigest()
    assert len(kept.text.splitlines()) == len(data.decode().splitlines())


@pytest.mark.parametrize(("data", "kind"), FILES)
def test_masking_twice_changes_nothing_more(data: bytes, kind: Kind) -> None:
    once = masked(open_file(data, kind))
    assert masked(open_text(once, kind)) == once


def test_names_numbers_and_switches_stay() -> None:
    kept = take(SHOP, Kind.CONFIGURATION).text
    for said in (
        "osFamily='4'",
        "count=\"2\"",
        "<Setting name='Orders.Queue' value='***removed***' />",
        'Plugins.RemoteAccess.Enabled" value="true" />',
        'thumbprint="2F0A1B3C4D5E6F708192A3B4C5D6E7F809A1B2C3"',
        'remoteSubnet="203.0.113.0/24" description="***removed***"',
        'ReservedIP name="Group shop-rg shop-ip"',
        "<!--***removed***-->",
    ):  # fmt: skip
        assert said in kept, said


def settings(inside: str) -> str:
    return f'<Role name="web"><ConfigurationSettings>{inside}</ConfigurationSettings></Role>'


@pytest.mark.parametrize(
    "inside",
    [
        "<!-- CANARY\n\nCANARY -->",
        "<?sign CANARY?>",
        "CANARY",
        "<![CDATA[CANARY]]>",
        "<![CDATA[CA]]]]><![CDATA[>NARY CANARY]]>",
        '<Role name="web"><Secret key="CANARY"/></Role>',
        '<x:Role xmlns:x="urn:other" name="w" password="CANARY"/>',
        settings('<Setting name="n" value="a&#10;CANARY"/>'),
        settings('<Setting name="n" value="a\nCANARY"/>'),
        settings('<Setting name="n" value="">CANARY</Setting>'),
        '<Role name="web"><Instances count="2" note="CANARY"/></Role>',
    ],
)
def test_a_secret_in_an_odd_place_is_masked_too(inside: str) -> None:
    kept = take(configuration(inside), Kind.CONFIGURATION)
    assert "CANARY" not in kept.text and "NARY" not in kept.text
    assert MASK in kept.text
    assert kept.text.count("\n") == inside.count("\n")


def test_a_name_that_could_be_a_secret_refuses_the_file() -> None:
    with pytest.raises(FileRefused, match="quotes or equals signs"):
        take(configuration('<Role name="AccountKey=CANARY"/>'), Kind.CONFIGURATION)


def test_the_digest_is_of_what_is_kept_so_that_it_tells_nothing_of_a_secret() -> None:
    other = SHOP.replace(b"CANARY-queue", b"another one")
    assert other != SHOP
    assert take(other, Kind.CONFIGURATION).digest == take(SHOP, Kind.CONFIGURATION).digest

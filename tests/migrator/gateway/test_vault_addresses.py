"""Addresses of secrets in Key Vaults: what is one, what is none, and what nobody may mean."""

import pytest

from migrator.gateway.vault_addresses import BadReference, BadVault, reference, vault
from migrator.vaults import Reference, kept, referred

KEYS, LOCAL = "https://contoso-keys.vault.azure.net", "http://127.0.0.1:8125/vaults/bramble-keys"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://contoso-keys.vault.azure.net", KEYS),
        ("  https://Contoso-Keys.vault.azure.net/ ", KEYS),
        ("https://gov.vault.usgovcloudapi.net", "https://gov.vault.usgovcloudapi.net"),
        ("https://cn.vault.azure.cn:443", "https://cn.vault.azure.cn"),
        (LOCAL + "/", LOCAL),
    ],
)
def test_a_vault_is_compared_without_spelling(given: str, kept: str) -> None:
    assert vault(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "", "contoso-keys", "http://contoso-keys.vault.azure.net", "https://contoso-keys.vault.azure.net/keys",
        "https://vault.azure.net.evil.example", "https://evil.example/.vault.azure.net", "https://a@b.vault.azure.net",
        "https://x.vault.azure.net?y=1", "http://127.0.0.1:1/a/../b", "ftp://x.vault.azure.net",
    ],
)  # fmt: skip
def test_what_is_no_vault_is_refused(given: str) -> None:
    with pytest.raises(BadVault):
        vault(given)


def test_an_address_is_taken_with_its_version_or_without_and_marked() -> None:
    found = reference(f"{KEYS}/secrets/head-office", (KEYS, LOCAL))
    assert found == Reference(KEYS, "head-office") and found.answer == f"vault:{KEYS}/secrets/head-office"
    assert reference(found.answer, (KEYS,)) == kept(found.answer) == found, "as it is kept it is read again"
    version = "0123456789abcdef0123456789abcdef"
    assert reference(f"{LOCAL}/secrets/x/{version}", (KEYS, LOCAL)) == Reference(LOCAL, "x", version)
    assert kept(f"vault:{LOCAL}/secrets/x/{version}") == Reference(LOCAL, "x", version)
    assert referred(found.answer) and not referred(found.url)


@pytest.mark.parametrize(
    "literal",
    ["pa/secrets/word", "a key", "https://hooks.example/secrets/token", "http://127.0.0.1:9000/secrets/x", "Vault", ""],
)
def test_a_secret_itself_is_no_address(literal: str) -> None:
    assert reference(literal, (KEYS,)) is None


@pytest.mark.parametrize(
    ("meant", "says"),
    [
        ("https://other.vault.azure.net/secrets/x", "https://other.vault.azure.net is not one of the Key Vaults"),
        (f"{KEYS}/keys/x", "must look like"),
        (f"{KEYS}/secrets/", "must look like"),
        (f"{KEYS}/secrets/two words", "must look like"),
        (f"{KEYS}/secrets/a/b/c", "must look like"),
        (f"{KEYS}/secrets/a/", "must look like"),
        ("vault:the-head-office-key", "is not the address of a secret"),
        (f"vault:{LOCAL}/secrets/x", f"{LOCAL} is not one of"),
    ],
)
def test_what_is_meant_as_one_and_is_none_is_refused_with_what_to_write(meant: str, says: str) -> None:
    with pytest.raises(BadReference, match="(?s)" + says.replace("?", r"\?")):
        reference(meant, (KEYS,))


def test_where_no_vault_is_named_the_setting_is() -> None:
    with pytest.raises(BadReference, match="TRACKER_KEY_VAULTS"):
        reference(f"{KEYS}/secrets/x", ())

import json

import pytest

from migrator.gateway.wire import REMOVED, clean, clean_text, holds_removed

CSCFG = """<ServiceConfiguration serviceName="s" xmlns="urn:x"><!-- password=hunter2 --> <Role name="Web"><Instances
        count="2"/><ConfigurationSettings> <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.Enabled"
        value="true"/> <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.AccountEncryptedPassword"
        value="hunter2"/> <Setting name="Microsoft.WindowsAzure.Plugins.X.Enabled" value="hunter2"/> <Setting
        name="Feature.Enabled" value="hunter2"/> <Setting name="Connection"
        value="DefaultEndpointsProtocol=https;AccountKey=hunter2=="/>
        </ConfigurationSettings><Certificates><Certificate name="ssl" thumbprint="AB12"
        thumbprintAlgorithm="sha1"/></Certificates> </Role></ServiceConfiguration>"""


@pytest.mark.parametrize(
    "properties",
    [
        {"configuration": CSCFG},
        {"configuration": "<ServiceConfiguration><Setting value='hunter2'>"},
        {"configuration": "hunter2"},
        {"primaryKey": "hunter2", "secondaryKey": "hunter2"},
        {"keys": [{"keyName": "key1", "value": "hunter2"}]},
        {"osProfile": {"adminPassword": "hunter2"}},
        {"extensions": [{"protectedSettings": {"a": "hunter2"}}]},
        {"a": {"b": [{"ConnectionString": "hunter2"}]}},
        {"text": "Server=x;Password=hunter2;Database=y"},
        {"uri": "https://acc.blob.core.windows.net/vhds/a.vhd?sv=1&sig=hunter2&se=2"},
        {"message": "Authorization: Bearer hunter2hunter2"},
    ],
)
def test_no_secret_leaves(properties: dict[str, object]) -> None:
    cleaned = clean({"id": "/x", "properties": properties})
    assert "hunter2" not in json.dumps(cleaned)
    assert clean(cleaned) == cleaned


def test_what_is_no_secret_stays() -> None:
    document = {
        "id": "/x",
        "tags": {"owner": "ann"},
        "properties": {
            "thumbprint": "AB12",
            "size": 5,
            "label": None,
            "osProfile": {"secrets": [{"sourceVault": {"id": "/kv"}, "vaultCertificates": [{"certificateUrl": "u"}]}]},
            "primaryKey": None,
            "keys": [],
        },
    }
    assert clean(document) == document and not holds_removed(document)


def test_a_configuration_keeps_everything_but_the_values_of_its_settings() -> None:
    text = clean({"configuration": CSCFG})["configuration"]
    assert "AB12" in text and 'count="2"' in text and "RemoteAccess.Enabled" in text
    assert text.count(REMOVED) == 4 and 'value="true"' in text


def test_the_same_configuration_gives_the_same_text_whatever_its_prefixes() -> None:
    prefixed = '<c:ServiceConfiguration xmlns:c="urn:x" serviceName="s"><c:Role name="W"/></c:ServiceConfiguration>'
    plain = '<ServiceConfiguration xmlns="urn:x" serviceName="s"><Role name="W"></Role></ServiceConfiguration>'
    assert clean({"configuration": prefixed}) == clean({"configuration": plain})


def test_what_is_too_deep_to_look_through_does_not_leave() -> None:
    deep: object = "hunter2"
    for _ in range(100):
        deep = [deep]
    assert "hunter2" not in json.dumps(clean({"properties": deep}))


def test_text_that_was_cleaned_is_seen_to_be() -> None:
    assert holds_removed({"a": [{"b": clean_text("https://h/?sig=abc")}]})

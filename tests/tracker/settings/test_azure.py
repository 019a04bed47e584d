"""What the environment says about Azure: good values, and one sentence for each wrong one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from migrator.gateway.azure import Azure
from migrator.gateway.kinds import MEANINGS
from migrator.gateway.shapes import DEPLOYMENT_BODY, INFERRED, Shapes
from tracker import azure_environment, gateways
from tracker.environment import SettingError

ROOT = Path(__file__).resolve().parents[3]
APPLICATION = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "TRACKER_AZURE", "TRACKER_ARM", *(shape.setting for shape in INFERRED))):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "public"),
        ({"TRACKER_AZURE_CLOUD": "china"}, "china"),
        ({"TRACKER_ARM_ENDPOINT": "https://management.usgovcloudapi.net"}, "us-government"),
        ({"TRACKER_ARM_ENDPOINT": "http://127.0.0.1:5", "TRACKER_AZURE_CLOUD": "us-government"}, "us-government"),
        ({"TRACKER_ARM_ENDPOINT": "https://arm.example.org"}, "public"),
    ],
)
def test_the_cloud_is_the_one_named_or_that_of_the_endpoint(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], name: str
) -> None:
    set_all(monkeypatch, values)
    assert azure_environment.cloud().name == name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"TRACKER_AZURE_CLOUD": "germany"}, "TRACKER_AZURE_CLOUD is 'germany'"),
        (
            {"TRACKER_AZURE_CLOUD": "china", "TRACKER_ARM_ENDPOINT": "https://management.azure.com"},
            "TRACKER_AZURE_CLOUD is 'china', but TRACKER_ARM_ENDPOINT",
        ),
    ],
)
def test_a_wrong_cloud_stops_the_start(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], words: str) -> None:
    set_all(monkeypatch, values)
    with pytest.raises(SettingError, match=words):
        azure_environment.cloud()


def test_a_secret_comes_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    set_all(monkeypatch, {**APPLICATION, "AZURE_CLIENT_SECRET_FILE": str(secret)})
    assert azure_environment.credential_values("environment")["AZURE_CLIENT_SECRET"] == "hunter2"


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("environment", {}, "AZURE_TENANT_ID is not set"),
        ("environment", {"AZURE_TENANT_ID": "t"}, "AZURE_CLIENT_ID is not set"),
        ("environment", APPLICATION, "Neither AZURE_CLIENT_SECRET nor"),
        ("environment", {**APPLICATION, "AZURE_CLIENT_SECRET_FILE": "/nowhere"}, "AZURE_CLIENT_SECRET_FILE points to"),
        ("certificate", APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH is not set"),
        ("certificate", {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": "/no"}, "PATH points to /no, which cannot"),
        ("workload-identity", APPLICATION, "AZURE_FEDERATED_TOKEN_FILE is not set"),
        ("workload-identity", {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": "/no"}, "FILE points to /no, which cannot"),
    ],
)
def test_what_the_credential_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, kind: str, values: dict[str, str], words: str
) -> None:
    set_all(monkeypatch, values)
    with pytest.raises(SettingError, match=words):
        azure_environment.credential_values(kind)


@pytest.mark.parametrize("kind", ["default", "managed-identity", "static"])
def test_these_need_nothing(kind: str) -> None:
    assert not any(azure_environment.credential_values(kind).values())


def test_the_shapes_are_as_documented_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert azure_environment.shapes() == Shapes() and azure_environment.shapes().deployment_body == DEPLOYMENT_BODY
    set_all(
        monkeypatch,
        {
            "TRACKER_MIGRATE_API_VERSION": "2017-11-15",
            "TRACKER_DEPLOYMENT_BODY": '{"destinationVirtualNetwork": "Existing", "SubNetName": "a"}',
            "TRACKER_OPERATION_STATUS_PATH": "operationResults",
            "TRACKER_VALIDATE_LISTS": "messages, properties.messages",
        },
    )
    assert azure_environment.shapes() == Shapes(
        migrate_api_version="2017-11-15",
        deployment_body={"destinationVirtualNetwork": "Existing", "SubNetName": "a"},
        status_path="operationResults",
        validate_lists=("messages", "properties.messages"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACKER_MIGRATE_API_VERSION", "latest"),
        ("TRACKER_MIGRATE_API_VERSION", "2016-11-01&x=1"),
        ("TRACKER_DEPLOYMENT_BODY", "{"),
        ("TRACKER_DEPLOYMENT_BODY", "[1]"),
        ("TRACKER_DEPLOYMENT_BODY", '{"a": "' + "x" * 20_000 + '"}'),
        ("TRACKER_DEPLOYMENT_BODY", "[" * 19_000),
        ("TRACKER_OPERATION_STATUS_PATH", "a/b"),
        ("TRACKER_VALIDATE_LISTS", "a..b"),
        ("TRACKER_VALIDATE_LISTS", ","),
    ],
)
def test_a_wrong_shape_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name):
        azure_environment.shapes()


def test_versions_set_by_hand_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_API_VERSIONS", "Microsoft.A/b/c=2016-11-01, Microsoft.A/d=2020-01-01-preview")
    assert azure_environment.api_versions() == {
        "Microsoft.A/b/c": "2016-11-01",
        "Microsoft.A/d": "2020-01-01-preview",
    }
    for wrong in ("Microsoft.A/b", "=2016-11-01", "Microsoft.A/b=new", "b=2016-11-01"):
        monkeypatch.setenv("TRACKER_API_VERSIONS", wrong)
        with pytest.raises(SettingError, match="TRACKER_API_VERSIONS"):
            azure_environment.api_versions()


def test_versions_of_the_older_api_set_by_hand_are_read_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_SERVICE_MANAGEMENT_VERSIONS", "network=2015-10-01, compute=2016-06-01")
    assert azure_environment.service_management_versions() == {"network": "2015-10-01", "compute": "2016-06-01"}
    monkeypatch.setattr("django.conf.settings.AZURE_CREDENTIAL", "static")
    monkeypatch.setattr("django.conf.settings.ARM_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("django.conf.settings.SERVICE_MANAGEMENT_ENDPOINT", "http://127.0.0.1:9/older")
    monkeypatch.setattr("django.conf.settings.SERVICE_MANAGEMENT_VERSIONS", {"network": "2015-10-01"})
    gateways._gateway.cache_clear()
    made = gateways.any_gateway()
    gateways._gateway.cache_clear()
    assert isinstance(made, Azure)
    with made:
        assert made._service.versions["network"] == "2015-10-01"
    for wrong in ("network", "netwrok=2015-10-01", "network=new", "=2015-10-01"):
        monkeypatch.setenv("TRACKER_SERVICE_MANAGEMENT_VERSIONS", wrong)
        with pytest.raises(SettingError, match="TRACKER_SERVICE_MANAGEMENT_VERSIONS"):
            azure_environment.service_management_versions()


def worker(**more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in MEANINGS} | {
        "TRACKER_ARM_ENDPOINT": "https://management.azure.com",
        "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": "off",
        "TRACKER_ENGINE_TIMINGS": "live",
        "TRACKER_REDIS_URL": "redis://127.0.0.1:1/0",
        **more,
    }
    command = [sys.executable, "-m", "celery", "-A", "tracker", "worker", "--pool", "solo"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_a_worker_without_its_secret_does_not_start() -> None:
    ended = worker(TRACKER_AZURE_CREDENTIAL="environment", **APPLICATION)
    assert ended.returncode != 0
    assert (
        "The worker cannot start: Neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set" in ended.stderr
    )
    assert "Traceback" not in ended.stderr


def test_a_web_process_starts_without_what_only_the_worker_holds() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in MEANINGS} | {
        "TRACKER_AZURE_CREDENTIAL": "certificate",
        "TRACKER_ARM_ENDPOINT": "https://management.azure.com",
        "TRACKER_ENGINE_TIMINGS": "live",
    }
    code = "import django; django.setup(); from django.conf import settings; print(settings.AZURE_CREDENTIAL)"
    environment["DJANGO_SETTINGS_MODULE"] = "tracker.settings"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.stdout.strip() == "certificate", ended.stderr

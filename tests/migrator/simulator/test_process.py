"""The simulator as a process over real HTTP: it starts, is asked through azure-core, is killed and goes on."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import HeadersPolicy, RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from migrator.simulator import running

CLASSIC = "2016-11-01"
RESOURCES = "api-version=2025-04-01"


@pytest.fixture(scope="module")
def server():
    with running.simulator(scenario="small", speed=0) as azure:
        yield azure


@pytest.fixture
def azure(server):
    server.control("reset", {"scenario": "small"})
    server.control("faults", method="DELETE")
    server.control("settings", {"page_size": 100})
    return server


@pytest.fixture
def pipeline():
    headers = HeadersPolicy({"Authorization": "Bearer anyone"})
    with Pipeline(RequestsTransport(), [headers, RetryPolicy(retry_total=0)]) as made:
        yield made


def send(pipeline, azure, method, url, body=None):
    request = HttpRequest(method, url if url.startswith("http") else azure.base_url + url, json=body)
    return pipeline.run(request).http_response


def network(azure):
    return next(key for key in azure.control("state")["classic"] if key.endswith("/virtualnetworks/small-net"))


def test_a_unit_goes_all_the_way_through_a_real_pipeline(azure, pipeline):
    unit = network(azure)
    for verb in ("prepare", "commit"):
        submitted = send(pipeline, azure, "POST", f"{unit}/{verb}Migration?api-version={CLASSIC}")
        assert submitted.status_code == 202
        assert submitted.headers["Azure-AsyncOperation"].startswith(azure.base_url)
        assert send(pipeline, azure, "GET", submitted.headers["Location"]).json()["status"] == "InProgress"
        azure.control("clock", {"advance": 7200})
        assert send(pipeline, azure, "GET", submitted.headers["Location"]).json()["status"] == "Succeeded"
    assert send(pipeline, azure, "GET", f"{unit}?api-version={CLASSIC}").status_code == 404


def test_next_links_lead_back_to_the_same_server(azure, pipeline):
    azure.control("settings", {"page_size": 2})
    subscription = network(azure).split("/")[2]
    url, names = f"/subscriptions/{subscription}/resources?api-version=2025-04-01", []
    while url:
        page = send(pipeline, azure, "GET", url).json()
        names += [row["name"] for row in page["value"]]
        url = page.get("nextLink")
        assert url is None or url.startswith(azure.base_url)
    assert len(names) == len(set(names)) == 7


def test_a_dropped_answer_is_a_closed_connection_with_nothing_in_it(azure):
    unit = network(azure)
    azure.control("faults", {"kind": "apply-then-fail", "verb": "prepare", "answer": "drop"})
    connection = http.client.HTTPConnection("127.0.0.1", azure.port, timeout=5)
    connection.request("POST", f"{unit}/prepareMigration?api-version={CLASSIC}", headers={"Authorization": "Bearer x"})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()
    assert [row["verb"] for row in azure.control("state")["operations"]] == ["prepare"]


def test_a_slow_answer_holds_up_nobody_else(azure, pipeline):
    azure.control("faults", {"kind": "slow", "seconds": 3.0, "unit": "/providers", "times": 1})
    slow = http.client.HTTPConnection("127.0.0.1", azure.port, timeout=5)
    subscription = network(azure).split("/")[2]
    path = f"/subscriptions/{subscription}/providers?api-version=2025-04-01"
    slow.request("GET", path, headers={"Authorization": "Bearer x"})
    time.sleep(0.1)
    began = time.monotonic()
    assert send(pipeline, azure, "GET", "/subscriptions?api-version=2022-12-01").status_code == 200
    assert time.monotonic() - began < 2.5  # it did not wait for the slow one
    assert slow.getresponse().status == 200
    slow.close()


def test_it_listens_on_loopback_only_and_says_it_is_well(azure):
    assert azure.get("/healthz") == {"status": "ok", "scenario": "small"}
    assert azure.base_url.startswith("http://127.0.0.1:")


def test_the_clock_runs_faster_when_told(azure):
    azure.control("clock", {"speed": 1000})
    try:
        unit = network(azure)
        connection = http.client.HTTPConnection("127.0.0.1", azure.port, timeout=5)
        path = f"{unit}/prepareMigration?api-version={CLASSIC}"
        connection.request("POST", path, headers={"Authorization": "Bearer x"})
        assert connection.getresponse().status == 202
        connection.close()
        deadline = time.monotonic() + 5
        while azure.control("state")["operations"][0]["status"] == "InProgress":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert azure.control("state")["operations"][0]["status"] == "Succeeded"
    finally:
        azure.control("clock", {"speed": 0})


def test_state_and_log_survive_a_kill_in_the_middle_of_the_work(tmp_path, pipeline):
    with running.simulator(scenario="journey", speed=0, state=tmp_path) as azure:
        unit = next(key for key in azure.control("state")["classic"] if key.endswith("/virtualnetworks/shop-net"))
        submitted = send(pipeline, azure, "POST", f"{unit}/prepareMigration?api-version={CLASSIC}")
        azure.control("faults", {"kind": "stuck", "verb": "commit"})
        azure.control("clock", {"advance": 30})
        before = azure.control("state?documents=1")
        azure.kill()
        azure.start()
        after = azure.control("state?documents=1")
        assert after == before
        assert [line["verb"] for line in azure.control("log")["value"]] == ["prepare"]
        assert send(pipeline, azure, "GET", submitted.headers["Location"]).json()["status"] == "InProgress"
        azure.control("clock", {"advance": 7200})
        assert send(pipeline, azure, "GET", submitted.headers["Location"]).json()["status"] == "Succeeded"
        prepared = azure.control("state?documents=1")
        azure.kill()
        azure.start()
        assert azure.control("state?documents=1") == prepared
    lines = (tmp_path / "requests.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, len(lines) + 1))


def test_a_fault_given_at_the_start_is_used_up_once_and_a_setting_counts_every_time(tmp_path, pipeline):
    """The same command again on a kept state: nothing that happened happens again."""
    fault = json.dumps({"kind": "throttle", "retry_after": 1, "times": 1})
    azure = running.Running(
        ["--scenario", "small", "--state", str(tmp_path), "--set", "page_size=2", "--fault", fault, "--fault", "stuck"]
    )

    def groups():
        return send(
            pipeline, azure, "GET", network(azure).split("/resourcegroups/")[0] + "/resourcegroups?" + RESOURCES
        )

    def kinds():
        return [row["kind"] for row in azure.control("state")["faults"] if row["used"] != row["times"]]

    try:
        azure.start()
        assert kinds() == ["throttle", "stuck"]
        assert [groups().status_code, groups().status_code] == [429, 200]
        assert kinds() == ["stuck"] and len(groups().json()["value"]) == 2
        azure.control("settings", {"page_size": 1, "registration_seconds": 7})
        azure.kill()
        azure.start()
        assert kinds() == ["stuck"] and groups().status_code == 200
        settings = azure.control("state")["settings"]
        assert (settings["page_size"], settings["registration_seconds"]) == (2, 7)  # given again; left as it was
        assert len(groups().json()["value"]) == 2
    finally:
        azure.close()


def test_links_lead_back_through_tls_in_front(azure, pipeline):
    """Whoever puts TLS in front says so in X-Forwarded-Proto, and the links say https."""
    azure.control("settings", {"page_size": 1})
    headers = {"X-Forwarded-Proto": "https", "Host": "azure.test:8443"}
    path = network(azure).split("/resourcegroups/")[0] + "/resourcegroups?" + RESOURCES
    first = pipeline.run(HttpRequest("GET", azure.base_url + path, headers=headers)).http_response.json()
    assert first["nextLink"].startswith("https://azure.test:8443/subscriptions/")


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--scenario", "dmeo"], "There is no scenario 'dmeo'"),
        (["--speed", "-1"], "speed cannot be -1"),
    ],
)
def test_a_wrong_start_ends_with_one_sentence(arguments, fragment):
    ended = subprocess.run(
        [sys.executable, "-m", "migrator.simulator", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=running.ROOT,
    )
    assert ended.returncode == 2
    assert fragment in ended.stderr and len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [["simulate", "--help"], ["help", "simulate"]])
def test_its_help_needs_no_settings(words):
    said = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=running.ROOT, env=bare(), capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr
    assert "usage: manage.py simulate" in said.stdout and "--scenario NAME|FILE" in said.stdout


def test_it_serves_without_settings():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "manage.py", "simulate", "--port", str(port), "--scenario", "small"]
    with subprocess.Popen(
        command, cwd=running.ROOT, env=bare(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while True:
                assert process.poll() is None and time.monotonic() < deadline
                with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert json.load(answer) == {"status": "ok", "scenario": "small"}
                    return
                time.sleep(0.05)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def bare():
    """The environment of somebody who set nothing: a fresh clone, with no demo to borrow settings from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKER_", "DJANGO_"))}
    return {**kept, "TRACKER_STATE_DIR": "/nonexistent"}

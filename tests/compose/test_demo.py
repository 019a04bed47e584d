"""What the demo accepts, refuses and keeps; the pieces around its processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from compose import demo, places
from compose.demo import Demo, DemoError
from compose.places import AlreadyRunning, Place, PlaceError

ROOT = Path(demo.__file__).resolve().parent.parent


@pytest.fixture
def place(tmp_path: Path) -> Place:
    one = Place(tmp_path / "state")
    one.open()
    return one


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b'{"format": }', "is not JSON: line 1, column 12"),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
    ],
)
def test_an_estate_file_that_cannot_be_one_is_refused_before_anything_starts(tmp_path, content, sentence):
    path = tmp_path / "estate.json"
    if content is not None:
        path.write_bytes(content)
    said = manage("demo", "--estate", str(path), TRACKER_STATE_DIR=str(tmp_path / "state"))
    assert said.returncode == 1
    assert f"The estate file {path} {sentence}" in said.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("words", [("--port", "0"), ("--port", "70000"), ("--speed", "-1"), ("--speed", "nan")])
def test_a_senseless_option_is_refused(words):
    said = manage("demo", *words)
    assert said.returncode == 2
    assert repr(words[1]) in said.stderr


def test_a_second_demo_says_where_the_first_is(place):
    with place.alone():
        place.leave("running.json", {"address": "http://127.0.0.1:8123/", "number": 4711})
        said = manage("demo", TRACKER_STATE_DIR=str(place.path))
    assert said.returncode == 1
    assert "already running at http://127.0.0.1:8123/ (process 4711)" in said.stdout


def test_a_folder_of_somebody_elses_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PlaceError, match="set TRACKER_STATE_DIR"):
        Place(tmp_path / "file" / "state").open()


def test_a_port_in_use_is_named_and_another_taken(place, capsys):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        port = busy.getsockname()[1]
        web, simulator = Demo(place, demo.parse(["--port", str(port)]), None).ports()
    assert (
        f"Port {port} is in use by another program; the pages are served on {web} instead." in capsys.readouterr().out
    )
    assert len({port, web, simulator}) == 3


def test_secrets_are_made_once_and_only_their_owner_can_read_them(place):
    first = place.secret("audit_key", places.audit_seed)
    passwords = place.demo_passwords()
    again = Place(place.path)
    assert again.secret("audit_key", places.audit_seed) == first
    assert again.demo_passwords() == passwords
    assert len(set(passwords.values())) == len(places.ROLES)
    assert all(len(password) >= 12 for password in passwords.values())
    for path in (place.path / "secrets.json", place.passwords):
        assert path.stat().st_mode & 0o077 == 0


def test_a_note_cut_short_counts_as_none(place):
    (place.path / "ports.json").write_text('{"web": 80')
    assert place.note("ports.json") is None
    assert place.port("web") > 0


def test_another_estate_is_not_put_under_recorded_runs(place):
    Demo(place, demo.parse([]), "demo").settle_estate()
    with pytest.raises(DemoError, match="--reset --estate small"):
        Demo(place, demo.parse([]), "small").settle_estate()
    assert Demo(place, demo.parse([]), None).settle_estate() == "demo"


def test_the_processes_get_our_azure_and_the_users_other_settings(place, monkeypatch):
    monkeypatch.setenv("TRACKER_ARM_ENDPOINT", "https://management.azure.com")
    monkeypatch.setenv("TRACKER_TIME_ZONE", "Europe/Berlin")
    monkeypatch.delenv("TRACKER_SECRET_KEY", raising=False)
    monkeypatch.setenv("TRACKER_SECRET_KEY_FILE", __file__)
    made = Demo(place, demo.parse([]), None).make_environment(8000, 8010, "demo")
    assert made["TRACKER_ARM_ENDPOINT"] == "http://127.0.0.1:8010"
    assert made["TRACKER_TIME_ZONE"] == "Europe/Berlin"
    assert "TRACKER_SECRET_KEY" not in made  # the file is the user's choice; both would be refused
    assert made["TRACKER_SECRET_KEY_FILE"] == __file__


def test_a_configured_server_that_does_not_answer_stops_the_start(place, monkeypatch):
    monkeypatch.setenv("TRACKER_DATABASE_URL", "postgresql://tracker@127.0.0.1:9/tracker")
    with pytest.raises(DemoError, match="TRACKER_DATABASE_URL is set, but that server cannot be used"):
        Demo(place, demo.parse([]), None).servers("demo")


def test_sign_ins_are_shown_in_columns():
    people = [
        {"role": "Programme manager", "name": "Ada", "username": "ada", "password": "aaaa-bbbb-cccc"},
        {"role": "Auditor", "name": "Grace", "username": "grace", "password": "dddd-eeee-ffff"},
    ]
    lines = demo.table(people)
    assert [line.index(person["password"]) for line, person in zip(lines[1:], people, strict=True)] == [
        lines[0].index("Password")
    ] * 2
    assert demo.table(None) == ["  No sign-ins were written; see load_demo.log."]


def test_ordinary_commands_borrow_the_settings_of_a_running_demo_only(place, monkeypatch):
    monkeypatch.setenv("TRACKER_STATE_DIR", str(place.path))
    place.leave("environment.json", {"TRACKER_DATABASE_URL": "postgresql:///demo", "TRACKER_SECRET_KEY": "k"})
    place.leave("running.json", {"address": "http://127.0.0.1:8000/", "number": 1})
    mine: dict[str, str] = {}
    assert places.borrow_running_demo(mine) is None
    assert mine == {}
    with place.alone():
        configured = {"TRACKER_DATABASE_URL": "postgresql:///mine"}
        assert places.borrow_running_demo(configured) is None
        assert configured == {"TRACKER_DATABASE_URL": "postgresql:///mine"}
        assert "http://127.0.0.1:8000/" in places.borrow_running_demo(mine)
    assert mine["TRACKER_DATABASE_URL"] == "postgresql:///demo"


def test_one_state_folder_has_one_holder(place):
    with place.alone(), pytest.raises(AlreadyRunning), Place(place.path).alone():
        pass
    assert not place.is_held()


def test_reset_forgets_everything_but_the_lock(place):
    place.secret("secret_key", lambda: "x")
    (place.path / "postgres" / "data").mkdir(parents=True)
    with place.alone():
        place.clear()
        assert [path.name for path in place.path.iterdir()] == ["demo.lock"]
    assert json.loads(json.dumps(place.note("secrets.json"))) is None

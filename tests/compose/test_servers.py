"""The embedded servers, for real: what survives a kill, what a crash leaves behind, what is refused."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from compose import places, processes, servers
from compose.servers import Postgres, ServerError, Valkey
from compose.supervisor import Supervisor


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder PostgreSQL's user may pass through (pytest's own are closed to others)."""
    path = tmp_path_factory.mktemp("servers")
    for parent in (path, path.parent, path.parent.parent):
        parent.chmod(0o711)
    return path


@pytest.fixture
def supervisor(folder: Path) -> Iterator[Supervisor]:
    one = Supervisor(folder, folder / "processes.json", say=lambda line: None)
    yield one
    one.hurry = True
    one.stop()


@pytest.fixture
def postgres(folder: Path) -> Postgres:
    return Postgres(folder / "postgres", folder / "postgres.log", durable=False, say=lambda line: None)


def begin(supervisor: Supervisor, postgres: Postgres) -> None:
    postgres.prepare()
    supervisor.start(postgres.service())
    postgres.create_database()


def test_postgres_keeps_its_rows_through_a_stop_a_kill_and_a_stale_pid_file(folder, supervisor):
    postgres = Postgres(folder / "postgres", folder / "postgres.log", durable=True, say=lambda line: None)
    begin(supervisor, postgres)
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    supervisor.stop("PostgreSQL")
    assert not (postgres.data / "postmaster.pid").exists()

    begin(supervisor, postgres)
    with psycopg.connect(postgres.url) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    number = supervisor.running["PostgreSQL"].process.pid
    os.kill(number, signal.SIGKILL)
    supervisor.running["PostgreSQL"].process.wait(5)
    pid_file = postgres.data / "postmaster.pid"
    assert pid_file.exists()
    # The number is somebody else's now, as after a restart of a container: this very process.
    pid_file.write_text(pid_file.read_text().replace(str(number), str(os.getpid()), 1))

    postgres.prepare()
    assert pid_file.read_text().startswith(f"{servers.NOBODYS_NUMBER}\n")  # its other lines still guard the memory
    begin(supervisor, postgres)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT number FROM kept ORDER BY 1").fetchall() == [(1,), (2,)]
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_a_postgres_that_outlived_its_supervisor_is_ended_before_the_next_starts(folder, supervisor, postgres):
    begin(supervisor, postgres)
    number = supervisor.running["PostgreSQL"].process.pid
    assert postgres.is_server(number)
    assert not postgres.is_server(os.getpid())
    forgotten = supervisor.running.pop("PostgreSQL")  # as if the supervisor had been killed

    again = Postgres(folder / "postgres", folder / "postgres.log", durable=False, say=lambda line: None)
    begin(supervisor, again)
    assert forgotten.process.wait(1) is not None
    with psycopg.connect(again.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="orphans are looked for in /proc")
def test_a_session_that_outlived_its_killed_server_is_ended_before_the_next_starts(supervisor, postgres, monkeypatch):
    begin(supervisor, postgres)
    busy = psycopg.connect(postgres.url)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e11)")  # does not look up from its work
    server = supervisor.running["PostgreSQL"].process
    server.kill()
    server.wait(5)
    monkeypatch.setattr(servers, "ORPHANS_PATIENCE", 0.5)
    assert postgres.orphans()
    begin(supervisor, postgres)
    busy.close()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_interrupted_initdb_is_not_taken_for_a_database(supervisor, postgres):
    postgres.own(postgres.home)
    half = postgres.home / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    begin(supervisor, postgres)
    assert not half.exists()


def test_a_damaged_folder_is_put_aside_and_said(folder, supervisor):
    heard: list[str] = []
    postgres = Postgres(folder / "postgres", folder / "postgres.log", durable=False, say=heard.append)
    postgres.own(postgres.home)
    postgres.data.mkdir()
    (postgres.data / "precious").write_text("not ours to delete")
    begin(supervisor, postgres)
    aside = next(postgres.home.glob("data.damaged-*"))
    assert (aside / "precious").read_text() == "not ours to delete"
    assert str(aside) in heard[0]


def test_another_major_version_is_explained_and_left_untouched(postgres):
    postgres.own(postgres.home)
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("13\n")
    with pytest.raises(ServerError, match=r"made by PostgreSQL 13, and this environment brings 1[5-9]"):
        postgres.prepare()
    assert (postgres.data / "PG_VERSION").read_text() == "13\n"


def test_a_long_path_gets_a_short_socket(folder):
    deep = folder / ("long-" * 20) / "postgres"
    deep.parent.mkdir()
    postgres = Postgres(deep, folder / "postgres.log", durable=False)
    assert len(os.fsencode(postgres.sockets / ".s.PGSQL.5432.lock")) <= servers.LONGEST_SOCKET


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to move")
def test_root_moves_postgres_where_nobody_can_pass(folder, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    seat = servers.find_seat(closed / "postgres", servers.postgres_binaries())
    try:
        assert seat.user == "nobody"
        assert servers.can_pass(seat.home.parent)
        assert servers.runs_as_nobody([str(seat.binaries / "initdb"), "--version"])
        assert servers.find_seat(closed / "postgres", servers.postgres_binaries()) == seat
    finally:
        servers.shutil.rmtree(seat.home.parent)


def test_valkey_keeps_what_it_was_told_through_a_kill_and_wants_its_password(folder, supervisor):
    valkey = Valkey(folder / "valkey", folder / "valkey.log", places.any_port(), "open-sesame")
    supervisor.start(valkey.service())
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "yes")
        time.sleep(1.1)  # appendfsync everysec
    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert "open-sesame" not in " ".join(valkey.service().command)
    assert (folder / "valkey" / "valkey.conf").stat().st_mode & 0o077 == 0
    supervisor.running["Valkey"].process.kill()
    supervisor.running["Valkey"].process.wait(5)
    supervisor.start(valkey.service())
    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("kept") == b"yes"


def test_a_port_in_use_is_seen_and_the_next_one_taken():
    with places.socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        port = busy.getsockname()[1]
        assert not places.is_free(port)
        other = places.next_port(port)
        assert other != port
        assert places.is_free(other)


def test_a_port_is_kept_from_start_to_start_while_it_is_free(tmp_path):
    place = places.Place(tmp_path)
    port = place.port("simulator")
    assert place.port("simulator") == port
    with places.socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen(1)
        assert place.port("simulator") != port


def test_a_configured_server_that_does_not_answer_is_named():
    assert servers.why_not_database("postgresql://tracker@127.0.0.1:9/tracker")
    assert servers.why_not_redis("redis://127.0.0.1:9/0")
    assert servers.why_not_redis("nonsense")


def test_the_servers_do_not_hear_the_users_variables(monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert "PGPORT" not in servers.plain_environment()
    assert servers.plain_environment()["LC_ALL"] == "C"
    assert processes.began(os.getpid())

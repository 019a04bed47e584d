"""The supervisor with real processes: nobody is left behind, whoever crashes comes back, strangers are not touched."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compose import processes
from compose.processes import Known, Service
from compose.supervisor import ServiceFailed, Stopped, Supervisor

ROOT = Path(processes.__file__).resolve().parent.parent

# A parent with a child of its own, as web and worker are; says both numbers.
FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)
"""


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, heard: list[str]) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path, tmp_path / "processes.json", heard.append)
    yield one
    one.hurry = True
    one.stop()


def service(folder: Path, name: str, program: str, *words: str, **more) -> Service:
    command = (sys.executable, "-c", program, *words)
    return Service(name, command, folder / f"{name}.log", dict(os.environ), **more)


def family(folder: Path, name: str = "family", *words: str, **more) -> Service:
    log = folder / f"{name}.log"
    return service(folder, name, FAMILY, *words, ready=lambda: log.exists() and log.read_text().endswith("\n"), **more)


def numbers(one: Service) -> list[int]:
    return [int(word) for word in one.log.read_text().split()]


def until(question: Callable[[], object], within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_clean_stop_leaves_no_process_and_no_grandchild(tmp_path, supervisor):
    one = family(tmp_path)
    supervisor.start(one)
    both = numbers(one)
    assert all(processes.began(number) for number in both)
    supervisor.stop()
    assert not any(processes.began(number) for number in both)
    assert json.loads((tmp_path / "processes.json").read_text()) == []


def test_one_that_will_not_end_is_made_to(tmp_path, supervisor):
    one = family(tmp_path, "deaf", "stubborn", stop_within=0.3)
    supervisor.start(one)
    supervisor.stop()
    assert not any(processes.began(number) for number in numbers(one))


def test_the_last_started_is_stopped_first(tmp_path, supervisor):
    order = tmp_path / "order"
    program = f"""
import signal, sys, time
def end(*_):
    open({str(order)!r}, "a").write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""
    for name in ("database", "worker", "web"):
        log = tmp_path / f"{name}.log"
        supervisor.start(service(tmp_path, name, program, name, ready=lambda log=log: "up" in log.read_text()))
    supervisor.stop()
    assert order.read_text().split() == ["web", "worker", "database"]


def test_a_crashed_process_is_named_and_comes_back_after_a_growing_pause(tmp_path, supervisor, heard):
    one = family(tmp_path)
    supervisor.start(one)
    first, orphan = numbers(one)
    os.kill(first, signal.SIGKILL)
    state = supervisor.running["family"]
    state.process.wait(5)
    now = time.monotonic()
    supervisor.look(now)
    assert state.again_at == now + 1
    assert "family was ended by SIGKILL; it is started again in 1 s" in heard[-1]
    supervisor.look(now + 0.9)
    assert state.again_at is not None
    supervisor.look(now + 1)
    assert state.process.pid != first
    assert processes.began(state.process.pid)
    assert not processes.began(orphan)  # it would have worked on beside the new one

    for expected in (2, 4, 8, 16, 30, 30):
        os.kill(state.process.pid, signal.SIGKILL)
        state.process.wait(5)
        now += 1
        supervisor.look(now)
        assert state.again_at == now + expected
        now = state.again_at
        supervisor.look(now)
    assert supervisor.restarts() == ["family"]
    supervisor.look(state.since + 61)
    assert supervisor.restarts() == []


def test_one_that_ends_before_it_is_ready_is_shown_with_its_last_lines(tmp_path, supervisor):
    one = service(tmp_path, "unlucky", "print('the disk is full'); raise SystemExit(3)", ready=lambda: False)
    with pytest.raises(ServiceFailed) as failure:
        supervisor.start(one)
    assert "unlucky ended with code 3 before it was ready." in str(failure.value)
    assert "    the disk is full" in str(failure.value)


def test_one_that_never_gets_ready_is_given_up(tmp_path, supervisor):
    with pytest.raises(ServiceFailed, match=r"was not ready after 0 s"):
        supervisor.start(family(tmp_path), service(tmp_path, "mute", FAMILY, ready=lambda: False, ready_within=0.2))


def test_a_program_that_cannot_be_started_is_named(tmp_path, supervisor):
    with pytest.raises(ServiceFailed, match="ghost could not be started"):
        supervisor.start(Service("ghost", ("/nonexistent/program",), tmp_path / "ghost.log"))


def test_the_lines_of_a_single_run_are_heard_as_they_come(tmp_path, supervisor):
    lines: list[str] = []
    supervisor.run(service(tmp_path, "load", "print('3 subscriptions'); print('60 units')"), heard=lines.append)
    assert lines == ["3 subscriptions", "60 units"]
    with pytest.raises(ServiceFailed, match="ended with code 7"):
        supervisor.run(service(tmp_path, "migrate", "raise SystemExit(7)"))


def test_a_request_to_stop_interrupts_the_waiting(tmp_path, supervisor):
    with supervisor.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            supervisor.watch()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from compose.supervisor import Supervisor
from compose import processes
from tests.compose.test_supervisor import family
if "forgetful" in sys.argv:
    processes.die_with_parent = lambda with_signal: None  # as on a system without that wish
folder = Path(sys.argv[2])
one = Supervisor(folder, folder / "processes.json")
one.start(family(folder))
print("up", flush=True)
one.watch()
"""


def killed_supervisor(folder: Path, *words: str) -> None:
    """Start a supervisor in a process of its own, wait until its service is up, and SIGKILL it."""
    command = [sys.executable, "-c", KILLED, str(ROOT), str(folder), *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends children with their parent")
def test_the_children_of_a_killed_supervisor_end_by_themselves(tmp_path):
    killed_supervisor(tmp_path)
    leader, grandchild = numbers(family(tmp_path))
    assert until(lambda: not processes.began(leader))
    os.kill(grandchild, signal.SIGKILL)  # ours do not leave any: gunicorn and celery look after their own


def test_what_a_killed_supervisor_left_running_is_ended_by_the_next(tmp_path, heard):
    killed_supervisor(tmp_path, "forgetful")
    both = numbers(family(tmp_path))
    assert all(processes.began(number) for number in both)
    assert Supervisor(tmp_path, tmp_path / "processes.json", heard.append).end_leftovers() == ["family"]
    assert not any(processes.began(number) for number in both)


def test_orphans_whose_leader_is_gone_are_found_by_their_mark(tmp_path, heard):
    killed_supervisor(tmp_path, "forgetful")
    leader, orphan = numbers(family(tmp_path))
    os.kill(leader, signal.SIGKILL)
    assert until(lambda: not processes.began(leader))
    assert Supervisor(tmp_path, tmp_path / "processes.json", heard.append).end_leftovers() == ["family"]
    assert not processes.began(orphan)


def test_a_stranger_with_a_noted_number_is_not_touched(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as stranger:
        try:
            known = Known("web", stranger.pid, "another boot:12345")
            assert processes.end_leftover(known, str(tmp_path), signal.SIGTERM, 1) is False
            assert processes.began(stranger.pid)
        finally:
            stranger.kill()

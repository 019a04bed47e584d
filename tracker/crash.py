"""Crash points: the places where a proof lets a process die, sleep or stumble (reliability-notes 6.1).

Compiled in always. Without `TRACKER_CRASH_PLAN` a point costs one comparison. With it, and only beside a simulator on
loopback (settings.py), the setting names a folder in which a file called after a point tells what happens to whoever
passes it next; `C13.commit` means the point C13 of a commit alone. Its text is one of

    kill       this process ends as by SIGKILL
    lost       its whole process group does, as when a machine is lost
    stop:16    this process is suspended; whoever planned it continues it after so many seconds
    raise      OSError

with `@3` behind it for the third passage. Exactly one process, however many pass, takes the file; what happened is kept
as `<file>.hit.<pid>`, with the run it happened to.
"""

import os
import re
import signal
import threading
from pathlib import Path

from django.conf import settings

ACTIONS = ("kill", "lost", "stop", "raise")
POINTS = {
    "C01": "web: before a wish is inserted",
    "C02": "web: after a wish is inserted, before it is committed",
    "C03": "web: after a wish is committed",
    "C04": "web: after the page of a wish is made, before it is answered",
    "C05": "web: before an approval is committed",
    "C06": "web: after an approval is committed",
    "C07": "ticker: after due rows are marked, before anybody is rung for",
    "C08": "ticker: after the first of them was rung for",
    "C09": "worker: a message is taken",
    "C10": "worker: after a run is claimed",
    "C11": "worker: after the look before a send",
    "C12": "worker: after an attempt is inserted, before it is committed",
    "C13": "worker: after an arming is committed",
    "C14": "worker: after the check that it is not too late to send",
    "C15": "worker: the request's bytes are sent, no answer is read",
    "C17": "worker: an answer is there, nothing is recorded",
    "C18": "worker: inside the transaction that records an answer",
    "C19": "worker: after an answer is recorded, before the lease is given back",
    "C20": "worker: after a look at what was sent",
    "C21": "worker: inside the transaction of a verdict",
    "C22": "worker: after a verdict, before the lease is given back",
    "C23": "sequencer: after pending events are read",
    "C24": "sequencer: after they are copied into the tree, before the commit",
    "C25": "sequencer: after the commit, before a checkpoint is signed",
    "C26": "sequencer: after a checkpoint is signed",
    "C27": "export: after its beginning is recorded",
    "C28": "export: in the middle of its lines",
    "C29": "export: before its end is recorded",
}

_plan: Path | None = settings.CRASH_PLAN
_last = threading.local()  # .of: the run this thread has in hand


def crashpoint(name: str, about: str = "", *, of: object = None) -> None:
    """Whoever planned a crash here gets it. `about`: the verb, where there is one. `of`: the run, told at the first
    point of it."""
    if _plan is not None:
        if of is not None:
            _last.of = of
        _pass(_plan, name, about)


def _pass(plan: Path, name: str, about: str) -> None:
    for file in (plan / f"{name}.{about}", plan / name) if about else (plan / name,):
        taken = file.with_name(f"{file.name}.taken.{os.getpid()}")
        try:
            file.rename(taken)  # one process alone gets it
        except FileNotFoundError:
            continue
        action, _, count = taken.read_text().strip().partition("@")
        if int(count or 1) > 1:
            taken.write_text(f"{action}@{int(count) - 1}")
            taken.rename(file)
            continue
        taken.write_text(f"{action} {getattr(_last, 'of', '')}")
        taken.rename(file.with_name(f"{file.name}.hit.{os.getpid()}"))
        _act(action, file.name)


def _act(action: str, name: str) -> None:
    match action.partition(":")[0]:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "lost":
            os.killpg(0, signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "raise":
            raise OSError(f"planned at {name}")
        case _:
            raise ValueError(f"The plan of {name} says {action!r}; expected one of {', '.join(ACTIONS)}.")


_VERB = re.compile(r"/(validate|prepare|commit|abort)Migration\b")


def watch_the_wire() -> None:
    """C15 lies inside the HTTP library: when its bytes are sent and no answer is read. Without a plan nothing is
    touched."""
    if _plan is None:
        return
    from urllib3.connection import HTTPConnection

    send = HTTPConnection.request
    if getattr(send, "watched", False):
        return

    def request(self: HTTPConnection, method: str, url: str, *rest: object, **more: object) -> None:
        send(self, method, url, *rest, **more)  # type: ignore[arg-type]
        if method == "POST" and (verb := _VERB.search(url)):
            crashpoint("C15", verb[1])

    request.watched = True  # type: ignore[attr-defined]
    HTTPConnection.request = request  # type: ignore[method-assign]

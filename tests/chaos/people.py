"""The people of a round: they plan a wave, and go by what the pages offer until every unit is through. When a page does
not answer they look again, as people do."""

import http.client
import random
import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.chaos.world import PASSWORD, World

PATIENCE = 6.0  # seconds until somebody gives a page up
THROUGH = ("verified", "closed")


class NoAnswer(Exception):
    """The page did not come: the process behind it died, or sleeps."""


class Person:
    """Somebody at a browser without JavaScript, who follows no redirect."""

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name
        self.cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        self.ask("GET", "/sign-in/")
        status, said = self.post("/sign-in/", username=self.name, password=PASSWORD)
        if status != 302:
            raise NoAnswer(f"{self.name} could not sign in: {status} {said[:300]!r}")

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        """Status and body. Raises NoAnswer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(str(error)) from error
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer.status, said

    def get(self, path: str) -> str:
        """A page; signs in again where the session is gone. Raises NoAnswer."""
        status, said = self.ask("GET", path)
        if status == 302:
            self.sign_in()
            status, said = self.ask("GET", path)
        if status != 200:
            raise NoAnswer(f"{path} answered {status}")
        return said.decode()

    def post(self, path: str, **form: str) -> tuple[int, bytes]:
        if "csrftoken" not in self.cookies:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.ask("GET", "/sign-in/")[1].decode())
            if found is None and "csrftoken" not in self.cookies:
                raise NoAnswer("no form")
        return self.ask("POST", path, urlencode({"csrfmiddlewaretoken": self.cookies["csrftoken"], **form}))


_RUNS = """
SELECT r.id::text AS id, r.state, r.ended_at, r.lease_until IS NOT NULL AS leased, r.waiting_code, u.name, u.id AS unit,
       (SELECT o.verb || ' ' || o.state FROM tracker_operation o WHERE o.run_id = r.id
         ORDER BY o.created_at DESC LIMIT 1) AS operation,
       EXISTS (SELECT 1 FROM tracker_ask a WHERE a.run_id = r.id
                  AND a.verb IN ('validate', 'prepare', 'commit', 'abort', 'retry')
                  AND NOT EXISTS (SELECT 1 FROM tracker_operation o WHERE o.ask_id = a.id)) AS asked,
       (SELECT count(*) FROM tracker_difference d WHERE d.run_id = r.id AND d.kind IN ('unexpected', 'unread')
           AND d.disposed_at IS NULL) AS differences
  FROM tracker_run r JOIN tracker_unit u ON u.id = r.unit_id WHERE r.id = ANY(%s::uuid[]) ORDER BY u.name
"""
_APPROVAL = """
SELECT a.id, a.digest, a.expires_at < clock_timestamp() AS late,
       EXISTS (SELECT 1 FROM tracker_decision d WHERE d.approval_id = a.id AND d.approved) AS decided
  FROM tracker_approval a WHERE a.run_id = %s::uuid AND a.voided_at IS NULL ORDER BY a.id DESC LIMIT 1
"""
LIVE = ("ready", "sending", "polling", "unknown", "held")


@dataclass
class Crew:
    """Four people and a wave. `aborts`: names of units that somebody gives up after Prepare."""

    world: World
    dice: random.Random
    aborts: set[str] = field(default_factory=set)
    runs: list[str] = field(default_factory=list)
    pressed: int = 0
    unanswered: int = 0

    def __post_init__(self) -> None:
        self.persons = {name: Person(self.world.port, name) for name in ("tomas", "aiko", "noor", "ines", "kofi")}

    def begin(self, units: list[int]) -> None:
        """A wave of these units with an open window, agreed to, and a run of each; through the product's actions."""
        from django.db import connection

        from tracker.accounts.models import User
        from tracker.inventory.models import Unit
        from tracker.runs import actions as runs
        from tracker.runs.queries import database_now
        from tracker.waves import actions as waves

        connection.close()  # the database may have been started again
        maya, tomas, aiko = (User.objects.get(username=name) for name in ("maya", "tomas", "aiko"))
        now = database_now()
        wave = waves.create(name=f"Night {now:%H:%M:%S.%f}", owner="Maya", by=maya, now=now)
        opens, closes = now - timedelta(hours=1), now + timedelta(hours=6)
        waves.set_window(wave, opens_at=opens, closes_at=closes, by=maya, now=now)
        for pk in units:
            waves.place(wave, Unit.objects.get(pk=pk), by=maya, now=database_now())
        approval = waves.submit(wave, by=maya, now=database_now())
        waves.approve(approval, digest=approval.digest, by=aiko, now=database_now())
        for pk in units:
            run = runs.start(Unit.objects.get(pk=pk), by=tomas, now=database_now())
            self.runs.append(str(run.pk))
        connection.close()

    def rows(self) -> list[dict[str, Any]]:
        return self.world.sql(_RUNS, self.runs)

    def turn(self) -> list[dict[str, Any]]:
        """Everybody looks once and does what there is to do. Gives the runs that are not through."""
        left = []
        for row in self.rows():
            if self._through(row):
                continue
            left.append(row)
            try:
                self._act(row)
            except NoAnswer:
                self.unanswered += 1
        return left

    def _through(self, row: dict[str, Any]) -> bool:
        return row["ended_at"] is not None or (row["state"] in THROUGH and not row["leased"])

    def _act(self, row: dict[str, Any]) -> None:
        state = (row["operation"] or " ").partition(" ")[2]
        if row["asked"] or state in LIVE:
            return
        path = f"/runs/{row['id']}/"
        if state in ("operator", "failed") and row["state"] not in (*THROUGH, "committed"):
            self._press("tomas", f"{path}ask/", verb="retry", reason="Looked at it.")
        elif row["state"] == "validated":
            self._press("tomas", f"{path}ask/", verb="prepare")
        elif row["state"] == "prepared" and row["name"] in self.aborts:
            self._press("tomas", f"{path}ask/", verb="abort", reason="Not this night.")
        elif row["state"] == "prepared":
            self._commit(row, path)

    def _commit(self, row: dict[str, Any], path: str) -> None:
        if row["differences"]:
            [first, *_] = self.world.sql(
                "SELECT id FROM tracker_difference WHERE run_id = %s::uuid AND kind IN ('unexpected', 'unread')"
                " AND disposed_at IS NULL ORDER BY id",
                row["id"],
            )
            self._press("tomas", f"{path}differences/{first['id']}/", disposition="Known, and fine.")
            return
        found = self.world.sql(_APPROVAL, row["id"])
        if not found:
            self._press("tomas", f"{path}commit/request/")
        elif not found[0]["decided"]:
            pk, digest = found[0]["id"], found[0]["digest"]
            self._press("aiko", f"/approvals/{pk}/decide/", decision="approve", digest=digest, reason="Read it all.")
        else:
            self._press("tomas", f"{path}commit/", typed=row["name"], seal=found[0]["digest"])

    def _press(self, who: str, path: str, **form: str) -> None:
        person = self.persons[who]
        if "sessionid" not in person.cookies:
            person.sign_in()
        self.pressed += 1
        status, _ = person.post(path, **form)
        if status == 302 and path == "/sign-in/":
            person.cookies.clear()

    def freeze(self, seconds: float) -> None:
        """Somebody stops everything; two people let it go on."""
        from django.db import connection

        from tracker.accounts.models import User
        from tracker.runs.queries import database_now
        from tracker.waves import actions as waves

        connection.close()
        maya, tomas = (User.objects.get(username=name) for name in ("maya", "tomas"))
        waves.freeze("all", reason="A drill.", by=maya, now=database_now())
        time.sleep(seconds)
        waves.lift("all", by=maya, now=database_now())
        waves.lift("all", by=tomas, now=database_now())
        connection.close()

    def export(self, who: str) -> tuple[int, bytes]:
        """The whole history as a bundle, over the page. Raises NoAnswer when it breaks off."""
        person = self.persons[who]
        if "sessionid" not in person.cookies:
            person.sign_in()
        return person.post("/audit/export/download/", format="bundle")


def answers(world: World) -> bool:
    """Whether somebody who comes now gets a page."""
    try:
        return Person(world.port, "nobody").ask("GET", "/sign-in/")[0] == 200
    except NoAnswer:
        return False


def pause(seconds: float = 0.25) -> None:
    time.sleep(seconds)

"""A release with another catalogue, with real processes: noticed, previewed by the worker, killed in the middle, and
switched on; then every unit is assessed with it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest
import redis
from django.db import connection

from migrator import readiness
from migrator.simulator import running
from tests.journeys.conftest import PASSWORD
from tests.journeys.stack import ROOT, Stack, database_of_its_own, url_of, wait_for
from tracker.accounts.actions import create_user
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.audit.values import Actor
from tracker.inventory.models import Sync, Unit
from tracker.readiness import catalogue, previews
from tracker.readiness.catalogue_models import CatalogueEffect, CatalogueVersion, CatalogueWork
from tracker.readiness.models import Assessment, Finding
from tracker.runs.queries import database_now

LEFT_OUT = "SUB-COADMIN"  # as if this version had brought it


@pytest.fixture
def stack(django_db_blocker, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    """The demo company, read and assessed by real workers; a programme manager."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with running.simulator(scenario="demo", speed=600) as simulator, database_of_its_own(django_db_blocker) as name:
        simulator.control("settings", {"throttle": 0})
        create_user(
            username="maya", display_name="Maya Lindqvist", email="maya@example.com", password=PASSWORD,
            roles=[Role.PROGRAMME_MANAGER], by=Actor("command", "test", "A test"), now=database_now(),
        )  # fmt: skip
        former()
        made = Stack(simulator, url_of(name), redis_url, tmp_path)
        try:
            made.start("worker", "beat", "web")
            yield made
        finally:
            made.stop()


def former() -> CatalogueVersion:
    """In force is the catalogue of a former version: one rule of the code's is not in it, one decided otherwise."""
    manifest = {rule: one for rule, one in readiness.catalogue_manifest.items() if rule != LEFT_OUT}
    manifest["CS-EMPTY"] = {**manifest["CS-EMPTY"], "revision": 0}
    now = database_now()
    return CatalogueVersion.objects.create(
        version="f" * 64, manifest=manifest, known_since=now, switched_on_at=now, switched_on_by="user:p-maya",
        reason="The former version.",
    )  # fmt: skip


class Person:
    """Somebody with a browser without JavaScript."""

    def __init__(self, stack: Stack, username: str) -> None:
        self.url = stack.url
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        self.post("/sign-in/", "/sign-in/", username=username, password=PASSWORD)

    def get(self, path: str) -> str:
        with self.opener.open(self.url + path) as answer:
            return answer.read().decode()

    def post(self, page: str, path: str, **form: str) -> str:
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page))
        data = urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        with self.opener.open(self.url + path, data) as answer:
            return answer.read().decode()


@pytest.mark.long
def test_a_release_waits_is_previewed_and_switched_on_by_real_workers(stack: Stack) -> None:
    call = [sys.executable, "-m", "celery", "-A", "tracker", "call", "tracker.tasks.sync_all"]
    subprocess.run(call, env=stack.environment, cwd=ROOT, check=True, capture_output=True, timeout=60)
    wait_for(
        "all subscriptions were read and scored",
        lambda: Sync.objects.filter(followed_at__isnull=False).count() == 3,
        120,
        lambda: stack.said("worker"),
    )
    assert catalogue.in_force_version() == "f" * 64
    waiting = catalogue.waiting()
    assert waiting is not None and waiting.version == readiness.catalogue_version, "the worker noticed it"
    assert not Finding.objects.filter(rule=LEFT_OUT).exists(), "a rule that waits says nothing"
    assert set(Assessment.objects.values_list("catalogue_version", flat=True)) == {"f" * 64}
    units = Unit.objects.filter(gone_at__isnull=True).count()

    # Previewed by the worker, which is killed in the middle of it.
    maya = Person(stack, "maya")
    assert "Another catalogue of rules waits" in maya.get("/")
    with connection.cursor() as cursor:  # what it stores of a step waits for this, so that it is in the middle
        cursor.execute("BEGIN; LOCK TABLE tracker_catalogueeffect IN ACCESS EXCLUSIVE MODE")
    maya.post("/rules/catalogue/", "/rules/catalogue/preview/")
    held = wait_for("the worker has it", leased, 30, lambda: stack.said("worker"))
    stack.kill("worker")
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK")
    assert not CatalogueEffect.objects.exists()
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()  # not even its message is left
    CatalogueWork.objects.filter(pk=held).update(lease_until=database_now())  # three minutes later
    stack.start("worker")
    wait_for("the preview is done", lambda: done(held), 60, lambda: stack.said("worker"))
    work = CatalogueWork.objects.get(pk=held)
    assert work.units == units
    assert previews.summary(work).touched == CatalogueEffect.objects.filter(work=work).count() > 0
    came = {one["rule"] for effect in previews.effects(work) for one in effect.came}
    assert LEFT_OUT in came

    # Switched on by a person; the worker assesses every unit.
    for _ in range(10):
        page = maya.get("/rules/catalogue/")
        if "older than the inventory" not in page:
            break
        maya.post("/rules/catalogue/", "/rules/catalogue/preview/")
        wait_for("it is brought up to date", lambda: done(held), 30, lambda: stack.said("worker"))
    page = maya.post("/rules/catalogue/", "/rules/catalogue/switch/", version=waiting.version, reason="Published.")
    assert "The catalogue is in force" in page
    assert Event.objects.filter(type="readiness.catalogue_switched_on").count() == 1
    wait_for(
        "every unit is assessed with it",
        lambda: CatalogueWork.objects.filter(kind="assess", state="done").exists(),
        60,
        lambda: stack.said("worker"),
    )
    newest = Assessment.objects.order_by("unit_id", "-pk").distinct("unit_id")
    assert {one.catalogue_version for one in newest} == {readiness.catalogue_version}
    expected = {one.unit_id: one.digest for one in previews.effects(work)}
    assert {one.unit_id: one.digest for one in newest if one.unit_id in expected} == expected
    assert Finding.objects.filter(rule=LEFT_OUT).exists()
    assert "Nothing waits" in maya.get("/rules/catalogue/")


def leased() -> int:
    """The preview a worker has in hand."""
    found = CatalogueWork.objects.filter(kind="preview").first()
    return found.pk if found is not None and found.holder else 0


def done(pk: int) -> bool:
    return CatalogueWork.objects.get(pk=pk).state == "done"

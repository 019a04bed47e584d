"""The whole journey, as the people who make it: programme manager, engineer, second engineer, auditor.

Real pages in a real browser, real web, worker and beat, real PostgreSQL and Redis, the real Azure client over HTTP. At
every step the simulator is asked whether the world agrees with what the page says.
"""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Complaints
from tests.journeys.conftest import PASSWORD
from tests.journeys.stack import ROOT, Stack

pytestmark = [pytest.mark.browser, pytest.mark.long]
PATIENCE = 60_000  # milliseconds: for what the worker does behind a page that is not reloaded by us
PICTURES = os.environ.get("TRACKER_TEST_PICTURES", "")


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, context: BrowserContext, complaints: Complaints) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints = complaints
        complaints.watch(self.page)

    def sign_in(self, username: str) -> None:
        self.page.goto("/sign-in/")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/")

    def sees(self, text: str | re.Pattern[str], patience: int = 20_000) -> None:
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=patience)

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).filter(visible=True).first.click()

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/journey-{name}.png", full_page=True)


@pytest.fixture
def people(browser: Browser, stack: Stack) -> Iterator[Callable[[str], Person]]:
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def arrive(username: str) -> Person:
        context = browser.new_context(
            base_url=stack.url, viewport={"width": 1440, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        person = Person(context, complaints)
        person.sign_in(username)
        return person

    yield arrive
    for number, context in enumerate(contexts):
        for page in context.pages if PICTURES else ():
            page.screenshot(path=f"{PICTURES}/journey-end-{number}.png", full_page=True)
    for context in contexts:
        context.close()
    assert complaints == [], stack.said("web")


def command(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_three_people_move_a_network_and_an_auditor_proves_it(
    stack: Stack, people: Callable[[str], Person], tmp_path: Path
) -> None:
    shop = "/virtualnetworks/shop-net"
    read = command(stack, "sync")
    assert read.returncode == 0, read.stdout + read.stderr

    # The programme manager looks, and plans a wave.
    maya = people("maya")
    maya.sees("Shop")
    maya.page.goto("/inventory/")
    maya.page.get_by_role("link", name="legacy-net").first.click()
    maya.sees("VNET-PEERING")
    maya.picture("blocked-unit")
    maya.page.goto("/waves/new/")
    maya.page.get_by_label("Name").fill("Night one")
    maya.page.get_by_label("Owner").fill("Maya Lindqvist")
    maya.press("Create wave")
    maya.page.get_by_label(re.compile("open", re.I)).first.fill("2026-01-01T00:00")
    maya.page.get_by_label(re.compile("close", re.I)).first.fill("2099-01-01T00:00")
    maya.press("Set window")
    maya.page.get_by_role("link", name="shop-net").first.click()
    maya.sees(re.compile("brings .* along"))
    maya.sees("shop-web")
    maya.picture("forced-set")
    maya.press(re.compile("^Place shop-net"))
    wave_url = re.search(r"/waves/\d+/", maya.page.url).group()
    maya.page.goto(wave_url)
    maya.press(re.compile("^Submit"))
    maya.sees(re.compile("Waiting|waits", re.I))
    maya.picture("submitted")

    # She may not approve her own wave; the engineer can.
    maya.page.goto("/approvals/")
    tomas = people("tomas")
    tomas.page.goto("/approvals/")
    tomas.page.get_by_role("link", name=re.compile("Night one")).first.click()
    tomas.sees("shop-net")
    maya.page.goto(tomas.page.url)
    expect(maya.page.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    tomas.picture("review")
    tomas.press("Approve")
    tomas.sees(re.compile("Approved"))

    # He starts it; Validate, then Prepare, seen without a reload.
    tomas.page.goto(wave_url)
    tomas.press(re.compile("^Start"))
    tomas.page.goto("/runs/")
    tomas.page.get_by_role("link", name="shop-net").first.click()
    run_url = re.search(r"/runs/[0-9a-f-]{36}/", tomas.page.url).group()
    tomas.page.locator("#wish-prepare").click(timeout=PATIENCE)
    assert stack.azure()["locks"] == {}
    assert len(stack.posts("validate")) == 1
    tomas.page.get_by_role("dialog").get_by_role("button", name="Prepare").click()
    tomas.sees(re.compile("Prepared means locked|locked, not finished", re.I), PATIENCE)
    tomas.picture("prepared")
    locks = stack.azure()["locks"]
    assert any(key.endswith(shop) for key in locks), "the platform holds the lock the page tells of"
    assert any(shop in key.lower() for key in stack.azure()["classic"])

    # The commit: asked for by him, agreed to by her, typed and pressed by him.
    tomas.page.goto(f"{run_url}commit/")
    tomas.press("Ask for approval")
    tomas.sees(re.compile("Open the approval"))
    aiko = people("aiko")
    aiko.page.goto("/approvals/")
    aiko.page.get_by_role("link", name=re.compile("shop-net")).first.click()
    aiko.sees(re.compile("cannot be undone", re.I))
    aiko.picture("review-commit")
    tomas.page.goto(aiko.page.url)
    expect(tomas.page.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    aiko.press("Approve")
    aiko.sees(re.compile("Approved"))
    assert stack.posts("commit") == []
    tomas.page.goto(f"{run_url}commit/")
    tomas.page.locator("#typed").fill("shop-nte")
    tomas.page.locator("form.form button.danger").click(force=True)
    assert stack.posts("commit") == [], "a wrong name sends nothing"
    tomas.page.goto(f"{run_url}commit/")
    tomas.page.locator("#typed").fill("shop-net")
    tomas.picture("commit")
    tomas.page.locator("form.form button.danger").click()
    tomas.page.goto(run_url)
    tomas.sees(re.compile("follow-ups? (are|is) not yet closed|follow-ups? open", re.I), PATIENCE)
    tomas.picture("committed")
    azure = stack.azure()
    assert len(stack.posts("commit")) == 1
    assert not any(shop in key.lower() for key in azure["classic"])
    assert not any(key.endswith(shop) for key in azure["locks"])

    # What the platform dropped comes back, and is seen.
    tomas.page.goto("/follow-ups/?state=open&state=question")
    titles = tomas.page.locator("main table tbody a.row-link").all_inner_texts()
    assert len(titles) == 4, "follow-ups were opened in the commit's own transaction"
    links = [link.get_attribute("href") for link in tomas.page.locator("main table tbody a.row-link").all()]
    for link in links:
        tomas.page.goto(link)
        answer_every_question(tomas)
        tomas.press(re.compile("^Apply"))
    for link in links:
        tomas.page.goto(link)
        expect(tomas.page.locator(".head .chip", has_text="Closed").first).to_be_visible(timeout=PATIENCE)
    tomas.picture("follow-up")
    # What no request does is closed by the word of a person.
    maya.page.goto("/follow-ups/?state=to-do")
    maya.page.get_by_role("link", name=re.compile("^Point scripts")).first.click()
    maya.page.get_by_label("What was done").fill("The release pipeline uses the new ids: run 4711.")
    maya.press(re.compile("^It is done"))
    maya.sees(re.compile("Done, as attested"), PATIENCE)
    maya.picture("attested")
    targets = [str(uri).lower() for uri in stack.azure()["autoscale_settings"].values()]
    assert any(uri.endswith("/microsoft.compute/cloudservices/shop-web/roles/webfront") for uri in targets)
    maya.page.goto(wave_url)
    expect(maya.page.locator(".chip", has_text="Closed").first).to_be_visible(timeout=PATIENCE)
    maya.picture("wave-done")

    # The auditor sees that somebody looks at Azure's doors, takes the history home and checks it there.
    noor = people("noor")
    noor.page.goto("/settings/")
    expect(noor.page.get_by_role("row", name=re.compile("^Resource Manager"))).to_contain_text(re.compile("now|ago"))
    noor.picture("settings")
    noor.page.goto("/audit/")
    noor.sees(re.compile("approved", re.I))
    noor.page.goto("/audit/export/")
    noor.picture("export")
    with noor.page.expect_download() as caught:
        noor.page.get_by_role("button", name=re.compile("export|download", re.I)).first.click()
    bundle = tmp_path / "history.zip"
    caught.value.save_as(bundle)
    told = noor.page.locator("#verify pre").first.inner_text()
    verify_elsewhere(bundle, told, tmp_path / "elsewhere")
    noor.page.goto(run_url)
    assert noor.page.locator("#wish-retry, #wish-commit, #wish-abort").count() == 0
    assert stack.azure()["violations"] == 0


def answer_every_question(person: Person) -> None:
    """Choose the first answer of each question the follow-up asks."""
    page = person.page
    groups = page.locator("form fieldset:has(input[type=radio])")
    for number in range(groups.count()):
        groups.nth(number).locator("input[type=radio]").first.check()
    if groups.count():
        page.get_by_role("button", name=re.compile("answer", re.I)).first.click()


def verify_elsewhere(bundle: Path, told: str, folder: Path) -> None:
    """As on another machine: the bundle's script, a bare Python, the key from the page. Then one byte is changed."""
    folder.mkdir()
    with zipfile.ZipFile(bundle) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    script = folder / "verify_audit.py"
    script.write_bytes(next(body for name, body in parts.items() if name.endswith("verify_audit.py")))
    key = next(word for word in shlex.split(told.replace("\\\n", " ")) if "+" in word)

    def verdict(path: Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-I", "-S", script.name, key, str(path)]
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, env={}, timeout=60)

    fine = verdict(bundle)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "VERIFIED" in fine.stdout
    spoilt = folder / "spoilt.zip"
    with zipfile.ZipFile(spoilt, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            if name.endswith("events.jsonl"):
                body = body.replace(b"approval.approved", b"approval.approveD", 1)
            archive.writestr(name, body)
    broken = verdict(spoilt)
    assert broken.returncode != 0
    assert "FAILED" in broken.stdout + broken.stderr

"""Bytes on the wire (figures.md F6): what noise cannot move."""

import gzip
from collections.abc import Callable
from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client

from tracker.accounts.models import User

STATIC = Path(__file__).parents[2] / "tracker" / "static"


def wire(path: str) -> int:
    return len(gzip.compress(Path(finders.find(path)).read_bytes()))


def test_a_cold_page_has_five_files_and_leaves_room_for_itself() -> None:
    assert wire("base.css") + wire("parts.css") + wire("tracker.js") + wire("django_htmx/htmx-2.min.js") <= 40_000
    assert sorted(path.name for path in STATIC.iterdir()) == ["base.css", "parts.css", "tracker.js"]


def test_our_script_stays_small() -> None:
    assert (STATIC / "tracker.js").stat().st_size <= 8_000
    assert wire("tracker.js") <= 3_000


def test_pages_travel_compressed_and_the_frame_is_light(ada: User, as_person: Callable[[User], Client]) -> None:
    answer = as_person(ada).get("/nowhere/", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) <= 6_500, "frame and sprite leave no room in a warm page of 10 KB"


def test_a_page_names_exactly_these_files(ada: User, as_person: Callable[[User], Client]) -> None:
    page = as_person(ada).get("/style/").content.decode()
    assert page.count("<script") == 2
    assert page.count('rel="stylesheet"') == 2
    assert "http://" not in page.partition("</head>")[2].replace("http://testserver", "")

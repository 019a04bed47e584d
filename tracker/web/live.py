"""Live fragments: a part of a page that asks for itself again, answered with 304 while nothing changed (figures.md
F19).

    def state(request, run_id):                                   # the fragment's own address
        tag = live.etag(run.pk, run.fence, run.state)             # cheap: from the row, before anything expensive
        return live.unchanged(request, tag) or live.fragment(request, "runs/_state.html", {…}, tag, finished=…)

`runs/_state.html` is `{% live "run-state" url=… etag=live_etag every="2s" finished=… %} … {% endlive %}`; the page
includes the same file with `live_etag` in its context. The browser sends the etag it shows in If-None-Match, so a 304
swaps nothing: focus, scroll and open menus stay. A finished fragment answers 286, which ends the asking (htmx 2).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render

STOP_POLLING = 286


def etag(*parts: object) -> str:
    """A short digest of what the fragment shows. Put in every value whose change must be seen."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(joined.encode(), digest_size=9).hexdigest()


def unchanged(request: HttpRequest, tag: str) -> HttpResponse | None:
    """304 when the asker already shows `tag`, else None. Weak tags count as equal: compression in between weakens
    them."""
    shown = {item.strip().removeprefix("W/").strip('"') for item in request.headers.get("If-None-Match", "").split(",")}
    if tag not in shown:
        return None
    answer = HttpResponseNotModified()
    answer["ETag"] = f'"{tag}"'
    return answer


def fragment(
    request: HttpRequest, template: str, context: Mapping[str, Any], tag: str, *, finished: object = False
) -> HttpResponse:
    """The fragment itself. `no-store`: the browser must not answer a poll from its own cache."""
    answer = render(request, template, {**context, "live_etag": tag, "live_finished": bool(finished)})
    answer["ETag"] = f'"{tag}"'
    answer["Cache-Control"] = "no-store"
    if finished and request.headers.get("HX-Request") == "true":
        answer.status_code = STOP_POLLING
    return answer

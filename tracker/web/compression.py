"""Pages travel compressed: a list of fifty rows is 140 KB of HTML and 9 KB on the wire (figures.md F6)."""

import secrets

import brotli
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

COMPRESSED = ("text/html", "application/json", "application/problem+json")
QUALITY = 5  # a fifth smaller than gzip for the same time
LEAST = 200  # bytes; below, compressing does not pay


class PageCompression(GZipMiddleware):
    """Brotli for who reads it, else Django's gzip; for pages and JSON only. Whole pages are padded by a random length
    against guessing their secrets by it, as Django's own middleware does.

    Exports stream as they are: compressing them would cost more than the loopback or the reverse proxy gains
    (figures.md F15).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if response.streaming or kind not in COMPRESSED:
            return response
        if not _reads_brotli(request):
            return super().process_response(request, response)
        if len(response.content) < LEAST or response.has_header("Content-Encoding"):  # type: ignore[attr-defined]
            return response
        patch_vary_headers(response, ("Accept-Encoding",))  # type: ignore[arg-type]
        content: bytes = response.content  # type: ignore[attr-defined]
        if content.startswith(b"<!doctype"):  # not the fragments: they would leave the padding in the page
            content += f"<!-- {secrets.token_hex(1 + secrets.randbelow(32))} -->".encode()
        response.content = brotli.compress(content, quality=QUALITY)  # type: ignore[attr-defined]
        response.headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        response.headers["Content-Encoding"] = "br"
        tag = response.headers.get("ETag")
        if tag and tag.startswith('"'):
            response.headers["ETag"] = f"W/{tag}"
        return response


def _reads_brotli(request: HttpRequest) -> bool:
    """Whether the asker lists it without refusing it."""
    asked = request.headers.get("Accept-Encoding", "")
    return any(
        word.strip().partition(";")[0] == "br" and not word.replace(" ", "").endswith(";q=0")
        for word in asked.split(",")
    )

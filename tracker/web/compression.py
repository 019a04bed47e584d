"""Pages travel compressed: a list of fifty rows is 60 KB of HTML and 8 KB on the wire (figures.md F6)."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "application/json", "application/problem+json")


class PageCompression(GZipMiddleware):
    """Django's own (with its random padding against guessing secrets by length), for pages and JSON only.

    Exports stream as they are: compressing them would cost more than the loopback or the reverse proxy gains
    (figures.md F15).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if response.streaming or kind not in COMPRESSED:
            return response
        return super().process_response(request, response)

"""Uploaded files are bounded before they are read: a body that says it is larger is not taken in at all."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

ROOM = 256 * 1024  # for the other fields of a form (reliability-notes 3.3)


class Bounded(FileUploadHandler):
    """Refuses by the length the request announces, and again by what really comes."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *_: Any) -> None:
        self.left = settings.IMPORT_MIB * 1024 * 1024 + ROOM
        if content_length > self.left:
            raise RequestDataTooBig(f"The upload has more than {settings.IMPORT_MIB} MiB.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.left -= len(raw_data)
        if self.left < 0:
            raise RequestDataTooBig(f"The upload has more than {settings.IMPORT_MIB} MiB.")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

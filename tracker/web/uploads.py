"""Uploaded files are bounded before they are read: a body that says it is larger is not taken in at all."""

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, MemoryFileUploadHandler

from migrator.configuration import LARGEST

ROOM = 256 * 1024  # for the other fields of a form (reliability-notes 3.3)
# Where files with secrets come in: two at most, and never written to the disk.
SECRET = re.compile(r"/units/\d+/configuration/")


class SecretTooBig(RequestDataTooBig):
    """What came in for a configuration file is larger than two of them."""


class InMemory(MemoryFileUploadHandler):
    """Keeps configuration files in memory, whatever the size up to which others are kept there. Elsewhere it steps
    aside."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *_: Any) -> None:
        self.activated = bool(self.request and SECRET.match(self.request.path_info))
        self.left = 2 * LARGEST + ROOM
        if self.activated and content_length > self.left:
            raise SecretTooBig(f"A configuration file has at most {LARGEST // 1024} KiB.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self.activated:
            self.left -= len(raw_data)
            if self.left < 0:
                raise SecretTooBig(f"A configuration file has at most {LARGEST // 1024} KiB.")
        return super().receive_data_chunk(raw_data, start)


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

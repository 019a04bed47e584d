"""Bytes of an uploaded file → text and kind, or one sentence. Nothing is guessed about encodings."""

import codecs

from migrator.captures.values import FileRefused, Kind, Limits

_MARKS = (  # longest first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ARCHIVES = ((b"PK\x03\x04", "a ZIP archive"), (b"PK\x05\x06", "an empty ZIP archive"), (b"\x1f\x8b", "a gzip archive"))


def shown(name: str) -> str:
    """A file's name for a sentence: the last part, printable, not longer than people read. Never used as a path."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(letter if letter.isprintable() else "�" for letter in last).strip() or "the file"
    return clean if len(clean) <= 120 else clean[:119] + "…"


def decode(raw: bytes, name: str, limits: Limits) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its byte order mark (as PowerShell writes). Raises FileRefused."""
    if len(raw) > limits.size:
        raise FileRefused(
            f"{name}: larger than this site takes; at most {limits.mib} MiB are read (TRACKER_IMPORT_MIB). Make a file "
            "for each subscription (capture --subscription), or let the administrator raise the limit."
        )
    for magic, what in _ARCHIVES:
        if raw.startswith(magic):
            raise FileRefused(f"{name}: this is {what}. Unpack it and give the file inside.")
    mark, encoding = next(((m, e) for m, e in _MARKS if raw.startswith(m)), (b"", "utf-8"))
    if encoding == "UTF-32":
        raise FileRefused(f"{name}: written in UTF-32. Save it as UTF-8.")
    try:
        text = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        hint = " It looks like UTF-16 without its byte order mark." if b"\x00" in raw[:200] else ""
        raise FileRefused(
            f"{name}, line {line}: byte {error.start + len(mark)} is not {encoding.upper()[:6].rstrip('-')}.{hint} "
            "Save the file as UTF-8."
        ) from None
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        hint = " It looks like UTF-16 without its byte order mark." if text[1:2] == "\x00" else ""
        raise FileRefused(f"{name}, line {line}: a NUL character, which no such file has.{hint} Write the file again.")
    if not text.strip():
        raise FileRefused(f"{name}: the file is empty.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def kind_of(text: str) -> Kind:
    """By what the text begins with; a name promises nothing."""
    first = text.lstrip("\ufeff \t\n")[:1]
    return Kind.JSON if first in ("{", "[") else Kind.XML if first == "<" else Kind.CSV


def unstorable(value: object, path: str = "") -> str:
    """Where in a JSON value a text stands that no database holds (NUL, half a surrogate pair); empty when nowhere."""
    waiting: list[tuple[str, object]] = [(path, value)]
    while waiting:
        where, item = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return f"{where} holds a NUL character"
            if any("\ud800" <= letter <= "\udfff" for letter in item):
                return f"{where} holds half of a character (a lone surrogate)"
        elif isinstance(item, dict):
            for key, inner in item.items():
                if "\x00" in key or any("\ud800" <= letter <= "\udfff" for letter in key):
                    return f"a key under {where or 'the row'} holds a NUL or half of a character"
                waiting.append((f"{where}.{key}" if where else key, inner))
        elif isinstance(item, list):
            waiting.extend((f"{where}[{index}]", inner) for index, inner in enumerate(item))
    return ""


def depth_of(value: object, most: int) -> int:
    """How deep a JSON value is nested; stops counting one beyond `most`."""
    level, here = 0, [value]
    while here and level <= most:
        level += 1
        here = (
            [
                inner
                for item in here
                for inner in (item.values() if isinstance(item, dict) else item)
                if isinstance(inner, dict | list)
            ]
            if any(isinstance(item, dict | list) for item in here)
            else []
        )
    return level

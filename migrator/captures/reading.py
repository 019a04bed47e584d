"""Any of the three kinds of file → its contents. What it is, is told by how it begins, not by its name."""

from migrator.captures import estate_json, service_xml, toolset_csv
from migrator.captures.text import decode, kind_of, shown
from migrator.captures.values import Contents, FileRefused, Hints, Kind, Limits

__all__ = ["Contents", "FileRefused", "Hints", "Kind", "Limits", "read", "shown"]


def read(raw: bytes, file_name: str, *, limits: Limits | None = None, hints: Hints | None = None) -> Contents:
    """The contents of a file. Raises FileRefused, and nothing else, for whatever is wrong with it as a whole; what is
    wrong with one row stands at that row."""
    limits, hints = limits or Limits(), hints or Hints()
    name = shown(file_name)
    text = decode(raw, name, limits)
    kind = kind_of(text)
    if kind is Kind.JSON:
        return estate_json.read(text.lstrip("\ufeff"), name, limits)
    if kind is Kind.XML:
        return service_xml.read(text, name, limits, hints)
    return toolset_csv.read(text, name, limits, hints)

"""An XML file with the place of every element and attribute, so that it can be changed without touching the rest.

The file is hostile input: at most 1 MiB, 50,000 lines, 50,000 elements with comments, depth 64, 100 attributes on an
element (reliability-notes 3.3), no DTD and therefore no entities, UTF-8 or UTF-16 as its declaration says. Nothing is
fetched from anywhere.

Places are offsets in `Document.text`, which is UTF-8 whatever the file was; `Document.bytes_of` writes a text in the
encoding, and with the byte order mark, that the file came in.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

LARGEST = 1024 * 1024  # bytes
DEEPEST = 64
MOST_ELEMENTS = 50_000
MOST_ATTRIBUTES = 100
MOST_ALTOGETHER = 100_000  # attributes of a file

_TAG = re.compile(rb"<([^\s/>]+)((?:\s+[^\s=>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>")
_ATTRIBUTE = re.compile(rb"(\s+)([^\s=]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_DECLARATION = re.compile(r"<\?xml\s(?:[^?>]*?\s)?encoding\s*=\s*[\"']([^\"']*)[\"']")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DECLARED = {
    "utf-8": frozenset({"utf-8", "utf8"}),
    "utf-16-le": frozenset({"utf-16", "utf-16le", "unicode"}),
    "utf-16-be": frozenset({"utf-16", "utf-16be", "unicode"}),
}


class FileRefused(ValueError):
    """The file cannot be used. One sentence says why; `line` where in the file, None where no line is to blame."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(f"Line {line}: {sentence}" if line else sentence)
        self.sentence, self.line = sentence, line


@dataclass(slots=True)
class Attribute:
    """One attribute. `start`, `end`: its value between the quotes; `quote`: the quote that holds it."""

    name: str  # as written, with its prefix
    value: str  # what it means, references resolved
    start: int
    end: int
    quote: bytes


@dataclass(slots=True, eq=False)
class Element:
    """One element. `start` is its "<", `inside` what follows its start tag, `closing` the "<" of its end tag, `end`
    what follows that; of `<a />` the last three are one place."""

    name: str  # without namespace
    namespace: str
    prefix: str  # "sc:" or empty
    line: int
    start: int
    inside: int
    attributes: tuple[Attribute, ...]
    parent: "Element | None"
    closing: int = -1
    end: int = -1
    children: list["Element"] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether it is written as one tag."""
        return self.end == self.inside

    def attribute(self, name: str) -> Attribute | None:
        return next((one for one in self.attributes if one.name == name), None)

    def get(self, name: str, default: str = "") -> str:
        found = self.attribute(name)
        return default if found is None else found.value

    def of(self, *path: str) -> "list[Element]":
        """What lies under a path of names, in the namespace of this element."""
        found = [self]
        for name in path:
            found = [
                one for each in found for one in each.children if one.name == name and one.namespace == each.namespace
            ]
        return found

    def first(self, *path: str) -> "Element | None":
        return next(iter(self.of(*path)), None)

    def walk(self) -> "Iterator[Element]":
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True, eq=False)
class Document:
    """A file that was read. `asides`: places of comments and processing instructions."""

    text: bytes
    root: Element
    codec: str
    mark: bytes
    asides: tuple[tuple[int, int], ...]

    def has_aside(self, element: Element) -> bool:
        """Whether a comment or a processing instruction stands in an element."""
        next_one = bisect_right(self.asides, (element.inside, -1))
        return next_one < len(self.asides) and self.asides[next_one][0] < element.closing

    def bytes_of(self, text: bytes) -> bytes:
        """A text of this file as the file would hold it."""
        return self.mark + text.decode("utf-8").encode(self.codec)


def line_spans(text: bytes) -> list[tuple[int, int]]:
    """Where each line begins and ends, its line end included."""
    ends = [match.end() for match in _LINE_END.finditer(text)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return list(zip([0, *ends[:-1]], ends, strict=True))


def parse(data: bytes) -> Document:
    """The document in a file. Raises FileRefused, and nothing else, for whatever is wrong with it."""
    text, codec, mark = _decoded(data)
    if sum(1 for _ in _LINE_END.finditer(text)) >= MOST_ELEMENTS:
        raise FileRefused(f"The file has more than {MOST_ELEMENTS:,} lines.")
    return _Reading(text, codec, mark).document()


def parse_text(text: bytes) -> Document:
    """The document in a text of ours: UTF-8, whatever its declaration says of the file it was. What the file it was
    made of was bounded by may be a little exceeded by it. Raises FileRefused."""
    return _Reading(text, "utf-8", b"", bounded=False).document()


def _decoded(data: bytes) -> tuple[bytes, str, bytes]:
    """The text as UTF-8, the codec the file is written in, and its byte order mark."""
    if len(data) > LARGEST:
        raise FileRefused(f"The file is larger than {LARGEST // 1024} KiB.")
    if not data.strip():
        raise FileRefused("The file is empty.")
    if data.startswith(b"PK\x03\x04"):
        raise FileRefused("The file is an archive, perhaps a package (.cspkg); give the XML file itself.")
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise FileRefused("The file is written in UTF-32; save it as UTF-8.")
    mark, codec = next(((m, c) for m, c in _BOMS if data.startswith(m)), (b"", "utf-8"))
    if not mark and (data.startswith((b"<\x00", b"\x00<"))):
        raise FileRefused("The file is written in UTF-16 without a byte order mark; save it as UTF-8.")
    try:
        said = data[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        name = "UTF-8" if codec == "utf-8" else "UTF-16"
        line = None if codec != "utf-8" else data.count(b"\n", 0, len(mark) + error.start) + 1
        raise FileRefused(f"The file is not written in {name} throughout; save it as UTF-8.", line) from error
    declared = _DECLARATION.match(said[:1_000])
    if declared and declared.group(1).lower() not in _DECLARED[codec]:
        really = "UTF-8" if codec == "utf-8" else "UTF-16"
        raise FileRefused(
            f"The file says it is written in {declared.group(1)[:40]!r} and is {really}; save it as UTF-8.", 1
        )
    return said.encode("utf-8"), codec, mark


class _Reading:
    """One pass of expat, which checks that the file is well-formed; the places inside a tag are found by its text."""

    def __init__(self, text: bytes, codec: str, mark: bytes, *, bounded: bool = True) -> None:
        self.text, self.codec, self.mark, self.bounded = text, codec, mark, bounded
        self.root: Element | None = None
        self.open: list[Element] = []
        self.nodes = self.attributes = 0
        self.asides: list[tuple[int, int]] = []
        self.parser = parser = expat.ParserCreate("utf-8", " ")
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CommentHandler = lambda _text: self._aside(b"-->")
        parser.ProcessingInstructionHandler = lambda _target, _text: self._aside(b"?>")
        parser.StartDoctypeDeclHandler = self._dtd

    def document(self) -> Document:
        try:
            self.parser.Parse(self.text, True)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise FileRefused(f"The file is not well-formed XML ({why}).", error.lineno) from error
        if self.root is None:  # expat has refused it already
            raise FileRefused("The file holds no element.")
        return Document(self.text, self.root, self.codec, self.mark, tuple(self.asides))

    def _dtd(self, *_: object) -> None:
        raise FileRefused("The file has a DTD, which is refused.", self.parser.CurrentLineNumber)

    def _aside(self, closing: bytes) -> None:
        self._count()
        start = self.parser.CurrentByteIndex
        self.asides.append((start, self.text.index(closing, start) + len(closing)))

    def _count(self, attributes: int = 0) -> None:
        self.nodes += 1
        self.attributes += attributes
        if not self.bounded:
            return
        line = self.parser.CurrentLineNumber
        if self.nodes > MOST_ELEMENTS:
            raise FileRefused(f"The file has more than {MOST_ELEMENTS:,} elements and comments.", line)
        if self.attributes > MOST_ALTOGETHER:
            raise FileRefused(f"The file has more than {MOST_ALTOGETHER:,} attributes.", line)

    def _start(self, name: str, pairs: list[str]) -> None:
        line = self.parser.CurrentLineNumber
        self._count(len(pairs) // 2)
        if len(self.open) >= DEEPEST:
            raise FileRefused(f"The file is nested deeper than {DEEPEST} elements.", line)
        if len(pairs) > 2 * MOST_ATTRIBUTES:
            raise FileRefused(f"An element has more than {MOST_ATTRIBUTES} attributes.", line)
        tag = _TAG.match(self.text, self.parser.CurrentByteIndex)
        if tag is None:  # expat has read it, so this cannot be; a file is never guessed at
            raise FileRefused("A tag could not be read.", line)
        namespace, _, local = name.rpartition(" ")
        prefix = tag[1].decode().rpartition(":")[0]
        parent = self.open[-1] if self.open else None
        element = Element(
            name=local,
            namespace=namespace,
            prefix=f"{prefix}:" if prefix else "",
            line=line,
            start=tag.start(),
            inside=tag.end(),
            attributes=_attributes(tag, pairs[1::2]),
            parent=parent,
        )
        if parent is None:
            self.root = element
        else:
            parent.children.append(element)
        self.open.append(element)

    def _end(self, _name: str) -> None:
        element = self.open.pop()
        if self.text[element.inside - 2 : element.inside] == b"/>":
            element.closing = element.end = element.inside
        else:
            element.closing = self.parser.CurrentByteIndex
            element.end = self.text.index(b">", element.closing) + 1


def _attributes(tag: re.Match[bytes], values: list[str]) -> tuple[Attribute, ...]:
    """The attributes of a start tag, namespace declarations left out as expat leaves them out."""
    found, told = [], iter(values)
    for match in _ATTRIBUTE.finditer(tag.string, tag.start(2), tag.end(2)):
        name = match[2].decode()
        if name != "xmlns" and not name.startswith("xmlns:"):
            start, end = match.span(3)
            found.append(Attribute(name, next(told), start + 1, end - 1, match[3][:1]))
    return tuple(found)

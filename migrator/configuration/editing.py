"""Changing a text at exact places: everything outside the edits stays byte for byte."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from migrator.configuration.document import Attribute, Document, Element, line_spans

CONTEXT = 3  # lines shown around a change


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: bytes


def applied(text: bytes, edits: Iterable[Edit]) -> bytes:
    """The text with the edits made. An edit inside a larger one (of an element that goes whole) is dropped."""
    parts, place = [], 0
    for edit in _apart(edits):
        parts += [text[place : edit.start], edit.text]
        place = edit.end
    return b"".join([*parts, text[place:]])


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """In order, without those inside another. Two insertions at one place both stay, in the order they were given."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda one: (one.start, -one.end)):
        if kept and edit.start < kept[-1].end:
            continue
        kept.append(edit)
    return kept


def new_value(attribute: Attribute, value: str) -> Edit:
    """Give an attribute another value, in the quotes it has."""
    quote = attribute.quote.decode()
    written = escape(value, {quote: "&quot;" if quote == '"' else "&apos;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
    return Edit(attribute.start, attribute.end, written.encode())


def removal(document: Document, element: Element) -> Edit:
    """Take an element out; with its whole line where it stands alone on it."""
    text = document.text
    start, end = element.start, element.end
    left = start
    while left and text[left - 1 : left] in (b" ", b"\t"):
        left -= 1
    right = end
    while text[right : right + 1] in (b" ", b"\t"):
        right += 1
    begins = left == 0 or text[left - 1 : left] in (b"\n", b"\r")
    if begins and text[right : right + 1] in (b"\n", b"\r"):
        line_end = 2 if text[right : right + 2] == b"\r\n" else 1
        return Edit(left, right + line_end, b"")
    return Edit(start, end, b"")


def indent_of(document: Document, element: Element) -> bytes:
    """The blanks before an element that begins its line; empty when something stands before it."""
    text, left = document.text, element.start
    while left and text[left - 1 : left] in (b" ", b"\t"):
        left -= 1
    begins = left == 0 or text[left - 1 : left] in (b"\n", b"\r")
    return text[left : element.start] if begins else b""


def line_end_of(document: Document) -> bytes:
    """The line end the file uses: that of its first line."""
    first = document.text[slice(*line_spans(document.text)[0])]
    return b"\r\n" if first.endswith(b"\r\n") else b"\r" if first.endswith(b"\r") else b"\n"


def step_of(document: Document) -> bytes:
    """By how much the file indents: as the first child of the root is; two blanks where that says nothing."""
    root = document.root
    step = indent_of(document, root.children[0]) if root.children else b""
    return step.removeprefix(indent_of(document, root)) or b"  "


@dataclass(frozen=True, slots=True)
class New:
    """An element to be written: name, attributes, what is in it."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    inside: tuple["New", ...] = ()


def insertion(document: Document, parent: Element, new: Sequence[New], before: Element | None = None) -> Edit:
    """Write elements into `parent`: before one of its children, else as its last. It may be written as one tag."""
    end, step = line_end_of(document), step_of(document)
    outer = indent_of(document, parent)
    inner = indent_of(document, parent.children[0]) if parent.children else outer + step
    lines = [line for one in new for line in _lines(one, parent.prefix, inner, step)]
    if before is not None:
        text = b"".join(line + end for line in lines)
        return Edit(before.start, before.start, text[len(inner) :] + inner)
    if parent.empty:
        tag = document.text[parent.start : parent.inside]
        closing = f"</{parent.prefix}{parent.name}>".encode()
        body = end + b"".join(line + end for line in lines) + outer
        return Edit(parent.start, parent.inside, tag[:-2].rstrip() + b">" + body + closing)
    # After its last child, or as all it has: before the blanks that stand before its end tag.
    place = parent.closing
    while document.text[place - 1 : place] in (b" ", b"\t"):
        place -= 1
    if document.text[place - 1 : place] in (b"\n", b"\r"):
        return Edit(place, place, b"".join(line + end for line in lines))
    body = end + b"".join(line + end for line in lines) + outer
    return Edit(parent.closing, parent.closing, body)


def _lines(new: New, prefix: str, indent: bytes, step: bytes) -> list[bytes]:
    """The lines of an element, without line ends."""
    told = "".join(f' {name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in new.attributes)
    tag = f"<{prefix}{new.name}{told}"
    if not new.inside:
        return [indent + f"{tag} />".encode()]
    inside = [line for one in new.inside for line in _lines(one, prefix, indent + step, step)]
    return [indent + f"{tag}>".encode(), *inside, indent + f"</{prefix}{new.name}>".encode()]


def difference(before: bytes, after: bytes, edits: Iterable[Edit], original: bytes) -> list[str]:
    """A unified difference, side labels "yours" and "rewritten". `before` and `after` are the two texts as they may be
    shown; `original` is what the edits are places in, and has the same lines as `before`.

    Made from the edits, which are known, so that no file can make the search for them long.
    """
    old = [before[start:end] for start, end in line_spans(before)]
    new = [after[start:end] for start, end in line_spans(after)]
    blocks = [_trimmed(old, new, block) for block in _blocks(original, list(_apart(edits)))]
    found = ["--- yours", "+++ rewritten"]
    for group in _grouped([block for block in blocks if block[0] < block[1] or block[2] < block[3]]):
        i1, j1 = max(0, group[0][0] - CONTEXT), max(0, group[0][2] - CONTEXT)
        i2, j2 = min(len(old), group[-1][1] + CONTEXT), min(len(new), group[-1][3] + CONTEXT)
        found.append(f"@@ -{i1 + 1},{i2 - i1} +{j1 + 1},{j2 - j1} @@")
        place = i1
        for a, b, c, d in group:
            found += [" " + _said(line) for line in old[place:a]]
            found += ["-" + _said(line) for line in old[a:b]]
            found += ["+" + _said(line) for line in new[c:d]]
            place = b
        found += [" " + _said(line) for line in old[place:i2]]
    return found if len(found) > 2 else []


def _said(line: bytes) -> str:
    return line.decode("utf-8").rstrip("\r\n")


_Block = tuple[int, int, int, int]  # lines of the old text from, to; of the new text from, to


def _blocks(original: bytes, edits: list[Edit]) -> list[_Block]:
    """Which lines each edit changes, edits of neighbouring lines taken together."""
    spans = line_spans(original)
    starts = [start for start, _ in spans]
    touched: list[tuple[int, int, list[Edit]]] = []
    for edit in edits:
        first = bisect_right(starts, edit.start) - 1
        last = bisect_right(starts, max(edit.start, edit.end - 1)) - 1
        if touched and first <= touched[-1][1]:
            touched[-1][2].append(edit)
            touched[-1] = (touched[-1][0], max(last, touched[-1][1]), touched[-1][2])
        else:
            touched.append((first, last, [edit]))
    blocks, moved = [], 0
    for first, last, here in touched:
        begin, end = spans[first][0], spans[last][1]
        part = applied(original[begin:end], [Edit(e.start - begin, e.end - begin, e.text) for e in here])
        lines = len(line_spans(part)) if part else 0
        blocks.append((first, last + 1, first + moved, first + moved + lines))
        moved += lines - (last + 1 - first)
    return blocks


def _trimmed(old: list[bytes], new: list[bytes], block: _Block) -> _Block:
    a, b, c, d = block
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _grouped(blocks: list[_Block]) -> list[list[_Block]]:
    """Changes so near to one another that their surroundings meet are shown together."""
    groups: list[list[_Block]] = []
    for block in blocks:
        if groups and block[0] - groups[-1][-1][1] <= 2 * CONTEXT:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups

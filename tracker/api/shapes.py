"""How a row becomes JSON, and how that JSON is described: one table for both, so that the OpenAPI document is true.

A `Shape` is a named list of fields; a field has a name, a `Type` and where its value is found. `shape.of(row)` is a
plain dict; `shape.schema()` is its JSON schema, which allows no other keys.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

Json = Any


def _same(value: Any) -> Json:
    return value


@dataclass(frozen=True, slots=True)
class Type:
    """What a value looks like (`schema`), how it is written (`out`), and the shapes it is made of."""

    schema: Mapping[str, Any]
    out: Callable[[Any], Json] = _same
    uses: tuple["Shape", ...] = ()


def _or_null(schema: dict[str, Any], out: Callable[[Any], Json], null: bool) -> Type:
    """Empty is null: the API knows no empty strings for "there is none"."""
    if not null:
        return Type(schema, out)
    return Type(schema | {"nullable": True}, lambda value: None if value is None or value == "" else out(value))


def text(*, null: bool = False) -> Type:
    return _or_null({"type": "string"}, str, null)


def one_of(words: Iterable[object], *, null: bool = False) -> Type:
    listed = [str(getattr(word, "value", word)) for word in words]
    return _or_null({"type": "string", "enum": listed + ([None] if null else [])}, str, null)


def integer(*, null: bool = False) -> Type:
    return _or_null({"type": "integer"}, int, null)


def yes_no() -> Type:
    return Type({"type": "boolean"}, bool)


def moment(*, null: bool = False) -> Type:
    """A time: RFC 3339, UTC, microseconds."""
    return _or_null({"type": "string", "format": "date-time"}, _moment, null)


def _moment(at: datetime | str) -> str:
    """A text is written so already: rows of long lists come out of the database in this form."""
    return at if isinstance(at, str) else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def uuid(*, null: bool = False) -> Type:
    return _or_null({"type": "string", "format": "uuid"}, str, null)


def anything() -> Type:
    """A document as Azure wrote it, or another value without a fixed form."""
    return Type({"nullable": True})


def mapping() -> Type:
    return Type({"type": "object", "additionalProperties": True}, dict)


def list_of(inner: Type) -> Type:
    return Type(
        {"type": "array", "items": inner.schema}, lambda values: [inner.out(value) for value in values], inner.uses
    )


def shaped(shape: "Shape", *, null: bool = False) -> Type:
    if null:
        schema: dict[str, Any] = {"allOf": [{"$ref": shape.ref}], "nullable": True}
        return Type(schema, lambda row: None if row is None else shape.of(row), (shape,))
    return Type({"$ref": shape.ref}, shape.of, (shape,))


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: Type
    about: str
    get: Callable[[Any], Any]


def f(name: str, type: Type, about: str, get: str | Callable[[Any], Any] = "") -> Field:
    """A field. `get`: a dotted path or a function of the row; left out, the attribute of the same name."""
    return Field(name, type, about, get if callable(get) else attrgetter((get or name).replace("__", ".")))


@dataclass(frozen=True)
class Shape:
    name: str
    about: str
    fields: tuple[Field, ...]
    _parts: tuple[tuple[str, Callable, Callable], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", tuple((one.name, one.type.out, one.get) for one in self.fields))

    @classmethod
    def made(cls, name: str, about: str, *fields: Field) -> "Shape":
        return cls(name, about, fields)

    def with_more(self, name: str, about: str, *fields: Field) -> "Shape":
        """A shape with these fields too: one thing in full beside the same thing in a list."""
        return Shape(name, about, (*self.fields, *fields))

    @property
    def ref(self) -> str:
        return f"#/components/schemas/{self.name}"

    def of(self, row: Any) -> dict[str, Json]:
        return {name: out(get(row)) for name, out, get in self._parts}

    def schema(self) -> dict[str, Any]:
        properties = {}
        for one in self.fields:
            schema = dict(one.type.schema)
            if set(schema) == {"$ref"}:  # nothing may stand beside a reference in OpenAPI 3.0
                schema = {"allOf": [schema]}
            properties[one.name] = schema | {"description": one.about}
        return {
            "type": "object",
            "description": self.about,
            "properties": properties,
            "required": [one.name for one in self.fields],
            "additionalProperties": False,
        }

    def family(self) -> dict[str, "Shape"]:
        """This shape and every shape it is made of, by name."""
        found = {self.name: self}
        for one in self.fields:
            for used in one.type.uses:
                found |= used.family()
        return found

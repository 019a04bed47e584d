"""A strict reader of the part of Bicep the product writes; written for the tests, from the language's specification.

It takes nothing it does not know: a file it reads is built as the specification says, though no compiler saw it.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"(?P<string>'(?:[^'\\\n$]|\\[\\'nrt$]|\\u\{[0-9a-f]+\}|\$(?!\{)|\$\{[A-Za-z_]\w*\})*')"
    r"|(?P<number>-?\d+(?![\w.]))|(?P<name>[A-Za-z_]\w*)|(?P<sign>[{}\[\]()=:@])|(?P<end>\n)|(?P<gap>[ \t]+|//[^\n]*)"
)
PIECE = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)|\$\{(\w+)\}|([^\\])", re.DOTALL)
PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Reference:
    """A name where a value may be: of a parameter or of another resource."""

    name: str


@dataclass
class Declared:
    type: str
    version: str
    existing: bool
    body: dict[str, Any]


@dataclass
class Read:
    target_scope: str = ""
    secrets: list[str] = field(default_factory=list)
    resources: dict[str, Declared] = field(default_factory=dict)


class Reader:
    def __init__(self, text: str, secrets: dict[str, str]) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"no Bicep: {text[at : at + 60]!r}"
            if found.lastgroup != "gap":
                self.tokens.append((found.lastgroup or "", found.group()))
            at = found.end()
        self.at, self.given = 0, secrets

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def take(self, kind: str, text: str | None = None) -> str:
        found = self.peek()
        assert found[0] == kind and text in (None, found[1]), f"{kind} {text!r} wanted, {found} found"
        self.at += 1
        return found[1]

    def lines(self, *, least: int = 1) -> None:
        count = 0
        while self.peek()[0] == "end":
            self.at += 1
            count += 1
        assert count >= least, f"a new line wanted before {self.peek()}"

    def file(self) -> Read:
        read = Read()
        self.lines(least=0)
        while self.peek()[0]:
            if self.peek() == ("sign", "@"):
                self.secret(read)
            else:
                word = self.take("name")
                if word == "targetScope":
                    self.take("sign", "=")
                    read.target_scope = self.string(self.take("string"))
                else:
                    assert word == "resource", word
                    self.resource(read)
            self.lines()
        return read

    def secret(self, read: Read) -> None:
        self.take("sign", "@"), self.take("name", "secure"), self.take("sign", "("), self.take("sign", ")")
        self.lines()
        self.take("sign", "@"), self.take("name", "description"), self.take("sign", "("), self.take("string")
        self.take("sign", ")")
        self.lines()
        self.take("name", "param")
        read.secrets.append(self.take("name"))
        self.take("name", "string")

    def resource(self, read: Read) -> None:
        symbol = self.take("name")
        assert symbol not in read.resources and symbol not in read.secrets, f"{symbol} is declared twice"
        kind, version = self.string(self.take("string")).split("@")
        existing = self.peek() == ("name", "existing")
        if existing:
            self.at += 1
        self.take("sign", "=")
        body = self.value()
        assert isinstance(body, dict)
        for name in [body.get("scope"), *body.get("dependsOn", [])]:
            assert name is None or name.name in read.resources, f"{name} is declared nowhere above"
        read.resources[symbol] = Declared(kind, version, existing, body)

    def value(self) -> Any:
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            return self.string(text)
        if kind == "number":
            return int(text)
        if (kind, text) == ("sign", "{"):
            return self.many("}", self.entry, dict)
        if (kind, text) == ("sign", "["):
            return self.many("]", self.value, list)
        assert kind == "name", f"a value wanted, {text!r} found"
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        if text == "json":
            self.take("sign", "(")
            inside = json.loads(self.string(self.take("string")))
            self.take("sign", ")")
            return inside
        return self.given.get(text, Reference(text))

    def many(self, end: str, one: Any, kind: Any) -> Any:
        found = []
        if self.peek() == ("sign", end):
            self.at += 1
            return kind()
        self.lines()
        while self.peek() != ("sign", end):
            found.append(one())
            self.lines()
        self.at += 1
        if kind is dict:
            assert len(dict(found)) == len(found), "a key stands twice"
        return kind(found)

    def entry(self) -> tuple[str, Any]:
        kind, text = self.peek()
        self.at += 1
        assert kind in ("name", "string"), f"a key wanted, {text!r} found"
        self.take("sign", ":")
        return self.string(text) if kind == "string" else text, self.value()

    def string(self, text: str) -> str:
        def plain(piece: re.Match[str]) -> str:
            code, escape, name, other = piece.groups()
            if code:
                return chr(int(code, 16))
            if name:
                return self.given[name]
            return PLAIN.get(escape, escape) if escape else other

        return PIECE.sub(plain, text[1:-1])


def read(text: str, secrets: dict[str, str] | None = None) -> Read:
    """What a file declares; `secrets`: what its parameters are given."""
    return Reader(text, secrets or {}).file()

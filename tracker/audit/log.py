"""The arithmetic of the proof: the Merkle tree of RFC 6962 (2.1) and signed notes (C2SP signed-note, tlog-checkpoint).

No database here. `verify_audit.py` does the same sums a second time, alone, with the standard library; tests set both
against each other.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # the algorithm byte of a C2SP verifier key
DASH = "\u2014 "


class BadNote(ValueError):
    """A signed note is malformed, or its signature is not by the expected key."""


def leaf_hash(body: str) -> bytes:
    return hashlib.sha256(b"\x00" + body.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """A growing tree, kept as its frontier: the roots of the complete subtrees, largest first."""

    size: int = 0
    frontier: list[bytes] = field(default_factory=list)

    @classmethod
    def stored(cls, size: int, frontier: Iterable[str]) -> "Tree":
        return cls(size, [bytes.fromhex(item) for item in frontier])

    def push(self, leaf: bytes) -> None:
        position = self.size
        while position & 1:
            leaf = node_hash(self.frontier.pop(), leaf)
            position >>= 1
        self.frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.frontier:
            return hashlib.sha256(b"").digest()
        folded = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            folded = node_hash(left, folded)
        return folded

    def hex(self) -> list[str]:
        return [item.hex() for item in self.frontier]


def verifier_key(origin: str, seed: bytes) -> str:
    """What an outsider needs to check signatures: name + key id + public key, in the form of C2SP signed-note."""
    public = ED25519 + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return f"{origin}+{_key_id(origin, public).hex()}+{base64.b64encode(public).decode()}"


def sign(origin: str, size: int, root: bytes, seed: bytes) -> str:
    """The signed note over (origin, size, root)."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = ED25519 + private.public_key().public_bytes_raw()
    signature = _key_id(origin, public) + private.sign(text.encode())
    return f"{text}\n{DASH}{origin} {base64.b64encode(signature).decode()}\n"


def opened(note: str, vkey: str) -> tuple[int, bytes]:
    """(size, root) of a note signed by the key. Raises BadNote."""
    try:
        origin, key_id, public = vkey.split("+", 2)
        text, separator, signatures = note.rpartition("\n\n")
        text += "\n"
        said, size, root = text.split("\n")[:3]
        lines = [line.removeprefix(f"{DASH}{origin} ") for line in signatures.splitlines() if line.startswith(DASH)]
        keyed = [raw for raw in map(_base64, lines) if raw[:4].hex() == key_id]
        if not separator or said != origin or not keyed:
            raise BadNote("The note is not signed by the expected key.")
        Ed25519PublicKey.from_public_bytes(_base64(public)[1:]).verify(keyed[0][4:], text.encode())
        return int(size), _base64(root)
    except (ValueError, InvalidSignature) as error:
        raise BadNote(f"The note does not verify: {error or 'its signature is wrong'}.") from error


def _key_id(origin: str, public: bytes) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + public).digest()[:4]


def _base64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise BadNote("Its base64 is not canonical.")
    return raw


@dataclass
class Outline:
    """The shape of an export: which leaves are shown, and the roots of the largest subtrees without a shown leaf.

    Folding these, in order, gives the root of the whole tree, so the shown lines are proved to stand in the signed log
    at their places. Memory stays logarithmic however long the log is.
    """

    _hidden: list[tuple[int, int, bytes]] = field(default_factory=list)  # (level, index at that level, hash)

    def push(self, seq: int, leaf: bytes, *, shown: bool) -> list[str]:
        """The lines of `outline.txt` that are now certain."""
        if shown:
            return [*self.rest(), f"event {base64.b64encode(leaf).decode()}"]
        level, index = 0, seq
        while index & 1 and self._hidden and self._hidden[-1][:2] == (level, index - 1):
            leaf = node_hash(self._hidden.pop()[2], leaf)
            level, index = level + 1, index >> 1
        self._hidden.append((level, index, leaf))
        return []

    def rest(self) -> list[str]:
        lines = [f"{level} {base64.b64encode(item).decode()}" for level, _, item in self._hidden]
        self._hidden.clear()
        return lines

"""The standalone verifier against our own log, a mainstream library, published vectors, and a campaign of tampering."""

import base64
import functools
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tracker.audit import log, verify_audit
from tracker.audit.values import commitment

ORIGIN, SEED, OTHER_SEED = "example.org/audit", bytes(range(32)), bytes(32)
VKEY = log.verifier_key(ORIGIN, SEED)
SIZES = (1, 37, 64, 100, 120)
SCRIPT = Path(verify_audit.__file__)

# RFC 6962 2.1, as published with the reference implementation of Certificate Transparency: leaves, each prefix's root.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def trees(lines: list[bytes]) -> list[log.Tree]:
    """The tree after each line, the empty one first."""
    grown = [log.Tree()]
    for line in lines:
        tree = log.Tree(grown[-1].size, list(grown[-1].frontier))
        tree.push(log.leaf_hash(line[:-1].decode()))
        grown.append(tree)
    return grown


def notes_over(lines: list[bytes], sizes=SIZES, seed: bytes = SEED) -> list[str]:
    grown = trees(lines)
    return [log.sign(ORIGIN, size, grown[size].root(), seed) for size in sizes]


def outline_of(lines: list[bytes], shown=lambda seq: True) -> list[str]:
    outline, said = log.Outline(), []
    for seq, line in enumerate(lines):
        said += outline.push(seq, log.leaf_hash(line[:-1].decode()), shown=shown(seq))
    return said + outline.rest()


LINES = [
    json.dumps({"id": f"e{number}", "x": number * 7 % 31, "t": "Ä"}, ensure_ascii=False).encode() + b"\n"
    for number in range(120)
]
NOTES = notes_over(LINES)
OUTLINE = outline_of(LINES)


def test_the_tree_is_that_of_rfc_6962() -> None:
    tree = log.Tree()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.push(log.leaf_hash(bytes.fromhex(leaf).decode("latin-1")))
        assert tree.root().hex() == root
        assert log.Tree.stored(tree.size, tree.hex()).root().hex() == root
    assert log.Tree().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_signed_note_of_c2sp_verifies() -> None:
    vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    key, raw = base64.b64decode(vkey.split("+", 2)[2])[1:], base64.b64decode(signature)
    assert verify_audit.signed_by(key, b"This is an example message.\n", raw[4:])
    assert not verify_audit.signed_by(key, b"This is an example message!\n", raw[4:])


def test_both_readers_of_notes_agree_with_the_signer() -> None:
    for note, size in zip(NOTES, SIZES, strict=True):
        assert log.opened(note, VKEY) == verify_audit.open_note(note, VKEY)
        assert log.opened(note, VKEY)[0] == size
    for broken in (
        NOTES[0].replace("1\n", "2\n", 1),
        NOTES[0][:-5] + "\n",
        NOTES[0].replace(ORIGIN, "x"),
        "",
        "\n\n\n",
    ):
        with pytest.raises(log.BadNote):
            log.opened(broken, VKEY)
        with pytest.raises((ValueError, IndexError)):
            verify_audit.open_note(broken, VKEY)


def test_our_ed25519_agrees_with_a_mainstream_library_on_a_hundred_messages() -> None:
    chance = random.Random(11)
    for _ in range(100):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), chance.randbytes(chance.randrange(200))
        signature = key.sign(message)
        assert verify_audit.signed_by(public, message, signature)
        flipped = bytearray(signature)
        flipped[chance.randrange(64)] ^= 1 << chance.randrange(8)
        assert not verify_audit.signed_by(public, message, bytes(flipped))
    beyond = int.from_bytes(signature[32:], "little") + verify_audit.L  # malleable twin: S + L
    assert not verify_audit.signed_by(public, message, signature[:32] + beyond.to_bytes(32, "little"))
    assert not verify_audit.signed_by(public, message, signature[:63])


@pytest.mark.parametrize("outline", [None, OUTLINE], ids=["events alone", "with outline"])
def test_the_genuine_history_verifies(outline: list[str] | None) -> None:
    said = verify_audit.verify(VKEY, NOTES, LINES, outline)
    assert said.startswith("120 of 120 events, 0 private values, 5 of 5 checkpoints, root ")


def forged(lines: list[bytes], place: int) -> list[bytes]:
    return [*lines[:place], b'{"forged":1}\n', *lines[place + 1 :]]


def tampered(kind: str, chance: random.Random) -> tuple[list[bytes], list[str], int]:
    """Lines, notes and the first line (from 1) that is no longer right; 0 if the lines are."""
    lines, notes = list(LINES), list(NOTES)
    place, other = sorted(chance.sample(range(120), 2))
    match kind:
        case "changed byte":
            broken = bytearray(lines[place])
            broken[chance.randrange(len(broken) - 1)] ^= 1 << chance.randrange(8)
            lines[place] = bytes(broken).replace(b"\n", b"!") + b"\n" if broken[:-1].count(b"\n") else bytes(broken)
        case "removed line":
            del lines[place]
        case "added line":
            lines.insert(place, b'{"forged":1}\n')
        case "swapped lines":
            lines[place], lines[other] = lines[other], lines[place]
        case "doubled line":
            lines.insert(place + 1, lines[place])
            return lines, notes, place + 2
        case "cut at a line":
            return lines[:place], notes, place + 1
        case "cut within a line":
            return [*lines[:place], lines[place][:-1]], notes, place + 1
        case "trailing space":
            lines[place] = lines[place][:-1] + b" \n"
        case "carriage return":
            lines[place] = lines[place][:-1] + b"\r\n"
        case "joined lines":
            place = min(place, 118)
            lines[place : place + 2] = [lines[place][:-1] + lines[place + 1]]
        case "line appended":
            return [*lines, lines[place]], notes, 121
        case "altered signature":
            which = chance.randrange(5)
            note = notes[which]
            at = chance.randrange(len(note))
            notes[which] = note[:at] + chr((ord(note[at]) + 1) % 128) + note[at + 1 :]
            return lines, notes, 0
        case "other key":
            lines = forged(lines, place)
            return lines, notes_over(lines, seed=OTHER_SEED), 0
        case "last checkpoint signed again":  # by an insider who has the key; an older witness still tells
            place = chance.randrange(100)
            lines = forged(lines, place)
            return lines, [*notes[:-1], notes_over(lines)[-1]], place + 1
        case "no newest checkpoint":
            return lines, notes[:-1], 101
    return lines, notes, place + 1


KINDS = """changed byte,removed line,added line,swapped lines,doubled line,cut at a line,cut within a line,
trailing space,carriage return,joined lines,line appended,altered signature,other key,last checkpoint signed again,
no newest checkpoint"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few notes are read thousands of times; each reading of a signature takes milliseconds."""
    monkeypatch.setattr(verify_audit, "open_note", functools.lru_cache(verify_audit.open_note))


@pytest.mark.parametrize("kind", [kind.strip() for kind in KINDS.split(",")])
@pytest.mark.parametrize("with_outline", [False, True], ids=["events alone", "with outline"])
def test_tampering_is_caught_and_the_first_bad_line_named(kind: str, with_outline: bool, quick: None) -> None:
    chance = random.Random(kind)
    for _ in range(100):
        lines, notes, bad = tampered(kind, chance)
        if kind == "cut at a line" and with_outline is False and bad == 1:
            continue
        with pytest.raises(verify_audit.Failed) as caught:
            verify_audit.verify(VKEY, notes, lines, OUTLINE if with_outline else None)
        if bad:
            exactly = with_outline and kind != "no newest checkpoint"
            assert named(str(caught.value), bad, exactly=exactly), (bad, caught.value)


def named(message: str, bad: int, *, exactly: bool) -> bool:
    """With an outline, the very line; without one, the stretch between two checkpoints that it lies in."""
    if exactly:
        return f"line {bad} " in message
    if stretch := re.search(r"lines (\d+) to (\d+)", message):
        return int(stretch[1]) <= bad <= int(stretch[2]) + 1
    return re.search(rf"line {bad}\b", message) is not None


def test_an_outline_that_was_altered_proves_nothing(quick: None) -> None:
    chance = random.Random(3)
    shown = [line for seq, line in enumerate(LINES) if seq % 9 == 4]
    honest = outline_of(LINES, lambda seq: seq % 9 == 4)
    assert verify_audit.verify(VKEY, NOTES, shown, honest).startswith("13 of 120 events")
    for _ in range(300):
        said, at = list(honest), chance.randrange(len(honest))
        match chance.randrange(5):
            case 0:
                del said[at]
            case 1:
                said.insert(at, said[at])
            case 2:
                kind, _, told = said[at].partition(" ")
                raw = bytearray(base64.b64decode(told))
                raw[chance.randrange(32)] ^= 1
                said[at] = f"{kind} {base64.b64encode(raw).decode()}"
            case 3:
                kind, _, told = said[at].partition(" ")
                said[at] = f"{int(kind) + 1 if kind.isdigit() else 0} {told}"
            case 4:
                other = (at + 1) % len(said)
                said[at], said[other] = said[other], said[at]
        with pytest.raises((verify_audit.Failed, ValueError)):
            verify_audit.verify(VKEY, NOTES, shown, said)


@pytest.mark.parametrize(
    "choice", [lambda seq: False, lambda seq: seq == 0, lambda seq: seq == 119, lambda seq: seq > 63]
)
def test_a_filtered_history_proves_what_it_shows(choice) -> None:
    shown = [line for seq, line in enumerate(LINES) if choice(seq)]
    outline = outline_of(LINES, choice)
    assert len(outline) <= len(shown) + 14
    assert verify_audit.verify(VKEY, NOTES, shown, outline).startswith(f"{len(shown)} of 120 events")
    with pytest.raises(verify_audit.Failed, match=rf"line {len(shown) + 1} is one too many"):
        verify_audit.verify(VKEY, NOTES, [*shown, LINES[5]], outline)
    if shown:
        with pytest.raises(verify_audit.Failed, match="line 1 "):
            verify_audit.verify(VKEY, NOTES, forged(shown, 0), outline)


def test_two_histories_signed_by_one_key_are_told_apart() -> None:
    split = notes_over(forged(LINES, 3))[-1]
    with pytest.raises(verify_audit.Failed, match="two histories"):
        verify_audit.verify(VKEY, [*NOTES, split], LINES, OUTLINE)


def test_private_values_must_be_those_the_events_commit_to() -> None:
    said = commitment(b"salt", "reason", "because")
    lines = [*LINES[:5], b'{"id":"p1","private":{"reason":"%s"}}\n' % said.encode(), *LINES[5:]]
    notes = notes_over(lines, (121,))
    value = {"event": "p1", "field": "reason", "salt": b"salt".hex(), "value": "because"}
    assert "1 private values" in verify_audit.verify(VKEY, notes, lines, None, [value])
    for change in ({"value": "why not"}, {"field": "comment"}, {"salt": "00"}):
        with pytest.raises(verify_audit.Failed, match="line 6 does not commit"):
            verify_audit.verify(VKEY, notes, lines, None, [value | change])
    with pytest.raises(verify_audit.Failed, match="event p2, which is not here"):
        verify_audit.verify(VKEY, notes, lines, None, [value | {"event": "p2"}])


def test_the_script_is_small_and_stands_alone(tmp_path: Path) -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 120
    (tmp_path / "events.jsonl").write_bytes(b"".join(LINES))
    (tmp_path / "checkpoints.txt").write_text("===\n".join(NOTES), encoding="utf-8")
    (tmp_path / "outline.txt").write_text("".join(f"{line}\n" for line in OUTLINE))
    files = [str(tmp_path / name) for name in ("events.jsonl", "checkpoints.txt", "outline.txt")]
    alone = [sys.executable, "-I", "-S", str(SCRIPT), VKEY]  # no site-packages, no working folder
    good = subprocess.run([*alone, *files], capture_output=True, text=True, timeout=30, check=False)
    assert (good.returncode, good.stderr) == (0, "") and good.stdout.startswith("VERIFIED: 120 of 120 events")
    data = (tmp_path / "events.jsonl").read_bytes()
    (tmp_path / "events.jsonl").write_bytes(data.replace(b'"e17"', b'"e71"', 1))
    bad = subprocess.run([*alone, *files], capture_output=True, text=True, timeout=30, check=False)
    assert bad.returncode == 1 and bad.stderr == "FAILED: line 18 (place 18 of the history) is not what was signed\n"
    for words in ([], [str(tmp_path / "absent.jsonl"), files[1]], [files[1]], ["x.zip"]):
        result = subprocess.run([*alone, *words], capture_output=True, text=True, timeout=30, check=False)
        assert result.returncode == 1 and "Traceback" not in result.stderr, words

#!/usr/bin/env python3
"""Checks an exported audit history, offline. Python 3.8 or newer, nothing else:
    python3 verify_audit.py VERIFIER-KEY FILE...

FILE: the bundle (.zip) or its parts: NAME.jsonl[.gz] (one event a line), checkpoint*.txt (signed notes; add any you
kept from a mail or an older export: they are witnesses), outline*.txt (hashes of the events shown, and of what a filter
left out), private*.jsonl (values the events commit to). Get the key from the site's owner, not from the bundle."""

# ruff: noqa
# fmt: off
import base64, contextlib, functools, gzip, hashlib, io, json, os, re, sys, zipfile

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # Ed25519: RFC 8032, section 5.1
D, I, BASE_Y = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P), 4 * pow(5, P - 2, P) % P
class Failed(Exception): pass  # says what is wrong with the history, naming the first bad line
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()

def b64(text):
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text: raise ValueError("base64 with spare bits")
    return raw
def point(y, odd):  # the point with this y: x/z, y/z, z, x*y/z
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * I % P
    if y >= P or x * x % P != square or (x == 0 and odd): raise ValueError("not a point of the curve")
    x = x if x & 1 == odd else P - x
    return x, y, 1, x * y % P
def plus(p, q):
    a, b, c, d = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0]), 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(n, p):
    rest = times(n >> 1, plus(p, p)) if n else (0, 1, 1, 0)
    return plus(rest, p) if n & 1 else rest
def signed_by(public, message, signature):  # whether R = s*B - k*A, compared as bytes
    r, s, y = signature[:32], int.from_bytes(signature[32:], "little"), int.from_bytes(public, "little")
    if len(public) != 32 or len(signature) != 64 or s >= L: return False
    x, y, z, t = point(y & (2**255 - 1), y >> 255)
    k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L
    x, y, z, t = plus(times(s, point(BASE_Y, 0)), times(k, (-x % P, y, z, -t % P)))
    x, y = x * pow(z, P - 2, P) % P, y * pow(z, P - 2, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == r

def open_note(note, vkey):  # a C2SP signed note with a checkpoint in it: (size, root)
    origin, key_id, key = vkey.split("+", 2)
    if sha(origin.encode(), b"\n", b64(key))[:4].hex() != key_id: raise ValueError("the verifier key is not one")
    text, _, signatures = note.partition("\n\n")
    said, size, root = (text + "\n\n").split("\n")[:3]
    for line in signatures.splitlines():
        if not line.startswith("\u2014 "): raise ValueError("a line is no signature")
        name, _, raw = line[2:].partition(" ")
        if (name == said == origin and b64(raw)[:4].hex() == key_id and str(int(size)) == size and len(b64(root)) == 32
                and signed_by(b64(key)[1:], (text + "\n").encode(), b64(raw)[4:])): return int(size), b64(root)
    raise ValueError("it is not signed by %s" % origin)
def fold(stack):
    return functools.reduce(lambda root, left: sha(b"\x01", left[1], root), stack[-2::-1], stack[-1][1])
def opens(value, line):  # whether the event in this line commits to the private value
    said = sha(bytes.fromhex(value["salt"]), ("%s\0%s" % (value["field"], value["value"])).encode()).hex()
    return ('"%s":"c:%s"' % (value["field"], said)).encode() in line

def verify(vkey, notes, events, outline=None, private=()):  # one sentence about what was proved, or Failed
    roots, stack, size, shown, used, first, checked, bad = {}, [], 0, 0, 0, 1, 0, ""
    for number, note in enumerate(notes, 1):
        try: at, root = open_note(note, vkey)
        except (ValueError, IndexError) as error: raise Failed("checkpoint %d does not verify: %s" % (number, error))
        if roots.setdefault(at, root) != root: raise Failed("two checkpoints over %d events: two histories" % at)
    events, value = iter(events), next(values := iter(private), None)
    for entry in iter(lambda: "event", None) if outline is None else outline:  # without an outline, every line is shown
        kind, _, told = entry.strip().partition(" ")
        level, span, digest = (0, 1, told and b64(told)) if kind == "event" else (int(kind), 1 << int(kind), b64(told))
        if kind == "event":
            line = next(events, None)
            if line is None and outline is None: break
            shown, found = shown + 1, sha(b"\x00", (line or b"")[:-1])
            why = "missing" if line is None else "cut short" if line[-1:] != b"\n" else "not what was signed"
            if not bad and (why[0] != "n" or digest and digest != found):
                bad = "line %d (place %d of the history) is %s" % (shown, size + 1, why)
            digest = digest or found
            while value and b'"id":"%s"' % value["event"].encode() in (line or b""):
                if not opens(value, line): bad = bad or "line %d does not commit to its %s" % (shown, value["field"])
                value, checked = next(values, None), checked + 1
        if size % span: raise Failed("the outline has a hash at place %d that does not fit there" % (size + 1))
        while stack and stack[-1][0] == level: level, digest = level + 1, sha(b"\x01", stack.pop()[1], digest)
        stack.append((level, digest))
        size += span
        if size not in roots: continue
        if fold(stack) != roots[size]: raise Failed(bad or "%s of lines %d to %d contradicts the checkpoint over %d" % (
            "one" if outline is None else "the outline", first, shown, size))
        used, first = used + 1, shown + 1
    if not bad and outline is not None and next(events, None): bad = "line %d is one too many" % (shown + 1)
    newest = max(roots)
    if bad or size < newest: raise Failed(bad or "after lines %d to %d come no more, but %d events were signed" % (
        first, shown, newest))
    if size > newest: raise Failed("no checkpoint covers line %d; the newest is over %d events" % (first, newest))
    if value: raise Failed("there is a private value of the event %s, which is not here" % value["event"])
    return "%d of %d events, %d private values, %d of %d checkpoints, root %s" % (
        shown, size, checked, used, len(roots), base64.b64encode(roots[size]).decode())

def main(vkey, *paths, notes=()):
    with contextlib.ExitStack() as held:
        parts = []  # (name, open file)
        for path in paths:
            if path.endswith(".zip"):
                bundle = held.enter_context(zipfile.ZipFile(path))
                parts += [(name, io.BufferedReader(bundle.open(name), 1 << 18)) for name in bundle.namelist()]
            else:
                part = (gzip.open if path.endswith(".gz") else open)(path, "rb")
                parts.append((os.path.basename(path), held.enter_context(part)))
        events, signed, outline, private = [[part for name, part in parts if re.match(pattern, name)] for pattern in (
            r"(?!private).*\.jsonl", "checkpoint", "outline", "private")]
        notes = [*notes, *(note for part in signed for note in part.read().decode().split("===\n"))]
        if not events or not notes: raise Failed("it takes events.jsonl and checkpoint*.txt, or a bundle with both")
        return verify(vkey, notes, events[0], map(bytes.decode, outline[0]) if outline else None,
                      map(json.loads, private[0]) if private else ())

if __name__ == "__main__":
    if len(sys.argv) < 3: sys.exit(__doc__)
    try: print("VERIFIED: " + main(*sys.argv[1:]))
    except (Failed, ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as e: sys.exit("FAILED: %s" % e)

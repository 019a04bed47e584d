"""A follow-up's requests as Bicep: a file for each scope it is deployed to, a declaration for each thing that is PUT.

Bicep declares what there shall be: where a thing is PUT twice (autoscale first disabled, then enabled) the last body
counts, and what is no PUT cannot be said at all; comments tell both. The order of the requests is kept by `dependsOn`.

Rules of the language are those of its published specification and of Microsoft's pages on data types and on extension
resources: strings in single quotes on one line, with the escapes \\\\ \\' \\n \\r \\t \\u{x} \\${; no number with a
point (`json('1.5')`); arrays and objects one item a line; `scope:` for extension resources only; another group or
subscription is another deployment. No compiler is at hand where this product is built: what is written here was
parsed and read back in tests, not compiled.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from migrator.followups.snippets import NotWritten, Secret, Written, named, one_line, parted, step_words
from migrator.followups.values import Stage

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = frozenset({"true", "false", "null"})
_NOT_WRITTEN: Final = frozenset({"id", "name", "type", "apiversion"})  # of a body: they stand in the declaration
_LARGEST: Final = 2**63 - 1
_GROUP: Final = re.compile(r"(/subscriptions/[^/]+)/resourceGroups/([^/]+)", re.IGNORECASE)
_PROVIDERS: Final = re.compile(r"/providers/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BicepFile:
    """`scope`: id of the group or subscription it is deployed to; `deploy`: the command that does it."""

    name: str
    scope: str
    deploy: str
    text: str


@dataclass(frozen=True, slots=True)
class _Place:
    """An id in the words of Bicep. `parent`: the id it extends, or the group or subscription it is in."""

    parent: str
    type: str
    name: str

    @classmethod
    def of(cls, resource_id: str) -> "_Place | None":
        """None for what Bicep declares no resource for: an action, a subscription."""
        if group := _GROUP.fullmatch(resource_id.rstrip("/")):
            return cls(group.group(1), "Microsoft.Resources/resourceGroups", group.group(2))
        at = [found.start() for found in _PROVIDERS.finditer(resource_id)]
        if not at:
            return None
        provider, *rest = resource_id[at[-1] + len("/providers/") :].strip("/").split("/")
        if not rest or len(rest) % 2 or not all(rest):
            return None
        return cls(resource_id[: at[-1]], "/".join([provider, *rest[::2]]), "/".join(rest[1::2]))


@dataclass(slots=True)
class _File:
    scope: str
    declared: dict[str, str] = field(default_factory=dict)  # id in lower case → symbol
    resources: list[list[str]] = field(default_factory=list)
    last: str = ""  # the symbol declared last for a request
    used: list[Secret] = field(default_factory=list)


def files(written: Written, stem: str, versions: Mapping[str, str]) -> tuple[BicepFile, ...]:
    """The files in the order they are deployed. `stem`: of their names; `versions`: API versions of types, in lower
    case, for what is only pointed at. Raises NotWritten when nothing of it can be said in Bicep."""
    item, secrets = written.follow_up, written.secrets
    made: list[_File] = []
    order = [(number, stage, _Place.of(stage.request.path)) for number, stage in enumerate(item.stages, 1)]
    last = {stage.request.path.lower(): number for number, stage, _ in order if stage.request.method == "PUT"}
    comments = []
    for number, stage, place in order:
        words = step_words(number, len(order), stage.request)
        scope = _deployed_to(place) if place else ""
        if stage.request.method != "PUT":
            comments.append(f"{words}: Bicep cannot say it; send it with the Azure CLI.")
        elif not place or not scope:
            comments.append(f"{words}: it is no resource of a subscription; send it with the Azure CLI.")
        elif last[stage.request.path.lower()] != number:
            comments.append(f"{words}: a later step puts the same thing; what is declared is the last one.")
        else:
            if not made or made[-1].scope.lower() != scope.lower():  # going back to a scope is a file more: the order
                made.append(_File(scope))
            _declare(made[-1], stage, place, secrets, versions)
    if not made:
        methods = sorted({stage.request.method for stage in item.stages} - {"PUT"})
        why = f"Bicep cannot say a {' or a '.join(methods)}" if methods else "It is no resource of a subscription"
        raise NotWritten(f"{why}; send it with the Azure CLI.")
    heads = [
        f"// {one_line(item.title)}",
        *(f"// {one_line(named(each, secrets))}" for each in (*item.notes, *comments)),
    ]
    result = []
    for number, file in enumerate(made, 1):
        name = f"{stem}.bicep" if len(made) == 1 else f"{stem}-{number}.bicep"
        deploy = _deploy(file.scope, name)
        more = [f"// File {number} of {len(made)}: deploy them in this order."] if len(made) > 1 else []
        text = [*heads, *more, f"// Deploy: {deploy}", "", f"targetScope = '{_target(file.scope)}'", ""]
        for secret in file.used:
            about = _string(one_line(secret.question), ())
            text += ["@secure()", f"@description({about})", f"param {secret.name} string", ""]
        text += [line for block in file.resources for line in [*block, ""]]
        result.append(BicepFile(name, file.scope, deploy, "\n".join(text)))
    return tuple(result)


def _target(scope: str) -> str:
    return "resourceGroup" if scope.count("/") == 4 else "subscription"


def _deploy(scope: str, name: str) -> str:
    parts = scope.split("/")
    if len(parts) == 5:
        where = f"group create --subscription {shlex.quote(parts[2])} --resource-group {shlex.quote(parts[4])}"
    else:
        where = f"sub create --subscription {shlex.quote(parts[2])} --location <region of the deployment>"
    return one_line(f"az deployment {where} --template-file {shlex.quote(name)}")


def _deployed_to(place: _Place) -> str:
    """The group or subscription a thing is deployed to; empty where it is in neither."""
    parts = place.parent.split("/")
    if len(parts) >= 5 and parts[1].lower() == "subscriptions" and parts[3].lower() == "resourcegroups":
        return "/".join(parts[:5])
    return "/".join(parts[:3]) if len(parts) >= 3 and parts[1].lower() == "subscriptions" else ""


def _declare(file: _File, stage: Stage, place: _Place, secrets: Sequence[Secret], versions: Mapping[str, str]) -> None:
    scope = _scope(file, place, stage.request.api_version, versions)
    symbol = _symbol(file, stage.request.path, place)
    body = dict(stage.request.body or {})
    lines = [f"resource {symbol} {_string(f'{place.type}@{stage.request.api_version}', ())} = {{"]
    lines.append(f"  name: {_string(place.name, secrets)}")
    lines += [f"  scope: {scope}"] if scope else []
    for key, value in body.items():
        if key.lower() not in _NOT_WRITTEN:
            lines += _entry(key, value, secrets, "  ")
    if file.last:
        lines += ["  dependsOn: [", f"    {file.last}", "  ]"]
    file.resources.append([*lines, "}"])
    file.last = symbol
    text = json.dumps(body, ensure_ascii=False)
    file.used += [secret for secret in secrets if secret.marker in text and secret not in file.used]


def _scope(file: _File, place: _Place, version: str, versions: Mapping[str, str]) -> str:
    """The symbol of what a thing extends; empty when it is simply in the group or subscription."""
    parent = place.parent
    if parent.lower() == file.scope.lower():
        return ""
    if parent.lower() in file.declared:
        return file.declared[parent.lower()]
    above = _Place.of(parent)
    if above is None:
        raise NotWritten(f"{one_line(parent)} is no resource that Bicep could point at; send it with the Azure CLI.")
    scope = _scope(file, above, version, versions)
    symbol = _symbol(file, parent, above)
    # The version of what is only pointed at is never sent to Azure; Bicep wants one all the same [K].
    its = versions.get(above.type.lower(), version)
    lines = [f"resource {symbol} {_string(f'{above.type}@{its}', ())} existing = {{"]
    lines += [f"  name: {_string(above.name, ())}", *([f"  scope: {scope}"] if scope else []), "}"]
    file.resources.append(lines)
    return symbol


def _symbol(file: _File, resource_id: str, place: _Place) -> str:
    """A name for a declaration, after its type: metricAlert, metricAlert2."""
    word = re.sub(r"\W", "", place.type.rsplit("/", 1)[-1])
    word = word[:-3] + "y" if word.endswith("ies") else word[:-1] if word.endswith("s") and len(word) > 3 else word
    word = word[:1].lower() + word[1:] if _NAME.fullmatch(word) else "item"
    word = f"{word}Resource" if word in _WORDS else word
    taken = set(file.declared.values())
    symbol = next(name for name in (word, *(f"{word}{n}" for n in range(2, 10_000))) if name not in taken)
    file.declared[resource_id.lower()] = symbol
    return symbol


# --- values ----------------------------------------------------------------------------------------------------------
def _entry(key: str, value: Any, secrets: Sequence[Secret], indent: str) -> list[str]:
    plain = _NAME.fullmatch(key) and key not in _WORDS and not any(secret.marker in key for secret in secrets)
    first, *rest = _value(value, secrets, indent)
    return [f"{indent}{key if plain else _string(key, secrets)}: {first}", *rest]


def _value(value: Any, secrets: Sequence[Secret], indent: str) -> list[str]:
    """Lines of a JSON value; the first without its indent."""
    inner = indent + "  "
    if isinstance(value, Mapping):
        if not value:
            return ["{}"]
        lines = [line for key, item in value.items() for line in _entry(str(key), item, secrets, inner)]
        return ["{", *lines, f"{indent}}}"]
    if isinstance(value, list | tuple):
        if not value:
            return ["[]"]
        lines = []
        for item in value:
            first, *rest = _value(item, secrets, inner)
            lines += [f"{inner}{first}", *rest]
        return ["[", *lines, f"{indent}]"]
    return [_scalar(value, secrets)]


def _scalar(value: Any, secrets: Sequence[Secret]) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return str(value)
    if isinstance(value, int | float):  # Bicep knows no number with a point
        return f"json('{json.dumps(value)}')"
    return _string(str(value), secrets)


_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _string(text: str, secrets: Sequence[Secret]) -> str:
    parts = parted(text, secrets)
    if len(parts) == 1 and isinstance(parts[0], Secret):
        return parts[0].name
    return "'" + "".join(_escaped(p) if isinstance(p, str) else f"${{{p.name}}}" for p in parts) + "'"


def _escaped(text: str) -> str:
    done = "".join(_ESCAPES.get(one) or (one if one.isprintable() else f"\\u{{{ord(one):x}}}") for one in text)
    done = done.replace("${", "\\${")
    return f"{done[:-1]}\\$" if done.endswith("$") else done  # a parameter may follow

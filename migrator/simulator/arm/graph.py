"""Resource Graph: the small part of its query language which the product needs, and its paging (azure.md 1.5).

    resources
    | where FIELD startswith|!startswith|=~|==|contains 'text'
    | where FIELD in~ ('a', 'b')
    | where tostring(properties) contains 'text'
    | project a, b, c = tostring(properties)
    | order by id asc
    | take 10   (or limit)
    | summarize count() by FIELD
    | count

The table may also be resourcecontainers: subscriptions and resource groups.

FIELD is one of id, name, type, location, resourceGroup, subscriptionId, kind.

Anything else is refused in Resource Graph's own error shape, so that a query this does not understand never looks
like an empty answer.
"""

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from migrator.simulator.arm.routing import Answer, Call, Router, read_token, token
from migrator.simulator.errors import ArmError
from migrator.simulator.store import Document, Store, group_in, subscription_in

routes = Router()
Row = dict[str, Any]

# Classic types Resource Graph knows (supported-tables page, azure.md 1.5); of other providers all top-level types.
CLASSIC = frozenset(
    {
        "microsoft.classiccompute/domainnames",
        "microsoft.classiccompute/virtualmachines",
        "microsoft.classicnetwork/networksecuritygroups",
        "microsoft.classicnetwork/reservedips",
        "microsoft.classicnetwork/virtualnetworks",
        "microsoft.classicstorage/storageaccounts",
    }
)
LARGEST_PAGE = 1000
_FIELDS = {
    name.lower(): name
    for name in (
        "id",
        "name",
        "type",
        "location",
        "resourceGroup",
        "subscriptionId",
        "tags",
        "properties",
        "kind",
        "sku",
    )
}


@routes.route("POST", r"/providers/microsoft\.resourcegraph/resources")
def query(call: Call) -> Answer:
    call.check_version("Microsoft.ResourceGraph/resources")
    body = call.object()
    options = body.get("options") if isinstance(body.get("options"), Mapping) else {}
    if options.get("resultFormat", "objectArray") != "objectArray":  # the default since 2020 [K]
        raise _invalid("This simulator answers resultFormat objectArray only; ask for it.")
    wanted = [str(key).lower() for key in body.get("subscriptions") or call.sees]
    wanted = [key for key in wanted if key in call.sees]  # the others just have no rows [K]
    text, view = str(body.get("query") or ""), call.view()
    table, narrowing, shaping = parse(text)
    # One query is worked out once for all its pages; only the page asked for is shaped.
    chosen = view.once(
        ("graph", text, tuple(wanted)),
        lambda: _chosen([r for key in wanted for r in table(call, view, key)], narrowing),
    )
    return _paged(call, chosen, shaping, options)


Chosen = tuple[list[str], list[Row]]


def _chosen(rows: list[Row], steps: list["Step"]) -> Chosen:
    """The rows a query is about, by id, with their ids in lower case."""
    for step in steps:
        rows = step(rows)
    if any("id" not in row for row in rows):
        return [], rows
    rows.sort(key=lambda row: str(row["id"]).lower())
    return [str(row["id"]).lower() for row in rows], rows


def _containers(call: Call, view: Store, subscription: str) -> list[Row]:
    facts = call.platform.subscriptions[subscription]
    own = {"id": f"/subscriptions/{subscription}", "name": facts["displayName"], "type": "microsoft.resources/x"}
    groups = call.platform.groups(subscription, view)
    kind = "microsoft.resources/subscriptions"
    return [{**_row(own), "type": kind}, *({**_row(group), "type": f"{kind}/resourcegroups"} for group in groups)]


def _resources(call: Call, view: Store, subscription: str) -> list[Row]:
    rows: list[Row] = []
    for kind in view.kinds(subscription):
        listed = kind in CLASSIC or (kind.count("/") == 1 and not kind.startswith("microsoft.classic"))
        if listed and not kind.startswith(("microsoft.authorization/", "microsoft.resources/")):
            rows.extend(_row(document) for document in view.of_type(subscription, kind))
    return rows


def _row(document: Document) -> Row:
    """Types and groups come in lower case."""
    return {
        "id": document["id"],
        "name": document["name"],
        "type": document["type"].lower(),
        "location": document.get("location", ""),
        "resourceGroup": group_in(document["id"]).lower(),
        "subscriptionId": subscription_in(document["id"]),
        "tags": document.get("tags") or None,
        "kind": document.get("kind", ""),
        "sku": document.get("sku"),
        "properties": document.get("properties") or {},
    }


def _paged(call: Call, chosen: Chosen, shaping: list["Step"], options: Mapping[str, Any]) -> Answer:
    top = options.get("$top", 100)
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= LARGEST_PAGE:
        raise _invalid(f"$top must be a number from 1 to {LARGEST_PAGE}.")
    if options.get("$skip"):
        raise _invalid("This simulator pages with $skipToken, not with $skip.")
    keys, rows = chosen
    total, size = len(rows), min(top, call.platform.settings.graph_page_size)
    probe = _shaped(rows[:1], shaping)
    if probe and "id" not in probe[0]:  # paging needs the id in the projection; without it the result is cut
        cut = _shaped(rows[:LARGEST_PAGE], shaping)
        return _result(cut, total, truncated=total > len(cut))
    after = read_token(options.get("$skipToken"))
    start = bisect_right(keys, after) if after else 0
    answer = _result(_shaped(rows[start : start + size], shaping), total, truncated=False)
    if start + size < total:
        answer.body["$skipToken"] = token(keys[start + size - 1])
    return answer


def _shaped(rows: list[Row], steps: list["Step"]) -> list[Row]:
    for step in steps:
        rows = step(rows)
    return rows


def _result(rows: list[Row], total: int, *, truncated: bool) -> Answer:
    return Answer(
        body={
            "totalRecords": total,
            "count": len(rows),
            "data": rows,
            "facets": [],
            "resultTruncated": "true" if truncated else "false",
        }
    )


Step = Callable[[list[Row]], list[Row]]


Table = Callable[[Call, Store, str], list[Row]]
TABLES: Mapping[str, Table] = {"resources": _resources, "resourcecontainers": _containers}
_CHOOSING = ("where", "take", "limit", "summarize", "count")


def parse(text: str) -> tuple[Table, list[Step], list[Step]]:
    """The steps of a query: those that choose rows, and the projections after the last of them, which change no order.
    Raises ArmError in Resource Graph's shape for what is not understood."""
    stages = [stage.strip() for stage in _split(text, "|")]
    if not stages or stages[0].lower() not in TABLES:
        raise _invalid(f"unknown table '{stages[0] if stages else ''}'")
    steps = [_step(stage) for stage in stages[1:]]
    words = [stage.partition(" ")[0].lower() for stage in stages[1:]]
    last = max((number for number, word in enumerate(words, 1) if word in _CHOOSING), default=0)
    return TABLES[stages[0].lower()], steps[:last], steps[last:]


def _step(stage: str) -> Step:
    word, _, rest = " ".join(stage.split()).partition(" ")
    if word.lower() == "where":
        test = _condition(rest.strip())
        return lambda rows: [row for row in rows if test(row)]
    if word.lower() == "project":
        columns = [_column(part.strip()) for part in _split(rest, ",")]
        return lambda rows: [{name: read(row) for name, read in columns} for row in rows]
    if word.lower() in ("take", "limit") and rest.strip().isdigit():
        return lambda rows: rows[: int(rest)]
    if word.lower() == "count" and not rest:
        return lambda rows: [{"Count": len(rows)}]
    grouped = re.fullmatch(r"summarize (?:(\w+) ?= ?)?count\(\) by (\w+)", f"{word} {rest}".strip(), re.IGNORECASE)
    if grouped:
        return _counting(grouped[1] or "count_", grouped[2])
    ordered = re.fullmatch(r"(?:order|sort) by (\w+)( asc| desc)?", f"{word} {rest}".strip(), re.IGNORECASE)
    if ordered:
        name, descending = (
            _FIELDS.get(ordered[1].lower(), ordered[1]),
            (ordered[2] or " desc").strip().lower() == "desc",
        )
        if name != "id" or descending:
            raise _invalid("only 'order by id asc' is understood")
        return lambda rows: sorted(rows, key=lambda row: str(row.get("id", "")).lower())
    raise _invalid(f"'{stage}' is not understood")


def _counting(label: str, field: str) -> Step:
    read, name = _expression(field), _FIELDS.get(field.lower(), field)

    def count(rows: list[Row]) -> list[Row]:
        found = Counter(_plain(read(row)) for row in rows)
        return [{name: value, label: number} for value, number in sorted(found.items())]

    return count


_TEXT = r"(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")"
_COMPARE = re.compile(r"(.+?)\s*(!startswith|startswith|!contains|contains|=~|!~|==|!=)\s*" + _TEXT, re.IGNORECASE)
_LIST = re.compile(r"(.+?)\s+(in~|in)\s*\((.*)\)", re.IGNORECASE)

_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": lambda have, want: have.lower().startswith(want.lower()),
    "!startswith": lambda have, want: not have.lower().startswith(want.lower()),
    "contains": lambda have, want: want.lower() in have.lower(),
    "!contains": lambda have, want: want.lower() not in have.lower(),
    "=~": lambda have, want: have.lower() == want.lower(),
    "!~": lambda have, want: have.lower() != want.lower(),
    "==": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
}


def _condition(text: str) -> Callable[[Row], bool]:
    listed = _LIST.fullmatch(text)
    if listed:
        read, fold = _expression(listed[1]), listed[2].lower() == "in~"
        wanted = [_literal(part.strip()) for part in _split(listed[3], ",")]
        if fold:
            wanted = [value.lower() for value in wanted]
        return lambda row: (_plain(read(row)).lower() if fold else _plain(read(row))) in wanted
    compared = _COMPARE.fullmatch(text)
    if not compared:
        raise _invalid(f"'where {text}' is not understood")
    read, test = _expression(compared[1]), _TESTS[compared[2].lower()]
    want = compared[3] if compared[3] is not None else compared[4]
    return lambda row: test(_plain(read(row)), want)


def _expression(text: str) -> Callable[[Row], Any]:
    cast = re.fullmatch(r"tostring\(\s*(\w+)\s*\)", text.strip(), re.IGNORECASE)
    name = _FIELDS.get((cast[1] if cast else text.strip()).lower())
    if name is None:
        raise _invalid(f"unknown expression '{text.strip()}'")
    return (lambda row: _plain(row.get(name))) if cast else (lambda row: row.get(name))


def _column(text: str) -> tuple[str, Callable[[Row], Any]]:
    name, assigned, expression = text.partition("=")
    return (name.strip(), _expression(expression)) if assigned else (_FIELDS.get(name.lower(), name), _expression(name))


def _literal(text: str) -> str:
    found = re.fullmatch(_TEXT, text)
    if not found:
        raise _invalid(f"'{text}' is not a text in quotes")
    return found[1] if found[1] is not None else found[2]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside quotes and brackets."""
    parts, current, quote, depth = [], "", "", 0
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == mark and depth == 0:
            parts.append(current)
            current = ""
            continue
        current += character
    return [*parts, current]


def _invalid(what: str) -> ArmError:
    return ArmError(
        400,
        "BadRequest",
        "Please provide below info when asking for support.",
        details=[
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service "
                "and fix the error before retrying.",
            },
            {"code": "ParserFailure", "message": f"ParserFailure: {what}"},
        ],
    )

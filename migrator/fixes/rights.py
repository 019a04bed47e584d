"""Which right a step takes, by the name Azure gives it, and whether a list of permissions holds it."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from migrator.fixes.values import Step
from migrator.resources import resource_type

OLDER_API = "Owner or co-administrator of the subscription (service management)"


def action(step: Step) -> str:
    """The action of a step ("Microsoft.ClassicCompute/domainNames/slots/delete"); `OLDER_API` where no action gives
    the right."""
    if step.request is None:
        return OLDER_API
    kind, last = _kind(step.request.path), step.request.path.rstrip("/").rsplit("/", 1)[-1]
    if step.request.method == "POST":
        if last.lower() == "register":
            parts = step.request.path.strip("/").split("/providers/")
            feature = len(parts) > 2
            return "Microsoft.Features/providers/features/register/action" if feature else f"{parts[-1]}/action"
        return f"{resource_type(kind.rsplit('/', 1)[0])}/{last}/action"
    return f"{resource_type(kind)}/{'delete' if step.request.method == 'DELETE' else 'write'}"


def _kind(path: str) -> str:
    parts = path.rpartition("/providers/")[2].strip("/").split("/")
    return "/".join([parts[0], *parts[1::2]])


def allowed(wanted: str, rows: Iterable[Any]) -> bool:
    """Whether one of the rows of `Microsoft.Authorization/permissions` allows the action and does not take it out
    again. Case does not matter, `*` stands for anything."""
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        if _named(wanted, row.get("actions")) and not _named(wanted, row.get("notActions")):
            return True
    return False


def _named(wanted: str, patterns: Any) -> bool:
    listed = patterns if isinstance(patterns, list) else []
    return any(fnmatchcase(wanted.lower(), str(one).lower()) for one in listed)

"""Plugin modules of a role: what its settings say, and which settings are theirs (azure.md 4.4)."""

from collections.abc import Iterable
from typing import Final

PREFIX: Final = "microsoft.windowsazure.plugins."
# Plugins recognised by any setting of theirs, not only by `.Enabled`: their other settings mean that the module is
# imported.
BY_NAME: Final = {"remoteaccess": "RemoteAccess", "remoteforwarder": "RemoteForwarder"}


def switched_on(settings: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Plugin modules switched on by (name, value) of settings: `…Plugins.X.Enabled` = true, and RemoteAccess or
    RemoteForwarder by any setting of theirs unless `.Enabled` says false."""
    on: dict[str, str] = {}
    off: set[str] = set()
    for name, value in settings:
        if not name.lower().startswith(PREFIX):
            continue
        module, _, rest = name[len(PREFIX) :].partition(".")
        key = module.lower()
        if rest.lower() == "enabled":
            if value.strip().lower() == "true":
                on[key] = BY_NAME.get(key, module)
            else:
                off.add(key)
        elif key in BY_NAME:
            on.setdefault(key, BY_NAME[key])
    return tuple(sorted(label for key, label in on.items() if key not in off))


def is_switch(name: str, value: str) -> bool:
    """Whether a setting only switches a plugin on or off: no secret, and rules read it."""
    name = name.lower()
    return name.startswith(PREFIX) and name.endswith(".enabled") and value.strip().lower() in ("true", "false")

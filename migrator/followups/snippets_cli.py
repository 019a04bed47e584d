"""A follow-up's requests as a bash script for the Azure CLI, in the order they are sent, each read back before the
next.

`az rest` takes a path and puts the endpoint of the signed-in cloud before it; `--body @-` reads the body from the
standard input [azure-cli: core/commands, `_expand_file_prefixed_files`]. Whatever a value holds, bash hands it on
unchanged: bodies stand in here-documents, addresses in single quotes with everything odd percent-encoded. Each script
runs in a subshell, so that it may be pasted: an error ends the script, not the shell of whoever pasted it.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from migrator.followups.snippets import Secret, Written, named, one_line, parted, step_words
from migrator.resources import ArmRequest

_END: Final = "BODY"  # no line of a body is this: each begins with a brace or a space
_LONGEST: Final = 160  # characters of an expected value in a comment
# In JSON a text may hold what would end it, escaped; only the variable's value is unknown when this is written.
_JSON_TEXT: Final = r"""json_text() {
  local text=$1
  text=${text//\\/\\\\}; text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}; text=${text//$'\r'/\\r}; text=${text//$'\t'/\\t}
  printf '%s' "$text"
}"""


def script(written: Written) -> str:
    """The whole script, with a line end at its end."""
    item, secrets = written.follow_up, written.secrets
    lines = [
        "#!/usr/bin/env bash",
        f"# {one_line(item.title)}",
        "# For bash with the Azure CLI, signed in (az login) with the right to write this.",
        "# It does not judge what it reads back: look at it. All of it may be run again.",
        *(f"# {one_line(named(note, secrets))}" for note in item.notes),
    ]
    for secret in secrets:
        lines.append(f"# Set first: export {secret.name}=…   ({one_line(secret.question)})")
    lines += ["(", "set -euo pipefail"]
    if secrets:
        lines += [_JSON_TEXT, *(f': "${{{secret.name}:?set this variable first}}"' for secret in secrets)]
    for number, stage in enumerate(item.stages, 1):
        last = number == len(item.stages)
        lines += ["", f"# {step_words(number, len(item.stages), stage.request)}", *_call(stage.request, secrets)]
        until = "It is done when this shows" if last else "Go on when this shows"
        expected = named(dict(stage.probe.expect), secrets)
        slow = f" (Azure may take {stage.minutes} minutes)" if stage.minutes else ""
        lines.append(f"# {until}{slow}{':' if expected else ' that it exists.'}")
        lines += [f"#   {_shown(path, value)}" for path, value in expected.items()]
        lines += _call(stage.probe.request, secrets)
    return "\n".join([*lines, ")"]) + "\n"


def _call(request: ArmRequest, secrets: Sequence[Secret]) -> list[str]:
    line = f"az rest --method {request.method.lower()} --url {shlex.quote(address(request))}"
    if request.body is None:
        return [line]
    line += " --output none" if request.method in ("PUT", "PATCH", "DELETE") else ""
    # `!` would call up an earlier command where this is pasted; JSON may write it another way.
    body = json.dumps(dict(request.body), indent=2, ensure_ascii=False).replace("!", "\\u0021")
    parts = parted(body, secrets)
    if len(parts) == 1:
        return [f"{line} --body @- <<'{_END}'", body, _END]
    open_text = "".join(_open(part) if isinstance(part, str) else f'$(json_text "${part.name}")' for part in parts)
    return [f"{line} --body @- <<{_END}", open_text, _END]


def _open(text: str) -> str:
    """Text for a here-document in which variables count."""
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("`", "\\`")


def address(request: ArmRequest) -> str:
    return f"{quote(request.path, safe='/:@,;=+~')}?api-version={quote(request.api_version)}"


def _shown(path: str, value: Any) -> str:
    if isinstance(value, Mapping) and not value:
        return one_line(path)
    text = json.dumps(value, ensure_ascii=False)
    return one_line(f"{path}: {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}")

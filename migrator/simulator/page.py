"""The control page for people, `/_simulator/`: what is switched on, and a form for every switch. Only the simulator
has it.

The forms send what `control` takes, as JSON, with a few lines of script; nothing is loaded from elsewhere.
"""

import base64
import json
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any, Final

from migrator.simulator import faults, scenarios
from migrator.simulator.clock import stamp

if TYPE_CHECKING:
    from migrator.simulator.http import Simulator

TELLS: Final = {
    "fail": "The next call is refused; nothing happens.",
    "apply-then-fail": "The next call happens, but its answer is an error.",
    "late-apply": "The next call gets no answer, and happens later.",
    "stuck": "The next operation never ends (until 24 hours have passed).",
    "operation-fails": "The next operation is accepted and then fails; after Prepare the locks stay.",
    "says-succeeded": "The next operation ends as succeeded, and nothing has changed.",
    "says-failed": "The next operation ends as failed, and yet was carried out.",
    "throttle": "The next call is answered 429 or 503.",
    "retry-after": "The next answer asks to wait in these words: seconds, a date, or nonsense.",
    "unauthorized": "Every call is answered 401.",
    "stale-reads": "Reads show the estate as it was a while ago.",
    "slow": "Answers take longer.",
    "malformed": "The next answer cannot be understood.",
    "poll-gone": "The next look at an operation finds nothing (404).",
}
_STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #bbb;
vertical-align:top}label{display:inline-block;margin:.2rem .8rem .2rem 0}input,select,button,textarea{font:inherit}
button{padding:.2rem .8rem}textarea{width:16rem}:focus-visible{outline:3px solid #1a5fb4}
#said{min-height:1.5rem;font-weight:600}
"""
_SCRIPT: Final = """
document.querySelectorAll('form').forEach(form => form.addEventListener('submit', async event => {
  event.preventDefault();
  const said = document.getElementById('said'), body = {};
  try {
    for (const field of form.querySelectorAll('[name]')) {
      if (field.value === '') continue;
      if (field.dataset.kind === 'more') Object.assign(body, JSON.parse(field.value));
      else body[field.name] = field.dataset.kind === 'json' ? JSON.parse(field.value) : field.value;
    }
    const method = form.dataset.method;
    const answer = await fetch(form.getAttribute('action'), {method, headers: {'Content-Type': 'application/json'},
      body: method === 'POST' ? JSON.stringify(body) : undefined});
    if (answer.ok) { location.reload(); return; }
    said.textContent = (await answer.json()).error;
  } catch (problem) { said.textContent = 'This could not be sent: ' + problem.message; }
}));
"""


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode() + "'"


POLICY: Final = (
    f"default-src 'none'; style-src {_digest(_STYLE)}; script-src {_digest(_SCRIPT)}; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def html(simulator: "Simulator") -> str:
    """The whole page as it is now."""
    platform = simulator.platform
    platform.tick()
    live = [row for row in platform.operations.values() if row.live]
    facts = [
        ("Estate", f"{simulator.scenario}, seed {platform.seed}, {len(platform.store)} resources and groups"),
        ("Simulated time", f"{stamp(platform.moment)}, {platform.clock.factor:g} times real time"),
        ("Operations under way", str(len(live))),
        ("Units locked by a migration", str(len(platform.migrations))),
        ("Things a careful client never does", str(len(platform.breaches))),
        ("Calls that did not wait for Retry-After", str(simulator.throttle.early)),
    ]
    on = [
        (
            row.kind,
            TELLS[row.kind],
            json.dumps(
                {name: value for name, value in vars(row).items() if name not in ("fault_id", "kind") and value}
            ),
            _form(f"/_simulator/faults/{row.fault_id}", "DELETE", "", f"Switch off {row.kind}"),
        )
        for row in platform.faults.table.values()
    ]
    parts = [
        "<h1>The simulated Azure</h1>",
        "<p>Everything here is made up. This page exists on the simulator only.</p>",
        '<p id="said" role="status"></p>',
        "<h2>Now</h2>",
        _table(("What", "State"), facts),
        "<h2>Switches that are on</h2>",
        _table(("Switch", "What it does", "Settings", "Off"), on, markup=3) if on else "<p>None.</p>",
        "<h2>Switches</h2>",
        _table(
            ("Switch", "What it does", "On"), [(kind, TELLS[kind], _fault(kind)) for kind in faults.DEFAULTS], markup=2
        ),
        "<h2>Settings</h2>",
        _table(
            ("Setting", "Value now", "Change"),
            [(name, json.dumps(value), _setting(name, value)) for name, value in vars(platform.settings).items()],
            markup=2,
        ),
        "<h2>Clock</h2>",
        _form("/_simulator/clock", "POST", _input("advance", "Seconds ahead", "3600", "json"), "Move the clock"),
        _form(
            "/_simulator/clock",
            "POST",
            _input("speed", "Times real time", f"{platform.clock.factor:g}", "json"),
            "Set the speed",
        ),
        "<h2>Begin again</h2>",
        "<p>Everything that happened is forgotten; the request log stays.</p>",
        _form("/_simulator/reset", "POST", _choice(simulator.scenario), "Begin again"),
        "<h2>More</h2><ul>",
        *(
            f'<li><a href="/_simulator/{name}">{escape(text)}</a></li>'
            for name, text in (
                ("state", "State"),
                ("log", "Request log"),
                ("violations", "What a careful client never does"),
                ("estate", "The estate as a file"),
            )
        ),
        "</ul>",
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The simulated Azure</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{''.join(parts)}</main><script>{_SCRIPT}</script></body></html>"
    )


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]], *, markup: int = -1) -> str:
    """`markup`: the column that is HTML already."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    lines = []
    for row in rows:
        first, *others = (text if number == markup else escape(text) for number, text in enumerate(row))
        lines.append(f'<tr><th scope="row">{first}</th>{"".join(f"<td>{text}</td>" for text in others)}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _form(action: str, method: str, fields: str, label: str) -> str:
    return f'<form action="{action}" data-method="{method}">{fields} <button>{escape(label)}</button></form>'


def _input(name: str, label: str, value: str = "", kind: str = "text") -> str:
    return f'<label>{escape(label)} <input name="{name}" value="{escape(value)}" data-kind="{kind}" size="8"></label>'


def _fault(kind: str) -> str:
    verbs = "".join(f"<option>{verb}</option>" for verb in faults.VERBS)
    fields = f'<input type="hidden" name="kind" value="{kind}">'
    fields += f'<label>Verb <select name="verb"><option value="">any</option>{verbs}</select></label>'
    fields += _input("unit", "Unit") + _input("times", "Times", "", "json")
    own: dict[str, Any] = faults.DEFAULTS[kind]
    if own:
        text = escape(json.dumps({name: value for name, value in own.items() if value not in ("", None)}))
        fields += f'<label>Settings <textarea name="settings" rows="2" data-kind="more">{text}</textarea></label>'
    return _form("/_simulator/faults", "POST", fields, f"Switch on {kind}")


def _setting(name: str, value: Any) -> str:
    fields = _input(
        name,
        name,
        str(value) if isinstance(value, str) else json.dumps(value),
        "text" if isinstance(value, str) else "json",
    )
    return _form("/_simulator/settings", "POST", fields, f"Set {name}")


def _choice(now: str) -> str:
    options = "".join(f"<option{' selected' * (name == now)}>{name}</option>" for name in scenarios.NAMES)
    return f'<label>Estate <select name="scenario">{options}</select></label>'

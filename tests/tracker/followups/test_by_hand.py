"""A person sends the requests from a shell of their own; the product sends nothing, looks, and closes."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tracker.followups.test_followups import answered, closed, committed
from tests.tracker.runs.programme import Programme
from tracker.audit.models import Event
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

# What `az rest` does with these arguments, and as it: a body from the standard input, an answer as JSON, an error as 1.
AZ = """#!{python}
import sys, urllib.request
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "rest", sys.argv
body = sys.stdin.buffer.read() if given.get("--body") == "@-" else None
head = {{"Authorization": "Bearer a-token", "Content-Type": "application/json"}}
asked = urllib.request.Request("{base}" + given["--url"], body, head, method=given["--method"].upper())
with urllib.request.urlopen(asked) as answer:
    print(answer.read().decode())
"""


def test_what_is_sent_by_hand_is_seen_and_closed_without_being_sent_again(programme: Programme, tmp_path: Path) -> None:
    committed(programme)
    az = tmp_path / "az"
    az.write_text(AZ.format(python=sys.executable, base=programme.simulator.base_url))
    az.chmod(0o755)
    rows = [answered(programme, row) for row in FollowUp.objects.filter(state__in=("open", "question"))]
    assert len(rows) > 2
    script = "".join(queries.snippets(row).cli for row in rows)
    around = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash"], input=script, env=around, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for row in rows:
        followups.probe(row, by=programme.tomas, now=database_now())
        row = closed(programme, row, seconds=5)
        assert (row.state, row.closed_how, row.probe_says) == ("closed", "seen", []), row.title
    assert not Event.objects.filter(type="followup.sent").exists()

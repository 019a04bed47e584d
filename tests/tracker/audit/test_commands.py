"""The doors from the command line."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.tracker.audit.conftest import wave
from tracker.accounts.models import User
from tracker.audit.actions import vkey
from tracker.audit.models import Event


def run(*arguments: str, **options: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_an_export_appears_whole_and_verifies(db: None, tmp_path: Path) -> None:
    for number in range(5):
        wave(number, reason="x")
    bundle = tmp_path / "history.zip"
    _, said = run("audit_export", "--format", "bundle", "--output", str(bundle), "--type", "wave")
    assert said.startswith(f"5 of 6 events to {bundle}.") and vkey() in said
    assert run("audit_verify", str(bundle))[0].startswith("VERIFIED: 5 of 6 events, 5 private values")
    lines, notes = tmp_path / "h.jsonl", tmp_path / "kept-notes"
    run("audit_export", "--output", str(lines))
    from tracker.audit.export_parts import checkpoints_text

    notes.write_text(checkpoints_text(), encoding="utf-8")
    assert run("audit_verify", str(lines), "--checkpoints", str(notes))[0].startswith("VERIFIED: ")
    lines.write_bytes(lines.read_bytes().replace(b"W3", b"W4"))
    with pytest.raises(CommandError, match="FAILED: one of lines"):
        run("audit_verify", str(lines), "--checkpoints", str(notes))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.jsonl", "history.zip", "kept-notes"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["audit_export", "--type", "nosuch"], "no event type"),
        (["audit_export", "--format", "csv", "--columns", "a"], "no column 'a'"),
        (["audit_verify", "/nonexistent.zip"], "FAILED: .*No such file"),
        (["audit_verify", __file__], "FAILED: it takes"),
    ],
)
def test_a_wrong_question_gets_a_sentence(db: None, arguments: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        run(*arguments)


def test_a_file_that_cannot_be_written_is_named(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        run("audit_export", "--output", str(tmp_path / "absent" / "x.jsonl"))
    aborted = Event.objects.get(type="export.aborted")
    assert json.loads(aborted.body)["detail"]["count"] == 0


def test_the_stored_history_is_checked_without_a_file(db: None) -> None:
    wave(1)
    assert run("audit_verify")[0].startswith("VERIFIED: 0 events, 0 checkpoints")
    assert Event.objects.get(type="audit.verified").actor == "command:audit_verify"


def test_an_account_is_made_from_the_command_line(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["create_user", "ruth", "--name", "Ruth Field", "--email", "ruth@example.com", "--role", "auditor"]
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match=r"too weak.*No account was made"):
        run(*arguments)
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough secret\n"))
    assert "Made the account ruth (Ruth Field): auditor." in run(*arguments)[0]
    user = User.objects.get()
    assert user.check_password("a long enough secret") and [role.value for role in user.roles] == ["auditor"]
    assert Event.objects.get(type="account.created").actor == "command:create_user"

"""Follow-ups: captured before, owed after, sent on request, closed only when they are seen."""

import time
import urllib.request

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.models import Capture, CapturedSetting, FollowUp
from tracker.runs.models import Run
from tracker.runs.queries import database_now


def committed(programme: Programme) -> Run:
    run = programme.committing()
    return programme.until(run, lambda: run.state in ("committed", "verified"))


def answered(programme: Programme, row: FollowUp) -> FollowUp:
    questions = queries.required(row).open_questions
    if not questions:
        return row
    given = {q.id: q.choices[0].value if q.choices else "ops@example.com" for q in questions}
    return followups.answer(row, given, by=programme.tomas, now=database_now())


def closed(programme: Programme, row: FollowUp, seconds: float = 15) -> FollowUp:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and row.state not in ("closed", "failed"):
        FollowUp.objects.filter(pk=row.pk).exclude(due_at=None).update(due_at=database_now())
        followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
        row.refresh_from_db()
    return row


def test_everything_that_is_dropped_was_captured_before_prepare(programme: Programme) -> None:
    run = programme.prepared()
    kinds = set(CapturedSetting.objects.filter(unit=run.unit).values_list("kind", flat=True))
    assert {"Microsoft.Insights/autoscaleSettings", "Microsoft.Insights/alertRules"} <= kinds
    assert "Microsoft.Authorization/roleAssignments" in kinds
    capture = Capture.objects.filter(unit=run.unit).latest("at")
    assert capture.complete
    assert capture.before


def test_an_incomplete_capture_holds_prepare_and_names_the_missing_right(programme: Programme) -> None:
    run = programme.validated()
    programme.fault("malformed", method="GET", unit="roleAssignments", times=20)
    programme.ask(run, "prepare")
    for _ in range(3):
        programme.tick()
    run.refresh_from_db()
    assert programme.posts("prepare") == []
    assert run.waiting_code in ("capture-incomplete", "cannot-see")
    programme.simulator.control("faults", method="DELETE")
    programme.until(run, lambda: run.state == "prepared")


def test_a_follow_up_is_closed_only_by_what_is_seen(programme: Programme) -> None:
    committed(programme)
    row = answered(programme, FollowUp.objects.get(kind="autoscale"))
    assert row.state == "open"
    followups.apply(row, by=programme.tomas, now=database_now())
    row = closed(programme, row)
    assert row.state == "closed"
    assert row.closed_how == "seen"
    settings = programme.state()["autoscale_settings"]
    assert [str(uri).lower().endswith("/cloudservices/shop-web/roles/webfront") for uri in settings.values()] == [True]


def test_opening_and_applying_again_changes_nothing(programme: Programme) -> None:
    run = committed(programme)
    count = FollowUp.objects.count()
    documents = run.comparison.arm_documents
    assert followups.open_for(run.unit, arm_documents=documents, by=programme.tomas.actor, now=database_now()) == []
    assert FollowUp.objects.count() == count
    row = answered(programme, FollowUp.objects.get(kind="role assignment"))
    followups.apply(row, by=programme.tomas, now=database_now())
    row = closed(programme, row)
    before = programme.state()["role_assignments"]
    with pytest.raises(followups.NotApplicable, match="closed"):
        followups.apply(row, by=programme.tomas, now=database_now())
    FollowUp.objects.filter(pk=row.pk).update(
        state="wanted", closed_how="", closed_at=None, sent=False, stage=0, due_at=database_now()
    )
    row.refresh_from_db()
    assert closed(programme, row).state == "closed"
    assert programme.state()["role_assignments"] == before


def test_what_disappears_again_is_opened_again(programme: Programme) -> None:
    committed(programme)
    row = answered(programme, FollowUp.objects.get(kind="autoscale"))
    followups.apply(row, by=programme.tomas, now=database_now())
    row = closed(programme, row)
    probe = queries.required(row).stages[-1].probe.request
    gone = urllib.request.Request(
        f"{programme.simulator.base_url}{probe.path}?api-version={probe.api_version}",
        method="DELETE",
        headers={"Authorization": "Bearer a-token"},
    )
    urllib.request.urlopen(gone).close()
    followups.probe(row, by=programme.tomas, now=database_now())
    followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
    row.refresh_from_db()
    assert row.state == "open"
    assert row.probe_says == ["it is not there"]


def test_a_question_is_asked_before_anything_is_sent(programme: Programme) -> None:
    committed(programme)
    row = FollowUp.objects.get(kind="alert rule")
    assert row.state == "question"
    with pytest.raises(followups.NotApplicable, match="answer"):
        followups.apply(row, by=programme.tomas, now=database_now())
    question = queries.required(row).open_questions[0]
    with pytest.raises(followups.WrongAnswer):
        followups.answer(row, {question.id: "nonsense \x00"}, by=programme.tomas, now=database_now())
    with pytest.raises(followups.WrongAnswer):
        followups.answer(row, {"no-such-question": "x"}, by=programme.tomas, now=database_now())
    row.refresh_from_db()
    assert row.state == "question"


def test_a_right_that_is_missing_fails_it_with_what_to_do_and_it_can_be_applied_again(programme: Programme) -> None:
    committed(programme)
    row = answered(programme, FollowUp.objects.get(kind="role assignment"))
    followups.apply(row, by=programme.tomas, now=database_now())
    reader = ArmGateway(programme.simulator.base_url, StaticToken("reader-token"), deadline=5)
    followups.advance(row.pk, gateway=lambda _: reader, clock=database_now)
    reader.close()
    row.refresh_from_db()
    assert row.state == "failed"
    assert "roleAssignments/write" in row.last_error
    row = followups.apply(row, by=programme.tomas, now=database_now())
    assert closed(programme, row).state == "closed"


def test_an_auditor_applies_nothing(programme: Programme) -> None:
    committed(programme)
    row = FollowUp.objects.get(kind="role assignment")
    with pytest.raises(Denied, match="apply follow-ups"):
        followups.apply(row, by=programme.noor, now=database_now())


SECRET_ANSWER = "https://hooks.example.com/a/very/long/path/with/a/secret/token-4711"


def with_a_secret(programme: Programme, secret: str = SECRET_ANSWER) -> FollowUp:
    """An alert whose webhook the gateway took out: a person has to give it again."""
    committed(programme)
    row = FollowUp.objects.filter(kind="alert rule").first()
    assert row is not None
    document = row.basis["document"]
    document["properties"]["actions"] = [
        {
            "odata.type": "Microsoft.Azure.Management.Insights.Models.RuleWebhookAction",
            "serviceUri": "https://***removed***",
            "properties": {},
        }
    ]
    row.basis = row.basis | {"document": document}
    row.answers, row.state = {}, FollowUp.State.QUESTION
    FollowUp.objects.filter(pk=row.pk).update(basis=row.basis, answers={}, state=row.state)
    given = {
        q.id: secret if q.secret else (q.choices[0].value if q.choices else "ops@example.com")
        for q in queries.required(row).questions
        if q.default is None
    }
    assert secret in given.values()
    return followups.answer(row, given, by=programme.tomas, now=database_now())


def test_a_secret_answer_is_told_nowhere(programme: Programme) -> None:
    row = with_a_secret(programme)
    value = queries.required(row)
    assert SECRET_ANSWER in str([request.body for request in value.requests])  # it is sent,
    assert "token-4711" not in str(queries.shown(value, [dict(request.body) for request in value.requests]))
    assert "token-4711" not in str(queries.told(value))  # and not told,
    assert SECRET_ANSWER[:40] not in str(queries.shown(value, [f"uri is x; expected {SECRET_ANSWER[:45]}..."]))
    events = Event.objects.filter(object_kind="follow-up", object_id=str(row.pk))
    assert events.filter(type="followup.answered").exists()
    assert not any(SECRET_ANSWER[:40] in event.body for event in events)  # not even to the history


def test_all_open_ones_are_applied_together_or_none(programme: Programme) -> None:
    committed(programme)
    for row in FollowUp.objects.all():
        answered(programme, row)
    ids = list(FollowUp.objects.filter(state="open").values_list("pk", flat=True))
    assert len(ids) > 1
    with pytest.raises(Denied):
        followups.apply_many(ids, by=programme.maya, now=database_now())
    assert not FollowUp.objects.filter(state="wanted").exists()
    assert len(followups.apply_many([*ids, ids[0], 0], by=programme.tomas, now=database_now())) == len(ids)
    assert FollowUp.objects.filter(state="wanted").count() == len(ids)
    assert Event.objects.filter(type="followup.applied").count() == len(ids)
    with pytest.raises(followups.NotApplicable):
        followups.apply_many(ids, by=programme.tomas, now=database_now())

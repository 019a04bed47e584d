"""One unit, from planned to closed, and what the platform shows at each step."""

from tests.tracker.runs.programme import Programme
from tracker.audit.models import Event
from tracker.followups import actions as followups
from tracker.followups import queries as followup_queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now


def test_a_network_goes_all_the_way_and_everything_it_lost_comes_back(programme: Programme) -> None:
    run = programme.prepared()
    unit = programme.unit("shop-net")
    assert unit.progress == "prepared"
    assert unit.locked_since is not None
    locks = programme.state()["locks"]
    assert unit.key in [key.lower() for key in locks[unit.key]["locked"]]
    assert run.comparison.unexpected == 0, list(run.differences.filter(kind="unexpected").values("field", "why"))
    assert run.comparison.same > 0

    approval = programme.sealed(run)
    programme.ask(run, "commit", seal=approval.digest)
    programme.until(run, lambda: run.state in ("committed", "verified"))
    state = programme.state()
    assert unit.key not in state["classic"]
    assert not any("shop-web" in key for key in state["classic"])
    assert len(programme.posts("commit")) == 1
    assert programme.unit("shop-net").locked_since is None

    owed = list(FollowUp.objects.filter(unit=unit, holds=True))
    assert {"autoscale", "alert rule", "role assignment"} <= {row.kind for row in owed}
    for row in owed:
        questions = followup_queries.required(row).open_questions
        if questions:
            answers = {q.id: q.choices[0].value if q.choices else "ops@example.com" for q in questions}
            row = followups.answer(row, answers, by=programme.tomas, now=database_now())
        followups.apply(row, by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "closed", seconds=25)
    assert run.outcome == "closed"
    targets = [str(uri).lower() for uri in programme.state()["autoscale_settings"].values()]
    assert any("/microsoft.compute/cloudservices/shop-web/roles/webfront" in target for target in targets)
    assert not any("classiccompute" in target for target in targets)
    assert programme.state()["violations"] == 0


def test_every_step_left_its_event_and_every_send_was_announced_first(programme: Programme) -> None:
    run = programme.committing()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    told = list(Event.objects.order_by("id").values_list("type", flat=True))
    for needed in (
        "wave.created",
        "wave.unit_placed",
        "wave.submitted",
        "approval.approved",
        "run.started",
        "run.asked",
        "settings.captured",
        "comparison.stored",
        "operation.armed",
        "operation.answered",
        "run.moved",
        "followup.opened",
    ):
        assert needed in told, needed
    for attempt in [a for operation in run.operations.all() for a in operation.attempts.all()]:
        announced = Event.objects.get(pk=attempt.event_id)
        assert announced.type == "operation.armed"
        sent = [row for row in programme.posts(attempt.operation.verb) if str(attempt.pk) in str(row)]
        assert len(sent) == 1, "the attempt id travels as client request id"


def test_an_aborted_unit_is_classic_unlocked_and_can_start_again(programme: Programme) -> None:
    run = programme.prepared()
    programme.ask(run, "abort", reason="the shop is busy")
    programme.until(run, lambda: run.ended_at is not None)
    assert (run.state, run.outcome) == ("assessed", "aborted")
    unit = programme.unit("shop-net")
    assert unit.progress == "planned"
    assert unit.locked_since is None
    assert programme.state()["locks"] == {}
    assert unit.key in programme.state()["classic"]


def test_a_storage_account_and_a_default_network_service_move_too(programme: Programme) -> None:
    run = programme.committing("shopfiles")
    programme.until(run, lambda: run.state in ("committed", "verified", "closed"))
    assert not any(key.endswith("storageaccounts/shopfiles") for key in programme.state()["classic"])


def test_a_sync_while_prepared_does_not_disturb_what_was_approved(programme: Programme) -> None:
    """The platform marks what it moves; that mark is not a change of the estate."""
    run = programme.prepared()
    programme.read()
    approval = programme.sealed(run)
    programme.read()
    programme.ask(run, "commit", seal=approval.digest)
    programme.until(run, lambda: run.state in ("committed", "verified"))
    programme.read()
    unit = programme.unit("shop-net")
    assert unit.gone_at is not None
    assert unit.progress in ("committed", "verified")


def test_what_validate_settles_as_a_change_does_not_void_the_wave(programme: Programme) -> None:
    """A service in the hidden default network: unknown until Validate, then *changes yes* (CS-DEFAULT-VNET)."""
    from tracker.quota.models import Usage

    Usage.objects.filter(region="northeurope").update(limit=1_000)  # pricing is short of quota in this estate
    programme.simulator.control("settings", {"throttle": 0})
    from tests.tracker.runs.programme import TEST
    from tracker.inventory.models import Unit
    from tracker.quota import queries as quota
    from tracker.readiness import actions as readiness
    from tracker.runs.queries import database_now as now

    units = list(Unit.objects.filter(name="pricing"))
    readiness.assess(units, shortfalls=quota.shortfalls_of(units), now=now(), by=TEST)
    run = programme.validated("pricing")
    assert run.unit.findings.get(rule="CS-DEFAULT-VNET", outcome="yes").effect == "changes"
    programme.ask(run, "prepare")
    assert run.asks.filter(verb="prepare").exists()

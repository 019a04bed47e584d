"""From what Azure showed to findings, verdicts and history; simulator, client, catalogue and database are real."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrator import quota
from migrator import readiness as catalogue
from migrator.lifecycle import State
from migrator.readiness import Evaluation, RuleError, Verdict
from migrator.resources import UNKNOWN, Category, PlatformMessage, ResourceType, Verb
from tests.tracker.inventory.azure import BY, NOON, SMALL_UNITS, Azure, Clock, builder
from tracker.audit.models import Event
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.readiness import loading, queries
from tracker.readiness.actions import assess, know_catalogue, open_rules, record_platform_answer
from tracker.readiness.models import Assessment, Finding, PlatformAnswer

pytestmark = pytest.mark.django_db
ENOUGH: dict[str, tuple[quota.Shortfall, ...]] = {}


def events(kind: str) -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


def versions() -> dict[str, set]:
    found = {}
    with connection.cursor() as cursor:
        for table in ("finding", "assessment", "unit", "event"):
            cursor.execute(f"SELECT id::text, xmin::text || ctid::text FROM tracker_{table}")
            found[table] = set(cursor.fetchall())
    return found


def enough() -> dict[str, tuple[quota.Shortfall, ...]]:
    """The sums of quota: looked at, nothing short."""
    return dict.fromkeys(Unit.objects.values_list("key", flat=True), ())


def read(azure: Azure, clock: Clock) -> Subscription:
    subscription = azure.subscribe(clock)
    assert azure.sync(subscription, clock).outcome == "complete"
    return subscription


def finding(unit: Unit, rule: str) -> Finding:
    return Finding.objects.get(unit=unit, rule=rule)


def validated(unit: Unit, clock: Clock, *messages: PlatformMessage) -> Unit:
    passed = all(one.category is not Category.ERROR for one in messages)
    record_platform_answer(unit, verb=Verb.VALIDATE, messages=messages, passed=passed, by=BY, now=clock())
    unit.refresh_from_db()
    return unit


def test_a_first_assessment_gives_every_unit_a_verdict_and_moves_it_on(azure: Azure, clock: Clock) -> None:
    subscription = read(azure, clock)
    done = assess(None, now=clock(), by=BY, shortfalls=enough())
    assert (done.units, done.changed) == (3, 3)
    units = list(Unit.objects.all())
    assert {unit.progress for unit in units} == {State.ASSESSED}
    assert {unit.verdict for unit in units} == {Verdict.UNKNOWN}, "before Validate nobody knows"
    assert all(0 < unit.score < 100 and unit.unknowns for unit in units)
    assert all(Assessment.objects.get(unit=unit).score == unit.score for unit in units)
    for unit in units:
        one = Assessment.objects.get(unit=unit)
        assert 100 - sum(d["points"] for d in one.deductions) == unit.score, "every lost point has its finding"
    network = Unit.objects.get(name="small-net")
    assert finding(network, "SUB-REG-MIGRATE").outcome == "no"
    assert finding(network, "SUB-QUOTA-CORES").outcome == "no"
    assert finding(network, "CS-AUTOSCALE").outcome == "yes"
    (event,) = events("readiness.assessed")
    assert event["object"] == {"kind": "subscription", "id": subscription.pk}
    assert (event["detail"]["units"], event["detail"]["verdicts"]) == (3, {"unknown": 3})


def test_assessing_again_what_did_not_change_writes_nothing(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    before = versions()
    assert all(before.values())
    clock.pass_(days=3)
    done = assess(None, now=clock(), by=BY, shortfalls=enough())
    assert (done.units, done.changed) == (3, 0)
    assert versions() == before


def test_what_validate_answers_settles_the_open_questions(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    account = validated(Unit.objects.get(name="smallstore"), clock)
    assert account.verdict in (Verdict.READY, Verdict.READY_WITH_CHANGE)
    network = validated(Unit.objects.get(name="small-net"), clock)
    assert finding(network, "SUB-COADMIN").outcome == "no"
    assert PlatformAnswer.objects.count() == 2
    (first, _) = events("readiness.platform_answered")
    assert first["detail"]["outcome"] == "passed"
    (one, *_) = [e for e in events("readiness.assessed") if e["object"]["kind"] == "unit"]
    assert one["object"]["id"] == account.key
    assert (one["detail"]["before"], one["detail"]["verdict"]) == ("unknown", account.verdict)


def test_a_refusal_of_the_platform_blocks_the_unit_for_seven_days(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    message = PlatformMessage(
        category=Category.ERROR,
        message="The deployment has \x00 a problem that nobody has seen before.",
        code="NewCode<script>",
    )
    unit = validated(Unit.objects.get(name="small-tool"), clock, message)
    assert unit.verdict == Verdict.BLOCKED
    assert (unit.health, unit.blockers) == ("blocked", 1)
    said = Finding.objects.get(unit=unit, outcome="yes", effect="blocks")
    assert said.source == "platform"
    assert "nobody has seen before" in said.sentence + json.dumps(said.evidence)
    assert "\x00" not in json.dumps(PlatformAnswer.objects.get().messages)
    clock.pass_(days=8)
    assess([unit], now=clock(), by=BY)
    unit.refresh_from_db()
    assert (unit.verdict, unit.health) == (Verdict.UNKNOWN, "on track"), "an old answer is stale"


def test_a_blocked_unit_names_its_rule_and_is_freed_when_azure_changes(azure: Azure, clock: Clock) -> None:
    estate, area = builder("Peered")
    network = area.network("net", "blocked-net", "westeurope", space="10.1.0.0/16", subnets={"a": "10.1.0.0/24"})
    remote = estate.add(
        area.id("net", "Microsoft.Network/virtualNetworks", "new-net"),
        "Microsoft.Network/virtualNetworks",
        {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}},
        location="westeurope",
    )
    area.peering(network, remote)
    azure.begin(estate.estate())
    subscription = read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    unit = Unit.objects.get(name="blocked-net")
    assert (unit.verdict, unit.health) == (Verdict.BLOCKED, "blocked")
    assert "VNET-PEERING" in unit.health_reason
    blocking = finding(unit, "VNET-PEERING")
    assert blocking.evidence
    other = finding(unit, "SUB-REG-MIGRATE").since
    azure.drop("virtualNetworkPeerings")
    azure.sync(subscription, clock)
    done = assess(None, now=clock(), by=BY, shortfalls=enough())
    assert done.changed == 1
    unit.refresh_from_db()
    assert unit.verdict == Verdict.UNKNOWN
    assert (unit.health, unit.health_reason) == ("on track", "")
    assert finding(unit, "VNET-PEERING").outcome == "no"
    assert finding(unit, "VNET-PEERING").since > blocking.since
    assert finding(unit, "SUB-REG-MIGRATE").since == other, "what says the same says it since then"
    assert [a.verdict for a in queries.assessments(unit)] == ["unknown", "blocked"]


def test_an_unregistered_subscription_blocks_its_units(azure: Azure, clock: Clock) -> None:
    estate, area = builder("Unregistered", registered=False)
    area.storage("data", "oldstore", "westeurope")
    azure.begin(estate.estate())
    read(azure, clock)
    assess(None, now=clock(), by=BY)
    unit = Unit.objects.get()
    assert unit.verdict == Verdict.BLOCKED
    assert finding(unit, "SUB-REG-MIGRATE").outcome == "yes"


def test_what_could_not_be_read_is_unknown_never_no(azure: Azure, clock: Clock) -> None:
    subscription = read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    unit = Unit.objects.get(name="small-tool")
    assert finding(unit, "CS-BUSY").outcome == "no"
    assert finding(unit, "CS-JIT").outcome == "no"
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    azure.fault("malformed", unit="jitNetworkAccessPolicies", method="GET", times=None)
    row = azure.sync(subscription, clock)
    assert row.outcome == "partial"
    assert (subscription.pk, "Microsoft.Security/locations/jitNetworkAccessPolicies") in loading.unread(subscription.pk)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    unit.refresh_from_db()
    assert unit.verdict == Verdict.UNKNOWN
    changed = set(Finding.objects.filter(unit=unit, outcome="unknown").values_list("rule", flat=True))
    assert "CS-TWO-SLOTS-DYN" in changed, "whether there is a second deployment is not known any more"


def short(unit: Unit, *, by: object, available: object = 4) -> quota.Shortfall:
    need = quota.Need(
        subscription=unit.subscription_id, location=unit.region, provider=quota.COMPUTE, name="cores", amount=8
    )
    return quota.Shortfall(need=need, limit=10, current=6, reserved=0, available=available, short_by=by)


def test_quota_that_is_short_blocks_and_the_sums_are_kept_for_the_next_answer(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    unit = Unit.objects.get(name="small-net")
    assess([unit], now=clock(), by=BY, shortfalls={unit.key: (short(unit, by=4),)})
    blocked = finding(unit, "SUB-QUOTA-CORES")
    assert (blocked.outcome, blocked.evidence[0]["value"]) == ("yes", "needs 8, available 4")
    validated(unit, clock)
    assert finding(unit, "SUB-QUOTA-CORES").outcome == "yes", "an answer of Validate brings no sums, and loses none"
    assert unit.verdict == Verdict.BLOCKED
    assess([unit], now=clock(), by=BY, shortfalls={unit.key: ()})
    assert finding(unit, "SUB-QUOTA-CORES").outcome == "no"


def test_quota_nobody_can_judge_is_unknown_unless_something_is_short_for_certain(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    unit = Unit.objects.get(name="small-net")
    doubtful = short(unit, by=UNKNOWN, available=UNKNOWN)
    fine = short(unit, by=0, available=100)
    assess([unit], now=clock(), by=BY, shortfalls={unit.key: (doubtful, fine)})
    assert finding(unit, "SUB-QUOTA-CORES").outcome == "unknown"
    assess([unit], now=clock(), by=BY, shortfalls={unit.key: (doubtful, short(unit, by=12, available=-4))})
    blocked = finding(unit, "SUB-QUOTA-CORES")
    assert (blocked.outcome, blocked.evidence[0]["value"]) == ("yes", "needs 8, available 0")


LOOSE = ("nsg-loose", "rip-loose")


def loose(azure: Azure, clock: Clock) -> None:
    """A reserved address and a security group nothing uses: what only service management moves (azure.md 1.1)."""
    estate, area = builder("Loose ends")
    area.reserved("edge", "rip-loose", "westeurope")
    area.security_group("edge", "nsg-loose", "westeurope")
    area.storage("edge", "loosefiles", "westeurope")
    azure.begin(estate.estate())
    read(azure, clock)


def test_what_the_gateway_has_no_verbs_for_is_blocked_and_says_what_to_do(azure: Azure, clock: Clock) -> None:
    loose(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough(), movable=azure.gateway().movable())
    for name in LOOSE:
        unit = Unit.objects.get(name=name)
        assert (unit.verdict, unit.blockers) == (Verdict.BLOCKED, 1)
        said = finding(unit, "NET-SM-ONLY")
        assert "Resource Manager has no verbs for it" in said.sentence
        assert said.evidence[0]["value"].startswith("no verbs for Microsoft.ClassicNetwork/")
        assert "by hand" in queries.published(said)["remedy"]
    assert Unit.objects.get(name="loosefiles").verdict != Verdict.BLOCKED
    assert not Finding.objects.filter(unit__name="loosefiles", rule="NET-SM-ONLY").exists()


def test_a_gateway_that_has_the_verbs_ends_the_block_at_the_next_assessment(azure: Azure, clock: Clock) -> None:
    loose(azure, clock)
    told = azure.gateway().movable()
    assess(None, now=clock(), by=BY, shortfalls=enough(), movable=told)
    more = told | {ResourceType.RESERVED_ADDRESS}
    done = assess(None, now=clock(), by=BY, shortfalls=enough(), movable=more)
    assert done.changed == 1
    assert Unit.objects.get(name="rip-loose").verdict == Verdict.READY
    assert Unit.objects.get(name="nsg-loose").verdict == Verdict.BLOCKED


def test_whether_it_can_be_moved_is_unknown_until_somebody_said_and_then_remembered(azure: Azure, clock: Clock) -> None:
    loose(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    unit = Unit.objects.get(name="rip-loose")
    assert unit.verdict == Verdict.UNKNOWN
    assert "Syncing subscription" in finding(unit, "NET-SM-ONLY").settles
    assess([unit], now=clock(), by=BY, movable=frozenset())
    assert assess([unit], now=clock(), by=BY).changed == 0, "who is not told keeps to what was said last"
    unit.refresh_from_db()
    assert unit.verdict == Verdict.BLOCKED


def test_an_evaluation_that_was_overtaken_writes_nothing(azure: Azure, clock: Clock, monkeypatch) -> None:
    read(azure, clock)
    real = catalogue.evaluate

    def overtaken(unit, context):
        Unit.objects.filter(key=unit.key, name="small-net").update(changed_at=clock())
        return real(unit, context)

    monkeypatch.setattr(catalogue, "evaluate", overtaken)
    done = assess(None, now=clock(), by=BY)
    assert (done.units, done.changed) == (3, 2)
    assert set(Assessment.objects.values_list("unit__name", flat=True)) == SMALL_UNITS - {"small-net"}
    assert not Finding.objects.filter(unit__name="small-net").exists()


def test_a_rule_of_ours_that_fails_is_kept_with_the_assessment(azure: Azure, clock: Clock, monkeypatch, caplog) -> None:
    read(azure, clock)
    real = catalogue.evaluate

    def failing(unit, context) -> Evaluation:
        said = real(unit, context)
        error = RuleError("CS-BUSY", unit.key, ZeroDivisionError("division by zero"))
        return Evaluation(said.findings, said.verdict, said.score, said.deductions, (error,))

    monkeypatch.setattr(catalogue, "evaluate", failing)
    assess(None, now=clock(), by=BY)
    assert Assessment.objects.first().errors == [{"rule": "CS-BUSY", "error": "ZeroDivisionError('division by zero')"}]
    assert "rule CS-BUSY failed on" in caplog.text


def test_a_gone_unit_keeps_its_last_word(azure: Azure, clock: Clock) -> None:
    subscription = read(azure, clock)
    assess(None, now=clock(), by=BY)
    azure.drop("smallstore")
    azure.sync(subscription, clock)
    gone = Unit.objects.get(name="smallstore")
    before = versions()
    assert assess([gone], now=clock(), by=BY).units == 0
    assert versions() == before


def test_assessing_needs_a_constant_number_of_statements(azure: Azure, clock: Clock) -> None:
    def statements(count: int) -> int:
        estate, area = builder(f"Many {count}")
        for number in range(count):
            area.reserved("net", f"address-{number:04}", "westeurope")
        azure.begin(estate.estate())
        subscription = azure.subscribe(clock)
        inventory.sync(subscription, azure.gateway(), lambda: NOON, BY)
        units = list(Unit.objects.filter(subscription=subscription))
        assert len(units) == count
        with CaptureQueriesContext(connection) as captured:
            assert assess(units, now=clock(), by=BY, shortfalls=ENOUGH).changed == count
        return len(captured)

    know_catalogue(clock())
    assert statements(400) == statements(40), "over the whole subscription"
    assert statements(20) == statements(2), "of a few units, only what they look at"


# --- what is asked of it ----------------------------------------------------------------------------------------------


def test_the_findings_of_a_unit_come_by_effect_with_their_rules_in_one_query(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    unit = Unit.objects.get(name="small-net")
    with CaptureQueriesContext(connection) as captured:
        groups = queries.findings_of(unit)
    assert len(captured) == 1
    assert [group.effect for group in groups] == ["blocks", "downtime", "dropped", "changes", "info"]
    assert sum(len(group.all) for group in groups) == unit.findings.count()
    dropped = groups[2]
    assert "CS-AUTOSCALE" in {shown.finding.rule for shown in dropped.yes}
    assert all(shown.rule and shown.rule.id == shown.finding.rule for group in groups for shown in group.all)


def blocking(name: str, *rules: str) -> Unit:
    subscription, _ = Subscription.objects.get_or_create(pk="s", defaults={"name": "S"})
    unit = Unit.objects.create(
        key=name,
        azure_id=name,
        kind="network",
        name=name,
        subscription=subscription,
        first_seen_at=NOON,
        changed_at=NOON,
    )
    say(unit, rules)
    return unit


def say(unit: Unit, rules: Sequence[str], outcome: str = "yes") -> None:
    for rule in rules:
        for key in ("a", "b"):
            Finding.objects.create(
                unit=unit, rule=rule, effect="blocks", outcome=outcome, resource_key=key, resource_name=key, since=NOON
            )
    said = Finding.objects.filter(unit=unit).values_list("rule", "effect", "outcome")
    Unit.objects.filter(pk=unit.pk).update(open_rules=list(open_rules(said)))


def test_what_would_unblock_most_counts_units_that_nothing_else_blocks() -> None:
    blocking("1", "VNET-PEERING")
    blocking("2", "VNET-PEERING")
    blocking("3", "VNET-PEERING", "CS-BUSY")
    blocking("4", "CS-BUSY")
    blocking("5", "VNET-CIDR", "CS-BUSY")
    gone, excluded = blocking("6", "VNET-CIDR"), blocking("7", "VNET-CIDR")
    Unit.objects.filter(pk=gone.pk).update(gone_at=NOON)
    Unit.objects.filter(pk=excluded.pk).update(progress="excluded")
    say(Unit.objects.get(name="4"), ["VNET-CIDR"], "unknown")
    with CaptureQueriesContext(connection) as captured:
        found = queries.unblock()
    assert len(captured) == 1
    assert [(one.rule_id, one.frees, one.blocks) for one in found] == [
        ("VNET-PEERING", 2, 3),
        ("CS-BUSY", 1, 3),
        ("VNET-CIDR", 0, 1),
    ]
    assert [one.rule_id for one in queries.unblock(1)] == ["VNET-PEERING"]
    with CaptureQueriesContext(connection) as captured:
        rules = {one.rule.id: one for one in queries.rules()}
    assert len(captured) == 1
    assert (rules["CS-BUSY"].yes, rules["CS-BUSY"].frees) == (3, 1)
    assert (rules["VNET-CIDR"].yes, rules["VNET-CIDR"].unknown) == (1, 1)
    assert set(rules) >= {rule.id for rule in catalogue.CATALOGUE}


def test_a_rule_the_catalogue_no_longer_has_is_shown_without_its_metadata() -> None:
    unit = blocking("1", "OLD-RULE")
    (shown, _) = queries.findings_of(unit)[0].yes
    assert shown.rule is None
    assert queries.unblock()[0].rule is None
    assert queries.published(shown.finding)["remedy"] == ""


def test_the_digest_of_a_unit_changes_with_its_findings_and_only_with_them(azure: Azure, clock: Clock) -> None:
    subscription = read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    units = list(Unit.objects.all())
    first = queries.digests(units)
    assert set(first) == {unit.pk for unit in units}
    azure.document("/roles/Web")["properties"]["instanceCount"] = 1
    azure.edit(lambda listed: None)
    azure.sync(subscription, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    second = queries.digests(units)
    assert {unit.name for unit in units if first[unit.pk] != second[unit.pk]} == {"small-net"}
    assert finding(Unit.objects.get(name="small-net"), "CS-SINGLE-INSTANCE").outcome == "yes"


def test_an_answer_is_read_back_as_it_was_given(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    unit = Unit.objects.get(name="small-net")
    message = PlatformMessage(
        category=Category.WARNING, message="Look here.", resource_type="VirtualNetwork", resource_name="small-net"
    )
    at = clock()
    record_platform_answer(unit, verb=Verb.VALIDATE, messages=(message,), passed=True, by=BY, now=at)
    (answer,) = loading.answers([unit])[unit.pk].values()
    assert (answer.at, answer.passed, answer.messages) == (at, True, (message,))
    record_platform_answer(unit, verb=Verb.PREPARE, messages=(), passed=False, by=BY, now=at + timedelta(hours=1))
    assert set(loading.answers([unit])[unit.pk]) == {"validate", "prepare"}
    assert [row.verb for row in queries.platform_answers(unit)] == ["prepare", "validate"]
    assert loading.message({"category": "Strange", "message": "x"}).category is Category.ERROR

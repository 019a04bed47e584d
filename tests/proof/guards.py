"""Orders which the database refuses by itself, in the role the product works in, past the product's code.

Each order is one transaction on a plain connection: what has to be so before it (which the database must take), then
the order itself, which it must refuse with the expected SQLSTATE. Nothing of it is kept. A few honest orders must pass,
so that a database that refuses everything proves nothing.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from migrator.lifecycle import ALLOWED, OPERATION_ALLOWED, OperationState, State
from migrator.simulator import running
from tests.proof.database import own_connection
from tests.proof.registry import Line, Wish
from tests.tracker.runs.programme import Programme
from tracker.audit import actions as audit
from tracker.runs import actions as runs
from tracker.runs.actions import steps
from tracker.runs.queries import database_now

ATTEMPT = """
INSERT INTO tracker_attempt (id, operation_id, number, fence, approval_digest, event_id, armed_at, outcome, request_id,
                             correlation_id, excerpt)
SELECT gen_random_uuid(), o.id, o.sends + 1, r.fence + {fence}, {digest}, gen_random_uuid(), '2020-01-01', '', '',
       '', ''
  FROM tracker_operation o JOIN tracker_run r ON r.id = o.run_id WHERE o.id = %(operation)s
"""
ARM = ATTEMPT.format(fence=0, digest="o.approval_digest")
OPERATION = """
INSERT INTO tracker_operation (id, run_id, ask_id, verb, state, approval_digest, created_at, fence, sends, tries,
                               status_url, candidate, seen, why, error, messages, approval_id)
SELECT gen_random_uuid(), run_id, ask_id, '{verb}', 'ready', approval_digest, clock_timestamp(), 0, 0, 0,
       '', '', '{{}}', '', '{{}}', '[]', approval_id FROM tracker_operation WHERE id = %(operation)s
"""
ARM_NEWEST = ARM.replace(
    "WHERE o.id = %(operation)s",
    "WHERE o.run_id = %(run)s AND o.state = 'ready'",
)
ENDED = "UPDATE tracker_operation SET state = 'failed', ended_at = clock_timestamp() WHERE id = %(operation)s"
RESOLVED = "UPDATE tracker_attempt SET resolved_at = clock_timestamp(), outcome = 'unknown' WHERE resolved_at IS NULL"
DECISION = """
INSERT INTO tracker_decision (approval_id, approver_id, approved, digest, reason, decided_at)
VALUES (%(open_approval)s, {person}, TRUE, {digest}, '', clock_timestamp())
"""
RUN = """
INSERT INTO tracker_run (id, unit_id, wave_id, state, started_by, started_at, outcome, members, fence, attention,
                         waiting_code, waiting_for, checks)
SELECT gen_random_uuid(), unit_id, wave_id, 'planned', 'x', clock_timestamp(), '', '[]', 0, '', '', '', 0
  FROM tracker_run WHERE id = %(run)s
"""
OPEN_DIGEST = "(SELECT digest FROM tracker_approval WHERE id = %(open_approval)s)"


@dataclass(frozen=True, slots=True)
class Order:
    name: str
    code: str  # SQLSTATE; empty: an honest order, which must pass
    sql: str
    before: tuple[str, ...] = ()


def stop(scope: str) -> str:
    return (
        f"INSERT INTO tracker_freeze (scope, frozen, reason, changed_by, lift_asked_by, kept)"
        f" VALUES ({scope}, TRUE, 'incident', 'user:p-maya', '', '')"
        " ON CONFLICT (scope) DO UPDATE SET frozen = TRUE, reason = 'incident', lift_asked_by = ''"
    )


def planned(scope: str, begins: str = "-1 hour", ends: str = "1 hour") -> str:
    return (
        "INSERT INTO tracker_plannedfreeze (scope, begins_at, ends_at, zone, begins_said, ends_said, reason,"
        " planned_by, planned_at, withdrawal_asked_by, withdrawn_by, withdrawal_reason)"
        f" VALUES ({scope}, clock_timestamp() + interval '{begins}', clock_timestamp() + interval '{ends}', 'UTC', '',"
        " '', 'quarter end', 'user:p-maya', clock_timestamp(), '', '', '')"
    )


SHUT = "UPDATE tracker_window SET closes_at = clock_timestamp() - interval '1 s' WHERE wave_id = %(wave)s"
WITHDRAW = "UPDATE tracker_plannedfreeze SET withdrawn_at = clock_timestamp(), withdrawn_by = 'user:p-maya'"


def spoil(what: str) -> str:
    return f"UPDATE tracker_approval SET {what} WHERE id = %(approval)s"


HONEST = (
    Order("the approved commit is armed", "", ARM),
    Order("an abort that was asked for instead is armed", "", ARM_NEWEST, (ENDED, OPERATION.format(verb="abort"))),
    Order(
        "an abort is armed outside every window and inside a planned freeze",
        "",
        ARM_NEWEST,
        (SHUT, planned("'all'"), ENDED, OPERATION.format(verb="abort")),
    ),
    Order("the commit is armed before a planned freeze begins", "", ARM, (planned("'all'", "1 hour", "2 hours"),)),
    Order("the commit is armed when the freeze of another wave goes on", "", ARM, (planned("'wave:0'"),)),
    Order("one person withdraws a freeze that has not begun", "", WITHDRAW, (planned("'all'", "1 hour", "2 hours"),)),
    Order("another person decides", "", DECISION.format(person="%(aiko)s", digest=OPEN_DIGEST)),
    Order(
        "two people lift a freeze",
        "",
        "UPDATE tracker_freeze SET frozen = FALSE, lift_asked_by = '', changed_by = 'user:p-aiko' WHERE scope = 'all'",
        (stop("'all'"), "UPDATE tracker_freeze SET lift_asked_by = 'user:p-tomas' WHERE scope = 'all'"),
    ),
)
ARMING = (
    Order(
        "arm without any approval",
        "P0F05",
        ARM_NEWEST,
        (ENDED, OPERATION.format(verb="commit").replace("approval_id FROM", "NULL FROM")),
    ),
    Order(
        "arm with the approval of another run",
        "P0F05",
        ARM_NEWEST,
        (ENDED, OPERATION.format(verb="commit").replace("approval_id FROM", "%(open_approval)s FROM")),
    ),
    Order(
        "arm with the approval of the wave",
        "P0F05",
        ARM_NEWEST,
        (ENDED, OPERATION.format(verb="commit").replace("approval_id FROM", "%(wave_approval)s FROM")),
    ),
    Order("arm with a voided approval", "P0F05", ARM, (spoil("voided_at = clock_timestamp(), void_reason = 'x'"),)),
    Order(
        "arm with a rejected approval",
        "P0F05",
        ARM,
        (
            "INSERT INTO tracker_decision (approval_id, approver_id, approved, digest, reason, decided_at) SELECT id,"
            " %(vera)s, FALSE, digest, 'no', clock_timestamp() FROM tracker_approval WHERE id = %(approval)s",
        ),
    ),
    Order(
        "arm with a revoked approval",
        "P0F05",
        ARM,
        ("UPDATE tracker_decision SET revoked_at = clock_timestamp() WHERE approval_id = %(approval)s",),
    ),
    Order(
        "arm when the approver has left",
        "P0F05",
        ARM,
        ("UPDATE tracker_user SET is_active = FALSE WHERE id = %(aiko)s",),
    ),
    Order(
        "arm when the approver is no engineer any more",
        "P0F05",
        ARM,
        ("DELETE FROM tracker_rolegrant WHERE user_id = %(aiko)s AND role = 'engineer'",),
    ),
    Order(
        "arm when the approver became an auditor",
        "P0F05",
        ARM,
        ("UPDATE tracker_rolegrant SET role = 'auditor' WHERE user_id = %(aiko)s",),
    ),
    Order("arm with another digest than was approved", "P0F05", ATTEMPT.format(fence=0, digest="repeat('0', 64)")),
    Order("arm with no digest", "P0F05", ATTEMPT.format(fence=0, digest="''")),
    Order(
        "arm an operation of another digest",
        "P0F05",
        ARM_NEWEST,
        (
            ENDED,
            OPERATION.format(verb="commit").replace(
                "ask_id, 'commit', 'ready', approval_digest", "ask_id, 'commit', 'ready', repeat('0', 64)"
            ),
        ),
    ),
    Order("arm during a freeze of everything", "P0F01", ARM, (stop("'all'"),)),
    Order("arm during a freeze of the subscription", "P0F01", ARM, (stop("'subscription:' || %(subscription)s"),)),
    Order("arm during a freeze of the verb", "P0F01", ARM, (stop("'verb:commit'"),)),
    Order("arm during a freeze of the region", "P0F01", ARM, (stop("'region:westeurope'"),)),
    Order("arm during a freeze of the wave", "P0F01", ARM, (stop("'wave:' || %(wave)s"),)),
    Order("arm a commit outside every window", "P0F21", ARM, (SHUT,)),
    Order(
        "arm a commit before the window opens", "P0F21", ARM, (SHUT.replace("closes_at", "opens_at").replace("-", "+"),)
    ),
    Order("arm a commit without a window", "P0F21", ARM, ("DELETE FROM tracker_window WHERE wave_id = %(wave)s",)),
    Order("arm a prepare outside every window", "P0F21", ARM_NEWEST, (SHUT, ENDED, OPERATION.format(verb="prepare"))),
    *(
        Order(f"arm inside a planned freeze of {words}", "P0F22", ARM, (planned(scope),))
        for words, scope in {
            "everything": "'all'",
            "the subscription": "'subscription:' || %(subscription)s",
            "the region": "'region:westeurope'",
            "the wave": "'wave:' || %(wave)s",
            "the verb": "'verb:commit'",
        }.items()
    ),
    Order("arm a run on hold", "P0F01", ARM, ("UPDATE tracker_run SET held_at = now() WHERE id = %(run)s",)),
    Order(
        "arm while the line is stopped",
        "P0F01",
        ARM,
        ("UPDATE tracker_wave SET stopped_at = now(), stop_reason = 'x' WHERE id = %(wave)s",),
    ),
    Order(
        "arm when the stop switch is gone",
        "P0F01",
        ARM,
        ("ALTER TABLE tracker_freeze DISABLE TRIGGER USER", "DELETE FROM tracker_freeze"),
    ),
    Order("arm with an older fence", "P0F02", ATTEMPT.format(fence=-1, digest="o.approval_digest")),
    Order("arm with a fence nobody has", "P0F02", ATTEMPT.format(fence=1, digest="o.approval_digest")),
    Order("arm without a lease", "P0F02", ARM, ("UPDATE tracker_run SET lease_until = NULL WHERE id = %(run)s",)),
    Order(
        "arm with a lease that ran out",
        "P0F02",
        ARM,
        ("UPDATE tracker_run SET lease_until = clock_timestamp() - interval '1 s' WHERE id = %(run)s",),
    ),
    Order("arm twice", "P0F02", ARM, (ARM,)),
    Order("arm what is held", "P0F02", ARM, ("UPDATE tracker_operation SET state = 'held' WHERE id = %(operation)s",)),
    Order(
        "arm what is in doubt",
        "P0F02",
        ARM,
        ("UPDATE tracker_operation SET state = 'unknown' WHERE id = %(operation)s",),
    ),
    Order(
        "arm for a run that ended",
        "P0F02",
        ARM,
        ("UPDATE tracker_run SET ended_at = now(), outcome = 'cancelled' WHERE id = %(run)s",),
    ),
    Order(
        "arm a commit of a run that is not prepared",
        "P0F04",
        ARM,
        ("UPDATE tracker_run SET state = 'aborting' WHERE id = %(run)s",),
    ),
    Order(
        "arm an abort after a commit was armed",
        "P0F03",
        ARM_NEWEST,
        (ARM, RESOLVED, ENDED, OPERATION.format(verb="abort")),
    ),
    Order(
        "arm a second attempt beside an open one",
        "23505",
        ARM,
        (ARM, "UPDATE tracker_operation SET state = 'ready' WHERE id = %(operation)s"),
    ),
)
MOVES = (
    *(
        Order(
            f"move a prepared run to {state}", "P0001", f"UPDATE tracker_run SET state = '{state}' WHERE id = %(run)s"
        )
        for state in State
        if state not in ALLOWED[State.PREPARED] and state is not State.PREPARED
    ),
    *(
        Order(
            f"move a failed operation to {state}",
            "P0001",
            f"UPDATE tracker_operation SET state = '{state}' WHERE id = %(operation)s",
            (ENDED,),
        )
        for state in OperationState
        if state not in OPERATION_ALLOWED[OperationState.FAILED] and state is not OperationState.FAILED
    ),
    Order(
        "send without an attempt", "P0F14", "UPDATE tracker_operation SET state = 'sending' WHERE id = %(operation)s"
    ),
    Order(
        "declare a commit armed by hand",
        "P0F11",
        "UPDATE tracker_run SET commit_armed_at = clock_timestamp() WHERE id = %(run)s",
    ),
    Order(
        "take the point of no return back",
        "P0F11",
        "UPDATE tracker_run SET commit_armed_at = NULL WHERE id = %(run)s",
        (ARM,),
    ),
    Order(
        "date the point of no return anew",
        "P0F11",
        "UPDATE tracker_run SET commit_armed_at = clock_timestamp() + interval '1 day' WHERE id = %(run)s",
        (ARM,),
    ),
    Order("lower the fence", "P0F12", "UPDATE tracker_run SET fence = fence - 1 WHERE id = %(run)s"),
    Order(
        "move a run that ended",
        "P0F13",
        "UPDATE tracker_run SET state = 'committing' WHERE id = %(run)s",
        ("UPDATE tracker_run SET ended_at = now(), outcome = 'cancelled' WHERE id = %(run)s",),
    ),
    Order(
        "wake a run that ended",
        "P0F13",
        "UPDATE tracker_run SET ended_at = NULL, outcome = '' WHERE id = %(run)s",
        ("UPDATE tracker_run SET ended_at = now(), outcome = 'cancelled' WHERE id = %(run)s",),
    ),
    Order(
        "tell the end of a run anew",
        "P0F13",
        "UPDATE tracker_run SET outcome = 'aborted' WHERE id = %(run)s",
        ("UPDATE tracker_run SET ended_at = now(), outcome = 'cancelled' WHERE id = %(run)s",),
    ),
    Order("end a run without an outcome", "23514", "UPDATE tracker_run SET ended_at = now() WHERE id = %(run)s"),
    Order("give a run to another unit", "P0F15", "UPDATE tracker_run SET unit_id = %(other_unit)s WHERE id = %(run)s"),
    Order("make a commit of an abort", "P0F15", "UPDATE tracker_operation SET verb = 'abort' WHERE id = %(operation)s"),
    Order(
        "give an operation to another run",
        "P0F15",
        "UPDATE tracker_operation SET run_id = %(other_run)s WHERE id = %(operation)s",
    ),
    Order(
        "put another approval under an operation",
        "P0F15",
        "UPDATE tracker_operation SET approval_id = %(open_approval)s WHERE id = %(operation)s",
    ),
    Order(
        "put another digest under an operation",
        "P0F15",
        "UPDATE tracker_operation SET approval_digest = '' WHERE id = %(operation)s",
    ),
    Order(
        "forget that it was sent", "P0F15", "UPDATE tracker_operation SET sends = 0 WHERE id = %(operation)s", (ARM,)
    ),
    Order("a second live run of a unit", "23505", RUN),
    Order("a second live operation of a run", "23505", OPERATION.format(verb="abort")),
    Order("date an attempt back", "P0F15", "UPDATE tracker_attempt SET armed_at = '2020-01-01'", (ARM,)),
    Order("open an attempt again", "P0F15", "UPDATE tracker_attempt SET resolved_at = NULL", (ARM, RESOLVED)),
    Order("answer an attempt twice", "P0F15", "UPDATE tracker_attempt SET outcome = 'refused'", (ARM, RESOLVED)),
)
DECIDING = (
    Order("end a planned freeze alone", "P0F16", WITHDRAW, (planned("'all'"),)),
    Order(
        "end a planned freeze by asking twice",
        "P0F16",
        WITHDRAW,
        (planned("'all'"), "UPDATE tracker_plannedfreeze SET withdrawal_asked_by = 'user:p-maya'"),
    ),
    Order(
        "move a planned freeze",
        "P0F23",
        "UPDATE tracker_plannedfreeze SET ends_at = ends_at - interval '30 min'",
        (planned("'all'"),),
    ),
    Order("take a planned freeze out", "P0001", "DELETE FROM tracker_plannedfreeze", (planned("'all'"),)),
    Order("the requester approves", "P0F08", DECISION.format(person="%(tomas)s", digest=OPEN_DIGEST)),
    Order("the last editor approves", "P0F08", DECISION.format(person="%(maya)s", digest=OPEN_DIGEST)),
    Order(
        "decide twice",
        "23505",
        DECISION.format(person="%(aiko)s", digest=OPEN_DIGEST),
        (DECISION.format(person="%(aiko)s", digest=OPEN_DIGEST),),
    ),
    Order("approve another digest", "P0F09", DECISION.format(person="%(aiko)s", digest="repeat('0', 64)")),
    Order(
        "approve what was voided",
        "P0F09",
        DECISION.format(person="%(aiko)s", digest=OPEN_DIGEST),
        ("UPDATE tracker_approval SET voided_at = now(), void_reason = 'x' WHERE id = %(open_approval)s",),
    ),
    Order(
        "reject without a reason",
        "23514",
        DECISION.format(person="%(aiko)s", digest=OPEN_DIGEST).replace("TRUE", "FALSE"),
    ),
    Order("make a yes of a no", "P0F10", "UPDATE tracker_decision SET approved = NOT approved, reason = 'x'"),
    Order("give a decision to somebody else", "P0F10", "UPDATE tracker_decision SET approver_id = %(vera)s"),
    Order(
        "take a revocation back",
        "P0F10",
        "UPDATE tracker_decision SET revoked_at = NULL",
        ("UPDATE tracker_decision SET revoked_at = clock_timestamp()",),
    ),
    Order("change what was approved", "P0F07", spoil("body = '{}'")),
    Order("change the digest of an approval", "P0F07", spoil("digest = repeat('0', 64)")),
    Order("change who asked", "P0F07", spoil("requester_id = %(vera)s")),
    Order("need fewer people", "P0F07", spoil("needed = 0")),
    Order("prolong an approval", "P0F07", spoil("expires_at = expires_at + interval '1 day'")),
    Order(
        "un-void an approval",
        "P0F07",
        spoil("voided_at = NULL, void_reason = ''"),
        (spoil("voided_at = clock_timestamp(), void_reason = 'x'"),),
    ),
    Order(
        "two open approvals of one commit",
        "23505",
        "INSERT INTO tracker_approval (kind, wave_id, unit_id, run_id, body, digest, requester_id, editor_id, needed,"
        " requested_at, expires_at, void_reason) SELECT kind, wave_id, unit_id, run_id, body, digest, requester_id,"
        " editor_id, needed, requested_at, expires_at, '' FROM tracker_approval WHERE id = %(approval)s",
    ),
    Order(
        "one person lifts a freeze",
        "P0F16",
        "UPDATE tracker_freeze SET frozen = FALSE, changed_by = 'user:p-tomas' WHERE scope = 'all'",
        (stop("'all'"),),
    ),
    Order(
        "the one who asked lifts a freeze",
        "P0F16",
        "UPDATE tracker_freeze SET frozen = FALSE, lift_asked_by = '', changed_by = 'user:p-tomas' WHERE scope = 'all'",
        (stop("'all'"), "UPDATE tracker_freeze SET lift_asked_by = 'user:p-tomas' WHERE scope = 'all'"),
    ),
    Order(
        "remove a freeze", "P0001", "DELETE FROM tracker_freeze WHERE scope = 'verb:commit'", (stop("'verb:commit'"),)
    ),
    Order("remove the stop switch", "P0001", "DELETE FROM tracker_freeze WHERE scope = 'all'"),
)
KEPT = ("run", "operation", "attempt", "approval", "decision", "freeze", "plannedfreeze")  # not deleted, not emptied


def kept(connection: psycopg.Connection[Any]) -> list[Order]:
    """Deleting and emptying what stays, and changing what is only appended to: asked of the catalogue, so that a table
    that is added later is ordered around too."""
    found = connection.execute(
        "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE t.tgname LIKE 'pgtrigger_append_only%' ORDER BY 1"
    ).fetchall()
    orders = []
    for (table,) in found:
        column = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' ORDER BY attnum LIMIT 1 OFFSET 1", [table],
        ).fetchone()  # fmt: skip
        orders += [
            Order(f"change {table}", "P0F06", f'UPDATE {table} SET "{column[0]}" = "{column[0]}"'),
            Order(f"delete from {table}", "P0F06", f"DELETE FROM {table}"),
            Order(f"empty {table}", "P0F06", f"TRUNCATE {table} CASCADE"),
        ]
    for name in KEPT:
        before = {"attempt": (ARM,), "plannedfreeze": (planned("'all'"),)}.get(name, ())
        orders.append(Order(f"delete from tracker_{name}", "P0001", f"DELETE FROM tracker_{name}", before))
        orders.append(Order(f"empty tracker_{name}", "P0F06", f"TRUNCATE tracker_{name} CASCADE"))
    return orders


def world(programme: Programme) -> dict[str, Any]:
    """Committed: a prepared run with an approved commit that is claimed and ready, and another run beside it whose
    commit waits for its approver. The ids the orders name."""
    from tracker.accounts.models import User
    from tracker.accounts.permissions import Role
    from tracker.followups.models import AcceptedGap
    from tracker.readiness.models import PlatformAnswer, SettledAnswer
    from tracker.runs.models import Ask, Operation, Overrun, Run
    from tracker.waves.models import Approval

    programme.begin()
    vera = User.objects.filter(username="vera").first() or programme.person("vera", Role.ENGINEER)
    other = programme.prepared("shopfiles")
    waiting = runs.request_commit(other, by=programme.tomas, now=database_now())
    run = programme.committing("shop-net")
    claimed = steps._claim(str(run.pk), programme.timings)
    operation = steps._next_operation(claimed.run(), database_now())
    Run.objects.filter(pk=run.pk).update(lease_until="2999-01-01T00:00:00Z")
    audit.sequence(database_now())
    assert Operation.objects.get(pk=operation.pk).state == "ready"
    assert Ask.objects.exists()
    now, reason = database_now(), "one row of each table"
    Overrun.objects.create(run=run, verb="commit", by="user:p-tomas", at=now, reason=reason)
    AcceptedGap.objects.create(
        unit=run.unit, run=run.pk, missing=[{"sentence": reason}], by="user:p-tomas", at=now, reason=reason
    )
    SettledAnswer.objects.create(answer=PlatformAnswer.objects.earliest("pk"), at=now, why=reason)
    return {
        "run": run.pk,
        "other_run": other.pk,
        "operation": operation.pk,
        "approval": operation.approval_id,
        "open_approval": waiting.pk,
        "wave_approval": Approval.objects.get(kind="wave", wave=run.wave).pk,
        "wave": run.wave_id,
        "other_unit": programme.unit("legacy-net").pk,
        "subscription": run.unit.subscription_id,
        "maya": programme.maya.pk,
        "tomas": programme.tomas.pk,
        "aiko": programme.aiko.pk,
        "vera": vera.pk,
    }


def outcome(connection: psycopg.Connection[Any], order: Order, ids: Mapping[str, Any]) -> str:
    """The SQLSTATE an order ended with, empty when it passed; always rolled back. Raises psycopg.Error when what has to
    be so before it was refused."""
    with connection.transaction(force_rollback=True):
        for sql in order.before:
            connection.execute(sql, ids)
        try:
            with connection.transaction():
                done = connection.execute(order.sql, ids)
                if done.rowcount == 0:
                    return "nothing to change"
        except psycopg.Error as error:
            return error.sqlstate or type(error).__name__
    return ""


def tried(connection: psycopg.Connection[Any], ids: Mapping[str, Any]) -> Iterator[tuple[str, Order, str]]:
    """(group, order, SQLSTATE) of every order."""
    groups = {
        "arming a commit": ARMING,
        "moves, runs, operations, attempts": MOVES,
        "approvals and freezes": DECIDING,
        "what is kept": kept(connection),
        "honest orders that pass": HONEST,
    }
    for group, orders in groups.items():
        for order in orders:
            yield group, order, outcome(connection, order, ids)


def prove(wish: Wish) -> Iterator[Line]:
    with running.simulator(scenario="journey", speed=600) as simulator:
        programme = Programme(simulator)
        ids = world(programme)
        programme.close()
    began = time.monotonic()
    counts: dict[str, list[str]] = {}
    with own_connection() as connection:
        for group, order, code in tried(connection, ids):
            wrong = f"{order.name}: {code or 'passed'}, expected {order.code or 'to pass'}"
            counts.setdefault(group, []).append("" if code == order.code else wrong)
            wish.say(
                f"    {order.code or 'passes'}  {order.name}" + ("" if code == order.code else f"   WRONG: {code}")
            )
        role = connection.execute("SELECT current_user, usesuper FROM pg_user WHERE usename = current_user").fetchone()
    for group, found in counts.items():
        note = f"as {role[0]}, {'a SUPERUSER' if role[1] else 'no superuser'}"
        yield Line(group, len(found), "orders", time.monotonic() - began, [w for w in found if w], note)
        began = time.monotonic()

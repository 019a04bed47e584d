"""A programme under way over the estate: sixty waves, a fifth of the units in them, runs, follow-ups, approvals."""

from datetime import timedelta

from django.db import connection

from tests.benchmarks.data.seed import person
from tracker.runs.queries import database_now
from tracker.waves import queries as waves
from tracker.waves import seals
from tracker.waves.models import Approval, Decision, Wave, Window

WAVES, OVER, RUNNING = 60, 20, 5  # the first are over, then come those whose window is open


def plan() -> None:
    """Rows as the engine and people would have left them; approvals are sealed over the real bodies of their waves."""
    listed = _waves()
    with connection.cursor() as cursor:
        values = {"first": listed[0].pk, "waves": WAVES, "over": OVER, "running": OVER + RUNNING}
        by = {"planner": person("maya").pk, "engineer": person("tomas").actor.key}
        cursor.execute(_PLACED, values)
        for statement in (_PLACEMENTS, _UNITS, _RESERVATIONS, _RUNS, _ASKS, _OPERATIONS, _TRANSITIONS, _FOLLOW_UPS):
            cursor.execute(statement, values | by)
    for wave in listed[OVER : OVER + RUNNING + 5]:
        _approved(wave)


def _waves() -> list[Wave]:
    now, maya = database_now(), person("maya")
    day = timedelta(days=1)
    made = []
    for number in range(WAVES):
        opens = now + (number - OVER) * 4 * day - 6 * day * (number < OVER) + 2 * day * (number >= OVER + RUNNING)
        if OVER <= number < OVER + RUNNING:
            opens = now - timedelta(hours=2 + number)
        wave = Wave.objects.create(
            name=f"Wave {number + 1:02}", purpose="A part of the estate", owner="Maya Lindqvist",
            created_by=maya, created_at=now - 140 * day, edited_by=maya, edited_at=now - 30 * day,
        )  # fmt: skip
        Window.objects.create(wave=wave, opens_at=opens, closes_at=opens + 2 * day)
        made.append(wave)
    return made


def _approved(wave: Wave) -> None:
    now = database_now()
    body = seals.canonical(waves.wave_body(wave))
    approval = Approval.objects.create(
        kind=Approval.Kind.WAVE, wave=wave, body=body, digest=seals.seal(body), requester=person("maya"),
        editor=person("maya"), needed=1, requested_at=now - timedelta(days=2), expires_at=now + timedelta(days=28),
    )  # fmt: skip
    Decision.objects.create(
        approval=approval, approver=person("aiko"), approved=True, digest=approval.digest, decided_at=now
    )


# A fifth of the units; only what is ready was placed. Its wave says where it is.
_PLACED = """
CREATE TEMP TABLE placed AS
SELECT u.id, u.subscription_id, u.region, %(first)s + wave AS wave, md5('run' || u.id)::uuid AS run,
       now() - interval '100 days' + part * interval '90 days' AS started,
       CASE WHEN wave < %(over)s THEN (ARRAY['closed', 'closed', 'closed', 'verified', 'committed'])[1 + floor(part * 5)::int]
            WHEN wave < %(running)s THEN (ARRAY['planned', 'planned', 'validated', 'validated', 'validated', 'prepared',
                 'prepared', 'committed', 'verified', 'closed'])[1 + floor(part * 10)::int]
            ELSE 'planned' END AS progress
  FROM (SELECT *, (('x' || substr(md5('wave' || id), 1, 8))::bit(32)::bigint & 2147483647) / 2147483648.0 AS luck,
               (('x' || substr(md5('part' || id), 1, 8))::bit(32)::bigint & 2147483647) / 2147483648.0 AS part,
               (id * 7919) %% %(waves)s AS wave
          FROM tracker_unit WHERE verdict IN ('ready', 'ready with change') AND progress = 'assessed' AND gone_at IS NULL) u
 WHERE luck < 0.35;
CREATE INDEX ON placed (id);
ANALYZE placed;
"""
_PLACEMENTS = """
INSERT INTO tracker_placement (wave_id, unit_id, placed_by_id, placed_at)
SELECT wave, id, %(planner)s, now() - interval '120 days' FROM placed ORDER BY id
"""
_UNITS = """
UPDATE tracker_unit u SET progress = p.progress,
       locked_since = CASE WHEN p.progress = 'prepared' THEN now() - interval '3 hours' END,
       gone_at = CASE WHEN p.progress IN ('committed', 'verified', 'closed') THEN p.started + interval '1 day' END
  FROM placed p WHERE p.id = u.id
"""
_RESERVATIONS = """
INSERT INTO tracker_reservation (unit_id, subscription_id, region, provider, name, amount, reserved_at)
SELECT id, subscription_id, coalesce(nullif(region, ''), 'westeurope'), 'compute', name, 2 + id %% 7,
       now() - interval '120 days'
  FROM placed CROSS JOIN unnest(ARRAY['cores', 'standardDv2Family']) AS name
 WHERE progress IN ('planned', 'validated', 'prepared')
"""
_RUNS = """
INSERT INTO tracker_run (id, unit_id, wave_id, state, started_by, started_at, ended_at, outcome, members, due_at, enqueued_at,
       fence, lease_until, commit_armed_at, held_at, attention, attention_since, waiting_code, waiting_for, unknown_since,
       checked_at, checks)
SELECT run, id, wave, progress, %(engineer)s, started,
       CASE WHEN progress = 'closed' THEN started + interval '2 days' END,
       CASE WHEN progress = 'closed' THEN 'closed' ELSE '' END, '[]', NULL, NULL, 9, NULL,
       CASE WHEN progress IN ('committed', 'verified', 'closed') THEN started + interval '1 day' END, NULL,
       CASE WHEN progress = 'prepared' AND id %% 40 = 0 THEN 'A difference is not documented; look at the comparison.' ELSE '' END,
       CASE WHEN progress = 'prepared' AND id %% 40 = 0 THEN now() - interval '1 hour' END,
       CASE WHEN progress = 'prepared' THEN 'approval' ELSE '' END,
       CASE WHEN progress = 'prepared' THEN 'Waits for the approval of its commit.' ELSE '' END, NULL, NULL, 0
  FROM placed WHERE progress <> 'planned' ORDER BY started
"""
_ASKS = """
INSERT INTO tracker_ask (run_id, verb, by, by_id, at, reason, seal)
SELECT run, verb, %(engineer)s, NULL, started, '', '' FROM placed CROSS JOIN unnest(ARRAY['validate', 'prepare', 'commit']) AS verb
 WHERE progress IN ('committed', 'verified', 'closed') OR (progress = 'prepared' AND verb <> 'commit')
    OR (progress = 'validated' AND verb = 'validate')
"""
_OPERATIONS = """
INSERT INTO tracker_operation (id, run_id, ask_id, verb, state, approval_id, approval_digest, created_at, ended_at, fence,
       armed_at, sends, tries, status_url, candidate, candidate_at, seen, why, error, messages)
SELECT md5('operation' || a.id)::uuid, a.run_id, a.id, a.verb, 'succeeded', NULL, '', a.at, a.at + interval '10 minutes', 3,
       a.at, 1, 2, '', '', NULL, '{}', 'The platform says so and both sides show it.', '{}', '[]'
  FROM tracker_ask a JOIN placed p ON p.run = a.run_id
"""
_TRANSITIONS = """
INSERT INTO tracker_transition (run_id, before, after, at, because, operation_id, event_id)
SELECT run, step.before, step.after, started + step.place * interval '4 hours', 'Both sides were read.', NULL,
       md5(run::text || step.place)::uuid
  FROM placed CROSS JOIN (VALUES (1, 'planned', 'validated'), (2, 'validated', 'preparing'), (3, 'preparing', 'prepared'),
       (4, 'prepared', 'committing'), (5, 'committing', 'committed'), (6, 'committed', 'verified'), (7, 'verified', 'closed'))
       AS step(place, before, after)
 WHERE step.place <= CASE progress WHEN 'validated' THEN 1 WHEN 'prepared' THEN 3 WHEN 'committed' THEN 5
                                   WHEN 'verified' THEN 6 WHEN 'closed' THEN 7 ELSE 0 END
 ORDER BY 4
"""
_FOLLOW_UPS = """
INSERT INTO tracker_followup (unit_id, captured_id, identity, kind, title, state, rules, sources, was, notes, new_target, basis,
       answers, stage, sent, owner, opened_at, wanted_by, wanted_at, applied_at, probed_at, probe_says, closed_at, closed_how,
       last_error, tries, due_at, lease_until)
SELECT id, NULL, md5(kind || id) || md5(id || kind), kind, 'Rebuild what the platform dropped: ' || kind,
       CASE WHEN progress <> 'committed' THEN 'closed' ELSE 'open' END, '["F-RBAC-GRANT"]', '[]', '["Reader for a group"]',
       '[]', '', '{}', '{}', 0, false, '', started + interval '1 day', '', NULL, NULL, NULL, '[]',
       CASE WHEN progress <> 'committed' THEN started + interval '2 days' END,
       CASE WHEN progress <> 'committed' THEN 'seen' ELSE '' END, '', 1, NULL, NULL
  FROM placed CROSS JOIN unnest(ARRAY['role-assignment', 'metric-alert', 'autoscale']) AS kind
 WHERE progress IN ('committed', 'verified', 'closed')
"""

"""A programme for the machine: people, an estate that was read, waves; the database's clock and the simulator's, moved
together; and one look at everything the engine wrote."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from migrator.lifecycle import LIVE
from migrator.simulator.running import Running
from tests.proof.model import Model, WaveFacts
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Wave

# A clock that can be moved, found before PostgreSQL's own by every statement and trigger that names none.
_CLOCK = """
CREATE SCHEMA proof;
CREATE FUNCTION proof.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT pg_catalog.clock_timestamp() + current_setting('proof.ahead')::interval $$;
SELECT set_config('proof.ahead', '0', TRUE), set_config('search_path', 'proof, pg_catalog, public', TRUE);
"""
_LOOK = """
SELECT json_build_object(
 'now', clock_timestamp(),
 'runs', (SELECT coalesce(json_object_agg(r.id, json_build_object(
    'id', r.id, 'unit', u.name, 'wave', w.name, 'state', r.state,
    'scopes', json_build_array('subscription:' || u.subscription_id, 'wave:' || w.id,
                               'region:' || lower(replace(u.region, ' ', ''))),
    'overruns', (SELECT coalesce(json_agg(x.verb), '[]') FROM tracker_overrun x WHERE x.run_id = r.id),
    'fence', r.fence, 'commit_armed_at', r.commit_armed_at, 'held_at', r.held_at, 'ended_at', r.ended_at,
    'outcome', r.outcome, 'due_at', r.due_at, 'lease_until', r.lease_until, 'attention', r.attention,
    'progress', u.progress, 'compared', EXISTS (SELECT 1 FROM tracker_comparison c WHERE c.run_id = r.id),
    'open_ends', (SELECT count(*) FROM tracker_difference d WHERE d.run_id = r.id
                  AND d.kind IN ('unexpected', 'unread') AND d.disposed_at IS NULL),
    'waiting', EXISTS (SELECT 1 FROM tracker_ask a WHERE a.run_id = r.id AND a.verb NOT IN ('hold', 'resume', 'cancel')
                  AND NOT EXISTS (SELECT 1 FROM tracker_operation o WHERE o.ask_id = a.id)),
    'content', md5(concat_ws('|',
       (SELECT string_agg(concat(opens_at, closes_at), ',' ORDER BY opens_at) FROM tracker_window x
         WHERE x.wave_id = w.id),
       (SELECT concat(c.digest, c.complete) FROM tracker_capture c WHERE c.unit_id = u.id ORDER BY at DESC LIMIT 1),
       (SELECT count(*) FROM tracker_capturedsetting c WHERE c.unit_id = u.id),
       (SELECT a.digest FROM tracker_assessment a WHERE a.unit_id = u.id ORDER BY at DESC LIMIT 1),
       (SELECT string_agg(concat_ws('/', classic_key, arm_key, field, kind, disposition, disposed_by), ',' ORDER BY id)
          FROM tracker_difference d WHERE d.run_id = r.id AND kind IN ('unexpected', 'unread')),
       (SELECT digest FROM tracker_comparison c WHERE c.run_id = r.id), w.name, u.verdict, r.members,
       CASE WHEN r.commit_armed_at IS NULL THEN r.state END))
  )), '{}') FROM tracker_run r JOIN tracker_unit u ON u.id = r.unit_id JOIN tracker_wave w ON w.id = r.wave_id),
 'operations', (SELECT coalesce(json_object_agg(o.id, json_build_object(
    'id', o.id, 'run', o.run_id, 'verb', o.verb, 'state', o.state, 'sends', o.sends, 'created_at', o.created_at,
    'took', extract(epoch FROM o.ended_at - o.armed_at), 'approval', o.approval_id, 'seen', o.seen,
    'attempts', (SELECT count(*) FROM tracker_attempt t WHERE t.operation_id = o.id),
    'open', (SELECT count(*) FROM tracker_attempt t WHERE t.operation_id = o.id AND t.resolved_at IS NULL)
  )), '{}') FROM tracker_operation o),
 'attempts', (SELECT coalesce(json_object_agg(t.id, json_build_object(
    'id', t.id, 'operation', t.operation_id, 'number', t.number, 'digest', t.approval_digest, 'armed_at', t.armed_at,
    'event', (SELECT e.type FROM tracker_event e WHERE e.id = t.event_id), 'outcome', t.outcome
  )), '{}') FROM tracker_attempt t),
 'units', (SELECT json_object_agg(u.name, json_build_object(
    'progress', u.progress, 'verdict', u.verdict, 'key', u.key, 'locked', u.locked_since IS NOT NULL,
    'base', x.base, 'findings', coalesce(f.findings, '{}'), 'whole', md5(concat(x.base, f.whole, u.verdict, u.score))))
   FROM tracker_unit u
   CROSS JOIN LATERAL (SELECT md5(concat(
      (SELECT string_agg(key || digest, ',' ORDER BY key) FROM tracker_resource m
        WHERE m.unit_id = u.id AND m.gone_at IS NULL),
      (SELECT string_agg(concat_ws(' ', region, provider, name, amount), ',' ORDER BY region, provider, name)
        FROM tracker_reservation q WHERE q.unit_id = u.id))) AS base) x
   LEFT JOIN LATERAL (SELECT
      json_object_agg(rule || ' ' || resource_key, concat(effect, ' ', outcome))
        FILTER (WHERE outcome = 'yes' AND NOT waived AND effect IN ('blocks', 'downtime', 'dropped')) AS findings,
      string_agg(concat_ws(' ', rule, resource_key, effect, outcome, waived), ',' ORDER BY rule, resource_key) AS whole
      FROM tracker_finding g WHERE g.unit_id = u.id) f ON TRUE),
 'transitions', (SELECT count(*) FROM tracker_transition),
 'unmoved', (SELECT count(*) FROM tracker_transition t
    WHERE NOT EXISTS (SELECT 1 FROM tracker_event e WHERE e.id = t.event_id AND e.type = 'run.moved')),
 'events', (SELECT coalesce(json_agg(json_build_array(object_kind, object_id, type)), '[]') FROM tracker_event
    WHERE at >= %(since)s))
"""
PEOPLE = {  # beside those of the programme: one in two roles
    "vera": (Role.ENGINEER, Role.PROGRAMME_MANAGER),
}
ROLES = {
    "maya": {"programme-manager"},
    "tomas": {"engineer"},
    "aiko": {"engineer"},
    "vera": {"engineer", "programme-manager"},
    "noor": {"auditor"},
}
UNITS = ("shop-net", "shopfiles")


class World:
    """The part of a proof that lasts: processes, the estate, two waves of which one is approved."""

    def __init__(self, simulator: Running) -> None:
        self.simulator = simulator
        self.programme = Programme(simulator)
        self.programme.timings = LIVE
        self.gateway = self.programme.gateway
        self.ahead = 0.0

    def begin(self) -> None:
        """Inside a transaction that is rolled back at the end."""
        with connection.cursor() as cursor:
            cursor.execute(_CLOCK)
        self.simulator.control("clock", {"speed": 1})
        self.programme.begin()
        vera = self.programme.person("vera", Role.ENGINEER)
        from tracker.accounts.models import RoleGrant

        RoleGrant.objects.create(user=vera, role=Role.PROGRAMME_MANAGER, granted_at=database_now())
        self.first = self.programme.approved("shop-net")
        now = database_now()
        files = waves.create(name="Files", owner="Maya", by=self.programme.maya, now=now)
        waves.set_window(
            files,
            opens_at=now - timedelta(hours=1),
            closes_at=now + timedelta(hours=6),
            by=self.programme.maya,
            now=now,
        )

    @contextmanager
    def life(self) -> Iterator[None]:
        """One life of the programme; nothing of it is kept."""
        self.simulator.control("faults", method="DELETE")
        self.simulator.control("reset", {"scenario": "journey"})
        lines = self.simulator.control(f"log?after={self.programme.mark}")["value"]
        self.programme.mark = lines[-1]["number"] if lines else self.programme.mark
        self.ahead = 0.0
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    def jump(self, seconds: float) -> None:
        """Time passes, for us and for the platform alike."""
        self.ahead += seconds
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('proof.ahead', %s, TRUE)", [f"{self.ahead} s"])
        self.simulator.control("clock", {"advance": seconds})

    def look(self, since: datetime | None) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(_LOOK, {"since": since or "infinity"})
            found = cursor.fetchone()[0]
        seen = json.loads(found) if isinstance(found, str) else found
        for row in seen["runs"].values():
            for name in ("due_at", "lease_until"):
                row[name] = datetime.fromisoformat(row[name]) if row[name] else None
        return seen

    def posts(self) -> list[dict[str, Any]]:
        """What reached the platform since it was last asked."""
        lines = self.simulator.control(f"log?after={self.programme.mark}")["value"]
        if lines:
            self.programme.mark = lines[-1]["number"]
        verbs = ("validate", "prepare", "abort", "commit")
        return [line for line in lines if line["method"] == "POST" and line["verb"] in verbs]

    def violations(self) -> list[dict[str, Any]]:
        """What the platform was sent in this life and should not have been: a second request while one runs, a Commit
        of what is not prepared, anything after a Commit."""
        return self.simulator.control("violations")["value"]

    def user(self, name: str) -> User:
        return User.objects.get(username=name)

    def wave(self, name: str) -> Wave:
        return Wave.objects.get(name=name)

    def model(self) -> Model:
        """The model of the beginning."""
        model = Model()
        model.seen = self.look(None)
        model.now = datetime.fromisoformat(model.seen["now"])
        model.roles = {name: set(roles) for name, roles in ROLES.items()}
        for wave in Wave.objects.prefetch_related("windows", "placements__unit").select_related("edited_by"):
            (window,) = wave.windows.all()
            units = {placement.unit.name for placement in wave.placements.all()}
            model.waves[wave.name] = WaveFacts(window.opens_at, window.closes_at, wave.edited_by.username, False, units)
        approval = self.wave("Wave of shop-net").approvals.get()
        model.new_paper("wave", "maya", "Wave of shop-net", "", approval)
        model.papers[approval.pk].votes["tomas"] = "yes"
        return model

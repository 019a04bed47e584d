-- Statements of programme.py, by name. See there.

-- :placed
-- A fifth of the units; only what is ready was placed. A wave is mostly of one subscription, and says where it is.
CREATE TEMP TABLE placed AS
SELECT u.id, u.subscription_id, u.region, %(first)s + wave AS wave, md5('run' || u.id)::uuid AS run,
       now() - interval '100 days' + part * interval '90 days' AS started,
       CASE WHEN wave < %(over)s THEN (ARRAY['closed', 'closed', 'closed', 'verified', 'committed'])[1 + floor(part * 5)::int]
            WHEN wave < %(running)s THEN (ARRAY['planned', 'planned', 'validated', 'validated', 'validated', 'prepared',
                 'prepared', 'committed', 'verified', 'closed'])[1 + floor(part * 10)::int]
            ELSE 'planned' END AS progress
  FROM (SELECT *, (('x' || substr(md5('wave' || id), 1, 8))::bit(32)::bigint & 2147483647) / 2147483648.0 AS luck,
               (('x' || substr(md5('part' || id), 1, 8))::bit(32)::bigint & 2147483647) / 2147483648.0 AS part,
               (dense_rank() OVER (ORDER BY subscription_id, region = 'westeurope') + (id %% 5 = 0)::int) %% %(waves)s AS wave
          FROM tracker_unit WHERE verdict IN ('ready', 'ready with change') AND progress = 'assessed' AND gone_at IS NULL) u
 WHERE luck < 0.35;
CREATE INDEX ON placed (id);
ANALYZE placed;

-- :placements
INSERT INTO tracker_placement (wave_id, unit_id, placed_by_id, placed_at)
SELECT wave, id, %(planner)s, now() - interval '120 days' FROM placed ORDER BY id

-- :units
UPDATE tracker_unit u SET progress = p.progress,
       locked_since = CASE WHEN p.progress = 'prepared' THEN now() - interval '3 hours' END,
       gone_at = CASE WHEN p.progress IN ('committed', 'verified', 'closed') THEN p.started + interval '1 day' END
  FROM placed p WHERE p.id = u.id

-- :reservations
INSERT INTO tracker_reservation (unit_id, subscription_id, region, provider, name, amount, reserved_at)
SELECT id, subscription_id, coalesce(nullif(region, ''), 'westeurope'), 'compute', name, 2 + id %% 7,
       now() - interval '120 days'
  FROM placed CROSS JOIN unnest(ARRAY['cores', 'standardDv2Family']) AS name
 WHERE progress IN ('planned', 'validated', 'prepared')

-- :runs
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

-- :asks
INSERT INTO tracker_ask (run_id, verb, by, by_id, at, reason, seal)
SELECT run, verb, %(engineer)s, NULL, started, '', '' FROM placed CROSS JOIN unnest(ARRAY['validate', 'prepare', 'commit']) AS verb
 WHERE progress IN ('committed', 'verified', 'closed') OR (progress = 'prepared' AND verb <> 'commit')
    OR (progress = 'validated' AND verb = 'validate')

-- :operations
INSERT INTO tracker_operation (id, run_id, ask_id, verb, state, approval_id, approval_digest, created_at, ended_at, fence,
       armed_at, sends, tries, status_url, candidate, candidate_at, seen, why, error, messages)
SELECT md5('operation' || a.id)::uuid, a.run_id, a.id, a.verb, 'succeeded', NULL, '', a.at, a.at + interval '10 minutes', 3,
       a.at, 1, 2, '', '', NULL, '{}', 'The platform says so and both sides show it.', '{}', '[]'
  FROM tracker_ask a JOIN placed p ON p.run = a.run_id

-- :transitions
INSERT INTO tracker_transition (run_id, before, after, at, because, operation_id, event_id)
SELECT run, step.before, step.after, started + step.place * interval '4 hours', 'Both sides were read.', NULL,
       md5(run::text || step.place)::uuid
  FROM placed CROSS JOIN (VALUES (1, 'planned', 'validated'), (2, 'validated', 'preparing'), (3, 'preparing', 'prepared'),
       (4, 'prepared', 'committing'), (5, 'committing', 'committed'), (6, 'committed', 'verified'), (7, 'verified', 'closed'))
       AS step(place, before, after)
 WHERE step.place <= CASE progress WHEN 'validated' THEN 1 WHEN 'prepared' THEN 3 WHEN 'committed' THEN 5
                                   WHEN 'verified' THEN 6 WHEN 'closed' THEN 7 ELSE 0 END
 ORDER BY 4

-- :follow_ups
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

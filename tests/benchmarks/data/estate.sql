-- Statements of estate.py, by name. See there.

-- :plan
-- One row for each unit to be made. `part(…)` is a number from 0 to 1 that depends on the copy and the unit.
CREATE OR REPLACE FUNCTION pg_temp.part(text) RETURNS float LANGUAGE sql IMMUTABLE AS
    $$ SELECT (('x' || substr(md5($1), 1, 8))::bit(32)::bigint & 2147483647) / 2147483648.0 $$;
-- An id of the seed as its copy has it: another subscription, and a mark before the resource group.
CREATE OR REPLACE FUNCTION pg_temp.as_copy(id text, before text, after text, mark text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT replace(replace(replace(id, before, after), '/resourcegroups/', '/resourcegroups/' || mark),
                      '/resourceGroups/', '/resourceGroups/' || mark) $$;
CREATE TEMP TABLE seeds AS
    SELECT u.*, row_number() OVER (ORDER BY id) AS place,
           EXISTS (SELECT 1 FROM tracker_finding f WHERE f.unit_id = u.id AND f.effect = 'blocks' AND f.outcome = 'yes') AS can_block,
           EXISTS (SELECT 1 FROM tracker_finding f WHERE f.unit_id = u.id AND f.effect = 'blocks' AND f.outcome <> 'no') AS can_wait,
           EXISTS (SELECT 1 FROM tracker_finding f WHERE f.unit_id = u.id AND f.effect IN ('downtime', 'dropped', 'changes')
                   AND f.outcome = 'yes') AS can_change
      FROM tracker_unit u;
CREATE TEMP TABLE towns AS SELECT place - 1 AS place, town FROM unnest(ARRAY['amsterdam', 'athens', 'bergen', 'berlin',
    'bilbao', 'bologna', 'bremen', 'brno', 'cork', 'delft', 'dresden', 'dublin', 'geneva', 'ghent', 'graz', 'haarlem',
    'hamburg', 'helsinki', 'krakow', 'lausanne', 'leeds', 'lisbon', 'ljubljana', 'lyon', 'madrid', 'malmo', 'milan',
    'munich', 'nantes', 'oslo', 'porto', 'prague', 'riga', 'rotterdam', 'seville', 'tallinn', 'turin', 'utrecht', 'vienna',
    'zurich']) WITH ORDINALITY AS listed(town, place);
CREATE TEMP TABLE wanted AS
SELECT s.id AS seed, base.top + (n - 1) * base.seeds + s.place AS id, n AS copy, n %% %(sets)s AS set,
       t.town || '-' || lpad(n::text, 4, '0') || '-' AS mark, s.subscription_id AS old_subscription,
       CASE WHEN n %% %(sets)s = 0 THEN s.subscription_id
            ELSE md5('set' || n %% %(sets)s || s.subscription_id)::uuid::text END AS subscription,
       CASE WHEN pg_temp.part(n || 'verdict' || s.id) < 0.2 AND s.can_block THEN 'blocked'
            WHEN pg_temp.part(n || 'verdict' || s.id) < 0.4 AND s.can_wait THEN 'unknown'
            WHEN pg_temp.part(n || 'verdict' || s.id) < 0.75 AND s.can_change THEN 'ready with change'
            ELSE 'ready' END AS verdict,
       CASE WHEN pg_temp.part(n || 'owner' || s.id) < 0.35 THEN ''
            ELSE 'Team ' || initcap((SELECT town FROM towns w WHERE w.place =
                 floor(pg_temp.part(s.subscription_id || (n %% %(sets)s) || s.name) * %(teams)s))) END AS owner,
       pg_temp.part(n || 'fate' || s.id) AS fate,
       -- most were there at the first reading of their subscription; the others came in one by one
       s.first_seen_at - interval '150 days' + interval '1 day' * (n %% %(sets)s)
         + CASE WHEN pg_temp.part(n || 'seen' || s.id) < 0.9 THEN interval '0'
                ELSE interval '15 minutes' * floor(pg_temp.part(n || 'later' || s.id) * 12000) END AS first_seen
  FROM (SELECT max(id) AS top, count(*) AS seeds FROM tracker_unit) base
 CROSS JOIN generate_series(1, %(units)s / base.seeds + 1) AS n
 CROSS JOIN seeds s
  JOIN towns t ON t.place = n %% 40
 WHERE (n - 1) * base.seeds + s.place <= %(units)s - base.seeds;
CREATE INDEX ON wanted (seed);
ANALYZE wanted;

-- :subscriptions
INSERT INTO tracker_subscription
       (id, name, state, tenant, registrations, registrations_read_at, synced_at, sync_wanted_at, sync_wanted_by)
SELECT DISTINCT ON (w.subscription) w.subscription, s.name || ' ' || w.set, s.state, s.tenant, s.registrations,
       s.registrations_read_at, s.synced_at, NULL::timestamptz, ''
  FROM wanted w JOIN tracker_subscription s ON s.id = w.old_subscription
 WHERE w.subscription <> w.old_subscription

-- :syncs
INSERT INTO tracker_sync (subscription_id, started_at, ended_at, lease_until, outcome, added, changed, gone, unchanged,
       unreadable, error, started_by)
SELECT n.subscription, s.started_at - ago * interval '15 minutes', s.ended_at - ago * interval '15 minutes', s.lease_until,
       s.outcome, s.added, s.changed, s.gone, s.unchanged, s.unreadable, s.error, s.started_by
  FROM (SELECT DISTINCT subscription, old_subscription FROM wanted WHERE subscription <> old_subscription) n
  JOIN tracker_sync s ON s.subscription_id = n.old_subscription CROSS JOIN generate_series(0, 400) ago

-- :usages
INSERT INTO tracker_usage (subscription_id, region, provider, name, current, "limit", read_at)
SELECT n.subscription, s.region, s.provider, s.name, s.current, s."limit", s.read_at
  FROM (SELECT DISTINCT subscription, old_subscription FROM wanted WHERE subscription <> old_subscription) n
  JOIN tracker_usage s ON s.subscription_id = n.old_subscription

-- :units
INSERT INTO tracker_unit
       (id, key, azure_id, kind, name, subscription_id, region, owner, progress, health, health_reason, locked_since,
        verdict, score, blockers, changes, unknowns, member_count, assessed_at, first_seen_at, changed_at, gone_at)
SELECT w.id, pg_temp.as_copy(s.key, w.old_subscription, w.subscription, w.mark), pg_temp.as_copy(s.azure_id, w.old_subscription, w.subscription, w.mark), s.kind, s.name, w.subscription, s.region, w.owner,
       CASE WHEN w.fate < 0.03 THEN 'excluded' ELSE 'assessed' END,
       CASE WHEN w.verdict = 'blocked' AND w.fate >= 0.03 THEN 'blocked' ELSE 'on track' END,
       CASE WHEN w.verdict = 'blocked' AND w.fate >= 0.03 THEN 'Blocked by a rule' ELSE '' END,
       NULL::timestamptz, w.verdict,
       CASE w.verdict WHEN 'ready' THEN 100 WHEN 'ready with change' THEN 60 + (w.fate * 30)::int
                      WHEN 'unknown' THEN 20 + (w.fate * 30)::int ELSE (w.fate * 20)::int END,
       0, 0, 0, s.member_count, s.assessed_at, w.first_seen,
       greatest(w.first_seen, s.changed_at - w.fate * interval '60 days'),
       CASE WHEN w.fate BETWEEN 0.03 AND 0.04 THEN s.changed_at - w.fate * interval '300 days' END
  FROM wanted w JOIN seeds s ON s.id = w.seed ORDER BY w.id

-- :resources
INSERT INTO tracker_resource
       (key, azure_id, type, name, subscription_id, region, unit_id, membership, document, digest, first_seen_at, changed_at,
        seen_at, gone_at)
SELECT pg_temp.as_copy(r.key, w.old_subscription, w.subscription, w.mark), pg_temp.as_copy(r.azure_id, w.old_subscription, w.subscription, w.mark), r.type, r.name, w.subscription, r.region, w.id, r.membership,
       r.document, md5(w.copy || r.digest) || md5(r.digest || w.copy), w.first_seen, w.first_seen, w.first_seen,
       CASE WHEN w.fate BETWEEN 0.03 AND 0.04 THEN r.changed_at - w.fate * interval '300 days' END
  FROM wanted w JOIN tracker_resource r ON r.unit_id = w.seed ORDER BY w.id, r.id

-- :findings
-- A unit that is ready has nothing that blocks and nothing open; what is only not known was settled otherwise.
INSERT INTO tracker_finding
       (unit_id, rule, effect, outcome, source, resource_key, resource_name, sentence, evidence, settles, since)
SELECT unit_id, rule, effect, outcome, source, resource_key, resource_name, sentence, evidence,
       CASE WHEN outcome = 'unknown' THEN coalesce(nullif(settles, ''), 'Ask its owner.') ELSE '' END, since
  FROM (SELECT w.id AS unit_id, f.rule, f.effect, f.source, pg_temp.as_copy(f.resource_key, w.old_subscription, w.subscription, w.mark) AS resource_key, f.resource_name,
               f.sentence, f.evidence, f.settles, w.first_seen AS since,
               CASE WHEN f.effect = 'info' OR f.outcome = 'no' OR w.verdict = 'blocked' THEN f.outcome
                    WHEN w.verdict = 'ready' THEN 'no'
                    WHEN w.verdict = 'ready with change' AND (f.effect = 'blocks' OR f.outcome = 'unknown') THEN 'no'
                    WHEN w.verdict = 'unknown' AND f.effect = 'blocks' THEN 'unknown' ELSE f.outcome END AS outcome
          FROM wanted w JOIN tracker_finding f ON f.unit_id = w.seed) said
 ORDER BY unit_id, rule

-- :assessments
INSERT INTO tracker_assessment
       (unit_id, at, catalogue_version, verdict, score, deductions, digest, errors, shortfalls)
SELECT w.id, a.at, a.catalogue_version, u.verdict, u.score, a.deductions, md5(w.copy || a.digest) || md5(a.digest || w.copy),
       a.errors, a.shortfalls
  FROM wanted w JOIN tracker_unit u ON u.id = w.id JOIN tracker_assessment a ON a.unit_id = w.seed ORDER BY w.id

-- :count_findings
-- The counts the list keeps on the row, as readiness.actions counts them.
UPDATE tracker_unit u SET blockers = said.blockers, changes = said.changes, unknowns = said.unknowns
  FROM (SELECT unit_id, count(*) FILTER (WHERE outcome = 'yes' AND effect = 'blocks') AS blockers,
               count(*) FILTER (WHERE outcome = 'yes' AND effect IN ('downtime', 'dropped', 'changes')) AS changes,
               count(*) FILTER (WHERE outcome = 'unknown' AND effect <> 'info') AS unknowns
          FROM tracker_finding WHERE outcome IN ('yes', 'unknown') GROUP BY unit_id) said
 WHERE said.unit_id = u.id AND u.id IN (SELECT id FROM wanted)

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

-- :count_findings
-- What the list keeps on the row, as readiness.actions writes it.
UPDATE tracker_unit u SET blockers = said.blockers, changes = said.changes, unknowns = said.unknowns,
       open_rules = said.rules
  FROM (SELECT unit_id, count(*) FILTER (WHERE outcome = 'yes' AND effect = 'blocks') AS blockers,
               count(*) FILTER (WHERE outcome = 'yes' AND effect IN ('downtime', 'dropped', 'changes')) AS changes,
               count(*) FILTER (WHERE outcome = 'unknown' AND effect <> 'info') AS unknowns,
               array_agg(DISTINCT outcome || ' ' || rule)
               || coalesce(array_agg(DISTINCT 'blocks ' || rule) FILTER (WHERE outcome = 'yes' AND effect = 'blocks'), '{}')
               || CASE WHEN count(DISTINCT rule) FILTER (WHERE outcome = 'yes' AND effect = 'blocks') = 1
                       THEN ARRAY['only ' || min(rule) FILTER (WHERE outcome = 'yes' AND effect = 'blocks')] ELSE '{}' END AS rules
          FROM tracker_finding WHERE outcome IN ('yes', 'unknown') GROUP BY unit_id) said
 WHERE said.unit_id = u.id AND u.id IN (SELECT id FROM wanted)

-- Statements of history.py, by name. See there.

-- :said
CREATE TEMP TABLE things AS
SELECT row_number() OVER (ORDER BY id) - 1 AS place, 'unit' AS kind, key AS id, name FROM tracker_unit;
CREATE UNIQUE INDEX ON things (place);
CREATE TEMP TABLE attempts AS
SELECT row_number() OVER (ORDER BY r.id) - 1 AS place, r.id::text AS id, u.name FROM tracker_run r
  JOIN tracker_unit u ON u.id = r.unit_id;
CREATE UNIQUE INDEX ON attempts (place);
ANALYZE things;
ANALYZE attempts;

-- :events
-- Ids are uuid7 of their time (audit/values.py); bodies are canonical: sorted keys, no spaces.
CREATE TEMP TABLE told AS
SELECT (hex || '7' || lpad(to_hex((i %% 4096)::int), 3, '0') || '8' || substr(md5('event' || i), 1, 15))::uuid AS id, at, type, actor,
       object_kind, object_id, result, detail, private,
       CASE WHEN private IS NOT NULL THEN decode(md5('salt' || i), 'hex') END AS salt,
       CASE private WHEN 'address' THEN '192.0.2.' || i %% 250 WHEN 'owner' THEN 'Team Utrecht' ELSE 'As agreed in the meeting' END AS value
  FROM (
    SELECT i, at, lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') AS hex,
           CASE WHEN b < 35 THEN 'operation.looked' WHEN b < 50 THEN 'operation.answered' WHEN b < 70 THEN 'readiness.assessed'
                WHEN b < 80 THEN 'inventory.unit_redrawn' WHEN b < 85 THEN 'run.moved' WHEN b < 88 THEN 'operation.decided'
                WHEN b < 90 THEN 'account.signed_in' WHEN b < 93 THEN 'evidence.viewed' WHEN b < 96 THEN 'wave.unit_placed'
                WHEN b < 98 THEN 'inventory.unit_owner_assigned' WHEN b < 99 THEN 'access.denied' ELSE 'run.asked' END AS type,
           CASE WHEN b < 50 OR b BETWEEN 80 AND 87 THEN 'system:engine' WHEN b < 80 THEN 'system:sync'
                ELSE 'user:' || (%(people)s::text[])[1 + i %% cardinality(%(people)s::text[])] END AS actor,
           CASE WHEN b < 50 OR b BETWEEN 80 AND 87 OR b = 99 THEN 'run' WHEN b < 80 OR b BETWEEN 96 AND 97 THEN 'unit'
                WHEN b BETWEEN 88 AND 89 THEN 'account' WHEN b < 93 THEN 'approval' WHEN b < 96 THEN 'wave' ELSE 'page' END AS object_kind,
           CASE WHEN b < 50 OR b BETWEEN 80 AND 87 OR b = 99 THEN attempts.id WHEN b < 80 OR b BETWEEN 96 AND 97 THEN things.id
                WHEN b BETWEEN 88 AND 89 THEN (%(people)s::text[])[1 + i %% cardinality(%(people)s::text[])]
                WHEN b < 93 THEN (1 + i %% 20)::text WHEN b < 96 THEN (1 + i %% 60)::text ELSE '/waves/' || i %% 60 || '/' END AS object_id,
           CASE WHEN b = 98 THEN 'denied' WHEN b = 87 THEN 'failed' ELSE 'done' END AS result,
           CASE WHEN b < 35 THEN '{"seen":"both sides, nothing changed","unit":"' || attempts.name || '"}'
                WHEN b < 50 THEN '{"status":202,"unit":"' || attempts.name || '","verb":"validate"}'
                WHEN b < 70 THEN '{"before":"unknown","catalogue":"' || md5('c') || '","findings":"' || md5(i::text) || md5('f')
                     || '","name":"' || things.name || '","score":' || i %% 101 || ',"score_before":' || i %% 90 || ',"verdict":"ready with change"}'
                WHEN b < 80 THEN '{"added":' || i %% 3 || ',"name":"' || things.name || '","progress":"assessed","removed":' || i %% 2 || '}'
                WHEN b < 85 THEN '{"from":"planned","to":"validated","unit":"' || attempts.name || '"}'
                WHEN b < 88 THEN '{"cause":"the platform refused","state":"failed","unit":"' || attempts.name || '","verb":"prepare"}'
                WHEN b < 90 THEN '{"method":"password"}' WHEN b < 93 THEN '{"what":"the approval"}'
                WHEN b < 96 THEN '{"key":"' || things.id || '","members":4,"name":"Wave ' || i %% 60 || '","unit":"' || things.name || '"}'
                WHEN b < 98 THEN '{"name":"' || things.name || '"}'
                WHEN b < 99 THEN '{"method":"GET","permission":"plan","wanted":"plan waves"}'
                ELSE '{"unit":"' || attempts.name || '","verb":"hold"}' END AS detail,
           CASE WHEN b BETWEEN 88 AND 89 THEN 'address' WHEN b BETWEEN 96 AND 97 THEN 'owner' WHEN b = 99 THEN 'reason' END AS private
      FROM (SELECT i, date_trunc('milliseconds', now() - %(days)s * interval '1 day' + i * (%(days)s * interval '1 day' / %(events)s))
                      - interval '1 hour' AS at,
                   ('x' || substr(md5(i::text), 1, 8))::bit(32)::bigint %% 100 AS b,
                   (i * 7919) %% (SELECT count(*) FROM things) AS thing,
                   (i * 104729) %% (SELECT count(*) FROM attempts) AS attempt
              FROM generate_series(1::bigint, %(events)s) AS i) numbered
      JOIN things ON things.place = thing JOIN attempts ON attempts.place = attempt) composed;
INSERT INTO tracker_event (id, at, type, actor, object_kind, object_id, result, body)
SELECT id, at, type, actor, object_kind, object_id, result,
       '{"actor":"' || actor || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","detail":' || detail
       || ',"id":"' || id || '","object":{"id":"' || object_id || '","kind":"' || object_kind || '"},"private":'
       || CASE WHEN private IS NULL THEN '{}' ELSE '{"' || private || '":"c:'
            || encode(sha256(salt || convert_to(private, 'UTF8') || '\x00'::bytea || convert_to(value, 'UTF8')), 'hex') || '"}' END
       || ',"result":"' || result || '","type":"' || type || '","v":1}'
  FROM told ORDER BY id;
INSERT INTO tracker_privatevalue (event_id, field, salt, value)
SELECT id, private, salt, value FROM told WHERE private IS NOT NULL ORDER BY id

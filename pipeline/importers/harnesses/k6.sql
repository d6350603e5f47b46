-- k6 run --out json=FILE: a line a sample, and a line that defines each metric before its first sample.
-- harness: k6
-- signs: "\"metric\""
-- looks for: lines of the type Point
-- versions: 0.57 to 2.2
-- format: ndjson
-- fields: type, metric, data.time, data.value, data.tags JSON
-- extract: "Metric"
-- metrics: http_req_failed, dropped_iterations, *_failed = event lower
-- metrics: checks = event higher
-- metrics: http_req_*, iteration_duration, group_duration, ws_*duration, ws_connecting, grpc_req_duration = duration lower
-- metrics: http_reqs, iterations, data_sent, data_received, ws_msgs_*, ws_sessions = event
-- metrics: vus, vus_max = gauge
-- reads: data.type|contains|thresholds
-- leaves: data.name|tainted|submetrics

-- name: recognise
SELECT value->>'type' IN ('Metric', 'Point') AND json_exists(value, '$.data') AND json_exists(value, '$.metric')
FROM content

-- name: prepare
CREATE TEMP TABLE definitions AS
SELECT DISTINCT ON (metric) metric, data->>'type' AS type, data->>'contains' AS contains, data
FROM read_json(getvariable('extract'), format = 'newline_delimited', records = true, ignore_errors = true,
               columns = {type: 'VARCHAR', metric: 'VARCHAR', data: 'JSON'})
WHERE type = 'Metric';
-- What k6 calls time is in milliseconds, data in bytes; a rate's values are 0 and 1, counters and gauges count.
CREATE TEMP TABLE units AS
SELECT metric, CASE contains WHEN 'time' THEN 'ms' WHEN 'data' THEN 'By' END AS unit
FROM definitions WHERE contains IN ('time', 'data');
SET VARIABLE units = (SELECT coalesce(map_from_entries(list((metric, unit))), MAP {}) FROM units)

-- name: session
SELECT {metrics: (SELECT json_group_object(metric, json_object('type', type, 'contains', contains,
                                                               'thresholds', data->'$.thresholds'))
                  FROM definitions)}::JSON AS configuration

-- name: metrics
-- A sample of a counter is what is added, one of a rate whether something is so.
SELECT metric, CASE WHEN type IN ('counter', 'rate') THEN 'event' WHEN contains = 'time' THEN 'duration' ELSE 'gauge'
               END AS kind, CASE WHEN type = 'trend' AND contains = 'time' THEN 'lower' END AS better, false AS is_aggregate
FROM definitions

-- name: measurements
SELECT metric, value, getvariable('units')[metric] AS unit, time AS timestamp, tags AS attributes
FROM records
WHERE type IS DISTINCT FROM 'Metric'

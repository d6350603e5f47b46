-- k6 run --out csv=FILE: a record a sample; the columns of tags depend on k6's version and options.
-- K6_CSV_TIME_FORMAT decides how times are written: seconds, milliseconds, microseconds or nanoseconds since 1970,
-- or RFC 3339. Nothing in the file says it, but no two of them are of the same length.
-- The file holds no units: those of k6's own metrics are known, those of custom metrics are null.
-- harness: k6
-- signs: "metric_name,"
-- looks for: records behind the header line
-- versions: 0.57 to 2.2
-- format: csv
-- columns: metric_name, timestamp, metric_value DOUBLE, extra_tags, metadata
-- revision: 2
-- metrics: http_req_failed, dropped_iterations, *_failed = event lower
-- metrics: checks = event higher
-- metrics: http_req_*, iteration_duration, group_duration, ws_*duration, ws_connecting, grpc_req_duration = duration lower
-- metrics: http_reqs, iterations, data_sent, data_received, ws_msgs_*, ws_sessions = event
-- metrics: vus, vus_max = gauge
-- reads: *

-- name: recognise
SELECT first_line LIKE 'metric_name,timestamp,metric_value%' FROM content

-- name: prepare
-- k6 writes the tags of a record in any order. What is not surely a tag each stays as it is.
CREATE TEMP MACRO in_order(tags) AS
    CASE WHEN regexp_full_match(tags, '[^=&]+=[^=&]*(&[^=&]+=[^=&]*)+')
         THEN array_to_string(list_sort(string_split(tags, '&')), '&') ELSE tags END

-- name: measurements
SELECT metric_name AS metric,
       metric_value AS value,
       CASE WHEN metric_name IN ('http_req_duration', 'http_req_blocked', 'http_req_connecting',
                                 'http_req_tls_handshaking', 'http_req_sending', 'http_req_waiting',
                                 'http_req_receiving', 'iteration_duration', 'group_duration',
                                 'ws_connecting', 'ws_session_duration', 'ws_ping', 'grpc_req_duration') THEN 'ms'
            WHEN metric_name IN ('data_sent', 'data_received') THEN 'By' END AS unit,
       CASE WHEN regexp_full_match(timestamp, '\d+') THEN
            timestamp::BIGINT * CASE WHEN length(timestamp) > 17 THEN 1 WHEN length(timestamp) > 14 THEN 1000
                                     WHEN length(timestamp) > 11 THEN 1000000 ELSE 1000000000 END END AS epoch_ns,
       CASE WHEN NOT regexp_full_match(timestamp, '\d+') THEN timestamp END AS timestamp,
       struct_pack(*COLUMNS(* EXCLUDE (metric_name, timestamp, metric_value))) AS attributes
FROM (SELECT * REPLACE (in_order(extra_tags) AS extra_tags, in_order(metadata) AS metadata) FROM records)

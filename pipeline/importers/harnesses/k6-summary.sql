-- k6's summaries at the end of a test: what --summary-export writes, what handleSummary() is given (a metric's `values` apart),
-- and the machine-readable one (--new-machine-readable-summary, 1.5 and newer). All figures are aggregates: http_req_duration_mean
-- of avg, _median of med, _p95 of p(95), http_reqs_count and _rate of a counter, http_req_failed_rate, _passes and _fails of a
-- rate, vus_value of a gauge. What stands in braces behind a metric's name is the attribute `submetric`.
-- Times are milliseconds, data bytes; --summary-export does not say which metrics are such: units of custom ones are null.
-- A threshold is true in --summary-export where it was crossed, and elsewhere `ok` where it was not.
-- Only the machine-readable summary says when the test ended.
-- harness: k6
-- signs: "\"root_group\"", "\"k6version\""
-- looks for: figures in `metrics` or `results`
-- versions: 0.57 to 2.2
-- format: json
-- metrics: http_req_duration_*, iteration_duration_* = duration lower aggregate
-- reads: metrics.*.type|contains, metrics.*.* NUMBERS, metrics.*.values.*, metrics.*.thresholds.**, options.**
-- reads: root_group.name|path|id, root_group.checks.*.name|path|id|passes|fails, root_group.checks[].name|path|id|passes|fails
-- reads: root_group.groups.*.name|path|id, root_group.groups.*.checks.*.name|path|id|passes|fails, root_group.groups.*.groups.**
-- reads: root_group.groups[].name|path|id, root_group.groups[].checks[].name|path|id|passes|fails, root_group.groups[].groups.**
-- reads: state.testRunDurationMs, state.isStdOutTTY|isStdErrTTY, version, metadata.k6Version|generatedAt, config.**
-- reads: results.metrics[].name|type|contains, results.metrics[].values.*, results.checks.metrics[].name|type|contains, results.checks.metrics[].values.*
-- reads: results.checks.results[].name|passes|fails, results.checks.orderedChecks[].name|passes|fails
-- reads: results.checks.metrics.*.name|type|contains, results.checks.metrics.*.values.*
-- leaves: results.metrics[].category, results.checks.metrics[].category, results.checks.metrics.*.category, results.passed, results.thresholds.**, setup_data.**

-- name: recognise
SELECT (json_type(value, '$.metrics') = 'OBJECT' AND json_type(value, '$.root_group') = 'OBJECT')
    OR (json_exists(value, '$.metadata.k6Version') AND json_type(value, '$.results.metrics') = 'ARRAY') FROM content

-- name: prepare
CREATE TEMP TABLE held AS
SELECT regexp_extract(name, '^([^{]*)', 1) AS name, nullif(regexp_extract(name, '\{(.*)\}$', 1), '') AS submetric, one,
       CASE WHEN json_exists(one, '$.values') THEN one->'values' ELSE one END AS figures
FROM (SELECT metric.key AS name, metric.value AS one FROM document, json_each(json, '$.metrics') AS metric
      UNION ALL
      SELECT one->>'name', one FROM (
          SELECT unnest(json_extract(json, '$.results.metrics[*]') || json_extract(json, '$.results.checks.metrics[*]')
                        || json_extract(json, '$.results.checks.metrics.*')) AS one FROM document) WHERE json_type(one) = 'OBJECT');
CREATE TEMP TABLE figures AS
SELECT name || '_' || CASE WHEN key = 'avg' THEN 'mean' WHEN key = 'med' THEN 'median' WHEN key = 'value' AND is_rate THEN 'rate'
                           WHEN regexp_full_match(key, 'p\(\d+(\.\d+)?\)') THEN 'p' || replace(regexp_extract(key, '[0-9.]+'), '.', '_')
                           WHEN regexp_full_match(key, 'p\d+') THEN key ELSE key END AS metric,
       submetric, number,
       CASE WHEN key IN ('passes', 'fails', 'matches', 'total') OR is_rate OR (is_time AND key = 'count') THEN '1'
            WHEN is_time THEN 'ms' WHEN is_data AND key = 'rate' THEN 'By/s' WHEN is_data THEN 'By'
            WHEN key = 'rate' THEN '/s' WHEN key = 'count' OR name IN ('vus', 'vus_max') THEN '1' END AS unit,
       CASE WHEN is_rate AND key IN ('rate', 'value') THEN 'gauge' WHEN key IN ('count', 'passes', 'fails', 'matches', 'total') THEN 'counter'
            WHEN is_time THEN 'duration' ELSE 'gauge' END AS kind,
       CASE WHEN is_time AND key <> 'count' THEN 'lower' WHEN is_rate AND key IN ('rate', 'value') AND name IN ('checks', 'checks_succeeded') THEN 'higher'
            WHEN is_rate AND key IN ('rate', 'value') AND regexp_matches(name, '_failed$') THEN 'lower' END AS better
FROM (SELECT name, submetric, figure.key AS key, figure.value AS number, json_exists(figures, '$.passes') OR json_exists(figures, '$.matches') AS is_rate,
             coalesce(one->>'contains' = 'time', regexp_full_match(name, 'http_req_(duration|blocked|connecting|tls_handshaking|sending|waiting|receiving)'
                 '|(iteration|group)_duration|ws_(connecting|session_duration|ping)|grpc_req_duration')) AS is_time,
             coalesce(one->>'contains' = 'data', name IN ('data_sent', 'data_received')) AS is_data
      FROM held, json_each(figures) AS figure)
WHERE json_type(number) IN ('DOUBLE', 'BIGINT', 'UBIGINT');
CREATE TEMP TABLE crossed AS
SELECT name, submetric, threshold.key AS threshold
FROM held, json_each(one, '$.thresholds') AS threshold WHERE coalesce(threshold.value->>'$.ok' = 'false', threshold.value->>'$' = 'true')

-- name: session
SELECT CASE WHEN json_exists(json, '$.metadata.generatedAt') THEN strftime((json->>'$.metadata.generatedAt')::TIMESTAMPTZ
           - to_microseconds(coalesce(1e6 * (json->>'$.config.duration')::DOUBLE, 0)::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') END AS started_at,
       json->>'$.metadata.generatedAt' AS ended_at, regexp_replace(json->>'$.metadata.k6Version', '^v', '') AS harness_version,
       {options: json->'options', config: json->'config', duration_ms: json->'$.state.testRunDurationMs',
        thresholds: (SELECT json_group_object(name || coalesce('{' || submetric || '}', ''), one->'thresholds') FROM held WHERE json_exists(one, '$.thresholds'))}::JSON AS configuration
FROM document

-- name: metrics
SELECT metric, any_value(kind) AS kind, any_value(better) AS better, true AS is_aggregate FROM figures GROUP BY metric
UNION ALL
SELECT unnest(['check_passes', 'check_fails']), 'counter', unnest([NULL, 'lower']), true

-- name: warnings
SELECT 'k6 says that the threshold ' || threshold || ' of ' || name || coalesce('{' || submetric || '}', '') || ' was crossed' FROM crossed

-- name: measurements
SELECT metric, number AS value, unit, submetric, check_name, check_group
FROM (SELECT 1 AS part, metric, number, unit, submetric, NULL AS check_name, NULL AS check_group FROM figures
      UNION ALL
      SELECT 2, 'check_' || key, one->key, '1', NULL, one->>'name', nullif(regexp_replace(one->>'path', '::[^:]*$', ''), '')
      FROM (SELECT unnest((SELECT coalesce(list(node.value), []) FROM json_tree(json, '$.root_group') AS node)
                          || json_extract(json, '$.results.checks.results[*]') || json_extract(json, '$.results.checks.orderedChecks[*]')) AS one FROM document),
           unnest(['passes', 'fails']) AS _(key)
      WHERE json_type(one) = 'OBJECT' AND json_exists(one, '$.passes') AND json_exists(one, '$.fails'))
ORDER BY part, metric, submetric NULLS FIRST, check_group, check_name

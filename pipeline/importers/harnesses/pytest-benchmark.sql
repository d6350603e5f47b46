-- pytest --benchmark-json FILE, with --benchmark-save-data for the samples. Times are seconds per iteration.
-- A test that failed behind its benchmark is in the file as others are, one that failed within it is not.
-- harness: pytest-benchmark
-- signs: "\"machine_info\""
-- looks for: `stats` of the entries of `benchmarks`
-- format: json
-- samples: benchmarks[].stats.data[round]
-- revision: 2
-- metrics: time = duration lower
-- metrics: time_* = duration lower aggregate
-- metrics: operations_per_second = gauge higher aggregate
-- metrics: rounds = gauge aggregate
-- reads: datetime, version, machine_info.**, commit_info.**, benchmarks[].name|fullname|group, benchmarks[].params|extra_info.**
-- reads: benchmarks[].stats.mean|stddev|min|q1|median|q3|max|rounds|ops|iterations
-- leaves: benchmarks[].param, benchmarks[].options.*, benchmarks[].stats.iqr|iqr_outliers|stddev_outliers|outliers|ld15iqr|hd15iqr|total
-- versions: 3.2.3 to 5.3.1

-- name: recognise
SELECT json_exists(value, '$.machine_info') AND json_exists(value, '$.benchmarks') AND json_exists(value, '$.datetime')
FROM content

-- name: prepare
CREATE TEMP TABLE benchmarks AS
SELECT unnest(json_extract(json, '$.benchmarks[*]')) AS benchmark,
       unnest(range(json_array_length(json, '$.benchmarks')::BIGINT)) AS number_of_benchmark
FROM document

-- name: session
-- Versions before 5 write the time without a zone; it is UTC.
SELECT CASE WHEN regexp_matches(json->>'datetime', '(Z|[+-]\d\d:?\d\d)$') THEN json->>'datetime'
            ELSE (json->>'datetime') || 'Z' END AS started_at,
       json->>'version' AS harness_version,
       {machine_info: json->'machine_info', commit_info: json->'commit_info'}::JSON AS configuration
FROM document

-- name: measurements
WITH figures AS (
    SELECT number_of_benchmark, 1 AS part, benchmark, 'time' AS metric, NULL AS number, 's' AS unit,
           benchmark->'$.stats.data' AS samples
    FROM benchmarks WHERE (benchmark->>'$.stats.data') IS NOT NULL
    UNION ALL
    SELECT number_of_benchmark, 2, benchmark, unnest.metric, json_extract(benchmark, '$.stats.' || unnest.key), unnest.unit, NULL
    FROM benchmarks, unnest([
        {metric: 'time_mean', key: 'mean', unit: 's'}, {metric: 'time_stddev', key: 'stddev', unit: 's'},
        {metric: 'time_min', key: 'min', unit: 's'}, {metric: 'time_p25', key: 'q1', unit: 's'},
        {metric: 'time_median', key: 'median', unit: 's'}, {metric: 'time_p75', key: 'q3', unit: 's'},
        {metric: 'time_max', key: 'max', unit: 's'}, {metric: 'rounds', key: 'rounds', unit: '1'},
        {metric: 'operations_per_second', key: 'ops', unit: '/s'}])
)
SELECT metric, number AS value, unit, samples, (benchmark->>'$.stats.iterations')::BIGINT AS iterations,
       benchmark->>'name' AS name, benchmark->>'fullname' AS fullname, benchmark->>'group' AS "group",
       map_concat(params, map_from_entries(list_transform(map_entries(info), lambda one:
           (CASE WHEN map_contains(params, one.key) THEN 'extra_info_' ELSE '' END || one.key, one.value)))) AS attributes
FROM figures,
     (SELECT coalesce(from_json(nullif(benchmark->'params', 'null'), '"MAP(VARCHAR, VARCHAR)"'), MAP {}) AS params),
     (SELECT coalesce(from_json(nullif(benchmark->'extra_info', 'null'), '"MAP(VARCHAR, VARCHAR)"'), MAP {}) AS info)
WHERE samples IS NOT NULL OR json_type(number) <> 'NULL'
ORDER BY number_of_benchmark, part, metric

-- asv's result files, results/MACHINE/COMMIT-ENVIRONMENT.json, versions 1 and 2. Times are seconds; the units of other
-- benchmarks stand in asv's benchmarks.json, and are unknown where that is missing.
-- asv run --record-samples keeps samples; without, a result is the median of them and called so.
-- A combination of parameters that failed has the result null, one that the suite skipped NaN: both are lost samples.
-- Where all of them failed, null stands in place of the list.
-- harness: asv
-- signs: "\"commit_hash\""
-- looks for: benchmarks in `results`
-- format: json
-- samples: results.*[11][][], results.*.samples[][]
-- versions: 0.5.1 to 0.6.6
-- companion: benchmarks.json ../benchmarks.json
-- revision: 2
-- metrics: time_median = duration lower aggregate
-- metrics: time* = duration lower
-- metrics: memory = gauge lower
-- metrics: tracked_value = gauge
-- reads: commit_hash, env_name, python, date, params.**, requirements.**, env_vars.**, result_columns[], started_at.*
-- reads: results.*, results.*[0], results.*[0][], results.*[1].**, results.*[3], results.*.result, results.*.result[], results.*.params.**
-- leaves: version, durations|ended_at|benchmark_version|profiles.**, results.*.stats|number|profile.**, results.*[2], results.*[4]
-- leaves: results.*[5][], results.*[6][], results.*[7][], results.*[8][], results.*[9][], results.*[10][], results.*[12].**

-- name: recognise
SELECT json_exists(value, '$.commit_hash') AND json_exists(value, '$.results')
   AND (json_exists(value, '$.env_name') OR json_exists(value, '$.requirements') OR json_exists(value, '$.params.machine'))
FROM content

-- name: prepare
CREATE TEMP TABLE companion AS
SELECT json FROM read_json_objects(coalesce(getvariable('companion'), getvariable('file')), format = 'unstructured')
WHERE getvariable('companion') IS NOT NULL;
CREATE TEMP TABLE raw AS
SELECT rowid AS benchmark_number, key AS benchmark, value AS result, d.json->'result_columns' AS columns,
       d.json->'started_at' AS started_at
FROM document d, json_each(d.json, '$.results');
-- Version 2 names the columns of a result; version 1 has objects, or the bare result.
CREATE TEMP TABLE results AS
SELECT benchmark_number, benchmark,
       CASE WHEN columns IS NOT NULL AND json_type(result) NOT IN ('ARRAY', 'NULL')
            THEN error('the result of ' || benchmark || ' is no list, as result_columns say')
            WHEN columns IS NOT NULL THEN result->0 WHEN json_type(result) = 'OBJECT' THEN result->'result'
            ELSE json_array(result) END AS result,
       CASE WHEN columns IS NOT NULL THEN result->1 WHEN json_type(result) = 'OBJECT' THEN result->'params' END AS params,
       CASE WHEN columns IS NOT NULL
            THEN result->((list_position(columns::VARCHAR[], 'samples') - 1)::INTEGER)
            WHEN json_type(result) = 'OBJECT' THEN result->'samples' END AS samples,
       CASE WHEN columns IS NOT NULL
            THEN (result->>((list_position(columns::VARCHAR[], 'started_at') - 1)::INTEGER))::BIGINT
            ELSE (started_at->>json_pointer(benchmark))::BIGINT END AS started_ms
FROM raw

-- name: session
SELECT make_timestamp_ms((json->>'date')::BIGINT)::VARCHAR || 'Z' AS started_at,
       {commit_hash: json->'commit_hash', env_name: json->'env_name', python: json->'python', params: json->'params',
        requirements: json->'requirements', env_vars: json->'env_vars'}::JSON AS configuration
FROM document

-- name: warnings
-- The file says the version of its format, not of asv.
SELECT 'says version ' || (json->>'version') || ' of asv''s result files; 1 and 2 were tried'
FROM document WHERE TRY_CAST(json->>'version' AS INTEGER) NOT IN (1, 2)

-- name: measurements
WITH combinations AS (
    -- asv's order: the last parameter changes fastest.
    SELECT *, coalesce(json_array_length(params), 0) AS depth,
           unnest(range(CASE json_type(result) WHEN 'ARRAY' THEN json_array_length(result)::BIGINT
               ELSE coalesce(list_product(list_transform(range(depth::BIGINT), lambda i:
                   json_array_length(params->i::INTEGER)::BIGINT)), 1)::BIGINT END)) AS place
    FROM results LEFT JOIN (SELECT json AS known FROM companion) ON true
    WHERE coalesce(json_type(result), 'NULL') IN ('ARRAY', 'NULL')
), figures AS (
    SELECT benchmark_number, benchmark, known, params, depth, place, started_ms, false AS is_sample,
           result->place::INTEGER AS number, NULL AS samples
    FROM combinations
    UNION ALL
    SELECT benchmark_number, benchmark, known, params, depth, place, started_ms, true, NULL,
           CASE json_type(samples->place::INTEGER)
                WHEN 'ARRAY' THEN error('its column of samples is not the 12th, where asv writes them')
                ELSE samples->place::INTEGER END
    FROM combinations WHERE json_type(samples->place::INTEGER) <> 'NULL'
), named AS (
    SELECT *, regexp_extract(benchmark, '([^.]*)$', 1) AS own_name FROM figures
)
SELECT CASE WHEN is_sample THEN 'time'
            WHEN regexp_matches(own_name, '^(time|timeraw)_') THEN 'time_median'
            WHEN own_name LIKE 'mem\_%' ESCAPE '\' THEN 'memory'
            WHEN own_name LIKE 'peakmem\_%' ESCAPE '\' THEN 'peak_memory'
            ELSE 'tracked_value' END AS metric,
       CASE WHEN number::VARCHAR <> 'NaN' THEN number END AS value, samples,
       CASE WHEN is_sample THEN NULL WHEN number::VARCHAR = 'NaN' THEN 'skipped'
            WHEN number IS NULL OR number::VARCHAR = 'null' THEN 'failed' END AS outcome,
       CASE WHEN is_sample OR regexp_matches(own_name, '^(time|timeraw)_') THEN 's'
            WHEN regexp_matches(own_name, '^(mem|peakmem)_') THEN 'By'
            ELSE CASE known->>(json_pointer(benchmark) || '/unit')
                 WHEN 'seconds' THEN 's' WHEN 'bytes' THEN 'By' WHEN 'unit' THEN NULL
                 ELSE known->>(json_pointer(benchmark) || '/unit') END
       END AS unit,
       started_ms * 1000000 AS epoch_ns,
       benchmark,
       map_from_entries(list_transform(range(depth::BIGINT), lambda i: (
           coalesce(known->>(json_pointer(benchmark) || '/param_names/' || i), 'param_' || (i + 1)),
           params->>i::INTEGER->>(
               (place // coalesce(list_product(list_transform(range(i + 1, depth::BIGINT), lambda j:
                   json_array_length(params->j::INTEGER)::BIGINT)), 1)::BIGINT)
               % json_array_length(params->i::INTEGER))::INTEGER
       ))) AS attributes
FROM named
ORDER BY benchmark_number, is_sample, place

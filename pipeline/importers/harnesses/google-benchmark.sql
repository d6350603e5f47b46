-- Google Benchmark's --benchmark_out=FILE --benchmark_out_format=json. Every run of a benchmark is a sample of its real
-- time and its CPU time per iteration, in the unit that the run names; runs of one file may differ in it.
-- Aggregates that the program wrote (mean, median, stddev, cv, BigO, RMS) become metrics of these names.
-- The time of day belongs to the file's beginning; old versions write it without a zone.
-- harness: google-benchmark
-- looks for: runs in `benchmarks`
-- format: json
-- samples: benchmarks[]
-- revision: 2
-- metrics: real_time, cpu_time = duration lower
-- metrics: real_time_*, cpu_time_* = duration lower aggregate
-- metrics: bytes_per_second, items_per_second = gauge higher
-- metrics: bytes_per_second_cv, items_per_second_cv, bytes_per_second_stddev, items_per_second_stddev = gauge aggregate
-- metrics: bytes_per_second_*, items_per_second_* = gauge higher aggregate
-- metrics: *_mean, *_median, *_stddev, *_cv, *_coefficient, *_bigo, rms = gauge aggregate
-- metrics: * = gauge
-- reads: context.**, benchmarks[].* NUMBERS
-- reads: benchmarks[].name|run_name|run_type|aggregate_name|aggregate_unit|time_unit|big_o|label|error_occurred|error_message
-- leaves: benchmarks[].family_index|per_family_instance_index|repetitions

-- name: recognise
SELECT json_exists(value, '$.context.num_cpus') AND json_exists(value, '$.benchmarks') FROM content

-- name: session
SELECT replace(json->>'$.context.date', ' ', 'T') AS started_at,
       json->>'$.context.library_version' AS harness_version,
       json->'context' AS configuration
FROM document

-- name: measurements
WITH keyed AS (
    SELECT run, key, number FROM (
        SELECT json AS run, unnest(json_keys(json)) AS key, unnest(json_extract(json, '$.*')) AS number FROM samples
    )
    WHERE json_type(number) IN ('DOUBLE', 'BIGINT', 'UBIGINT')
      AND key NOT IN ('family_index', 'per_family_instance_index', 'repetitions', 'repetition_index', 'threads',
                      'iterations')
)
SELECT key || CASE WHEN run->>'run_type' = 'aggregate' AND key <> lower(run->>'aggregate_name')
                   THEN '_' || lower(run->>'aggregate_name') ELSE '' END AS metric,
       number AS value,
       CASE WHEN run->>'aggregate_unit' = 'percentage' OR run->>'aggregate_name' = 'RMS' THEN '1'
            WHEN key IN ('real_time', 'cpu_time', 'manual_time') OR key LIKE '%\_coefficient' ESCAPE '\'
            THEN CASE WHEN run->>'big_o' IS NULL THEN run->>'time_unit' END
            WHEN key = 'bytes_per_second' THEN 'By/s' WHEN key = 'items_per_second' THEN '/s' END AS unit,
       coalesce(run->>'run_name', run->>'name') AS name,
       run->>'label' AS label,
       (run->>'repetition_index')::BIGINT AS repetition_index,
       (run->>'threads')::BIGINT AS threads,
       (run->>'iterations')::BIGINT AS iterations,
       (run->>'error_occurred')::BOOLEAN AS error_occurred,
       run->>'error_message' AS error_message
FROM keyed

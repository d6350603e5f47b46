-- Google Benchmark's --benchmark_out=FILE --benchmark_out_format=json. Every run of a benchmark is a sample of its real
-- time and its CPU time per iteration, in the unit that the run names; runs of one file may differ in it.
-- Aggregates that the program wrote (mean, median, stddev, cv, BigO, RMS) become metrics of these names. Before 1.5 a
-- run does not say that it is one: its name ends so.
-- Runs that failed or were skipped have zeros for times: they are lost samples. A counter may have any name: one that the
-- program uses itself stands in the run a second time, or behind the unit where no other program has sorted the keys.
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
-- reads: benchmarks[].name|run_name|run_type|aggregate_name|aggregate_unit|time_unit|big_o|label|error_occurred|error_message|skipped|skip_message
-- leaves: benchmarks[].family_index|per_family_instance_index|repetitions
-- versions: 1.4 to 1.9.5

-- name: recognise
SELECT json_exists(value, '$.context.num_cpus') AND json_exists(value, '$.benchmarks') FROM content

-- name: prepare
SET VARIABLE is_old = (SELECT (json->>'run_type') IS NULL FROM samples LIMIT 1);
-- A benchmark's own name may end so: an aggregate stands beside what it is of, or beside another aggregate of that.
SET VARIABLE aggregates = (
    WITH names AS (
        SELECT DISTINCT json->>'name' AS name, regexp_extract(name, '^(.+)_(mean|median|stddev|cv|BigO|RMS)$', 1) AS base
        FROM samples WHERE getvariable('is_old') AND (json->>'run_type') IS NULL
    ), counted AS (
        SELECT *, count(*) OVER (PARTITION BY base) AS together FROM names
    )
    SELECT list(name) FROM counted WHERE base <> '' AND (together > 1 OR base IN (SELECT name FROM names))
);

-- name: session
SELECT replace(json->>'$.context.date', ' ', 'T') AS started_at,
       json->>'$.context.library_version' AS harness_version,
       json->'context' AS configuration
FROM document

-- name: measurements
WITH runs AS (
    SELECT json AS run, json_keys(json) AS keys, run->>'name' AS name,
           coalesce(run->>'aggregate_name', CASE WHEN list_contains(getvariable('aggregates'), name)
                                                 THEN regexp_extract(name, '[^_]+$') END) AS aggregate,
           coalesce((run->>'error_occurred')::BOOLEAN, false) OR coalesce((run->>'skipped')::BOOLEAN, false) AS is_lost,
           keys[:list_position(keys, 'time_unit')] AS first_keys,
           list_has_all(first_keys, ['iterations', 'real_time', 'cpu_time']) AND first_keys = list_filter(
               ['name', 'family_index', 'per_family_instance_index', 'run_name', 'run_type', 'repetitions',
                'repetition_index', 'threads', 'aggregate_name', 'aggregate_unit', 'error_occurred', 'error_message',
                'skipped', 'skip_message', 'iterations', 'real_time', 'cpu_time', 'time_unit'],
               lambda key: list_contains(first_keys, key)) AS is_in_order
    FROM samples
), figures AS (
    SELECT *, unnest(keys) AS key, unnest(json_extract(run, '$.*')) AS number, unnest(range(1, len(keys) + 1)) AS place
    FROM runs
), told AS (
    SELECT *, list_position(keys, key) < place OR (is_in_order AND place > list_position(keys, 'time_unit')) OR key NOT IN
           ('real_time', 'cpu_time', 'manual_time', 'real_coefficient', 'cpu_coefficient', 'rms', 'family_index',
            'per_family_instance_index', 'repetitions', 'repetition_index', 'threads', 'iterations') AS is_counter
    FROM figures
), named AS (
    SELECT *, CASE WHEN is_counter AND key IN ('real_time', 'cpu_time') THEN 'counter_' || key ELSE key END AS metric
    FROM told
    WHERE json_type(number) IN ('DOUBLE', 'BIGINT', 'UBIGINT')
      AND (is_counter OR key NOT IN ('family_index', 'per_family_instance_index', 'repetitions', 'repetition_index',
                                     'threads', 'iterations'))
)
SELECT metric || CASE WHEN key <> lower(aggregate) THEN '_' || lower(aggregate) ELSE '' END AS metric,
       CASE WHEN NOT is_lost THEN number END AS value,
       CASE WHEN run->>'aggregate_unit' = 'percentage' OR aggregate IN ('RMS', 'cv') THEN '1'
            WHEN metric IN ('real_time', 'cpu_time', 'manual_time') OR key LIKE '%\_coefficient' ESCAPE '\'
            THEN CASE WHEN run->>'big_o' IS NULL THEN run->>'time_unit' END
            WHEN key = 'bytes_per_second' THEN 'By/s' WHEN key = 'items_per_second' THEN '/s' END AS unit,
       coalesce(run->>'run_name', left(name, -1 - len(CASE WHEN run->>'run_type' IS NULL THEN aggregate END)), name) AS name,
       run->>'label' AS label,
       (run->>'repetition_index')::BIGINT AS repetition_index,
       (run->>'threads')::BIGINT AS threads,
       (run->>'iterations')::BIGINT AS iterations,
       (run->>'error_occurred')::BOOLEAN AS error_occurred,
       run->>'error_message' AS error_message,
       run->>'skip_message' AS skip_message
FROM named

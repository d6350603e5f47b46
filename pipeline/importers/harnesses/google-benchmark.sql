-- Google Benchmark's --benchmark_out=FILE --benchmark_out_format=json. Every run of a benchmark is a sample of its real
-- time and its CPU time per iteration, in the unit that the run names; runs of one file may differ in it.
-- Aggregates that the program wrote (mean, median, stddev, cv, BigO, RMS) become metrics of these names. Before 1.5 a
-- run does not say that it is one: its name ends so.
-- Runs that failed or were skipped have zeros for times: they are lost samples. A counter may have any name: one that the
-- program uses itself stands in the run a second time, or behind the unit where no other program has sorted the keys.
-- The time of day belongs to the file's beginning; old versions write it without a zone.
-- harness: google-benchmark
-- signs: "\"num_cpus\""
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
SET VARIABLE own_keys = ['real_time', 'cpu_time', 'manual_time', 'real_coefficient', 'cpu_coefficient', 'rms', 'family_index',
                         'per_family_instance_index', 'repetitions', 'repetition_index', 'threads', 'iterations'];
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
WITH read AS (
    SELECT json_keys(json) AS keys, json_extract(json, '$.*') AS numbers, json_extract_string(json, [
              '$.name', '$.run_type', '$.run_name', '$.aggregate_name', '$.error_occurred', '$.skipped', '$.aggregate_unit', '$.big_o',
              '$.time_unit', '$.label', '$.repetition_index', '$.threads', '$.iterations', '$.error_message', '$.skip_message']) AS said FROM samples
), runs AS (
    SELECT keys, numbers, said, list_position(keys, 'time_unit') AS unit_place, list_unique(keys) < len(keys) AS has_again,
           said[1] AS name, said[2] AS run_type, said[3] AS run_name,
           coalesce(said[4], CASE WHEN list_contains(getvariable('aggregates'), said[1]) THEN regexp_extract(said[1], '[^_]+$') END) AS aggregate,
           coalesce(said[5]::BOOLEAN, false) OR coalesce(said[6]::BOOLEAN, false) AS is_lost,
           said[7] AS aggregate_unit, CASE WHEN said[8] IS NULL THEN said[9] END AS time_unit,
           said[11]::BIGINT AS repetition_index, said[12]::BIGINT AS threads, said[13]::BIGINT AS iterations, said[5]::BOOLEAN AS error_occurred,
           CASE WHEN list_has_any(keys[list_position(keys, 'time_unit') + 1:], getvariable('own_keys')) THEN
               list_has_all(keys[:unit_place], ['iterations', 'real_time', 'cpu_time']) AND keys[:unit_place] = list_filter(
                   ['name', 'family_index', 'per_family_instance_index', 'run_name', 'run_type', 'repetitions',
                    'repetition_index', 'threads', 'aggregate_name', 'aggregate_unit', 'error_occurred', 'error_message',
                    'skipped', 'skip_message', 'iterations', 'real_time', 'cpu_time', 'time_unit'],
                   lambda one: list_contains(keys[:unit_place], one)) ELSE false END AS is_in_order
    FROM read
), figures AS (
    SELECT * EXCLUDE (numbers), unnest(keys) AS key, unnest(numbers) AS number, unnest(range(1, len(keys) + 1)) AS place FROM runs
), told AS (
    SELECT *, key NOT IN ('real_time', 'cpu_time', 'manual_time', 'real_coefficient', 'cpu_coefficient', 'rms', 'family_index',
                          'per_family_instance_index', 'repetitions', 'repetition_index', 'threads', 'iterations')
           OR (is_in_order AND place > unit_place) OR (has_again AND list_position(keys, key) < place) AS is_counter
    FROM figures WHERE json_type(number) IN ('DOUBLE', 'BIGINT', 'UBIGINT')
), named AS (
    SELECT *, CASE WHEN is_counter AND key IN ('real_time', 'cpu_time') THEN 'counter_' || key ELSE key END AS metric
    FROM told
    WHERE is_counter OR key NOT IN ('family_index', 'per_family_instance_index', 'repetitions', 'repetition_index', 'threads', 'iterations')
)
SELECT metric || CASE WHEN key <> lower(aggregate) THEN '_' || lower(aggregate) ELSE '' END AS metric,
       CASE WHEN NOT is_lost THEN number END AS value,
       CASE WHEN aggregate_unit = 'percentage' OR aggregate IN ('RMS', 'cv') THEN '1'
            WHEN metric IN ('real_time', 'cpu_time', 'manual_time') OR key LIKE '%\_coefficient' ESCAPE '\' THEN time_unit
            WHEN key = 'bytes_per_second' THEN 'By/s' WHEN key = 'items_per_second' THEN '/s' END AS unit,
       coalesce(run_name, left(name, -1 - len(CASE WHEN run_type IS NULL THEN aggregate END)), name) AS name, said[10] AS label,
       repetition_index, threads, iterations, error_occurred, said[14] AS error_message, said[15] AS skip_message
FROM named

-- hyperfine --export-json FILE. Times are seconds. hyperfine writes no time of day, no version and no warm-up runs.
-- What -i lets fail stands among the times, and is in its mean: the exit code tells, null after a signal.
-- harness: hyperfine
-- signs: "\"command\""
-- looks for: times of the commands in `results`
-- format: json
-- samples: results[].times[run], results[].memory_usage_byte[run], results[].exit_codes[]
-- revision: 2
-- metrics: time = duration lower
-- metrics: time_*, user_time_mean, system_time_mean = duration lower aggregate
-- metrics: memory_usage = gauge lower
-- reads: results[].command|mean|stddev|median|min|max|user|system, results[].parameters.**
-- versions: 1.15 to 2.0

-- name: recognise
SELECT json_exists(value, '$.results[0].command') AND json_exists(value, '$.results[0].mean') FROM content

-- name: prepare
CREATE TEMP TABLE results AS
SELECT unnest(json_extract(json, '$.results[*]')) AS result,
       unnest(range(json_array_length(json, '$.results')::BIGINT)) AS number_of_result
FROM document;
SET VARIABLE code_arrays = (SELECT list((result->'exit_codes')::BIGINT) FROM results);

-- name: session
SELECT {commands: list(result->>'command' ORDER BY number_of_result)}::JSON AS configuration FROM results

-- name: warnings
SELECT count(*) || ' of the runs failed, with an exit code other than 0 or by a signal, and are in the means; '
       '--where "exit_code = 0" leaves their times out'
FROM samples WHERE list_contains(getvariable('code_arrays'), number) AND json::VARCHAR IS DISTINCT FROM '0'
HAVING count(*) > 0

-- name: measurements
WITH figures AS (
    SELECT number_of_result, 1 AS part, result, 'time' AS metric, NULL AS number, 's' AS unit, result->'times' AS samples
    FROM results
    UNION ALL
    SELECT number_of_result, 2, result, 'memory_usage', NULL, 'By', result->'memory_usage_byte' FROM results
    UNION ALL
    SELECT number_of_result, 3, result, unnest.metric, json_extract(result, '$.' || unnest.key), 's', NULL
    FROM results, unnest([
        {metric: 'time_mean', key: 'mean'}, {metric: 'time_stddev', key: 'stddev'},
        {metric: 'time_median', key: 'median'}, {metric: 'time_min', key: 'min'}, {metric: 'time_max', key: 'max'},
        {metric: 'user_time_mean', key: 'user'}, {metric: 'system_time_mean', key: 'system'}])
)
SELECT metric, number AS value, unit,
       CASE WHEN part < 3 THEN {value: samples, exit_code: (result->'exit_codes')::BIGINT} END AS samples,
       result->>'command' AS command,
       coalesce(from_json(result->'parameters', '"MAP(VARCHAR, VARCHAR)"'), MAP {}) AS attributes
FROM figures
WHERE CASE WHEN part < 3 THEN json_type(samples) ELSE json_type(number) END <> 'NULL'
ORDER BY number_of_result, part, metric

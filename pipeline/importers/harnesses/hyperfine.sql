-- hyperfine --export-json FILE. Times are seconds. hyperfine writes no time of day.
-- harness: hyperfine
-- looks for: times of the commands in `results`
-- format: json

-- name: recognise
SELECT json_exists(value, '$.results[0].command') AND json_exists(value, '$.results[0].mean') FROM content

-- name: prepare
CREATE TEMP TABLE results AS
SELECT unnest(json_extract(json, '$.results[*]')) AS result,
       unnest(range(json_array_length(json, '$.results')::BIGINT)) AS number_of_result
FROM document

-- name: session
SELECT {commands: list(result->>'command' ORDER BY number_of_result)}::JSON AS configuration FROM results

-- name: measurements
WITH figures AS (
    SELECT number_of_result, 1 AS part, result, 'time' AS metric, unnest(json_extract(result, '$.times[*]')) AS number, 's' AS unit,
           unnest(range(json_array_length(result, '$.times')::BIGINT)) AS run
    FROM results
    UNION ALL
    SELECT number_of_result, 2, result, 'memory_usage', unnest(json_extract(result, '$.memory_usage_byte[*]')), 'By',
           unnest(range(json_array_length(result, '$.memory_usage_byte')::BIGINT))
    FROM results
    UNION ALL
    SELECT number_of_result, 3, result, unnest.metric, json_extract(result, '$.' || unnest.key), 's', NULL
    FROM results, unnest([
        {metric: 'time_mean', key: 'mean'}, {metric: 'time_stddev', key: 'stddev'},
        {metric: 'time_median', key: 'median'}, {metric: 'time_min', key: 'min'}, {metric: 'time_max', key: 'max'},
        {metric: 'user_time_mean', key: 'user'}, {metric: 'system_time_mean', key: 'system'}])
)
SELECT metric, number AS value, unit, run,
       (result->>('$.exit_codes[' || run || ']'))::BIGINT AS exit_code,
       map_concat(MAP {'command': result->>'command'}, coalesce(
           from_json(result->'parameters', '"MAP(VARCHAR, VARCHAR)"'), MAP {})) AS attributes
FROM figures
WHERE number IS NOT NULL AND json_type(number) <> 'NULL'
ORDER BY number_of_result, part, run, metric

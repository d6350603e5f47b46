-- hyperfine --export-json FILE of 2.0 and later, schema 2: each run is an object of its figures, each with its unit, in base units.
-- What 1.x calls times is time here as well; times of the CPU and figures of the hardware are samples of each run, too.
-- Warm-up runs are not in it. What -i lets fail stands among the runs, and is in the summary: the exit code tells.
-- harness: hyperfine
-- signs: "\"hyperfine_version\""
-- looks for: figures of the `measurements` in `results`
-- format: json
-- samples: results[].measurements[]
-- metrics: time, cpu_time, user_time, system_time = duration lower
-- metrics: time_*, cpu_time_*, user_time_*, system_time_* = duration lower aggregate
-- metrics: memory_usage, cpu_cycles, instructions, cache_misses, branch_misses = gauge lower
-- metrics: memory_usage_*, cpu_cycles_*, instructions_*, cache_misses_*, branch_misses_* = gauge lower aggregate
-- metrics: *_mean, *_stddev, *_median, *_min, *_max = gauge aggregate
-- metrics: * = gauge
-- reads: metadata.**, primary_metric, results[].command|name, results[].parameters.*.value, results[].environment.*
-- reads: results[].measurements[].exit_code, results[].measurements[].*.value|unit, results[].summary.*.unit|mean|stddev|median|min|max
-- leaves: schema_version, results[].summary.*.count
-- versions: 1.15 to 2.0

-- name: recognise
SELECT json_exists(value, '$.metadata.hyperfine_version') AND json_exists(value, '$.results[0].measurements') FROM content

-- name: prepare
CREATE TEMP MACRO metric_of(key) AS CASE key WHEN 'time_wall_clock' THEN 'time' WHEN 'time_cpu' THEN 'cpu_time' WHEN 'time_user' THEN 'user_time'
    WHEN 'time_system' THEN 'system_time' WHEN 'memory_peak_resident' THEN 'memory_usage' ELSE key END;
-- Counts of the hardware have no unit.
CREATE TEMP MACRO unit_of(told) AS CASE coalesce(told, 'count') WHEN 'second' THEN 's' WHEN 'byte' THEN 'By' WHEN 'count' THEN '1' ELSE told END;
CREATE TEMP TABLE results AS
SELECT number_of_result, result, (result->>'measurements')::BIGINT AS runs, result->>'command' AS command, result->>'name' AS name,
       map_concat(
           map(keys, list_transform(keys, lambda key: json_extract_string(result, '/parameters' || json_pointer(key) || '/value'))),
           map(list_transform(set_keys, lambda key: 'environment_' || key),
               list_transform(set_keys, lambda key: json_extract_string(result, '/environment' || json_pointer(key))))) AS attributes
FROM (SELECT *, coalesce(json_keys(result, '$.parameters'), []) AS keys, coalesce(json_keys(result, '$.environment'), []) AS set_keys
      FROM (SELECT unnest(json_extract(json, '$.results[*]')) AS result,
                   unnest(range(json_array_length(json, '$.results')::BIGINT)) AS number_of_result FROM document));

-- name: session
SELECT json->>'$.metadata.start_time' AS started_at, json->>'$.metadata.hyperfine_version' AS harness_version,
       {commands: (SELECT list(command ORDER BY number_of_result) FROM results), metadata: json->'metadata',
        primary_metric: json->>'primary_metric'}::JSON AS configuration
FROM document

-- name: warnings
SELECT count(*) || ' of the runs failed, with an exit code other than 0 or by a signal, and are in the means; '
       '--where "exit_code = 0" leaves their times out'
FROM samples WHERE json_exists(json, '$.exit_code') AND json->>'exit_code' IS DISTINCT FROM '0'
HAVING count(*) > 0

-- name: measurements
WITH figures AS (
    SELECT number_of_result, run, exit_code, metric_of(key) AS metric, unit_of(figure->>'unit') AS unit, figure->'value' AS number
    FROM (SELECT number, place AS run, (json->>'exit_code')::BIGINT AS exit_code, unnest(json_keys(json)) AS key,
                 unnest(json_extract(json, '$.*')) AS figure FROM samples) JOIN results ON number = runs
    UNION ALL
    SELECT number_of_result, NULL, NULL, metric_of(key) || '_' || name_of_figure, unit_of(summary->>'unit'), summary->name_of_figure
    FROM (SELECT number_of_result, unnest(json_keys(result, '$.summary')) AS key, unnest(json_extract(result, '$.summary.*')) AS summary FROM results),
         unnest(['mean', 'stddev', 'median', 'min', 'max']) AS figures(name_of_figure)
    WHERE json_type(summary->name_of_figure) <> 'NULL'
)
SELECT metric, nullif(number, 'null') AS value, unit, run, exit_code, command, name, attributes
FROM figures JOIN results USING (number_of_result)
WHERE number IS NOT NULL

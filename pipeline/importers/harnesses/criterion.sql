-- criterion.rs: sample.json in target/criterion/BENCHMARK/new, or in base, which holds the run before or a saved baseline. A sample
-- is the time of some iterations, divided by their number; in mode Linear that number grows, so that samples have not the same
-- weight: criterion's own figure is the slope, in estimates.json. Before 0.3.4 the file is [iterations, times].
-- What was measured stands in benchmark.json beside it. The file has no unit: it is ns unless a program measures something else.
-- harness: criterion
-- signs: "\"iters\"", "sample.json"
-- looks for: `iters` and `times`
-- format: json
-- companion: benchmark.json ../new/benchmark.json
-- samples: iters[], times[], [0][], [1][]
-- metrics: time = duration lower
-- reads: sampling_mode

-- name: recognise
SELECT (json_type(value, '$.iters') = 'ARRAY' AND json_type(value, '$.times') = 'ARRAY')
    OR (name LIKE 'sample.json%' AND json_array_length(value) = 2 AND json_type(value, '$[0]') = 'ARRAY' AND json_type(value, '$[1]') = 'ARRAY')
FROM content

-- name: prepare
CREATE TEMP TABLE companion AS
SELECT json FROM read_json_objects(coalesce(getvariable('companion'), getvariable('file')), format = 'unstructured',
                                   maximum_object_size = getvariable('object_limit'))
WHERE getvariable('companion') IS NOT NULL

-- name: session
SELECT regexp_replace(coalesce(known->>'directory_name', known->>'full_id') || '-' || getvariable('folder'), '[^\w.-]+', '-', 'g') AS session_id,
       {sampling_mode: document.json->>'sampling_mode', benchmark: known}::JSON AS configuration,
       {benchmark: known->>'full_id', "group": known->>'group_id', function: known->>'function_id', parameter: known->>'value_str',
        sampling_mode: document.json->>'sampling_mode', baseline: CASE WHEN known IS NOT NULL THEN nullif(getvariable('folder'), 'new') END} AS attributes
FROM document LEFT JOIN (SELECT json AS known FROM companion) ON true

-- name: measurements
SELECT 'time' AS metric, NULL AS value, 'ns' AS unit, {value: times, per_iterations: iterations} AS samples
FROM (SELECT coalesce(json->'times', json->1)::BIGINT AS times, coalesce(json->'iters', json->0)::BIGINT AS iterations FROM document)
WHERE times IS NOT NULL

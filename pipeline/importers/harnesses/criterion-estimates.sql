-- criterion.rs: estimates.json in target/criterion/BENCHMARK/new or base: figures that criterion computed, with their standard
-- errors and the bounds of their confidence intervals. There is a slope where the sampling was Linear. In change they are relative to the
-- run before, which is 1: -0.1 is a tenth faster.
-- harness: criterion
-- signs: "\"point_estimate\""
-- looks for: `point_estimate` of the mean, median, slope, ...
-- format: json
-- companion: benchmark.json ../new/benchmark.json
-- metrics: time_* = duration lower aggregate
-- metrics: relative_time_* = gauge lower aggregate
-- reads: mean|median|median_abs_dev|slope|std_dev|Mean|Median|MedianAbsDev|Slope|StdDev.point_estimate|standard_error
-- reads: mean|median|median_abs_dev|slope|std_dev|Mean|Median|MedianAbsDev|Slope|StdDev.confidence_interval.confidence_level|lower_bound|upper_bound

-- name: recognise
SELECT coalesce(json_exists(value, '$.mean.point_estimate') AND json_exists(value, '$.mean.confidence_interval')
                OR json_exists(value, '$.Mean.point_estimate'), false) FROM content

-- name: prepare
CREATE TEMP TABLE companion AS
SELECT json FROM read_json_objects(coalesce(getvariable('companion'), getvariable('file')), format = 'unstructured')
WHERE getvariable('companion') IS NOT NULL;

-- name: session
SELECT regexp_replace(coalesce(known->>'directory_name', known->>'full_id') || '-' || getvariable('folder') || '-estimates', '[^\w.-]+', '-', 'g') AS session_id,
       {benchmark: known}::JSON AS configuration,
       {benchmark: known->>'full_id', "group": known->>'group_id', function: known->>'function_id', parameter: known->>'value_str',
        baseline: CASE WHEN known IS NOT NULL THEN nullif(getvariable('folder'), 'new') END} AS attributes
FROM document LEFT JOIN (SELECT json AS known FROM companion) ON true

-- name: measurements
WITH estimates AS (
    SELECT unnest(json_keys(json)) AS key, unnest(json_extract(json, '$.*')) AS estimate,
           NOT json_exists(json, '$.std_dev') AND NOT json_exists(json, '$.StdDev') AS is_change FROM document
), named AS (
    SELECT *, CASE WHEN is_change THEN 'relative_time_' ELSE 'time_' END || CASE lower(replace(key, '_', ''))
               WHEN 'stddev' THEN 'stddev' WHEN 'medianabsdev' THEN 'median_abs_dev' ELSE lower(key) END AS metric
    FROM estimates WHERE json_exists(estimate, '$.point_estimate')
), figures AS (
    SELECT metric, is_change, estimate->>'$.confidence_interval.confidence_level' AS level, unnest([
        {name: '', number: estimate->'point_estimate'}, {name: '_standard_error', number: estimate->'standard_error'},
        {name: '_lower', number: estimate->'$.confidence_interval.lower_bound'},
        {name: '_upper', number: estimate->'$.confidence_interval.upper_bound'}]) AS one
    FROM named
)
SELECT metric || one.name AS metric, one.number AS value, CASE WHEN is_change THEN '1' ELSE 'ns' END AS unit,
       CASE WHEN one.name IN ('_lower', '_upper') THEN level::DOUBLE END AS confidence_level
FROM figures WHERE json_type(one.number) <> 'NULL'

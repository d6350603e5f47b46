-- JMH's -rf json. Each value of rawData is the figure of one iteration of one fork, in scoreUnit. Mode `sample` has a
-- histogram of each iteration instead, whose values JMH rounds down to 10 bits: each is repeated as often as it was counted.
-- The metric and which way is better follow the mode. Secondary results are metrics of their own names, without the dot
-- that versions before 1.37 write before those of profilers; what a secondary score is of the iterations, JMH does not say.
-- In mode `sample` secondary results of names such as get·p0.50 are percentiles of each iteration, which are aggregates.
-- NaN and infinities are texts; a value that is NaN is a lost sample. JMH writes no time of day.
-- harness: jmh
-- signs: "\"primarymetric\""
-- looks for: `rawData` and `rawDataHistogram` in the metrics of each benchmark
-- format: json
-- samples: [].primaryMetric.rawData[][iteration], [].primaryMetric.rawDataHistogram[][][], [].secondaryMetrics.*.rawData[][iteration], [].secondaryMetrics.*.rawDataHistogram[][][]
-- versions: 1.21 to 1.36
-- metrics: throughput = gauge higher
-- metrics: throughput_* = gauge higher aggregate
-- metrics: average_time, sample_time, single_shot_time = duration lower
-- metrics: average_time_*, sample_time_*, single_shot_time_*, iteration_p* = duration lower aggregate
-- reads: [].benchmark|mode|threads|forks|jmhVersion|jvm|jdkVersion|vmName|vmVersion|warmupIterations|warmupTime|warmupBatchSize|measurementIterations|measurementTime|measurementBatchSize, [].jvmArgs[], [].params.*
-- reads: [].primaryMetric.score|scoreError|scoreUnit, [].primaryMetric.scoreConfidence[], [].primaryMetric.scorePercentiles.*
-- reads: [].secondaryMetrics.*.score|scoreError|scoreUnit, [].secondaryMetrics.*.scoreConfidence[], [].secondaryMetrics.*.scorePercentiles.*

-- name: recognise
SELECT json_type(value) = 'ARRAY' AND json_exists(value, '$[0].benchmark') AND json_exists(value, '$[0].mode')
   AND json_exists(value, '$[0].primaryMetric')
FROM content

-- name: prepare
CREATE TEMP TABLE results AS
SELECT unnest(json_extract(json, '$[*]')) AS result, unnest(range(json_array_length(json)::BIGINT)) AS number_of_result FROM document;
CREATE TEMP TABLE metrics AS
WITH named AS (
    SELECT number_of_result, result, 0 AS part, NULL AS secondary, result->'primaryMetric' AS figures FROM results
    UNION ALL
    SELECT number_of_result, result, unnest(range(1, len(json_keys(result, '$.secondaryMetrics')) + 1)),
           unnest(json_keys(result, '$.secondaryMetrics')), unnest(json_extract(result, '$.secondaryMetrics.*')) FROM results
), told AS (
    SELECT *, result->>'mode' = 'sample' AND coalesce(regexp_matches(secondary, '[^0-9A-Za-z]p[01]\.\d+$'), false) AS is_percentile
    FROM named
)
SELECT number_of_result, part, secondary, figures, is_percentile, figures->>'scoreUnit' AS unit,
       CASE WHEN is_percentile
            THEN 'iteration_p' || replace(regexp_replace((regexp_extract(secondary, '[\d.]+$')::DECIMAL(18, 12) * 100)::VARCHAR, '\.?0+$', ''), '.', '_')
            WHEN secondary IS NOT NULL THEN ltrim(secondary, '·')
            WHEN result->>'mode' = 'thrpt' THEN 'throughput' WHEN result->>'mode' = 'avgt' THEN 'average_time'
            WHEN result->>'mode' = 'sample' THEN 'sample_time' WHEN result->>'mode' = 'ss' THEN 'single_shot_time'
            ELSE error('its mode ' || coalesce(result->>'mode', 'null') || ' is none of JMH; thrpt, avgt, sample and ss are') END AS metric,
       {benchmark: result->>'benchmark', mode: result->>'mode', threads: (result->>'threads')::BIGINT,
        params: coalesce(from_json(nullif(result->'params', 'null'), '"MAP(VARCHAR, VARCHAR)"'), MAP {})} AS of
FROM told;
CREATE TEMP TABLE arrays AS
SELECT number_of_result, part, fork, iteration, array_number::BIGINT AS number FROM (
    SELECT number_of_result, part, unnest(range(json_array_length(figures, '$.rawData')::BIGINT)) AS fork, NULL AS iteration,
           unnest(json_extract(figures, '$.rawData[*]')) AS array_number FROM metrics
    UNION ALL
    SELECT number_of_result, part, fork, unnest(range(json_array_length(iterations)::BIGINT)), unnest(json_extract(iterations, '$[*]'))
    FROM (SELECT number_of_result, part, unnest(range(json_array_length(figures, '$.rawDataHistogram')::BIGINT)) AS fork,
                 unnest(json_extract(figures, '$.rawDataHistogram[*]')) AS iterations FROM metrics)
) WHERE json_type(array_number) <> 'NULL';
SET VARIABLE counted = (
    SELECT sum(CASE WHEN json_type(json, '$[1]') = 'UBIGINT' THEN (json->>1)::HUGEINT
                    ELSE error('a histogram holds ' || json::VARCHAR || ', which is no value and how often it was counted') END)
    FROM pieces JOIN arrays USING (number) WHERE iteration IS NOT NULL);

-- name: session
SELECT json->0->>'jmhVersion' AS harness_version,
       {benchmarks: (SELECT list(json_merge_patch(result, '{"primaryMetric": null, "secondaryMetrics": null}') ORDER BY number_of_result)
                     FROM results)}::JSON AS configuration
FROM document

-- name: metrics
SELECT metric || ending AS metric, 'gauge' AS kind,
       CASE WHEN bool_and(unit LIKE 'ops/%') THEN 'higher' WHEN bool_and(unit LIKE '%/op') THEN 'lower' END AS better,
       ending <> '' AS is_aggregate
FROM metrics, (SELECT unnest(['', '_score', '_score_error', '_score_lower', '_score_upper', '_p0', '_p50', '_p90', '_p95', '_p99',
                              '_p99_9', '_p99_99', '_p99_999', '_p99_9999', '_p100']) AS ending)
WHERE part > 0 AND NOT is_percentile GROUP BY ALL

-- name: unused
SELECT secondary, count(*) FROM metrics WHERE part > 0 AND json_type(figures) <> 'OBJECT' GROUP BY secondary
UNION ALL
SELECT 'percentiles of each iteration: ' || key, count(*)
FROM (SELECT unnest(json_keys(figures) || list_transform(json_keys(figures, '$.scorePercentiles'), lambda one: 'scorePercentiles.' || one)) AS key
      FROM metrics WHERE is_percentile)
WHERE key NOT IN ('rawData', 'scoreUnit', 'scorePercentiles') GROUP BY key

-- name: measurements
WITH sampled AS (
    SELECT number_of_result, part, fork, coalesce(iteration, place) AS iteration,
           CASE WHEN iteration IS NULL AND place IS NULL THEN number END AS samples,
           CASE WHEN iteration IS NULL THEN json->>'$' ELSE json->>0 END AS number,
           CASE WHEN getvariable('counted') > 100000000 THEN error('its histograms count more than 100,000,000 operations')
                WHEN iteration IS NULL THEN 1 ELSE (json->>1)::BIGINT END AS times
    FROM pieces JOIN arrays USING (number)
), scores AS (
    SELECT number_of_result, part, unnest([
        {name: '_score', number: figures->>'score'}, {name: '_score_error', number: figures->>'scoreError'},
        {name: '_score_lower', number: figures->>'$.scoreConfidence[0]'}, {name: '_score_upper', number: figures->>'$.scoreConfidence[1]'}
    ]) AS one FROM metrics WHERE NOT is_percentile
    UNION ALL
    SELECT number_of_result, part, {name: '_p' || replace(regexp_replace(key, '\.0+$', ''), '.', '_'), number: text}
    FROM (SELECT number_of_result, part, unnest(json_keys(figures, '$.scorePercentiles')) AS key,
                 unnest(json_extract_string(figures, '$.scorePercentiles.*')) AS text FROM metrics WHERE NOT is_percentile)
), rows AS (
    -- By the thousand: the engine holds what 2,048 bins become.
    SELECT number_of_result, part, '' AS name, number, fork, iteration, samples
    FROM (SELECT *, unnest(range(least(times - 1000 * piece, 1000))) FROM (SELECT *, unnest(range((times + 999) // 1000)) AS piece FROM sampled))
    UNION ALL
    SELECT number_of_result, part, one.name, one.number, NULL, NULL, NULL FROM scores WHERE one.number <> 'NaN'
)
SELECT metric || name AS metric, CASE WHEN number LIKE '_INF' THEN replace(number, 'INF', 'Infinity') WHEN number <> 'NaN' THEN number END AS value, unit, of.benchmark AS benchmark,
       of.mode AS mode, of.threads AS threads, secondary AS secondary_result, fork, iteration, samples, of.params AS attributes
FROM rows JOIN metrics USING (number_of_result, part)

-- cyclictest --json: bins of each thread and its own figures, in microseconds, or in nanoseconds with -N. There are no samples.
-- What was tried is 2.4 to 2.10: of these 2.4 says 2.40, 2.9 would say 2.90, and 2.10 says 2.10.
-- A bin is whole: the latencies that were read as so many microseconds. Bins hold what is below -h alone; the cycles
-- beyond, of which the worst are, are counted as latency_beyond_bins.
-- harness: cyclictest
-- signs: "cyclictest"
-- looks for: threads in `thread`
-- format: json
-- versions: 2.10 to 2.90
-- metrics: latency_bins, latency_min, latency_max, latency_mean = duration lower aggregate
-- metrics: latency_beyond_bins = counter lower aggregate
-- metrics: cycles = counter aggregate
-- reads: "cmdline:", cmdline, "rt_test_version:", rt_test_version, start_time, end_time, return_code, sysinfo.**, resolution_in_ns
-- reads: thread.*.cycles|min|max|avg|cpu|node, thread.*.histogram.*
-- leaves: file_version, num_threads

-- name: recognise
SELECT json_type(value, '$.thread') = 'OBJECT' AND regexp_matches(coalesce(value->>'/cmdline:', value->>'cmdline', ''), '^\S*cyclictest\b')
FROM content

-- name: prepare
SET VARIABLE unit = (SELECT CASE json->>'resolution_in_ns' WHEN '1' THEN 'ns' ELSE 'us' END FROM document);
SET VARIABLE has_bins = (SELECT regexp_matches(coalesce(json->>'/cmdline:', json->>'cmdline'), ' (-[a-zA-Z]*[hH]|--hist)')
                                OR len(json_extract(json, '$.thread.*.histogram.*')) > 0 FROM document);
CREATE TEMP TABLE threads AS
SELECT thread.rowid AS place, thread.key AS thread, thread.value AS one,
       (SELECT sum((bin.value->>'$')::BIGINT) FROM json_each(thread.value, '$.histogram') AS bin) AS held
FROM document, json_each(json, '$.thread') AS thread

-- name: session
SELECT try_strptime(json->>'start_time', '%a, %d %b %Y %H:%M:%S %z') AS started_at,
       try_strptime(json->>'end_time', '%a, %d %b %Y %H:%M:%S %z') AS ended_at,
       coalesce(json->>'/rt_test_version:', json->>'rt_test_version') AS harness_version,
       {cmdline: coalesce(json->'/cmdline:', json->'cmdline'), sysinfo: json->'sysinfo', return_code: json->'return_code'}::JSON AS configuration
FROM document

-- name: warnings
SELECT 'has bins that lack ' || sum(lacking) || ' of ' || sum(cycles) || ' cycles, those beyond -h, of which the worst are: latency_beyond_bins counts them'
FROM (SELECT (one->>'cycles')::BIGINT AS cycles, (one->>'cycles')::BIGINT - coalesce(held, 0) AS lacking FROM threads WHERE getvariable('has_bins'))
HAVING sum(lacking) > 0
UNION ALL
SELECT 'has no bins: cyclictest writes them with -h' WHERE NOT getvariable('has_bins')

-- name: measurements
SELECT figure.metric AS metric, figure.value AS value, figure.unit AS unit, thread, (one->>'cpu')::BIGINT AS cpu, (one->>'node')::BIGINT AS node,
       figure.lower AS bin_lower, figure.count AS bin_count
FROM (
    SELECT place, unnest(range(-5, 0)) AS bin, thread, one, unnest([
        {metric: 'cycles', value: one->>'cycles', unit: '1', lower: NULL::DOUBLE, count: NULL::BIGINT},
        {metric: 'latency_min', value: CASE WHEN one->>'cycles' <> '0' THEN one->>'min' END, unit: getvariable('unit'), lower: NULL, count: NULL},
        {metric: 'latency_max', value: CASE WHEN one->>'cycles' <> '0' THEN one->>'max' END, unit: getvariable('unit'), lower: NULL, count: NULL},
        {metric: 'latency_mean', value: CASE WHEN one->>'cycles' <> '0' THEN one->>'avg' END, unit: getvariable('unit'), lower: NULL, count: NULL},
        {metric: 'latency_beyond_bins', unit: '1', lower: NULL, count: NULL,
         value: CASE WHEN getvariable('has_bins') THEN ((one->>'cycles')::BIGINT - coalesce(held, 0))::VARCHAR END}]) AS figure
    FROM threads
    UNION ALL
    SELECT place, 1 + bin.key::BIGINT, thread, one,
           {metric: 'latency_bins', value: bin.key, unit: getvariable('unit'), lower: bin.key::DOUBLE, count: (bin.value->>'$')::BIGINT}
    FROM threads, json_each(one, '$.histogram') AS bin
)
WHERE figure.value IS NOT NULL
ORDER BY place, bin

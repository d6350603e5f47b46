-- vegeta report -type=json: aggregates. Latencies, duration and wait are nanoseconds; the latency total is the sum of all.
-- A histogram (-buckets) becomes bins: the metric latency_bins, whose value is the end of the bin, which lies above all in it,
-- bin_lower its beginning, bin_count how many there were; what lies above the last beginning is latency_beyond_bins.
-- Reports of -every are states of one run: the last counts.
-- harness: vegeta
-- documents: cumulative
-- signs: "\"status_codes\""
-- looks for: figures in `latencies`, and `requests`
-- format: json
-- metrics: latency_beyond_bins = counter lower aggregate
-- metrics: latency_bins, latency_* = duration lower aggregate
-- metrics: duration, wait = duration aggregate
-- metrics: requests, status_count, bytes_in_total, bytes_out_total = counter aggregate
-- metrics: rate, bytes_in_mean, bytes_out_mean = gauge aggregate
-- metrics: throughput, success = gauge higher aggregate
-- reads: latencies.total|mean|50th|90th|95th|99th|max|min, bytes_in|bytes_out.total|mean, earliest, latest, end, duration, wait
-- reads: requests, rate, throughput, success, status_codes.*, errors[], buckets.*

-- name: recognise
SELECT json_type(value, '$.latencies') = 'OBJECT' AND json_exists(value, '$.status_codes') AND json_exists(value, '$.requests') FROM content

-- name: session
SELECT nullif(json->>'earliest', '0001-01-01T00:00:00Z') AS started_at, nullif(json->>'end', '0001-01-01T00:00:00Z') AS ended_at,
       {errors: json->'errors'}::JSON AS configuration
FROM document

-- name: measurements
WITH figures AS (
    SELECT 1 AS part, 'latency_' || figure.name AS metric, json->('/latencies/' || figure.key) AS number, 'ns' AS unit, NULL AS status
    FROM document, unnest([{name: 'sum', key: 'total'}, {name: 'mean', key: 'mean'}, {name: 'p50', key: '50th'}, {name: 'p90', key: '90th'},
                           {name: 'p95', key: '95th'}, {name: 'p99', key: '99th'}, {name: 'max', key: 'max'}, {name: 'min', key: 'min'}]) AS _(figure)
    UNION ALL
    SELECT 2, figure.name, json->figure.key, figure.unit, NULL
    FROM document, unnest([
        {name: 'bytes_in_total', key: '/bytes_in/total', unit: 'By'}, {name: 'bytes_in_mean', key: '/bytes_in/mean', unit: 'By'},
        {name: 'bytes_out_total', key: '/bytes_out/total', unit: 'By'}, {name: 'bytes_out_mean', key: '/bytes_out/mean', unit: 'By'},
        {name: 'duration', key: '/duration', unit: 'ns'}, {name: 'wait', key: '/wait', unit: 'ns'}, {name: 'requests', key: '/requests', unit: '1'},
        {name: 'rate', key: '/rate', unit: '/s'}, {name: 'throughput', key: '/throughput', unit: '/s'}, {name: 'success', key: '/success', unit: '1'}]) AS _(figure)
    UNION ALL
    SELECT 3, 'status_count', code.value, '1', code.key FROM document, json_each(json, '$.status_codes') AS code
), buckets AS (
    SELECT bucket.key::BIGINT AS lower, (bucket.value->>'$')::BIGINT AS count, lead(bucket.key::BIGINT) OVER (ORDER BY bucket.key::BIGINT) AS upper
    FROM document, json_each(json, '$.buckets') AS bucket
)
SELECT metric, value, unit, status, bin_lower, bin_count
FROM (SELECT part, metric AS place, metric, number AS value, unit, status, NULL::DOUBLE AS bin_lower, NULL::BIGINT AS bin_count FROM figures
      WHERE json_type(number) <> 'NULL'
      UNION ALL
      SELECT 4, lpad(lower::VARCHAR, 20, '0'), CASE WHEN upper IS NULL THEN 'latency_beyond_bins' ELSE 'latency_bins' END,
             coalesce(upper, count)::JSON, CASE WHEN upper IS NULL THEN '1' ELSE 'ns' END, NULL, lower::DOUBLE,
             CASE WHEN upper IS NOT NULL THEN count END FROM buckets)
ORDER BY part, place, status

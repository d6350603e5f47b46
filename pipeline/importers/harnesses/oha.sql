-- oha --output-format json (-j): aggregates in seconds, of requests that got a response. Those that failed are counted by their
-- error alone, as error_count; success_rate is of all but those that the deadline cut off.
-- Histograms become bins, as response_time_bins: the value is the greatest of the bin, bin_lower the one before. oha writes
-- ends of bins, or in some versions how far they are from the fastest request; the first one tells which. The last bin takes
-- in all that is slower.
-- The rates (rps_...) are of stretches of 10 ms, requests_per_second is of the whole. Nothing says when it was.
-- signs: "\"requestspersec\""
-- looks for: figures in `summary` and `latencyPercentiles`
-- format: json
-- metrics: *_bins, response_time_*, first_byte_*, connection_*, dns_*, duration = duration lower aggregate
-- metrics: requests_per_second, bytes_per_second, rps_* = gauge higher aggregate
-- metrics: success_rate = gauge higher aggregate
-- metrics: error_count = counter lower aggregate
-- metrics: status_count, bytes_total = counter aggregate
-- metrics: bytes_per_request = gauge aggregate
-- reads: summary.successRate|total|slowest|fastest|average|requestsPerSec|totalData|sizePerRequest|sizePerSec
-- reads: responseTimeHistogram|responseTimeHistogramSuccessful|responseTimeHistogramNotSuccessful|firstByteHistogram.*
-- reads: latencyPercentiles|latencyPercentilesSuccessful|latencyPercentilesNotSuccessful|firstBytePercentiles.*
-- reads: rps.mean|stddev|max|min, rps.percentiles.*, details.DNSDialup|DNSLookup|firstByte.average|fastest|slowest
-- reads: statusCodeDistribution|errorDistribution.*

-- name: recognise
SELECT json_exists(value, '$.summary.requestsPerSec') AND json_type(value, '$.latencyPercentiles') = 'OBJECT' FROM content

-- name: prepare
CREATE TEMP MACRO part_of(name) AS CASE WHEN name LIKE '%NotSuccessful' THEN 'not successful' WHEN name LIKE '%Successful' THEN 'successful' END;
CREATE TEMP TABLE bins AS
SELECT name, key, count, least, most, is_told_from_least, row_number() OVER sorted = count(*) OVER (PARTITION BY name) AS is_last,
       CASE WHEN is_told_from_least THEN least + key ELSE key END AS upper,
       CASE WHEN is_told_from_least THEN least + coalesce(lag(key) OVER sorted, 0) ELSE coalesce(lag(key) OVER sorted, key) END AS lower
FROM (SELECT *, abs(min(key) OVER (PARTITION BY name) - least) > 1e-6 * least AS is_told_from_least
      FROM (SELECT histogram.key AS name, bin.key::DOUBLE AS key, (bin.value->>'$')::BIGINT AS count,
                   (document.json->>CASE histogram.key WHEN 'firstByteHistogram' THEN '$.details.firstByte.fastest' ELSE '$.summary.fastest' END)::DOUBLE AS least,
                   (document.json->>CASE histogram.key WHEN 'firstByteHistogram' THEN '$.details.firstByte.slowest' ELSE '$.summary.slowest' END)::DOUBLE AS most
            FROM document, json_each(document.json) AS histogram, json_each(histogram.value) AS bin WHERE contains(histogram.key, 'Histogram')))
WINDOW sorted AS (PARTITION BY name ORDER BY key)

-- name: session
SELECT {errors: json->'errorDistribution'}::JSON AS configuration FROM document

-- name: measurements
SELECT metric, value, unit, status, error, responses, bin_lower, bin_count
FROM (
    SELECT 1 AS part, figure.metric AS place, figure.metric AS metric, json->figure.key AS value, figure.unit AS unit, NULL AS status, NULL AS error,
           NULL AS responses, NULL::DOUBLE AS bin_lower, NULL::BIGINT AS bin_count
    FROM document, unnest([
        {metric: 'response_time_mean', key: '/summary/average', unit: 's'}, {metric: 'response_time_min', key: '/summary/fastest', unit: 's'},
        {metric: 'response_time_max', key: '/summary/slowest', unit: 's'}, {metric: 'duration', key: '/summary/total', unit: 's'},
        {metric: 'success_rate', key: '/summary/successRate', unit: '1'}, {metric: 'requests_per_second', key: '/summary/requestsPerSec', unit: '/s'},
        {metric: 'bytes_total', key: '/summary/totalData', unit: 'By'}, {metric: 'bytes_per_request', key: '/summary/sizePerRequest', unit: 'By'},
        {metric: 'bytes_per_second', key: '/summary/sizePerSec', unit: 'By/s'}, {metric: 'rps_mean', key: '/rps/mean', unit: '/s'},
        {metric: 'rps_stddev', key: '/rps/stddev', unit: '/s'}, {metric: 'rps_max', key: '/rps/max', unit: '/s'}, {metric: 'rps_min', key: '/rps/min', unit: '/s'}
        ]) AS _(figure)
    UNION ALL
    SELECT 2, name || suffix, name || suffix, json->('/details/' || key || '/' || stat), 's', NULL, NULL, NULL, NULL, NULL
    FROM document, (VALUES ('connection', 'DNSDialup'), ('dns', 'DNSLookup'), ('first_byte', 'firstByte')) AS detail(name, key),
         (VALUES ('_mean', 'average'), ('_min', 'fastest'), ('_max', 'slowest')) AS figure(suffix, stat)
    UNION ALL
    SELECT 3, percentile.key, CASE held.key WHEN 'rps' THEN 'rps' WHEN 'firstBytePercentiles' THEN 'first_byte' ELSE 'response_time' END || '_'
               || replace(percentile.key, '.', '_'), percentile.value, CASE held.key WHEN 'rps' THEN '/s' ELSE 's' END, NULL, NULL, part_of(held.key), NULL, NULL
    FROM document, json_each(document.json) AS held, json_each(CASE held.key WHEN 'rps' THEN held.value->'percentiles' ELSE held.value END) AS percentile
    WHERE held.key = 'rps' OR contains(held.key, 'Percentiles')
    UNION ALL
    SELECT 4, code.key, 'status_count', code.value, '1', code.key, NULL, NULL, NULL, NULL FROM document, json_each(json, '$.statusCodeDistribution') AS code
    UNION ALL
    SELECT 5, one.key, 'error_count', one.value, '1', NULL, one.key, NULL, NULL, NULL FROM document, json_each(json, '$.errorDistribution') AS one
    UNION ALL
    SELECT 6, printf('%040.20f', upper), CASE name WHEN 'firstByteHistogram' THEN 'first_byte_bins' ELSE 'response_time_bins' END,
           to_json(CASE WHEN is_last AND is_told_from_least AND part_of(name) IS NULL THEN greatest(upper, most) ELSE upper END), 's', NULL, NULL, part_of(name), lower, count
    FROM bins WHERE count > 0
)
WHERE json_type(value) <> 'NULL' ORDER BY part, metric, responses NULLS FIRST, place, status, error

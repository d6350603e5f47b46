-- What wrk and wrk2 print: aggregates, as printed, each with the unit that stands beside it (us, ms, s, m for minutes, h);
-- figures with k, M or G are multiplied, and rounded by the tool. Req/Sec of Thread Stats is that of a thread. Bytes are of
-- 1024. What --latency of wrk2 adds, a "Detailed Percentile spectrum", becomes bins in milliseconds, the metric latency_bins:
-- the value is the greatest of the bin, bin_lower that of the one before, bin_count how many there were. Figures of the
-- latency that is not corrected are uncorrected_latency_... . Several outputs in a file are a session each.
-- A request that timed out has no latency, and is counted as errors_timeout alone. Nothing says when it was.
-- signs: " test @ "
-- looks for: lines of latencies, of requests and of Requests/sec
-- versions: 4.1 to 4.2
-- format: lines
-- metrics: *latency_bins, *latency_mean, *latency_stddev, *latency_max, *latency_p* = duration lower aggregate
-- metrics: *latency_spectrum_count, requests, bytes_read = counter aggregate
-- metrics: *latency_spectrum_* = duration lower aggregate
-- metrics: requests_per_second, bytes_per_second = gauge higher aggregate
-- metrics: duration = duration aggregate
-- metrics: errors_*, responses_not_2xx_3xx = counter lower aggregate
-- metrics: latency_within_stddev, thread_requests_* = gauge aggregate

-- name: recognise
SELECT regexp_matches(text, '(^|\n)Running \S+ test @ ') AND regexp_matches(text, '\n +(Thread Stats|\d+ requests in|\d+ threads? and) ')
FROM content

-- name: documents
SELECT line_number FROM records WHERE regexp_matches(line, '^Running \S+ test @ ') ORDER BY line_number OFFSET 1

-- name: prepare
CREATE TEMP MACRO number_of(text) AS regexp_extract(text, '^-?([0-9.]+|nan|inf)');
CREATE TEMP MACRO unit_of(text) AS CASE regexp_extract(text, '[a-zA-Z%]*$') WHEN 'm' THEN 'min' ELSE regexp_extract(text, '[a-zA-Z%]*$') END;
CREATE TEMP MACRO counted(text) AS CASE unit_of(text)
    WHEN 'k' THEN (1000 * number_of(text)::DECIMAL(18, 4))::DOUBLE::VARCHAR WHEN 'M' THEN (1000000 * number_of(text)::DECIMAL(18, 4))::DOUBLE::VARCHAR
    WHEN 'G' THEN (1000000000 * number_of(text)::DECIMAL(18, 4))::DOUBLE::VARCHAR ELSE number_of(text) END;
CREATE TEMP MACRO bytes_of(text) AS CASE unit_of(text) WHEN 'B' THEN 'By' ELSE replace(unit_of(text), 'B', 'iBy') END;
CREATE TEMP MACRO percent_of(text) AS replace(CASE WHEN contains(text, '.') THEN regexp_replace(rtrim(text, '%'), '\.?0+$', '') ELSE rtrim(text, '%') END, '.', '_');
-- A distribution goes on until the next one.
CREATE TEMP TABLE printed AS
SELECT line_number, line, regexp_extract_all(line, '[^\s,=\[\]#]+') AS words, CASE max(CASE WHEN contains(line, 'Uncorrected Latency') THEN 2
           WHEN contains(line, 'Latency Distribution') THEN 1 ELSE 0 END) OVER (ORDER BY line_number) WHEN 2 THEN 'uncorrected_latency' WHEN 1 THEN 'latency' END AS name
FROM (SELECT line_number, trim(line) AS line FROM records);
CREATE TEMP TABLE known AS
SELECT *, CASE WHEN regexp_matches(line, '^Latency( +-?(\d[\d.]*|nan)\w*%?){4}$') THEN 'latency'
               WHEN regexp_matches(line, '^Req/Sec( +-?(\d[\d.]*|nan)\w*%?){4}$') THEN 'rate of a thread'
               WHEN name IS NOT NULL AND regexp_matches(line, '^[0-9.]+% +\S+$') THEN 'percentile'
               WHEN name IS NOT NULL AND regexp_matches(line, '^[0-9.]+ +[01]\.\d+ +\d+( +([0-9.]+|inf))?$') THEN 'bin'
               WHEN regexp_matches(line, '^\S+ requests in \S+, \S+ read$') THEN 'requests'
               WHEN regexp_matches(line, '^Socket errors: connect \d+, read \d+, write \d+, timeout \d+$') THEN 'errors'
               WHEN regexp_matches(line, '^Non-2xx or 3xx responses: \d+$') THEN 'responses'
               WHEN regexp_matches(line, '^Requests/sec: +\S+$') THEN 'rate' WHEN regexp_matches(line, '^Transfer/sec: +\S+$') THEN 'bytes'
               WHEN regexp_matches(line, '^#\[Mean +=') THEN 'mean' WHEN regexp_matches(line, '^#\[Max +=') THEN 'max'
               WHEN regexp_matches(line, '^(Running \S+ test @ |\d+ threads? and \d+ connections?|Thread (Stats|calibration)|Latency Distribution'
                    '|Detailed Percentile spectrum|Value +Percentile|#\[Buckets |-{5,}$)') THEN 'other' END AS kind
FROM printed

-- name: session
SELECT {target: max(regexp_extract(line, '^Running \S+ test @ (.*)$', 1)), threads: max(TRY_CAST(regexp_extract(line, '^(\d+) threads? and', 1) AS BIGINT)),
        connections: max(TRY_CAST(regexp_extract(line, '^\d+ threads? and (\d+) conn', 1) AS BIGINT))}::JSON AS configuration FROM known WHERE kind = 'other'

-- name: warnings
SELECT 'has no line Requests/sec, which stands at its end: it is cut off' WHERE NOT EXISTS (FROM known WHERE kind = 'rate')

-- name: unused
SELECT line, count(*) FROM known WHERE kind IS NULL GROUP BY line ORDER BY line

-- name: measurements
SELECT figure.metric AS metric, figure.value AS value, figure.unit AS unit, figure.lower AS bin_lower, figure.count AS bin_count
FROM (
    SELECT line_number, unnest(CASE kind
        WHEN 'latency' THEN list_transform(['mean', 'stddev', 'max', 'within_stddev'], lambda one, place: {
            metric: 'latency_' || one, value: number_of(words[place + 1]), unit: unit_of(words[place + 1]), lower: NULL::DOUBLE, count: NULL::BIGINT})
        WHEN 'rate of a thread' THEN list_transform(['per_second_mean', 'per_second_stddev', 'per_second_max', 'within_stddev'], lambda one, place: {
            metric: 'thread_requests_' || one, value: counted(words[place + 1]), unit: CASE place WHEN 4 THEN '%' ELSE '/s' END, lower: NULL, count: NULL})
        WHEN 'percentile' THEN [{metric: name || '_p' || percent_of(words[1]), value: number_of(words[2]), unit: unit_of(words[2]), lower: NULL, count: NULL}]
        WHEN 'bin' THEN [{metric: name || '_bins', value: words[1], unit: 'ms', lower: coalesce(value_before, words[1]::DOUBLE), count: words[3]::BIGINT - count_before}]
        WHEN 'mean' THEN [{metric: name || '_spectrum_mean', value: words[2], unit: 'ms', lower: NULL, count: NULL},
                          {metric: name || '_spectrum_stddev', value: words[4], unit: 'ms', lower: NULL, count: NULL}]
        WHEN 'max' THEN [{metric: name || '_spectrum_max', value: words[2], unit: 'ms', lower: NULL, count: NULL},
                         {metric: name || '_spectrum_count', value: words[5], unit: '1', lower: NULL, count: NULL}]
        WHEN 'requests' THEN [{metric: 'requests', value: words[1], unit: '1', lower: NULL, count: NULL},
                              {metric: 'duration', value: number_of(words[4]), unit: unit_of(words[4]), lower: NULL, count: NULL},
                              {metric: 'bytes_read', value: number_of(words[5]), unit: bytes_of(words[5]), lower: NULL, count: NULL}]
        WHEN 'errors' THEN list_transform(['connect', 'read', 'write', 'timeout'], lambda one, place: {
            metric: 'errors_' || one, value: words[2 * place + 2], unit: '1', lower: NULL, count: NULL})
        WHEN 'responses' THEN [{metric: 'responses_not_2xx_3xx', value: words[5], unit: '1', lower: NULL, count: NULL}]
        WHEN 'rate' THEN [{metric: 'requests_per_second', value: words[2], unit: '/s', lower: NULL, count: NULL}]
        WHEN 'bytes' THEN [{metric: 'bytes_per_second', value: number_of(words[2]), unit: bytes_of(words[2]) || '/s', lower: NULL, count: NULL}] END) AS figure
    FROM (SELECT *, CASE kind WHEN 'bin' THEN lag(words[1]) OVER bins END::DOUBLE AS value_before,
                 CASE kind WHEN 'bin' THEN coalesce(lag(words[3]) OVER bins, '0') END::BIGINT AS count_before
          FROM known WINDOW bins AS (PARTITION BY name, kind ORDER BY line_number))
)
WHERE figure.count IS DISTINCT FROM 0 ORDER BY line_number, figure.metric

-- vegeta encode --to csv: no header line, but one that a user put before it; of 6, 9 or 12 fields, by its version. Times and
-- latencies are nanoseconds; error and body are what they are in JSON.
-- harness: vegeta
-- signs: ","
-- looks for: a record a request
-- format: csv
-- columns: timestamp BIGINT, code BIGINT, latency BIGINT, bytes_out BIGINT, bytes_in BIGINT, error, body, attack, seq BIGINT, method, url, headers
-- layout: timestamp LARGE, code INTEGER, latency INTEGER, bytes_out INTEGER, bytes_in INTEGER, error
-- layout: timestamp LARGE, code INTEGER, latency INTEGER, bytes_out INTEGER, bytes_in INTEGER, error, body, attack, seq INTEGER
-- layout: timestamp LARGE, code INTEGER, latency INTEGER, bytes_out INTEGER, bytes_in INTEGER, error, body, attack, seq INTEGER, method, url, headers
-- revision: 2
-- metrics: latency = duration lower
-- metrics: bytes_in, bytes_out = event
-- leaves: body, headers

-- name: recognise
SELECT regexp_matches(first_line, '^\d{19},\d{1,3},\d+,\d+,\d+,')
    OR regexp_matches(lower(first_line), '^"?timestamp"?, ?"?code"?, ?"?latency"?, ?"?bytes_out"?, ?"?bytes_in\b')
FROM content

-- name: measurements
SELECT sample.metric AS metric, sample.value::BIGINT AS value, sample.unit AS unit,
       timestamp::BIGINT AS epoch_ns, attack, seq::BIGINT AS seq, code::BIGINT AS code, error, method, url
FROM (
    SELECT *, unnest([{metric: 'latency', value: latency, unit: 'ns'},
                      {metric: 'bytes_in', value: bytes_in, unit: 'By'},
                      {metric: 'bytes_out', value: bytes_out, unit: 'By'}]) AS sample
    FROM records
)

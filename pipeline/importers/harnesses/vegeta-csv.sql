-- vegeta encode --to csv: no header line; times and latencies are nanoseconds; error and body are what they are in JSON.
-- harness: vegeta
-- looks for: a record a request
-- format: csv
-- columns: timestamp, code, latency, bytes_out, bytes_in, error, body, attack, seq, method, url, headers

-- name: recognise
SELECT regexp_matches(first_line, '^\d{19},\d{1,3},\d+,\d+,\d+,') FROM content

-- name: measurements
SELECT sample.metric AS metric, sample.value::BIGINT AS value, sample.unit AS unit,
       timestamp::BIGINT AS epoch_ns, attack, seq::BIGINT AS seq, code::BIGINT AS code, error, method, url
FROM (
    SELECT *, unnest([{metric: 'latency', value: latency, unit: 'ns'},
                      {metric: 'bytes_in', value: bytes_in, unit: 'By'},
                      {metric: 'bytes_out', value: bytes_out, unit: 'By'}]) AS sample
    FROM records
)

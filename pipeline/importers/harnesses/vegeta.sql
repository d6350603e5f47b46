-- vegeta encode --to json: a line a request. Latencies are nanoseconds.
-- harness: vegeta
-- signs: "\"attack\""
-- looks for: a line a request
-- format: ndjson
-- fields: attack, seq, code, timestamp, latency, bytes_in, bytes_out, error, method, url
-- metrics: latency = duration lower
-- metrics: bytes_in, bytes_out = event
-- leaves: body, headers

-- name: recognise
SELECT json_exists(value, '$.attack') AND json_exists(value, '$.latency') AND json_exists(value, '$.seq') FROM content

-- name: measurements
SELECT sample.metric AS metric, sample.value AS value, sample.unit AS unit, timestamp, attack,
       seq::BIGINT AS seq, code::BIGINT AS code, error, method, url
FROM (
    SELECT *, unnest([{metric: 'latency', value: latency, unit: 'ns'},
                      {metric: 'bytes_in', value: bytes_in, unit: 'By'},
                      {metric: 'bytes_out', value: bytes_out, unit: 'By'}]) AS sample
    FROM records
)

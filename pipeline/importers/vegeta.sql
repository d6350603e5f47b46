-- vegeta encode --to json: a line a request. Latencies are nanoseconds.
-- harness: vegeta
-- format: ndjson

-- name: recognise
SELECT json_exists(value, '$.attack') AND json_exists(value, '$.latency') AND json_exists(value, '$.seq') FROM content

-- name: measurements
SELECT sample.metric AS metric, sample.value::DOUBLE AS value, sample.unit AS unit, timestamp, attack, seq, code, error,
       method, url
FROM (
    SELECT *, unnest([{metric: 'latency', value: latency, unit: 'ns'},
                      {metric: 'bytes_in', value: bytes_in, unit: 'By'},
                      {metric: 'bytes_out', value: bytes_out, unit: 'By'}]) AS sample
    FROM read_json(getvariable('file'), format = 'newline_delimited', records = true, compression = 'none',
                   maximum_object_size = getvariable('object_limit'),
                   columns = {attack: 'VARCHAR', seq: 'BIGINT', code: 'BIGINT', timestamp: 'VARCHAR', latency: 'BIGINT',
                              bytes_in: 'BIGINT', bytes_out: 'BIGINT', error: 'VARCHAR', method: 'VARCHAR', url: 'VARCHAR'})
)

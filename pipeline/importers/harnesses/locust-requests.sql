-- Locust's CsvRequestLogger (locust.contrib.csv_request_logger): a record a request, in the order in which they ended.
-- The time is that of the start, in seconds since 1970; response times are milliseconds, lengths bytes. A request that got
-- no response has the status code 0, and says why: its response time is that until then.
-- harness: locust
-- signs: "_code"
-- looks for: records behind the header line
-- versions: 2.44 to 2.47
-- format: csv
-- columns: timestamp DOUBLE, request_type, name, response_time_ms DOUBLE, response_length DOUBLE, status_code BIGINT, exception
-- metrics: response_time = duration lower
-- metrics: response_length = event
-- reads: response_time_ms

-- name: recognise
SELECT contains(lower(first_line), 'response_time_ms') AND contains(lower(first_line), 'request_type')
   AND contains(lower(first_line), 'status_code') FROM content

-- name: measurements
SELECT sample.metric AS metric, sample.text AS value, sample.unit AS unit, ns_from_s(seconds::DOUBLE) AS epoch_ns,
       request_type, name, status_code::BIGINT AS status_code, exception
FROM (SELECT request_type, name, status_code, exception, timestamp AS seconds, unnest([
          {metric: 'response_time', text: response_time_ms, unit: 'ms'},
          {metric: 'response_length', text: response_length, unit: 'By'}]) AS sample
      FROM records)

-- oha --output-format csv: a record a request that got a response, by its start. Times are seconds, of the start since that
-- of the run; sizes are bytes. Requests that failed have no record, and nothing says how many they were. The file holds no
-- time of day: --started-at says when the run began.
-- harness: oha
-- signs: "request-start,"
-- looks for: records behind the header line
-- format: csv
-- columns: request-start DOUBLE, DNS DOUBLE, DNS+dialup DOUBLE, Response-delay DOUBLE, request-duration DOUBLE, bytes DOUBLE, status BIGINT
-- metrics: request_duration, dns, dns_dialup, response_delay = duration lower
-- metrics: bytes = event
-- reads: request-start

-- name: recognise
SELECT regexp_matches(first_line, '^request-start,DNS,DNS\+dialup,') FROM content

-- name: warnings
SELECT 'has no record of requests that failed: oha writes none of them here'

-- name: measurements
SELECT sample.metric AS metric, sample.text AS value, sample.unit AS unit, ns_from_s(start::DOUBLE) AS offset_ns, status
FROM (SELECT "request-start" AS start, status::BIGINT AS status, unnest([
          {metric: 'request_duration', text: needed("request-duration", 'request-duration'), unit: 's'},
          {metric: 'dns', text: DNS, unit: 's'}, {metric: 'dns_dialup', text: "DNS+dialup", unit: 's'},
          {metric: 'response_delay', text: "Response-delay", unit: 's'}, {metric: 'bytes', text: bytes, unit: 'By'}]) AS sample
      FROM records)
WHERE sample.text IS NOT NULL

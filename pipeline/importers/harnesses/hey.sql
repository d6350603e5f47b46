-- hey -o csv: a record a request that got a response, in the order in which each worker, or all, got them. Times are seconds
-- of four decimals, so that what took less than 50 microseconds is 0; `offset` is that of the request's start.
-- Requests that failed (timeouts, connections that were refused or closed) have no record, and of more than 1,000,000
-- requests hey keeps as many. The file holds no time of day: --started-at says when the run began.
-- signs: "dns+dialup"
-- looks for: records behind the header line
-- versions: 0.1.4 to 0.1.5
-- format: csv
-- columns: response-time DOUBLE, DNS+dialup DOUBLE, DNS DOUBLE, Request-write DOUBLE, Response-delay DOUBLE, Response-read DOUBLE, status-code BIGINT, offset DOUBLE
-- metrics: response_time, dns_dialup, dns, request_write, response_delay, response_read = duration lower
-- reads: response-time

-- name: recognise
SELECT regexp_matches(first_line, '^"?response-time"?,"?DNS\+dialup"?,"?DNS"?,"?Request-write"?') FROM content

-- name: warnings
SELECT 'has no record of requests that failed: hey writes none of timeouts and of connections refused or closed'
UNION ALL
SELECT 'holds 1,000,000 requests: hey keeps no more, and says so nowhere' FROM records HAVING count(*) = 1000000

-- name: measurements
SELECT sample.metric AS metric, sample.text AS value, 's' AS unit, ns_from_s(start::DOUBLE) AS offset_ns, status_code
FROM (SELECT "offset" AS start, "status-code"::BIGINT AS status_code, unnest([
          {metric: 'response_time', text: needed("response-time", 'response-time')},
          {metric: 'dns_dialup', text: "DNS+dialup"},
          {metric: 'dns', text: DNS}, {metric: 'request_write', text: "Request-write"},
          {metric: 'response_delay', text: "Response-delay"}, {metric: 'response_read', text: "Response-read"}]) AS sample
      FROM records)
WHERE sample.text IS NOT NULL

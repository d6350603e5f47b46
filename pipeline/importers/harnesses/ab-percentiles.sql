-- ab -e (ApacheBench): the time within which so many percent of the requests were served, in milliseconds. Aggregates; the
-- file says neither how many requests there were nor when.
-- Of fewer than 100 requests ab reads the last percentile from behind its own table: what is below the one before is left
-- out, and told.
-- harness: ab
-- signs: "percentage served"
-- looks for: records behind the header line
-- versions: 2.3 to 2.3
-- format: csv
-- columns: Percentage served, Time in ms
-- metrics: ttime_p* = duration lower aggregate
-- reads: Time in ms

-- name: recognise
SELECT regexp_matches(first_line, '^"?Percentage served"?,"?Time in ms"?') FROM content

-- name: prepare
CREATE TEMP TABLE highest AS
SELECT "Percentage served" AS percent, max(TRY_CAST("Time in ms" AS DOUBLE)) OVER
           (ORDER BY TRY_CAST("Percentage served" AS DOUBLE) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
FROM records;
SET VARIABLE before = (SELECT coalesce(map_from_entries(list((percent, before))), MAP {})
                       FROM (SELECT percent, max(before) AS before FROM highest GROUP BY percent))

-- name: warnings
SELECT 'says that ' || "Percentage served" || ' % were served within ' || "Time in ms" || ' ms, less than of fewer: left out'
FROM records WHERE TRY_CAST("Time in ms" AS DOUBLE) < getvariable('before')["Percentage served"]

-- name: measurements
SELECT 'ttime_p' || replace("Percentage served", '.', '_') AS metric, coalesce("Time in ms", 'no time') AS value, 'ms' AS unit
FROM records
WHERE coalesce(TRY_CAST("Time in ms" AS DOUBLE) >= getvariable('before')["Percentage served"], true)

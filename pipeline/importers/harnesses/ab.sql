-- ab -g (ApacheBench): a record a request, sorted by its whole time, so that the order of time is lost. Times are whole
-- milliseconds: ctime of connecting, dtime of processing, ttime of both, wait until the first byte. `seconds` are whole
-- seconds since 1970 (microseconds in some old versions) of the start; `starttime` says them as local time.
-- ab writes no status: requests that failed are records like others.
-- signs: "starttime\t"
-- looks for: records behind the header line
-- versions: 2.3 to 2.3
-- format: csv
-- columns: starttime, seconds BIGINT, ctime DOUBLE, dtime DOUBLE, ttime DOUBLE, wait DOUBLE
-- metrics: ctime, dtime, ttime, wait = duration lower
-- reads: seconds
-- leaves: starttime

-- name: recognise
SELECT regexp_matches(first_line, '^starttime\tseconds\tctime\tdtime\tttime\twait') FROM content

-- name: warnings
SELECT 'says nothing of failures: ab writes requests that failed like others'

-- name: measurements
SELECT sample.metric AS metric, sample.text AS value, 'ms' AS unit,
       CASE WHEN time > 100000000000 THEN time * 1000 ELSE time * 1000000000 END AS epoch_ns
FROM (SELECT seconds::BIGINT AS time, unnest([
          {metric: 'ttime', text: needed(ttime, 'ttime')}, {metric: 'ctime', text: ctime},
          {metric: 'dtime', text: dtime}, {metric: 'wait', text: wait}]) AS sample
      FROM records)
WHERE sample.text IS NOT NULL

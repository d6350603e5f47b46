-- h2load --log-file: a line a request: its start in microseconds since 1970, the status code and the time that it took, in
-- microseconds; -1 of a stream that failed is a lost sample. Lines come in the order of their ends, with threads nearly.
-- Requests whose connection was closed, or never came about, have no line.
-- h2load appends to a file that is there, without a mark. Another run begins behind a silence in which no request was under
-- way: of 10 ms where requests overlap (h2load is started in 20), of one second where they come one by one, and of 20 times
-- the usual silence, so that a rate (--rps) makes no runs.
-- signs: "\t"
-- looks for: lines of three numbers: start, status, time
-- versions: 1.52 to 1.70
-- format: lines
-- form: request = {start INTEGER}	{status INTEGER}	{time INTEGER}
-- metrics: response_time = duration lower

-- name: recognise
SELECT regexp_matches(text, '(^|\n)\d{16}\t-?\d{1,3}\t\d+\r?(\n|$)') FROM content

-- name: documents
-- Without an order of their own the windows stream.
WITH silences AS (
    SELECT line_number, start_us - lag(latest_us) OVER () AS silence_us
    FROM (SELECT *, max(start_us + time_us) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest_us
          FROM (SELECT line_number, coalesce(start, split_part(line, E'\t', 1)::BIGINT) AS start_us, coalesce(time, split_part(line, E'\t', 3)::BIGINT) AS time_us
                FROM records))
)
SELECT unnest(list_sort(list_transform(list_filter(long, lambda one: one.silence_us >= least_us), lambda one: one.line_number)))
FROM (SELECT long, greatest(least(20 * usual_us, 60000000), CASE WHEN are_several THEN 10000 ELSE 1000000 END) AS least_us
      FROM (SELECT list({line_number: line_number, silence_us: silence_us}) FILTER (silence_us >= 10000) AS long,
             median(greatest(silence_us, 0)) AS usual_us, count(*) FILTER (silence_us < 0) * 20 > count(*) AS are_several
            FROM silences))

-- name: warnings
SELECT 'has no line of requests whose connection was closed or never came about: h2load writes none'

-- name: unused
SELECT NULL, 0 WHERE false

-- name: measurements
SELECT 'response_time' AS metric, CASE WHEN is_form THEN time END AS value, CASE WHEN fields[2] <> '-1' THEN fields[3] END AS value_text, 'us' AS unit,
       CASE WHEN is_form THEN start ELSE fields[1]::BIGINT END * 1000 AS epoch_ns, CASE WHEN is_form THEN status ELSE fields[2]::BIGINT END AS status
FROM (SELECT *, CASE WHEN is_form THEN NULL WHEN regexp_full_match(line, '\d{16}\t-?\d{1,3}\t\S+') THEN string_split(line, E'\t')
                     ELSE error('is not a start, a status and a time with tabs between them') END AS fields
      FROM (SELECT *, coalesce(start BETWEEN 1000000000000000 AND 9999999999999999 AND status < 1000, false) AS is_form FROM records))

-- What go test -bench prints, as text or with -json (test2json): a sample of each unit of each line. The metric is the unit,
-- as benchstat has it; -count repeats the lines. MB/s is the same measurement as ns/op, told otherwise.
-- Lines such as pkg: PATH hold until they come again, and become columns; a line without a value ends it. Unit lines say
-- which way is better. What starts with Benchmark and has no number behind its name is none, as -v writes it.
-- The end of a name, -8, may be GOMAXPROCS or the name's own: names stay as they are printed.
-- With -json a line may lie in several events; times are those of the events. The text has no times, nor a version of Go.
-- harness: go-bench
-- format: lines
-- form: result = {name Benchmark*}{ }{iterations INTEGER}{ }{figures WORDS}
-- form: event = {{"Time":"{time JSON}","Action":"output","Package":"{_ JSON}","Output":"{piece JSON}"}}
-- form: event_of_test = {{"Time":"{time JSON}","Action":"output","Package":"{_ JSON}","Test":"{_ JSON}","Output":"{piece JSON}"}}
-- form: spaced_event = {{"Time": "{time JSON}", "Action": "output", "Package": "{_ JSON}", "Output": "{piece JSON}"}}
-- signs: "\nbenchmark", "\"output\":\"benchmark", "\"output\": \"benchmark"
-- looks for: lines of a name that begins with `Benchmark`, a count, and values with their units
-- versions: 1.19 to 1.27
-- metrics: ns/op, sec/op = duration lower
-- metrics: B/op, allocs/op = gauge lower
-- metrics: MB/s, B/s = gauge higher

-- name: recognise
SELECT regexp_matches(text, '(^|\n)Benchmark\S*[ \t]+\d+[ \t]+[-+.\w]+[ \t]+\S+[ \t\r]*(\S|\n)')
    OR (coalesce(value->>'Action', '') IN ('start', 'output', 'run', 'bench') AND regexp_matches(text, '"Output": ?"Benchmark'))
FROM content

-- name: prepare
SET VARIABLE is_events = (SELECT CASE WHEN form IS NULL THEN starts_with(line, '{') ELSE form <> 'result' END FROM records LIMIT 1);
-- What ends a text that ends a line; to look for all that may costs a third of a microsecond.
CREATE TEMP MACRO without_end(text) AS CASE WHEN ends_with(text, chr(13) || chr(10)) OR ends_with(text, chr(10) || chr(10)) THEN rtrim(text, chr(10) || chr(13)) ELSE left(text, -1) END;
-- An event may hold a part of a line: all up to its end is one.
CREATE TEMP VIEW texts AS
SELECT line_number, time, without_end(CASE WHEN ends_with(before, chr(10)) THEN piece WHEN ends_with(earlier, chr(10)) THEN before || piece
                                     WHEN ends_with(earliest, chr(10)) THEN concat(earlier, before, piece)
                                     ELSE concat(earliest, earlier, before, piece) END) AS line
FROM (
    SELECT *, lag(piece) OVER () AS before, lag(piece, 2) OVER () AS earlier, lag(piece, 3) OVER () AS earliest
    FROM (SELECT line_number, CASE WHEN form IS NULL THEN said[1] ELSE time END AS time,
                 CASE WHEN form IS NOT NULL THEN piece WHEN said[2] = 'output' THEN said[3] END AS piece
          FROM (SELECT line_number, form, time, piece, CASE WHEN form IS NULL THEN json_extract_string(line, ['$.Time', '$.Action', '$.Output']) END AS said
                FROM records WHERE getvariable('is_events') AND CASE WHEN form IS NULL THEN starts_with(line, '{') ELSE form <> 'result' END))
    WHERE piece IS NOT NULL)
WHERE ends_with(piece, chr(10));
CREATE TEMP MACRO kind_of(line) AS
    CASE WHEN starts_with(line, 'Benchmark')
         THEN CASE WHEN regexp_matches(line, '^\S+\s+\d+\s+\S') THEN 'result' ELSE 'line without a figure' END
         WHEN regexp_matches(line, '^\p{Ll}[^\s\p{Lu}:]*:([ \t]|$)') THEN 'setting'
         WHEN regexp_matches(line, '^Unit\s') THEN 'unit'
         WHEN starts_with(line, 'FAIL') OR starts_with(line, '--- FAIL') THEN 'failure' ELSE 'other line' END;
CREATE TEMP TABLE others AS
SELECT kind, CASE WHEN kind IN ('setting', 'unit') THEN line_number END AS line_number,
       CASE WHEN kind IN ('setting', 'unit') THEN line END AS line, count(*) AS lines
FROM (SELECT line_number, line, unnest([kind_of(line)]) AS kind
      FROM (SELECT line_number, line FROM other_lines WHERE NOT getvariable('is_events') UNION ALL SELECT line_number, line FROM texts))
WHERE kind <> 'result' GROUP BY ALL;
CREATE TEMP TABLE settings AS
SELECT row_number() OVER (ORDER BY line_number) AS number, line_number, regexp_extract(line, '^([^:]+):', 1) AS key,
       trim(substr(line, strpos(line, ':') + 1), chr(9) || ' ') AS value
FROM others WHERE kind = 'setting';
-- Of what a log prints in this form not everything can become a column.
SET VARIABLE keys = (SELECT list(DISTINCT key) FROM settings WHERE key NOT IN ('goos', 'goarch', 'pkg', 'cpu'));
SET VARIABLE has_own = (SELECT count(DISTINCT key) BETWEEN 1 AND 50 AND count(*) <= 2000 FROM settings WHERE key NOT IN ('goos', 'goarch', 'pkg', 'cpu'));
CREATE TEMP TABLE held AS
SELECT 0 AS number, NULL::VARCHAR AS goos, NULL::VARCHAR AS goarch, NULL::VARCHAR AS pkg, NULL::VARCHAR AS cpu, NULL::JSON AS own
UNION ALL
SELECT number, nullif(last_value(CASE key WHEN 'goos' THEN value END IGNORE NULLS) OVER upto, ''),
       nullif(last_value(CASE key WHEN 'goarch' THEN value END IGNORE NULLS) OVER upto, ''),
       nullif(last_value(CASE key WHEN 'pkg' THEN value END IGNORE NULLS) OVER upto, ''),
       nullif(last_value(CASE key WHEN 'cpu' THEN value END IGNORE NULLS) OVER upto, ''),
       CASE WHEN getvariable('has_own') THEN (
           SELECT json_group_object(key, value) FROM (SELECT key, arg_max(value, number) AS value FROM settings AS earlier
               WHERE earlier.number <= settings.number AND key NOT IN ('goos', 'goarch', 'pkg', 'cpu') GROUP BY key HAVING value <> '' ORDER BY key)) END
FROM settings WINDOW upto AS (ORDER BY number ROWS UNBOUNDED PRECEDING);

-- name: metrics
SELECT metric, 'gauge' AS kind, nullif(last(better ORDER BY line_number), '') AS better, false AS is_aggregate
FROM (SELECT regexp_extract(line, '^Unit\s+(\S+)', 1) AS metric, regexp_extract(line, '\sbetter=(higher|lower)\b', 1) AS better, line_number
      FROM others WHERE kind = 'unit')
WHERE metric <> '' GROUP BY metric

-- name: warnings
SELECT 'says FAIL: what failed has no figures here, or not all of them' FROM others WHERE kind = 'failure'

-- name: unused
SELECT kind, lines FROM others WHERE kind NOT IN ('setting', 'unit')
UNION ALL
SELECT key, count(*) FROM settings WHERE list_contains(getvariable('keys'), key) AND NOT getvariable('has_own') GROUP BY key
UNION ALL
SELECT 'line that is no event', (SELECT count(*) FROM other_lines WHERE NOT starts_with(line, '{')) + (SELECT coalesce(sum(lines), 0) FROM forms WHERE form = 'result')
WHERE getvariable('is_events')
UNION ALL
SELECT key, sum(lines)
FROM (SELECT unnest(json_keys(line)) AS key, 1 AS lines FROM other_lines WHERE getvariable('is_events') AND starts_with(line, '{')
      UNION ALL SELECT 'Test', lines FROM forms WHERE getvariable('is_events') AND form = 'event_of_test')
WHERE key NOT IN ('Action', 'Output', 'Package', 'Time') GROUP BY key

-- name: measurements
WITH told AS (
    SELECT NULL::VARCHAR AS time, line, name, iterations, figures, CASE WHEN form IS NULL THEN kind_of(line) WHEN form = 'result' THEN form ELSE 'other line' END AS kind
    FROM records WHERE NOT getvariable('is_events')
), counted AS (
    -- Behind a union the engine would hold all rows to count on.
    SELECT *, count(CASE kind WHEN 'setting' THEN 1 END) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number FROM told
    UNION ALL
    SELECT time, line, NULL, NULL, NULL, kind, count(CASE kind WHEN 'setting' THEN 1 END) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    FROM (SELECT *, kind_of(line) AS kind FROM texts)
), split AS (
    SELECT number, time, name, iterations, figures,
           CASE WHEN name IS NULL THEN list_filter(string_split(replace(line, chr(9), ' '), ' '), lambda one: one <> '') END AS fields
    FROM counted WHERE kind = 'result'
), results AS (
    SELECT time, coalesce(name, fields[1]) AS name, coalesce(iterations, fields[2]::BIGINT) AS iterations, coalesce(figures, fields[3:]) AS figures,
           goos, goarch, pkg, cpu, own
    FROM split JOIN held ON split.number = held.number
), pairs AS (
    SELECT * EXCLUDE (figures), unnest(figures[1:-:2]) AS value,
           unnest(CASE WHEN len(figures) % 2 = 0 THEN figures[2:-:2] ELSE error('column ''value'': ' || figures[-1] || ' has no unit') END) AS unit
    FROM results
)
SELECT unit AS metric, CASE WHEN lower(value) <> 'nan' THEN value END AS value, unit, time AS timestamp, name, iterations, goos, goarch, pkg, cpu,
       own AS attributes
FROM pairs

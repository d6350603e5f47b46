-- What fping prints: a line a reply (-c, -l, -C, with -D or not), the times of each host in a line (-C), "is alive (... ms)" (-e),
-- and its summary. A reply is a sample, in milliseconds; one that timed out is lost, and its time is that of giving up. The
-- times of -C are the replies again: they are samples where the file has no other line of them. The average in brackets is of
-- the run so far, and is left. What the summary says of a host, also that of an interval (-Q), is an aggregate.
-- harness: fping
-- signs: " : ", "xmt/rcv", " is alive (", " is unreachable"
-- looks for: replies, a line each or by -C, or a summary
-- format: lines
-- form: stamped = [{epoch_ns SECONDS}] {host NAME} : [{probe INTEGER}], {_ INTEGER} bytes, {value} ms ({_} avg, {_ INTEGER}% loss)
-- form: reply = {host NAME} : [{probe INTEGER}], {_ INTEGER} bytes, {value} ms ({_} avg, {_ INTEGER}% loss)
-- metrics: rtt = duration lower
-- metrics: rtt_*, outage = duration lower aggregate
-- metrics: packets_lost = counter lower aggregate
-- metrics: packets_* = counter aggregate

-- name: recognise
SELECT NOT json_valid(first_line) AND regexp_matches(text, '(?m)^(\[[^\]]+\] )?\S.* : (duplicate for )?\[\d+\], (\d+ bytes|timed out)|^\S+ .*: xmt/rcv/%(loss|return) = \d+/\d+/\d+%|^\S+ +:( ([0-9.]+|-)){2,}\s*$|^\S.* is (alive \([0-9.]+ ms\)|unreachable)\s*$')
FROM content

-- name: prepare
CREATE TEMP MACRO is_reply(line) AS regexp_matches(line, '^(\[[^\]]+\] )?\S.* : \[\d+\], (\d+ bytes, \S+ ms|timed out) \(\S+ avg, \d+% (loss|return)\)');
CREATE TEMP MACRO is_begun(line) AS regexp_matches(line, '^\[\d+\.\d|^\S+ +: \[');
CREATE TEMP MACRO is_list(line) AS regexp_full_match(line, '\S.*? *:( ([0-9.e+]+|-))+\s*');
-- What is unnested is found once for a line, and not again for each that compares it.
CREATE TEMP VIEW told AS SELECT line_number, line, unnest([is_reply(line)]) AS is_reply FROM other_lines;
CREATE TEMP TABLE others AS SELECT line_number, line FROM told WHERE NOT is_reply AND NOT is_list(line);
SET VARIABLE replies = (SELECT {replies: count(*) FILTER (WHERE is_reply) + (SELECT coalesce(sum(lines), 0)::BIGINT FROM forms), lists: count(*) FILTER (WHERE CASE WHEN is_reply THEN false ELSE is_list(line) END),
                                odd: min(line) FILTER (WHERE line[1] = '[' AND NOT regexp_matches(line, '^\[(\d+\.\d+|\d{4}-\d\d-\d\d[T ][\d:.]+([+-]\d{4})?)\] '))} FROM told)

-- name: warnings
SELECT 'has times in a form that is not read, such as ' || split_part(getvariable('replies').odd[2:], ']', 1) || ': use -D alone' WHERE getvariable('replies').odd IS NOT NULL

-- name: unused
SELECT CASE WHEN regexp_matches(line, ' : duplicate for \[\d+\]') THEN 'duplicate replies' ELSE 'other lines' END AS name, count(*)
FROM others WHERE NOT is_begun(line) AND NOT regexp_matches(line, ': xmt/rcv/%| is (alive .*\(|unreachable)') GROUP BY name
UNION ALL
SELECT 'times of -C, which are the replies again', getvariable('replies').lists WHERE getvariable('replies').lists > 0 AND getvariable('replies').replies > 0

-- name: measurements
SELECT metric, value, unit, timestamp, epoch_ns, host, probe, outcome
FROM (
    SELECT 'rtt' AS metric, CASE WHEN is_form THEN value WHEN NOT is_whole THEN error('is no whole reply, the file may be cut off')::VARCHAR WHEN answer <> 'timed out' THEN split_part(split_part(more, ', ', 3), ' ', 1) END AS value, 'ms' AS unit,
           CASE WHEN is_form THEN probe ELSE TRY_CAST(split_part(more, ']', 1) AS BIGINT) END AS probe, trim(CASE WHEN is_form THEN host WHEN time = '' THEN begin ELSE substr(begin, length(time) + 4) END) AS host,
           CASE WHEN time LIKE '____-__-__%' THEN regexp_replace(replace(time, ' ', 'T'), '([+-]\d\d)(\d\d)$', '\1:\2') END AS timestamp,
           CASE WHEN is_form THEN epoch_ns WHEN regexp_full_match(time, '\d+\.\d+') THEN ns_from_s(time::DOUBLE) END AS epoch_ns,
           CASE WHEN answer = 'timed out' THEN 'timed out' END AS outcome
    FROM (SELECT *, CASE WHEN starts_with(split_part(more, ', ', 2), 'timed out') THEN 'timed out' ELSE '' END AS answer,
                 CASE WHEN begin[1] = '[' THEN split_part(begin[2:], '] ', 1) ELSE '' END AS time
          FROM (SELECT form IS NOT NULL AS is_form, epoch_ns, host, probe, value, split_part(line, ' : [', 1) AS begin, split_part(line, ' : [', 2) AS more, is_whole
                FROM (SELECT *, CASE WHEN form IS NULL THEN is_reply(line) END AS is_whole FROM records) WHERE form IS NOT NULL OR is_whole OR is_begun(line)))
    UNION ALL BY NAME
    SELECT 'rtt' AS metric, nullif(value, '-') AS value, 'ms' AS unit, host, probe, CASE value WHEN '-' THEN 'no reply' END AS outcome
    FROM (SELECT trim(found.host) AS host, unnest(string_split(trim(found.times), ' ')) AS value,
                 unnest(range(len(string_split(trim(found.times), ' '))::BIGINT)) AS probe
          FROM (SELECT regexp_extract(line, '^(\S.*?) *:((?: (?:[0-9.e+]+|-))+)\s*$', ['host', 'times']) AS found
                FROM other_lines WHERE getvariable('replies').replies = 0 AND is_list(line))
          WHERE found.host <> '')
    UNION ALL BY NAME
    SELECT 'rtt' AS metric, nullif(found.value, '') AS value, 'ms' AS unit, found.host AS host, CASE found.value WHEN '' THEN 'unreachable' END AS outcome
    FROM (SELECT regexp_extract(line, '^(\S.*) is (?:unreachable|alive\b.*\(([0-9.e+]+) ms\))', ['host', 'value']) AS found
          FROM others WHERE contains(line, ' is '))
    WHERE found.host <> ''
    UNION ALL BY NAME
    SELECT figure.metric AS metric, figure.value AS value, figure.unit AS unit, host
    FROM (SELECT trim(found.host) AS host, unnest([
              {metric: 'packets_sent', value: found.sent, unit: '1'}, {metric: 'packets_received', value: found.received, unit: '1'},
              {metric: 'packets_lost', value: CASE found.kind WHEN 'loss' THEN (found.sent::BIGINT - found.received::BIGINT)::VARCHAR END, unit: '1'},
              {metric: 'outage', value: found.outage, unit: 'ms'}, {metric: 'rtt_min', value: found.least, unit: 'ms'},
              {metric: 'rtt_mean', value: found.mean, unit: 'ms'}, {metric: 'rtt_max', value: found.most, unit: 'ms'}]) AS figure
          FROM (SELECT regexp_extract(line, '^(\S.*?) *: xmt/rcv/%(loss|return) = (\d+)/(\d+)/\d+%(?:, outage\(ms\) = (\d+))?(?:, min/avg/max = ([^/]+)/([^/]+)/(\S+))?',
                                      ['host', 'kind', 'sent', 'received', 'outage', 'least', 'mean', 'most']) AS found
                FROM others WHERE contains(line, ': xmt/rcv/'))
          WHERE found.host <> '')
    WHERE figure.value <> ''
)

-- mtr --raw: x HOP NUMBER is a probe that was sent, p HOP MICROSECONDS NUMBER its answer, h and d the address and name of a hop.
-- An answer is a sample, a probe without one a lost sample. Hops count from 0 in this output, in the attribute from 1 as in mtr's
-- reports. mtr before 0.88 writes no x and no numbers: what was lost the file does not hold then. It has no time of day.
-- A number is used again after 32,535 probes. Where several addresses answered for a hop, nothing tells which one did.
-- harness: mtr
-- signs: "\np "
-- looks for: answers, lines `p HOP MICROSECONDS NUMBER`
-- format: lines
-- form: sent = x {hop INTEGER} {number INTEGER}
-- form: answer = p {hop INTEGER} {value} {number INTEGER}
-- form: unnumbered = p {hop INTEGER} {value}
-- metrics: rtt = duration lower

-- name: recognise
SELECT NOT json_valid(first_line) AND regexp_full_match(first_line, '(x \d+ \d+|h \d+ \S+)\s*') AND regexp_matches(text, '(?m)^p \d+ \d+( \d+)?\s*$')
FROM content

-- name: prepare
CREATE TEMP MACRO is_probe(line) AS regexp_matches(line, '^x \d+ \d+\s*$|^p \d+ \S+( \d+)?\s*$');
CREATE TEMP VIEW probes AS
SELECT line_number, CASE WHEN form IS NULL THEN line[1] WHEN form = 'sent' THEN 'x' ELSE 'p' END AS kind, coalesce(is_whole, true) AS is_whole,
       CASE WHEN form IS NULL THEN len(part) WHEN form = 'answer' THEN 4 ELSE 3 END AS parts,
       CASE WHEN form IS NULL THEN TRY_CAST(part[2] AS BIGINT) ELSE hop END AS hop, CASE WHEN form IS NULL THEN part[3] ELSE value END AS value,
       CASE WHEN form IS NOT NULL THEN number WHEN line[1] = 'p' THEN TRY_CAST(part[4] AS BIGINT) WHEN is_whole THEN part[3]::BIGINT END AS number
FROM (SELECT * EXCLUDE (line), CASE WHEN form IS NULL THEN line END AS line, CASE WHEN form IS NULL THEN string_split(rtrim(line), ' ') END AS part,
             CASE WHEN form IS NULL THEN is_probe(line) END AS is_whole
      FROM records WHERE form IS NOT NULL OR regexp_matches(line, '^[xp]( |\s*$)'));
-- Where the numbers begin again, and the least of them.
SET VARIABLE sent = (
    SELECT {begins: coalesce(list(line_number ORDER BY line_number) FILTER (number < before), []), least: min(number)}
    FROM (SELECT line_number, number, lag(number) OVER () AS before FROM probes WHERE kind = 'x' AND is_whole));
-- Other lines are kept where they are few, so that they are asked for after all lines were read once.
CREATE TEMP TABLE others AS SELECT line_number, line FROM other_lines WHERE NOT is_probe(line);
CREATE TEMP TABLE hops AS
SELECT hop, string_agg(DISTINCT word, ' ' ORDER BY word) FILTER (WHERE kind = 'h') AS host,
       string_agg(DISTINCT word, ' ' ORDER BY word) FILTER (WHERE kind = 'd') AS name
FROM (SELECT kind, TRY_CAST(part[2] AS BIGINT) AS hop, part[3] AS word
      FROM (SELECT line[1] AS kind, string_split(trim(line), ' ') AS part FROM others WHERE regexp_matches(line, '^[hd] \d+ \S')))
GROUP BY hop;
SET VARIABLE begins = getvariable('sent').begins;
SET VARIABLE least = getvariable('sent').least;
-- Over a join the engine would hold all rows to count on.
CREATE TEMP VIEW numbered AS
SELECT *, count(CASE WHEN list_contains(getvariable('begins'), line_number) THEN 1 END) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS turn
FROM probes;
-- One behind a beginning that is larger than what was sent since is of the turn before.
CREATE TEMP MACRO key_of(turn, place, number) AS (turn - CASE WHEN turn > 0 AND number - getvariable('least') > place - getvariable('begins')[turn] THEN 1 ELSE 0 END) * 65536 + number;
SET VARIABLE most = (SELECT 65536 * (len(getvariable('begins')) + 1));
SET VARIABLE answered = (
    SELECT bitstring_agg(key, 0, getvariable('most')::BIGINT)
    FROM (SELECT key_of(turn, line_number, number) AS key FROM numbered WHERE kind = 'p' AND is_whole)
    WHERE key BETWEEN 0 AND getvariable('most'))

-- name: warnings
SELECT 'has no lines `x` of probes that were sent, as mtr before 0.88: what was lost is not known' WHERE getvariable('least') IS NULL
UNION ALL
SELECT 'had answers of several addresses at hops ' || string_agg(hop + 1, ', ' ORDER BY hop) || '; which one answered is not known'
FROM hops WHERE contains(host, ' ') HAVING count(*) > 0

-- name: unused
SELECT CASE line[1] WHEN 'm' THEN 'm (labels of MPLS)' ELSE 'other lines' END AS name, count(*)
FROM others WHERE NOT regexp_matches(line, '^[hd] \d+ \S|^[xp]( |\s*$)') GROUP BY 1

-- name: measurements
SELECT 'rtt' AS metric,
       CASE WHEN NOT is_whole OR kind = 'p' AND parts = 3 AND getvariable('least') IS NOT NULL THEN error('is no whole line of a probe, the file may be cut off')
            WHEN kind = 'p' THEN value END AS value, 'us' AS unit, numbered.hop + 1 AS hop,
       CASE WHEN kind = 'x' OR parts > 3 THEN number END AS number, known.host AS host, known.name AS name,
       CASE kind WHEN 'x' THEN 'no answer' END AS outcome
FROM numbered LEFT JOIN hops AS known ON numbered.hop = known.hop
WHERE CASE WHEN kind = 'p' OR NOT is_whole THEN true
           ELSE coalesce(get_bit(getvariable('answered'), least(key_of(turn, line_number, number), getvariable('most'))::INTEGER), 0) = 0 END

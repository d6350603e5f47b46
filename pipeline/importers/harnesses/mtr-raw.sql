-- mtr --raw: x HOP NUMBER is a probe that was sent, p HOP MICROSECONDS NUMBER its answer, h and d the address and name of a hop.
-- An answer is a sample, a probe without one a lost sample. Hops count from 0 in this output, in the attribute from 1 as in mtr's
-- reports. mtr before 0.88 writes no x and no numbers: what was lost the file does not hold then. It has no time of day.
-- A number is used again after 32,535 probes. Where several addresses answered for a hop, nothing tells which one did.
-- harness: mtr
-- signs: "\np "
-- looks for: answers, lines `p HOP MICROSECONDS NUMBER`
-- format: lines
-- reader: mtr_raw
-- metrics: rtt = duration lower

-- name: recognise
SELECT NOT json_valid(first_line) AND regexp_full_match(first_line, '(x \d+ \d+|h \d+ \S+)\s*') AND regexp_matches(text, '(?m)^p \d+ \d+( \d+)?\s*$')
FROM content

-- name: measurements
SELECT 'rtt' AS metric, value, 'us' AS unit, hop, number, host, name, CASE WHEN value IS NULL THEN 'no answer' END AS outcome FROM records

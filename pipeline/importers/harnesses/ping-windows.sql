-- What ping of Windows prints, in English and German: a line a probe. An answer is a sample, in whole milliseconds; `<1ms` is 0,
-- as its own statistics count it. A probe without an answer is a lost sample: one that timed out, and one to which another host
-- says why. It has no time of day and no number, so that the order of lines is that of probes. Its statistics are aggregates;
-- where it was asked for them meanwhile, the last of a run. It counts what other hosts say as received, we count it as lost.
-- harness: ping
-- signs: "pinging ", "ping wird ", "reply from ", "antwort von ", "ping statistics for ", "ping-statistik f"
-- looks for: lines `Reply from` with a time, what timed out, and the statistics
-- format: lines
-- form: reply = Reply from {host}: bytes={_ INTEGER} time={time DECIMAL}ms TTL={ttl INTEGER}
-- form: reply_below = Reply from {host}: bytes={_ INTEGER} time<{_ INTEGER}ms TTL={ttl INTEGER}
-- form: answer = Antwort von {host}: Bytes={_ INTEGER} Zeit={time DECIMAL}ms TTL={ttl INTEGER}
-- form: answer_below = Antwort von {host}: Bytes={_ INTEGER} Zeit<{_ INTEGER}ms TTL={ttl INTEGER}
-- metrics: rtt = duration lower
-- metrics: rtt_* = duration lower aggregate
-- metrics: packets_lost = counter lower aggregate
-- metrics: packets_* = counter aggregate

-- name: recognise
SELECT regexp_matches(text, '(?m)\b(Pinging \S.* with \d+ bytes of|Ping wird ausgeführt für \S.* mit \d+ Bytes Daten:'
    '|Reply from \S+: (bytes=\d+ )?time[=<]\d\S*ms|Antwort von \S+: (Bytes=\d+ )?Zeit[=<]\d\S*ms|Ping statistics for \S+:|Ping-Statistik für \S+:)') AND NOT json_valid(first_line)
FROM content

-- name: prepare
CREATE TEMP MACRO is_header(line) AS regexp_matches(line, '\bPinging \S.* with \d+ bytes of|\bPing wird ausgeführt für \S.* mit \d+ Bytes Daten');
CREATE TEMP MACRO is_reply(line) AS regexp_matches(line, '\b(Reply from|Antwort von) \S+: ');
CREATE TEMP MACRO is_lost(line) AS regexp_matches(line, '\b(Request timed out|Zeitüberschreitung der Anforderung|General failure|Allgemeiner Fehler)\.|\bPING: ');
CREATE TEMP MACRO is_told(line) AS regexp_matches(line, '\b(Sent|Gesendet) = \d+|Minimum = \d+ms|\b(Ping statistics for|Ping-Statistik für) ');
CREATE TEMP TABLE others AS SELECT line_number, line FROM other_lines WHERE NOT is_reply(line);
SET VARIABLE headers = (SELECT coalesce(list(line_number ORDER BY line_number), []) FROM others WHERE is_header(line));
CREATE TEMP MACRO run_of(number) AS len(list_filter(getvariable('headers'), lambda h: h <= number));
CREATE TEMP TABLE summaries AS
SELECT run_of(line_number) AS run, max(line_number) AS line_number, any_value(unit) AS unit, arg_max(found, line_number) AS found
FROM (SELECT line_number, '1' AS unit, regexp_extract_all(line, '= (\d+)', 1) AS found FROM others WHERE regexp_matches(line, '\b(Sent|Gesendet) = \d+.* = \d+')
      UNION ALL
      SELECT line_number, 'ms', regexp_extract_all(line, '= (\d+)ms', 1) FROM others WHERE regexp_matches(line, 'Minimum = \d+ms, Maximum = \d+ms'))
GROUP BY run, unit;
SET VARIABLE counts = (
    SELECT {answers: count(*) FILTER (WHERE timed) + (SELECT coalesce(sum(lines), 0)::BIGINT FROM forms),
            below: count(*) FILTER (WHERE timed AND contains(line, '<1ms')) + (SELECT coalesce(sum(lines), 0)::BIGINT FROM forms WHERE ends_with(form, 'below')),
            refused: count(*) FILTER (WHERE NOT timed),
            behind: count(*) FILTER (WHERE NOT regexp_matches(line, '^(Reply from|Antwort von) '))}
    FROM (SELECT line, regexp_matches(line, '[=<]\d\S*ms') AS timed FROM other_lines WHERE is_reply(line)));
SET VARIABLE silent = (SELECT count(*) FROM others WHERE is_lost(line))

-- name: session
SELECT {command: (SELECT list(trim(line) ORDER BY line_number) FROM others WHERE is_header(line))}::JSON AS configuration

-- name: warnings
SELECT 'measures whole milliseconds: ' || below || ' of ' || answers || ' answers took less than one, and are 0' FROM (SELECT unnest(getvariable('counts'))) WHERE below > 0
UNION ALL
SELECT 'has text before ' || behind || ' answers that is not read, such as a time that another program wrote' FROM (SELECT unnest(getvariable('counts'))) WHERE behind > 0
UNION ALL
SELECT 'counts ' || refused || ' messages of other hosts as received in its statistics; they are lost samples' FROM (SELECT unnest(getvariable('counts'))) WHERE refused > 0
UNION ALL
SELECT 'has no statistics, the run was broken off or goes on: which were lost at its end is not known' WHERE NOT EXISTS (FROM summaries WHERE unit = '1')
UNION ALL
SELECT 'holds ' || probes || ' probes where its statistics say ' || sent
FROM (SELECT sum(found[1]::BIGINT) AS sent FROM summaries WHERE unit = '1'),
     (SELECT answers + refused + getvariable('silent') AS probes FROM (SELECT unnest(getvariable('counts'))))
WHERE probes <> sent AND probes > 0

-- name: unused
SELECT 'lines that are no answers', count(*) FROM others WHERE NOT is_header(line) AND NOT is_lost(line) AND NOT is_told(line)
    AND NOT regexp_matches(line, '^\s*(Approximate round trip times in|Ca\. Zeitangaben in|\(\d+% (Verlust|loss)\))')
HAVING count(*) > 0

-- name: measurements
SELECT metric, value, unit, host, ttl, outcome
FROM (
    SELECT 'rtt' AS metric, CASE WHEN form IS NOT NULL THEN coalesce(time, '0') WHEN found.sign = '=' THEN found.time WHEN found.sign = '<' THEN '0' END AS value, 'ms' AS unit,
           CASE WHEN form IS NOT NULL THEN host WHEN found.sign <> '' THEN found.host END AS host,
           CASE WHEN form IS NOT NULL THEN ttl ELSE TRY_CAST(found.ttl AS BIGINT) END AS ttl,
           CASE WHEN form IS NOT NULL THEN NULL WHEN is_broken THEN error('is no whole answer, the file may be cut off')::VARCHAR WHEN found.sign <> '' THEN NULL
                WHEN starts_with(found.rest, 'Request timed out') OR starts_with(found.rest, 'Zeit') THEN 'timed out' ELSE rtrim(found.rest, ' .') END AS outcome
    FROM (SELECT form, host, time, ttl, CASE WHEN form IS NULL THEN regexp_extract(line, '(?:(?:Reply from|Antwort von) (\S+): )?(?:(?:[bB]ytes=\d+ )?(?:time|Zeit)([=<])(\d\S*?)ms\s*(?:TTL=(\d+))?|([^\s:\]].*))$',
                                ['host', 'sign', 'time', 'ttl', 'rest']) END AS found,
                 form IS NULL AND is_reply(line) AND regexp_matches(line, ': ([bB]ytes=\d*\s*|[bB]y[tes]*|[bB]|([bB]ytes=\d+ )?(time|Zeit|tim|Zei|ti|Ze|t|Z)([=<]\d*m?)?)$') AS is_broken
          FROM (SELECT form, host, time, ttl, CASE WHEN form IS NULL THEN regexp_extract(line, '((Reply from|Antwort von) .*|Request timed out\.|Zeitüberschreitung der Anforderung\.|PING: .*|General failure\.|Allgemeiner Fehler\.)\s*$', 1) END AS line
                FROM records WHERE form IS NOT NULL OR is_reply(line) OR is_lost(line)))
    UNION ALL BY NAME
    SELECT figure.metric AS metric, figure.value AS value, unit
    FROM (SELECT line_number, unit, unnest(CASE unit WHEN '1' THEN [{metric: 'packets_sent', value: found[1]}, {metric: 'packets_received', value: found[2]}, {metric: 'packets_lost', value: found[3]}]
                                     ELSE [{metric: 'rtt_min', value: found[1]}, {metric: 'rtt_max', value: found[2]}, {metric: 'rtt_mean', value: found[3]}] END) AS figure
          FROM summaries ORDER BY line_number)
    WHERE figure.value <> ''
)

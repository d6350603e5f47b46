-- What ping prints: that of iputils (with -D, -O, in any language), of BusyBox, inetutils, BSD and macOS. An answer is a
-- sample, in milliseconds; its time is that of its receipt (-D). A probe without an answer is a lost sample where ping says so,
-- with -O ("no answer yet", at the time of the next probe), as an error ("From ... Unreachable") or as "Request timeout"; not
-- where an answer to it comes later. Without such lines the file does not hold which were lost, the summary says how many.
-- Below 16 bytes of data ping measures no time. What the summary says is an aggregate; mdev is the population's deviation.
-- harness: ping
-- signs: "seq=", "icmp_req=", "\nping"
-- looks for: answers with `icmp_seq=` and `time=`, and the summary
-- format: lines
-- form: stamped = [{epoch_ns SECONDS}] {_ INTEGER} bytes from {host}: icmp_seq={seq INTEGER} ttl={ttl INTEGER} time={value DECIMAL} ms
-- form: stamped_named = [{epoch_ns SECONDS}] {_ INTEGER} bytes from {host} ({address}): icmp_seq={seq INTEGER} ttl={ttl INTEGER} time={value DECIMAL} ms
-- form: plain = {_ INTEGER} bytes from {host}: icmp_seq={seq INTEGER} ttl={ttl INTEGER} time={value DECIMAL} ms
-- form: plain_named = {_ INTEGER} bytes from {host} ({address}): icmp_seq={seq INTEGER} ttl={ttl INTEGER} time={value DECIMAL} ms
-- form: short = {_ INTEGER} bytes from {host}: seq={seq INTEGER} ttl={ttl INTEGER} time={value DECIMAL} ms
-- metrics: rtt = duration lower
-- metrics: rtt_* = duration lower aggregate
-- metrics: packets_lost = counter lower aggregate
-- metrics: packets_* = counter aggregate

-- name: recognise
SELECT NOT json_valid(first_line) AND (regexp_matches(text, '(?m)^.{0,80}\b\d+ .*\b(icmp_seq|icmp_req|seq)=\d+ (ident=\d+ )?(ttl|hlim)=\d+')
    OR regexp_matches(text, '(?m)^PING6?[ (]\S.*\d') AND regexp_matches(text, '(?m)\b(icmp_seq|icmp_req|seq)[= ]\d+|packets transmitted, \d+|^--- .* ---'))
FROM content

-- name: prepare
CREATE TEMP MACRO is_answer(line) AS regexp_matches(line, 'seq=\d+ (ident=\d+ )?(ttl|hlim)=\d') OR regexp_matches(line, 'icmp_req=\d+ ttl=\d');
CREATE TEMP TABLE others AS SELECT line_number, line FROM other_lines WHERE NOT is_answer(line);
SET VARIABLE headers = (SELECT coalesce(list(line_number ORDER BY line_number), []) FROM others WHERE regexp_matches(line, '^PING6?[ (]'));
CREATE TEMP MACRO run_of(number) AS len(list_filter(getvariable('headers'), lambda h: h <= number));
CREATE TEMP TABLE summaries AS
SELECT line_number, summary.sent::BIGINT AS sent, summary.received::BIGINT AS received,
       coalesce(TRY_CAST(summary.again AS BIGINT), 0) AS again
FROM (SELECT line_number, regexp_extract(line, '^(\d+) packets transmitted, (\d+) (?:packets )?received(?:, (?:\+(\d+) duplicates)?)?', ['sent', 'received', 'again']) AS summary
      FROM others WHERE contains(line, ' packets transmitted, '))
WHERE summary.sent <> '';
CREATE TEMP TABLE unanswered AS
SELECT line_number, run_of(line_number) AS run, regexp_extract(line, '(?:icmp_seq|icmp_req|\bseq)[= ](\d+)', 1)::BIGINT AS seq
FROM others WHERE regexp_matches(line, '(icmp_seq|icmp_req|\bseq)[= ]\d+');
SET VARIABLE asked = (SELECT coalesce(bitstring_agg(seq, 0, 65536), bitstring('0', 65537)) FROM unanswered WHERE seq < 65536);
SET VARIABLE has_unanswered = (SELECT count(*) > 0 FROM unanswered);
-- Numbers begin again behind 65,535, and with each run that was put behind another.
CREATE TEMP TABLE passed_over AS
SELECT DISTINCT one.line_number FROM unanswered one JOIN (
    SELECT line_number, seq FROM (
        SELECT line_number, CASE WHEN form IS NULL THEN TRY_CAST(split_part(split_part(replace(line, 'icmp_req=', 'seq='), 'seq=', 2), ' ', 1) AS BIGINT) ELSE seq END AS seq
        FROM records WHERE getvariable('has_unanswered') AND (form IS NOT NULL OR is_answer(line)))
    WHERE get_bit(getvariable('asked'), least(seq, 65536)::INTEGER) = 1
    UNION ALL SELECT line_number, seq FROM unanswered) AS later
ON one.seq = later.seq AND later.line_number BETWEEN one.line_number + 1 AND one.line_number + 32768 AND one.run = run_of(later.line_number);
SET VARIABLE counts = (
    SELECT {answers: count(*) + (SELECT coalesce(sum(lines), 0)::BIGINT FROM forms),
            untimed: count(*) FILTER (WHERE NOT regexp_matches(line, '(ttl|hlim)=\d+.* [^ =<]+[=<][0-9.,]+ \S')),
            others: count(*) FILTER (WHERE NOT regexp_matches(line, '^(\[\d+\.\d+\] )?\d+ ')),
            lost: (SELECT count(*) FROM unanswered WHERE line_number NOT IN (SELECT line_number FROM passed_over))}
    FROM other_lines WHERE is_answer(line))

-- name: session
SELECT {command: (SELECT list(line ORDER BY line_number) FROM others WHERE list_contains(getvariable('headers'), line_number))}::JSON AS configuration

-- name: warnings
SELECT 'holds ' || untimed || ' answers without a time: ping measures none below 16 bytes of data (-s)'
FROM (SELECT unnest(getvariable('counts'))) WHERE untimed > 0
UNION ALL
SELECT 'has text before ' || others || ' answers that is not read, such as a time that another program wrote'
FROM (SELECT unnest(getvariable('counts'))) WHERE others > 0
UNION ALL
SELECT 'has no summary, the run was broken off or goes on: which were lost at its end is not known' WHERE NOT EXISTS (FROM summaries)
UNION ALL
SELECT sent - received - lost || ' of ' || sent || ' probes were lost, says its summary, that have no line: ping writes one with -O alone'
FROM (SELECT sum(sent) AS sent, sum(received) AS received FROM summaries), (SELECT unnest(getvariable('counts'))) WHERE sent - received > lost
UNION ALL
SELECT 'holds ' || answers || ' answers where its summary says ' || received
FROM (SELECT sum(received + again) AS received FROM summaries), (SELECT unnest(getvariable('counts'))) WHERE answers <> received AND answers > 0

-- name: unused
SELECT 'lines that are no answers', count(*)
FROM others WHERE NOT regexp_matches(line, '(icmp_seq|icmp_req|\bseq)[= ]\d+|^PING6?[ (]| packets transmitted, |^--- .* ---|(=|:) *[0-9.]+/[0-9.]+/[0-9.]+')
HAVING count(*) > 0

-- name: measurements
SELECT metric, value, unit, epoch_ns, icmp_seq, host, ttl, duplicate, outcome
FROM (
    SELECT 'rtt' AS metric, 'ms' AS unit,
           CASE WHEN form IS NOT NULL THEN value WHEN is_broken THEN error('is no whole answer, the file may be cut off')::VARCHAR WHEN found.ttl = '' THEN NULL WHEN found.unit = 'ms' OR regexp_full_match(found.unit, '[^ -~]+') THEN replace(found.value, ',', '.')
                ELSE error('its times are in ' || found.unit || ', not in milliseconds') END AS value,
           CASE WHEN form IS NOT NULL THEN epoch_ns WHEN found.time <> '' THEN ns_from_s(found.time::DOUBLE) END AS epoch_ns,
           CASE WHEN form IS NOT NULL THEN seq ELSE TRY_CAST(found.seq AS BIGINT) END AS icmp_seq,
           CASE WHEN address IS NOT NULL THEN host || ' (' || address || ')' WHEN form IS NOT NULL THEN rtrim(host, ':') WHEN found.ttl <> '' OR found.rest <> '' THEN nullif(found.host, '') END AS host,
           CASE WHEN form IS NOT NULL THEN ttl ELSE TRY_CAST(found.ttl AS BIGINT) END AS ttl,
           CASE WHEN starts_with(found.rest, ' (DUP!)') THEN true END AS duplicate,
           CASE WHEN form IS NOT NULL OR found.ttl <> '' THEN NULL WHEN found.rest = '' THEN 'no answer' ELSE trim(found.rest) END AS outcome
    FROM (SELECT form, epoch_ns, host, address, seq, ttl, value,
                 CASE WHEN form IS NULL THEN regexp_matches(line, '^(\[[0-9.]+\] )?\d+ [^=]*seq=\d|^\[[0-9.]+(\]?$|\] [^=]*$)') AND (NOT is_answer(line) OR regexp_matches(line, '(ttl|hlim)=\d+ [^ =<]+[=<][^ ]*$')) END AS is_broken,
                 -- What is unnested is found once: else what is compared below would find it again.
                 unnest([CASE WHEN form IS NULL THEN regexp_extract(rtrim(line, chr(7)),
                     '^(?:\[(\d+\.\d+)\] )?(?:.*?(\S+?(?: \([^)]*\))?) ?[:,]? )?(?:icmp_seq|icmp_req|seq)[= ](\d+)(?: ident=\d+)?(?: (?:ttl|hlim)=(\d+))?(?: dst=\S+)?(?: [^ =<]+[=<](\S+) (\S+))?(.*)$',
                     ['time', 'host', 'seq', 'ttl', 'value', 'unit', 'rest']) END]) AS found
          FROM records
          WHERE form IS NOT NULL OR contains(line, 'seq') AND line_number NOT IN (SELECT line_number FROM passed_over) OR contains(line, 'icmp_req') OR line[1] = '[')
    WHERE form IS NOT NULL OR is_broken OR found.seq <> '' AND (found.ttl = '' OR found.value <> '')
    UNION ALL BY NAME
    SELECT figure.metric AS metric, figure.value::VARCHAR AS value, figure.unit AS unit
    FROM (SELECT unnest([{metric: 'packets_sent', value: sent, unit: '1'}, {metric: 'packets_received', value: received, unit: '1'},
                         {metric: 'packets_lost', value: sent - received, unit: '1'}]) AS figure FROM summaries ORDER BY line_number)
    UNION ALL BY NAME
    SELECT 'rtt_' || figure[1] AS metric, replace(figure[2], ',', '.') AS value, 'ms' AS unit
    FROM (SELECT unnest(list_zip(['min', 'mean', 'max', 'stddev'], string_split(found, '/'))) AS figure
          FROM (SELECT regexp_extract(line, '^.*\bmin/.*[=:] *([0-9.,]+/[0-9.,]+/[0-9.,]+(?:/[0-9.,]+)?)', 1) AS found
                FROM others WHERE contains(line, 'min/')) WHERE found <> '')
    WHERE figure[2] IS NOT NULL
)

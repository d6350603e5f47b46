-- What fping -J writes (5.5 and newer, with -c, -C or -l): a line an event. A reply is a sample, in milliseconds; one that timed
-- out is lost, and its time is that of giving up. `vSum` of -C has the replies again: it is samples where the file has no line of
-- them (-q). What the summary says of a host is an aggregate, and so is an interval's (-Q), whose attribute `interval_end` is its
-- time. What fping says of all hosts together (-s) is left.
-- harness: fping
-- signs: "\"resp\"", "\"timeout\"", "\"summary\"", "\"intsum\"", "\"vsum\"", "\"icmpechossent\""
-- looks for: lines `resp` and `timeout`, `vSum` of -C, or a summary
-- format: ndjson
-- form: reply = {{"resp": {{"timestamp": "{epoch_ns SECONDS}", "host": "{host JSON}", "seq": {probe WHOLE}, "size": {_ NUMBER}, "rtt": {value NUMBER}}}}}
-- form: reply_without_time = {{"resp": {{"host": "{host JSON}", "seq": {probe WHOLE}, "size": {_ NUMBER}, "rtt": {value NUMBER}}}}}
-- form: timeout = {{"timeout": {{"timestamp": "{epoch_ns SECONDS}", "host": "{host JSON}", "seq": {probe WHOLE}}}}}
-- form: timeout_without_time = {{"timeout": {{"host": "{host JSON}", "seq": {probe WHOLE}}}}}
-- metrics: rtt = duration lower
-- metrics: rtt_*, outage = duration lower aggregate
-- metrics: packets_lost = counter lower aggregate
-- metrics: packets_* = counter aggregate
-- reads: resp.timestamp|host|seq|rtt|ttl|tos|src|replyDst, timeout.timestamp|host|seq, vSum.host, vSum.values[], warning.host|message
-- reads: summary|intSum.time|host|xmt|rcv|rttMin|rttAvg|rttMax, summary|intSum."outage(ms)"
-- leaves: resp.size, summary|intSum.loss|return, stats.**

-- name: recognise
SELECT json_exists(value, '$.resp.host') AND json_exists(value, '$.resp.rtt') OR json_exists(value, '$.timeout.host') AND json_exists(value, '$.timeout.seq')
    OR json_exists(value, '$.summary.xmt') AND json_exists(value, '$.summary.rcv') OR json_exists(value, '$.intSum.xmt')
    OR json_type(value, '$.vSum.values') = 'ARRAY' OR json_exists(value, '$.stats.icmpEchosSent')
    OR json_exists(value, '$.warning.message') AND regexp_matches(text, '(?m)^\{"(resp|timeout|summary|vSum|intSum)": ?\{')
FROM content

-- name: prepare
-- Times as -D writes them, and in the forms of --timestamp-format, of which ctime is none that is read.
CREATE TEMP MACRO is_seconds(time) AS regexp_full_match(time, '\d+\.\d+');
CREATE TEMP MACRO is_date(time) AS regexp_full_match(time, '\d{4}-\d\d-\d\d[T ][\d:]+([+-]\d{4})?');
SET VARIABLE seen = (
    SELECT {replies: count(*) FILTER (WHERE is_reply) + (SELECT sum(lines)::BIGINT FROM forms), lists: count(*) FILTER (WHERE is_list),
            odd: min(time) FILTER (WHERE NOT is_seconds(time) AND NOT is_date(time)), warned: list(warning) FILTER (WHERE warning IS NOT NULL)}
    FROM (SELECT said[1] IS NOT NULL OR said[2] IS NOT NULL AS is_reply, said[3] IS NOT NULL AS is_list, said[4] AS warning,
                 coalesce(said[5]->>'$', said[6]->>'$') AS time
          FROM (SELECT json_extract(json, ['$.resp', '$.timeout', '$.vSum', '$.warning', '$.resp.timestamp', '$.timeout.timestamp']) AS said FROM other_lines)))

-- name: warnings
SELECT 'has times in a form that is not read, such as ' || getvariable('seen').odd || ': use -D alone' WHERE getvariable('seen').odd IS NOT NULL
UNION ALL
SELECT 'fping says of ' || (one->>'host') || ': ' || (one->>'message') FROM (SELECT unnest(getvariable('seen').warned) AS one)

-- name: unused
SELECT 'vSum of -C, which are the replies again', getvariable('seen').lists WHERE getvariable('seen').lists > 0 AND getvariable('seen').replies > 0

-- name: measurements
SELECT metric, value, value_text, unit, timestamp, epoch_ns, host, probe, ttl, tos, reply_from, outcome, interval_end
FROM (
    SELECT 'rtt' AS metric, value, odd.value_text AS value_text, 'ms' AS unit, coalesce(host, odd.host) AS host, coalesce(probe, odd.probe) AS probe,
           odd.timestamp AS timestamp, coalesce(epoch_ns, odd.epoch_ns) AS epoch_ns, odd.ttl AS ttl, odd.tos AS tos, odd.reply_from AS reply_from,
           CASE WHEN value IS NULL AND odd.value_text IS NULL THEN 'timed out' END AS outcome
    -- Of lines that are of no form alone: what is found of nulls takes a while, too.
    FROM (SELECT *, CASE WHEN said IS NOT NULL THEN {
              value_text: CASE WHEN is_reply THEN coalesce(said[1], 'no rtt') END, host: said[2], probe: said[3]::BIGINT,
              timestamp: CASE WHEN is_date(said[4]) THEN regexp_replace(replace(said[4], ' ', 'T'), '([+-]\d\d)(\d\d)$', '\1:\2') END,
              epoch_ns: CASE WHEN is_seconds(said[4]) THEN ns_from_s(said[4]::DOUBLE) END,
              ttl: nullif(said[5], '-1')::BIGINT, tos: nullif(said[6], '-1')::BIGINT, reply_from: coalesce(said[7], said[8])} END AS odd
          FROM (SELECT *, one[1] IS NOT NULL AS is_reply, CASE WHEN one IS NOT NULL THEN json_extract_string(coalesce(one[1], one[2]),
                    ['$.rtt', '$.host', '$.seq', '$.timestamp', '$.ttl', '$.tos', '$.replyDst', '$.src']) END AS said
                FROM (SELECT *, CASE WHEN form IS NULL THEN json_extract(json, ['$.resp', '$.timeout']) END AS one FROM records)))
    WHERE form IS NOT NULL OR said IS NOT NULL
    UNION ALL BY NAME
    SELECT 'rtt' AS metric, value->>'$' AS value_text, 'ms' AS unit, host, probe, CASE WHEN value->>'$' IS NULL THEN 'no reply' END AS outcome
    FROM (SELECT json->>'$.vSum.host' AS host, unnest(json_extract(json, '$.vSum.values[*]')) AS value,
                 unnest(range(json_array_length(json, '$.vSum.values')::BIGINT)) AS probe
          FROM other_lines WHERE getvariable('seen').replies = 0 AND json_exists(json, '$.vSum'))
    UNION ALL BY NAME
    SELECT figure.metric AS metric, figure.value AS value_text, figure.unit AS unit, one->>'host' AS host, (one->>'time')::BIGINT * 1000000000 AS epoch_ns, one->>'time' AS interval_end
    FROM (SELECT one, unnest([
              {metric: 'packets_sent', value: one->>'xmt', unit: '1'}, {metric: 'packets_received', value: one->>'rcv', unit: '1'},
              {metric: 'packets_lost', value: CASE WHEN json_exists(one, '$.loss') THEN ((one->>'xmt')::BIGINT - (one->>'rcv')::BIGINT)::VARCHAR END, unit: '1'},
              {metric: 'outage', value: one->>'outage(ms)', unit: 'ms'}, {metric: 'rtt_min', value: one->>'rttMin', unit: 'ms'},
              {metric: 'rtt_mean', value: one->>'rttAvg', unit: 'ms'}, {metric: 'rtt_max', value: one->>'rttMax', unit: 'ms'}]) AS figure
          FROM (SELECT coalesce(json->'summary', json->'intSum') AS one FROM other_lines) WHERE one IS NOT NULL)
    WHERE figure.value IS NOT NULL
)

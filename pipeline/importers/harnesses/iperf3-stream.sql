-- iperf3 --json-stream (3.17 and newer): a line an event, with the objects that --json has: start, interval, end, and error
-- where the test failed. With --json-stream-full-output the document of --json follows, indented: the same run again.
-- What becomes of an interval is that of iperf3.sql: its time is its end; intervals of -O are named omitted_... and come
-- before the others; the sums of streams repeat them, and what stands under "end" is named total_...
-- harness: iperf3
-- signs: "\"event\""
-- looks for: streams in events `interval`, and sums in the event `end`
-- format: lines
-- form: interval = {{"event":"interval",{_ WORDS}
-- form: spaced = {{"event": "interval",{ }{_ WORDS}
-- objects: start, end, socket, omitted, sender FIGURES bits_per_second, bytes, jitter_ms, lost_packets, lost_percent, max_rtt, max_snd_cwnd, max_snd_wnd, mean_rtt, min_rtt, out_of_order, packets, pmtu, reorder, retransmits, rtt, rttvar, snd_cwnd, snd_wnd IN data.streams[]
-- versions: 3.17 to 3.22
-- metrics: total_bits_per_second = gauge higher aggregate
-- metrics: total_retransmits, total_lost_packets, total_lost_percent = gauge lower aggregate
-- metrics: total_*rtt*, total_jitter = duration lower aggregate
-- metrics: total_* = gauge aggregate
-- metrics: bits_per_second = gauge higher
-- metrics: retransmits, lost_packets, out_of_order = event lower
-- metrics: reorder = gauge lower
-- metrics: lost_percent = gauge lower
-- metrics: *rtt, *rttvar, *jitter = duration lower
-- metrics: bytes, packets, omitted_bytes, omitted_packets, omitted_retransmits, omitted_lost_packets = event
-- metrics: * = gauge
-- reads: event, data, data.connected|connecting_to|accepted_connection|timestamp|test_start.**, data.connected[].**
-- reads: data.version|system_info|cookie|tcp_mss|tcp_mss_default|target_bitrate|fq_rate|sock_bufsize|sndbuf_actual|rcvbuf_actual
-- reads: data.streams[].socket|start|end|omitted|sender
-- reads: data.streams[].bits_per_second|bytes|retransmits|snd_cwnd|snd_wnd|rtt|rttvar|pmtu|reorder|jitter_ms|lost_packets|packets|lost_percent|out_of_order
-- reads: data.streams[].sender|receiver|udp.socket|start|end|omitted|sender
-- reads: data.streams[].sender|receiver|udp.bits_per_second|bytes|retransmits|snd_cwnd|snd_wnd|rtt|rttvar|pmtu|reorder|jitter_ms|lost_packets|packets|lost_percent|out_of_order|max_snd_cwnd|max_snd_wnd|max_rtt|min_rtt|mean_rtt
-- leaves: data.streams[].seconds, data.sum|sum_bidir_reverse.**, data.streams[].sender|receiver|udp.seconds
-- leaves: data.sum|sum_sent|sum_received|sum_bidir_reverse|sum_sent_bidir_reverse|sum_received_bidir_reverse.**
-- leaves: data.cpu_utilization_percent.*, data.sender_tcp_congestion|receiver_tcp_congestion
-- leaves: start.**, intervals[].**, end.**

-- name: recognise
SELECT value->>'event' = 'start' AND json_exists(value, '$.data.timestamp') FROM content

-- name: prepare
CREATE TEMP MACRO json_of(line) AS CASE WHEN NOT regexp_matches(line, '^[\s{}]\s*$|^\s') THEN line::JSON END;
CREATE TEMP TABLE others AS
SELECT event, data FROM (SELECT json->>'event' AS event, json->'data' AS data FROM (SELECT json_of(line) AS json FROM other_lines))
WHERE event <> 'interval';
SET VARIABLE start = (SELECT data FROM others WHERE event = 'start' LIMIT 1);
SET VARIABLE told_s = (getvariable('start')->>'$.test_start.omit')::DOUBLE;
SET VARIABLE omitted_s = coalesce(getvariable('told_s'), (
    SELECT max("end"::DOUBLE) FROM objects WHERE getvariable('told_s') IS NULL AND omitted::BOOLEAN), 0);
SET VARIABLE side = (
    SELECT CASE WHEN reverse IS NULL OR is_client = is_server THEN NULL
                WHEN (reverse = 0) = is_client THEN 'sender' ELSE 'receiver' END
    FROM (SELECT (getvariable('start')->>'$.test_start.reverse')::BIGINT AS reverse,
                 json_exists(getvariable('start'), '$.connecting_to') AS is_client,
                 json_exists(getvariable('start'), '$.accepted_connection') AS is_server));
-- Most streams have the keys of one of the first: their names and units are found once.
SET VARIABLE usual = (SELECT list(keys) FROM (SELECT DISTINCT keys FROM (SELECT keys FROM objects LIMIT 500) LIMIT 50));
SET VARIABLE names = (SELECT list_transform(getvariable('usual'), lambda keys: iperf3_names_of(keys)));
SET VARIABLE units = (SELECT list_transform(getvariable('usual'), lambda keys: iperf3_units_of(keys)))

-- name: session
SELECT strftime(make_timestamp_ms(coalesce((start->>'$.timestamp.timemillisecs')::BIGINT,
                                           (start->>'$.timestamp.timesecs')::BIGINT * 1000)), '%Y-%m-%dT%H:%M:%S.%fZ')
           AS started_at,
       regexp_replace(start->>'version', '^iperf ', '') AS harness_version,
       {start: start, error: (SELECT any_value(data->>'$') FROM others WHERE event = 'error')}::JSON AS configuration
FROM (SELECT CASE WHEN count(*) > 1 THEN error('holds ' || count(*) || ' runs, each with an event `start`; make a file of each')
                  ELSE getvariable('start') END AS start FROM others WHERE event = 'start')

-- name: warnings
SELECT 'iperf3 says that the test failed: ' || (data->>'$') FROM others WHERE event = 'error'
UNION ALL
SELECT 'has no event `end`: the test was broken off, or goes on' WHERE NOT EXISTS (FROM others WHERE event = 'end')
UNION ALL
SELECT 'has events `' || event || '`, which are not known: streams of theirs are taken for intervals'
FROM others WHERE event NOT IN ('start', 'end', 'error', 'server_output_json', 'server_output_text') GROUP BY event

-- name: measurements
FROM iperf3_samples((SELECT flatten(list(json_extract(data, '$.streams[*]'))) FROM others WHERE event = 'end'))

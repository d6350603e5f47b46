-- iperf3 --json. The interval of a stream is a sample; its time is the interval's end. Sums of streams repeat the
-- streams and are left out; what stands under "end" sums up the test and becomes metrics named total_...
-- Intervals of -O are no samples of the test: their metrics are named omitted_..., and they come before it, since the
-- clock begins again at 0 after them. Before 3.7 intervals do not say who sends; the test's direction does.
-- A congestion window or round-trip time below 0 is what iperf3 writes where the system does not tell.
-- harness: iperf3
-- documents: runs
-- signs: "\"intervals\""
-- looks for: streams in `intervals`, and sums in `end`
-- format: json
-- samples: intervals[]
-- objects: start, end, socket, omitted, sender FIGURES bits_per_second, bytes, jitter_ms, lost_packets, lost_percent, max_rtt, max_snd_cwnd, max_snd_wnd, mean_rtt, min_rtt, out_of_order, packets, pmtu, reorder, retransmits, rtt, rttvar, snd_cwnd, snd_wnd IN streams[]
-- versions: 3.1 to 3.22
-- revision: 2
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
-- reads: start.**, error, intervals[].streams[].socket|start|end|omitted|sender
-- reads: intervals[].streams[].bits_per_second|bytes|retransmits|snd_cwnd|snd_wnd|rtt|rttvar|pmtu|reorder|jitter_ms|lost_packets|packets|lost_percent|out_of_order
-- reads: end.streams[].sender|receiver|udp.socket|start|end|omitted|sender
-- reads: end.streams[].sender|receiver|udp.bits_per_second|bytes|retransmits|snd_cwnd|snd_wnd|rtt|rttvar|pmtu|reorder|jitter_ms|lost_packets|packets|lost_percent|out_of_order|max_snd_cwnd|max_snd_wnd|max_rtt|min_rtt|mean_rtt
-- leaves: intervals[].streams[].seconds, intervals[].sum|sum_bidir_reverse.**, end.streams[].sender|receiver|udp.seconds
-- leaves: end.sum|sum_sent|sum_received|sum_bidir_reverse|sum_sent_bidir_reverse|sum_received_bidir_reverse.**
-- leaves: end.cpu_utilization_percent.*, end.sender_tcp_congestion|receiver_tcp_congestion

-- name: recognise
SELECT json_exists(value, '$.start.timestamp') AND json_exists(value, '$.intervals') FROM content

-- name: prepare
SET VARIABLE told_s = (SELECT (json->>'$.start.test_start.omit')::DOUBLE FROM document);
SET VARIABLE omitted_s = coalesce(getvariable('told_s'), (
    SELECT max("end"::DOUBLE) FROM objects WHERE getvariable('told_s') IS NULL AND omitted::BOOLEAN), 0);
SET VARIABLE side = (
    SELECT CASE WHEN reverse IS NULL OR is_client = is_server THEN NULL
                WHEN (reverse = 0) = is_client THEN 'sender' ELSE 'receiver' END
    FROM (SELECT (json->>'$.start.test_start.reverse')::BIGINT AS reverse,
                 json_exists(json, '$.start.connecting_to') AS is_client,
                 json_exists(json, '$.start.accepted_connection') AS is_server FROM document));
-- Most streams have the keys of one of the first: their names and units are found once.
SET VARIABLE usual = (SELECT list(keys) FROM (SELECT DISTINCT keys FROM (SELECT keys FROM objects LIMIT 500) LIMIT 50));
SET VARIABLE names = (SELECT list_transform(getvariable('usual'), lambda keys: iperf3_names_of(keys)));
SET VARIABLE units = (SELECT list_transform(getvariable('usual'), lambda keys: iperf3_units_of(keys)))

-- name: session
SELECT strftime(make_timestamp_ms(coalesce((json->>'$.start.timestamp.timemillisecs')::BIGINT,
                                           (json->>'$.start.timestamp.timesecs')::BIGINT * 1000)), '%Y-%m-%dT%H:%M:%S.%fZ')
           AS started_at,
       regexp_replace(json->>'$.start.version', '^iperf ', '') AS harness_version,
       {start: json->'start', error: json->>'error'}::JSON AS configuration
FROM document

-- name: warnings
SELECT 'iperf3 says that the test failed: ' || (json->>'error') FROM document

-- name: measurements
FROM iperf3_samples((SELECT json_extract(json, '$.end.streams[*]') FROM document))

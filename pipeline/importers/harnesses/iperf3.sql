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
CREATE TEMP MACRO names_of(keys) AS list_transform(keys, lambda key: replace(key, '_ms', ''));
CREATE TEMP MACRO units_of(keys) AS list_transform(names_of(keys), lambda name: iperf3_units()[list_position(iperf3_names(), name)]);
SET VARIABLE usual = (SELECT list(keys) FROM (SELECT DISTINCT keys FROM (SELECT keys FROM objects LIMIT 500) LIMIT 50));
SET VARIABLE names = (SELECT list_transform(getvariable('usual'), lambda keys: names_of(keys)));
SET VARIABLE units = (SELECT list_transform(getvariable('usual'), lambda keys: units_of(keys)))

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
WITH streams AS (
    SELECT start, "end", socket, omitted::BOOLEAN AS omitted, sender, NULL AS direction, CASE WHEN omitted::BOOLEAN THEN 'omitted_' ELSE '' END AS prefix,
           keys, figures, list_position(getvariable('usual'), keys) AS place FROM objects
    UNION ALL
    SELECT said[1], said[2], said[3], said[4]::BOOLEAN, said[5], side, 'total_', list_filter(iperf3_names(), lambda name, nth: numbers[nth] IS NOT NULL),
           list_transform(list_filter(numbers, lambda number: number IS NOT NULL), lambda number: number->>'$'), 0
    FROM (SELECT side, iperf3_numbers(stream->side) AS numbers,
                 json_extract_string(stream->side, ['$.start', '$.end', '$.socket', '$.omitted', '$.sender']) AS said
          FROM (SELECT stream, unnest(['udp', 'sender', 'receiver']) AS side
                FROM (SELECT unnest(json_extract(json, '$.end.streams[*]')) AS stream FROM document))
          WHERE json_exists(stream, '$.' || side))
)
SELECT CASE prefix WHEN '' THEN name ELSE prefix || name END AS metric, value, unit, offset_ns, socket, interval_start, omitted, side
FROM (SELECT prefix, ns_from_s("end"::DOUBLE + CASE WHEN prefix = 'omitted_' THEN 0 ELSE getvariable('omitted_s') END) AS offset_ns,
             socket::BIGINT AS socket, ns_from_s(start::DOUBLE) / 1e9 AS interval_start, omitted,
             coalesce(direction, CASE sender::BOOLEAN WHEN true THEN 'sender' WHEN false THEN 'receiver' ELSE getvariable('side') END) AS side,
             unnest(CASE WHEN place > 0 THEN getvariable('names')[place] ELSE names_of(keys) END) AS name,
             unnest(CASE WHEN place > 0 THEN getvariable('units')[place] ELSE units_of(keys) END) AS unit, unnest(figures) AS value
      FROM streams)
-- Of nearly all numbers their first sign tells that they are not negative.
WHERE CASE WHEN ord(value) BETWEEN 48 AND 57 THEN true ELSE NOT (starts_with(value, '-') AND regexp_matches(name, 'snd_|rtt|pmtu')) END

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
    SELECT max((stream->>'end')::DOUBLE) FROM (SELECT unnest(json_extract(json, '$.streams[*]')) AS stream FROM samples WHERE getvariable('told_s') IS NULL)
    WHERE (stream->>'omitted')::BOOLEAN), 0);
SET VARIABLE side = (
    SELECT CASE WHEN reverse IS NULL OR is_client = is_server THEN NULL
                WHEN (reverse = 0) = is_client THEN 'sender' ELSE 'receiver' END
    FROM (SELECT (json->>'$.start.test_start.reverse')::BIGINT AS reverse,
                 json_exists(json, '$.start.connecting_to') AS is_client,
                 json_exists(json, '$.start.accepted_connection') AS is_server FROM document))

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
    SELECT unnest(json_extract(json, '$.streams[*]')) AS stream, NULL::VARCHAR AS direction, false AS is_total FROM samples
    UNION ALL
    SELECT stream->side, side, true
    FROM (SELECT stream, unnest(['udp', 'sender', 'receiver']) AS side
          FROM (SELECT unnest(json_extract(json, '$.end.streams[*]')) AS stream FROM document))
    WHERE json_exists(stream, '$.' || side)
)
-- What begins as a number is one, and its own text: only for others the engine parses it.
SELECT prefix || name AS metric, value, unit, offset_ns, socket, interval_start, omitted, side
FROM (SELECT *, CASE WHEN ord(number::VARCHAR) BETWEEN 45 AND 57 THEN number::VARCHAR ELSE number->>'$' END AS value FROM (
    SELECT prefix, ns_from_s(said[2]::DOUBLE + CASE WHEN prefix = 'omitted_' THEN 0 ELSE getvariable('omitted_s') END) AS offset_ns,
           said[3]::BIGINT AS socket, ns_from_s(said[1]::DOUBLE) / 1e9 AS interval_start, said[4]::BOOLEAN AS omitted,
           coalesce(direction, CASE said[5]::BOOLEAN WHEN true THEN 'sender' WHEN false THEN 'receiver' ELSE getvariable('side') END) AS side,
           unnest(iperf3_names()) AS name, unnest(iperf3_units()) AS unit, unnest(iperf3_numbers(stream)) AS number
    FROM (
        SELECT stream, direction, said, CASE WHEN is_total THEN 'total_' WHEN said[4]::BOOLEAN THEN 'omitted_' ELSE '' END AS prefix
        FROM (SELECT *, json_extract_string(stream, ['$.start', '$.end', '$.socket', '$.omitted', '$.sender']) AS said FROM streams)
    )
) WHERE number IS NOT NULL)
WHERE NOT (starts_with(value, '-') AND regexp_matches(name, 'snd_|rtt|pmtu'))
